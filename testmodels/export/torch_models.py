"""The models of ../torch: which network, inputs of which sizes, what is dynamic."""
from dataclasses import dataclass, field

import torch

import export_models as onnx_models
import networks as nets
import torch_networks as own
from export_models import Input


@dataclass
class Model:
    build: object
    architecture: str
    inputs: object                 # {name: export_models.Input}, or a function (sizes, generator) -> tuple of arguments
    sizes: list                    # of the two cases: the values of the dimensions that have names; the first is exported
    outputs: list = None           # names, in pytree order; by default made of the path
    dynamic: object = None         # a function () -> dynamic_shapes of torch.export; by default from the inputs
    missing: dict = field(default_factory=dict)   # variant -> why it is not made
    fixed: tuple = ()              # names of dimensions that stay fixed in the export
    scriptable: object = None      # a function that makes the module ready for torch.jit.script
    calibrate: bool = True
    special: bool = False          # outputs may be infinite or of unusual magnitude
    no_grad: bool = False          # writes through views of chunk() are errors where gradients are wanted

    def dynamic_names(self) -> list:
        if callable(self.inputs):
            return sorted({N, H, W, T, "s"} & set(self.sizes[0]))
        return sorted({d for i in self.inputs.values() for d in i.dims if isinstance(d, str)} - set(self.fixed))


MODELS = {}
N, H, W, T = "batch", "height", "width", "time"


def arguments(model: Model, sizes: dict, generator: torch.Generator) -> tuple:
    if callable(model.inputs):
        return model.inputs(sizes, generator)
    return tuple(onnx_models.sample(spec, sizes, generator) for spec in model.inputs.values())


def dynamic_shapes(model: Model, args: tuple):
    if model.dynamic:
        return model.dynamic()
    # AUTO, not named dimensions: relations between sizes (multiples of 8, say) become guards instead of errors.
    shapes = []
    for spec in model.inputs.values():
        shapes.append({i: torch.export.Dim.DYNAMIC if d == N else torch.export.Dim.AUTO
                       for i, d in enumerate(spec.dims) if isinstance(d, str) and d not in model.fixed})
    return tuple(shapes)


def like(name: str, source: str, build=None, sizes=None, **kw) -> None:
    """A network that the ONNX fixtures have too, narrower."""
    base = onnx_models.MODELS[source]
    outputs = kw.pop("outputs", base.outputs)
    MODELS[name] = Model(build or base.build, kw.pop("architecture", base.architecture), kw.pop("inputs", base.inputs),
                         sizes or base.trials[:2], outputs, **kw)


def add(name, build, architecture, inputs, sizes, **kw) -> None:
    MODELS[name] = Model(build, architecture, inputs, sizes, **kw)


def images(size: int, other=None, channels=3):
    other = other or (size, size)
    return dict(sizes=[{N: 2, H: size, W: size}, {N: 3, H: other[0], W: other[1]}])


FIXED_IMAGE = dict(fixed=(H, W))
SMALL = "left out, the folder is to be small"
TRANSFORMERS = {"scripted.pt": "models of transformers cannot be scripted"}
LEAN = dict(missing={"frozen.pt": SMALL})
SHORTER = dict(missing={k: SMALL for k in ("frozen.pt", "model.decomposed.pt2", "traced.pt", "scripted.pt")})
SHORT = dict(missing={k: SMALL for k in ("frozen.pt", "model.decomposed.pt2", "traced.pt")})
LEANER = dict(missing={"frozen.pt": SMALL, "model.decomposed.pt2": SMALL})

like("resnet18", "resnet18_narrow", lambda: nets.resnet18((4, 6, 8, 12), 8), **images(40), **FIXED_IMAGE)
like("mobilenet_v3", "mobilenet_v3_narrow", lambda: nets.mobilenet_v3(0.25, 24), **images(32), **FIXED_IMAGE, **SHORT)
like("efficientnet", "efficientnet_narrow", lambda: nets.efficientnet(0.25, 24, 2), **images(24), **FIXED_IMAGE, **LEANER)
like("densenet", "densenet_narrow", lambda: nets.densenet(4, (2, 2, 2, 2), 8, 2), **images(32), **FIXED_IMAGE, **SHORT)
like("vit", "vit_narrow", lambda: nets.vit(12, 2, 3), **LEAN)
like("swin", "swin_narrow", lambda: nets.swin(8, (1, 1)), **LEANER)
like("convnext", "convnext_narrow", lambda: nets.convnext((1, 1, 1, 1), (6, 8, 12, 16)), **images(32), **FIXED_IMAGE, **SHORT)
like("unet", "unet_small", lambda: nets.UNet(2), **images(16, (24, 32)), **LEANER)
like("deeplab", "deeplab_small", lambda: nets.DeepLab(width=4), **images(32), **FIXED_IMAGE, **SHORT)
# The third case has another length, which torch.export fixes in recurrent layers and TorchScript does not.
RECURRENT = dict(sizes=[{N: 2, T: 2}, {N: 3, T: 2}, {N: 2, T: 7}], fixed=(T,))
like("lstm_classifier", "lstm_classifier", lambda: nets.LstmClassifier(8), **RECURRENT)
like("gru_classifier", "gru_classifier", **RECURRENT, **LEANER)
like("mobilenet_v2", "mobilenet_v2_narrow", lambda: nets.mobilenet_v2(0.25, 48), **images(32), **FIXED_IMAGE, **SHORTER)
like("shufflenet", "shufflenet_v2_narrow", lambda: nets.shufflenet([1, 2, 1], [8, 16, 24, 32, 48]), **images(32), **FIXED_IMAGE, **SHORTER)
like("activations", "activations", **images(8, (6, 10)), **LEAN)
like("pooling", "pooling", **images(16, (13, 19)))
like("norms", "norms")
like("resize_pad", "resize_pad", **images(8, (10, 12)), **SHORT)
like("conv_variants", "conv_variants", **SHORT)
like("tensor_ops", "tensor_ops")
like("equal_dims", "equal_dims", lambda: nets.EqualDims(8), inputs={"x": Input([N, 8, 8, 8])}, **LEANER,
     sizes=[{N: 8}, {N: 5}])
like("video_conv3d", "video_conv3d", fixed=(T, H, W), sizes=[{N: 2, T: 4, H: 16, W: 24}, {N: 3, T: 4, H: 16, W: 24}], **LEANER)
like("speech_conv1d", "speech_conv1d", sizes=[{N: 2, T: 160}, {N: 3, T: 160}, {N: 2, T: 233}], fixed=(T,), **LEANER)
like("bert", "bert_small", lambda: nets.bert("sdpa", 16), missing={**TRANSFORMERS, **LEANER["missing"]})
like("gpt2", "gpt2_small", lambda: nets.gpt2("sdpa", 16), missing={**TRANSFORMERS, **LEANER["missing"]})
like("segformer", "segformer_small", lambda: nets.segformer([4, 4, 6, 8], 8),
     sizes=[{N: 2}, {N: 3}], inputs={"image": Input([N, 3, 32, 32])}, missing={**TRANSFORMERS, **SHORT["missing"]})


# ---- networks of torch_networks.py ---------------------------------------------------------------------------------

EXPORT_ONLY = {k: "only for torch.export" for k in ("traced.pt", "scripted.pt", "frozen.pt")}
SCRIPT_ONLY = {k: "only for torch.jit.script" for k in ("model.pt2", "model.decomposed.pt2", "traced.pt")}
D = torch.export.Dim


def normal(*dims):
    return Input(list(dims))


def whole(low, high, *dims):
    return Input(list(dims), "int64", (low, high))


add("inplace_views", own.InplaceViews, "in-place operations on slices, selects and other views",
    {"x": normal(N, 3, 4, 5), "y": normal(N, 7)}, [{N: 2}, {N: 3}], no_grad=True)
add("script_control", own.ScriptControl, "TorchScript: if, while and for with decisions made at run time",
    lambda sizes, g: (torch.randn(sizes[N], 6, generator=g) + sizes["shift"], torch.tensor(sizes["count"])),
    [{N: 2, "shift": 0.5, "count": 2}, {N: 3, "shift": -0.8, "count": 4}], missing=SCRIPT_ONLY, special=True)
add("script_types", own.ScriptTypes, "TorchScript: lists, dictionaries, tuples, optionals, attributes of such types, methods",
    lambda sizes, g: (torch.randn(sizes[N], 5, generator=g), tuple(torch.randn(sizes[N], 4, generator=g) for _ in range(2))),
    [{N: 2}, {N: 3}], missing=SCRIPT_ONLY)
add("control_flow", own.Cond, "torch.cond, nested",
    lambda sizes, g: (torch.randn(sizes[N], 6, generator=g) + sizes["shift"], torch.tensor(sizes["flag"])),
    [{N: 2, "shift": 0.7, "flag": True}, {N: 3, "shift": -0.7, "flag": False}], dynamic=lambda: ({0: D.DYNAMIC}, None), missing=EXPORT_ONLY,
    calibrate=False)
add("while_scan", own.WhileScan, "while_loop and scan",
    lambda sizes, g: (torch.randn(sizes[N], 5, 4, generator=g), torch.tensor(sizes["limit"])),
    [{N: 2, "limit": 3}, {N: 3, "limit": 6}], dynamic=lambda: ({0: D.DYNAMIC}, None), missing=EXPORT_ONLY,
    calibrate=False)


def nested(sizes, g):
    def some(*shape):
        return torch.randn(*shape, generator=g)
    n = sizes[N]
    return ({"x": some(n, 4), "mask": torch.rand(n, generator=g) > 0.5}, (some(n, 4), (some(3), some(n, 4))),
            [some(n, 2) for _ in range(3)], 2.5)


add("nested_io", own.NestedIo, "nested inputs and outputs, with None and constants", nested, [{N: 2}, {N: 3}],
    dynamic=lambda: ({"x": {0: D.DYNAMIC}, "mask": {0: D.DYNAMIC}}, ({0: D.DYNAMIC}, (None, {0: D.DYNAMIC})), [{0: D.DYNAMIC}] * 3, None),
    missing={k: "TorchScript has no dictionaries of mixed types" for k in ("traced.pt", "scripted.pt", "frozen.pt")})
add("buffers", own.Buffers, "buffers that are written or not saved, tied weights, parameters that are views", {"ids": whole(0, 10, N, 5)},
    [{N: 2}, {N: 3}], missing={"traced.pt": "tracing runs the model, which changes its buffers"})
add("dynamic_shapes", own.DynamicShapes, "several symbolic sizes with relations",
    lambda sizes, g: (torch.randn(sizes[N], sizes["s"], 8, generator=g), torch.randn(sizes[N], 2 * sizes["s"], 8, generator=g),
                      torch.randn(sizes[N], 3, sizes[H], sizes[W], generator=g)),
    [{N: 2, "s": 6, H: 8, W: 6}, {N: 3, "s": 10, H: 10, W: 12}], dynamic=lambda: related(), special=True)


def related():
    batch, t, h, w = D("batch", min=2, max=64), D("t", min=2, max=9), D("h", min=2, max=32), D("w", min=2, max=32)
    return {0: batch, 1: 2 * t}, {0: batch, 1: 4 * t}, {0: batch, 2: 2 * h, 3: 2 * w}


add("custom_op", own.CustomOp, "a custom operator with attributes", {"x": normal(N, 5)}, [{N: 2}, {N: 3}], missing=EXPORT_ONLY)
add("quantized_qdq", own.QuantizedQdq, "quantize and dequantize operators of PT2E", {"x": normal(N, 3, 5, 6)}, [{N: 2}, {N: 3}],
    missing=EXPORT_ONLY)
add("transformer", own.EncoderDecoder, "torch.nn.Transformer: encoder and decoder, causal and padding masks",
    {"source": whole(0, 30, N, 9), "target": whole(1, 28, N, 7)}, [{N: 2}, {N: 3}], **LEANER)
NO_SCRIPT = dict(missing={**TRANSFORMERS, **LEANER["missing"]})
VAR = dict(NO_SCRIPT, dynamic=lambda: (({0: D.DYNAMIC, 1: D.DYNAMIC},) * 2,))
add("t5", lambda: own.t5(16, 1), "T5 (transformers), tiny", {"input_ids": whole(1, 96, N, 9), "decoder_input_ids": whole(1, 96, N, 5)},
    [{N: 2}, {N: 3}], dynamic=lambda: (({0: D.DYNAMIC},) * 2,), **NO_SCRIPT)
add("llama", lambda: own.llama(16, 2), "Llama (transformers), tiny",
    {"input_ids": whole(0, 96, N, T), "attention_mask": Input([N, T], "int64", values="attention_mask")},
    [{N: 2, T: 7}, {N: 3, T: 11}], **VAR)
add("clip", lambda: own.clip(16, 1), "CLIP (transformers), tiny",
    {"input_ids": whole(1, 96, N, 8), "pixel_values": normal(N, 3, 32, 32)}, [{N: 2}, {N: 3}], dynamic=lambda: (({0: D.DYNAMIC},) * 2,),
    **NO_SCRIPT)
add("whisper", lambda: own.whisper(16, 1, 20), "Whisper (transformers), tiny",
    {"input_features": normal(N, 20, 20), "decoder_input_ids": whole(3, 96, N, 5)}, [{N: 2}, {N: 3}],
    dynamic=lambda: (({0: D.DYNAMIC},) * 2,), **NO_SCRIPT)
