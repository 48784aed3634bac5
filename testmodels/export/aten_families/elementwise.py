"""Arithmetic, functions of one number, bits: promotion, signs, NaN and infinities."""
import math

import torch
from aten_cases import rand, randint, tensor

HALF = torch.float16
DOUBLE = torch.float64
INF = float("inf")
NAN = float("nan")
ODD = [-INF, -2.5, -1.5, -1.0, -0.5, -0.0, 0.0, 1e-6, 0.5, 1.0, 1.5, 2.5, 7.0, INF, NAN]
TYPES = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, HALF, torch.float32, DOUBLE]


def cases(case):
    promotion(case)
    division(case)
    powers(case)
    extrema(case)
    several(case)
    functions(case)
    rounding(case)
    bits(case)


def of(dtype, *shape):
    return (torch.randint(0, 2, shape) if dtype == torch.bool else torch.randint(1, 7, shape)).to(dtype)


def promotion(case):
    for a in TYPES:
        for b in TYPES:
            case("add", of(a, 2, 3), of(b, 3), _keep={0: [0, 1], 1: [0]})
        case("mul", of(a, 2, 3), of(torch.int64), _note="a rank of 0 counts for little")
        case("mul", of(a, 2, 3), of(torch.float32))
        case("mul", of(a), of(torch.int16, 2))
        case("add", of(a, 2), 3)
        case("mul", of(a, 2), 2.5)
        case("add", of(a, 2), True)
        if a != torch.bool:
            case("sub", of(a, 2, 1), of(a, 1, 3), _keep={0: [1], 1: [0]})
            case("rsub", of(a, 2), 3)
            case("sub", of(a, 2), of(torch.float32, 2), alpha=2)
            case("add", of(a, 2), of(a, 2), alpha=2)
    case("add", rand(2, 3, dtype=torch.bfloat16), rand(3, dtype=torch.bfloat16), _invalid="no kernel for bfloat16", _keep={0: [1], 1: [0]})
    case("add", rand(2, 0, 3), rand(3), _keep={0: [1, 2], 1: [0]})
    case("add", rand(), rand())
    case("add", tensor([250, 3], torch.uint8), tensor([10, 3], torch.uint8), _note="wraps around")
    case("mul", tensor(ODD), tensor(ODD).flip(0))
    case("rsub", rand(2, 3), rand(3), alpha=2, _keep={0: [1], 1: [0]})
    case("add", randint(0, 9, 3), 2.5, alpha=2)


def division(case):
    for a in TYPES:
        case("div", of(a, 4), of(torch.int64, 4))
        case("div", of(a, 4), 2)
        case("true_divide", of(a, 4), of(a, 4).clamp(min=1) if a != torch.bool else tensor([True] * 4))
        if a == torch.bool:
            continue
        signed = of(a, 12) - (4 if a != torch.uint8 else 0)
        by = tensor([3, -3, 2, -2] * 3 if a != torch.uint8 else [3, 2, 5, 4] * 3, a)
        for mode in ("floor", "trunc"):
            case("div", signed, by, rounding_mode=mode)
            case("div", signed, 2, rounding_mode=mode)
            if a != torch.uint8:
                case("div", signed, -3, rounding_mode=mode)
        case("floor_divide", signed, by)
        case("floor_divide", signed, 2)
        case("remainder", signed, by)
        case("remainder", signed, 3)
        case("fmod", signed, by)
        case("fmod", signed, 3)
    case("div", tensor(ODD), tensor(ODD).flip(0))
    case("div", tensor(ODD), 0.0)
    case("div", tensor([1.0, 0.3, -1.0, 0.6]), tensor([0.1, 0.1, 0.1, 0.2]), rounding_mode="floor")
    case("div", tensor([1.0, 0.3, -1.0], DOUBLE), tensor([0.1, 0.1, 0.1], DOUBLE), rounding_mode="floor")
    for op in ("remainder", "fmod"):
        case(op, tensor([5.5, -5.5, 5.5, -5.5, 0.0, 3.0, INF, NAN]), tensor([2.0, 2.0, -2.0, -2.0, 3.0, INF, 2.0, 1.0]))
        case(op, tensor([5.5, -5.5, 6.0]), -2.5)
    case("floor_divide", tensor([5.5, -5.5, 1.0, -1.0, 0.0]), tensor([2.0, 2.0, 0.0, 0.0, 0.0]))
    case("floor_divide", tensor([5.5, -5.5, 3.0]), tensor([INF, INF, -INF]))
    case("remainder", 7, tensor([2, 3, -4]))
    case("div", 7.0 * torch.ones(()), tensor([2, 3, 4]))


def powers(case):
    for e in (0, 1, 2, 3, -1, 0.5, -0.5, 2.5, -2, 1.0, 2.0):
        case("pow", rand(2, 3).abs() + 0.5, e)
    for e in (0, 1, 2, 3):
        for t in (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64):
            case("pow", tensor([1, 2, 3], t), e)
    case("pow", tensor([1, 2, 3]), 0.5)
    case("pow", tensor([True, False]), 2)
    case("pow", tensor([1, 2, 3]), tensor([3, 2, 1]))
    case("pow", tensor([1.5, -2.0, 3.0]), tensor([3, 2, 0]))
    case("pow", tensor([1, 2, 3]), tensor([0.5, 1.5, -1.0]))
    case("pow", 2, tensor([0, 1, 5]))
    case("pow", 2, tensor([0.5, -1.0]))
    case("pow", 2.5, tensor([0, 1, 3]))
    case("pow", 10000.0, tensor([0.0, 0.5]))
    case("pow", tensor(ODD), 2)
    case("pow", tensor([0.0, -0.0, -INF, INF, NAN]), 0.5)
    case("pow", tensor([0.0, INF, NAN]), 0)
    case("float_power", tensor([1, 2, 3]), 2)
    case("float_power", rand(3).abs(), tensor([0.5, 2.0, 1.0]))
    case("ldexp", rand(3), tensor([1, 2, -1]))
    case("square", rand(3))
    case("square", tensor([-2, 3]))


def extrema(case):
    for t in TYPES:
        case("maximum", of(t, 2, 3), of(t, 3), _keep={0: [1], 1: [0]})
        case("minimum", of(t, 2, 3), of(torch.int16, 3), _keep={0: [1], 1: [0]})
        case("max.other", of(t, 3), of(torch.float32, 3))
        if t != torch.bool:
            case("clamp", of(t, 5), 2, 4)
            case("clamp", of(t, 5), None, 3)
            case("clamp", of(t, 5), 3)
            case("clamp", of(t, 5), 2.5, 4)
            case("clamp_min", of(t, 5), 3)
            case("clamp_max", of(t, 5), 3)
    case("maximum", tensor([NAN, 1.0, NAN, INF]), tensor([1.0, NAN, NAN, 2.0]))
    case("minimum", tensor([NAN, 1.0, NAN, -INF]), tensor([1.0, NAN, NAN, 2.0]))
    for op in ("fmax", "fmin"):
        case(op, tensor([NAN, 1.0, NAN, INF]), tensor([1.0, NAN, NAN, 2.0]))
        case(op, tensor([3, 1]), tensor([1, 2]))
    case("clamp", tensor(ODD), -1.0, 1.0)
    case("clamp", tensor(ODD), -1, INF)
    case("clamp", tensor(ODD), 2.0, 1.0, _note="crossed bounds")
    case("clamp", rand(2, 3), rand(3), None, _keep={0: [1], 1: [0]})
    case("clamp", rand(2, 3), rand(3), rand(2, 1), _keep={0: [0, 1], 1: [0], 2: [0, 1]})
    case("clamp", tensor(ODD), tensor(0.0), tensor(1.0))
    case("clamp", tensor([1, 5]), tensor([1.5, 2.5]), None)
    case("clamp_min", rand(2, 3), rand(3), _keep={0: [1], 1: [0]})
    case("clamp_max", tensor([1, 5, 7]), 4.5)
    case("clip", rand(4), -0.5, 0.5)


def several(case):
    case("addcmul", rand(2, 3), rand(3), rand(2, 1), value=0.5, _keep={0: [0, 1], 1: [0], 2: [0, 1]})
    case("addcmul", randint(0, 5, 3), randint(0, 5, 3), randint(0, 5, 3), value=2)
    case("addcdiv", rand(2, 3), rand(2, 3), rand(2, 3) + 3, value=2)
    case("addcdiv", rand(3), rand(3), rand(3) + 3)
    for w in (0.25, 0.75, 2.0):
        case("lerp", rand(2, 3), rand(2, 3), w)
    case("lerp", rand(2, 3), rand(2, 3), rand(3), _keep={0: [1], 1: [1], 2: [0]})
    a = tensor([0.0, 0.0, 1.0, -1.0, 1.0, -1.0, 2.0, INF, INF, -INF, -INF, NAN, 0.0, 0.0])
    b = tensor([0.0, -1.0, 1.0, 1.0, -1.0, -1.0, 0.0, INF, -INF, INF, -INF, 1.0, 1.0, NAN])
    case("atan2", a, b)
    case("atan2", tensor([1, -1]), tensor([2, 3]))
    case("hypot", tensor([3.0, 1e30, INF, NAN]), tensor([4.0, 1e30, 1.0, 1.0]))
    case("copysign", tensor([1.0, -2.0, 3.0, 0.0]), tensor([-1.0, 1.0, -0.0, -INF]))
    case("copysign", tensor([1, -2]), -1.0)
    case("xlogy", tensor([0.0, 0.0, 2.0, 0.0, NAN]), tensor([0.0, NAN, 3.0, INF, 1.0]))
    case("xlogy", tensor([0, 2]), 3.0)
    case("xlogy", 2.0, tensor([0.5, 2.0]))
    case("heaviside", tensor([-1.0, 0.0, 2.0]), tensor([0.5, 0.25, 1.0]))
    case("heaviside", tensor([-1, 0, 2]), tensor([5, 7, 1]))
    case("logaddexp", tensor([0.0, INF, -INF, 100.0, NAN]), tensor([0.0, INF, -INF, -100.0, 1.0]))
    case("logaddexp2", rand(4), rand(4))


def functions(case):
    anywhere = "exp expm1 exp2 sin cos atan sinh cosh tanh asinh erf erfc sigmoid sinc deg2rad rad2deg".split()
    for op in anywhere:
        case(op, tensor(ODD))
        case(op, rand(2, 3))
        case(op, tensor([-1, 0, 2]))
        case(op, tensor([True, False]))
    for op in "sqrt rsqrt log log1p log2 log10 reciprocal acosh".split():
        case(op, tensor(ODD))
        case(op, rand(2, 3).abs() + 1)
        case(op, tensor([1, 2, 8]))
    for op in "asin acos atanh tan logit".split():
        case(op, rand(2, 3).clamp(-0.9, 0.9) if op != "logit" else rand(2, 3).abs().clamp(0.1, 0.9))
    for op in "sqrt exp log sin cos tanh sigmoid log1p expm1 log2".split():
        case(op, rand(3, dtype=DOUBLE).abs() + 0.1, _tol=1e-12)
        case(op, rand(3, dtype=HALF).abs() + 0.1)
    small = tensor([1e-7, -1e-7, 1e-4, -1e-4, 1e-10, 0.0])
    case("log1p", small, _tol=1e-8)
    case("expm1", small, _tol=1e-8)
    case("log2", 2.0 ** torch.arange(-20, 20), _tol=0)
    case("log10", 10.0 ** torch.arange(0, 10), _tol=0)
    case("logit", tensor([0.0, 0.2, 0.5, 1.0]), 0.1)
    case("logit", tensor([-0.5, 0.0, 1.0, 1.5]))
    for op in ("erfinv", "special_entr", "special_ndtr", "special_log_ndtr"):
        case(op, tensor([-1.0, -0.999, -0.5, -1e-3, 0.0, 0.3, 0.97, 1.0, 1.5 if op != "erfinv" else 0.99999]), _tol=1e-5)
    case("special_xlog1py", tensor([0.0, 0.0, 2.0]), tensor([-1.0, NAN, 3.0]))
    case("_cast_Float", tensor([1, 2]))
    case("_cast_Long", tensor([1.5, -2.5]))
    case("exp", rand())
    case("exp", rand(0, 2))


def rounding(case):
    for op in "abs neg sign sgn ceil floor trunc round frac signbit".split():
        case(op, tensor([v for v in ODD if op != "frac" or math.isfinite(v)]))
        case(op, rand(4, dtype=HALF))
        if op != "frac":
            for t in (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64):
                if op != "neg" or t != torch.uint8:
                    case(op, tensor([1, 0, 3], t) - (2 if t != torch.uint8 else 0))
    case("neg", tensor([1, 0, 3], torch.uint8))
    case("sign", tensor([True, False]))
    case("sgn", tensor([True, False]))
    case("signbit", tensor([True, False]))
    case("round", rand(5) * 10, decimals=1)
    case("round", rand(5) * 100, decimals=-1)
    case("nan_to_num", tensor(ODD))
    case("nan_to_num", tensor(ODD), 1.0, 2.0, 3.0)
    case("nan_to_num", tensor(ODD, DOUBLE))
    case("nan_to_num", tensor([1, 2]))
    case("fix", rand(3) * 3)


def bits(case):
    for op in ("bitwise_and", "bitwise_or", "bitwise_xor"):
        for t in (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64):
            a = tensor([1, 0, 1], t) if t == torch.bool else tensor([5, 6, 3], t)
            case(op, a, a.flip(0))
        case(op, tensor([5, -6]), 3)
        case(op, tensor([5, 6], torch.int8), tensor([3, 300]))
    for op in ("__and__", "__or__", "__xor__"):
        case(op, tensor([5, 6]), 3)
        case(op, tensor([True, False]), tensor([True, True]))
    case("bitwise_not", tensor([5, -6]))
    case("bitwise_not", tensor([5, 6], torch.uint8))
    case("bitwise_not", tensor([True, False]))
    for t in (torch.uint8, torch.int8, torch.int32, torch.int64):
        case("bitwise_left_shift", tensor([1, 5, 100], t), tensor([1, 2, 1], t))
        case("bitwise_right_shift", tensor([1, 50, 100], t), tensor([1, 2, 1], t))
        case("__lshift__", tensor([1, 5], t), 2)
    case("bitwise_right_shift", tensor([-5, -1, 7]), 1)
    case("__rshift__", tensor([-5, -1, 7]), tensor([1, 1, 1]))
