"""Exports what only torch.export has: control flow, symbolic numbers, nested containers, state, and the layouts of older archives.

    python export_programs.py               # all
    python export_programs.py control       # by name

Of each program it writes, into ../programs/NAME/, model.pt2 and model.decomposed.pt2, and case0.safetensors, case1.safetensors with the
inputs (input.0.x, in the order of the flattened arguments) and the outputs that PyTorch gives (output.0.y). The program "layouts" is
also written as PyTorch 2.8 and 2.7 did, model.v28.pt2 and model.v27.pt2; PyTorch reads both back here. Seeds are fixed.
"""
import copy
import json
import logging
import sys
import warnings
import zipfile
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from pathlib import Path

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

import safetensors.torch
import torch
from torch import nn
from torch._export.serde.serialize import serialize
from torch._higher_order_ops.map import map as torch_map
from torch._higher_order_ops.scan import scan
from torch._higher_order_ops.while_loop import while_loop
from torch.export import Dim
from torch.utils import _pytree as pytree

import torchzip
from export_torch import anonymous, clean, compare, shorten

ROOT = Path(__file__).resolve().parent.parent / "programs"
PROGRAMS = {}


def program(*sizes, dynamic=None, decomposed=True):
    """Registers a module class; sizes are what make(size) of the class is given for the export and for the second case."""
    def register(cls):
        PROGRAMS[cls.__name__.lower()] = (cls, sizes, dynamic, decomposed)
        return cls
    return register


@program(2, 3, dynamic=lambda: {"x": {0: Dim.AUTO, 1: Dim.AUTO}, "p": None})
class Control(nn.Module):
    """cond with a closure over parameters, while_loop, and both nested."""

    def __init__(self):
        super().__init__()
        self.f = nn.Linear(4, 3)

    @staticmethod
    def make(n):
        return torch.randn(n, 3 + n, 4), torch.randn(3) * n

    def forward(self, x, p):
        y = self.f(x)
        z, w = torch.cond(p.sum() > 0, lambda a, b: (a + b, self.f.weight * 2), lambda a, b: (a - b, self.f.weight + 1), (y, y * 3))
        i, z = while_loop(lambda i, a: i < 4, lambda i, a: (i + 1, torch.cond(i > 1, lambda t: t * 1.5, lambda t: t + 0.5, (a,))),
                          (torch.tensor(0), z))
        return z, w, i


@program(2, 3, dynamic=lambda: {"x": {0: Dim.AUTO}})
class Scans(nn.Module):
    """scan with states and results, in both directions and along another axis, and map."""

    @staticmethod
    def make(n):
        return (torch.randn(n, 5, 3),)

    def forward(self, x):
        state, sums = scan(lambda c, e: (c + e, c * e), torch.zeros_like(x[:, 0]), x, dim=1)
        last, _ = scan(lambda c, e: (c * 0.5 + e, c + 0), torch.zeros_like(x[:, 0]), x, dim=1, reverse=True)
        squares = torch_map(lambda e, s: e * e + s, x, torch.ones(3))
        return {"state": state, "sums": sums, "last": last, "squares": squares}


Pair = namedtuple("Pair", "left right")
pytree._register_namedtuple(Pair, serialized_type_name="programs.Pair")


@dataclass
class Result:
    score: torch.Tensor
    extra: torch.Tensor = None
    hidden: tuple = ()


torch.export.register_dataclass(Result, serialized_type_name="programs.Result")


@program(3, 3)
class Containers(nn.Module):
    """Nested inputs and outputs, keyword arguments, constants, None, an input given back, a value given back twice."""

    @staticmethod
    def make(n):
        x = torch.randn(n)
        return ((x + 1, {"q": x + 2}), x * 3), {"k": 2, "flag": True, "z": x}

    def forward(self, x, y, k=1, flag=False, z=None):
        a = x[0] + x[1]["q"] * k + y
        if flag:
            a = a + z
        return Pair(a, (a * 2, None, 7)), OrderedDict(score=a + 1, more={"c": [a * 3, a * 4]}), Result(a * 5, None, (a * 6, a * 7)), z, a


@program(2, 4, dynamic=lambda: {"x": {0: Dim.AUTO}})
class State(nn.Module):
    """Buffers and inputs that are written to, and batch normalization that counts."""

    def __init__(self):
        super().__init__()
        self.register_buffer("steps", torch.zeros(1))
        self.register_buffer("cache", torch.arange(12.0).view(3, 4), persistent=False)
        self.norm = nn.BatchNorm1d(4)

    @staticmethod
    def make(n):
        return (torch.randn(n, 4),)

    def forward(self, x):
        self.steps.add_(1)
        self.cache[1] = x.mean(0)
        x.mul_(2)
        return self.norm(x) + self.cache.sum(0) + self.steps


@program(2, 3, dynamic=lambda: {"x": {0: Dim.AUTO}})
class Regions(nn.Module):
    """Gradients switched off and on, and automatic mixed precision. The numbers are few bits long, so that float16 is exact."""

    def __init__(self):
        super().__init__()
        self.f = nn.Linear(4, 4)

    @staticmethod
    def make(n):
        return (torch.randint(-4, 4, (n, 4)).float(),)

    def forward(self, x):
        with torch.no_grad():
            y = x * 2 + 1
        with torch.autocast("cpu", dtype=torch.float16):
            z = self.f(y)
            with torch.autocast("cpu", enabled=False):
                z = z.float() + self.f(y)
        return z + y


@program(5, 8, dynamic=lambda: {"x": {1: Dim.AUTO, 2: Dim.AUTO}, "n": Dim.AUTO})
class Numbers(nn.Module):
    """Sizes that are computed with: products, quotients, remainders, extrema, fractions; a number as input."""

    @staticmethod
    def make(n):
        return torch.randn(3, n, n + 2), n - 1

    def forward(self, x, n):
        h, w = x.shape[1], x.shape[2]
        rows = x[:, h // 2:, : w - h % 3]
        flat = rows.reshape(3, -1)
        pad = max(h, w) - min(h, w) // 2
        wide = torch.nn.functional.pad(flat, (0, pad))
        some = x[:, :n]
        return wide, some * (h / w), torch.ones(h * 2) * n, torch.arange(h * w - 1), h * n


@program(4, 6, dynamic=lambda: {"x": {0: Dim.AUTO}, "count": None})
class Unbacked(nn.Module):
    """Sizes that only the values tell."""

    @staticmethod
    def make(n):
        return (torch.randn(n, 3), torch.tensor(n // 2))

    def forward(self, x, count):
        n = count.item()
        torch._check(n >= 0)
        torch._check(n <= x.shape[0])
        head = x[:n]
        picked = torch.nonzero(x > 0)
        return head.sum(0) + n, torch.zeros(n, 2) + 1, picked


@program(3, 4, dynamic=lambda: {"x": {0: Dim.AUTO}})
class Layouts(nn.Module):
    """Tied weights, parameters that are windows of a storage, expanded and empty constants, many element types."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 4, bias=False)
        self.b = nn.Linear(4, 4)
        self.b.weight = self.a.weight
        big = torch.randn(6, 5, 2)
        self.window = nn.Parameter(big.transpose(0, 2)[1, 1:5, 2:6])
        self.register_buffer("expanded", torch.tensor([2.0]).expand(4))
        self.register_buffer("empty", torch.zeros(0, 4))
        self.register_buffer("offsets", torch.arange(4, dtype=torch.int32), persistent=False)
        self.register_buffer("low", torch.randn(4).to(torch.float16))
        self.register_buffer("brain", torch.randn(4).to(torch.bfloat16))
        self.register_buffer("mask", torch.tensor([True, False, True, True]))
        self.scale = torch.tensor(0.5)

    @staticmethod
    def make(n):
        return (torch.randn(n, 4),)

    def forward(self, x):
        x = torch.relu(self.a(x)) @ self.window + self.b(x) * self.expanded
        x = torch.cat([x, self.empty]) + self.offsets + self.low.float() + self.brain.float() * self.scale
        return torch.where(self.mask, x, torch.tensor([[1.0, 2.0, 3.0, 4.0]]))


@torch.library.custom_op("programs::smooth", mutates_args=())
def smooth(x: torch.Tensor, strength: float, steps: int = 2) -> torch.Tensor:
    return x * strength + steps


@smooth.register_fake
def _(x, strength, steps=2):
    return torch.empty_like(x)


@program(2, 3, dynamic=lambda: {"x": {0: Dim.AUTO}}, decomposed=False)
class Custom(nn.Module):
    """An operator of the user's own inside a submodule."""

    class Block(nn.Module):
        def forward(self, x):
            return torch.relu(smooth(x, 0.5))

    def __init__(self):
        super().__init__()
        self.block = Custom.Block()

    @staticmethod
    def make(n):
        return (torch.randn(n, 4),)

    def forward(self, x):
        return self.block(x) + 1


# ---- the files ---------------------------------------------------------------------------------------------------

def split(made):
    """Positional and keyword arguments."""
    return made if len(made) == 2 and isinstance(made[1], dict) and isinstance(made[0], tuple) else (made, {})


def case(module, made) -> tuple:
    args, kwargs = split(made)
    leaves = pytree.tree_flatten_with_path((args, kwargs))[0]
    tensors = {}
    for i, (path, leaf) in enumerate(leaves):
        leaf = leaf if isinstance(leaf, torch.Tensor) else torch.tensor(leaf)
        tensors[f"input.{i}"] = leaf.clone().contiguous()
    with torch.no_grad():
        out = module(*pytree.tree_map(lambda t: t.clone() if isinstance(t, torch.Tensor) else t, args),
                     **pytree.tree_map(lambda t: t.clone() if isinstance(t, torch.Tensor) else t, kwargs))
    leaves = pytree.tree_leaves(out)
    for i, leaf in enumerate(leaves):
        if leaf is not None:
            leaf = leaf if isinstance(leaf, torch.Tensor) else torch.tensor(leaf)
            tensors[f"output.{i}"] = leaf.detach().clone().contiguous()
    return tensors, [(str(i), leaf) for i, leaf in enumerate(leaves)]


def save(exported, path: Path) -> None:
    torch.export.save(exported, str(path))
    clean(path, "model")


def older(exported, folder: Path) -> None:
    """The same program as PyTorch 2.8 and 2.7 wrote it."""
    parts = serialize(exported)
    model = json.loads(parts.exported_program)
    model["schema_version"]["minor"] = 8
    shorten(model, False)
    text = json.dumps(model, separators=(",", ":")).encode()
    torchzip.write(folder / "model.v28.pt2", "model", [
        ("archive_format", b"pt2", False), ("models/model.json", text, False), ("archive_version", b"0", False),
        ("data/weights/model.pt", parts.state_dict, False), ("data/constants/model.pt", parts.constants, False),
        ("data/sample_inputs/model.pt", parts.example_inputs, False), ("byteorder", b"little", False), (".data/version", b"3\n", False)])
    with zipfile.ZipFile(folder / "model.v27.pt2", "w") as archive:
        for name, data in (("version", b"8.8"), ("serialized_exported_program.json", text), ("serialized_state_dict.pt", parts.state_dict),
                           ("serialized_constants.pt", parts.constants), ("serialized_example_inputs.pt", parts.example_inputs)):
            archive.writestr(zipfile.ZipInfo(name), data)
    for name in ("model.v28.pt2", "model.v27.pt2"):
        anonymous(folder / name)


def write(name: str) -> None:
    cls, sizes, dynamic, decomposed = PROGRAMS[name]
    folder = ROOT / name
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(7)
    module = cls().eval()
    with torch.no_grad():
        for p in module.parameters():
            p.copy_((torch.randn_like(p) * 4).round() / 8)
    args, kwargs = split(cls.make(sizes[0]))
    exported = torch.export.export(module, args, kwargs, dynamic_shapes=dynamic() if dynamic else None)
    save(exported, folder / "model.pt2")
    files = ["model.pt2"]
    if decomposed:
        save(exported.run_decompositions(), folder / "model.decomposed.pt2")
        files.append("model.decomposed.pt2")
    if name == "layouts":
        older(exported, folder)
        files += ["model.v28.pt2", "model.v27.pt2"]
    for i, size in enumerate(sizes):
        torch.manual_seed(100 + i)
        made = cls.make(size)
        tensors, outputs = case(copy.deepcopy(module), made)
        safetensors.torch.save_file(tensors, str(folder / f"case{i}.safetensors"))
        args, kwargs = split(made)
        for f in files:
            loaded = torch.export.load(str(folder / f)).module()
            with torch.no_grad():
                out = loaded(*pytree.tree_map(lambda t: t.clone() if isinstance(t, torch.Tensor) else t, args), **kwargs)
            compare(outputs, [o for o in pytree.tree_leaves(out)])
    print(name, {p.name: p.stat().st_size for p in sorted(folder.iterdir())})


if __name__ == "__main__":
    for wanted in sys.argv[1:] or PROGRAMS:
        write(wanted)
