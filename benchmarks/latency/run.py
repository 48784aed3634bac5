"""Everything behind the table of docs/performance.md: export, conversion, measurement in Python and in Java, and the table.

    python run.py                       # all of it, and the table goes into docs/performance.md
    python run.py --models resnet50,minilm --repeat 10 --no-write
    python run.py --resume              # after an interruption: what has been measured already stays
    python run.py --retry               # once more those during which other processes disturbed
    python run.py --only table          # from the figures that are there

The parts: export, convert, python and java (two threads each), single (in Python, one thread each), table.

Needs TensorFlow, Keras and ONNX Runtime for the half in Python, and PyTorch, torchvision and timm for models that are not in
testmodels/generated yet (testmodels/export/requirements.txt). A part that fails is reported, and the rest goes on.
"""
import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import models as suite
import table

PARTS = ["export", "convert", "python", "java", "single", "table"]


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def export(chosen, args) -> None:
    """Exports the models that are missing, all in one process."""
    missing = [m["source"] for m in chosen if not m["source"].startswith("maven:") and not suite.onnx_file(m).exists()]
    if missing:
        say(f"exporting {' '.join(missing)}")
        done = subprocess.run([sys.executable, "export_models.py", "--keep-manifests", *missing], cwd=suite.ROOT / "testmodels" / "export")
        if done.returncode != 0:
            say(f"the export ended with code {done.returncode}; models without a file are left out")


def convert(chosen, args) -> None:
    """Converts each both ways, once more for the layout's report with --io-layout nhwc, and writes the plan for the half in Java."""
    suite.build()
    plan = []
    for model in chosen:
        entry = {"name": model["name"], "inputs": model["inputs"], "savedModels": {}}
        try:
            entry["onnx"] = str(suite.onnx_file(model))
            for kind in ("tenon", "tenon_frozen"):
                entry["savedModels"][kind] = str(suite.saved_model(model, kind))
            suite.saved_model(model, "tenon_frozen_nhwc")
        except Exception as e:
            say(f"{model['name']}: {e}")
        if entry.get("onnx") and os.path.exists(entry["onnx"]):
            plan.append(entry)
    args.scratch.mkdir(parents=True, exist_ok=True)
    (args.scratch / "plan.json").write_text(json.dumps(plan, indent=1))


def measuring(args) -> list:
    return ["--repeat", str(args.repeat), "--seconds", str(args.seconds), "--patience", str(args.patience)]


def until_done(command: list, args, environment=None) -> None:
    """Runs a measurement, and again from where it stopped if a model takes the process down."""
    for attempt in range(8):
        again = ["--resume"] if attempt or args.resume else ["--retry"] if args.retry else []
        done = subprocess.run(command + again, env=environment)
        if done.returncode >= 0 and done.returncode != 134 and done.returncode != 139:
            break
        say(f"the process died (code {done.returncode}); going on with the next model")
    if done.returncode != 0:
        say(f"ended with code {done.returncode}")


def python(chosen, args) -> None:
    until_done([sys.executable, str(suite.HERE / "latency.py"), "--models", ",".join(m["name"] for m in chosen), "-o",
                str(args.scratch / "python.json"), *measuring(args)], args)


def java(chosen, args) -> None:
    build_benchmarks()
    program = os.path.join(os.environ["JAVA_HOME"], "bin", "java") if "JAVA_HOME" in os.environ else "java"
    class_path = f"{suite.ROOT}/benchmarks/target/classes:" + (suite.ROOT / "benchmarks/target/benchmarks.classpath").read_text()
    # In the environment: ONNX Runtime's native library crashes in processes whose command line is longer than 4096 bytes.
    environment = {"TF_CPP_MIN_LOG_LEVEL": "2", **os.environ, "CLASSPATH": class_path}
    until_done([program, "-Xmx2g", "dev.tenon.benchmarks.LatencyTable", str(args.scratch / "plan.json"), "-o",
                str(args.scratch / "java.json"), *measuring(args)], args, environment)


def single(chosen, args) -> None:
    """The frozen models beside ONNX Runtime once more, with one thread each."""
    until_done([sys.executable, str(suite.HERE / "latency.py"), "--models", ",".join(m["name"] for m in chosen), "--threads", "1",
                "--subjects", "onnxruntime,tenon_frozen", "-o", str(args.scratch / "single.json"), *measuring(args)], args)


def build_benchmarks() -> None:
    built = suite.ROOT / "benchmarks" / "target" / "benchmarks.classpath"
    sources = [f for m in ("onnx-ir", "tf-backend", "pipeline", "benchmarks") for f in (suite.ROOT / m / "src" / "main").rglob("*")]
    sources += [suite.ROOT / "pom.xml", *suite.ROOT.glob("*/pom.xml")]
    if not built.exists() or any(f.stat().st_mtime > built.stat().st_mtime for f in sources):
        say("building the benchmarks")
        maven = ["mvn", "-q", "-B", "-Dstyle.color=never", "-DskipTests", "-pl", "benchmarks", "-am", "package"]
        if subprocess.run(maven, cwd=suite.ROOT).returncode != 0:
            raise RuntimeError("the build of the benchmarks failed")
        built.touch()


def write_table(chosen, args) -> None:
    text = table.render(suite.load(), args.scratch)
    print(text)
    if not args.no_write:
        table.insert(text, suite.ROOT / "docs" / "performance.md")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="", help="names, comma-separated; default: all")
    parser.add_argument("--repeat", type=int, default=30, help="least number of rounds; default 30")
    parser.add_argument("--seconds", type=float, default=5, help="a model, if more rounds than that fit in; default 5")
    parser.add_argument("--patience", type=float, default=15, help="seconds a model to wait for undisturbed rounds; default 15")
    parser.add_argument("--only", choices=PARTS, action="append", help="only this part; repeatable")
    parser.add_argument("--resume", action="store_true", help="keep what has been measured already")
    parser.add_argument("--retry", action="store_true", help="keep only what nothing disturbed")
    parser.add_argument("--no-write", action="store_true", help="print the table, and leave docs/performance.md alone")
    args = parser.parse_args()
    args.scratch = suite.SCRATCH
    chosen = suite.load([n for n in args.models.split(",") if n])
    work = {"export": export, "convert": convert, "python": python, "java": java, "single": single, "table": write_table}
    failed = []
    for part in args.only or PARTS:
        say(part)
        try:
            work[part](chosen, args)
        except Exception as e:
            failed.append(part)
            say(f"{part} failed: {type(e).__name__}: {e}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
