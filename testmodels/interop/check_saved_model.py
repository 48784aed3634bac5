"""Checks a SavedModel against the ONNX model it was converted from, with TensorFlow and Keras themselves.

    python check_saved_model.py MODEL.onnx SAVEDMODEL_DIR [--sizes JSON | --manifest models.json --name NAME]
                                [--tolerance 1e-4] [--frozen] [--json]

With --manifest, MODEL.onnx may be - : the manifest says where the model is. JSON is
{"input": [[2,3,64,64], [3,3,64,64]], ...}, one shape for each trial, or a manifest's whole "inputs" object.

What is checked:
  variables    trainable_variables is there and not empty; every name is a module path ending in a parameter name, none
               is an automatic ONNX name; moving statistics are not trainable
  outputs      the callable object (positional, in the order of the ONNX inputs) and serving_default (by keyword) give
               what onnxruntime gives, at every size; the error of an output is max|a-b| / max(1e-3, max|ref|)
  training     tf.GradientTape gives a gradient to at least 90 % of the trainable variables, and a step of gradient
               descent (halving the learning rate until it works) lowers the loss on the same batch
  keras        keras.layers.TFSMLayer runs serving_default and lists the same number of trainable weights
Exit status 0 if all hold, 1 otherwise.
"""
import argparse
import json
import os
import re
import sys
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
warnings.filterwarnings("ignore")

import numpy as np
import onnxruntime

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "export"))
from check import feeds, located, session

# Last parts of names: those of Keras layers first, then parameters that no Keras layer has.
KERAS_NAMES = {"kernel", "depthwise_kernel", "pointwise_kernel", "recurrent_kernel", "bias", "recurrent_bias", "gamma",
               "beta", "embeddings", "alpha", "moving_mean", "moving_variance"}
MOVING = {"moving_mean", "moving_variance"}
AUTOMATIC = [r"onnx(::|__|_)[A-Z]\w*_\d+", r"initializer", r"(^|/)(val|node|tmp|input)_?\d+(/|$)", r"(^|/)Constant_\d+",
             r"::", r"_output_\d+"]
TYPES = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(int64)": "int64", "tensor(int32)": "int32",
         "tensor(bool)": "bool", "tensor(float16)": "float16", "tensor(uint8)": "uint8", "tensor(int8)": "int8"}


def sanitise(name):
    return re.sub(r"[^A-Za-z0-9_]", "_", name)


class Report:
    def __init__(self):
        self.lines, self.failures, self.data = [], [], {}

    def say(self, text):
        self.lines.append(text)

    def fail(self, text):
        self.failures.append(text)
        self.lines.append("FAIL  " + text)


def scaled_error(reference, actual):
    if reference.dtype.kind in "biu":
        return float("inf") if not np.array_equal(reference, actual) else 0.0
    finite = np.isfinite(reference)
    if not np.array_equal(finite, np.isfinite(actual)) or \
            not np.array_equal(reference[~finite], actual[~finite], equal_nan=True):
        return float("inf")
    if not finite.any():
        return 0.0
    a, b = reference[finite].astype(np.float64), actual[finite].astype(np.float64)
    return float(np.abs(a - b).max() / max(1e-3, np.abs(a).max()))


def check_names(report, loaded, signature, frozen):
    if not hasattr(loaded, "trainable_variables"):
        if not frozen:
            report.fail("the loaded object has no trainable_variables")
        return []
    trainable = list(loaded.trainable_variables)
    everything = list(loaded.variables) if hasattr(loaded, "variables") else list(trainable)
    known = {v.ref() for v in everything}
    everything += [v for v in (signature.variables if signature is not None else []) if v.ref() not in known]
    names = [re.sub(r":\d+$", "", v.name) for v in everything]
    trainable_names = [re.sub(r":\d+$", "", v.name) for v in trainable]
    report.data["trainable"], report.data["variables"] = len(trainable), len(everything)
    report.data["parameters"] = int(sum(np.prod(v.shape.as_list()) for v in trainable))
    report.say(f"{len(trainable)} trainable variables of {len(everything)}, "
               f"{report.data['parameters']} values; first: {', '.join(trainable_names[:6])}")
    if not trainable and not frozen:
        report.fail("no trainable variable")
    if len(set(names)) != len(names):
        twice = sorted({n for n in names if names.count(n) > 1})
        report.fail(f"names used twice: {', '.join(twice[:5])}")
    automatic = [n for n in names if any(re.search(p, n) for p in AUTOMATIC)]
    if automatic:
        report.fail(f"{len(automatic)} automatic names: {', '.join(automatic[:6])}")
    bad, other = [], set()
    for n in names:
        parts = n.split("/")
        last = parts[-1]
        if not all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*", p) for p in parts) or not re.match(r"[A-Za-z_]", last):
            bad.append(n)
        elif last not in KERAS_NAMES:
            other.add(last)
    if bad:
        report.fail(f"{len(bad)} names not made of a module path and a parameter name: {', '.join(bad[:6])}")
    if other:
        report.say("parameter names that no Keras layer has: " + ", ".join(sorted(other)[:20]))
    report.data["other_names"] = sorted(other)
    moving = [n for n in trainable_names if n.split("/")[-1] in MOVING]
    if moving:
        report.fail(f"trainable moving statistics: {', '.join(moving[:4])}")
    return trainable


def as_list(result, outputs):
    """The outputs of a call, in the order of the ONNX outputs."""
    if isinstance(result, dict):
        missing = [o for o in outputs if o not in result and sanitise(o) not in result]
        if missing:
            raise KeyError(f"outputs {missing} missing; there are {list(result)}")
        return [result[o] if o in result else result[sanitise(o)] for o in outputs]
    if isinstance(result, (list, tuple)):
        return list(result)
    return [result]


def compare(report, what, outputs, expected, result, tolerance, size):
    actual = as_list(result, outputs)
    if len(actual) != len(outputs):
        report.fail(f"{what}: {len(actual)} outputs, not {len(outputs)}")
        return float("inf")
    worst = 0.0
    for name, e, a in zip(outputs, expected, actual):
        a = a.numpy()
        if a.shape != e.shape:
            report.fail(f"{what}: {name} at {size}: shape {a.shape}, not {e.shape}")
            worst = float("inf")
            continue
        if a.dtype != e.dtype:
            report.fail(f"{what}: {name}: type {a.dtype}, not {e.dtype}")
        error = scaled_error(e, a)
        if not error <= tolerance:
            report.fail(f"{what}: {name} at {size}: error {error:.2e}")
        worst = max(worst, error)
    return worst


def check_training(report, tf, loaded, args, outputs, trainable):
    rng = np.random.default_rng(11)
    floats = lambda result: [o for o in as_list(result, outputs) if o.dtype.is_floating]
    start = floats(loaded(*args))
    if not start:
        report.say("training: no float output")
        return
    targets, weights = [], []
    for o in start:
        value = np.nan_to_num(o.numpy(), posinf=0, neginf=0)
        scale = max(1e-3, float(np.sqrt((value.astype(np.float64) ** 2).mean())))
        targets.append(tf.constant(rng.standard_normal(value.shape).astype(value.dtype) * scale))
        weights.append(1.0 / scale ** 2)

    def loss():
        return tf.add_n([w * tf.reduce_mean(tf.cast(tf.math.squared_difference(o, t), tf.float32))
                         for o, t, w in zip(floats(loaded(*args)), targets, weights)]) / len(targets)

    with tf.GradientTape() as tape:
        before = loss()
    gradients = tape.gradient(before, trainable)
    without = [v.name for v, g in zip(trainable, gradients) if g is None]
    dense = [tf.convert_to_tensor(g) if g is not None else None for g in gradients]
    zero = [v.name for v, g in zip(trainable, dense) if g is not None and not np.any(g.numpy())]
    report.data["without_gradient"] = len(without)
    if any(g is not None and not np.all(np.isfinite(g.numpy())) for g in dense):
        report.fail("training: a gradient is not finite")
        return
    if without:
        report.say(f"without gradient: {', '.join(without[:8])}")
    if zero:
        report.say(f"gradient zero everywhere: {', '.join(zero[:8])}")
    if len(without) + len(zero) > 0.1 * len(trainable):
        report.fail(f"training: {len(without)} of {len(trainable)} variables without gradient, {len(zero)} with zero")
    saved = [v.numpy() for v in trainable]
    norm = float(np.sqrt(sum((g.numpy().astype(np.float64) ** 2).sum() for g in dense if g is not None)))
    if not norm > 0:
        report.fail("training: the gradient is zero")
        return
    rate = 0.1 / max(norm, 1.0)
    try:
        for _ in range(14):
            for v, g in zip(trainable, dense):
                if g is not None:
                    v.assign_sub(tf.cast(rate, v.dtype) * tf.cast(g, v.dtype))
            after = loss()
            if float(after) < float(before):
                report.say(f"training: loss {float(before):.6g} -> {float(after):.6g} with rate {rate:.1e}; "
                           f"{len(trainable) - len(without)} of {len(trainable)} variables have a gradient")
                report.data["loss"] = [float(before), float(after)]
                return
            for v, s in zip(trainable, saved):
                v.assign(s)
            rate /= 4
        report.fail(f"training: the loss {float(before):.6g} does not go down")
    finally:
        for v, s in zip(trainable, saved):
            v.assign(s)


def check_keras(report, directory, inputs, outputs, trial, expected, tolerance, trainable):
    import keras

    class Layer(keras.layers.TFSMLayer):
        """Keras passes one argument; several inputs need a subclass, as its documentation says."""

        def call(self, inputs, training=False):
            return self.call_endpoint_fn(**inputs)

    if len(inputs) == 1:
        layer = keras.layers.TFSMLayer(str(directory), call_endpoint="serving_default")
        result = layer(next(iter(trial.values())))
    else:
        layer = Layer(str(directory), call_endpoint="serving_default")
        result = layer({k: v for k, v in trial.items()})
    compare(report, "TFSMLayer", outputs, expected, result, tolerance, "the first size")
    if len(layer.trainable_weights) != len(trainable):
        report.fail(f"TFSMLayer has {len(layer.trainable_weights)} trainable weights, not {len(trainable)}")
    else:
        report.say(f"keras.layers.TFSMLayer: {len(layer.trainable_weights)} trainable weights, "
                   f"{len(layer.non_trainable_weights)} others")


def check_model(model, directory, entry, tolerance=1e-4, frozen=False):
    """Checks one SavedModel; model is a path or bytes, entry has inputs (and outputs) as a manifest has."""
    import tensorflow as tf
    report = Report()
    reference = session(model)
    entry = dict(entry)
    types = {i.name: TYPES[i.type] for i in reference.get_inputs()}
    shapes = {i.name: i.shape for i in reference.get_inputs()}
    names, outputs = list(types), [o.name for o in reference.get_outputs()]
    specs = {}
    for n in names:
        spec = entry.get("inputs", {}).get(n)
        if spec is None:
            shape = shapes[n]
            if any(not isinstance(d, int) for d in shape[1:]):
                raise SystemExit(f"input {n} has shape {shape}: give --sizes or --manifest")
            spec = [[b] + shape[1:] if not isinstance(shape[0], int) else shape for b in (2, 3)] if shape else [[], []]
        spec = dict(spec) if isinstance(spec, dict) else {"sizes": spec}
        spec.setdefault("dtype", types[n])
        spec.setdefault("range", [0, 1])
        specs[n] = spec
    entry["inputs"] = specs
    try:
        loaded = tf.saved_model.load(str(directory))
    except Exception as e:
        report.fail(f"tf.saved_model.load: {type(e).__name__}: {str(e)[:500]}")
        return report
    signature = loaded.signatures.get("serving_default") if hasattr(loaded, "signatures") else None
    trainable = check_names(report, loaded, signature, frozen)
    if signature is None:
        report.fail("no signature serving_default")
    else:
        expected_keys = {n if n in signature.structured_input_signature[1] else sanitise(n) for n in names}
        actual_keys = set(signature.structured_input_signature[1])
        if expected_keys != actual_keys:
            report.fail(f"serving_default takes {sorted(actual_keys)}, not {sorted(expected_keys)}")
            signature = None
    worst, first = 0.0, None
    for i in range(len(next(iter(specs.values()))["sizes"])):
        values = {n: v for n, v in feeds(entry, i).items()}
        size = "x".join(map(str, next(iter(values.values())).shape))
        expected = reference.run(None, values)
        tensors = {n: tf.constant(values[n]) for n in names}
        try:
            worst = max(worst, compare(report, "callable", outputs, expected, loaded(*tensors.values()), tolerance, size))
        except Exception as e:
            report.fail(f"callable at {size}: {type(e).__name__}: {str(e)[:400]}")
            worst = float("inf")
        if signature is not None:
            keys = signature.structured_input_signature[1]
            by_name = {n if n in keys else sanitise(n): t for n, t in tensors.items()}
            try:
                result = signature(**by_name)
                unknown = set(result) - set(outputs) - {sanitise(o) for o in outputs}
                if unknown:
                    report.fail(f"serving_default gives unknown outputs {sorted(unknown)}")
                worst = max(worst, compare(report, "serving_default", outputs, expected, result, tolerance, size))
            except Exception as e:
                report.fail(f"serving_default at {size}: {type(e).__name__}: {str(e)[:400]}")
                worst = float("inf")
            if first is None:
                first = (by_name, expected)
        if i == 0:
            batch = list(tensors.values())
    report.data["error"] = worst
    report.say(f"largest scaled error {worst:.2e} over {i + 1} sizes")
    if not frozen and trainable:
        try:
            check_training(report, tf, loaded, batch, outputs, trainable)
        except Exception as e:
            report.fail(f"training: {type(e).__name__}: {str(e)[:400]}")
    if first is not None:
        try:
            check_keras(report, directory, names, outputs, first[0], first[1], tolerance, trainable)
        except Exception as e:
            report.fail(f"TFSMLayer: {type(e).__name__}: {str(e)[:400]}")
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--sizes", type=json.loads)
    parser.add_argument("--manifest", type=Path)
    parser.add_argument("--name")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--frozen", action="store_true", help="weights are constants: no variables, no training")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    args = parser.parse_args()
    entry, model = {"inputs": args.sizes or {}}, args.model
    if args.manifest:
        name = args.name or args.directory.name
        entry = next((e for e in json.loads(args.manifest.read_text()) if e["name"] == name), None)
        if entry is None:
            parser.error(f"{args.manifest} has no model {name}")
        if model == "-":
            model = located(entry, args.manifest.resolve().parent)
    report = check_model(model, args.directory, entry, args.tolerance, args.frozen)
    ok = not report.failures
    if args.json:
        print(json.dumps({"model": entry.get("name", str(args.model)), "ok": ok, **report.data,
                          "failures": report.failures}))
    else:
        print("\n".join(report.lines))
        print("OK" if ok else f"{len(report.failures)} failures")
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
