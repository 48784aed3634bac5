"""The Markdown of docs/performance.md, from what latency.py, LatencyTable and the conversions have written.

    python table.py [SCRATCH]           # prints it
"""
import json
import math
import sys
from pathlib import Path

import models as suite

BEGIN, END = "<!-- table: made by benchmarks/latency/run.py -->", "<!-- end of table -->"


def read(file: Path) -> dict:
    return json.loads(file.read_text()) if file.exists() else {"models": {}, "environment": {}}


def render(models: list, scratch: Path) -> str:
    python, java = read(scratch / "python.json"), read(scratch / "java.json")
    rows = [row(m, python["models"].get(m["name"], {}), java["models"].get(m["name"], {}), layout(m, scratch)) for m in models
            if m["name"] in python["models"] or m["name"] in java["models"]]
    head = ["model", "transposes", "MB moved", "cut, MB", "ORT ms", "vars", "frozen", "Java: ORT ms", "vars", "frozen",
            "Keras: vars", "frozen", "reported: Keras vars", "frozen", "converter"]
    text = [environment(python["environment"], java["environment"]), "", line(head), line(["---"] + ["--:"] * (len(head) - 1))]
    text += [line(r) for r in rows]
    text += [line(means(models, python, java)), ""]
    notes = problems(models, python, java)
    if notes:
        text += ["Not as it should be in this run:", ""] + [f"- {n}" for n in notes] + [""]
    return "\n".join(text)


def line(cells: list) -> str:
    return "| " + " | ".join(cells) + " |"


def row(model, python, java, layout_report) -> list:
    run = python.get("subjects", {}).get("tenon_frozen", python.get("subjects", {}).get("tenon", {})).get("executed", {})
    reported = model.get("reported", {})
    return [model["title"], number(run.get("transposes"), 0), number(megabytes(run.get("transpose_bytes")), 2),
            number(megabytes(layout_report.get("cutBytes")), 2),
            ms(python), ratio(python, "tenon"), ratio(python, "tenon_frozen"),
            ms(java), ratio(java, "tenon"), ratio(java, "tenon_frozen"),
            ratio(python, "keras"), ratio(python, "keras_frozen"),
            number(reported.get("keras"), 1), number(reported.get("keras_frozen"), 1), number(reported.get("converter"), 1)]


def layout(model, scratch: Path) -> dict:
    """The layout's part of the conversion's report, if it has one."""
    file = suite.report_file(model, "tenon_frozen", scratch)
    return json.loads(file.read_text()).get("layout", {}) if file.exists() else {}


def megabytes(count):
    return None if count is None else count / 1e6


def number(value, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def ms(result) -> str:
    return number(result.get("subjects", {}).get("onnxruntime", {}).get("median"), 2)


def ratio(result, subject) -> str:
    found = result.get("subjects", {}).get(subject)
    if found is None:
        return "failed" if subject in result.get("failed", {}) else ""
    rough = "~" if result.get("disturbed") else ""
    return rough + number(found.get("of_onnxruntime"), 2) + (" (wrong)" if f"{subject}: outputs" in result.get("failed", {}) else "")


def means(models, python, java) -> list:
    """The geometric mean of each column of multiples, over the models that have one."""
    cells = ["**geometric mean**", "", "", ""]
    for source in ("", "python:tenon", "python:tenon_frozen", "", "java:tenon", "java:tenon_frozen", "python:keras", "python:keras_frozen",
                   "reported:keras", "reported:keras_frozen", "reported:converter"):
        where, _, subject = source.partition(":")
        if where == "reported":
            values = [m["reported"][subject] for m in models if subject in m.get("reported", {})]
        else:
            results = {"python": python, "java": java}.get(where, {"models": {}})["models"].values()
            values = [r["subjects"][subject]["of_onnxruntime"] for r in results
                      if "of_onnxruntime" in r.get("subjects", {}).get(subject, {})]
        cells.append(f"**{geometric_mean(values):.2f}** ({len(values)})" if values else "")
    return cells


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


def problems(models, python, java) -> list:
    """What failed, and which figures were measured while other processes had the machine."""
    notes, missing = [], [m["title"] for m in models if m["name"] not in python["models"]]
    if missing:
        notes.append(f"not measured: {', '.join(missing)}")
    for where, document in (("Python", python), ("Java", java)):
        disturbed = [m["title"] for m in models if document["models"].get(m["name"], {}).get("disturbed", 0) > 0]
        if disturbed:
            notes.append(f"{where}: other processes took part of the machine all the time during {', '.join(disturbed)}; "
                         "figures with ~ are rough, and ONNX Runtime suffers most")
        for m in models:
            for what, why in document["models"].get(m["name"], {}).get("failed", {}).items():
                notes.append(f"{where}, {m['title']}, {what}: {why}")
    return notes


def insert(text: str, file: Path) -> None:
    """Puts the table between its two marks in the page."""
    page = file.read_text()
    before, rest = page.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    file.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")


if __name__ == "__main__":
    print(render(suite.load(), Path(sys.argv[1]) if len(sys.argv) > 1 else suite.SCRATCH))
