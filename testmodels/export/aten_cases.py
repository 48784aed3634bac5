"""Records what PyTorch's operators give, call by call, for the tests of Tenon's lowering.

    python aten_cases.py ../../pipeline/src/test/resources/dev/tenon/frontend/aten [family ...]

Each module in `aten_families` has a function `cases(case)` that lists calls:

    case("max_pool2d", rand(1, 2, 7, 7), [3, 3], [2, 2], [1, 1], [1, 1], True)
    case("aten::sum.dim_IntList", rand(2, 3), [1], keepdim=True)

An operator is named with or without namespace and overload; without, the Java side finds the overload by the arguments. Tensors are
inputs of the model, but for those wrapped in `param(...)`, which are initializers; numbers that are sizes of inputs, `Size(3)`, and
numbers that the graph computes, `Item(2.5)`, are marked. The calls run once, seeded by their place in the
family, and one file a family, `<family>.json`, holds arguments and results. The test replays a call with the shapes of its inputs known
and again with all of them symbolic. Options of a case, all keyword arguments with a leading underscore:

    _keep={0: [1]}   axes that stay known in the symbolic replay, by input
    _static="why"    the call has no symbolic replay: what is not known then is needed
    _invalid="why"   not run: ONNX Runtime has no kernel for it; types and shapes are compared all the same
    _refused="text"  the lowering must report an error with this text
    _tol=1e-3        tolerance, relative to the largest magnitude; 1e-5 else, 5e-3 for float16
    _outputs=2       compares only the first results
    _counted=True    the program says how many results there are
    _views=[...]     the operator is called on a view of the first argument, made by these operators one after the other:
                     (name, further arguments) or (name, further arguments, which of the results); compared are the tensor that it is a
                     view of, as it is afterwards, the view, and the first view
    _note="..."      what the case is about
"""
import base64
import importlib
import json
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))
SIXTEEN_BITS = {torch.float16: torch.int16, torch.bfloat16: torch.int16}


class Param:
    def __init__(self, tensor):
        self.tensor = tensor


def param(t):
    """A tensor that is an initializer of the model."""
    return Param(t)


class Size(int):
    """A number that is the size of an input: known in the static replay, not in the symbolic one."""


class Item:
    """A number that the graph computes."""

    def __init__(self, number):
        self.number = number


def rand(*shape, dtype=torch.float32):
    """Numbers of a normal distribution."""
    return torch.randn(shape).to(dtype)


def randint(low, high, *shape, dtype=torch.int64):
    return torch.randint(low, high, shape).to(dtype)


def tensor(values, dtype=None):
    return torch.tensor(values, dtype=dtype)


def encode(v):
    if isinstance(v, Param):
        return {**encode(v.tensor), "param": True}
    if isinstance(v, Size):
        return {"size": int(v)}
    if isinstance(v, Item):
        return {"item": encode(torch.tensor(v.number, dtype=torch.float64 if isinstance(v.number, float) else None))}
    if isinstance(v, torch.Tensor):
        t = v.detach().contiguous()
        raw = t.view(SIXTEEN_BITS.get(t.dtype, t.dtype)).numpy().tobytes()
        return {"tensor": str(t.dtype).removeprefix("torch."), "shape": list(t.shape), "data": base64.b64encode(raw).decode()}
    if isinstance(v, torch.dtype):
        return {"dtype": str(v).removeprefix("torch.")}
    if isinstance(v, float):
        return {"float": repr(v)}
    if isinstance(v, (list, tuple)):
        return [encode(e) for e in v]
    if v is None or isinstance(v, (bool, int, str)):
        return v
    raise TypeError(f"no encoding for {type(v)}")


def plain(v):
    return v.tensor if isinstance(v, Param) else v.number if isinstance(v, Item) else int(v) if isinstance(v, Size) else [plain(e) for e in v] if isinstance(v, (list, tuple)) else v


def operator(name):
    namespace, _, rest = name.rpartition("::")
    base, _, overload = rest.partition(".")
    packet = getattr(getattr(torch.ops, namespace or "aten"), base)
    return f"{namespace or 'aten'}::{base}", overload, getattr(packet, overload) if overload else packet


def record(family):
    cases = []

    def case(name, *args, **kwargs):
        torch.manual_seed(1000 + len(cases))
        options = {k[1:]: kwargs.pop(k) for k in list(kwargs) if k.startswith("_")}
        full, overload, op = operator(name)
        try:
            result = [] if "refused" in options else run(op, copied(plain(args)), {k: copied(plain(v)) for k, v in kwargs.items()},
                                                         options.get("views"))
        except Exception as e:
            raise RuntimeError(f"{family} case {len(cases)}: {name}{[a.shape if isinstance(a, torch.Tensor) else a for a in args]}") from e
        entry = {"op": full, "args": encode(args), "kwargs": {k: encode(v) for k, v in kwargs.items()},
                 **({"views": encode(options.pop("views"))} if "views" in options else {}),
                 "results": [] if "refused" in options else encode(result if isinstance(result, (list, tuple)) else [result]), **options}
        if overload:
            entry["overload"] = overload if overload != "default" else ""
        if "outputs" in entry:
            entry["results"] = entry["results"][:entry.pop("outputs")]
        cases.append(entry)

    torch.manual_seed(7)
    importlib.import_module("aten_families." + family).cases(case)
    return cases


def run(op, args, kwargs, views):
    if views is None:
        return op(*args, **kwargs)
    seen = args[:1]
    for name, further, *which in views:
        result = operator(name)[2](seen[-1], *further)
        seen.append(result[which[0]] if which else result)
    op(seen[-1], *args[1:], **kwargs)
    return [seen[0], seen[-1], seen[1]]


def copied(v):
    """Operators may write to their arguments."""
    return v.clone() if isinstance(v, torch.Tensor) else [copied(e) for e in v] if isinstance(v, (list, tuple)) else v


def main():
    folder = Path(sys.argv[1])
    families = sys.argv[2:] or sorted(p.stem for p in (Path(__file__).parent / "aten_families").glob("*.py") if not p.stem.startswith("_"))
    torch.set_num_threads(1)
    with torch.no_grad():
        for family in families:
            cases = record(family)
            folder.mkdir(parents=True, exist_ok=True)
            lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
            (folder / (family + ".json")).write_text("[\n" + lines + "\n]\n")
            print(f"{family}: {len(cases)} cases")


if __name__ == "__main__":
    sys.modules["aten_cases"] = sys.modules["__main__"]  # what the families import
    main()
