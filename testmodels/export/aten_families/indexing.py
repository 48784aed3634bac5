"""Elements read and written by index; triangles and diagonals."""
import torch
from aten_cases import rand, randint, tensor

HALF = torch.float16
TYPES = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, HALF, torch.float32, torch.float64]
MASK = tensor([True, False, True])
MASK2 = tensor([[True, False, True, True], [False, False, True, False], [True, False, False, True]])


def of(dtype, *shape):
    return torch.randint(0, 2 if dtype == torch.bool else 5, shape).to(dtype)


def cases(case):
    reading(case)
    writing(case)
    along(case)
    scattering(case)
    masks(case)
    triangles(case)
    diagonals(case)


def reading(case):
    x = rand(3, 4, 5)
    i, j, k = tensor([0, 2, -1, 1]), tensor([3, -4, 0, 1]), tensor([[0], [-2]])
    for indices in ([i], [None, i], [None, None, i], [k], [None, k], [i, j], [None, i, j], [i, None, j], [i, j, i], [None, i, k], [k, i],
                    [k, None, i], [i, tensor([2])], [tensor(1)], [tensor(1), tensor(-2)], [None, tensor(-1)], [i, None, tensor(0)],
                    [None, tensor([[0, 1], [2, 3]]), tensor([[4], [-1]])]):
        case("index", x, indices, _keep={n: [0, 1] for n in range(1, 4)} if len([v for v in indices if v is not None]) > 1 else {})
    case("index", x, [MASK])
    case("index", x, [None, tensor([True, False, False, True])])
    case("index", x, [MASK2])
    case("index", x, [None, rand(4, 5) > 0])
    case("index", x, [x > 0])
    case("index", x, [MASK, tensor([0, 3])], _note="a mask with integers")
    case("index", x, [tensor([0, 1]), None, tensor([True, False, True, False, False])])
    case("index", x, [MASK2, tensor([0, 1, 2, 3, 4, 0])])
    case("index", x, [MASK2, tensor([1])], _keep={2: [0]})
    case("index", x, [torch.zeros(3, dtype=torch.bool)], _note="nothing")
    case("index", x, [torch.zeros(0, dtype=torch.long)])
    case("index", x, [tensor([0, 2], torch.int32)])
    case("index", rand(5), [tensor([True, False, True, False, True])])
    for t in TYPES:
        case("index", of(t, 3, 4), [tensor([2, 0]), tensor([1, 1])])
        case("index", of(t, 3), [MASK])
    case("_unsafe_index", rand(2, 3, 4, 5), [None, None, k, tensor([0, 3, 1])], _keep={1: [0, 1], 2: [0]})
    case("index", rand(2, 3, 4, 5, 2), [None, i % 3, None, j % 5], _note="not neighbours")
    case("index", rand(2, 3, 4, 5), [None, None, tensor([[0], [3], [1]]), tensor([4, 0])], _keep={1: [1]}, _note="a grid")
    case("index", rand(4, 5), [tensor([[0], [3], [1]]), tensor([[4, 0]])], _keep={1: [1], 2: [0]})
    case("index", rand(4, 5), [tensor([[0, 3, 1]]), tensor([[4], [0]])], _keep={1: [0], 2: [1]}, _note="a grid turned")
    case("index", rand(3, 4, 5), [tensor([[[0]], [[2]]]), tensor([[1], [0], [1]]), tensor([3, 4])], _keep={1: [1, 2], 2: [1]})
    case("index", rand(3, 4, 5), [tensor([[0], [2]]), None, tensor([3, 4])], _keep={1: [1]})
    case("index", rand(2, 3, 4, 5, 2), [None, None, k, i % 5], _keep={1: [0, 1], 2: [0]})


def writing(case):
    x = rand(3, 4, 5)
    i, j, k = tensor([0, 2, 1]), tensor([3, -4, 0]), tensor([[0], [-2]])
    for acc in (False, True):
        case("index_put", x, [i], rand(3, 4, 5), acc)
        case("index_put", x, [i], rand(5), acc, _keep={2: [0]})
        case("index_put", x, [i], tensor(1.5), acc)
        case("index_put", x, [None, i], rand(3, 3, 5), acc)
        case("index_put", x, [None, None, i], rand(3, 4, 3), acc)
        case("index_put", x, [i, j], rand(3, 5), acc)
        case("index_put", x, [i, j], rand(1, 5), acc, _keep={3: [0, 1]})
        case("index_put", x, [None, i, j], rand(3, 3), acc)
        case("index_put", x, [i, None, j], rand(3, 4), acc)
        case("index_put", x, [i, j, i], rand(3), acc)
        case("index_put", x, [None, tensor([1, 2]), k], rand(3, 2, 2), acc, _keep={1: [0], 2: [0, 1]})
        case("index_put", x, [MASK, tensor([0, 1])], rand(2, 5), acc)
        case("index_put", x, [MASK], rand(2, 4, 5), acc)
        case("index_put", x, [MASK2], rand(6, 5), acc)
        case("index_put", x, [MASK2], rand(5), acc, _keep={2: [0]})
        case("index_put", x, [MASK2], tensor(2.0), acc)
        case("index_put", x, [MASK2], rand(1), acc, _keep={2: [0]})
        case("index_put", x, [None, tensor([True, False, True, False])], rand(3, 2, 5), acc)
        case("index_put", x, [None, tensor([True, False, True, False])], rand(5), acc, _keep={2: [0]})
        case("index_put", x, [x > 0], tensor(0.0), acc)
        case("index_put", x, [torch.zeros(0, dtype=torch.long)], rand(0, 4, 5), acc)
    case("index_put", torch.zeros(3), [tensor([0, 0, 1])], tensor([1.0, 2.0, 3.0]), True, _note="twice the same place")
    for t in TYPES:
        case("index_put", of(t, 3, 2), [tensor([1, 0])], of(t, 2, 2))
        case("index_put", of(t, 3), [MASK], of(t))
        if t not in (torch.bool,):
            case("index_put", of(t, 3, 2), [tensor([1, 0])], of(t, 2, 2), True)
    case("index_put_", rand(3, 4), [i], rand(3, 4))
    case("_unsafe_index_put", rand(3, 4), [i], rand(3, 4), True)
    case("put", rand(3, 4), tensor([0, 5, -1]), rand(3))
    case("put", rand(3, 4), tensor([0, 5, 0]), rand(3), True)


def along(case):
    for dim in (0, 1, -1):
        case("index_select", rand(3, 4), dim, tensor([2, 0, 0]))
        case("gather", rand(3, 4), dim, tensor([[0, 2, 1, 0], [1, 1, 2, 2]]))
        case("gather", rand(3, 4), dim, tensor([[0], [2]]))
        case("take_along_dim", rand(3, 4), tensor([[0, 2, 1, 0], [1, 1, 2, 2], [0, 0, 1, 1]]), dim)
        case("index_add", rand(3, 4), dim, tensor([2, 0, 0]), rand(3, 4) if dim == 0 else rand(3, 3))
        case("index_add", rand(3, 4), dim, tensor([2, 0, 0]), rand(3, 4) if dim == 0 else rand(3, 3), alpha=2)
        case("index_copy", rand(3, 4), dim, tensor([2, 0]), rand(2, 4) if dim == 0 else rand(3, 2))
        case("index_fill", rand(3, 4), dim, tensor([2, 0]), 1.5)
    case("index_fill", randint(0, 5, 3, 4), 1, tensor([1, -1]), tensor(9))
    case("index_select", rand(), 0, tensor([0]))
    case("index_select", rand(3), 0, tensor(2))
    case("index_select", rand(3, 4), 0, tensor([2, 0], torch.int32))
    case("index_add", randint(0, 5, 4), 0, tensor([2, 0, 2]), randint(0, 5, 3))
    case("index_add", rand(3, dtype=HALF), 0, tensor([2, 2]), rand(2, dtype=HALF))
    case("gather", rand(), 0, tensor(0))
    case("gather", rand(5), 0, tensor([4, 0]))
    case("gather", rand(2, 3, 4), 1, randint(0, 3, 2, 2, 4))
    case("gather", rand(3, 4), 1, torch.zeros(3, 0, dtype=torch.long))
    case("take", rand(3, 4), tensor([[0, 5], [-1, 2]]))
    case("take_along_dim", rand(3, 4), tensor([5, 1]))
    case("take_along_dim", rand(3, 4), tensor([[1], [0], [3]]), 1)
    case("take_along_dim", rand(3, 1), tensor([[1, 0, 2, 2]]), 0, _keep={0: [0, 1], 1: [0, 1]})
    for t in TYPES:
        case("gather", of(t, 2, 3), 1, tensor([[0, 2], [1, 1]]))
    case("one_hot", tensor([0, 2, 1]), 4)
    case("one_hot", tensor([[0, 2], [1, 1]]))
    case("one_hot", tensor(1), 3)
    case("_unsafe_masked_index", rand(4, 5), tensor([True, False, True]), [tensor([0, 9, 3]), tensor([4, 9, 1])], 7.0)


def scattering(case):
    index = tensor([[0, 1, 2, 0], [2, 0, 1, 1]])
    for dim in (0, 1, -1):
        case("scatter", rand(3, 4), dim, tensor([[0, 1, 2, 0]]) if dim == 0 else tensor([[0, 1, 3], [3, 0, 2]]), rand(3, 4))
        case("scatter", rand(3, 4), dim, tensor([[0, 1, 2, 0]]) if dim == 0 else tensor([[0, 1, 3], [3, 0, 2]]), 2.5)
        case("scatter_add", rand(3, 4), dim, index, rand(3, 4))
        case("scatter.reduce", rand(3, 4), dim, index, rand(3, 4), reduce="add")
        case("scatter.reduce", rand(3, 4), dim, index, rand(3, 4), reduce="multiply")
        case("scatter.value_reduce", rand(3, 4), dim, index, 2.0, reduce="multiply")
        for reduce in ("sum", "prod", "mean", "amax", "amin"):
            for own in (True, False):
                case("scatter_reduce", rand(3, 4), dim, index, rand(2, 4), reduce, include_self=own)
    for t in TYPES:
        case("scatter", of(t, 2, 3), 1, tensor([[0], [2]]), of(t, 2, 1))
        if t != torch.bool:
            case("scatter_add", of(t, 2, 3), 1, tensor([[0, 0], [2, 1]]), of(t, 2, 2))
            case("scatter_reduce", of(t, 2, 3), 1, tensor([[0, 0], [2, 1]]), of(t, 2, 2), "amax")
    case("scatter_reduce", randint(0, 9, 3), 0, tensor([0, 0, 2]), randint(-9, 9, 3), "mean")
    case("scatter_reduce", randint(0, 9, 3), 0, tensor([0, 0, 2]), randint(-9, 9, 3), "amax", include_self=False)
    case("bincount", tensor([0, 3, 1, 3]))
    case("bincount", tensor([0, 3, 1, 3]), None, 6)
    case("bincount", tensor([0, 3, 1]), rand(3))
    case("bincount", torch.zeros(0, dtype=torch.long), None, 2)
    for reduce in ("prod", "amax", "amin"):
        case("index_reduce", rand(3, 4), 0, tensor([2, 0, 2]), rand(3, 4), reduce)
    case("fill_diagonal_", rand(3, 4), 2.5)
    case("scatter", rand(), 0, tensor(0), rand())
    case("scatter", rand(3), 0, tensor(1), 7.0)
    case("scatter_add", rand(3), 0, torch.zeros(0, dtype=torch.long), rand(0))


def masks(case):
    x = rand(3, 4)
    case("masked_select", x, MASK2)
    case("masked_select", x, tensor([True, False, False, True]), _keep={0: [1], 1: [0]})
    case("masked_select", rand(4), MASK2, _keep={0: [0], 1: [1]})
    case("masked_scatter", x, MASK2, rand(6))
    case("masked_scatter", x, MASK2, rand(5, 2))
    case("masked_scatter", x, tensor([True, False, False, True]), rand(6), _keep={0: [1], 1: [0]})
    for t in TYPES:
        case("nonzero", of(t, 2, 3))
        case("masked_select", of(t, 3), MASK)
        case("masked_scatter", of(t, 3), MASK, of(t, 2))
    case("nonzero", torch.zeros(3))
    case("nonzero", tensor([0.0, float("nan"), -0.0]))
    case("nonzero_numpy", x > 0)
    case("argwhere", x > 0)


def triangles(case):
    for op in ("tril", "triu"):
        for t in TYPES:
            case(op, of(t, 3, 3))
        for k in (-2, -1, 1, 5, -7):
            case(op, rand(3, 4), k)
            case(op, rand(2, 4, 3), k)
        case(op, tensor([[1.0, float("inf")], [float("nan"), 2.0]]))
        case(op + "_indices", 3, 4)
        case(op + "_indices", 4, 3, 1)
        case(op + "_indices", 3, 3, -1, dtype=torch.int32)


def diagonals(case):
    for offset in (0, 1, -1, 2):
        case("diagonal", rand(3, 4), offset)
        case("diagonal", rand(2, 3, 4), offset, 1, 2)
        case("diagonal", rand(3, 2, 4), offset, 0, -1)
        case("diagonal", rand(4, 2, 3), offset, 2, 0)
        case("diag", rand(3), offset)
        case("diag", rand(3, 4), offset)
        case("diag_embed", rand(2, 3), offset)
        case("diag_embed", rand(2, 3), offset, 0, 2)
        case("diag_embed", rand(2, 3), offset, -1, 0)
        n = min(3 + min(offset, 0), 4 - max(offset, 0))
        case("diagonal_scatter", rand(3, 4), rand(n), offset)
        case("diagonal_scatter", rand(3, 2, 4), rand(2, n), offset, 0, 2)
    case("diagflat", rand(2, 2), 1)
    case("diag_embed", tensor([float("inf"), 1.0]))
    case("diag_embed", tensor([True, True]))
    case("diagonal_copy", rand(3, 3))
    case("diagonal", rand(3, 2), 5)
    case("diag", randint(0, 5, 3, dtype=torch.int16))
