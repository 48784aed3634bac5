"""Tensors made of numbers, and what Python asks of tensors."""
import torch
from aten_cases import rand, randint, tensor

HALF = torch.float16
TYPES = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, HALF, torch.float32, torch.float64]


def cases(case):
    x = randint(0, 5, 2, 3, dtype=torch.int32)
    for op in ("zeros", "ones"):
        case(op, [2, 3])
        case(op, [])
        case(op, [0, 2])
        for t in TYPES:
            case(op, [2], dtype=t)
        case(op + "_like", x)
        case(op + "_like", x, dtype=torch.float32)
        case("new_" + op, x, [4])
        case("new_" + op, x, [4], dtype=torch.bool)
    for v in (2, 2.5, True, float("-inf"), -1):
        case("full", [2, 2], v)
        case("full", [], v)
        case("full", [2], v, dtype=torch.float32)
        if v != float("-inf"):
            case("full", [2], v, dtype=torch.int64)
            case("full_like", x, v)
            case("new_full", x, [3], v)
            case("fill", x, v)
        case("fill", rand(2, 3), v)
        case("scalar_tensor", v)
    case("scalar_tensor", 3, dtype=torch.int64)
    case("fill", rand(2, 3), tensor(4))
    case("fill_", rand(2, 3), 4)
    case("zero", rand(2, 3))
    case("zero_", rand(2, 3))
    case("copy", rand(2, 3), tensor([1, 2, 3]), _keep={0: [1], 1: [0]})
    sequences(case)
    questions(case)
    for op in ("rand", "randn"):
        case(op, [2], _refused="random numbers")
    case("rand_like", rand(2), _refused="random numbers")


def sequences(case):
    for args in ((5,), (5.0,), (2, 7), (2, 7, 2), (7, 2, -2), (0.0, 1.0, 0.25), (0, 1, 0.3), (1.5, 4), (0,), (2.5,), (-3, 3)):
        case("arange", *args)
        case("arange", *args, dtype=torch.float32)
        case("arange", *args, dtype=HALF)
        if all(isinstance(a, int) for a in args):
            case("arange", *args, dtype=torch.int32)
            case("arange", *args, dtype=torch.int16)
    case("arange", 1500)
    case("arange", 0, 50, 0.1)
    for args in ((0, 1, 5), (1, 10, 4), (-1.0, 1.0, 7), (3, 3, 2), (5, 1, 3), (0, 1, 1), (0, 1, 0), (0.1, 2.7, 12)):
        case("linspace", *args)
        case("linspace", *args, dtype=torch.float64, _tol=1e-12)
    case("linspace", 0, 10, 5, dtype=torch.int64)
    case("linspace", tensor(1.0), 2.0, 4)
    case("linspace", tensor(1.0), tensor(3.0), 4)
    case("logspace", 0, 2, 4)
    case("logspace", 0, 2, 5, 2.0)
    case("range", 1, 5)
    case("range", 0.5, 3.0, 0.5)
    for op in ("hann_window", "hamming_window", "blackman_window", "bartlett_window", "kaiser_window"):
        for n in (0, 1, 2, 7, 8):
            case(op, n, _tol=1e-4)
            case(op, n, False, _tol=1e-4)
        case(op, 6, dtype=torch.float64)
    case("hamming_window", 6, True, 0.6)
    case("hamming_window", 6, True, 0.6, 0.3)
    case("kaiser_window", 6, True, 5.0)
    for args in ((3,), (2, 4), (4, 2)):
        case("eye", *args)
        case("eye", *args, dtype=torch.int64)
        case("eye", *args, dtype=torch.bool)


def questions(case):
    x = rand(2, 3, 4)
    case("size", x)
    case("size.int", x, 1)
    case("size.int", x, -1)
    case("numel", x)
    case("dim", x)
    case("stride", x)
    case("is_floating_point", x)
    case("is_floating_point", tensor([1]))
    case("_shape_as_tensor", x)
    case("is_contiguous", x)
    case("is_same_size", x, x, _static="sizes")
    case("is_same_size", x, rand(2))
    case("element_size", x)
    case("_dim_arange", x, 1)
    case("len", x)
