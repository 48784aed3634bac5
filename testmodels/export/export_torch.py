"""Exports the test models in PyTorch's own formats, with inputs and the outputs that PyTorch gives for them.

    python export_torch.py --list
    python export_torch.py --all                # every model, each in a process of its own
    python export_torch.py resnet18 vit         # by name

Of each model of torch_models.py it writes, into ../torch/NAME/,

    model.pt2                torch.export.export: the high-level graph
    model.decomposed.pt2     after run_decompositions()
    traced.pt                torch.jit.trace
    scripted.pt              torch.jit.script
    frozen.pt                torch.jit.freeze of the scripted model, or of the traced one
    case0.safetensors        inputs at the size of the export, and outputs
    case1.safetensors        another batch size, and other values

and the manifest ../torch/models.json. Weights and inputs are random, seeded by the name of the model. Each file is loaded again by
PyTorch and compared with the model before it takes its name. Paths of the machine are taken out of the files.
"""
import argparse
import copy
import json
import logging
import os
import re
import sys
import traceback
import warnings
import zipfile
import zlib
from pathlib import Path

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

import safetensors.torch
import torch
from torch.utils import _pytree as pytree

import torchzip
from randomise import calibrate, randomise
from torch_models import MODELS, arguments, dynamic_shapes

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent / "torch"
MANIFEST = ROOT / "models.json"
VARIANTS = ("model.pt2", "model.decomposed.pt2", "traced.pt", "scripted.pt", "frozen.pt")
TOLERANCE = 1e-5
_DTYPES = {torch.float32: "float32", torch.float64: "float64", torch.int64: "int64", torch.int32: "int32", torch.bool: "bool",
           torch.uint8: "uint8", torch.int8: "int8", torch.float16: "float16", torch.bfloat16: "bfloat16"}


class Failure(Exception):
    pass


# ---- the model and its values ------------------------------------------------------------------------------------

def instance(name: str) -> torch.nn.Module:
    model = MODELS[name]
    seed = zlib.crc32(name.encode())
    torch.manual_seed(seed)
    module = model.build().eval()
    randomise(module, torch.Generator().manual_seed(seed))
    if model.calibrate:
        calibrate(module, values(name, model.sizes[0], seed + 1))
    for p in module.parameters():
        p.requires_grad_(True)
    return module


def values(name: str, sizes: dict, seed: int) -> tuple:
    return arguments(MODELS[name], sizes, torch.Generator().manual_seed(seed))


def flat(tree, prefix: str) -> list:
    """The leaves of nested inputs or outputs in pytree order, each with a name made of its path."""
    leaves, _ = pytree.tree_flatten_with_path(tree)
    names = []
    for path, leaf in leaves:
        parts = [str(getattr(k, "key", getattr(k, "idx", getattr(k, "name", "")))) for k in path]
        names.append((".".join([p for p in [prefix] + parts if p]), leaf))
    return names


def named_inputs(module, args: tuple) -> list:
    import inspect
    names = []
    for n, p in inspect.signature(module.forward).parameters.items():
        rest = len(args) - len(names)
        names += [f"{n}.{i}" for i in range(rest)] if p.kind is p.VAR_POSITIONAL else [n]
    result = []
    for name, value in zip(names, args):
        result += flat(value, name)
    return result


def named_outputs(model, out) -> list:
    result = flat(out, "output" if isinstance(out, torch.Tensor) else "")
    if model.outputs:
        assert len(model.outputs) == len(result), f"{len(result)} outputs"
        result = [(n, leaf) for n, (_, leaf) in zip(model.outputs, result)]
    return result


def case(name: str, module, index: int, record: bool = True):
    """Inputs and outputs of one case: (args, outputs), and its description for the manifest."""
    model = MODELS[name]
    args = values(name, model.sizes[index], zlib.crc32(f"{name} case {index}".encode()))
    with torch.no_grad():
        fresh = copy.deepcopy(module)
        inputs = [(n, v.clone() if isinstance(v, torch.Tensor) else v) for n, v in named_inputs(module, args)]
        outputs = named_outputs(model, fresh(*args))
    tensors, scalars = {}, {}
    for kind, items in (("input", inputs), ("output", outputs)):
        for i, (n, leaf) in enumerate(items):
            key = f"{kind}.{i}.{n}"
            if isinstance(leaf, torch.Tensor):
                tensors[key] = leaf.detach().clone().contiguous()
                if kind == "output" and leaf.dtype.is_floating_point and leaf.numel() and not model.special:
                    scale = leaf.abs().max().item()
                    if not (torch.isfinite(leaf).all() and 1e-2 < scale < 1e3):
                        raise Failure(f"{key}: magnitude {scale:.2g}")
            else:
                scalars[key] = leaf
    entry = {"file": f"case{index}.safetensors", "inputs": {n: list(v.shape) for n, v in inputs if isinstance(v, torch.Tensor)}}
    if scalars:
        entry["scalars"] = scalars
    return args, outputs, tensors, entry


def compare(expected: list, actual) -> None:
    leaves = [leaf for leaf in pytree.tree_leaves(actual)]
    if len(leaves) != len(expected):
        raise Failure(f"{len(leaves)} outputs, not {len(expected)}")
    for (name, e), a in zip(expected, leaves):
        if not isinstance(e, torch.Tensor):
            if e != a:
                raise Failure(f"{name}: {a}, not {e}")
        elif not isinstance(a, torch.Tensor) or e.shape != a.shape or e.dtype != a.dtype:
            raise Failure(f"{name}: {getattr(a, 'shape', a)} {getattr(a, 'dtype', '')}, not {e.shape} {e.dtype}")
        elif not e.dtype.is_floating_point:
            if not torch.equal(e, a):
                raise Failure(f"{name}: other values")
        elif e.numel():
            same = (e == a) | (e.isnan() & a.isnan())
            difference = torch.where(same, 0, (e - a).abs()).max().item()
            scale = torch.where(e.isfinite(), e.abs(), 0).max().item()
            if not difference <= TOLERANCE * max(1e-3, scale):
                raise Failure(f"{name}: error {difference / max(1e-3, scale):.2g}")


# ---- the files ---------------------------------------------------------------------------------------------------

def write_exported(program, path: Path, name: str) -> None:
    # Example inputs are an entry of their own; here each is one number that is repeated.
    program._example_inputs = pytree.tree_map(
        lambda t: t.new_ones(1).expand(t.shape) if isinstance(t, torch.Tensor) and t.dim() else t, program.example_inputs)
    torch.export.save(program, str(path))
    full = name == "pooling"
    clean(path, "model", full, lean=not full and "decomposed" in path.name)


def write_script(module, path: Path) -> None:
    torch.jit.save(module, str(path))
    clean(path, path.name.split(".")[0])


def clean(path: Path, root: str, full_traces: bool = False, lean: bool = False) -> None:
    """Takes out the machine's paths: shortens stack traces, leaves out TorchScript's debug information.

    To keep the files small, the history of decomposed nodes ("from_node") is left out too, unless full_traces; and if lean, the
    nodes' module paths.
    """
    entries = []
    for name, data, deflated in torchzip.read(path):
        if name.endswith(".debug_pkl"):
            continue
        if name == "models/model.json":
            program = json.loads(data)
            if lean:
                for node in program["graph_module"]["graph"]["nodes"]:
                    node["metadata"].pop("nn_module_stack", None)
            shorten(program, full_traces)
            data = json.dumps(program, separators=(",", ":")).encode()
            for i, graph in enumerate(dict.fromkeys(re.findall(rb'graph_id\\": (\d+)', data))):  # addresses in memory
                data = data.replace(b'graph_id\\": ' + graph, b'graph_id\\": %d' % i)
        elif name == ".data/serialization_id":  # partly a hash of the entries, partly random
            data = data[:20] + b"0" * (len(data) - 20)
        elif name.endswith("_config.json"):
            data = json.dumps(json.loads(data), separators=(",", ":")).encode()
        entries.append((name, data, deflated))
    torchzip.write(path, root, entries)
    anonymous(path)


def shorten(tree, full: bool) -> None:
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key == "stack_trace" and isinstance(value, str):
                tree[key] = relative(value, full)
            else:
                shorten(value, full)
        if not full:
            tree.pop("from_node", None)
    elif isinstance(tree, list):
        for value in tree:
            shorten(value, full)


def relative(trace: str, full: bool) -> str:
    """A stack trace with relative file names: of site-packages or of this folder. Unless full, only its innermost frame."""
    frames = re.split(r'(?:^|\n)\s*(?=File ")', trace.strip())
    frames = [re.sub(r'File "(?:[^"]*/site-packages/|' + re.escape(str(HERE)) + r'/|[^"]*/lib/python[\d.]+/)', 'File "', f)
              for f in frames if f.strip()]
    return "\n  ".join(frames if full else frames[-1:])


def anonymous(path: Path) -> None:
    """Fails if any entry, inflated, holds something of this machine; entries of nested archives are looked into."""
    user = os.environ.get("USER", "root")
    words = [w.encode() for w in {"/work", "/tmp", "/root", "/home", "/usr/", "site-packages", f"/{user}/", f"{user}@", str(Path.home())}]

    def search(data: bytes, place: str) -> None:
        for word in words:
            at = data.find(word)
            if at >= 0:
                raise Failure(f"{place}: {data[max(0, at - 40):at + 60]}")

    with zipfile.ZipFile(path) as archive:
        for i in archive.infolist():
            search(archive.read(i), f"{path.name}: {i.filename}")
            search(i.filename.encode(), i.filename)


def load(path: Path):
    return torch.export.load(str(path)).module() if path.suffix == ".pt2" else torch.jit.load(str(path))


def make(name: str, module, variant: str, args: tuple, made: dict) -> object:
    """Writes one variant to the path given; returns the exported or scripted object, which others build upon."""
    model = MODELS[name]
    if variant == "model.pt2":
        return torch.export.export(copy.deepcopy(module), args, dynamic_shapes=dynamic_shapes(model, args))
    if variant == "model.decomposed.pt2":
        if "model.pt2" not in made:
            raise Failure("no model.pt2")
        return made["model.pt2"].run_decompositions()
    if variant == "traced.pt":
        return torch.jit.trace(copy.deepcopy(module), args, check_trace=False, strict=False)
    if variant == "scripted.pt":
        return torch.jit.script(model.scriptable(copy.deepcopy(module)) if model.scriptable else copy.deepcopy(module))
    base = made.get("scripted.pt") or made.get("traced.pt")
    if base is None:
        raise Failure("neither traced nor scripted")
    return torch.jit.freeze(base.eval())


def first_line(e: Exception) -> str:
    lines = [line.strip() for line in str(e).splitlines() if line.strip()]
    text = lines[0] if lines else ""
    if isinstance(e, (torch.jit.frontend.NotSupportedError, RuntimeError)) and text.startswith("Unknown builtin op"):
        text = " ".join(lines[:1])
    return f"{type(e).__name__}: {text}"[:200]


def export(name: str) -> dict:
    model, folder = MODELS[name], ROOT / name
    folder.mkdir(parents=True, exist_ok=True)
    module = instance(name)
    cases, entries = [], []
    for i in range(len(model.sizes)):
        args, outputs, tensors, entry = case(name, module, i)
        (folder / entry["file"]).write_bytes(safetensors.torch.save(tensors))
        cases.append((args, outputs))
        entries.append(entry)
    files, missing, made = {}, {}, {}
    for variant in VARIANTS:
        path = folder / variant
        path.unlink(missing_ok=True)
        if variant in model.missing:
            missing[variant] = model.missing[variant]
            continue
        fresh = folder / ("new." + variant)
        try:
            with torch.set_grad_enabled(not model.no_grad):
                made[variant] = make(name, module, variant, values(name, model.sizes[0], 7), made)
            if variant.endswith(".pt2"):
                write_exported(made[variant], fresh, name)
            else:
                write_script(made[variant], fresh)
            good = []
            for i in range(len(cases)):
                try:
                    run = load(fresh)
                    args = case(name, module, i)[0]
                    with torch.no_grad():
                        compare(cases[i][1], run(*args))
                    good.append(i)
                except Exception as e:
                    if not good:
                        raise
                    missing[f"{variant} case {i}"] = first_line(e)
            root = variant.split(".")[0]
            torchzip.write(path, root, torchzip.read(fresh))
            files[variant] = good
        except Exception as e:
            missing[variant] = first_line(e)
            if os.environ.get("TRACE"):
                traceback.print_exc()
        finally:
            fresh.unlink(missing_ok=True)
    size = sum(f.stat().st_size for f in folder.iterdir())
    print(f"{name:24} {size / 1e3:8.0f} kB  {' '.join(f'{k}{v}' for k, v in files.items())}", flush=True)
    for k, v in missing.items():
        print(f"    without {k}: {v}", flush=True)
    inputs = [{"name": n, "dtype": _DTYPES[v.dtype]} for n, v in named_inputs(module, cases[0][0]) if isinstance(v, torch.Tensor)]
    outputs = [{"name": n, "dtype": _DTYPES[v.dtype]} for n, v in cases[0][1] if isinstance(v, torch.Tensor)]
    return {"name": name, "architecture": model.architecture, "files": files, "missing": missing, "inputs": inputs,
            "outputs": outputs, "dynamic": model.dynamic_names(), "cases": entries}


def record(entry: dict) -> None:
    """Puts an entry into the manifest, in the order of the models."""
    entries = {e["name"]: e for e in json.loads(MANIFEST.read_text())} if MANIFEST.exists() else {}
    entries[entry["name"]] = entry
    lines = [json.dumps(entries[n]) for n in MODELS if n in entries]
    MANIFEST.write_text("[\n  " + ",\n  ".join(lines) + "\n]\n")


def one(name: str) -> None:
    """In a process that was forked for it."""
    try:
        record(export(name))
        sys.stdout.flush()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--all", action="store_true")
    args = parser.parse_args()
    if "PYTHONHASHSEED" not in os.environ:  # the order of sets is that of TorchScript's attributes
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"})
    torch.set_num_threads(1)
    if args.list:
        for name, m in MODELS.items():
            print(f"{name:24} {m.architecture}")
    elif args.all or len(args.names) > 1:
        # Numbers in the names of TorchScript classes count up over a process; so each model has its own.
        for name in args.names or MODELS:
            child = os.fork()
            if child == 0:
                one(name)
            if os.waitpid(child, 0)[1]:
                print(f"FAIL  {name}", flush=True)
    else:
        for name in args.names:
            record(export(name))


if __name__ == "__main__":
    main()
