"""Makes the models in this folder: a small denoiser that calls shrinkage::soft_threshold, an operator of shrinkage.cpp.

    python export.py FOLDER_FOR_THE_LIBRARY

builds the library with g++, and writes model.onnx, model.pt2, model.pt (TorchScript), shrinkage.onnx (what the operator means, as an ONNX
function), and case.safetensors: inputs, and what PyTorch computes from them.
"""
import os
import re
import subprocess
import sys
from pathlib import Path

import onnx
import torch
from onnx import TensorProto, helper
from safetensors.torch import save_file
from torch import nn

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "export"))
import torchzip  # noqa: E402


def build(folder: Path) -> Path:
    library = folder / "libshrinkage.so"
    torch_lib = os.path.join(os.path.dirname(torch.__file__), "lib")
    subprocess.run(["g++", "-O2", "-shared", "-fPIC", "-o", str(library), str(HERE / "shrinkage.cpp"), "-L" + torch_lib, "-l:libtorch_cpu.so"],
                   check=True)
    return library


def clean(path: Path):
    """Takes out the machine's paths: names of files become relative, TorchScript's debug information goes."""
    entries = []
    for name, data, deflated in torchzip.read(path):
        if name.endswith(".debug_pkl"):
            continue
        if name == "models/model.json":
            data = re.sub(rb'File \\"[^"]*/(site-packages|custom-op)/', rb'File \\"', data)
        entries.append((name, data, deflated))
    torchzip.write(path, "model", entries)


class Denoiser(nn.Module):
    """Analysis, shrinkage with a threshold for each channel, synthesis."""

    def __init__(self):
        super().__init__()
        self.analysis = nn.Conv2d(3, 6, 3, padding=1)
        self.threshold = nn.Parameter(torch.tensor([0.05, 0.1, 0.15, 0.2, 0.25, 0.3]))
        self.synthesis = nn.Conv2d(6, 3, 3, padding=1)
        self.last = nn.Parameter(torch.tensor([0.01, 0.02, 0.03]))

    def forward(self, image):
        y = torch.ops.shrinkage.soft_threshold(self.analysis(image), self.threshold, 1.5, False)
        return torch.ops.shrinkage.soft_threshold(self.synthesis(y), self.last, 1.0, True)


def reference_function() -> onnx.ModelProto:
    """shrinkage::soft_threshold as an ONNX function of opset 18."""
    text = """
    <ir_version: 10, opset_import: ["" : 18, "shrinkage" : 1]>
    example (float[n,c,h,w] x, float[c] threshold) => (float[n,c,h,w] y) {
      y = shrinkage.soft_threshold <gain = 1.5, hard = 0> (x, threshold)
    }
    <domain: "shrinkage", opset_import: ["" : 18]>
    soft_threshold <gain, hard> (x, threshold) => (y) {
      axes = Constant <value = int64[2] {1, 2}> ()
      t = Unsqueeze (threshold, axes)
      size = Abs (x)
      over = Sub (size, t)
      left = Relu (over)
      sign = Sign (x)
      soft = Mul (sign, left)
      large = Greater (size, t)
      one = Cast <to = 1> (large)
      hard_x = Mul (x, one)
      is_hard = Constant <value_int: int = @hard> ()
      choice = Cast <to = 9> (is_hard)
      shrunk = Where (choice, hard_x, soft)
      g = Constant <value_float: float = @gain> ()
      y = Mul (shrunk, g)
    }
    """
    model = onnx.parser.parse_model(text)
    onnx.checker.check_model(model)
    return model


def onnx_model(model: Denoiser) -> onnx.ModelProto:
    """As an exporter that maps the operator to one of its own domain writes it."""
    state = {k: v.detach() for k, v in model.state_dict().items()}
    initializers = [helper.make_tensor(k, TensorProto.FLOAT, v.shape, v.flatten().tolist()) for k, v in state.items()]
    conv = dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    nodes = [
        helper.make_node("Conv", ["image", "analysis.weight", "analysis.bias"], ["features"], name="analysis/Conv", **conv),
        helper.make_node("soft_threshold", ["features", "threshold"], ["shrunk"], name="shrink", domain="shrinkage", gain=1.5, hard=0),
        helper.make_node("Conv", ["shrunk", "synthesis.weight", "synthesis.bias"], ["raw"], name="synthesis/Conv", **conv),
        helper.make_node("soft_threshold", ["raw", "last"], ["denoised"], name="shrink_last", domain="shrinkage", gain=1.0, hard=1),
    ]
    shape = ["batch", 3, "height", "width"]
    graph = helper.make_graph(nodes, "denoiser", [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
                              [helper.make_tensor_value_info("denoised", TensorProto.FLOAT, shape)], initializers)
    return helper.make_model(graph, ir_version=10, producer_name="testmodels/custom-op",
                             opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("shrinkage", 1)])


def main(folder: Path):
    torch.ops.load_library(str(build(folder)))
    torch.library.register_fake("shrinkage::soft_threshold", lambda x, threshold, gain=1.0, hard=False: torch.empty_like(x))
    torch.manual_seed(3)
    model = Denoiser().eval()
    image = torch.randn(2, 3, 8, 10)
    dims = {0: torch.export.Dim("batch", min=1), 2: torch.export.Dim("height", min=1), 3: torch.export.Dim("width", min=1)}
    torch.export.save(torch.export.export(model, (image,), dynamic_shapes=(dims,)), str(HERE / "model.pt2"))
    torch.jit.script(model).save(str(HERE / "model.pt"))
    for name in ["model.pt2", "model.pt"]:
        clean(HERE / name)
    onnx.save(onnx_model(model), str(HERE / "model.onnx"))
    onnx.save(reference_function(), str(HERE / "shrinkage.onnx"))
    with torch.no_grad():
        save_file({"input.image": image, "output.denoised": model(image)}, str(HERE / "case.safetensors"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
