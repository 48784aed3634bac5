"""Writes .pt2 files in the layouts of earlier versions of PyTorch, which 2.13 reads but no longer writes.

    python old_layouts.py                       # for the models below, from ../torch/NAME/model.pt2

    model.v2_6.pt2    2.6 and 2.7: a plain zip (Python's zipfile, no root folder) of version, serialized_exported_program.json and
                      nested torch.save archives serialized_state_dict.pt, serialized_constants.pt, serialized_example_inputs.pt
    model.v2_8.pt2    2.8: the archive of today with data/weights/model.pt and data/constants/model.pt, nested torch.save archives

The programs lose the fields that the schemas of those versions did not have: 8.3 of 2.6 (torch/_export/serde/schema.py) no kind of an
argument, no name of a node, no guards; 8.8 of 2.8 no name of a node, no guards. PyTorch 2.13 loads each file again, and the outputs
are compared.
"""
import json
import logging
import warnings
import zipfile
from pathlib import Path

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

import safetensors.torch
import torch
from torch._export.serde.serialize import serialize

import export_torch
import torchzip
from torch_models import MODELS

NAMES = ("buffers", "dynamic_shapes")
_EPOCH = (1980, 1, 1, 0, 0, 0)


def program_of(artifact, minor: int, version: str) -> bytes:
    """The program's JSON as the version wrote it."""
    program = json.loads(artifact.exported_program)
    graph_module = program["graph_module"]
    program = {k: v for k, v in program.items() if k != "guards_code"}
    graph_module.pop("treespec_namedtuple_fields", None)
    strip_nodes(graph_module["graph"], arguments_have_kinds=minor > 3)
    export_torch.shorten(program, False)
    program["schema_version"] = {"major": 8, "minor": minor}
    program["torch_version"] = version
    return json.dumps(program, separators=(",", ":")).encode()


def strip_nodes(graph: dict, arguments_have_kinds: bool) -> None:
    for node in graph["nodes"]:
        for key in ("name", "is_hop_single_tensor_return"):
            node.pop(key, None)
        for argument in node["inputs"]:
            if not arguments_have_kinds:
                argument.pop("kind", None)
            inner = argument["arg"].get("as_graph")
            if inner:
                strip_nodes(inner["graph"], arguments_have_kinds)


def write_2_6(artifact, path: Path) -> None:
    entries = [("serialized_exported_program.json", program_of(artifact, 3, "2.6.0+cpu")),
               ("serialized_state_dict.pt", artifact.state_dict), ("serialized_constants.pt", artifact.constants),
               ("serialized_example_inputs.pt", artifact.example_inputs), ("version", b"8.3")]
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries:
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)


def write_2_8(artifact, path: Path) -> None:
    torchzip.write(path, "model", [(name, data, False) for name, data in (
        ("models/model.json", program_of(artifact, 8, "2.8.0+cpu")), ("data/weights/model.pt", artifact.state_dict),
        ("data/constants/model.pt", artifact.constants), ("data/sample_inputs/model.pt", artifact.example_inputs),
        ("archive_format", b"pt2"), ("archive_version", b"0"), ("byteorder", b"little"), (".data/version", b"6\n"))])


def check(name: str, path: Path) -> None:
    module = export_torch.instance(name)
    for i in range(len(MODELS[name].sizes)):
        args, outputs, tensors, _ = export_torch.case(name, module, i)
        stored = safetensors.torch.load_file(str(path.parent / f"case{i}.safetensors"))
        assert all(torch.equal(tensors[k], stored[k]) for k in stored), "the cases are of another run"
        with torch.no_grad():
            export_torch.compare(outputs, torch.export.load(str(path)).module()(*args))


def main():
    entries = {e["name"]: e for e in json.loads(export_torch.MANIFEST.read_text())}
    for name in NAMES:
        folder = export_torch.ROOT / name
        artifact = serialize(torch.export.load(str(folder / "model.pt2")))
        for file, write in (("model.v2_6.pt2", write_2_6), ("model.v2_8.pt2", write_2_8)):
            write(artifact, folder / file)
            export_torch.anonymous(folder / file)
            check(name, folder / file)
            entries[name]["files"][file] = list(range(len(MODELS[name].sizes)))
            print(f"{name}/{file}: {(folder / file).stat().st_size / 1e3:.0f} kB")
        export_torch.record(entries[name])


if __name__ == "__main__":
    main()
