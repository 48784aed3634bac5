"""Writes ../OPS.md: which ONNX operators the models of the manifests use, and how often.

    python ops_table.py

Operators inside subgraphs (If, Loop) and local functions count too. Models that are not there are left out: run
export_models.py --full first, and have the Maven artifacts in ~/.m2/repository.
"""
import collections
import json
from pathlib import Path

import onnx

from check import located

ROOT = Path(__file__).resolve().parent.parent


def count(nodes, into):
    for node in nodes:
        into[f"{node.domain}.{node.op_type}" if node.domain not in ("", "ai.onnx") else node.op_type] += 1
        for a in node.attribute:
            for g in [a.g] if a.HasField("g") else list(a.graphs):
                count(g.node, into)


def main():
    counts, absent, opsets = {}, [], {}
    for manifest in ("models.json", "models-full.json"):
        for entry in json.loads((ROOT / manifest).read_text()):
            try:
                source = located(entry, ROOT)
                model = onnx.load_from_string(source) if isinstance(source, bytes) else \
                    onnx.load(str(source), load_external_data=False)
            except FileNotFoundError:
                absent.append(entry["name"])
                continue
            into = collections.Counter()
            count(model.graph.node, into)
            for f in model.functions:
                count(f.node, into)
            counts[entry["name"]] = into
            opsets[entry["name"]] = next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
    ops = sorted({o for c in counts.values() for o in c})
    lines = ["# Operators of the test models", "", "Written by `export/ops_table.py`; do not edit.", "",
             f"{len(counts)} models, {len(ops)} operators. In brackets: the number of nodes in the model."]
    if absent:
        lines.append(f"Not there when this was written: {', '.join(absent)}.")
    lines += ["", "| Operator | Models | Nodes | Where |", "|---|---:|---:|---|"]
    for op in ops:
        where = sorted(((n, c[op]) for n, c in counts.items() if c[op]), key=lambda x: (-x[1], x[0]))
        lines.append(f"| {op} | {len(where)} | {sum(k for _, k in where)} | "
                     + ", ".join(f"{n} ({k})" for n, k in where) + " |")
    lines += ["", "## Models", "", "| Model | Opset | Nodes | Operators |", "|---|---:|---:|---|"]
    for name, c in counts.items():
        lines.append(f"| {name} | {opsets[name]} | {sum(c.values())} | "
                     + ", ".join(f"{o} {k}" for o, k in sorted(c.items(), key=lambda x: (-x[1], x[0]))) + " |")
    (ROOT / "OPS.md").write_text("\n".join(lines) + "\n")
    print(f"OPS.md: {len(counts)} models, {len(ops)} operators")


if __name__ == "__main__":
    main()
