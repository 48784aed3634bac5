"""The Markdown of docs/performance.md, from what latency.py, LatencyTable and the conversions have written.

    python table.py [SCRATCH]           # prints it
"""
import json
import math
import sys
from pathlib import Path

import models as suite

BEGIN, END = "<!-- made by benchmarks/latency/run.py -->", "<!-- end -->"
TARGET = 1.6  # times ONNX Runtime's latency, frozen, geometric mean over all models


def read(file: Path) -> dict:
    return json.loads(file.read_text()) if file.exists() else {"models": {}, "environment": {}}


def render(models: list, scratch: Path) -> str:
    python, java = read(scratch / "python.json"), read(scratch / "java.json")
    shown = [m for m in models if m["name"] in python["models"] or m["name"] in java["models"]]
    parts = [environment(python["environment"], java["environment"]), latencies(shown, python, java), layouts(shown, python, scratch)]
    single = read(scratch / "single.json")
    if single["models"]:
        parts.append("With one thread each, and the frozen model in Python with two beside it:\n\n" + one_thread(shown, python, single))
    notes = problems(models, {"Python": python, "Java": java, "one thread": single})
    if notes:
        parts.append("Not as it should be in this run:\n\n" + "\n".join(f"- {n}" for n in notes))
    return "\n\n".join(parts + [targets(shown, python), where_it_goes(shown, python)]) + "\n"


def markdown(head: list, rows: list, numbers: bool = True) -> str:
    align = ["---"] + ["--:" if numbers else "---"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, align] + rows)


def number(value, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


# ---- the tables --------------------------------------------------------------------------------------------------------------

COLUMNS = [("python", "tenon"), ("python", "tenon_frozen"), ("java", "tenon"), ("java", "tenon_frozen"), ("python", "keras"),
           ("python", "keras_frozen"), ("reported", "keras"), ("reported", "keras_frozen"), ("reported", "converter")]


def latencies(models, python, java) -> str:
    head = ["model", "ONNX Runtime, ms", "Tenon: variables", "frozen", "Java: ONNX Runtime, ms", "Tenon: variables", "frozen",
            "Keras: variables", "frozen", "earlier: Keras variables", "frozen", "another converter"]
    rows = []
    for m in models:
        documents = {"python": python["models"].get(m["name"], {}), "java": java["models"].get(m["name"], {})}
        cells = [number(m["reported"].get(s), 1) if w == "reported" and "reported" in m else ratio(documents.get(w, {}), s)
                 for w, s in COLUMNS]
        rows.append([m["title"], ms(documents["python"]), *cells[:2], ms(documents["java"]), *cells[2:]])
    values = {"python": python["models"].values(), "java": java["models"].values()}
    means = []
    for where, subject in COLUMNS:
        if where == "reported":
            found = [m["reported"][subject] for m in models if subject in m.get("reported", {})]
        else:
            found = [r["subjects"][subject]["of_onnxruntime"] for r in values[where]
                     if "of_onnxruntime" in r.get("subjects", {}).get(subject, {})]
        means.append(f"**{geometric_mean(found):.2f}** ({len(found)})" if found else "")
    rows.append(["**geometric mean** (models)", "", *means[:2], "", *means[2:]])
    return markdown(head, rows)


def layouts(models, python, scratch: Path) -> str:
    head = ["model", "transposes that run", "MB they move", "report: transposes", "MB", "least MB possible",
            "with `--io-layout nhwc`: transposes", "MB"]
    rows = []
    for m in models:
        run = python["models"].get(m["name"], {}).get("subjects", {}).get("tenon_frozen", {}).get("executed", {})
        source, nhwc = layout(m, "tenon_frozen", scratch), layout(m, "tenon_frozen_nhwc", scratch)
        rows.append([m["title"], number(run.get("transposes"), 0), megabytes(run.get("transpose_bytes")),
                     *moved(source), megabytes(source.get("lower_bound_bytes")), *moved(nhwc)])
    return markdown(head, rows)


def one_thread(models, python, single) -> str:
    head = ["model", "ONNX Runtime, ms", "Tenon frozen, ms", "multiple", "two threads: ONNX Runtime, ms", "Tenon frozen, ms"]
    rows, ratios = [], []
    for m in models:
        one, two = single["models"].get(m["name"], {}), python["models"].get(m["name"], {})
        found = one.get("subjects", {}).get("tenon_frozen", {})
        ratios += [found["of_onnxruntime"]] if "of_onnxruntime" in found else []
        rows.append([m["title"], ms(one), ms(one, "tenon_frozen"), ratio(one, "tenon_frozen"), ms(two), ms(two, "tenon_frozen")])
    rows.append(["**geometric mean** (models)", "", "", f"**{geometric_mean(ratios):.2f}** ({len(ratios)})" if ratios else "", "", ""])
    return markdown(head, rows)


def layout(model, kind: str, scratch: Path) -> dict:
    """The layout's part of the conversion's report, if it has one."""
    file = suite.report_file(model, kind, scratch)
    return json.loads(file.read_text()).get("layout", {}) if file.exists() else {}


def moved(report) -> list:
    return [str(len(report["transposes"])), megabytes(report.get("moved_bytes"))] if report else ["", ""]


def megabytes(count) -> str:
    return "" if count is None else f"{count / 1e6:.2f}"


def ms(result, subject: str = "onnxruntime") -> str:
    return number(result.get("subjects", {}).get(subject, {}).get("ms"), 2)


def ratio(result, subject) -> str:
    found = result.get("subjects", {}).get(subject)
    if found is None:
        return "failed" if subject in result.get("failed", {}) else ""
    rough = "~" if result.get("disturbed") else ""
    return rough + number(found.get("of_onnxruntime"), 2) + (" (wrong)" if f"{subject}: outputs" in result.get("failed", {}) else "")


def geometric_mean(values: list) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def environment(python, java) -> str:
    parts = []
    if python:
        parts.append(f"Measured {python['began'][:10]}: {python['cores']} cores of {python['cpu']}; Python's TensorFlow "
                     f"{python['tensorflow']} and ONNX Runtime {python['onnxruntime']}")
    if java:
        parts.append(f"TensorFlow-Java's TensorFlow {java['tensorflow']} and ONNX Runtime {java['onnxruntime']} on Java {java['java']}")
    threads = python or java
    return "; ".join(parts) + f". Threads: intra_op {threads.get('intra_op')}, inter_op {threads.get('inter_op')}."


def problems(models, documents: dict) -> list:
    """What failed, and which figures were measured while other processes had the machine."""
    notes = []
    for where, document in documents.items():
        missing = [m["title"] for m in models if m["name"] not in document["models"]]
        if missing:
            notes.append(f"{where}: not measured: {', '.join(missing)}")
        disturbed = [m["title"] for m in models if document["models"].get(m["name"], {}).get("disturbed", 0) > 0]
        if disturbed:
            which = "all models" if len(disturbed) == len(models) else ", ".join(disturbed)
            notes.append(f"{where}: other processes had part of the machine all the time during {which}; "
                         "figures with ~ are rough: the fastest calls instead of the median")
        for m in models:
            for what, why in document["models"].get(m["name"], {}).get("failed", {}).items():
                notes.append(f"{where}, {m['title']}, {what}: {why}")
    return notes


# ---- targets, and where the time goes ----------------------------------------------------------------------------------------

def milliseconds(model, subject, python):
    return python["models"].get(model["name"], {}).get("subjects", {}).get(subject, {}).get("ms")


def behind(model, python) -> list:
    """Which of its targets a model misses: Keras both ways where Keras has it, and ONNX Runtime."""
    missed = []
    for ours, theirs, words in (("tenon", "keras", "variables: slower than Keras with variables"),
                                ("tenon_frozen", "keras_frozen", "frozen: slower than Keras frozen")):
        a, b = milliseconds(model, ours, python), milliseconds(model, theirs, python)
        if a and b and a > b:
            missed.append(f"{words} ({a:.2f} against {b:.2f} ms)")
    a, b = milliseconds(model, "tenon_frozen", python), milliseconds(model, "onnxruntime", python)
    if a and b and a / b > TARGET:
        missed.append(f"frozen: {a / b:.2f} times ONNX Runtime")
    return missed


def targets(models, python) -> str:
    text = ["### Against the targets", ""]
    results = [python["models"].get(m["name"], {}) for m in models]
    ratios = [r["subjects"]["tenon_frozen"]["of_onnxruntime"] for r in results
              if "of_onnxruntime" in r.get("subjects", {}).get("tenon_frozen", {})]
    if ratios:
        mean = geometric_mean(ratios)
        rough = sum(r.get("disturbed", 0) > 0 for r in results)
        text.append(f"- Geometric mean, frozen, of {len(ratios)} models: {mean:.2f} times ONNX Runtime; the target is at most {TARGET}"
                    + f": {'reached' if mean <= TARGET else 'missed'}." + (f" {rough} of the figures are rough." if rough else ""))
    for ours, theirs, words in (("tenon", "keras", "with variables"), ("tenon_frozen", "keras_frozen", "frozen")):
        both = [m for m in models if milliseconds(m, ours, python) and milliseconds(m, theirs, python)]
        slower = [m["title"] for m in both if milliseconds(m, ours, python) > milliseconds(m, theirs, python)]
        if both:
            text.append(f"- No slower than Keras' own model, {words}: {len(both) - len(slower)} of {len(both)}"
                        + (f"; slower: {', '.join(slower)}" if slower else "") + ".")
    return "\n".join(text)


def where_it_goes(models, python) -> str:
    """For the models that miss a target, the operations that TensorFlow's executor ran of the frozen model."""
    rows = []
    for m in models:
        run = python["models"].get(m["name"], {}).get("subjects", {}).get("tenon_frozen", {}).get("executed")
        missed = behind(m, python)
        if run and missed:
            ops = [f"{short(o['op'])} ×{o['count']} {100 * o['share']:.0f} %" for o in run["ops"] if o["share"] >= 0.03]
            rows.append([m["title"], "; ".join(missed), f"{run['nodes']}", "; ".join(ops)])
    return (f"### Where the time goes\n\nFrozen models that take more than {TARGET} times as long as ONNX Runtime, or longer than Keras' "
            "either way: the operations that the executor ran after all of TensorFlow's optimizers, with what was fused into them, their "
            "number, and their share of the traced time.\n\n"
            + (markdown(["model", "misses", "operations", "most of the time"], rows, numbers=False) if rows else "None."))


def short(op: str) -> str:
    return op.replace("_MklNative", "").replace("_Mkl", "").replace("DepthwiseConv2dNative", "Depthwise").replace("[", " [")


def insert(text: str, file: Path) -> None:
    """Puts the text between its two marks in the page."""
    page = file.read_text()
    before, rest = page.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    file.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")


if __name__ == "__main__":
    print(render(suite.load(), Path(sys.argv[1]) if len(sys.argv) > 1 else suite.SCRATCH))
