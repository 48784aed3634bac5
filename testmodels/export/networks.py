"""The networks behind the fixtures: library architectures made narrow, and hand-written ones for what they miss."""
try:
    import tvshim  # noqa: F401  only needed where torchvision was built for CUDA and torch was not
except ImportError:
    pass

import functools

import timm.layers
import timm.models
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

# The fused encoder kernel of torch.nn.TransformerEncoderLayer cannot be traced.
torch.backends.mha.set_fastpath_enabled(False)


# ---- library architectures, narrow -----------------------------------------------------------------------------

def resnet18(channels=(12, 16, 24, 32), stem=64):
    from timm.models.resnet import BasicBlock, ResNet
    model = ResNet(BasicBlock, (2, 2, 2, 2), num_classes=10, channels=channels, stem_width=12)
    if stem != 64:  # the class fixes the stem's width at 64
        first = model.layer1[0]
        model.conv1 = nn.Conv2d(3, stem, 7, stride=2, padding=3, bias=False)
        model.bn1 = nn.BatchNorm2d(stem)
        first.conv1 = nn.Conv2d(stem, channels[0], 3, padding=1, bias=False)
        first.downsample[0] = nn.Conv2d(stem, channels[0], 1, bias=False)
    return model


def resnet50():
    from timm.models.resnet import Bottleneck, ResNet
    return ResNet(Bottleneck, (2, 3, 2, 2), num_classes=10, channels=(8, 12, 16, 24))


def mobilenet_v2(width=0.5, last=None):
    model = torchvision.models.MobileNetV2(num_classes=10, width_mult=width, inverted_residual_setting=[
        [1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 2, 2], [4, 48, 1, 2]])
    if last:  # the class fixes the last width at 1280
        conv = model.features[-1][0]
        model.features[-1] = torchvision.ops.Conv2dNormActivation(conv.in_channels, last, 1, activation_layer=nn.ReLU6)
        model.classifier[1] = nn.Linear(last, 10)
    return model


def mobilenet_v3(width=0.5, last=128):
    from torchvision.models.mobilenetv3 import InvertedResidualConfig, MobileNetV3
    conf = functools.partial(InvertedResidualConfig, width_mult=width)
    return MobileNetV3([
        conf(16, 3, 16, 16, True, "RE", 2, 1), conf(16, 3, 72, 24, False, "RE", 2, 1),
        conf(24, 3, 88, 24, False, "RE", 1, 1), conf(24, 5, 96, 40, True, "HS", 2, 1),
        conf(40, 5, 120, 40, True, "HS", 1, 1)], last_channel=last, num_classes=10)


def efficientnet(width=0.5, last=128, stages=4):
    from torchvision.models.efficientnet import EfficientNet, MBConvConfig
    conf = functools.partial(MBConvConfig, width_mult=width, depth_mult=0.6)
    return EfficientNet([
        conf(1, 3, 1, 32, 16, 1), conf(6, 3, 2, 16, 24, 2), conf(6, 5, 2, 24, 40, 2), conf(6, 3, 2, 40, 56, 3)][:stages],
        dropout=0.2, num_classes=10, last_channel=last)


def densenet(growth=8, blocks=(3, 4, 4, 3), first=16, bottleneck=3):
    return torchvision.models.DenseNet(growth_rate=growth, block_config=blocks, num_init_features=first, bn_size=bottleneck,
                                       num_classes=10)


def shufflenet(repeats=(2, 4, 2), channels=(8, 24, 48, 64, 128)):
    return torchvision.models.ShuffleNetV2(list(repeats), list(channels), num_classes=10)


def vit(width=48, depth=3, heads=3):
    from timm.models.vision_transformer import VisionTransformer
    return VisionTransformer(img_size=32, patch_size=8, num_classes=10, embed_dim=width, depth=depth, num_heads=heads)


def swin(width=24, depths=(2, 2)):
    from timm.models.swin_transformer import SwinTransformer
    return SwinTransformer(img_size=32, patch_size=2, num_classes=10, embed_dim=width, depths=depths, num_heads=(2, 4),
                           window_size=4)


def convnext(depths=(1, 1, 2, 1), dims=(16, 24, 32, 48)):
    from timm.models.convnext import ConvNeXt
    return ConvNeXt(num_classes=10, depths=depths, dims=dims)


def segformer(widths=(8, 16, 24, 32), decoder=32):
    from transformers import SegformerConfig, SegformerForSemanticSegmentation
    return Logits(SegformerForSemanticSegmentation(SegformerConfig(
        num_channels=3, depths=[1, 1, 1, 1], hidden_sizes=list(widths), num_attention_heads=[1, 2, 3, 4],
        mlp_ratios=[2, 2, 2, 2], decoder_hidden_size=decoder, num_labels=5)))


class Logits(nn.Module):
    """Only the logits of a transformers model for images."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, pixel_values):
        return self.model(pixel_values=pixel_values).logits


class BertOutputs(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.bert = model

    def forward(self, input_ids, attention_mask, token_type_ids):
        out = self.bert(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
        return out.last_hidden_state, out.pooler_output


def bert(attention="eager", width=48):
    from transformers import BertConfig, BertModel
    return BertOutputs(BertModel(BertConfig(
        vocab_size=101, hidden_size=width, num_hidden_layers=2, num_attention_heads=4, intermediate_size=2 * width,
        max_position_embeddings=64, attn_implementation=attention)))


class CausalLogits(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids):
        # Without a mask the model looks for packed sequences, which the TorchScript exporter cannot express.
        mask = torch.ones_like(input_ids) if torch.jit.is_tracing() else None
        return self.model(input_ids=input_ids, attention_mask=mask, use_cache=False).logits


class PaddedCausalLogits(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask, use_cache=False).logits


def gpt2_padded():
    return PaddedCausalLogits(gpt2("sdpa").model)


def gpt2(attention="eager", width=48):
    from transformers import GPT2Config, GPT2LMHeadModel
    return CausalLogits(GPT2LMHeadModel(GPT2Config(
        vocab_size=97, n_positions=64, n_embd=width, n_layer=2, n_head=4, attn_implementation=attention,
        bos_token_id=0, eos_token_id=0)))


# ---- hand-written networks -------------------------------------------------------------------------------------

def conv_bn(cin, cout, k=3, **kw):
    kw.setdefault("padding", k // 2 if isinstance(k, int) else tuple(i // 2 for i in k))
    return nn.Sequential(nn.Conv2d(cin, cout, k, bias=False, **kw), nn.BatchNorm2d(cout), nn.ReLU(inplace=True))


class UNet(nn.Module):
    """Learned upsampling, nearest and bilinear resizing to the size of the skip connection."""

    def __init__(self, base=8, classes=3):
        super().__init__()
        b = base
        self.enc1 = nn.Sequential(conv_bn(3, b), conv_bn(b, b))
        self.enc2 = nn.Sequential(conv_bn(b, 2 * b), conv_bn(2 * b, 2 * b))
        self.enc3 = nn.Sequential(conv_bn(2 * b, 4 * b), conv_bn(4 * b, 4 * b))
        self.pool = nn.MaxPool2d(2)
        self.middle = nn.Sequential(conv_bn(4 * b, 8 * b), conv_bn(8 * b, 8 * b))
        self.up3 = nn.ConvTranspose2d(8 * b, 4 * b, 2, stride=2)
        self.dec3 = nn.Sequential(conv_bn(8 * b, 4 * b), conv_bn(4 * b, 4 * b))
        self.dec2 = nn.Sequential(conv_bn(6 * b, 2 * b), conv_bn(2 * b, 2 * b))
        self.dec1 = nn.Sequential(conv_bn(3 * b, b), conv_bn(b, b))
        self.head = nn.Conv2d(b, classes, 1)

    def forward(self, x):
        e1 = self.enc1(x)
        e2 = self.enc2(self.pool(e1))
        e3 = self.enc3(self.pool(e2))
        m = self.middle(self.pool(e3))
        d3 = self.dec3(torch.cat([self.up3(m), e3], 1))
        d2 = F.interpolate(d3, scale_factor=2.0, mode="nearest")
        d2 = self.dec2(torch.cat([d2, e2], 1))
        d1 = F.interpolate(d2, size=e1.shape[2:], mode="bilinear", align_corners=False)
        d1 = self.dec1(torch.cat([e1, d1], 1))
        return self.head(d1)


class DeepLab(nn.Module):
    """Dilated backbone, atrous spatial pyramid pooling with an image-level branch, low-level skip."""

    def __init__(self, classes=4, width=8):
        super().__init__()
        w = width
        self.stem = nn.Sequential(conv_bn(3, 3 * w // 2, stride=2), conv_bn(3 * w // 2, 2 * w))
        self.stage = nn.Sequential(conv_bn(2 * w, 3 * w, stride=2), conv_bn(3 * w, 3 * w, padding=2, dilation=2),
                                   conv_bn(3 * w, 3 * w, padding=4, dilation=4))
        self.b0 = conv_bn(3 * w, 2 * w, 1)
        self.b1 = conv_bn(3 * w, 2 * w, padding=3, dilation=3)
        self.b2 = conv_bn(3 * w, 2 * w, padding=6, dilation=6)
        self.image = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(3 * w, 2 * w, 1, bias=False), nn.BatchNorm2d(2 * w),
                                   nn.ReLU())
        self.project = nn.Sequential(conv_bn(8 * w, 3 * w, 1), nn.Dropout(0.5))
        self.low = conv_bn(2 * w, w, 1)
        self.fuse = nn.Sequential(conv_bn(4 * w, 3 * w), nn.Conv2d(3 * w, classes, 1))

    def forward(self, x):
        size = x.shape[-2:]
        low = self.stem(x)
        y = self.stage(low)
        image = F.interpolate(self.image(y), size=y.shape[-2:], mode="bilinear", align_corners=False)
        y = self.project(torch.cat([self.b0(y), self.b1(y), self.b2(y), image], dim=1))
        y = F.interpolate(y, size=low.shape[-2:], mode="bilinear", align_corners=True)
        y = self.fuse(torch.cat([y, self.low(low)], dim=1))
        return F.interpolate(y, size=size, mode="bilinear", align_corners=False)


class Residual1d(nn.Module):
    def __init__(self, c, k, dilation):
        super().__init__()
        self.conv = nn.Conv1d(c, c, k, padding=dilation * (k // 2), dilation=dilation, bias=False)
        self.bn = nn.BatchNorm1d(c)
        self.gate = nn.Conv1d(c, 2 * c, 1)

    def forward(self, x):
        return x + F.glu(self.gate(F.leaky_relu(self.bn(self.conv(x)), 0.1)), dim=1)


class SpeechNet(nn.Module):
    """Raw signal to class scores per frame and per clip; 1-d batch norm, dilation, causal padding, pooling."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv1d(1, 16, 9, stride=4, padding=3), nn.BatchNorm1d(16), nn.ReLU())
        self.blocks = nn.Sequential(*[Residual1d(16, 3 + 2 * (i % 2), 2 ** i) for i in range(4)])
        self.causal = nn.Conv1d(16, 24, 4, groups=2)
        self.bn = nn.BatchNorm1d(24)
        self.pool = nn.MaxPool1d(3, stride=2, padding=1)
        self.avg = nn.AvgPool1d(2)
        self.frames = nn.Conv1d(24, 6, 1)
        self.hidden = nn.Linear(24, 20)
        self.hidden_bn = nn.BatchNorm1d(20)
        self.clip = nn.Linear(20, 6)

    def forward(self, signal):
        x = self.blocks(self.stem(signal))
        x = self.avg(self.pool(F.elu(self.bn(self.causal(F.pad(x, (3, 0)))))))
        frames = self.frames(x).log_softmax(1)
        x = torch.tanh(self.hidden_bn(self.hidden(x.mean(-1))))
        return frames, self.clip(x)


class VideoNet(nn.Module):
    def __init__(self):
        super().__init__()

        def block(cin, cout, k=3, **kw):
            return nn.Sequential(nn.Conv3d(cin, cout, k, bias=False, **kw), nn.BatchNorm3d(cout), nn.ReLU())

        self.stem = block(3, 8, (3, 5, 5), stride=(1, 2, 2), padding=(1, 2, 2))
        self.pool = nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1))
        self.spatial = block(8, 16, (1, 3, 3), padding=(0, 1, 1))
        self.temporal = block(16, 16, (3, 1, 1), padding=(2, 0, 0), dilation=(2, 1, 1))
        self.group = block(16, 16, 3, padding=1, groups=4)
        self.pool2 = nn.MaxPool3d(2)
        self.avg = nn.AvgPool3d((1, 2, 2), padding=(0, 1, 1), count_include_pad=False)
        self.up = nn.ConvTranspose3d(16, 12, (2, 3, 2), stride=(2, 1, 2), padding=(0, 1, 0))
        self.head = nn.AdaptiveAvgPool3d(1)
        self.fc = nn.Linear(12, 7)

    def forward(self, clip):
        x = self.spatial(self.pool(self.stem(clip)))
        x = self.group(x + self.temporal(x))
        x = self.up(self.avg(self.pool2(x)))
        return self.fc(torch.flatten(self.head(F.relu(x)), 1)), x


class LstmClassifier(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.embed = nn.Embedding(53, width - 4)
        self.lstm = nn.LSTM(width - 4, width, num_layers=2, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(2 * width, 6)

    def forward(self, tokens):
        y, (h, _) = self.lstm(self.embed(tokens))
        return self.fc(y.mean(1) + torch.cat([h[-2], h[-1]], dim=1)), y


class GruClassifier(nn.Module):
    """Sequence-first GRU over features, with an initial state as an input."""

    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(10, 28, num_layers=1)
        self.back = nn.GRU(28, 12, num_layers=1, bidirectional=True)
        self.fc = nn.Linear(24, 5)

    def forward(self, features, state):
        y, last = self.gru(features, state)
        y, _ = self.back(y)
        return self.fc(y[-1] + y.amax(0)), last


class EqualDims(nn.Module):
    """Channels = height = width (= batch, at the first trial size): nothing can be told from sizes alone."""

    def __init__(self, n=16):
        super().__init__()
        self.n = n
        self.tall = nn.Conv2d(n, n, (5, 1), padding=(2, 0))
        self.wide = nn.Conv2d(n, n, (1, 3), padding=(0, 1), bias=False)
        self.bn = nn.BatchNorm2d(n)
        self.depth = nn.Conv2d(n, n, (3, 5), padding=(1, 2), groups=n)
        self.stride = nn.Conv2d(n, n, 3, stride=(2, 1), padding=1)
        self.up = nn.ConvTranspose2d(n, n, (2, 3), stride=(2, 1), padding=(0, 1))
        self.rows = nn.Linear(n, n)
        self.per_width = nn.Parameter(torch.zeros(n))
        self.per_height = nn.Parameter(torch.zeros(n, 1))
        self.per_channel = nn.Parameter(torch.zeros(n, 1, 1))
        self.norm = nn.LayerNorm(n)
        self.plane = nn.LayerNorm([n, n])
        self.mix = nn.Conv2d(n, n, 1)
        self.columns = nn.Conv1d(n, n, 3, padding=1)
        self.fc = nn.Linear(n, 8)

    def forward(self, x):
        x = F.relu(self.bn(self.wide(self.tall(x))))
        x = x + self.depth(x)
        x = x * (1 + 0.5 * self.per_width) + self.per_height + self.per_channel
        y = self.up(F.relu(self.stride(x)))
        y = self.rows(y) + self.norm(y.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        y = y + self.plane(y).transpose(2, 3) + 0.3 * y.transpose(1, 2)
        z = self.mix(y)
        attention = torch.softmax(torch.matmul(z, y.transpose(-1, -2)) / 16, dim=1)
        z = torch.matmul(attention, z)
        z = z + z.mean(1, keepdim=True) - z.amax(2, keepdim=True) + 0.5 * z.sum(3, keepdim=True) / 16
        flat = self.columns(z.mean(3)) + self.columns(z.mean(2))
        cat = torch.cat([torch.cat([y, z], 1).mean(2), torch.cat([y, z], 2).mean(1), torch.cat([y, z], 3).mean(1).
                        transpose(1, 2)], dim=1)
        return z, self.fc(flat.reshape(-1, self.n)).reshape(-1, self.n, 8), cat


class ConvVariants(nn.Module):
    """Unequal kernels, strides, paddings and dilations; groups; transposed convolutions; single channels."""

    def __init__(self):
        super().__init__()
        self.unequal = nn.Conv2d(4, 6, (3, 5), stride=(2, 1), padding=(1, 3), dilation=(2, 1))
        self.grouped = nn.Conv2d(4, 8, 3, groups=2, bias=False)
        self.multiplier = nn.Conv2d(4, 12, (3, 2), stride=2, groups=4, padding=1)
        self.depthwise_dilated = nn.Conv2d(4, 4, 3, groups=4, dilation=2, padding=2)
        self.depthwise_uneven = nn.Conv2d(4, 4, 3, stride=(1, 2), groups=4, padding=1)
        self.same_even = nn.Conv2d(4, 5, (2, 4), padding="same")
        self.padded = nn.Sequential(nn.ZeroPad2d((1, 0, 2, 3)), nn.Conv2d(4, 5, 3))
        self.pointwise_strided = nn.Conv2d(4, 3, 1, stride=2)
        self.bn = nn.BatchNorm2d(6)
        self.transposed = nn.ConvTranspose2d(6, 4, (3, 4), stride=(2, 3), padding=(1, 2), output_padding=(1, 2))
        self.transposed_grouped = nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2, output_padding=1, bias=False)
        self.transposed_bn = nn.BatchNorm2d(6)
        self.transposed_depthwise = nn.ConvTranspose2d(4, 4, 4, stride=2, padding=1, groups=4)
        self.transposed_dilated = nn.ConvTranspose2d(4, 3, (3, 2), dilation=(2, 3), padding=(1, 0))
        self.single = nn.Conv2d(1, 1, (1, 3), padding=(0, 1))
        self.single_up = nn.ConvTranspose2d(1, 3, (1, 2), stride=(1, 2))
        self.single_out = nn.Conv2d(3, 1, (1, 3), bias=False)
        self.line = nn.Conv1d(1, 5, 4, stride=3, padding=1, dilation=2)
        self.line_up = nn.ConvTranspose1d(5, 2, 5, stride=2, padding=1, output_padding=1)

    def forward(self, image, line):
        a = self.bn(self.unequal(image))
        b = self.grouped(image)
        c = self.multiplier(image)
        d = self.depthwise_uneven(self.depthwise_dilated(image))
        e = self.padded(image) * torch.sigmoid(self.same_even(image)).mean((2, 3), keepdim=True)
        f = self.pointwise_strided(image)
        g = self.transposed(F.relu(a))
        h = self.transposed_bn(self.transposed_grouped(image))
        i = self.transposed_dilated(self.transposed_depthwise(image))
        j = self.single_out(F.relu(self.single_up(self.single(line))))
        k = self.line_up(self.line(line.squeeze(2)))
        return a, b, c, d, e, f, g, h, i, j, k


class Activations(nn.Module):
    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(3 if i == 0 else 6, 6, 3, padding=1) for i in range(3)])
        self.prelu = nn.PReLU(6)
        self.prelu_one = nn.PReLU()

    def forward(self, x):
        x = self.prelu(self.convs[0](x))
        y = self.prelu_one(self.convs[1](x))
        outs = [F.relu6(3 * y), F.leaky_relu(y, 0.2), F.elu(y, 0.7), F.selu(y), F.celu(y, 1.3), F.gelu(y),
                F.gelu(y, approximate="tanh"), F.silu(y), F.mish(y), F.softplus(y), F.softsign(y), F.hardswish(y),
                F.hardsigmoid(y), F.hardtanh(y, -0.5, 0.8), F.logsigmoid(y), torch.tanh(y), F.hardshrink(y, 0.3), F.softshrink(y, 0.3)]
        total = outs[0]  # not sum(): TorchScript has none for tensors
        for out in outs[1:]:
            total = total + out
        z = self.convs[2](total / 4)
        glu = F.glu(z, dim=1)
        return torch.cat(outs, 1), F.softmax(z, 1), F.log_softmax(z, -1), glu


class Pooling(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3, padding=1)
        self.bn = nn.BatchNorm2d(5)

    def forward(self, x):
        x = self.bn(self.conv(x))
        return (F.max_pool2d(x, 3, 2, 1), F.max_pool2d(x, (2, 3), (1, 2), ceil_mode=True),
                F.max_pool2d(x, 3, 1, 1, dilation=2), F.avg_pool2d(x, 3, 2, 1),
                F.avg_pool2d(x, (3, 2), (2, 1), (1, 0), count_include_pad=False),
                F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False),
                F.adaptive_avg_pool2d(x, 1), F.adaptive_max_pool2d(x, 1), F.lp_pool2d(x.abs() + 0.1, 2, 3, 2))


class ResizePad(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.shuffle = nn.Conv2d(4, 8, 3, padding=1)

    def forward(self, x):
        x = self.conv(F.pad(x, (1, 2, 2, 1), mode="reflect"))
        y = F.pixel_shuffle(self.shuffle(F.pad(x, (0, 1, 2, 0), mode="replicate")), 2)
        return (F.interpolate(x, scale_factor=2.0, mode="nearest"), F.interpolate(x, size=(11, 19), mode="nearest"),
                F.interpolate(x, scale_factor=2.5, mode="bilinear", align_corners=False),
                F.interpolate(x, size=(21, 13), mode="bilinear", align_corners=True),
                F.interpolate(x, scale_factor=[0.5, 0.5], mode="bilinear", align_corners=False),
                F.interpolate(x, scale_factor=2.0, mode="bicubic", align_corners=False),
                F.pad(x, (1, 2, -1, 3), value=0.7), y, F.pixel_unshuffle(y[:, :, :8, :8], 2))


class Norms(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.group = nn.GroupNorm(4, 8)
        self.instance = nn.InstanceNorm2d(8, affine=True)
        self.plain = nn.InstanceNorm2d(8)
        self.layer = nn.LayerNorm(8, eps=1e-6)
        self.image = nn.LayerNorm([8, 10, 10])
        self.bn = nn.BatchNorm2d(8, affine=False)
        self.lrn = nn.LocalResponseNorm(3, alpha=0.2, beta=0.6, k=1.5)
        self.fc = nn.Linear(8, 6)
        self.bn1 = nn.BatchNorm1d(6)

    def forward(self, x):
        x = self.conv(x)
        y = self.layer(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        z = F.normalize(x, dim=1)
        return (self.group(x), self.instance(x), self.plain(2 * x), y, self.image(x), self.bn(x), self.lrn(x), z,
                self.bn1(self.fc(x.mean((2, 3)))), x.std((2, 3), unbiased=True), x.var(1, unbiased=False))


class TensorOps(nn.Module):
    """Shape and index operations as they appear in real forward functions."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(12, 24)
        self.table = nn.Embedding(17, 12)
        self.query = nn.Parameter(torch.zeros(3, 12))
        self.register_buffer("order", torch.tensor([3, 0, 2]))

    def forward(self, x, ids):
        b, t, c = x.shape
        x = x + self.table(ids)
        q, k = self.fc(x).chunk(2, -1)
        q = q.view(b, t, 3, 4).transpose(1, 2)
        k = k.view(b, -1, 3, 4).permute(0, 2, 3, 1)
        scores = (q @ k) * 0.5
        masked = scores.masked_fill(torch.ones(t, t, dtype=torch.bool).triu(1), float("-inf")).softmax(-1)
        queries = self.query.unsqueeze(0).expand(b, -1, -1)
        joined = torch.cat([queries, x], dim=1)
        first, rest = joined.split([3, t], dim=1)
        picked = x.index_select(2, self.order)
        stacked = torch.stack([x[:, 0], x[:, -1], x.mean(1)], dim=1)
        gathered = torch.gather(x, 2, ids.unsqueeze(-1) % 12)
        strided = x[:, ::2, 1:-1]
        where = torch.where(x > 0.2, x, 0.3 * x.abs().sqrt()).clamp(max=1.4)
        top, _ = x.topk(3, dim=2)
        eins = torch.einsum("bhqk,bkc->bhqc", masked, x)
        cum = x.cumsum(1)
        return (masked, joined, first.pow(2) - rest.mean(1, keepdim=True), picked, stacked, gathered, strided, where,
                top, eins, cum, x.argmax(-1), x.flip(1), x.repeat(1, 2, 1), torch.prod(1 + 0.1 * x, 2),
                torch.roll(x, 2, dims=2), (ids.float() / 3).floor() + torch.sin(x[:, :, 0]))


class Encoder(nn.Module):
    """torch.nn.TransformerEncoder on a sequence of feature vectors with a learned position table."""

    def __init__(self):
        super().__init__()
        self.inp = nn.Linear(10, 32)
        self.position = nn.Parameter(torch.zeros(1, 40, 32))
        layer = nn.TransformerEncoderLayer(32, 4, dim_feedforward=64, batch_first=True, activation="gelu")
        pre = nn.TransformerEncoderLayer(32, 4, dim_feedforward=48, batch_first=True, norm_first=True)
        self.post_norm = nn.TransformerEncoder(layer, 2)
        self.pre_norm = nn.TransformerEncoder(pre, 1, norm=nn.LayerNorm(32), enable_nested_tensor=False)
        self.out = nn.Linear(32, 5)

    def forward(self, features):
        x = self.inp(features) + self.position[:, :features.shape[1]]
        return self.out(self.pre_norm(self.post_norm(x)))


class StyleNet(nn.Module):
    """Image transformation with reflection padding, instance norm and nearest upsampling."""

    class Conv(nn.Module):
        def __init__(self, cin, cout, k, stride=1, upsample=None):
            super().__init__()
            self.upsample = upsample
            self.pad = nn.ReflectionPad2d(k // 2)
            self.conv = nn.Conv2d(cin, cout, k, stride)

        def forward(self, x):
            if self.upsample:
                x = F.interpolate(x, mode="nearest", scale_factor=self.upsample)
            return self.conv(self.pad(x))

    def __init__(self):
        super().__init__()
        C = StyleNet.Conv
        self.conv1, self.in1 = C(3, 8, 9), nn.InstanceNorm2d(8, affine=True)
        self.conv2, self.in2 = C(8, 16, 3, 2), nn.InstanceNorm2d(16, affine=True)
        self.res = nn.ModuleList([nn.Sequential(C(16, 16, 3), nn.InstanceNorm2d(16, affine=True), nn.ReLU(),
                                                C(16, 16, 3), nn.InstanceNorm2d(16, affine=True)) for _ in range(2)])
        self.up, self.in3 = C(16, 8, 3, upsample=2), nn.InstanceNorm2d(8, affine=True)
        self.out = C(8, 3, 9)

    def forward(self, x):
        x = F.relu(self.in2(self.conv2(F.relu(self.in1(self.conv1(x))))))
        for r in self.res:
            x = x + r(x)
        return self.out(F.relu(self.in3(self.up(x))))


class SuperResolution(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 5, padding=2)
        self.conv2 = nn.Conv2d(16, 16, 3, padding=1)
        self.conv3 = nn.Conv2d(16, 9, 3, padding=1)
        self.shuffle = nn.PixelShuffle(3)

    def forward(self, x):
        return self.shuffle(self.conv3(F.relu(self.conv2(torch.tanh(self.conv1(x))))))


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2))
        self.classifier = nn.Linear(8, 4)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


class Out(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x)["out"]


def full(name):
    """A full-size library architecture with random weights."""
    import timm
    if name.startswith("timm:"):
        return timm.create_model(name[5:], pretrained=False)
    if name == "deeplabv3":
        return Out(torchvision.models.segmentation.deeplabv3_mobilenet_v3_large(weights=None, weights_backbone=None))
    return getattr(torchvision.models, name)(weights=None)
