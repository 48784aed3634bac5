"""Writes the schemas of PyTorch's operators, one a line and sorted, as Tenon's lowering reads them.

    python aten_schemas.py ../../pipeline/src/main/resources/dev/tenon/frontend/aten/schemas.txt

Left out are variants that write to an `out` argument, derivatives, and operators of training and of other devices.
"""
import re
import sys
from pathlib import Path

import torch
import torch.ao.quantization.fx._decomposed  # noqa: F401  quantized_decomposed

try:
    import tvshim  # noqa: F401  torchvision's operators where torchvision itself cannot be imported
except ImportError:
    import torchvision  # noqa: F401

LEFT_OUT = re.compile(r"backward|_cudnn|_miopen|miopen_|cudnn_|_nested|_cslt|_foreach|_fused_(adam|sgd|adagrad|moving)|_mps|_sparse|sparse_|"
                      r"_test_|_validate|_thnn_fused|mkldnn|_jvp|_vmap|_backward|hspmm|_nnpack|_xnn|nanoquant|_coalesce|vulkan|batch_norm_(stats|elemt|gather|update)")


def schemas():
    for schema in torch._C._jit_get_all_schemas():
        namespace, name = schema.name.split("::")
        if namespace not in ("aten", "torchvision", "quantized_decomposed") or LEFT_OUT.search(name):
            continue
        if any(a.is_out for a in schema.arguments) or "out" in re.split(r"[._]", schema.overload_name):
            continue
        if any(a.is_out or a.name in ("out", "out0") for a in schema.arguments):
            continue
        # Functions of the language on its dictionaries, futures and tuples.
        if re.search(r"Dict\(|tVal|Future\(|RRef\(|Await\(|__torch__|\.\.\.", str(schema)):
            continue
        yield str(schema)


lines = sorted(set(schemas()))
Path(sys.argv[1]).write_text("# " + f"Schemas of PyTorch {torch.__version__.split('+')[0]} and torchvision, written by testmodels/export/aten_schemas.py.\n"
                             + "\n".join(lines) + "\n")
print(len(lines))
