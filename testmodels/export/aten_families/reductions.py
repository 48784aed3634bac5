"""Sums, extrema, truth, statistics, norms, order."""
import torch
from aten_cases import rand, randint, tensor

HALF = torch.float16
DOUBLE = torch.float64
INF = float("inf")
NAN = float("nan")
INTEGERS = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]
WITHOUT_NAN = [[1.0, INF, 3.0], [-INF, 2.0, INF], [-1.0, -2.0, -2.0]]
ODD = [[1.0, NAN, 3.0], [-INF, 2.0, INF], [-1.0, -2.0, -2.0]]


def of(dtype, *shape):
    return torch.randint(0, 2 if dtype == torch.bool else 5, shape).to(dtype)


def cases(case):
    sums(case)
    extrema(case)
    truth(case)
    along(case)
    variances(case)
    norms(case)
    distances(case)
    order(case)


def sums(case):
    for op in ("sum", "mean", "nansum", "nanmean"):
        case(op, rand(2, 3, 4))
        case(op, rand())
        for dims in ([1], [-1], [0, 2], [], [-2, -1], None):
            for keep in (False, True):
                if op in ("sum", "mean"):
                    case(op + (".dim_IntList" if op == "sum" else ".dim"), rand(2, 3, 4), dims, keep)
                else:
                    case(op, rand(2, 3, 4), dims, keep)
        case(op, tensor(ODD), [1])
        case(op, rand(2, 3, dtype=HALF), [1])
        case(op, rand(2, 3, dtype=HALF), [1], dtype=torch.float32)
        case(op, rand(2, 3, dtype=DOUBLE))
    case("sum.dim_IntList", rand(), [0])
    case("sum.dim_IntList", rand(), [-1], True)
    case("mean.dim", rand(2, 0, 3), [0])
    case("mean.dim", randint(0, 5, 2, 3), [1], dtype=torch.float32)
    case("sum.dim_IntList", rand(2, 0, 3), [1])
    case("sum", rand(0))
    case("prod", rand(0))
    for t in INTEGERS + [torch.bool]:
        case("sum", of(t, 2, 3))
        case("sum.dim_IntList", of(t, 2, 3), [0])
        case("sum", of(t, 2, 3), dtype=t)
        case("prod", of(t, 2, 3))
        case("prod.dim_int", of(t, 2, 3), 1, True)
        case("nansum", of(t, 2, 3))
        case("count_nonzero", of(t, 2, 3))
    case("sum", randint(0, 5, 2, 3), dtype=torch.float32)
    case("sum.dim_IntList", randint(0, 5, 2, 3), [1], dtype=torch.int32)
    case("prod", rand(2, 3))
    case("prod.dim_int", rand(2, 3), -1)
    case("prod", rand(2, 3, dtype=DOUBLE))
    case("count_nonzero", tensor(ODD))
    case("count_nonzero", rand(2, 3) > 0, 1)
    case("count_nonzero", rand(2, 3, 2) > 0, [0, 2])
    for dims in ([1], [0, 1], [-1]):
        case("logsumexp", rand(2, 3), dims)
        case("logsumexp", rand(2, 3), dims, True)
    case("logsumexp", tensor([[1000.0, 1000.0], [-INF, -INF], [INF, 1.0], [-INF, 0.0]]), [1])
    case("logsumexp", randint(0, 3, 2, 3), [1])
    case("logsumexp", rand(), [0])


def extrema(case):
    for op in ("max", "min"):
        for t in INTEGERS + [torch.bool, HALF, torch.float32, DOUBLE]:
            case(op, of(t, 2, 3))
            case(op, of(t, 2, 3), 1)
            case("a" + op, of(t, 2, 3), [0])
            if t != torch.bool:
                case("arg" + op, of(t, 2, 3), 1)
        case(op, rand(2, 3), 0, True)
        case(op, rand(2, 3), -1)
        case(op, rand(), 0)
        case(op, rand())
        case(op, tensor(WITHOUT_NAN))
        case("a" + op, tensor(WITHOUT_NAN), [1])
        case("a" + op, rand(2, 3, 4))
        case("a" + op, rand(2, 3, 4), [0, -1], True)
        case("a" + op, rand(2, 3, 4), [])
        case("arg" + op, rand(2, 3))
        case("arg" + op, rand(2, 3), None, True)
        case("arg" + op, rand(2, 3), -1, True)
        case("arg" + op, rand())
        case("arg" + op, rand(), 0)
        case("arg" + op, tensor([1, 3, 0, 3, 0]), 0, _note="the first of equal ones")
        case("arg" + op, tensor([[2.0, 1.0, 2.0, 1.0]]), 1)
        case(op, tensor([[2.0, 1.0, 2.0, 1.0]]), 1)
        case(op, tensor(WITHOUT_NAN), 1)
        case("arg" + op, tensor(WITHOUT_NAN), 1)
    case("aminmax", rand(2, 3))
    case("aminmax", rand(2, 3), dim=1, keepdim=True)
    case("aminmax", rand(2, 3), dim=0)


def truth(case):
    for op in ("any", "all"):
        for t in INTEGERS + [torch.bool, HALF, torch.float32, DOUBLE]:
            case(op, of(t, 2, 3))
            case(op, of(t, 2, 3), 1)
        case(op, of(torch.bool, 2, 3), 0, True)
        case(op + ".dims", of(torch.bool, 2, 3, 2), [0, 2])
        case(op + ".dims", of(torch.bool, 2, 3, 2), None, True)
        case(op, of(torch.bool))
        case(op, of(torch.bool, 0))
        case(op, of(torch.bool, 2, 0), 1)
        case(op, of(torch.bool, 0, 2), 1)
        case(op, tensor([0.0, NAN]))


def along(case):
    for op in ("cumsum", "cumprod"):
        for t in INTEGERS + [torch.bool, HALF, torch.float32, DOUBLE]:
            case(op, of(t, 2, 3), 1, _keep={0: [1]} if op == "cumprod" else {})
        case(op, rand(2, 5), 0, _keep={0: [0]} if op == "cumprod" else {})
        case(op, rand(2, 3, 4), -2, _keep={0: [1]} if op == "cumprod" else {})
        case(op, of(torch.int64, 2, 7), 1, dtype=torch.float32, _keep={0: [1]} if op == "cumprod" else {})
        case(op, rand(), 0)
        case(op, rand(0, 3), 0, _keep={0: [0]} if op == "cumprod" else {})
        case(op, rand(1, 3), 0, _keep={0: [0]} if op == "cumprod" else {})
    case("logcumsumexp", rand(2, 4), 1)
    for op in ("cummax", "cummin"):
        case(op, tensor([[3, 1, 3, 2, 4, 0], [1, 1, 2, 2, 1, 0]]), 1, _keep={0: [1]})
        case(op, rand(6, 2), 0, _keep={0: [0]})
        case(op, tensor([1.0, NAN, 3.0, 0.0]), 0, _keep={0: [0]})
        case(op, rand(), 0)
    case("trapezoid", rand(2, 5))
    case("trapezoid", rand(2, 5), dx=0.5, dim=0)
    case("trapezoid", rand(2, 5), rand(5))
    case("trapezoid", rand(3, 5), rand(3), dim=0)
    case("trapezoid", rand(2, 5), rand(2, 5))
    case("sum_to_size", rand(2, 3), [1, 3], _keep={0: [0]})
    case("sum_to_size", rand(4, 2, 3), [2, 1], _static="sizes")
    case("sum_to_size", rand(2, 3), [3])
    case("diff", rand(2, 5))
    case("diff", rand(2, 5), 2)
    case("diff", rand(2, 5), 1, 0)
    case("diff", tensor([1, 3, 7]), 1, -1, tensor([0]), tensor([9, 9]))
    case("diff", tensor([True, False, False]))
    case("diff", randint(0, 9, 4, dtype=torch.uint8))


def variances(case):
    for op in ("var", "std", "var_mean", "std_mean"):
        case(op, rand(2, 3))
        case(op, rand(2, 3), False)
        case(op + ".dim", rand(2, 3, 4), [1])
        case(op + ".dim", rand(2, 3, 4), [0, 2], False, True)
        case(op + ".dim", rand(2, 3, 4), [-1], True, True)
        case(op + ".correction", rand(2, 3, 4), [1, 2], correction=0)
        case(op + ".correction", rand(2, 3, 4), [-1], correction=1, keepdim=True)
        case(op + ".correction", rand(2, 3, 4), None, correction=2)
        case(op + ".correction", rand(2, 3, 4), [1])
        case(op + ".correction", rand(2, 3), [1], correction=0.5)
        case(op, rand(2, 3, dtype=DOUBLE))
        case(op + ".correction", rand(2, 1), [1], _note="nothing over nothing")


def norms(case):
    for p in (2, 1, 0, 3, 0.5, INF, -INF):
        case("norm.Scalar", rand(2, 3), p)
        case("norm.ScalarOpt_dim", rand(2, 3, 4), p, [1])
        case("norm.ScalarOpt_dim", rand(2, 3, 4), p, [0, 2], True)
        case("linalg_vector_norm", rand(2, 3, 4), p)
        case("linalg_vector_norm", rand(2, 3, 4), p, [-1], True)
    case("norm.ScalarOpt_dim", rand(2, 3), None, [1])
    case("norm.ScalarOpt_dim_dtype", rand(2, 3, dtype=HALF), 2, [1], True, dtype=torch.float32)
    case("linalg_vector_norm", rand(2, 3, dtype=HALF), 2, [1], dtype=torch.float32)
    case("linalg_norm", rand(2, 3))
    case("linalg_norm", rand(2, 3), None, [1])
    case("linalg_norm", rand(3), 3)
    case("linalg_norm", rand(2, 3), 1)
    case("linalg_norm", rand(2, 3), -INF)
    case("linalg_norm", rand(2, 3), 1, [1], True)
    case("linalg_norm.ord_str", rand(2, 3), "fro")
    case("linalg_norm", rand(2, 3), 2, _refused="singular values")
    for o in (1, -1, INF, -INF):
        case("linalg_matrix_norm", rand(2, 3, 4), o)
        case("linalg_matrix_norm", rand(2, 3, 4), o, [0, 2], True)
    case("linalg_matrix_norm.str_ord", rand(2, 3, 4), "fro", [0, 1])
    case("linalg_matrix_norm.str_ord", rand(2, 3, 4), "nuc", _refused="singular values")
    case("frobenius_norm.dim", rand(2, 3), [0, 1])


def distances(case):
    case("cosine_similarity", rand(2, 3, 4), rand(2, 3, 4))
    case("cosine_similarity", rand(2, 3), rand(2, 3), 1, 1e-6)
    case("cosine_similarity", rand(2, 3), torch.zeros(2, 3), -1)
    case("cosine_similarity", rand(3), rand(2, 3), 1, _keep={0: [0], 1: [1]})
    for p in (2.0, 1.0, INF, 3.0):
        case("cdist", rand(2, 3, 4), rand(2, 5, 4), p)
        case("pairwise_distance", rand(2, 3), rand(2, 3), p)
    case("cdist", rand(3, 4), rand(5, 4))
    case("cdist", rand(2, 3, 4), rand(1, 5, 4), 2.0, 2, _keep={1: [0]})
    case("pairwise_distance", rand(2, 3), rand(2, 3), 2.0, 0.1, True)
    case("dist", rand(2, 3), rand(2, 3))
    case("pdist", rand(4, 3))
    case("_pdist_forward", rand(4, 3), 1.0)
    case("_euclidean_dist", rand(4, 3), rand(2, 3))


def order(case):
    for t in INTEGERS + [torch.bool, HALF, torch.float32, DOUBLE]:
        case("sort", of(t, 2, 6), stable=True)
        case("topk", torch.randperm(6).to(t), 3, _outputs=2) if t != torch.bool else None
    for descending in (False, True):
        case("sort", rand(3, 4), 0, descending)
        case("sort", tensor([3, 1, 3, 1, 2]), stable=True, dim=0, descending=descending)
        case("argsort", rand(3, 4), 1, descending)
        case("argsort", rand(3, 4), stable=True, dim=0, descending=descending)
    case("sort", rand())
    case("sort", rand(0))
    case("msort", rand(3, 4))
    case("topk", rand(2, 5), 2)
    case("topk", rand(2, 5), 5, 1, False)
    case("topk", rand(5, 2), 3, 0, True, True)
    case("topk", rand(), 1)
    case("kthvalue", rand(2, 5), 2)
    case("kthvalue", rand(5, 2), 3, 0, True)
    case("median", rand(5))
    case("median", rand(2, 4))
    case("median", rand(2, 5), 1)
    case("median", rand(4, 2), 0, True)
    case("median", tensor([5, 1, 3]))
    for t in INTEGERS + [torch.bool, torch.float32]:
        case("_unique2", of(t, 2, 4), True, True, True)
    case("_unique2", of(torch.int64, 5), _outputs=1)
    case("unique_consecutive", tensor([1, 1, 2, 2, 2, 1, 3]), True, True)
    case("unique_consecutive", tensor([[1, 1], [2, 2], [2, 1]]), True, True)
    for q in (0.0, 0.3, 0.5, 1.0):
        case("quantile", rand(5), q)
        case("quantile", rand(3, 4), q, 1)
        case("quantile", rand(3, 4), q, 0, True)
        case("quantile", rand(3, 4), q, None, True)
    for how in ("linear", "lower", "higher", "midpoint", "nearest"):
        case("quantile", rand(3, 4, 2), tensor([0.1, 0.45, 0.9]), 1, interpolation=how)
        case("quantile", rand(3, 4, 2), tensor([0.1, 0.9]), -1, True, interpolation=how)
    case("quantile", tensor([1.0, NAN, 2.0]), 0.5)
    case("quantile", rand(), 0.5)
    case("unique_dim", tensor([[1, 2], [0, 3], [1, 2]]), 0, True, True, True)
    case("unique_dim", tensor([[1, 0, 1], [2, 3, 2]]), 1, True, True, True)
