"""Checks an exported model: the ONNX checker, and onnxruntime against PyTorch.

export_models.py calls check() on every file it writes. By itself,

    python check.py [START-OF-NAME ...]

runs the ONNX checker on every model of ../models.json and onnxruntime at every size of the manifest (without PyTorch, which
is needed only to compare), and fails if an output has NaN or infinity or does not depend on its input.
"""
import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

TOLERANCE = 1e-4


class Failure(Exception):
    pass


def session(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Without optimisations onnxruntime computes each node as it is written.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(path if isinstance(path, bytes) else str(path), options, providers=["CPUExecutionProvider"])


def check(path, module, outputs, trials):
    """Returns the largest error, scaled by the largest reference value, and the range of output magnitudes."""
    import torch
    onnx.checker.check_model(str(path), full_check=True)
    run = session(path)
    names = [o.name for o in run.get_outputs()]
    if names != list(outputs):
        raise Failure(f"outputs are {names}, not {outputs}")
    if [i.name for i in run.get_inputs()] != list(trials[0]):
        raise Failure(f"inputs are {[i.name for i in run.get_inputs()]}, not {list(trials[0])}")
    worst, low, high = 0.0, float("inf"), 0.0
    for trial in trials:
        with torch.no_grad():
            expected = module(*trial.values())
        expected = [expected] if isinstance(expected, torch.Tensor) else list(expected)
        actual = run.run(None, {k: v.numpy() for k, v in trial.items()})
        for name, e, a in zip(names, expected, actual):
            e = e.numpy()
            if e.shape != a.shape:
                raise Failure(f"{name}: shape {a.shape}, not {e.shape}")
            if not np.isfinite(e).all():
                raise Failure(f"{name}: not finite")
            scale = float(np.abs(e).max())
            if scale < 1e-2 or scale > 1e3:
                raise Failure(f"{name}: magnitude {scale:.2g}")
            if e.dtype == np.float32:
                rms = float(np.sqrt((e.astype(np.float64) ** 2).mean()))
                low, high = min(low, rms), max(high, rms)
                if e.std() < 1e-3:
                    raise Failure(f"{name}: nearly constant")
            worst = max(worst, float(np.abs(e.astype(np.float64) - a).max()) / max(1e-3, scale))
    if worst > TOLERANCE:
        raise Failure(f"error {worst:.2g}")
    return worst, f"{low:.2g}..{high:.2g}"


def located(entry, root=None):
    """The path of a manifest's model, or its bytes if it is in the jar of a Maven artifact in ~/.m2/repository."""
    source = entry["source"]
    if not source.startswith("maven:"):
        return (root or Path(__file__).resolve().parent.parent) / source
    coordinates, member = source[len("maven:"):].split("!/")
    group, artifact, version = coordinates.split(":")
    jar = Path.home() / ".m2/repository" / group.replace(".", "/") / artifact / version / f"{artifact}-{version}.jar"
    with zipfile.ZipFile(jar) as file:
        return file.read(member)


def feeds(entry, index, seed=0):
    """The inputs of one trial of a manifest entry (models.json), by name."""
    rng = np.random.default_rng(seed + index)
    result = {}
    for name, spec in entry["inputs"].items():
        shape = spec["sizes"][index]
        dtype = np.dtype(spec["dtype"])
        if spec.get("values") == "attention_mask":
            lengths = rng.integers(max(1, shape[1] // 2), shape[1] + 1, (shape[0], 1))
            lengths[0] = shape[1]
            result[name] = (np.arange(shape[1])[None] < lengths).astype(dtype)
        elif spec.get("values") == "text_pattern":
            i, k, a, b = np.indices(shape)
            ink = (a % 24 >= 8) & (a % 24 < 20) & ((a // 3 * 5 + b // 3 * 7 + (a // 3) * (b // 3) + i + seed) % 11 < 5)
            result[name] = (np.where(ink, -0.9, 0.9) + 0.05 * k).astype(dtype)
        elif dtype.kind == "f":
            result[name] = rng.standard_normal(shape).astype(dtype)
        else:
            low, high = spec["range"]
            result[name] = rng.integers(low, high + 1, shape).astype(dtype)
    return result


def main():
    root = Path(__file__).resolve().parent.parent
    failed = 0
    chosen = sys.argv[1:]
    for entry in json.loads((root / "models.json").read_text()):
        if chosen and not any(entry["name"].startswith(c) for c in chosen):
            continue
        try:
            path = located(entry, root)
            onnx.checker.check_model(path if isinstance(path, bytes) else str(path), full_check=True)
            run = session(path)
            for i in range(len(next(iter(entry["inputs"].values()))["sizes"])):
                a = run.run(entry["outputs"], feeds(entry, i))
                b = run.run(entry["outputs"], feeds(entry, i, seed=50))
                for name, x, y in zip(entry["outputs"], a, b):
                    if not np.isfinite(x).all():
                        raise Failure(f"{name}: not finite")
                    if np.array_equal(x, y):
                        raise Failure(f"{name}: does not depend on the input")
            print(f"ok    {entry['name']}")
        except Exception as e:
            failed += 1
            print(f"FAIL  {entry['name']}: {type(e).__name__}: {str(e)[:300]}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
