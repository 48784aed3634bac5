"""Interpolation, sampling at grids."""
import torch
from aten_cases import param, rand, randint, tensor

HALF = torch.float16
NEAREST = {1: "nearest1d", 2: "nearest2d", 3: "nearest3d"}
SHAPES = {1: (2, 3, 7), 2: (1, 2, 5, 6), 3: (1, 2, 3, 4, 5)}
SIZES = {1: [10], 2: [8, 4], 3: [5, 6, 3]}
SCALES = {1: [2.0], 2: [2.0, 3.0], 3: [2.0, 1.0, 2.0]}
ODD = {1: [1.7], 2: [1.3, 0.6], 3: [1.4, 0.7, 1.9]}


def cases(case):
    for n in (1, 2, 3):
        for name in (f"upsample_nearest{n}d", f"_upsample_nearest_exact{n}d"):
            case(name + ".vec", rand(*SHAPES[n]), SIZES[n], None)
            case(name + ".vec", rand(*SHAPES[n]), None, SCALES[n])
            case(name + ".vec", rand(*SHAPES[n]), None, ODD[n])
            case(name, rand(*SHAPES[n]), SIZES[n])
            out = [int(s * f) for s, f in zip(SHAPES[n][2:], ODD[n])]
            case(name, rand(*SHAPES[n]), out, *ODD[n])
        linear = {1: "upsample_linear1d", 2: "upsample_bilinear2d", 3: "upsample_trilinear3d"}[n]
        for corners in (False, True):
            case(linear + ".vec", rand(*SHAPES[n]), SIZES[n], corners, None)
            case(linear + ".vec", rand(*SHAPES[n]), None, corners, SCALES[n])
            case(linear + ".vec", rand(*SHAPES[n]), None, corners, ODD[n])
            case(linear, rand(*SHAPES[n]), SIZES[n], corners)
            case(linear, rand(*SHAPES[n]), [1] * n, corners, _note="to one")
        case(linear, rand(*SHAPES[n]), [int(s * f) for s, f in zip(SHAPES[n][2:], ODD[n])], False, *ODD[n])
    for corners in (False, True):
        case("upsample_bicubic2d.vec", rand(1, 2, 5, 6), [9, 4], corners, None)
        case("upsample_bicubic2d.vec", rand(1, 2, 5, 6), None, corners, [2.0, 2.0])
        case("upsample_bicubic2d.vec", rand(1, 2, 5, 6), None, corners, [1.3, 0.6])
        case("upsample_bicubic2d", rand(1, 2, 5, 6), [9, 4], corners, None, None)
        for size in ([3, 3], [9, 11], [2, 9]):
            refused = {"_refused": "align_corners"} if corners else {}
            case("_upsample_bilinear2d_aa", rand(1, 2, 7, 6), size, corners, **refused)
            case("_upsample_bicubic2d_aa", rand(1, 2, 7, 6), size, corners, **refused)
    case("_upsample_bilinear2d_aa.vec", rand(1, 2, 7, 6), None, False, [0.5, 0.5])
    case("upsample_nearest2d.vec", rand(1, 1, 3, 3), None, [1.0, 1.0])
    case("upsample_nearest2d.vec", rand(1, 1, 3, 3), None, [1.3, 2.3], _static="PyTorch copies small inputs")
    case("upsample_bilinear2d.vec", rand(1, 1, 3, 3), None, False, [1.3, 2.3], _static="PyTorch copies small inputs")
    case("upsample_nearest2d.vec", randint(0, 255, 1, 1, 3, 3, dtype=torch.uint8), [5, 7], None)
    case("upsample_bilinear2d.vec", randint(0, 255, 1, 1, 3, 3, dtype=torch.uint8), [5, 7], False, None, _tol=0.005,
         _note="by integers in PyTorch, which rounds otherwise")
    case("upsample_nearest2d.vec", rand(1, 1, 3, 3, dtype=HALF), [5, 7], None)
    case("upsample_bilinear2d.vec", rand(1, 1, 3, 3, dtype=HALF), [5, 7], False, None)
    case("upsample_bilinear2d.vec", rand(1, 1, 3, 3, dtype=torch.float64), [5, 7], False, None, _invalid="float64")
    case("upsample_nearest2d.vec", rand(2, 3, 1, 1), [4, 5], None, _note="from one")
    case("upsample_bilinear2d.vec", rand(2, 3, 1, 1), [4, 5], True, None, _note="from one")
    case("upsample_bilinear2d.vec", rand(1, 1, 10, 10), None, False, [0.7, 0.7], _note="10 times 0.7 is 7 or less than 7")
    case("upsample_nearest2d.vec", rand(1, 1, 10, 10), None, [0.7, 1.1])
    grids(case)


def grids(case):
    for mode in (0, 1, 2):
        for padding in (0, 1, 2):
            for corners in (False, True):
                case("grid_sampler_2d" if mode else "grid_sampler", rand(2, 3, 5, 4), rand(2, 3, 2, 2), mode, padding, corners)
                if mode < 2:
                    case("grid_sampler_3d", rand(1, 2, 3, 4, 5), rand(1, 2, 3, 2, 3), mode, padding, corners)
    for corners in (False, True):
        case("affine_grid_generator", rand(2, 2, 3), [2, 3, 4, 5], corners)
        case("affine_grid_generator", rand(2, 3, 4), [2, 3, 4, 5, 2], corners)
