"""Quantization: PT2E's operators, fake quantization."""
import torch
import torch.ao.quantization.fx._decomposed  # noqa: F401  quantized_decomposed
from aten_cases import param, rand, randint, tensor

Q = "quantized_decomposed::"
I8, U8, I16, I32 = torch.int8, torch.uint8, torch.int16, torch.int32


def cases(case):
    x = rand(3, 4) * 3
    for low, high, dtype in ((-128, 127, I8), (-127, 127, I8), (0, 255, U8), (0, 15, U8), (-8, 7, I8), (-30000, 30000, I16), (-1000, 1000, I32)):
        scale = 6.0 / (high - low)
        zero = (low + high) // 2
        case(Q + "quantize_per_tensor", x * 2, scale, zero, low, high, dtype)
        q = randint(low, high, 3, 4, dtype=dtype)
        case(Q + "dequantize_per_tensor", q, scale, zero, low, high, dtype)
        case(Q + "quantize_per_tensor.tensor", x * 2, param(tensor(scale)), param(tensor(zero)), low, high, dtype)
        case(Q + "dequantize_per_tensor.tensor", q, param(tensor([scale], torch.float64)), param(tensor([zero])), low, high, dtype)
        scales, zeros = param(rand(4).abs() * 0.1 + scale), param(randint(0, 3, 4))
        case(Q + "quantize_per_channel", x, scales, zeros, 1, low, high, dtype)
        case(Q + "dequantize_per_channel", q, scales, zeros, 1, low, high, dtype)
    case(Q + "quantize_per_tensor", rand(5, dtype=torch.float16), 0.1, 3, 0, 255, U8)
    case(Q + "dequantize_per_tensor", randint(0, 255, 5, dtype=U8), 0.1, 3, 0, 255, U8, out_dtype=torch.float16)
    case(Q + "quantize_per_channel", rand(3, 2, 2), param(rand(3).abs() + 0.1), param(torch.zeros(3, dtype=torch.int64)), 0, -127, 127, I8)
    case(Q + "dequantize_per_channel", param(randint(-9, 9, 3, 2, dtype=I8)), param(rand(3).abs()), None, 0, -128, 127, I8)
    case(Q + "quantize_per_tensor.tensor2", x, rand(1).abs()[0], tensor(3), tensor(-100), tensor(100), I8)
    for dtype, low, high in ((I8, -128, 127), (U8, 0, 255)):
        case(Q + "choose_qparams.tensor", x, low, high, 1e-4, dtype)
        case(Q + "choose_qparams.tensor", x.abs() + 1, low, high, 1e-4, dtype)
        case(Q + "choose_qparams_symmetric.tensor", x, low, high, 1e-4, dtype)
    case(Q + "choose_qparams_per_token", x, I8)
    case(Q + "choose_qparams_per_token_asymmetric", x, I8)
    scales, zeros = torch.ops.quantized_decomposed.choose_qparams_per_token_asymmetric(x, I8)
    case(Q + "quantize_per_token", x, scales, zeros, -128, 127, I8)
    case(Q + "dequantize_per_token", randint(-9, 9, 3, 4, dtype=I8), scales, zeros, -128, 127, I8, torch.float32)
    case(Q + "quantize_per_channel_group", rand(3, 8), param(rand(3, 2).abs() + 0.1), param(randint(0, 3, 3, 2)), -8, 7, I8, 4, _keep={0: [1]})
    case(Q + "dequantize_per_channel_group", randint(-8, 7, 3, 8, dtype=I8), param(rand(3, 2).abs()), param(randint(0, 3, 3, 2, dtype=I32)), -8, 7, I8, 4,
         torch.float32, _keep={0: [1]})
    case(Q + "convert_element_type.no_fuse", x, torch.float16)
    for low, high in ((0, 255), (-128, 127), (-7, 7), (0, 1000)):
        case("fake_quantize_per_tensor_affine", x * 2, 0.05, 2, low, high)
        case("fake_quantize_per_tensor_affine.tensor_qparams", x, param(tensor(0.03)), param(tensor(1, I32)), low, high)
        case("fake_quantize_per_channel_affine", x, param(rand(4).abs() * 0.1 + 0.02), param(randint(0, 3, 4, dtype=I32)), 1, low, high)
        case("fake_quantize_per_tensor_affine_cachemask", x * 2, 0.05, 2, low, high)
    case(Q + "fake_quant_per_channel", x, param(rand(4).abs() * 0.1 + 0.02), param(randint(0, 3, 4, dtype=I32)), 1, -128, 127)
