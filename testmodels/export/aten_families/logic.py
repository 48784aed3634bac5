"""Comparisons, truth, choice, places in sorted sequences."""
import torch
from aten_cases import rand, randint, tensor

INF = float("inf")
NAN = float("nan")
HALF = torch.float16
DOUBLE = torch.float64
ODD = [-INF, -1.0, -0.0, 0.0, 1.0, INF, NAN]
TYPES = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, HALF, torch.float32, DOUBLE]
COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")


def of(dtype, *shape):
    return torch.randint(0, 2 if dtype == torch.bool else 4, shape).to(dtype)


def cases(case):
    comparisons(case)
    kinds(case)
    nearness(case)
    choice(case)
    numbers(case)
    sequences(case)


def comparisons(case):
    for op in COMPARISONS:
        for t in TYPES:
            case(op, of(t, 2, 3), of(t, 3), _keep={0: [1], 1: [0]})
        case(op, tensor(ODD), tensor(ODD).flip(0))
        case(op, tensor(ODD), 0)
        case(op, randint(0, 4, 5), 1.5)
        case(op, of(torch.bool, 4), True)
        case(op, of(torch.bool, 4), 1)
        case(op, of(torch.int32, 4), of(torch.float32, 4))
        case(op, of(torch.int64), of(torch.int32, 3))
        case(op, rand(0), rand(1), _keep={1: [0], 0: [0]})
    for op in ("logical_and", "logical_or", "logical_xor"):
        case(op, of(torch.bool, 4), of(torch.bool, 4))
        case(op, of(torch.int64, 4), of(torch.float32, 4))
        case(op, tensor(ODD), of(torch.bool, 7))
    case("logical_not", tensor(ODD))
    case("logical_not", of(torch.int8, 3))
    case("not_equal", rand(3), 1.0)
    case("greater_equal", rand(3), rand(3))


def kinds(case):
    for op in ("isnan", "isinf", "isfinite", "isposinf", "isneginf"):
        for t in (torch.float32, DOUBLE, HALF):
            case(op, tensor(ODD, t))
        case(op, tensor([1, 2]))
        case(op, tensor([True, False]))


def nearness(case):
    a, b = tensor([1.0, 2.0, INF, -INF, NAN, INF]), tensor([1.0 + 1e-9, 2.1, INF, INF, NAN, 1.0])
    case("isclose", a, b)
    case("isclose", a, b, 0.1, 0.1, True)
    case("isclose", tensor([1, 2]), tensor([1, 3]))
    case("allclose", a, b)
    case("allclose", rand(3), torch.zeros(3), 0.0, 100.0)
    case("isin", tensor([[1, 2], [3, 4]]), tensor([2, 4, 7]))
    case("isin", tensor([1, 2, 3]), tensor([2]), invert=True)
    case("isin", tensor([1, 2, 3]), 2)
    case("isin", 2, tensor([1, 2]))
    case("isin", tensor([1.0, 2.0]), tensor([2, 5]))
    case("isin", tensor([1, 2]), torch.zeros(0, dtype=torch.long))
    case("_is_all_true", tensor([True, True]))
    case("_is_any_true", tensor([False, False]))
    case("equal", tensor([1, 2]), tensor([1, 2]), _static="whether shapes are equal")
    case("equal", tensor([1, 2]), tensor([1, 3]), _static="whether shapes are equal")
    case("equal", rand(2, 3), rand(3))


def choice(case):
    for t in TYPES:
        case("where", of(torch.bool, 2, 3), of(t, 3), of(t, 2, 1), _keep={0: [0, 1], 1: [0], 2: [0, 1]})
        case("where", of(torch.bool, 3), of(t, 3), 2)
        case("where", of(torch.bool, 3), 2, of(t, 3))
        case("where", of(torch.bool, 3), of(t, 3), 2.5)
        case("where", of(torch.bool, 3), of(t, 3), of(torch.int16, 3))
        case("masked_fill", of(t, 2, 3), of(torch.bool, 3), 1, _keep={0: [1], 1: [0]})
    case("where", of(torch.bool, 3), 1.0, 2.0)
    case("where", of(torch.bool, 3), 1, 2)
    case("where", of(torch.bool, 3), 1, 2.5)
    case("where", of(torch.bool, 3), True, False)
    case("where", of(torch.bool, 2, 3))
    case("where", tensor([0, 2, 3]))
    case("where", of(torch.bool), rand(2), rand())
    case("where", tensor([1, 0], torch.uint8).bool(), rand(2), rand(2))
    case("masked_fill", rand(2, 3), of(torch.bool, 2, 1), -INF, _keep={0: [0], 1: [0, 1]})
    case("masked_fill", rand(2, 3), of(torch.bool, 2, 3), tensor(7.0))
    case("masked_fill", rand(2, 3, dtype=HALF), of(torch.bool, 2, 3), -65504.0)
    case("masked_fill", rand(3), of(torch.bool, 2, 3), 0.0, _keep={0: [0], 1: [1]})
    case("masked_fill_", rand(2, 3), of(torch.bool, 3), 1.5, _keep={0: [1], 1: [0]})


def numbers(case):
    case("item", tensor(3), _note="a number")
    case("item", tensor([2.5]))
    case("item", tensor([[True]]))
    case("is_nonzero", tensor([2.0]))
    case("is_nonzero", tensor(0))
    case("_local_scalar_dense", tensor(7, torch.int32))


def sequences(case):
    edges = tensor([1.0, 3.0, 5.0, 5.0, 7.0])
    x = tensor([[0.0, 1.0, 3.0], [5.0, 8.0, INF]])
    for right in (False, True):
        case("bucketize", x, edges, right=right)
        case("bucketize", x, edges, right=right, out_int32=True)
        case("searchsorted", edges, x, right=right)
        rows = tensor([[1.0, 2.0, 3.0], [3.0, 5.0, 5.0]])
        case("searchsorted", rows, x, right=right, _keep={0: [0], 1: [0]})
    case("bucketize", tensor([1, 4, 9]), tensor([2, 4, 8]))
    case("bucketize", 4, tensor([2, 4, 8]))
    case("searchsorted", edges, 4.0)
    case("searchsorted", edges, x, side="right")
    case("bucketize", tensor([1, 4, 9]), tensor([2.0, 4.0, 8.0]))
