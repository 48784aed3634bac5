"""Products of matrices and vectors, contractions."""
import torch
from aten_cases import param, rand, randint, tensor

HALF = torch.float16
DOUBLE = torch.float64
NAN = float("nan")
SMALL = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]


def cases(case):
    products(case)
    linears(case)
    added(case)
    contractions(case)
    others(case)
    refused(case)


def products(case):
    ranks = {0: (4,), 1: (3, 4), 2: (2, 3, 4), 3: (5, 1, 3, 4)}
    right = {0: (4,), 1: (4, 5), 2: (2, 4, 5), 3: (1, 2, 4, 3)}
    for a in ranks.values():
        for b in right.values():
            case("matmul", rand(*a), rand(*b), _keep={0: list(range(len(a))), 1: list(range(len(b)))} if len(a) + len(b) > 4 else {})
    for t in SMALL + [HALF, DOUBLE]:
        case("matmul", randint(0, 5, 2, 3, dtype=t), randint(0, 5, 3, 2, dtype=t))
        case("linear", randint(0, 5, 2, 3, dtype=t), randint(0, 5, 4, 3, dtype=t))
    case("matmul", rand(2, 0), rand(0, 3))
    case("matmul", rand(0, 3), rand(3, 2))
    case("mm", rand(2, 3), rand(3, 4))
    case("bmm", rand(2, 3, 4), rand(2, 4, 5))
    case("mv", rand(2, 3), rand(3))
    case("dot", rand(3), rand(3))
    case("dot", randint(0, 5, 3), randint(0, 5, 3))
    case("inner", rand(2, 3), rand(4, 3))
    case("inner", rand(3), rand(4, 3))
    case("inner", rand(2, 2, 3), rand(4, 3))
    case("inner", rand(), rand(4, 3))
    case("linalg_vecdot", rand(2, 3), rand(2, 3))
    case("linalg_vecdot", rand(2, 3), rand(2, 3), dim=0)
    case("outer", rand(2), rand(3))
    case("outer", randint(0, 5, 2), rand(3))
    case("kron", rand(2, 3), rand(4, 2))
    case("kron", rand(3), rand(4, 2))
    case("kron", randint(0, 5, 2, 1, 2), randint(0, 5, 2))
    case("chain_matmul", [rand(2, 3), rand(3, 4), rand(4, 2)])
    case("linalg_multi_dot", [rand(3), rand(3, 4), rand(4, 2)])
    for n in (0, 1, 3, 4):
        case("matrix_power", rand(2, 3, 3), n)


def linears(case):
    for shape in ((3,), (2, 3), (4, 2, 3), (2, 1, 2, 3)):
        for bias in (None, rand(5)):
            case("linear", rand(*shape), param(rand(5, 3)), None if bias is None else param(bias))
            case("linear", rand(*shape), rand(5, 3), bias)
    case("linear", rand(2, 3), rand(3))
    case("linear", rand(2, 3), param(rand(1, 3)), param(rand(1)))
    case("linear", rand(0, 3), param(rand(2, 3)))
    case("linear", rand(2, 3, dtype=HALF), param(rand(4, 3, dtype=HALF)), param(rand(4, dtype=HALF)))
    case("bilinear", rand(2, 3), rand(2, 4), param(rand(5, 3, 4)), param(rand(5)))
    case("bilinear", rand(2, 2, 3), rand(2, 2, 4), param(rand(5, 3, 4)))
    case("bilinear", rand(3), rand(4), param(rand(5, 3, 4)))


def added(case):
    for self in ((2, 4), (4,), (1, 4), (2, 1), ()):
        case("addmm", rand(*self), rand(2, 3), rand(3, 4), _keep={0: list(range(len(self))), 1: [0], 2: [1]})
        case("addmm", rand(*self), rand(2, 3), rand(3, 4), beta=0.5, alpha=2, _keep={0: list(range(len(self))), 1: [0], 2: [1]})
    case("addmm", tensor([NAN]), rand(2, 3), rand(3, 4), beta=0, _keep={0: [0]})
    case("addmm", rand(2, 4), rand(2, 3), rand(3, 4), alpha=0, _keep={})
    case("addmm", randint(0, 5, 4), randint(0, 5, 2, 3), randint(0, 5, 3, 4), alpha=2, _keep={0: [0], 2: [1]})
    case("addmv", rand(2), rand(2, 3), rand(3), beta=0.5)
    case("addmv", tensor([NAN, NAN]), rand(2, 3), rand(3), beta=0, alpha=3)
    case("addbmm", rand(3, 4), rand(2, 3, 5), rand(2, 5, 4))
    case("addbmm", rand(3, 4), rand(2, 3, 5), rand(2, 5, 4), beta=0.5, alpha=2)
    case("baddbmm", rand(2, 3, 4), rand(2, 3, 5), rand(2, 5, 4))
    case("baddbmm", rand(1, 4), rand(2, 3, 5), rand(2, 5, 4), beta=0.5, alpha=2, _keep={0: [0, 1], 1: [0, 1], 2: [2]})
    case("baddbmm", tensor([NAN]), rand(2, 3, 5), rand(2, 5, 4), beta=0, alpha=0.125, _keep={0: [0]})
    case("addr", rand(2, 3), rand(2), rand(3), beta=2, alpha=0.5)


def contractions(case):
    for equation, *shapes in (
            ("ij,jk->ik", (2, 3), (3, 4)), ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)), ("ij,jk", (2, 3), (3, 4)), ("ba,cb", (2, 3), (4, 2)),
            ("i,j->ij", (2,), (3,)), ("ii->i", (3, 3)), ("ii", (3, 3)), ("ij->ji", (2, 3)), ("ij->", (2, 3)), ("ij->j", (2, 3)),
            ("...ij,...jk->...ik", (2, 3, 4), (2, 4, 5)), ("...ij,jk->...ik", (2, 3, 4), (4, 5)), ("bhid,bhjd->bhij", (2, 3, 4, 5), (2, 3, 6, 5)),
            ("bhij,bhjd->bhid", (2, 3, 4, 6), (2, 3, 6, 5)), ("bnd,kd->bnk", (2, 3, 4), (5, 4)), ("bchw,c->bhw", (2, 3, 4, 5), (3,)),
            ("nctv,vw->nctw", (2, 3, 4, 5), (5, 6)), ("i,i->", (3,), (3,)), ("i,i", (3,), (3,)), ("ij,ij->i", (2, 3), (2, 3)),
            ("b x y , b y -> b x", (2, 3, 4), (2, 4)), ("abc,cd,de->abe", (2, 3, 4), (4, 5), (5, 2)), ("i,j,k->kij", (2,), (3,), (4,)),
            ("BTNH,BSNH->BNTS", (2, 3, 4, 5), (2, 6, 4, 5)), ("bqhd,hde->bqe", (2, 3, 4, 5), (4, 5, 6)), ("...d,d->...", (2, 3, 4), (4,)),
            ("bhwc,hkc->bhwk", (2, 3, 4, 5), (3, 6, 5)), ("bhwc,wkc->bhwk", (2, 3, 4, 5), (4, 6, 5)), ("ij,kl->ijkl", (2, 3), (4, 5)),
            ("ijk,ijl->kl", (2, 3, 4), (2, 3, 5)), ("...,...->...", (2, 3), (2, 3)), ("a...,...b->...ab", (2, 3), (3, 4)),
            ("ij,j->i", (2, 3), (3,)), ("bij,bij->b", (2, 3, 4), (2, 3, 4)), ("...ii->...i", (2, 3, 3)), ("ij,ik->jk", (4, 2), (4, 3)),
            ("bi,bo->bio", (2, 3), (2, 4)), ("nhwc,nhwc->n", (2, 3, 2, 2), (2, 3, 2, 2)), ("ibh,jbh->ijb", (3, 2, 4), (5, 2, 4)),
            ("abc->cab", (2, 3, 4)), ("ab,c->ac", (2, 3), (4,)), ("iij,jk->ik", (2, 2, 3), (3, 4))):
        case("einsum", equation, [rand(*s) for s in shapes])
    case("einsum", "ij,jk->ik", [rand(2, 1), rand(3, 4)], _keep={0: [1], 1: [0]}, _note="sizes of one broadcast")
    case("einsum", "ij,jk->ik", [randint(0, 5, 2, 3), randint(0, 5, 3, 4)])
    case("einsum", "ij,jk->ik", [randint(0, 5, 2, 3, dtype=torch.int8), randint(0, 5, 3, 4, dtype=torch.int8)])
    case("einsum", "ij,jk->ik", [rand(2, 3, dtype=HALF), rand(3, 4, dtype=HALF)])
    case("einsum", "ij,jk->ik", [rand(2, 0), rand(0, 4)])
    case("einsum", "b...i,b...i->b...", [rand(2, 1, 3), rand(2, 4, 3)], _keep={0: [1], 1: [1]})
    case("einsum", "bij,bjk->bik", [rand(1, 2, 3), rand(4, 3, 5)], _keep={0: [0], 1: [0]}, _note="a batch of one")
    case("einsum", "ij,jk", [rand(1, 3), rand(3, 1)])
    case("einsum", "...j,jk->...k", [rand(2, 4, 1), rand(3, 5)], _keep={0: [2], 1: [0]})
    case("tensordot", rand(2, 3, 4), rand(4, 3, 5), [1, 2], [1, 0])
    case("tensordot", rand(2, 3), rand(3, 4), [-1], [0])
    case("tensordot", rand(2), rand(3), [], [])


def others(case):
    case("cross", rand(2, 3), rand(2, 3), 1)
    case("cross", rand(3, 2), rand(3, 2), _keep={0: [0]})
    case("linalg_cross", rand(4, 3), rand(4, 3))
    case("linalg_cross", rand(1, 3), rand(4, 3), _keep={0: [0]})
    case("linalg_cross", randint(0, 5, 3, 2), randint(0, 5, 3, 2), dim=0)
    case("trace", rand(3, 4))
    case("trace", randint(0, 5, 4, 2))
    case("_int_mm", randint(-9, 9, 32, 8, dtype=torch.int8), randint(-9, 9, 8, 16, dtype=torch.int8))
    case("logdet", torch.eye(3) * 2 + rand(3, 3) * 0.1)
    case("slogdet", rand(3, 3))
    case("linalg_slogdet", rand(2, 3, 3))
    case("det", rand(3, 3))
    case("linalg_det", rand(2, 3, 3))


def refused(case):
    for op in ("view_as_complex", "fft_fft"):
        case(op, rand(3, 2), _refused="complex numbers")
    for op in ("inverse", "linalg_inv", "linalg_cholesky", "matrix_exp"):
        case(op, torch.eye(2), _refused="ONNX has no")
