"""The zoo: many architectures exported with torch.export, converted by Tenon, and compared with PyTorch.

    python zoo.py list
    python zoo.py export DIR [NAME ...]      # DIR/NAME/model.pt2, case0.safetensors, case1.safetensors, info.json
    python zoo.py check DIR [NAME ...]       # tenon export and ONNX Runtime on what is in DIR; appends to DIR/results.jsonl
    python zoo.py run DIR [NAME ...]         # export, check and (--delete) delete, one at a time
    python zoo.py targets DIR                # which operators they use: a table
    python zoo.py summary DIR                # counts, and failures by reason

A NAME is the start of one, like timm. or tv.resnet. Each model is exported in a process of its own, with a limit of time. What is
there already is not made again; check does again what failed, and all with --again. Weights are random, batch norm statistics not
trivial (export/randomise.py). Errors are max|a-b| / max(1e-3, max|ref|), at the batch size of the export and at another.
"""
import argparse
import collections
import gc
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "export")]
TOLERANCE = 1e-4
BATCHES = (2, 3)


# ---- exporting, in a process of its own -----------------------------------------------------------------------------

def export_one(name: str, folder: Path) -> None:
    """Writes model.pt2, the cases and info.json."""
    import safetensors.torch
    import torch
    from torch.utils import _pytree as pytree

    import architectures
    from randomise import calibrate, randomise
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    chosen = next(a for a in architectures.all_architectures() if a.name == name)
    start = time.time()
    seed = zlib.crc32(name.encode())
    torch.manual_seed(seed)
    module, arguments = architectures.build(chosen)
    module.eval()
    sample = lambda batch, offset: arguments(batch, torch.Generator().manual_seed(seed + offset))
    randomise(module, torch.Generator().manual_seed(seed))
    with torch.no_grad():  # calibrate() does not see weights that are used without their layers
        for layer in module.modules():
            if isinstance(layer, (torch.nn.Linear, torch.nn.modules.conv._ConvNd)):
                layer.weight.mul_(layer.weight[0].numel() ** -0.5)
    calibrate(module, sample(2, 1))
    info = {"name": name, "library": chosen.library, "family": chosen.family, "parameters": sum(p.numel() for p in module.parameters())}
    with torch.no_grad():
        args = sample(BATCHES[0], 2)
        program, info["dynamic"] = exported(module, args)
        folder.mkdir(parents=True, exist_ok=True)
        torch.export.save(program, str(folder / "model.pt2"))
        info["targets"] = targets(program)
        info["nodes"] = len(list(program.graph.nodes))
        for i, batch in enumerate(BATCHES if info["dynamic"] else BATCHES[:1]):
            values = sample(batch, 3 + i)
            outputs = [o for o in pytree.tree_leaves(module(*values)) if isinstance(o, torch.Tensor)]
            tensors = {f"input.{k}": v.contiguous() for k, v in enumerate(values)}
            tensors.update({f"output.{k}": v.detach().clone().contiguous() for k, v in enumerate(outputs)})
            safetensors.torch.save_file(tensors, str(folder / f"case{i}.safetensors"))
        info["rms"] = [round(float(o.double().pow(2).mean().sqrt()), 4) for o in outputs if o.is_floating_point()]
        try:
            if any(t.startswith(("aten.lstm", "aten.gru", "aten.rnn")) for t in info["targets"]):
                raise NotImplementedError("recurrent layers are unrolled over time, for hours")
            info["decomposed"] = targets(program.run_decompositions())
        except Exception as e:
            info["decomposed_error"] = f"{type(e).__name__}: {str(e)[:200]}"
    info["seconds"] = round(time.time() - start)
    (folder / "info.json").write_text(json.dumps(info) + "\n")


def exported(module, args):
    """The program, and whether its batch is dynamic."""
    import torch
    shapes = tuple({0: torch.export.Dim.DYNAMIC} if a.dim() and a.shape[0] == BATCHES[0] else None for a in args)
    if not any(shapes):
        return torch.export.export(module, args), False
    if type(module).__name__ == "Named":
        shapes = (shapes,)  # of *args
    try:
        return torch.export.export(module, args, dynamic_shapes=shapes), True
    except Exception as e:
        print(f"not dynamic: {type(e).__name__}: {str(e)[:300]}", flush=True)
        return torch.export.export(module, args), False


def targets(program) -> dict:
    """How often each operator is called, subgraphs included."""
    import torch
    counts = collections.Counter()
    for graph_module in program.graph_module.modules():
        if isinstance(graph_module, torch.fx.GraphModule):
            for node in graph_module.graph.nodes:
                if node.op == "call_function":
                    counts[target_name(node.target)] += 1
    return dict(counts)


def target_name(target) -> str:
    import torch
    if isinstance(target, torch._ops.OpOverload):
        return str(target)
    if isinstance(target, torch._ops.HigherOrderOperator):
        return f"higher_order.{target.name()}"
    module = getattr(target, "__module__", "") or ""
    return f"{module}.{target.__name__}"


# ---- checking, without PyTorch ------------------------------------------------------------------------------------------

def check_one(folder: Path, command: list, limit: int) -> dict:
    import numpy as np
    import onnx
    import onnxruntime
    import safetensors.numpy
    result = {"name": folder.name}
    start, target = time.time(), folder / "model.onnx"
    target.unlink(missing_ok=True)
    done = run([c.replace("{in}", str(folder / "model.pt2")).replace("{out}", str(target)) for c in command], limit)
    result["seconds"] = round(time.time() - start, 1)
    if done[0] != 0 or not target.exists():
        return {**result, "status": "export failed", "exit": done[0], "reason": last_words(done[1]), "log": done[1][-6000:]}
    try:
        try:
            onnx.checker.check_model(str(target), full_check=True)
        except Exception as e:
            return {**result, "status": "not valid", "reason": f"{str(e)[:500]}"}
        result["nodes"] = len(onnx.load(str(target), load_external_data=False).graph.node)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        session = onnxruntime.InferenceSession(str(target), options, providers=["CPUExecutionProvider"])
        errors = []
        for case in sorted(folder.glob("case*.safetensors")):
            tensors = safetensors.numpy.load_file(str(case))
            inputs = [tensors[k] for k in numbered(tensors, "input.")]
            expected = [tensors[k] for k in numbered(tensors, "output.")]
            if len(session.get_inputs()) != len(inputs):
                return {**result, "status": "wrong", "reason": f"{len(session.get_inputs())} inputs, not {len(inputs)}"}
            actual = session.run(None, {i.name: v for i, v in zip(session.get_inputs(), inputs)})
            if len(actual) != len(expected):
                return {**result, "status": "wrong", "reason": f"{len(actual)} outputs, not {len(expected)}"}
            for k, (e, a) in enumerate(zip(expected, actual)):
                if e.shape != a.shape or e.dtype != a.dtype:
                    found = f"{case.stem} output {k}: {a.dtype}{list(a.shape)}, not {e.dtype}{list(e.shape)}"
                    return {**result, "status": "wrong", "reason": found}
                scale = max(1e-3, float(np.abs(e.astype(np.float64)).max())) if e.size else 1
                errors.append(float(np.abs(e.astype(np.float64) - a.astype(np.float64)).max()) / scale if e.size else 0.0)
        result["error"] = max(errors)
        if not max(errors) <= TOLERANCE:
            return {**result, "status": "wrong", "reason": f"error {max(errors):.2g}"}
        return {**result, "status": "ok"}
    except Exception as e:
        return {**result, "status": "does not run", "reason": f"{type(e).__name__}: {str(e)[:500]}"}
    finally:
        if result.get("error", 1) <= TOLERANCE:
            target.unlink(missing_ok=True)
            for extra in folder.glob("model.onnx*"):
                extra.unlink()


def numbered(tensors: dict, prefix: str) -> list:
    return sorted((k for k in tensors if k.startswith(prefix)), key=lambda k: int(k.split(".")[1]))


def last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"error|unsupported|not supported|Exception", line, re.I)]
    return (errors or lines or ["nothing said"])[0][:300]


class Server:
    """One Java for many conversions: ConvertMany.java, with the class path of the build."""

    def __init__(self):
        self.process = None

    def start(self) -> None:
        target = HERE.parent.parent / "pipeline" / "target"
        jars = [str(j) for j in target.glob("pipeline-*.jar")] + [(target / "tenon.classpath").read_text().strip()]
        command = ["java", "-XX:+UseSerialGC", "-Xmx4g", str(HERE / "ConvertMany.java")]
        self.process = subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        start_new_session=True,
                                        env={**os.environ, "CLASSPATH": ":".join(jars), "TF_CPP_MIN_LOG_LEVEL": "2"})

    def run(self, arguments: list, limit: int):
        """(exit code, output) of a command of Tenon."""
        if self.process is None or self.process.poll() is not None:
            self.start()
        self.process.stdin.write("\t".join(arguments) + "\n")
        self.process.stdin.flush()
        timer = threading.Timer(limit, self.process.kill)
        timer.start()
        said = []
        for line in self.process.stdout:
            if line.startswith("=== exit "):
                timer.cancel()
                return int(line.split()[-1]), "".join(said)
            said.append(line)
        timer.cancel()
        return -9, "".join(said) + f"died, or timeout after {limit} s"


SERVER = Server()


def run(command: list, limit: int):
    """(exit code, output) of a command; it and its children are killed at the limit of seconds."""
    if command[0] == "server":
        return SERVER.run(command[1:], limit)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        text, _ = process.communicate(timeout=limit)
        return process.returncode, text
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return -9, f"timeout after {limit} s"


# ---- the commands ------------------------------------------------------------------------------------------------------

def selected(names: list) -> list:
    import architectures
    return [a for a in architectures.all_architectures() if not names or any(a.name.startswith(n) for n in names)]


def export_all(args, names: list) -> None:
    """Forks a process for each model, so that the libraries are imported once."""
    import architectures  # noqa: F401
    import timm  # noqa: F401
    import torch  # noqa: F401
    import transformers  # noqa: F401
    for a in selected(names):
        make(args, a.name)


def make(args, name: str) -> bool:
    folder = args.dir / name
    failed = args.dir / f"{name}.failed"
    if (folder / "info.json").exists():
        return True
    if failed.exists() and not args.again:
        return False
    start = time.time()
    child = os.fork()
    if child == 0:
        os.setsid()
        log = os.open(str(failed), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        code = 1
        try:
            export_one(name, folder)
            code = 0
        except BaseException as e:
            import traceback
            traceback.print_exc()
            print(f"REASON {type(e).__name__}: {str(e)[:500]}")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    code = waited(child, args.limit)
    if code == 0:
        failed.unlink(missing_ok=True)
        info = json.loads((folder / "info.json").read_text())
        print(f"exported {name:44} {info['parameters'] / 1e6:7.1f} M  {info['nodes']:5} nodes  dynamic {info['dynamic']}  "
              f"rms {info['rms'][:2]}  {time.time() - start:.0f} s", flush=True)
        return True
    shutil.rmtree(folder, ignore_errors=True)
    reasons = re.findall(r"REASON (.*)", failed.read_text()) or ["timeout" if code == -9 else f"died with {code}"]
    print(f"not exported {name:40} {reasons[-1][:200]}", flush=True)
    return False


def waited(child: int, limit: int) -> int:
    end = time.time() + limit
    while time.time() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.2)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -9


def results(folder: Path) -> dict:
    """The last result of each model."""
    file = folder / "results.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    return {r["name"]: r for r in map(json.loads, lines)}


def check_all(args, names: list) -> None:
    known = results(args.dir)
    for folder in sorted(p.parent for p in args.dir.glob("*/info.json")):
        if names and not any(folder.name.startswith(n) for n in names):
            continue
        if args.again or known.get(folder.name, {}).get("status") != "ok":
            check(args, folder)


def check(args, folder: Path) -> None:
    info = json.loads((folder / "info.json").read_text())
    result = {**check_one(folder, shlex.split(args.tenon), args.limit), "family": info["family"], "library": info["library"],
              "dynamic": info["dynamic"]}
    with open(args.dir / "results.jsonl", "a") as file:
        file.write(json.dumps(result) + "\n")
    error = f"{result['error']:.1e}" if "error" in result else ""
    print(f"{result['status']:14} {folder.name:44} {result.get('nodes', ''):>5} {error:8} {result['seconds']:6} s  "
          f"{result.get('reason', '')[:200]}", flush=True)
    gc.collect()


def run_all(args, names: list) -> None:
    for a in selected(names):
        if make(args, a.name):
            check(args, args.dir / a.name)
            if args.delete:
                for file in (args.dir / a.name).glob("[!i]*"):
                    file.unlink()


def target_table(args, names: list) -> None:
    """Operators by number of models, high-level and decomposed."""
    infos = [json.loads(p.read_text()) for p in sorted(args.dir.glob("*/info.json"))]
    failed = sorted(p.stem for p in args.dir.glob("*.failed"))
    print(f"{len(infos)} models: " + ", ".join(f"{n} {lib}" for lib, n in collections.Counter(i["library"] for i in infos).items()))
    print(f"not exported by PyTorch: {' '.join(failed)}\n")
    for kind in ("targets", "decomposed"):
        rows = collections.defaultdict(list)
        for info in infos:
            for target, count in info.get(kind, {}).items():
                rows[target].append((info["parameters"], info["name"], count))
        print(f"== {'high-level' if kind == 'targets' else 'decomposed'}: {len(rows)} targets (target, models, uses, an example)")
        for target, uses in sorted(rows.items(), key=lambda r: (-len(r[1]), r[0])):
            print(f"{target:58} {len(uses):4} {sum(u[2] for u in uses):7}  {min(uses)[1]}")
        print()


def summary(args, names: list) -> None:
    known = results(args.dir)
    for library in ("torchvision", "timm", "transformers", "more transformers"):
        of = [r for r in known.values() if r["library"] == library]
        if of:
            ok = [r for r in of if r["status"] == "ok"]
            fixed = sum(not r["dynamic"] for r in ok)
            print(f"{library:12} {len(ok)} of {len(of)} equal within {TOLERANCE}, {len({r['family'] for r in ok})} families, "
                  f"{fixed} with a fixed batch; largest error {max((r['error'] for r in ok), default=0):.1e}")
    failed = sorted(p.stem for p in args.dir.glob("*.failed"))
    print(f"not exported by PyTorch: {len(failed)}: {' '.join(failed)}")
    reasons = collections.defaultdict(list)
    for r in known.values():
        if r["status"] != "ok":
            reasons[f"{r['status']}: {r.get('reason', '')}"].append(r["name"])
    for reason, of in sorted(reasons.items(), key=lambda x: -len(x[1])):
        print(f"{len(of):4}  {reason}\n      {' '.join(of)}")


def main():
    commands = {"export": export_all, "check": check_all, "run": run_all, "targets": target_table, "summary": summary}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["list", *commands])
    parser.add_argument("dir", nargs="?", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--tenon", default="server export {in} -o {out} --force --no-verify -v",
                        help="the command, with {in} and {out}; 'server' is one Java for all of them")
    parser.add_argument("--limit", type=int, default=900, help="seconds for one model")
    parser.add_argument("--again", action="store_true", help="also what was done before")
    parser.add_argument("--delete", action="store_true", help="with run: delete each model when it is done")
    args = parser.parse_args()
    if args.command == "list":
        for a in selected([]):
            print(f"{a.library:12} {a.family:24} {a.name}")
        return
    args.dir.mkdir(parents=True, exist_ok=True)
    commands[args.command](args, args.names)


if __name__ == "__main__":
    main()
