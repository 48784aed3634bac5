"""Pooling with windows, and adaptive pooling."""
import torch
from aten_cases import param, rand, randint

HALF = torch.float16
DOUBLE = torch.float64


def cases(case):
    maximum(case)
    average(case)
    adaptive(case)


def maximum(case):
    for ceil in (False, True):
        case("max_pool1d", rand(2, 3, 10), [3], [2], [1], [1], ceil)
        case("max_pool1d", rand(2, 3, 11), [4], [3], [0], [2], ceil)
        case("max_pool2d", rand(2, 3, 7, 8), [3, 3], [2, 2], [1, 1], [1, 1], ceil)
        case("max_pool2d", rand(2, 2, 8, 7), [3, 2], [2, 3], [1, 0], [1, 2], ceil)
        case("max_pool2d", rand(1, 2, 7, 7), [2, 2], [2, 2], [1, 1], [1, 1], ceil, _note="a window behind the input")
        case("max_pool2d", rand(1, 2, 9, 10), [2, 2], [4, 5], [1, 1], [1, 1], ceil, _note="strides beyond the kernel")
        case("max_pool2d", rand(1, 2, 8, 8), [3, 3], [3, 3], [1, 1], [2, 2], ceil)
        case("max_pool2d_with_indices", rand(2, 3, 7, 8), [3, 3], [2, 2], [1, 1], [1, 1], ceil)
        case("max_pool2d_with_indices", rand(2, 3, 9, 8), [2, 3], [3, 4], [1, 1], [1, 1], ceil)
        case("max_pool2d_with_indices", rand(2, 3, 9, 8), [2, 2], [2, 2], [0, 1], [2, 3], ceil)
        case("max_pool3d", rand(1, 2, 5, 6, 4), [2, 3, 2], [2, 2, 1], [1, 1, 0], [1, 1, 1], ceil)
        case("max_pool3d_with_indices", rand(2, 2, 5, 6, 5), [2, 3, 2], [2, 2, 3], [1, 1, 1], [1, 1, 1], ceil)
    case("max_pool2d", rand(1, 2, 6, 6), [2, 2], _note="the stride is the kernel")
    case("max_pool2d", rand(1, 2, 6, 6), 3, 2, 1)
    case("max_pool2d", -rand(1, 1, 3, 3).abs(), 3, 1, 1, _note="padding is no zero")
    case("max_pool2d", rand(2, 6, 6), [2, 2], [2, 2], _note="unbatched")
    case("max_pool1d", rand(2, 6), [2], [2])
    case("max_pool1d_with_indices", rand(2, 7), [3], [2], [1])
    case("max_pool2d_with_indices", rand(2, 6, 6), [2, 2], [2, 2])
    case("max_pool2d", randint(-9, 9, 1, 2, 5, 5), [2, 2], [2, 2], [1, 1])
    case("max_pool2d", randint(-128, 127, 1, 2, 5, 5, dtype=torch.int8), [2, 2], [2, 2], [1, 1], [1, 1], True)
    case("max_pool2d", randint(0, 255, 1, 2, 5, 5, dtype=torch.uint8), [2, 2], [2, 2])
    case("max_pool2d", rand(1, 2, 5, 5, dtype=HALF), [2, 2], [3, 3], [1, 1], [1, 1], True)
    case("max_pool2d", rand(1, 2, 5, 5, dtype=DOUBLE), [3, 3], [2, 2], [1, 1], [1, 1], True)
    case("max_pool2d", rand(1, 2, 5, 5, dtype=torch.bfloat16), [2, 2], [2, 2])
    case("max_pool2d_with_indices", torch.zeros(1, 2, 4, 4), [3, 3], [1, 1], [1, 1], _note="ties")
    for sizes, k, s in (((1, 2, 3, 4), [2, 2], [2, 2]), ((2, 5, 4), [3, 3], [1, 1])):
        h, w = (sizes[-2] - 1) * s[0] + k[0], (sizes[-1] - 1) * s[1] + k[1]
        pooled, indices = torch.ops.aten.max_pool2d_with_indices(rand(*sizes[:-2], h, w), k, s)
        if s == k:
            case("max_unpool2d", pooled, indices, [h, w])
    pooled, indices = torch.ops.aten.max_pool3d_with_indices(rand(2, 2, 4, 4, 6), [2, 2, 2], [2, 2, 2])
    case("max_unpool3d", pooled, indices, [5, 4, 6], [2, 2, 2], [0, 0, 0])
    case("fractional_max_pool2d", rand(1, 1, 5, 5), [2, 2], [2, 2], rand(1, 1, 2).abs() % 1, _refused="random")


def average(case):
    for ceil in (False, True):
        for count in (False, True):
            case("avg_pool1d", rand(2, 3, 10), [3], [2], [1], ceil, count)
            case("avg_pool1d", rand(2, 3, 11), [4], [3], [2], ceil, count)
            case("avg_pool2d", rand(2, 3, 7, 8), [3, 3], [2, 2], [1, 1], ceil, count)
            case("avg_pool2d", rand(2, 3, 7, 7), [2, 2], [2, 2], [0, 0], ceil, count)
            case("avg_pool2d", rand(1, 2, 7, 9), [2, 4], [2, 3], [1, 2], ceil, count)
            case("avg_pool2d", rand(1, 2, 9, 10), [2, 2], [4, 5], [1, 1], ceil, count, _note="strides beyond the kernel")
            case("avg_pool2d", rand(1, 2, 6, 7), [3, 2], [2, 2], [1, 0], ceil, count, 5)
            case("avg_pool3d", rand(1, 2, 5, 6, 4), [2, 3, 2], [2, 2, 3], [1, 1, 1], ceil, count)
        case("avg_pool3d", rand(1, 2, 5, 6, 4), [2, 3, 2], [2, 2, 3], [1, 1, 0], ceil, True, 3)
    case("avg_pool2d", rand(1, 2, 6, 6), [2, 2])
    case("avg_pool2d", rand(2, 6, 6), [2, 2], [2, 2])
    case("avg_pool1d", rand(2, 6), [3], [1], [1])
    case("avg_pool2d", rand(1, 2, 5, 5, dtype=HALF), [2, 2], [2, 2], [1, 1], True)
    case("avg_pool2d", rand(1, 2, 5, 5, dtype=torch.bfloat16), [2, 2], [2, 2], _tol=1e-2)
    case("adaptive_avg_pool2d", rand(1, 2, 5, 5, dtype=torch.bfloat16), [1, 1], _tol=1e-2)
    case("avg_pool2d", rand(1, 2, 5, 5, dtype=DOUBLE), [3, 3], [2, 2], [1, 1], _invalid="float64")


def adaptive(case):
    case("adaptive_avg_pool2d", rand(2, 3, 7, 5), [1, 1])
    case("adaptive_avg_pool2d", rand(2, 3, 6, 8), [3, 2], _note="divisible")
    case("adaptive_avg_pool2d", rand(2, 3, 7, 5), [3, 2])
    case("adaptive_avg_pool2d", rand(2, 3, 3, 4), [7, 6], _note="more windows than elements")
    case("adaptive_avg_pool2d", rand(2, 3, 7, 4), [3, 4])
    case("adaptive_avg_pool2d", rand(2, 3, 7, 4), [1, 2])
    case("adaptive_avg_pool2d", rand(2, 3, 8, 5), [4, 3])
    case("adaptive_avg_pool2d", rand(3, 7, 5), [3, 3])
    case("adaptive_avg_pool2d", rand(3, 7, 5), [1, 1])
    case("adaptive_avg_pool2d", rand(1, 2, 7, 5, dtype=HALF), [3, 3])
    case("adaptive_avg_pool2d", rand(1, 2, 7, 5, dtype=DOUBLE), [3, 3])
    case("adaptive_avg_pool1d", rand(2, 3, 10), [4])
    case("adaptive_avg_pool1d", rand(2, 3, 10), [5])
    case("adaptive_avg_pool1d", rand(3, 10), [1])
    case("adaptive_avg_pool3d", rand(1, 2, 5, 6, 7), [2, 3, 4])
    case("adaptive_avg_pool3d", rand(1, 2, 5, 6, 7), [1, 1, 1])
    case("adaptive_avg_pool3d", rand(1, 2, 4, 6, 7), [4, 3, 1])
    case("_adaptive_avg_pool2d", rand(2, 3, 7, 5), [3, 2])
    case("_adaptive_avg_pool3d", rand(2, 3, 7, 5, 3), [3, 2, 2])
    case("adaptive_max_pool1d", rand(2, 3, 10), [4])
    case("adaptive_max_pool1d", rand(2, 3, 10), [5])
    case("adaptive_max_pool1d", rand(3, 10), [1])
    case("adaptive_max_pool2d", rand(2, 3, 7, 5), [1, 1])
    case("adaptive_max_pool2d", rand(2, 3, 7, 5), [3, 2])
    case("adaptive_max_pool2d", rand(2, 3, 6, 8), [3, 2])
    case("adaptive_max_pool2d", rand(2, 3, 3, 4), [7, 6])
    case("adaptive_max_pool2d", rand(3, 7, 5), [3, 3])
    case("adaptive_max_pool2d", torch.zeros(1, 2, 7, 5), [3, 3], _note="ties")
    case("adaptive_max_pool2d", rand(2, 2, 5, 4, dtype=DOUBLE), [3, 3])
    case("adaptive_max_pool3d", rand(1, 2, 5, 6, 7), [2, 3, 4])
    case("adaptive_max_pool3d", rand(2, 2, 4, 6, 2), [2, 3, 1])
    case("avg_pool2d", rand(2, 3, 7, 6), [1, 1], [2, 3], _note="selects")
    case("avg_pool2d", rand(3, 7, 6), [1, 1], [2, 2], [0, 0], True, False)
