"""Measures the latency of converted models in TensorFlow beside ONNX Runtime and Keras: one process, call by call in turn.

    python latency.py                                   # all models, all subjects -> out/latency/python.json
    python latency.py --models resnet50,vit_tiny --subjects onnxruntime,tenon_frozen
    python latency.py --profile mobilenet_v3_small      # where the time goes, operation by operation
    python latency.py --profile vit_tiny --subjects tenon_frozen --nodes 40

Subjects: onnxruntime (the source .onnx), tenon (weights as variables), tenon_frozen (--freeze), keras (the model of
keras.applications with variables, in a tf.function), keras_frozen (the same after convert_variables_to_constants_v2);
and, only when named, tenon_nhwc and tenon_frozen_nhwc (--io-layout nhwc), tenon_jit and tenon_frozen_jit (compiled by XLA).

Times are milliseconds. A round calls every subject once, beginning with another one each time. ONNX Runtime's threads are
told to stop spinning when their call ends, or they would take the cores from the next subject.
"""
import argparse
import datetime
import gc
import json
import math
import os
import statistics
import sys
import time
import traceback
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import models as suite

SUBJECTS = ["onnxruntime", "tenon", "tenon_frozen", "keras", "keras_frozen"]
ON_DEMAND = ["tenon_nhwc", "tenon_frozen_nhwc", "tenon_jit", "tenon_frozen_jit"]
QUIET = 0.05  # of the machine, taken by other processes: less than that disturbs nothing


# ---- subjects: each gives a function without arguments, and what compares its outputs ----------------------------------------

def onnxruntime_call(model, args):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads = args.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = ort.InferenceSession(str(suite.onnx_file(model, args.root, args.scratch)), options, providers=["CPUExecutionProvider"])
    feeds = suite.inputs(model)
    names = [o.name for o in session.get_outputs()]
    return lambda: dict(zip(names, session.run(None, feeds)))


def tenon_call(model, kind, args):
    import tensorflow as tf
    loaded = tf.saved_model.load(str(converted(model, kind, args)))
    function = loaded.signatures["serving_default"]
    names = {clean(n): n for n in function.structured_input_signature[1]}
    feeds = {names.get(clean(n), n): tf.constant(a) for n, a in tenon_inputs(model, kind).items()}
    if kind.endswith("_jit"):
        signature = function
        function = tf.function(lambda **inputs: signature(**inputs), jit_compile=True)

    def call(keep=loaded):
        return function(**feeds)
    return call


def converted(model, kind, args) -> Path:
    return suite.saved_model(model, kind.removesuffix("_jit"), args.root, args.scratch)


def tenon_inputs(model, kind) -> dict:
    import numpy as np
    arrays = suite.inputs(model)
    if kind.endswith("_nhwc"):
        return {n: np.ascontiguousarray(np.moveaxis(a, 1, -1)) if a.ndim == 4 else a for n, a in arrays.items()}
    return arrays


def clean(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)


def keras_call(model, frozen, args):
    import keras
    import tensorflow as tf
    spec = model["keras"]
    network = getattr(keras.applications, spec["class"])(weights=None, classifier_activation=None, **spec.get("arguments", {}))
    randomise(network)
    size = spec["size"]
    function = tf.function(lambda x: network(x, training=False))
    concrete = function.get_concrete_function(tf.TensorSpec([None, size, size, 3], tf.float32))
    image = tf.random.stateless_normal([1, size, size, 3], [7, 7])
    if not frozen:
        return lambda keep=network: concrete(image)
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
    constant = convert_variables_to_constants_v2(concrete)
    return lambda: constant(image)


def randomise(network) -> None:
    """Gives biases and normalizations values: Grappler would remove additions of the zeros that they have at first."""
    import numpy as np
    random = np.random.default_rng(7)
    for v in network.variables:
        if v.name in ("gamma", "moving_variance"):
            v.assign(random.uniform(0.5, 1.5, v.shape))
        elif v.name in ("bias", "beta", "moving_mean"):
            v.assign(random.normal(0, 0.2, v.shape))


def make(model, subject, args):
    if subject == "onnxruntime":
        return onnxruntime_call(model, args)
    if subject.startswith("keras"):
        return keras_call(model, subject == "keras_frozen", args)
    return tenon_call(model, subject, args)


def has(model, subject) -> bool:
    return "keras" in model or not subject.startswith("keras")


# ---- measuring ---------------------------------------------------------------------------------------------------------------

def measure(model, args, result) -> None:
    """Fills in a model's result: subjects with their times, and failures with their reasons."""
    import executed
    calls, traced, outputs = {}, {}, {}
    result.update(subjects={}, failed={})
    for subject in args.subjects:
        if not has(model, subject):
            continue
        try:
            call = make(model, subject, args)
            if subject == "onnxruntime":
                outputs[subject] = call()
            else:
                def first(call=call, subject=subject):
                    outputs[subject] = call()
                graph = executed.optimized_graph(first)
                traced[subject] = executed.summary(executed.steps(graph, call, args.traced))
            calls[subject] = call
        except Exception as e:
            failure(result, subject, e)
    warm(calls, args, result)
    times = rounds(calls, args, result)
    for subject, ms in times.items():
        result["subjects"][subject] = figures(ms, result["disturbed"])
    reference = result["subjects"].get("onnxruntime", {}).get("ms")
    for subject, found in result["subjects"].items():
        if reference:
            found["of_onnxruntime"] = round(found["ms"] / reference, 3)
        if subject in traced:
            found["executed"] = traced[subject]
            if subject.startswith("tenon") and not subject.endswith("_jit"):
                try:
                    moved = executed.transposes(converted(model, subject, args), tenon_inputs(model, subject))
                    found["executed"].update(transpose_bytes=sum(t["bytes"] for t in moved), transposed=moved)
                except Exception as e:
                    failure(result, subject + ": transposes", e)
        if subject.startswith("tenon") and not subject.endswith("_nhwc") and "onnxruntime" in outputs:
            found["error"] = error(outputs["onnxruntime"], outputs[subject])
            if not found["error"] <= 1e-3:
                result["failed"][subject + ": outputs"] = f"scaled error {found['error']:.1e} against ONNX Runtime"


def warm(calls, args, result) -> None:
    """TensorFlow's executor takes every operation for expensive at first, and knows which are cheap after some ninety calls."""
    for subject, call in list(calls.items()):
        try:
            end = time.perf_counter() + args.warm_seconds
            n = 0
            while n < 3 or (n < 100 and time.perf_counter() < end):
                call()
                n += 1
        except Exception as e:
            failure(result, subject, e)
            del calls[subject]


def rounds(calls, args, result) -> dict:
    """The times of at least args.repeat rounds, and more of quick models until args.seconds are over.

    Rounds during which other processes took more than a twentieth of the machine do not count; if there are not enough others
    after args.patience seconds all do, and the result says how much of the machine the others had.
    """
    chunks, order, made = [], list(calls), 0
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        while order:
            quiet = sum(len(some) for share, some in chunks if share <= QUIET)
            spent = time.perf_counter() - start
            if quiet >= args.repeat and (quiet >= 10 * args.repeat or spent > args.seconds):
                break
            if made >= args.repeat and spent > max(args.seconds, args.patience):
                break
            others, some = Others(), []
            while not some or others.seconds() < 0.4:
                k = made % len(order)
                times = {}
                for subject in order[k:] + order[:k]:
                    call = calls[subject]
                    begin = time.perf_counter_ns()
                    call()
                    times[subject] = (time.perf_counter_ns() - begin) / 1e6
                some.append(times)
                made += 1
            chunks.append((others.share(), some))
    finally:
        gc.enable()
    quiet = [r for share, some in chunks if share <= QUIET for r in some]
    enough = len(quiet) >= args.repeat
    used = quiet if enough else [r for _, some in chunks for r in some]
    result["disturbed"] = 0.0 if enough or not chunks else round(statistics.mean(share for share, _ in chunks), 2)
    return {s: [r[s] for r in used] for s in calls}


class Others:
    """How much of the machine other processes have taken since this was made; nothing is known where there is no /proc/stat."""

    def __init__(self):
        self.start, self.busy, self.own = time.perf_counter(), busy(), time.process_time()

    def seconds(self) -> float:
        return time.perf_counter() - self.start

    def share(self) -> float:
        if self.busy is None:
            return 0.0
        return (busy() - self.busy - (time.process_time() - self.own)) / (self.seconds() * os.cpu_count())


def busy():
    """Seconds that all processors together were busy since the machine started."""
    try:
        with open("/proc/stat") as f:
            user, nice, system, _, _, irq, softirq, steal = map(int, f.readline().split()[1:9])
    except (OSError, ValueError):
        return None
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def figures(ms: list, disturbed: float = 0) -> dict:
    """The median counts; of disturbed rounds the fastest, which is nearer to what an idle machine takes."""
    q1, median, q3 = statistics.quantiles(ms, n=4, method="inclusive") if len(ms) > 1 else ms * 3
    return {"ms": round(min(ms) if disturbed else median, 4), "median": round(median, 4), "q1": round(q1, 4), "q3": round(q3, 4),
            "min": round(min(ms), 4), "calls": len(ms)}


def error(expected: dict, got: dict) -> float:
    """The greatest scaled error of an output: max|a-b| / max(0.001, max|ref|)."""
    import numpy as np
    actual = {clean(n): v.numpy() for n, v in got.items()}
    worst = 0.0
    for name, e in expected.items():
        a = actual[clean(name)]
        worst = max(worst, float(np.max(np.abs(a - e)) / max(1e-3, float(np.max(np.abs(e))))))
    return float(f"{worst:.2e}")


def failure(result, subject, e) -> None:
    result["failed"][subject] = f"{type(e).__name__}: {str(e)[:600]}"
    print(f"  {subject} failed: {type(e).__name__}: {str(e)[:300]}", file=sys.stderr, flush=True)
    if os.environ.get("TRACE"):
        traceback.print_exc()


def geometric_means(results: dict) -> dict:
    """Of the multiples of ONNX Runtime, by subject: over all models that it has, and over those that Keras has too."""
    means = {}
    for subject in SUBJECTS + ON_DEMAND:
        ratios = {n: r["subjects"][subject]["of_onnxruntime"] for n, r in results.items()
                  if "of_onnxruntime" in r.get("subjects", {}).get(subject, {})}
        shared = [v for n, v in ratios.items() if "keras" in results[n]["subjects"]]
        if ratios and subject != "onnxruntime":
            means[subject] = {"all": mean(list(ratios.values())), "models": len(ratios)}
            if shared:
                means[subject].update(with_keras=mean(shared), models_with_keras=len(shared))
    return means


def mean(values: list) -> float:
    return round(math.exp(sum(map(math.log, values)) / len(values)), 3)


def environment(args) -> dict:
    import onnxruntime
    import tensorflow as tf
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?") \
        if os.path.exists("/proc/cpuinfo") else "?"
    return {"runtime": "python", "tensorflow": tf.__version__, "onnxruntime": onnxruntime.__version__, "cpu": cpu,
            "cores": os.cpu_count(), "intra_op": args.threads, "inter_op": args.inter_op,
            "began": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "load": [round(x, 2) for x in os.getloadavg()]}


# ---- reporting ---------------------------------------------------------------------------------------------------------------

def line(name, result) -> str:
    cells = []
    for subject, f in result.get("subjects", {}).items():
        ratio = f" = {f['of_onnxruntime']:.2f}x" if "of_onnxruntime" in f and subject != "onnxruntime" else ""
        extra = f" ({f['executed']['transposes']} transposes, {f['executed']['nodes']} nodes)" if "executed" in f else ""
        cells.append(f"{subject} {f['ms']:.2f}{ratio}{extra}")
    cells += [f"{s} FAILED" for s in result.get("failed", {})]
    if result.get("disturbed"):
        cells.append(f"[fastest rounds: other processes took {100 * result['disturbed']:.0f} % of the machine]")
    return f"{name:20} " + "   ".join(cells)


def profile(model, args) -> None:
    """Prints what each TensorFlow subject runs."""
    import executed
    for subject in args.subjects:
        if subject == "onnxruntime" or not has(model, subject):
            continue
        call = make(model, subject, args)
        found = executed.steps(executed.optimized_graph(call), call, args.traced)
        warm({subject: call}, args, {"failed": {}})
        result = {}
        ms = figures(rounds({subject: call}, args, result)[subject], result["disturbed"])["ms"]
        total = sum(s.ms for s in found)
        print(f"\n{model['name']}, {subject}: {ms:.2f} ms a call; {sum(s.count for s in found):.0f} operations, which take "
              f"{total:.2f} ms when traced")
        print(f"  {'operation':58} {'count':>6} {'ms':>9} {'share':>7}")
        for r in executed.by_op(found):
            print(f"  {r['op']:58} {r['count']:6.0f} {r['ms']:9.3f} {100 * r['ms'] / total:6.1f}%")
        if subject.startswith("tenon") and not subject.endswith("_jit"):
            for t in executed.transposes(converted(model, subject, args), tenon_inputs(model, subject)):
                print(f"    {t['bytes'] / 1e6:8.3f} MB  {str(t['shape']):24} {t['name']}")
        for s in found[:args.nodes]:
            print(f"    {s.ms:8.3f} ms  {s.op:44} {s.name}")


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="", help="names, comma-separated; default: all")
    parser.add_argument("--subjects", default=",".join(SUBJECTS), help="comma-separated; default: %(default)s")
    parser.add_argument("--repeat", type=int, default=30, help="least number of rounds; default 30")
    parser.add_argument("--seconds", type=float, default=5, help="quick models get more rounds, up to ten times as many, in this time")
    parser.add_argument("--patience", type=float, default=30,
                        help="seconds a model to wait for rounds that other processes do not disturb; default 30")
    parser.add_argument("--warm-seconds", type=float, default=4,
                        help="of each subject before the first round, or a hundred calls if they take less; default 4")
    parser.add_argument("--traced", type=int, default=9, help="calls that are traced for the operations' times")
    parser.add_argument("--threads", type=int, default=2, help="for one operation, in either runtime; default 2")
    parser.add_argument("--inter-op", type=int, default=1, help="TensorFlow's threads for operations side by side; default 1")
    parser.add_argument("--profile", metavar="MODEL", help="print what is executed, and measure nothing else")
    parser.add_argument("--nodes", type=int, default=0, metavar="N", help="with --profile: the N slowest nodes by name, too")
    parser.add_argument("--resume", action="store_true", help="keep the models that the output has already")
    parser.add_argument("--retry", action="store_true", help="keep those only that nothing disturbed")
    parser.add_argument("--root", type=Path, default=suite.ROOT, help="the repository, whose ./tenon converts")
    parser.add_argument("--scratch", type=Path, help="for converted models; default: ROOT/out/latency")
    parser.add_argument("-o", "--output", type=Path, help="the JSON; default: SCRATCH/python.json")
    args = parser.parse_args()
    args.root = args.root.resolve()
    args.scratch = (args.scratch or args.root / "out" / "latency").resolve()
    args.output = args.output or args.scratch / "python.json"
    args.subjects = [s for s in args.subjects.split(",") if s]
    unknown = set(args.subjects) - set(SUBJECTS + ON_DEMAND)
    if unknown:
        parser.error(f"no subject {', '.join(sorted(unknown))}; there are: {', '.join(SUBJECTS + ON_DEMAND)}")
    return args


def main():
    args = parse()
    chosen = suite.load([n for n in (args.profile or args.models).split(",") if n])
    if any(s.startswith("tenon") for s in args.subjects):
        suite.build(args.root)
    import tensorflow as tf
    tf.get_logger().setLevel("ERROR")
    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(args.inter_op)
    if args.profile:
        for model in chosen:
            profile(model, args)
        return
    document = {"environment": environment(args), "models": {}}
    if (args.resume or args.retry) and args.output.exists():
        before = json.loads(args.output.read_text())["models"]
        document["models"] = {n: r for n, r in before.items() if not (args.retry and r.get("disturbed"))}
    args.output.parent.mkdir(parents=True, exist_ok=True)
    for model in chosen:
        name = model["name"]
        known = document["models"].get(name)
        if known:
            if known.get("running"):
                known.clear()
                known.update(subjects={}, failed={"all": "the process ended while this model was measured"})
            print(line(name, known) + "   (from before)", flush=True)
            continue
        result = document["models"][name] = {"running": True}
        write(document, args.output)
        try:
            measure(model, args, result)
        except Exception as e:
            result.setdefault("failed", {})
            failure(result, "all", e)
        result.pop("running")
        print(line(name, result), flush=True)
        write(document, args.output)
        if "keras" in sys.modules:
            sys.modules["keras"].backend.clear_session()
        gc.collect()
    for subject, m in geometric_means(document["models"]).items():
        print(f"geometric mean, {subject}: {m['all']:.2f} of {m['models']} models"
              + (f"; {m['with_keras']:.2f} of the {m['models_with_keras']} that Keras has" if "with_keras" in m else ""))


def write(document, file: Path) -> None:
    document["geometric_means"] = geometric_means(document["models"])
    part = file.with_suffix(".part")
    part.write_text(json.dumps(document, indent=1) + "\n")
    part.replace(file)


if __name__ == "__main__":
    main()
