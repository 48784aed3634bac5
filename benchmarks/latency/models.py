"""The models of models.json: where their files are, their inputs, and their conversion with ./tenon.

Standard library and numpy only.
"""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SCRATCH = ROOT / "out" / "latency"
KINDS = {"tenon": [], "tenon_frozen": ["--freeze"], "tenon_nhwc": ["--io-layout", "nhwc"],
         "tenon_frozen_nhwc": ["--freeze", "--io-layout", "nhwc"]}


def load(names=()) -> list:
    """All models, or those with these names, in the order of the file."""
    models = json.loads((HERE / "models.json").read_text())
    unknown = set(names) - {m["name"] for m in models}
    if unknown:
        sys.exit(f"no model {', '.join(sorted(unknown))}; there are: {', '.join(m['name'] for m in models)}")
    return [m for m in models if not names or m["name"] in names]


def onnx_file(model: dict, root: Path = ROOT, scratch: Path = SCRATCH) -> Path:
    """The .onnx file: of testmodels/generated, or copied out of a Maven artifact's jar."""
    source = model["source"]
    if not source.startswith("maven:"):
        return root / "testmodels" / "generated" / f"{source}.onnx"
    artifact, entry = source[len("maven:"):].split("!/")
    group, name, version = artifact.split(":")
    file = scratch / "sources" / f"{model['name']}.onnx"
    if not file.exists():
        repository = Path(os.environ.get("MAVEN_REPOSITORY", Path.home() / ".m2" / "repository"))
        jar = repository / group.replace(".", "/") / name / version / f"{name}-{version}.jar"
        if not jar.exists():
            raise FileNotFoundError(f"{jar}: run './tenon inspect {source}' once, which fetches it")
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        with zipfile.ZipFile(jar) as z, z.open(entry) as i, open(part, "wb") as o:
            shutil.copyfileobj(i, o)
        part.replace(file)
    return file


def inputs(model: dict) -> dict:
    """Fixed inputs by name: normally distributed images, random tokens, constant masks."""
    import numpy as np
    made = {}
    for name, spec in model["inputs"].items():
        random = np.random.default_rng(zlib.crc32(name.encode()))
        dtype = spec.get("dtype", "float32")
        if "value" in spec:
            made[name] = np.full(spec["shape"], spec["value"], dtype)
        elif "below" in spec:
            made[name] = random.integers(0, spec["below"], spec["shape"], dtype)
        else:
            made[name] = random.standard_normal(spec["shape"], dtype)
    return made


def fingerprint(root: Path = ROOT) -> str:
    """Of Tenon's classes as built, so that nothing is converted again by the same converter."""
    digest = hashlib.sha256()
    for module in ("onnx-ir", "tf-backend", "pipeline"):
        for jar in sorted((root / module / "target").glob(f"{module}-*.jar")):
            with zipfile.ZipFile(jar) as z:
                for entry in sorted(z.infolist(), key=lambda e: e.filename):
                    if entry.filename.endswith((".class", ".properties")) or "/services/" in entry.filename:
                        digest.update(f"{entry.filename} {entry.CRC}\n".encode())
    return digest.hexdigest()


def build(root: Path = ROOT) -> None:
    """Lets ./tenon build itself if its sources have changed."""
    subprocess.run([root / "tenon", "--version"], check=True, stdout=subprocess.DEVNULL, timeout=1200)


def saved_model(model: dict, kind: str, root: Path = ROOT, scratch: Path = SCRATCH) -> Path:
    """The model's SavedModel of one kind, converted if there is none by this build of Tenon."""
    source = onnx_file(model, root, scratch)
    folder = scratch / "converted" / kind / model["name"]
    stamp = folder.parent / f"{model['name']}.made-by"
    made_by = f"{fingerprint(root)} {source.stat().st_size} {source.stat().st_mtime_ns} {' '.join(KINDS[kind])}"
    if folder.exists() and stamp.exists() and stamp.read_text() == made_by:
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    command = [root / "tenon", "convert", source, "-o", folder, "--force", "--no-verify", "--json", *KINDS[kind]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(f"tenon convert {' '.join(KINDS[kind])}: exit code {done.returncode}: "
                           f"{(done.stderr.strip() or done.stdout.strip())[-600:]}")
    report_file(model, kind, scratch).write_text(done.stdout)
    stamp.write_text(made_by)
    return folder


def report_file(model: dict, kind: str, scratch: Path = SCRATCH) -> Path:
    return scratch / "converted" / kind / f"{model['name']}.json"
