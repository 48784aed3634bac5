"""Exports the modules of torchscript_networks.py: to ../torchscript/NAME.pt, with inputs and PyTorch's outputs in NAME.safetensors.

    python export_torchscript.py                # all
    python export_torchscript.py branches sizes # by name

The safetensors hold, of case 0, 1, …, the tensors CASE.in0, CASE.in1, … and CASE.out0, … in the order in which they are met in the
arguments and results. What a user would have to say of the inputs with --input is among the metadata, an entry for each.
"""
import os
import re
import struct
import sys
import zipfile
import zlib
from pathlib import Path

import torch
from safetensors.torch import save_file

from randomise import randomise
from torchscript_networks import NETWORKS

OUT = Path(__file__).resolve().parent.parent / "torchscript"


def made(tree, generator):
    if callable(tree):
        return tree(generator)
    if isinstance(tree, dict):
        return {k: made(v, generator) for k, v in tree.items()}
    return type(tree)(made(v, generator) for v in tree)


def flat(tree):
    if isinstance(tree, torch.Tensor):
        return [tree]
    if isinstance(tree, (bool, int, float)):
        return [torch.tensor(tree, dtype=torch.float64 if isinstance(tree, float) else None)]
    if isinstance(tree, dict):
        return [t for v in tree.values() for t in flat(v)]
    return [] if tree is None else [t for v in tree for t in flat(v)]


def copied(tree):
    return torch.utils._pytree.tree_map(lambda t: t.clone(), tree)


def without_paths(path):
    """Takes the folders of this machine out of the strings in the records of source lines: only the names of files stay."""
    with zipfile.ZipFile(path) as source:
        entries = [(e, source.read(e)) for e in source.infolist()]
    own = str(Path(__file__).resolve().parent).encode() + b"/"
    string = re.compile(rb"X(....)" + re.escape(own), re.DOTALL)
    with zipfile.ZipFile(path, "w") as target:
        for e, data in entries:
            if e.filename.endswith(".debug_pkl"):
                if own not in data:
                    continue
                data = string.sub(lambda m: b"X" + struct.pack("<I", struct.unpack("<I", m[1])[0] - len(own)), data)
            info = zipfile.ZipInfo(e.filename, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED if e.filename.endswith((".py", ".debug_pkl")) else zipfile.ZIP_STORED
            target.writestr(info, data)


def export(name):
    build, kind, cases, shapes = NETWORKS[name]
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    torch.manual_seed(zlib.crc32(name.encode()))
    module = build().eval()
    randomise(module, generator)
    arguments = [made(c, generator) for c in cases]
    if kind == "traced":
        program = torch.jit.trace(module, arguments[0], check_trace=False, strict=False)
    else:
        program = torch.jit.script(module)
        if kind == "frozen":
            program = torch.jit.freeze(program)
    path = OUT / f"{name}.pt"
    program.save(str(path))
    records = {}
    for i, case in enumerate(arguments):
        # Each case on a fresh model: some keep state.
        with torch.no_grad():
            results = torch.jit.load(str(path))(*copied(case))
        for what, tree in (("in", case), ("out", results)):
            for j, t in enumerate(flat(tree)):
                records[f"{i}.{what}{j}"] = t.clone().contiguous()
    without_paths(path)
    save_file(records, str(OUT / f"{name}.safetensors"), {k: v for k, v in shapes.items()} or {"": ""})
    print(f"{name}: {os.path.getsize(path)} bytes, {len(arguments)} cases")


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    for n in sys.argv[1:] or NETWORKS:
        export(n)
