"""Activation functions, softmax and dropout."""
import torch
from aten_cases import param, rand, randint, tensor

HALF = torch.float16
DOUBLE = torch.float64
EDGES = [-float("inf"), -200.0, -30.0, -6.0, -3.0, -1.0, -0.5, -1e-3, 0.0, 1e-3, 0.5, 1.0, 3.0, 6.0, 30.0, 200.0, float("inf")]


def cases(case):
    plain = ["relu", "relu6", "elu", "selu", "celu", "leaky_relu", "gelu", "silu", "mish", "hardswish", "hardsigmoid", "hardtanh",
             "softplus", "log_sigmoid", "hardshrink", "softshrink"]
    infinite = {"gelu", "silu", "mish", "hardswish"}  # minus infinity times zero is NaN here and not there
    no_float64 = {"elu", "selu", "celu", "leaky_relu", "gelu", "mish", "hardswish", "softplus", "log_sigmoid"}
    no_bfloat16 = {"relu", "relu6", "leaky_relu", "gelu", "silu", "hardtanh"}
    for name in plain:
        case(name, rand(2, 3, 4) * 3)
        case(name, tensor(EDGES[1:-1] if name in infinite else EDGES))
        case(name, torch.tensor(0.7))
        case(name, rand(0, 3))
        case(name, rand(2, 5, dtype=HALF) * 3)
        case(name, rand(2, 5, dtype=torch.bfloat16) * 3, _tol=1e-2, **({"_invalid": "bfloat16"} if name in no_bfloat16 else {}))
        case(name, rand(2, 5, dtype=DOUBLE) * 3, **({"_invalid": "float64"} if name in no_float64 else {}))
    case("gelu", rand(3, 4) * 2, approximate="tanh")
    case("gelu", rand(3, 4, dtype=HALF) * 2, approximate="tanh")
    case("elu", rand(3, 4), 0.5)
    case("elu", rand(3, 4), 0.5, 2.0, 1.5)
    case("celu", rand(3, 4), 0.3)
    case("celu", rand(3, 4, dtype=HALF), 2.5)
    case("celu", rand(3, 4, dtype=DOUBLE), 2.5, _invalid="float64")
    case("leaky_relu", rand(3, 4), 0.3)
    case("hardtanh", rand(3, 4) * 3, -2, 0.5)
    case("hardtanh", randint(-9, 9, 3, 4), -2, 5)
    case("relu", randint(-9, 9, 3, 4))
    case("relu", randint(-9, 9, 3, 4, dtype=torch.int32))
    case("relu6", randint(-9, 9, 3, 4))
    case("threshold", rand(3, 4), 0.1, 20)
    case("threshold", rand(3, 4), 0.1, -0.5)
    case("threshold", randint(-9, 9, 3, 4), 2, 7)
    case("softplus", rand(3, 4) * 9, 2, 1)
    case("softplus", rand(3, 4) * 9, 0.5, 30)
    case("softplus", rand(3, 4, dtype=DOUBLE) * 9, 1, 2, _invalid="float64")
    case("hardshrink", rand(3, 4), 1.2)
    case("softshrink", rand(3, 4), 0.2)
    case("log_sigmoid_forward", rand(3, 4), _outputs=1)
    case("glu", rand(3, 4))
    case("glu", rand(2, 6, 3), 1)
    case("glu", rand(2, 3, dtype=HALF), 0)
    # Slopes.
    case("prelu", rand(2, 3, 4), param(rand(3)))
    case("prelu", rand(2, 3, 4, 2), param(rand(1)))
    case("prelu", rand(2, 3), param(rand(3)))
    case("prelu", rand(5), param(rand(1)))
    case("prelu", torch.tensor(-2.0), param(rand(1)))
    case("prelu", rand(2, 3, 4, dtype=HALF), param(rand(3, dtype=HALF)))
    case("_prelu_kernel", rand(2, 3, 4), param(rand(1, 3, 1)))
    case("rrelu", rand(3, 4))
    case("rrelu", rand(3, 4), 0.1, 0.7)
    case("rrelu", rand(3, 4), 0.1, 0.3, True, _refused="random")
    # Softmax.
    for name in ("softmax.int", "log_softmax.int", "special_softmax", "special_log_softmax"):
        case(name, rand(2, 3, 4), 1)
        case(name, rand(2, 3), -1)
        case(name, torch.tensor(3.0), 0)
        case(name, rand(2, 3, dtype=HALF), 0)
        case(name, rand(0, 3), 1)
        case(name, rand(2, 3, dtype=DOUBLE), 0)
    case("softmax.int", rand(2, 3, dtype=HALF), 0, torch.float32)
    case("softmax.int", randint(-3, 3, 2, 3), 1, torch.float32)
    case("log_softmax.int", rand(2, 3), 1, torch.float64)
    case("_softmax", rand(2, 3, 2), 1, False)
    case("_log_softmax", rand(2, 3, 2), -1, False)
    x = rand(2, 3, 4)
    x[0, 1] = -float("inf")
    x[1, 1, 2] = -float("inf")
    case("_safe_softmax", x, -1)
    case("_safe_softmax", x, 1)
    # Dropout.
    for name in ("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout"):
        case(name, rand(2, 3), 0.5, False)
        case(name, rand(2, 3), 0.0, True)
        case(name, rand(2, 3), 0.5, True, _refused="random")
    case("native_dropout", rand(2, 3), 0.5, False)
