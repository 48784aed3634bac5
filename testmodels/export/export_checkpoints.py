"""Makes the small checkpoints of ../checkpoints: the same tensors in every format that the checkpoint readers know.

    python export_checkpoints.py

Beside each file FILE stands FILE.json with what must come out of it: names in order, element type, shape, and the
elements' bytes (row-major, little-endian, hexadecimal).
"""
import argparse
import collections
import io
import json
import pathlib
import shutil
import warnings
import zipfile

warnings.filterwarnings("ignore")

import numpy as np
import torch
from safetensors.torch import save_file

OUT = pathlib.Path(__file__).resolve().parent.parent / "checkpoints"
NAMES = {
    "float8_e4m3fn": "float8e4m3fn", "float8_e4m3fnuz": "float8e4m3fnuz", "float8_e5m2": "float8e5m2",
    "float8_e5m2fnuz": "float8e5m2fnuz", "float8_e8m0fnu": "float8e8m0",
}


def expected(name, tensors):
    entries = collections.OrderedDict()
    for key, t in tensors.items():
        if t.is_quantized:
            t = t.int_repr()
        t = t.detach().cpu().contiguous()
        raw = b"" if t.numel() == 0 else t.reshape(-1).view(torch.uint8).numpy().tobytes()
        dtype = str(t.dtype).removeprefix("torch.")
        entries[key] = {"dtype": NAMES.get(dtype, dtype), "shape": list(t.shape), "bytes": raw.hex()}
    text = "{\n" + ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in entries.items()) + "\n}\n"
    (OUT / (name + ".json")).write_text(text)


def all_kinds():
    """Tensors of every type and every way to lie in a storage."""
    g = torch.Generator().manual_seed(1)
    t = collections.OrderedDict()
    base = torch.randn(2, 3, generator=g)
    for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2,
                  torch.float8_e4m3fnuz, torch.float8_e5m2fnuz):
        t[str(dtype).removeprefix("torch.")] = base.to(dtype)
    t["float8_e8m0fnu"] = torch.tensor([1.0, 2.0, 0.5]).to(torch.float8_e8m0fnu)
    for dtype in (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16, torch.uint32, torch.uint64):
        t[str(dtype).removeprefix("torch.")] = torch.tensor([0, 1, 100]).to(dtype)
    t["bool"] = torch.tensor([True, False, True])
    t["complex64"] = torch.tensor([1 + 2j, -0.5j])
    t["complex128"] = torch.tensor([1 + 2j, -0.5j], dtype=torch.complex128)
    t["scalar"] = torch.tensor(3.5)
    t["empty"] = torch.zeros(0, 4)
    t["transposed"] = torch.arange(12.0).reshape(3, 4).t()
    t["channels_last"] = torch.arange(48.0).reshape(2, 3, 2, 4).contiguous(memory_format=torch.channels_last)
    whole = torch.arange(20, dtype=torch.int32)
    t["window"] = whole[4:10].reshape(2, 3)
    t["every_third"] = whole[1::3]
    t["expanded"] = torch.tensor([[1.0], [2.0]]).expand(2, 3)
    t["tied"] = base
    t["tied_again"] = base
    t["parameter"] = torch.nn.Parameter(torch.ones(2))
    t["quantized"] = torch.quantize_per_tensor(torch.arange(4.0), 0.5, 3, torch.quint8)
    t["per_channel"] = torch.quantize_per_channel(torch.arange(6.0).reshape(2, 3), torch.tensor([0.1, 0.2]), torch.tensor([0, 5]), 0, torch.qint8)
    return t


class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 3, 2)
        self.bn = torch.nn.BatchNorm2d(3)
        self.head = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
        self.register_buffer("steps", torch.tensor(7), persistent=False)

    def forward(self, x):
        return self.head(self.bn(self.conv(x))) + self.steps


def small():
    torch.manual_seed(2)
    m = Small().eval()
    m.bn.running_mean.uniform_(-1, 1)
    return m


def repacked(source, target, compression):
    """The same entries in another zip, as tools that know nothing of PyTorch write it; without this machine's paths."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", compression) as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("model.json"):
                program = json.loads(data)
                for node in program["graph_module"]["graph"]["nodes"]:
                    node["metadata"].pop("stack_trace", None)
                data = json.dumps(program, separators=(",", ":")).encode()
            if not name.endswith(".debug_pkl"):
                new.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, compression)


def in_place(path, save):
    save(path)
    plain = path.with_suffix(".tmp")
    path.rename(plain)
    repacked(plain, path, zipfile.ZIP_STORED)
    plain.unlink()


def pickles():
    tensors = all_kinds()
    torch.save(tensors, OUT / "kinds.pth")
    expected("kinds.pth", tensors)
    torch.save(tensors, OUT / "kinds_legacy.pth", _use_new_zipfile_serialization=False)
    expected("kinds_legacy.pth", tensors)

    model = small()
    state = model.state_dict()
    torch.save(state, OUT / "small_protocol4.pth", pickle_protocol=4)
    expected("small_protocol4.pth", state)
    torch.save(state, OUT / "small.pth")
    repacked(OUT / "small.pth", OUT / "small_deflated.pth", zipfile.ZIP_DEFLATED)
    (OUT / "small.pth").unlink()
    expected("small_deflated.pth", state)

    optimizer = torch.optim.Adam(model.parameters())
    model(torch.zeros(1, 2, 3, 3)).sum().backward()
    optimizer.step()
    model.eval()
    torch.save({
        "epoch": 12, "arch": "small", "state_dict": torch.nn.DataParallel(model).state_dict(), "optimizer": optimizer.state_dict(),
        "best_acc1": torch.tensor(71.5), "args": argparse.Namespace(lr=0.1, out=pathlib.PurePosixPath("/tmp/out")),
        "loss": np.float64(0.25), "losses": np.arange(3.0), "scheduler": {"last_lr": [0.1]},
    }, OUT / "training.pth")
    expected("training.pth", model.state_dict())

    torch.save({
        "none": None, "true": True, "long": 2 ** 40, "big": 2 ** 70, "negative": -5, "float": 0.5, "text": "ü", "bytes": b"\xff\x00",
        "bytearray": bytearray(b"12"), "complex": 1 + 2j, "set": {3}, "frozenset": frozenset([4]), "list": [1, [2]], "tuple": (1, ()),
        "counter": collections.Counter("abba"), "defaultdict": collections.defaultdict(list, {"a": [1]}), "size": torch.Size([1, 2]),
        "device": torch.device("cpu"), "dtype": torch.bfloat16, "layout": torch.strided, "numpy": np.float32(1.5), "numpy_int": np.int64(-2),
        "array": np.arange(6, dtype=np.float32).reshape(2, 3).T, "integer_keys": {1: "a", (2, "b"): "c"},
    }, OUT / "values.pth")
    torch.save(small(), OUT / "whole.pth")


def programs():
    model = small()
    x = torch.randn(1, 2, 3, 3)
    state = dict(model.state_dict(), steps=model.steps)
    in_place(OUT / "traced.pt", torch.jit.trace(model, x).save)
    in_place(OUT / "frozen.pt", torch.jit.freeze(torch.jit.script(model)).save)
    in_tree = {k: state[k] for k in ("steps", "conv.weight", "conv.bias", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var",
                                     "bn.num_batches_tracked", "head.1.weight", "head.1.bias")}
    expected("traced.pt", in_tree)
    in_place(OUT / "exported.pt2", lambda path: torch.export.save(torch.export.export(model, (x,)), path))
    parameters = [name for name, _ in model.named_parameters()]
    expected("exported.pt2", {k: state[k] for k in parameters + [k for k in state if k not in parameters]})
    # What PyTorch 2.6 wrote, as far as the weights go.
    with zipfile.ZipFile(OUT / "exported_26.pt2", "w") as z:
        for name, value in (("version", b"8.2"), ("serialized_exported_program.json", b"{}"), ("serialized_state_dict.pt", model.state_dict()),
                            ("serialized_constants.pt", {"steps": model.steps}), ("serialized_example_inputs.pt", b"")):
            if not isinstance(value, bytes):
                buffer = io.BytesIO()
                torch.save(value, buffer)
                value = buffer.getvalue()
            z.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), value)
    expected("exported_26.pt2", state)


def safetensors():
    tensors = {k: v.contiguous().clone() for k, v in all_kinds().items()
               if not v.is_quantized and k not in ("complex128", "float8_e8m0fnu", "parameter")}
    save_file(tensors, OUT / "kinds.safetensors", metadata={"format": "pt", "note": "ü"})
    raw = (OUT / "kinds.safetensors").read_bytes()
    header = json.loads(raw[8:8 + int.from_bytes(raw[:8], "little")])
    expected("kinds.safetensors", {k: tensors[k] for k in header if k in tensors})

    state = small().state_dict()
    for folder, save, suffix in (("sharded", save_file, "safetensors"), ("sharded_bin", torch.save, "bin")):
        (OUT / folder).mkdir()
        names = list(state)
        shards = {f"model-00001-of-00002.{suffix}": names[:4], f"model-00002-of-00002.{suffix}": names[4:]}
        for file, keys in shards.items():
            save({k: state[k] for k in keys}, OUT / folder / file)
        weight_map = {k: f for f, keys in shards.items() for k in keys}
        stem = "model.safetensors" if suffix == "safetensors" else "pytorch_model.bin"
        index = {"metadata": {"total_size": sum(t.nbytes for t in state.values())}, "weight_map": weight_map}
        (OUT / folder / f"{stem}.index.json").write_text(json.dumps(index, indent=2) + "\n")
        expected(folder, state)


if __name__ == "__main__":
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    pickles()
    programs()
    safetensors()
    for path in sorted(OUT.rglob("*")):
        if path.is_file():
            print(f"{path.stat().st_size:8} {path.relative_to(OUT)}")
