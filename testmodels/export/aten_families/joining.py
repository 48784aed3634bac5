"""Tensors put together, repeated, turned about, and seen otherwise."""
import torch
from aten_cases import rand, randint, tensor

HALF = torch.float16
TYPES = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, HALF, torch.float32, torch.float64]


def of(dtype, *shape):
    return torch.randint(0, 2 if dtype == torch.bool else 5, shape).to(dtype)


def cases(case):
    joining(case)
    grids(case)
    repetition(case)
    turning(case)
    shapes(case)
    parts(case)
    conversions(case)


def joining(case):
    for dim in (0, 1, -1):
        case("cat", [rand(2, 3), rand(2, 3)], dim)
        case("stack", [rand(2, 3), rand(2, 3), rand(2, 3)], dim)
    case("cat", [rand(2, 3), rand(4, 3), rand(0, 3)])
    case("cat", [rand(0), rand(2, 3)], 1, _keep={0: [0]}, _note="an empty vector fits everything")
    case("cat", [rand(2, 3), rand(0), rand(2, 1)], 1, _keep={1: [0]})
    case("cat", [rand(0), rand(0)], _keep={0: [0], 1: [0]})
    case("cat", [rand(2)])
    case("concat", [rand(2), rand(3)])
    case("cat", [rand(2), randint(0, 5, 3)])
    case("cat", [randint(0, 5, 2, dtype=torch.int8), randint(0, 5, 3, dtype=torch.uint8)])
    for t in TYPES:
        case("cat", [of(t, 2), of(torch.int16, 2)])
        case("stack", [of(t, 2), of(t, 2)])
    case("stack", [rand(), rand()])
    case("stack", [rand(2), rand(2)], -2)
    for op in ("hstack", "vstack", "dstack", "column_stack"):
        case(op, [rand(3), rand(3)])
        case(op, [rand(2, 3), rand(2, 3)])
        case(op, [rand(2, 3, 4), rand(2, 3, 4)])
        case(op, [rand(), rand()])
    for first in (False, True):
        case("pad_sequence", [rand(3, 2), rand(1, 2), rand(4, 2)], first)
        case("pad_sequence", [randint(0, 9, 2), randint(0, 9, 3)], first, -1.0)
        case("pad_sequence", [rand(2), rand(3)], first, 0.5, "left")
    case("_stack", [rand(2), rand(2)])
    case("block_diag", [rand(2, 3), rand(1, 2), rand(3)])
    case("block_diag", [randint(0, 5, 2, 2), rand()])


def grids(case):
    for indexing in ("ij", "xy"):
        case("meshgrid", [rand(2), rand(3)], indexing=indexing)
        case("meshgrid", [rand(2), rand(3), rand(4)], indexing=indexing)
        case("meshgrid", [rand(2)], indexing=indexing)
    case("meshgrid", [rand(2), rand()])
    case("cartesian_prod", [rand(2), rand(3)])
    case("cartesian_prod", [rand(2)])
    case("broadcast_tensors", [rand(3), rand(2, 1)], _keep={0: [0], 1: [0, 1]})
    case("broadcast_tensors", [rand(), rand(2, 1), rand(1, 3)], _keep={1: [1], 2: [0]})


def repetition(case):
    case("repeat", rand(2, 3), [2, 1])
    case("repeat", rand(2, 3), [2, 1, 2])
    case("repeat", rand(2, 3), [1, 1])
    case("repeat", rand(), [3])
    case("repeat", rand(2), [0, 2])
    case("tile", rand(2, 3), [2])
    case("tile", rand(2, 3), [2, 1, 2])
    case("tile", rand(2, 3), [])
    for t in TYPES:
        case("repeat", of(t, 2), [2, 2])
        case("flip", of(t, 2, 3), [1])
    case("repeat_interleave", rand(2, 3), 2)
    case("repeat_interleave", rand(2, 3), 2, 0)
    case("repeat_interleave", rand(2, 3), 2, -1)
    case("repeat_interleave", rand(2, 3), tensor([1, 0, 3]), 1)
    case("repeat_interleave", rand(2, 3), tensor([2]), 1, _keep={1: [0]})
    case("repeat_interleave", rand(3), tensor([2, 0, 1]))
    case("repeat_interleave.Tensor", tensor([2, 0, 1]))
    case("repeat_interleave", rand(2, 3), 0, 1)


def turning(case):
    case("flip", rand(2, 3, 4), [0, 2])
    case("flip", rand(2, 3), [])
    case("flip", rand(2, 3), [-1, 0])
    case("flip", rand(0, 3), [0])
    case("fliplr", rand(2, 3))
    case("flipud", rand(2, 3))
    for shift in (1, -1, 0, 4, -7):
        case("roll", rand(2, 3), [shift])
        case("roll", rand(2, 3), [shift], [1])
        case("roll", rand(2, 3, 4), [shift, 1], [0, 2])
    case("roll", rand(0, 3), [1], [0], _keep={0: [0]})
    for k in (0, 1, 2, 3, -1, 5):
        case("rot90", rand(2, 3), k)
        case("rot90", rand(2, 3, 4), k, [1, 2])
    case("rot90", rand(2, 3, 4), 1, [2, 0])


def shapes(case):
    case("view", rand(2, 6), [3, 4], _static="sizes")
    case("view", rand(2, 6), [2, -1, 3])
    case("reshape", rand(2, 6), [-1])
    case("reshape", rand(1), [])
    case("reshape", rand(0, 3), [0, 5], _static="sizes")
    case("view_as", rand(2, 6), rand(3, 4))
    case("flatten", rand(2, 3, 4))
    case("flatten", rand(2, 3, 4), 1)
    case("flatten", rand(2, 3, 4), -2, -1)
    case("flatten", rand())
    case("flatten", rand(0, 3))
    case("unflatten", rand(2, 6), 1, [2, -1])
    case("unflatten", rand(2, 6), -1, [2, 3])
    case("ravel", rand(2, 3))
    for dim in (0, 1, -1, 2):
        case("unsqueeze", rand(2, 3), dim)
    case("unsqueeze", rand(), 0)
    case("squeeze", rand(1, 2, 1), _keep={0: [0, 1, 2]})
    case("squeeze", rand(1, 2, 1), 0, _keep={0: [0]})
    case("squeeze", rand(1, 2, 1), 1, _keep={0: [1]})
    case("squeeze", rand(1, 2, 1), [0, 2], _keep={0: [0, 2]})
    case("squeeze", rand(1, 2, 1), [0, 1], _keep={0: [0, 1]})
    case("squeeze", rand(), 0)
    case("permute", rand(2, 3, 4), [2, 0, -2])
    case("transpose", rand(2, 3, 4), 0, -1)
    case("transpose", rand(), 0, -1)
    case("swapaxes", rand(2, 3, 4), 1, 2)
    case("t", rand(2, 3))
    case("t", rand(2))
    case("numpy_T", rand(2, 3, 4))
    case("mT", rand(2, 3, 4))
    case("mH", rand(2, 3))
    case("adjoint", rand(2, 3, 4))
    case("movedim", rand(2, 3, 4), 0, 2)
    case("movedim", rand(2, 3, 4), [0, 1], [-1, 0])
    case("moveaxis", rand(2, 3, 4), -1, 0)
    case("expand", rand(1, 3), [2, 3], _keep={0: [0, 1]})
    case("expand", rand(3), [2, -1])
    case("expand", rand(1, 3), [4, 2, -1], _keep={0: [0]})
    case("expand", rand(1), [0], _keep={0: [0]})
    case("expand", rand(), [2])
    case("expand_as", rand(1, 3), rand(2, 3), _keep={0: [0]})
    case("broadcast_to", rand(3), [2, 3], _keep={0: [0]})
    for op in ("atleast_1d", "atleast_2d", "atleast_3d"):
        for shape in ((), (2,), (2, 3), (2, 3, 4)):
            case(op, rand(*shape))
        case(op, [rand(), rand(2)])
    case("as_strided", rand(3, 4), [3, 4], [4, 1], _static="strides")
    case("as_strided", rand(3, 4), [12], [1], _static="strides")
    case("as_strided", rand(3, 4), [2, 2], [4, 1], _static="strides")
    case("as_strided", rand(3, 4), [4, 3], [1, 4], _static="strides")
    case("as_strided", rand(10), [4, 3], [2, 1], 1, _static="strides")
    case("as_strided", rand(3, 4), [2, 3], [0, 1], _static="strides")
    case("as_strided", rand(3, 4), [], [], 5, _static="strides")
    case("unfold", rand(2, 7), 1, 3, 2)
    case("unfold", rand(7), 0, 2, 2)
    case("unfold", rand(2, 7, 3), -2, 3, 1)
    case("unfold", rand(2, 4), 1, 4, 1)
    case("unfold", rand(2, 8, 3), 1, 2, 3)


def parts(case):
    case("slice", rand(4, 5), 0, 1, 3)
    case("slice", rand(4, 5), 1, -3, -1)
    case("slice", rand(4, 5), 1, 0, 9223372036854775807, 2)
    case("slice", rand(4, 5), 1, 3, 1)
    case("slice", rand(4, 5), 0, -9, 99)
    case("slice", rand(4, 5), 0, None, None)
    case("slice_copy", rand(4, 5), 0, 1, 3)
    case("narrow", rand(4, 5), 1, 1, 3)
    case("narrow", rand(4, 5), 1, -2, 2)
    case("narrow", rand(4, 5), 0, tensor(1), 2)
    case("select", rand(4, 5), 0, 1)
    case("select", rand(4, 5), 1, -1)
    case("select_copy", rand(4, 5), 1, -1)
    case("split", rand(7, 2), 3, _keep={0: [0]})
    case("split", rand(2, 6), 3, 1, _keep={0: [1]})
    case("split", rand(2, 6), [1, 2, 3], 1)
    case("split_with_sizes", rand(2, 6), [0, 4, 2], 1)
    case("split_with_sizes", rand(2, 6), [6], 1)
    case("unsafe_split", rand(2, 6), 4, 1, _keep={0: [1]})
    for n in (1, 2, 3, 4, 7):
        case("chunk", rand(6, 2), n, _keep={0: [0]})
        case("unsafe_chunk", rand(2, 5), n, 1, _keep={0: [1]})
        case("tensor_split", rand(6, 2), n, _keep={0: [0]})
    case("tensor_split", rand(2, 6), [1, 4], 1, _keep={0: [1]})
    case("tensor_split", rand(2, 6), [2, 2, 9], 1, _keep={0: [1]})
    case("tensor_split", rand(2, 6), [-2], 1, _keep={0: [1]})
    case("hsplit", rand(2, 6), 3, _keep={0: [1]})
    case("hsplit", rand(6), [2, 4], _keep={0: [0]})
    case("vsplit", rand(6, 2), 3, _keep={0: [0]})
    case("dsplit", rand(2, 2, 4), 2, _keep={0: [2]})
    case("unbind", rand(3, 2), _keep={0: [0]})
    case("unbind", rand(2, 3), -1, _keep={0: [1]})
    case("unbind_copy", rand(2, 3), -1, _keep={0: [1]})
    case("chunk", rand(6, 2), 3, _counted=True)
    case("chunk", rand(2, 5), 4, 1, _counted=True)
    case("chunk", rand(2, 7), 3, 1)
    case("split", rand(7, 2), 3, _counted=True)
    case("split", rand(2, 6), 3, 1, _counted=True)
    case("split", rand(2, 2), 3, 1, _counted=True)
    case("unbind", rand(3, 2), _counted=True)
    case("tensor_split", rand(7, 2), 3)
    case("tensor_split", rand(2, 7), [2, -2], 1)
    case("hsplit", rand(2, 6), [1, 4])
    case("slice_scatter", rand(4, 5), rand(2, 5), 0, 1, 3)
    case("slice_scatter", rand(4, 5), rand(4, 2), 1, -2)
    case("slice_scatter", rand(4, 5), rand(4, 3), 1, 0, 9223372036854775807, 2)
    case("slice_scatter", rand(4, 5), rand(4, 5), 1, 0, 99)
    case("slice_scatter", rand(4, 5), rand(4, 1), 1, -3, -2)
    case("slice_scatter", rand(4, 5), rand(4, 0), 1, 3, 1, _note="nothing")
    case("select_scatter", rand(4, 5), rand(5), 0, -1)
    case("select_scatter", rand(4, 5), rand(4), 1, 2)


def conversions(case):
    for t in TYPES:
        case("to.dtype", of(t, 2), torch.float32)
        case("to.dtype", rand(2) * 3, t)
        case("_to_copy", of(t, 2), dtype=torch.int64)
    case("to.dtype", tensor([0.0, -0.5, 3.7, float("nan")]), torch.bool)
    case("to.dtype", tensor([1.9, -1.9]), torch.int64)
    case("type_as", rand(2), tensor([1]))
    case("to.other", rand(2), tensor([1]))
    case("clone", rand(2))
    case("contiguous", rand(2))
    case("view.dtype", rand(2), torch.float32)
    case("view.dtype", rand(2), torch.int32, _refused="reinterpreted")
    for op in ("permute_copy", "transpose_copy", "unsqueeze_copy", "squeeze_copy", "t_copy", "view_copy", "expand_copy", "detach_copy"):
        args = {"permute_copy": ([1, 0],), "transpose_copy": (0, 1), "unsqueeze_copy": (0,), "view_copy": ([-1],), "expand_copy": ([4, 2, 3],)}
        case(op, rand(2, 3), *args.get(op, ()), _keep={0: [0, 1]})
