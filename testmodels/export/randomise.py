"""Gives a freshly built model parameters that make a conversion error visible.

A default initialisation hides errors: batch norms are the identity, biases and layer scales are zero or nearly so,
position embeddings are tiny. Here every one of them gets random values, and then convolutions and linear layers are
rescaled on one calibration batch (layer-sequential unit variance) so that activations neither explode nor vanish
and softmax inputs are not saturated.
"""
import torch
from torch import nn

try:
    from transformers.pytorch_utils import Conv1D
except ImportError:
    Conv1D = ()

_NORMS = (nn.LayerNorm, nn.GroupNorm, nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Linear)


def randomise(model: nn.Module, generator: torch.Generator) -> None:
    def normal(t, std, mean=0.0):
        with torch.no_grad():
            t.copy_(torch.randn(t.shape, generator=generator) * std + mean)

    def uniform(t, low, high):
        with torch.no_grad():
            t.copy_(torch.rand(t.shape, generator=generator) * (high - low) + low)

    done = set()
    for module in model.modules():
        if isinstance(module, _BATCH_NORMS):
            normal(module.running_mean, 0.3)
            uniform(module.running_var, 0.5, 2.0)
        if isinstance(module, _BATCH_NORMS + _NORMS) or type(module).__name__.startswith("LayerNorm"):
            if getattr(module, "weight", None) is not None:
                uniform(module.weight, 0.6, 1.4)
                done.add(id(module.weight))
            if getattr(module, "bias", None) is not None:
                normal(module.bias, 0.2)
                done.add(id(module.bias))
        elif isinstance(module, nn.Embedding):
            normal(module.weight, 0.6)
            done.add(id(module.weight))
        elif isinstance(module, nn.PReLU):
            uniform(module.weight, 0.05, 0.5)
            done.add(id(module.weight))
        elif isinstance(module, (nn.LSTM, nn.GRU, nn.RNN)):
            for p in module.parameters():
                uniform(p, -1.5 / module.hidden_size ** 0.5, 1.5 / module.hidden_size ** 0.5)
                done.add(id(p))
        elif isinstance(module, _LAYERS + ((Conv1D,) if Conv1D else ())):
            if id(module.weight) not in done:
                normal(module.weight, 1.0)
                done.add(id(module.weight))
            if module.bias is not None:
                normal(module.bias, 0.1)
                done.add(id(module.bias))
    for name, p in model.named_parameters():
        if id(p) in done:
            continue
        last = name.rsplit(".", 1)[-1]
        if last in ("gamma", "lambda1", "layer_scale") or "layer_scale" in name:
            uniform(p, 0.2, 1.0)
        elif last.endswith("bias"):
            normal(p, 0.1)
        elif last == "in_proj_weight":
            normal(p, 1.0 / p.shape[1] ** 0.5)
        else:
            normal(p, 0.4)  # position embeddings, class tokens, relative position tables, plain parameters


def calibrate(model: nn.Module, args) -> None:
    """Rescales each layer, in the order of execution, so that its output has unit root mean square."""
    kinds = _LAYERS + ((Conv1D,) if Conv1D else ())
    seen = set()
    embeddings = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    handles = []

    def hook(module, inputs, output):
        if id(module.weight) in seen or id(module.weight) in embeddings:
            return None
        seen.add(id(module.weight))
        bias = module.bias
        plain = output
        if bias is not None:
            shape = [1] * output.dim()
            shape[-1 if isinstance(module, nn.Linear) or (Conv1D and isinstance(module, Conv1D)) else 1] = -1
            plain = output - bias.detach().view(shape)
        rms = plain.pow(2).mean().sqrt().item()
        if rms < 1e-8:
            return None
        module.weight.data.div_(rms)
        return plain / rms + (output - plain)

    for module in model.modules():
        if isinstance(module, kinds):
            handles.append(module.register_forward_hook(hook))
    with torch.no_grad():
        model(*args)
    for h in handles:
        h.remove()
