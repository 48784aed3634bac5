"""Networks of the fixtures in PyTorch's own formats, for what the ONNX fixtures do not have: writes through views, run-time decisions,
nested values, buffers, symbolic sizes, custom and quantized operators, and small transformers."""
import math
from typing import Dict, List, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import nn


class InplaceViews(nn.Module):
    """In-place operations on slices, selects and other views, whose bases are read afterwards."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.bn = nn.BatchNorm2d(3)

    def forward(self, x, y):
        n = x.size(0)
        a = self.conv(x)
        a[:, 0] += 1
        a[:, 1:3, ::2].mul_(0.5)
        a.select(1, 3).fill_(0.25)
        a[:, 4, 1:, 2].copy_(y[:, :3])
        F.relu_(a[:, 5])

        b = a.clone()
        b[..., -1] = y[:, :1].unsqueeze(2)
        b.view(n, -1)[:, 5:9].zero_()
        b.masked_fill_(b > 0.9, 0.3)
        first, second = b.chunk(2, 1)
        first.add_(second, alpha=0.5)

        c = self.bn(x)
        c.transpose(1, 2)[:, 1].add_(0.1)
        c.permute(0, 2, 3, 1)[..., 1].sub_(c[:, 0] * 0.5)
        c[:, 2].clamp_(min=-0.2).neg_()
        c[:, :, 0:2, 1:3] = 0.75

        d = torch.zeros_like(x)
        d[:, 1].copy_(x[:, 2])
        d[:, 0] = x.mean(1)
        d[d < 0] = -0.5
        d[:, torch.tensor([2, 0])] += 0.125

        e = y.new_zeros(n, 5)
        e.scatter_(1, y[:, :2].abs().mul(2).long().clamp(max=4), 1.5)
        e.unsqueeze_(1)
        e.index_fill_(2, torch.tensor([3]), 0.4)
        f = y.new_ones(4, 4).triu_()
        f.diagonal().fill_(2.0)
        g = y.expand(2, n, 7).clone()
        g[1, :, 3:] *= f.sum(0)
        return a, b, c, d, e, f, g


class Cond(nn.Module):
    """torch.cond, nested, with tensors of the model in the branches."""

    def __init__(self):
        super().__init__()
        self.left = nn.Linear(6, 6)
        self.right = nn.Linear(6, 6)
        self.scale = nn.Parameter(torch.zeros(6))

    def forward(self, x, flag):
        def positive(t):
            return torch.cond(t.mean() > 0.1, lambda u: self.left(u).relu(), lambda u: self.left(u) * 0.5, (t,))

        def negative(t):
            return self.right(t) + self.scale

        y = torch.cond(x.sum() > 0, positive, negative, (x,))
        z, w = torch.cond(flag, lambda t, s: (t + s, t * s), lambda t, s: (t - s, s + 0.5), (x, y))
        return y, z, w


class ScriptControl(nn.Module):
    """Decisions and loops that TorchScript makes when it runs, beside those that are known before."""

    steps: torch.jit.Final[int]

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(6, 6) for _ in range(3)])
        self.gate = nn.Linear(6, 1)
        self.steps = 2
        self.use_gate = True

    def forward(self, x: torch.Tensor, count: torch.Tensor, extra: Optional[torch.Tensor] = None):
        if x.dim() != 2:
            raise ValueError("two dimensions")
        if extra is not None:
            x = x + extra
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if i < self.steps:
                x = torch.tanh(x)
        if bool(x.sum() > 0):
            y = x * 2
            kind = 1
        else:
            y = x - 1
            kind = 2
        total = torch.zeros_like(y)
        n = int(count)
        for i in range(n):
            total = total + y * (i + 1)
            if bool(total.abs().max() > 30.0):
                break
        rounds = 0
        while bool(y.abs().max() > 0.5) and rounds < 20:
            y = y * 0.6
            rounds += 1
        if self.use_gate:
            y = y * torch.sigmoid(self.gate(y))
        rows: List[torch.Tensor] = []
        for j in range(3):
            rows.append(y[:, j] * float(j + kind))
        return y, total, torch.stack(rows, 1), rounds_tensor(rounds, kind)


def rounds_tensor(rounds: int, kind: int):
    return torch.tensor([rounds, kind])


class ScriptTypes(nn.Module):
    """TorchScript's lists, dictionaries, tuples, optionals, early returns, and functions of its own."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleDict({"a": nn.Linear(5, 4), "b": nn.Linear(5, 4)})
        self.sizes: List[int] = [4, 4]
        self.scales: Dict[str, float] = {"a": 0.5, "b": 2.0}
        self.mask: Optional[torch.Tensor] = None

    @torch.jit.export
    def helper(self, x: torch.Tensor, power: float) -> torch.Tensor:
        if x.shape[-1] == 4:
            return x.abs() ** power
        return x

    def forward(self, x: torch.Tensor, pair: Tuple[torch.Tensor, torch.Tensor]):
        left, right = pair
        found: Dict[str, torch.Tensor] = {}
        for name, block in self.blocks.items():
            found[name] = self.helper(block(x), 2.0) * self.scales[name]
        if self.mask is None:
            joined = torch.cat([found["a"], found["b"]], dim=1)
        else:
            joined = found["a"]
        parts = torch.split(joined, self.sizes, 1)
        acc = left
        for part in parts:
            acc = acc + part * right
        shape = [x.size(0), -1]
        label = "wide" if len(parts) > 3 else "narrow"
        assert label == "narrow"
        last = [p.mean() for p in parts][-1]
        return acc.reshape(shape), (joined, last), {"sum": acc.sum(1)}


class WhileScan(nn.Module):
    """The higher-order operators while_loop, scan and map."""

    def __init__(self):
        super().__init__()
        self.cell = nn.Linear(4, 4)

    def forward(self, x, limit):
        from torch._higher_order_ops import while_loop
        from torch._higher_order_ops.scan import scan

        def more(i, value):
            return i < limit

        def step(i, value):
            return i + 1, torch.tanh(self.cell(value)) + 0.1 * i

        count, looped = while_loop(more, step, (torch.zeros((), dtype=torch.int64), x.mean(1)))

        def combine(carry, item):
            new = 0.5 * carry + torch.relu(item)
            return new, new * 2

        last, rows = scan(combine, torch.zeros_like(x[:, 0]), x, dim=1)
        return count, looped, last, rows


class NestedIo(nn.Module):
    """Nested inputs and outputs; None and constants among them; an input that is not used, an output that is an input."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.register_buffer("table", torch.arange(6.0).reshape(2, 3))

    def forward(self, batch: Dict[str, torch.Tensor], pair, items: List[torch.Tensor], factor: float = 2.0):
        x = self.fc(batch["x"])
        left, (middle, right) = pair
        total = items[0]
        for item in items[1:]:
            total = total * item
        return {"first": x + left, "rest": [middle * factor, (right - x, None)], "table": self.table, "number": 3,
                "same": batch["mask"], "total": total}


class Buffers(nn.Module):
    """Buffers that are written, that are not saved, weights that are tied, parameters that are views."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(11, 6)
        self.head = nn.Linear(6, 11, bias=False)
        self.head.weight = self.embed.weight
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.register_buffer("mean", torch.zeros(6))
        self.register_buffer("frequency", 1.0 / 10 ** (torch.arange(3) / 3), persistent=False)
        self.register_buffer("expanded", torch.tensor([[0.5, -1.0, 2.0, 0.25, 1.5, -0.75]]).expand(4, 6))
        self.turned = nn.Parameter(torch.ones(6, 5).t())
        self.window = nn.Parameter(torch.ones(40)[3:27].view(4, 6)[:, ::2])
        self.coarse = nn.Parameter(torch.ones(6, dtype=torch.float16))

    def forward(self, ids):
        self.steps.add_(1)
        x = self.embed(ids)
        self.mean.mul_(0.9).add_(0.1 * x.mean((0, 1)))
        y = x - self.mean
        y = y + torch.cat([torch.sin(self.frequency), torch.cos(self.frequency)])
        z = (y[:, :4] * self.expanded) @ self.turned.t()
        w = y[:, :4, :3] + self.window * self.steps
        return self.head(y * self.coarse.float()), z, w, self.mean + 0, self.steps * 2


class DynamicShapes(nn.Module):
    """Several symbolic sizes with relations between them; shapes are computed."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 12)
        self.table = nn.Parameter(torch.zeros(64, 8))

    def forward(self, x, y, image):
        b, s, d = x.shape
        _, double, _ = y.shape
        h, w = image.shape[-2:]
        positions = torch.arange(s, device=x.device)
        x = x + self.table[:s] + self.table.index_select(0, positions + 1)
        q = self.fc(x).view(b, s, 3, 4).transpose(1, 2)
        k = y.reshape(b, s, 2 * d)[..., :12].reshape(b, s, 3, 4).permute(0, 2, 1, 3)
        scores = torch.einsum("bhqd,bhkd->bhqk", q, k) / (s ** 0.5)
        causal = torch.ones(s, s, dtype=torch.bool).tril()
        scores = scores.masked_fill(~causal, float("-inf")).softmax(-1)
        half = x[:, s // 2:] * (double - s)
        grid = torch.stack(torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij"), 0).expand(b, 2, h, w)
        resized = F.interpolate(image, size=(h * 2 - 1, w + 3), mode="bilinear", align_corners=False)
        patches = image.reshape(b, 3, h // 2, 2, w // 2, 2).permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)
        merged = torch.cat([y.mean(1, keepdim=True).expand(-1, 3, -1), x], 1)
        ones = torch.full((b, s + 1), 0.5).cumsum(1)
        flat = x.flatten(0, 1).unflatten(0, (b, s)).repeat(1, 2, 1)[:, 1:-1]
        padded = F.pad(x, (0, 0, 0, max(0, 20 - s)))
        return scores, half, grid, resized, patches, merged, ones, flat, padded


# ---- a custom operator -------------------------------------------------------------------------------------------

def register_custom_op():
    @torch.library.custom_op("tenon_demo::scaled_shift", mutates_args=())
    def scaled_shift(x: torch.Tensor, shift: Optional[torch.Tensor], scale: float, dims: List[int], mode: str = "add",
                     clip: bool = False) -> torch.Tensor:
        y = x.flip(dims) * scale
        if shift is not None:
            y = y + shift if mode == "add" else y - shift
        return y.clamp(-1, 1) if clip else y.clone()

    @scaled_shift.register_fake
    def _(x, shift, scale, dims, mode="add", clip=False):
        return torch.empty_like(x)


class CustomOp(nn.Module):
    def __init__(self):
        super().__init__()
        if not hasattr(torch.ops.tenon_demo, "scaled_shift"):
            register_custom_op()
        self.fc = nn.Linear(5, 5)
        self.shift = nn.Parameter(torch.zeros(5))

    def forward(self, x):
        op = torch.ops.tenon_demo.scaled_shift
        y = op(self.fc(x), self.shift, 1.5, [1])
        return op(y, None, 0.5, [0, 1], mode="sub", clip=True).relu()


class QuantizedQdq(nn.Module):
    """What PT2E quantization leaves: pairs of quantize and dequantize, per tensor and per channel, around floating-point operators."""

    def __init__(self):
        super().__init__()
        import torch.ao.quantization.fx._decomposed  # noqa: F401  registers quantized_decomposed
        generator = torch.Generator().manual_seed(5)
        self.register_buffer("conv_weight", torch.randint(-127, 128, (6, 3, 3, 3), generator=generator).to(torch.int8))
        self.register_buffer("conv_scales", torch.rand(6, generator=generator) * 0.004 + 0.001)
        self.register_buffer("conv_zeros", torch.zeros(6, dtype=torch.int64))
        self.conv_bias = nn.Parameter(torch.zeros(6))
        self.register_buffer("fc_weight", torch.randint(-127, 128, (4, 6), generator=generator).to(torch.int8))
        self.register_buffer("scale", torch.tensor(0.03))
        self.register_buffer("zero", torch.tensor(-3))

    def forward(self, x):
        ops = torch.ops.quantized_decomposed
        q = ops.quantize_per_tensor.default(x, 0.025, 12, -128, 127, torch.int8)
        x = ops.dequantize_per_tensor.default(q, 0.025, 12, -128, 127, torch.int8)
        w = ops.dequantize_per_channel.default(self.conv_weight, self.conv_scales, self.conv_zeros, 0, -127, 127, torch.int8)
        y = F.relu(F.conv2d(x, w, self.conv_bias, padding=1))
        q = ops.quantize_per_tensor.default(y, 0.02, 0, 0, 255, torch.uint8)
        y = ops.dequantize_per_tensor.default(q, 0.02, 0, 0, 255, torch.uint8).mean((2, 3))
        w = ops.dequantize_per_tensor.default(self.fc_weight, 0.006, 0, -127, 127, torch.int8)
        z = F.linear(y, w)
        q = ops.quantize_per_tensor.tensor(z, self.scale, self.zero, -128, 127, torch.int8)
        return ops.dequantize_per_tensor.tensor(q, self.scale, self.zero, -128, 127, torch.int8), q


class EncoderDecoder(nn.Module):
    """torch.nn.Transformer with a causal target mask and padding masks."""

    def __init__(self):
        super().__init__()
        self.source = nn.Embedding(31, 16)
        self.target = nn.Embedding(29, 16)
        self.position = nn.Parameter(torch.zeros(1, 32, 16))
        self.transformer = nn.Transformer(16, 4, 1, 1, 24, batch_first=True)
        self.head = nn.Linear(16, 29)

    def forward(self, source, target):
        s = self.source(source) + self.position[:, :source.shape[1]]
        t = self.target(target) + self.position[:, :target.shape[1]]
        size = target.shape[1]
        mask = torch.triu(torch.full((size, size), float("-inf")), diagonal=1)
        padding = source == 0
        return self.head(self.transformer(s, t, tgt_mask=mask, tgt_is_causal=True,
                                          src_key_padding_mask=padding, memory_key_padding_mask=padding))


# ---- transformers, small ------------------------------------------------------------------------------------------

class Named(nn.Module):
    """Passes positional arguments by name, and gives back the tensors of the output that are asked for."""

    def __init__(self, model, inputs, outputs, **fixed):
        super().__init__()
        self.model, self.inputs, self.outputs, self.fixed = model, inputs, outputs, fixed

    def forward(self, *args):
        out = self.model(**dict(zip(self.inputs, args)), **self.fixed)
        return tuple(out[k] for k in self.outputs)


def bert(width=64, layers=3):
    from transformers import BertConfig, BertModel
    config = BertConfig(vocab_size=101, hidden_size=width, num_hidden_layers=layers, num_attention_heads=4, intermediate_size=2 * width,
                        max_position_embeddings=64)
    return Named(BertModel(config), ["input_ids", "attention_mask"], ["last_hidden_state", "pooler_output"])


def gpt2(width=64, layers=3):
    from transformers import GPT2Config, GPT2LMHeadModel
    config = GPT2Config(vocab_size=97, n_positions=64, n_embd=width, n_layer=layers, n_head=4, bos_token_id=0, eos_token_id=0)
    return Named(GPT2LMHeadModel(config), ["input_ids"], ["logits"], use_cache=False)


def llama(width=64, layers=3):
    from transformers import LlamaConfig, LlamaForCausalLM
    config = LlamaConfig(vocab_size=97, hidden_size=width, intermediate_size=7 * width // 4, num_hidden_layers=layers,
                         num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64)
    return Named(LlamaForCausalLM(config), ["input_ids", "attention_mask"], ["logits"], use_cache=False)


def t5(width=48, layers=2):
    from transformers import T5Config, T5ForConditionalGeneration
    config = T5Config(vocab_size=97, d_model=width, d_kv=width // 4, d_ff=2 * width, num_layers=layers, num_decoder_layers=layers,
                      num_heads=4, decoder_start_token_id=0, feed_forward_proj="gated-gelu")
    return Named(T5ForConditionalGeneration(config), ["input_ids", "decoder_input_ids"], ["logits", "encoder_last_hidden_state"],
                 use_cache=False)


def clip(width=48, layers=2):
    from transformers import CLIPConfig, CLIPModel
    common = dict(hidden_size=width, intermediate_size=2 * width, num_hidden_layers=layers, num_attention_heads=4)
    text = dict(vocab_size=97, max_position_embeddings=32, eos_token_id=96, bos_token_id=95, pad_token_id=0, **common)
    config = CLIPConfig(text_config=text, vision_config=dict(image_size=32, patch_size=8, **common), projection_dim=32)
    return Named(CLIPModel(config), ["input_ids", "pixel_values"], ["logits_per_image", "text_embeds", "image_embeds"])


def whisper(width=48, layers=2, frames=100):
    from transformers import WhisperConfig, WhisperForConditionalGeneration
    config = WhisperConfig(vocab_size=97, num_mel_bins=20, d_model=width, encoder_layers=layers, decoder_layers=layers,
                           encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=2 * width, decoder_ffn_dim=2 * width,
                           max_source_positions=frames // 2, max_target_positions=32, pad_token_id=0, bos_token_id=1, eos_token_id=2,
                           decoder_start_token_id=1)
    return Named(WhisperForConditionalGeneration(config), ["input_features", "decoder_input_ids"],
                 ["logits", "encoder_last_hidden_state"], use_cache=False)


def vit(width=48, layers=3):
    from transformers import ViTConfig, ViTForImageClassification
    config = ViTConfig(hidden_size=width, num_hidden_layers=layers, num_attention_heads=4, intermediate_size=2 * width, image_size=48,
                       patch_size=8, num_labels=10)
    return Named(ViTForImageClassification(config), ["pixel_values"], ["logits"])
