"""Padding."""
import torch
from aten_cases import param, rand, randint, tensor

HALF = torch.float16


def cases(case):
    x = rand(2, 3, 4, 5)
    case("constant_pad_nd", x, [1, 2])
    case("constant_pad_nd", x, [1, 2, 0, 3], 1.5)
    case("constant_pad_nd", x, [0, 0, 1, 0, 2, 1, 1, 1], -1)
    case("constant_pad_nd", x, [-1, 2, 1, -2], 7)
    case("constant_pad_nd", x, [-1, -1])
    case("constant_pad_nd", x, [0, 0])
    case("constant_pad_nd", x, [1, 1], float("-inf"))
    case("constant_pad_nd", randint(0, 9, 2, 3), [1, 2], 5)
    case("constant_pad_nd", randint(0, 9, 2, 3, dtype=torch.int32), [1, 2], -5)
    case("constant_pad_nd", rand(2, 3) > 0, [1, 2], True)
    case("constant_pad_nd", rand(2, 3) > 0, [1, 2])
    case("constant_pad_nd", rand(2, 3, dtype=HALF), [1, 2], 0.5)
    case("constant_pad_nd", rand(2, 3, dtype=torch.float64), [1, 2], 0.1)
    case("constant_pad_nd", rand(0, 3), [1, 2, 1, 1], 2.0)
    for mode in ("constant", "reflect", "replicate", "circular"):
        case("pad", rand(2, 3, 5), [2, 1], mode)
        case("pad", rand(2, 3, 4, 5), [1, 2, 3, 0], mode)
        case("pad", rand(1, 2, 3, 4, 5), [1, 2, 2, 1, 1, 0], mode)
        case("pad", rand(3, 5), [2, 1], mode)
    case("pad", rand(2, 3), [1, 1, 0, 2], "constant", 0.25)
    case("pad", rand(2, 3, 6, 5), [-1, 2, 1, -2], "reflect")
    case("pad", rand(2, 3, 6, 5), [-1, 2, 1, -2], "replicate")
    case("pad", rand(2, 3, 4), [5, 6], "replicate")
    case("pad", rand(2, 3, 4), [4, 3], "circular")
    for mode in (0, 1, 2):
        case("_pad_enum", rand(2, 3, 4, 5), [1, 2, 3, 0], mode)
    case("_pad_enum", rand(2, 3, 4, 5), [1, 2, 3, 0], 3, 0.5)
    case("_pad_circular", rand(2, 3, 4, 5), [1, 2, 3, 0])
    for name in ("reflection", "replication"):
        case(name + "_pad1d", rand(2, 3, 5), [2, 1])
        case(name + "_pad1d", rand(3, 5), [2, 1])
        case(name + "_pad2d", rand(2, 3, 4, 5), [1, 2, 3, 0])
        case(name + "_pad2d", rand(3, 4, 5), [1, 2, 3, 0])
        case(name + "_pad3d", rand(1, 2, 3, 4, 5), [1, 2, 2, 1, 1, 0])
        case(name + "_pad2d", rand(1, 1, 4, 5, dtype=HALF), [1, 1, 1, 1])
