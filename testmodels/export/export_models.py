"""Exports the test models to ONNX.

    python export_models.py --list
    python export_models.py --small              # the committed set      -> ../onnx/, and ../models.json
    python export_models.py --full               # the on-demand set      -> ../generated/, and ../models-full.json
    python export_models.py resnet18_narrow vit  # by name, or the start of a name

Each exported file is checked by check.py: the ONNX checker, then onnxruntime against PyTorch at the sizes of the
manifest, of which at least one differs from the exported one in batch size. Weights are random, seeded by the name
of the model, so every variant of a model has the same weights.
"""
import argparse
import copy
import json
import logging
import os
import sys
import time
import traceback
import warnings
import zlib
from dataclasses import dataclass, field
from pathlib import Path

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

import onnx
import torch

import networks as nets
from check import check
from randomise import calibrate, randomise

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
KINDS = {"float32": torch.float32, "int64": torch.int64, "int32": torch.int32}


@dataclass
class Input:
    dims: list                     # numbers, and names of the dynamic dimensions
    dtype: str = "float32"
    range: tuple = None            # of integers: low and high, both possible
    values: str = None             # "attention_mask": each row starts with one or more 1, the rest is 0


@dataclass
class Model:
    build: object
    inputs: dict
    outputs: list
    at: dict                       # the dynamic dimensions when exporting
    trials: list                   # and when verifying
    variants: dict
    architecture: str
    set: str = "small"
    external_data: bool = False
    calibrate: bool = True


def ts(opset=17, keep_batch_norm=False, fold=True):
    """The TorchScript exporter. Unless kept, batch norms are folded into convolutions (names become onnx::Conv_12)."""
    return dict(kind="ts", opset=opset, keep_batch_norm=keep_batch_norm, fold=fold)


def dynamo(opset=18, optimize=True):
    return dict(kind="dynamo", opset=opset, optimize=optimize)


N, H, W, T = "batch", "height", "width", "time"
MODELS = {}


def image(dims=(N, 3, H, W), name="image"):
    return {name: Input(list(dims))}


def add(name, build, inputs, outputs, at, trials, variants, architecture, **kw):
    for need in [d for i in inputs.values() for d in i.dims if isinstance(d, str)]:
        assert need in at and all(need in t for t in trials), (name, need)
    MODELS[name] = Model(build, inputs, outputs, at, trials, variants, architecture, **kw)


def conv(name, build, variants, architecture, outputs=("logits",), size=64, other=(96, 64), channels=3, **kw):
    """A fully convolutional network: batch, height and width are dynamic."""
    add(name, build, image((N, channels, H, W)), list(outputs), {N: 2, H: size, W: size},
        [{N: 2, H: size, W: size}, {N: 3, H: other[0], W: other[1]}, {N: 1, H: other[1], W: other[0]}],
        variants, architecture, **kw)


def fixed(name, build, variants, architecture, size=32, outputs=("logits",), **kw):
    """Dynamic batch, fixed image size."""
    add(name, build, image((N, 3, size, size)), list(outputs), {N: 2}, [{N: 2}, {N: 3}, {N: 1}], variants,
        architecture, **kw)


# ---- the committed set -----------------------------------------------------------------------------------------
conv("resnet18_narrow", nets.resnet18, {"ts": ts(13), "ts_bn": ts(17, keep_batch_norm=True), "dynamo": dynamo(18),
                                        "dynamo_raw": dynamo(18, optimize=False)}, "ResNet-18 (timm), narrow")
conv("resnet50_narrow", nets.resnet50, {"ts_bn": ts(13, keep_batch_norm=True), "dynamo_raw": dynamo(20, optimize=False)},
     "ResNet with bottleneck blocks (timm), narrow")
conv("mobilenet_v2_narrow", nets.mobilenet_v2, {"ts": ts(13), "dynamo": dynamo(18)}, "MobileNetV2 (torchvision), narrow")
conv("mobilenet_v3_narrow", nets.mobilenet_v3, {"ts": ts(17), "ts_bn": ts(13, keep_batch_norm=True),
                                                "dynamo": dynamo(20)}, "MobileNetV3-small (torchvision), narrow")
conv("efficientnet_narrow", nets.efficientnet, {"ts_bn": ts(17, keep_batch_norm=True),
                                                "dynamo_raw": dynamo(18, optimize=False)},
     "EfficientNet-B0 (torchvision), narrow")
conv("densenet_narrow", nets.densenet, {"ts": ts(13), "dynamo_raw": dynamo(18, optimize=False)},
     "DenseNet (torchvision), narrow")
conv("shufflenet_v2_narrow", nets.shufflenet, {"ts": ts(13), "dynamo": dynamo(18)}, "ShuffleNetV2 (torchvision), narrow")
fixed("vit_narrow", nets.vit, {"ts": ts(17), "ts_opset14": ts(14), "dynamo": dynamo(20),
                               "dynamo_opset23": dynamo(23)}, "ViT (timm), narrow")
fixed("swin_narrow", nets.swin, {"ts": ts(17), "dynamo": dynamo(18)}, "Swin (timm), narrow")
conv("convnext_narrow", nets.convnext, {"ts": ts(13), "dynamo": dynamo(20)}, "ConvNeXt (timm), narrow")
conv("unet_small", nets.UNet, {"ts": ts(13), "dynamo": dynamo(18)}, "UNet", outputs=("mask",), size=32, other=(48, 64))
conv("deeplab_small", nets.DeepLab, {"ts_bn": ts(17, keep_batch_norm=True), "dynamo": dynamo(18)},
     "DeepLabV3+ like", outputs=("mask",), size=32, other=(40, 64))
fixed("segformer_small", nets.segformer, {"ts": ts(17), "dynamo": dynamo(20)}, "SegFormer (transformers), narrow",
      size=64)
TOKENS = dict(dtype="int64", range=(0, 96))
add("bert_small", nets.bert,
    {"input_ids": Input([N, "sequence"], "int64", (0, 100)),
     "attention_mask": Input([N, "sequence"], "int64", values="attention_mask"),
     "token_type_ids": Input([N, "sequence"], "int64", (0, 1))},
    ["last_hidden_state", "pooler_output"], {N: 2, "sequence": 11},
    [{N: 2, "sequence": 11}, {N: 3, "sequence": 23}, {N: 1, "sequence": 48}],
    {"ts": ts(14), "ts_opset17": ts(17), "dynamo": dynamo(18)}, "BERT (transformers), small")
add("gpt2_small", nets.gpt2, {"input_ids": Input([N, "sequence"], **TOKENS)}, ["logits"], {N: 2, "sequence": 11},
    [{N: 2, "sequence": 11}, {N: 3, "sequence": 23}, {N: 1, "sequence": 40}],
    {"ts": ts(17), "dynamo": dynamo(18), "dynamo_raw": dynamo(20, optimize=False)},
    "GPT-2 (transformers), small; causal mask")
add("gpt2_padded", nets.gpt2_padded,
    {"input_ids": Input([N, "sequence"], **TOKENS),
     "attention_mask": Input([N, "sequence"], "int64", values="attention_mask")}, ["logits"], {N: 2, "sequence": 11},
    [{N: 2, "sequence": 11}, {N: 3, "sequence": 23}, {N: 1, "sequence": 40}],
    {"ts": ts(14), "dynamo": dynamo(20)}, "GPT-2 (transformers), small; causal and padding masks")
add("transformer_encoder", nets.Encoder, {"features": Input([N, "sequence", 10])}, ["scores"], {N: 2, "sequence": 9},
    [{N: 2, "sequence": 9}, {N: 3, "sequence": 17}], {"dynamo": dynamo(18)}, "torch.nn.TransformerEncoder")
# The TorchScript exporter writes the sequence length of torch.nn.MultiheadAttention into the graph.
add("transformer_encoder_fixed", nets.Encoder, {"features": Input([N, 9, 10])}, ["scores"], {N: 2}, [{N: 2}, {N: 3}],
    {"ts": ts(17), "ts_opset14": ts(14)}, "torch.nn.TransformerEncoder, fixed sequence length")
add("speech_conv1d", nets.SpeechNet, {"signal": Input([N, 1, T])}, ["frames", "clip"], {N: 2, T: 400},
    [{N: 2, T: 400}, {N: 3, T: 641}], {"ts_bn": ts(17, keep_batch_norm=True), "dynamo": dynamo(18)},
    "1-d convolutions, batch norm, dilation")
add("video_conv3d", nets.VideoNet, {"clip": Input([N, 3, T, H, W])}, ["scores", "features"],
    {N: 2, T: 8, H: 24, W: 32}, [{N: 2, T: 8, H: 24, W: 32}, {N: 3, T: 6, H: 32, W: 24}],
    {"ts_bn": ts(13, keep_batch_norm=True), "ts": ts(17), "dynamo": dynamo(18)}, "3-d convolutions and pooling")
add("lstm_classifier", nets.LstmClassifier, {"tokens": Input([N, T], "int64", (0, 52))}, ["logits", "states"],
    {N: 2, T: 9}, [{N: 2, T: 9}, {N: 3, T: 14}], {"ts": ts(17), "dynamo": dynamo(18)},
    "two-layer bidirectional LSTM, batch first")
add("gru_classifier", nets.GruClassifier, {"features": Input([T, N, 10]), "state": Input([1, N, 28])},
    ["logits", "last_state"], {N: 2, T: 9}, [{N: 2, T: 9}, {N: 3, T: 14}], {"ts": ts(13)}, "GRU, sequence first, with an initial state")
# The dynamo exporter writes the sequence length of a GRU into the graph.
add("gru_classifier_fixed", nets.GruClassifier, {"features": Input([9, N, 10]), "state": Input([1, N, 28])},
    ["logits", "last_state"], {N: 2}, [{N: 2}, {N: 3}], {"dynamo": dynamo(18)},
    "GRU, sequence first, with an initial state, fixed sequence length")
add("equal_dims", nets.EqualDims, {"x": Input([N, 16, 16, 16])}, ["maps", "rows", "joined"], {N: 16},
    [{N: 16}, {N: 5}], {"ts": ts(17), "ts_bn": ts(13, keep_batch_norm=True), "dynamo": dynamo(18)},
    "batch = channels = height = width = 16; asymmetric kernels, per-axis operations")
add("conv_variants", nets.ConvVariants, {"image": Input([N, 4, H, W]), "line": Input([N, 1, 1, "length"])},
    ["unequal", "grouped", "multiplier", "depthwise", "padded", "pointwise", "transposed", "transposed_grouped",
     "transposed_dilated", "single", "line_up"], {N: 2, H: 13, W: 17, "length": 20},
    [{N: 2, H: 13, W: 17, "length": 20}, {N: 3, H: 18, W: 12, "length": 33}],
    {"ts_bn": ts(17, keep_batch_norm=True), "ts": ts(13), "dynamo": dynamo(18)},
    "kernels, strides, paddings, dilations, groups, transposed convolutions, single channels")
conv("activations", nets.Activations, {"ts": ts(17), "dynamo": dynamo(20)}, "activation functions",
     outputs=("all", "softmax", "log_softmax", "glu"), size=8, other=(6, 10))
conv("pooling", nets.Pooling, {"ts_bn": ts(17, keep_batch_norm=True), "dynamo": dynamo(18)}, "pooling layers",
     outputs=("max", "max_ceil", "max_dilated", "avg", "avg_exclude", "avg_ceil", "global_avg", "global_max", "lp"),
     size=16, other=(13, 19))
conv("resize_pad", nets.ResizePad, {"ts": ts(17), "dynamo": dynamo(18)}, "resizing, padding, pixel shuffle",
     outputs=("nearest", "nearest_size", "bilinear", "bilinear_corners", "bilinear_half", "bicubic", "constant_pad",
              "shuffled", "unshuffled"), size=12, other=(10, 16))
fixed("norms", nets.Norms, {"ts_bn": ts(17, keep_batch_norm=True), "ts_opset13": ts(13), "dynamo": dynamo(18)},
      "normalisation layers", size=12,
      outputs=("group", "instance", "instance_plain", "layer", "layer_image", "batch", "local_response", "l2", "batch1",
               "deviation", "variance"))
add("tensor_ops", nets.TensorOps, {"x": Input([N, T, 12]), "ids": Input([N, T], "int64", (0, 16))},
    ["masked", "joined", "difference", "picked", "stacked", "gathered", "strided", "selected", "top_values", "einsum", "cumsum",
     "argmax", "flipped", "repeated", "product", "rolled", "rounded"], {N: 2, T: 7},
    [{N: 2, T: 7}, {N: 3, T: 10}], {"ts": ts(17), "dynamo": dynamo(18)}, "shape and index operations")
conv("style_transfer", nets.StyleNet, {"ts": ts(13), "dynamo": dynamo(18)},
     "image transformation: reflection padding, instance norm", outputs=("stylised",), size=24, other=(32, 20))
conv("super_resolution", nets.SuperResolution, {"ts": ts(13), "dynamo": dynamo(20)}, "ESPCN: pixel shuffle",
     outputs=("upscaled",), size=12, other=(9, 14), channels=1)
conv("external_data", nets.Tiny, {"ts_bn": ts(17, keep_batch_norm=True)}, "tiny CNN with weights in another file",
     size=16, other=(12, 20), external_data=True)

# ---- the on-demand set -----------------------------------------------------------------------------------------
BOTH = {"ts": ts(17), "dynamo": dynamo(18)}


def big(name, source, variants, architecture, outputs=("logits",)):
    add(name, lambda: source() if callable(source) else nets.full(source), image((N, 3, 224, 224)), list(outputs),
        {N: 2}, [{N: 2}, {N: 1}, {N: 3}], variants, architecture, set="full")


big("resnet18", "resnet18", {"ts": ts(17), "ts_bn": ts(17, keep_batch_norm=True), "dynamo": dynamo(18)}, "ResNet-18")
big("resnet50", "resnet50", {"ts": ts(17), "ts_bn": ts(13, keep_batch_norm=True), "dynamo": dynamo(18)}, "ResNet-50")
big("mobilenet_v3_small", "mobilenet_v3_small", BOTH, "MobileNetV3-small")
big("densenet121", "densenet121", BOTH, "DenseNet-121")
big("vit_tiny", "timm:vit_tiny_patch16_224", {"ts": ts(17), "dynamo": dynamo(20)}, "ViT-Ti/16")
big("convnext_atto", "timm:convnext_atto", BOTH, "ConvNeXt atto")
big("convnext_tiny", "timm:convnext_tiny", {"ts": ts(17), "dynamo": dynamo(20)}, "ConvNeXt-T")
big("mobilenet_v2", "mobilenet_v2", {"ts": ts(17), "ts_bn": ts(13, keep_batch_norm=True)}, "MobileNetV2")
big("efficientnet_b0", "efficientnet_b0", BOTH, "EfficientNet-B0")
big("shufflenet_v2_x0_5", "shufflenet_v2_x0_5", BOTH, "ShuffleNetV2 x0.5")
big("swin_tiny", "timm:swin_tiny_patch4_window7_224", BOTH, "Swin-T")
big("unet", lambda: nets.UNet(base=32, classes=5), BOTH, "UNet, 32 to 256 channels", outputs=("mask",))
big("deeplabv3", "deeplabv3", {"ts_bn": ts(17, keep_batch_norm=True), "dynamo": dynamo(18)},
    "DeepLabV3, MobileNetV3-large backbone", outputs=("mask",))


# ---- exporting -------------------------------------------------------------------------------------------------

def sample(spec: Input, where: dict, generator: torch.Generator) -> torch.Tensor:
    shape = [where.get(d, d) for d in spec.dims]
    if spec.values == "attention_mask":
        lengths = torch.randint(max(1, shape[1] // 2), shape[1] + 1, (shape[0], 1), generator=generator)
        lengths[0] = shape[1]
        return (torch.arange(shape[1])[None] < lengths).to(KINDS[spec.dtype])
    if spec.dtype == "float32":
        return torch.randn(shape, generator=generator)
    return torch.randint(spec.range[0], spec.range[1] + 1, shape, generator=generator, dtype=KINDS[spec.dtype])


def samples(model: Model, where: dict, seed: int) -> dict:
    generator = torch.Generator().manual_seed(seed)
    return {name: sample(spec, where, generator) for name, spec in model.inputs.items()}


def path_of(name: str, variant: str) -> Path:
    model = MODELS[name]
    if model.external_data:
        return ROOT / "onnx" / name / "model.onnx"  # and weights.bin
    return ROOT / ("onnx" if model.set == "small" else "generated") / f"{name}.{variant}.onnx"


def instance(name: str) -> torch.nn.Module:
    model = MODELS[name]
    seed = zlib.crc32(name.encode())
    torch.manual_seed(seed)
    module = model.build().eval()
    randomise(module, torch.Generator().manual_seed(seed))
    calibrate(module, tuple(samples(model, {**model.trials[0], N: 4}, seed + 1).values()))
    return module


def export(module, name: str, variant: str, path: Path) -> None:
    model, how = MODELS[name], MODELS[name].variants[variant]
    args = tuple(samples(model, model.at, 7).values())
    names = list(model.inputs)
    path.parent.mkdir(parents=True, exist_ok=True)
    common = dict(input_names=names, output_names=model.outputs, opset_version=how["opset"])
    dims = {n: {i: d for i, d in enumerate(s.dims) if isinstance(d, str)} for n, s in model.inputs.items()}
    if how["kind"] == "ts":
        keep = how["keep_batch_norm"]
        mode = torch.onnx.TrainingMode.PRESERVE if keep else torch.onnx.TrainingMode.EVAL
        torch.onnx.export(module, args, str(path), dynamo=False, dynamic_axes=dims, training=mode,
                          do_constant_folding=how["fold"] and not keep, keep_initializers_as_inputs=False, **common)
    else:
        torch.onnx.export(module, args, str(path), dynamo=True, external_data=False, optimize=how["optimize"],
                          dynamic_shapes=tuple(dims.values()), verbose=False, **common)
    if model.external_data:
        loaded = onnx.load(str(path))
        (path.parent / "weights.bin").unlink(missing_ok=True)
        onnx.save(loaded, str(path), save_as_external_data=True, all_tensors_to_one_file=True, location="weights.bin",
                  size_threshold=0)
    elif how["kind"] == "dynamo":
        # The exporter stores the machine's source paths beside every node; they are no part of the model.
        loaded = onnx.load(str(path))
        strip(loaded.graph)
        for function in loaded.functions:
            strip(function)
        onnx.save(loaded, str(path))


def strip(graph) -> None:
    for item in list(graph.node) + list(getattr(graph, "initializer", [])) + list(graph.value_info) + \
            list(getattr(graph, "input", [])) + list(getattr(graph, "output", [])):
        if hasattr(item, "metadata_props") and not isinstance(item, str):
            kept = [(p.key, p.value) for p in item.metadata_props if p.key != "pkg.torch.onnx.stack_trace"]
            del item.metadata_props[:]
            for key, value in kept:
                item.metadata_props.add(key=key, value=value)
        if isinstance(item, onnx.NodeProto):
            for a in item.attribute:
                if a.HasField("g"):
                    strip(a.g)


def run(name: str, only=None) -> list:
    model, failed = MODELS[name], []
    module = instance(name)
    for variant in model.variants:
        if only and variant != only:
            continue
        path, start = path_of(name, variant), time.time()
        # A file takes its name only when it has passed; with external data, whose file name is in the model, at once.
        fresh = path if model.external_data else path.with_suffix(".new")
        try:
            export(copy.deepcopy(module).eval(), name, variant, fresh)
            trials = [samples(model, t, 100 + i) for i, t in enumerate(model.trials)]
            error, scale = check(fresh, module, model.outputs, trials)
            fresh.replace(path)
            print(f"ok    {path.name:36} {path.stat().st_size / 1e3:9.1f} kB  error {error:.1e}  outputs {scale}  "
                  f"{time.time() - start:.0f} s", flush=True)
        except Exception as e:
            failed.append(f"{name}.{variant}")
            fresh.unlink(missing_ok=True)
            print(f"FAIL  {name}.{variant}: {type(e).__name__}: {str(e)[:600]}", flush=True)
            if os.environ.get("TRACE"):
                traceback.print_exc()
    return failed


def manifest(which: str) -> None:
    """Writes the manifest of one set, listing only the files that exist."""
    entries = []
    for name, model in MODELS.items():
        for variant, how in model.variants.items():
            path = path_of(name, variant)
            if model.set != which or not path.exists():
                continue
            inputs = {}
            for n, spec in model.inputs.items():
                inputs[n] = {"dtype": spec.dtype, "sizes": [[t.get(d, d) for d in spec.dims] for t in model.trials]}
                if spec.range:
                    inputs[n]["range"] = list(spec.range)
                if spec.values:
                    inputs[n]["values"] = spec.values
            label = "torchscript" if how["kind"] == "ts" else "dynamo"
            entries.append({"name": name if model.external_data else f"{name}.{variant}",
                            "source": path.relative_to(ROOT).as_posix(),
                            "exporter": f"{label} opset {how['opset']}"
                                        + (", batch norms kept" if how.get("keep_batch_norm") else "")
                                        + ("" if how.get("optimize", True) else ", not optimised"),
                            "architecture": model.architecture, "inputs": inputs, "outputs": model.outputs})
    if which == "small":
        entries += json.loads((HERE / "maven_models.json").read_text())
    file = ROOT / ("models.json" if which == "small" else "models-full.json")
    text = ",\n".join("  " + json.dumps(e) for e in entries)
    file.write_text("[\n" + text + "\n]\n")
    print(f"{file.name}: {len(entries)} models")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--keep-manifests", action="store_true", help="leave ../models.json and ../models-full.json as they are")
    args = parser.parse_args()
    if args.list:
        for name, m in MODELS.items():
            print(f"{m.set:6} {name:24} {' '.join(m.variants):38} {m.architecture}")
        return
    torch.set_num_threads(2)
    failed = []
    for name, m in MODELS.items():
        chosen = [a for a in args.names if name == a or name.startswith(a) or a.startswith(name + ".")]
        if (args.small and m.set == "small") or (args.full and m.set == "full") or chosen:
            only = next((a.split(".", 1)[1] for a in chosen if a.startswith(name + ".")), None)
            try:
                failed += run(name, only)
            except Exception as e:
                failed.append(name)
                print(f"FAIL  {name}: {type(e).__name__}: {str(e)[:600]}", flush=True)
                if os.environ.get("TRACE"):
                    traceback.print_exc()
    if not args.keep_manifests:
        manifest("small")
        manifest("full")
    if failed:
        print("failed:", " ".join(failed))
        sys.exit(1)


if __name__ == "__main__":
    main()
