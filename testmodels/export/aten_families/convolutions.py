"""Convolutions."""
import torch
from aten_cases import param, rand

HALF = torch.float16
DOUBLE = torch.float64


def cases(case):
    # Dimensions, strides, padding, dilation, groups.
    case("conv1d", rand(2, 4, 9), param(rand(6, 4, 3)), param(rand(6)), [2], [1], [1], 1)
    case("conv1d", rand(2, 4, 9), param(rand(6, 2, 3)), None, [1], [2], [2], 2)
    case("conv2d", rand(2, 3, 8, 7), param(rand(4, 3, 3, 2)), param(rand(4)), [2, 1], [1, 0], [1, 2], 1)
    case("conv2d", rand(1, 4, 5, 5), param(rand(4, 1, 3, 3)), param(rand(4)), [1, 1], [1, 1], [1, 1], 4, _note="depthwise")
    case("conv2d", rand(2, 4, 1, 1), param(rand(4, 4, 1, 1)))
    case("conv2d", rand(3, 6, 6), param(rand(4, 3, 3, 3)), param(rand(4)), _note="unbatched")
    case("conv2d", rand(0, 3, 6, 6), param(rand(4, 3, 3, 3)), param(rand(4)), _note="empty batch")
    case("conv2d", rand(1, 3, 6, 6, dtype=HALF), param(rand(4, 3, 3, 3, dtype=HALF)), param(rand(4, dtype=HALF)))
    case("conv2d", rand(1, 3, 6, 6, dtype=DOUBLE), param(rand(4, 3, 3, 3, dtype=DOUBLE)), _invalid="float64")
    case("conv2d", rand(1, 2, 4, 4), rand(3, 2, 3, 3), rand(3), _note="weights computed")
    case("conv3d", rand(1, 2, 5, 4, 6), param(rand(3, 2, 2, 3, 2)), param(rand(3)), [2, 1, 1], [0, 1, 1], [1, 1, 2], 1)
    case("conv3d", rand(2, 4, 4, 4), param(rand(4, 1, 2, 2, 2)), None, [1, 1, 1], [1, 1, 1], [1, 1, 1], 2)
    for k in (1, 2, 3, 4):
        case("conv1d.padding", rand(1, 2, 9), param(rand(3, 2, k)), param(rand(3)), [1], "same", [2], 1)
    case("conv2d.padding", rand(1, 2, 9, 8), param(rand(3, 2, 3, 2)), None, [1, 1], "same", [1, 3], 1)
    case("conv2d.padding", rand(1, 2, 9, 8), param(rand(3, 2, 3, 2)), None, [2, 2], "valid", [1, 1], 1)
    case("conv3d.padding", rand(1, 2, 4, 4, 4), param(rand(3, 2, 3, 2, 1)), None, [1, 1, 1], "same", [1, 1, 1], 1)
    case("_convolution_mode", rand(1, 2, 9, 8), param(rand(3, 2, 3, 2)), None, [1, 1], "same", [1, 1], 1)
    # Transposed.
    case("conv_transpose1d", rand(2, 4, 5), param(rand(4, 3, 3)), param(rand(3)), [2], [1], [1], 1, [1])
    case("conv_transpose2d.input", rand(2, 4, 5, 4), param(rand(4, 3, 3, 2)), param(rand(3)), [2, 3], [1, 0], [1, 2], 1, [1, 1])
    case("conv_transpose2d.input", rand(1, 4, 5, 4), param(rand(4, 2, 2, 2)), None, [2, 2], [0, 0], [0, 0], 2, [1, 1])
    case("conv_transpose2d.input", rand(1, 4, 5, 4), param(rand(4, 1, 3, 3)), param(rand(4)), [1, 1], [2, 1], [0, 0], 4, [2, 1])
    case("conv_transpose2d.input", rand(1, 2, 4, 4), param(rand(2, 2, 3, 3)), None, [2, 2], [0, 0], [2, 2], 1, [3, 3],
         _note="output padding up to the dilation", _invalid="ONNX Runtime wants it below the stride")
    case("conv_transpose2d.input", rand(4, 3, 3), param(rand(4, 2, 2, 2)), None, [2, 2])
    case("conv_transpose3d.input", rand(1, 2, 3, 3, 2), param(rand(2, 3, 2, 2, 3)), param(rand(3)), [2, 1, 2], [0, 1, 1], [1, 0, 0], 1, [1, 1, 1])
    # The names in traced and in decomposed programs.
    for transposed in (False, True):
        w = rand(4, 4, 3, 3)
        case("_convolution", rand(1, 4, 5, 5), param(w), param(rand(4)), [2, 2], [1, 1], [1, 1], transposed, [0, 0], 1, False, False, True, True)
        case("_convolution.deprecated", rand(1, 4, 5, 5), param(w), None, [1, 1], [1, 1], [1, 1], transposed, [0, 0], 1, False, False, True)
        case("convolution", rand(1, 4, 5, 5), param(w), param(rand(4)), [1, 1], [0, 0], [2, 2], transposed, [0, 0], 1)
    case("_convolution", rand(1, 4, 9), param(rand(4, 4, 3)), param(rand(4)), [1], [1], [1], False, [0], 1, False, False, True, True)
    case("convolution", rand(1, 4, 5, 5), param(rand(4, 4, 3, 3)), None, [2], [1], [1], False, [0], 1)
    case("conv_depthwise3d", rand(1, 2, 4, 4, 4), param(rand(4, 1, 2, 2, 2)), [2, 2, 2], None, [1, 1, 1], [0, 0, 0], [1, 1, 1],
         _keep={0: [1]}) if torch.cuda.is_available() else None
    case("conv_tbc", rand(7, 2, 3), param(rand(3, 3, 5)), param(rand(5)), 1)
    b = torch.bfloat16
    case("conv2d", rand(1, 3, 6, 6, dtype=b), param(rand(4, 3, 3, 3, dtype=b)), param(rand(4, dtype=b)), _tol=2e-2)
