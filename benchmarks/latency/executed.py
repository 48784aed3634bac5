"""What TensorFlow's executor runs of a function: the graph after all optimizers, and the time of each operation."""
import collections
import glob
import math
import re
import shutil
import statistics
import tempfile
from dataclasses import dataclass

import tensorflow as tf
from tensorflow.python.eager import context
from tensorflow.tsl.profiler.protobuf import xplane_pb2

# These run other operations, which are counted themselves.
CALLS = {"PartitionedCall", "StatefulPartitionedCall", "If", "StatelessIf", "While", "StatelessWhile", "Case", "StatelessCase",
         "SymbolicGradient", "RemoteCall"}
# These are the function's frame and nothing that runs.
FRAME = {"_Arg", "_Retval", "_DeviceArg", "_DeviceRetval", "NoOp", "_SOURCE", "_SINK"}


@dataclass
class Step:
    """One node of the optimized graph, and its milliseconds in one call: the median of the traced ones."""
    name: str
    op: str           # the type, and what was fused into it: _FusedConv2D[BiasAdd,Relu]
    count: float      # times it ran in one call
    ms: float


def optimized_graph(call) -> list:
    """The nodes of the graphs that the executor gets. The call must be the function's first: the graphs are made then."""
    context.enable_run_metadata()
    try:
        call()
        metadata = context.export_run_metadata()
    finally:
        context.disable_run_metadata()
    return [node for function in metadata.function_graphs for graph in function.partition_graphs for node in graph.node]


def label(node) -> str:
    fused = [f.decode() for f in node.attr["fused_ops"].list.s] if "fused_ops" in node.attr else []
    return f"{node.op}[{','.join(fused)}]" if fused else node.op


def steps(nodes: list, call, calls: int) -> list:
    """Times every node of the optimized graph over some calls, with TensorFlow's own tracer.

    They must be among the first calls of the function: operations that the executor has come to know as cheap, after some
    thirty calls and more, are not traced any longer.
    """
    by_name = {n.name: n for n in nodes}
    folder = tempfile.mkdtemp(prefix="tenon-profile-")
    try:
        tf.profiler.experimental.start(folder, tf.profiler.experimental.ProfilerOptions(
            host_tracer_level=3, python_tracer_level=0, device_tracer_level=0))
        try:
            for _ in range(calls):
                call()
        finally:
            tf.profiler.experimental.stop()
        space = xplane_pb2.XSpace()
        for file in glob.glob(f"{folder}/**/*.xplane.pb", recursive=True):
            with open(file, "rb") as f:
                space.MergeFromString(f.read())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    time = collections.defaultdict(list)
    event_name = re.compile(r"^(.+):(\w+)(?:#.*)?$")
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                name = plane.event_metadata[event.metadata_id].name
                match = event_name.match(name)
                if match and match[1] in by_name and by_name[match[1]].op == match[2]:
                    time[match[1]].append(event.duration_ps / 1e9)
    return sorted((Step(name, label(by_name[name]), len(ms) / calls, statistics.median(ms) * len(ms) / calls)
                   for name, ms in time.items() if by_name[name].op not in CALLS | FRAME), key=lambda s: -s.ms)


def transposes(folder, arrays: dict) -> list:
    """The transposes that a session runs of a SavedModel, with the shapes that they write and the bytes.

    TensorFlow's own record of a step has the shapes that its tracer lacks.
    """
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        signature = v1.saved_model.load(session, ["serve"], str(folder)).signature_def["serving_default"]
        metadata = v1.RunMetadata()
        session.run([o.name for o in signature.outputs.values()], {i.name: arrays[n] for n, i in signature.inputs.items()},
                    options=v1.RunOptions(trace_level=v1.RunOptions.FULL_TRACE), run_metadata=metadata)
    found = []
    for device in metadata.step_stats.dev_stats:
        for node in device.node_stats:
            if re.search(r" = (_Mkl|Conjugate)?Transpose\(", node.timeline_label):
                tensor = node.output[0].tensor_description
                shape = [d.size for d in tensor.shape.dim]
                found.append({"name": node.node_name.removeprefix("StatefulPartitionedCall/"), "shape": shape,
                              "bytes": math.prod(shape) * tf.as_dtype(tensor.dtype).size})
    return found


def by_op(found: list) -> list:
    """Count and milliseconds by type of operation, the longest first."""
    rows = {}
    for s in found:
        row = rows.setdefault(s.op, {"op": s.op, "count": 0, "ms": 0.0})
        row["count"] += s.count
        row["ms"] += s.ms
    return sorted(rows.values(), key=lambda r: -r["ms"])


def summary(found: list) -> dict:
    total = sum(s.ms for s in found) or 1
    moving = [s for s in found if s.op in ("Transpose", "_MklTranspose", "ConjugateTranspose")]
    return {"nodes": round(sum(s.count for s in found)), "op_ms": round(total, 4),
            "transposes": round(sum(s.count for s in moving)), "transpose_ms": round(sum(s.ms for s in moving), 4),
            "ops": [{"op": r["op"], "count": round(r["count"]), "ms": round(r["ms"], 4), "share": round(r["ms"] / total, 4)}
                    for r in by_op(found)]}
