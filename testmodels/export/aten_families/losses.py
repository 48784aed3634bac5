"""Loss functions."""
import torch
from aten_cases import param, rand, randint, tensor


def cases(case):
    x, y = rand(3, 4), rand(3, 4)
    p, q = torch.rand(3, 4), torch.rand(3, 4)
    for reduction in (0, 1, 2):
        case("mse_loss", x, y, reduction)
        case("l1_loss", x, y, reduction)
        case("smooth_l1_loss", x, y, reduction, 0.7)
        case("smooth_l1_loss", x, y, reduction, 0.0)
        case("huber_loss", x, y, reduction, 0.7)
        case("binary_cross_entropy", p, q, None, reduction)
        case("binary_cross_entropy", tensor([0.0, 1.0, 0.5]), tensor([1.0, 1.0, 0.0]), tensor([1.0, 2.0, 3.0]), reduction)
        case("binary_cross_entropy_with_logits", x, q, None, None, reduction)
        case("binary_cross_entropy_with_logits", x, q, torch.rand(4), torch.rand(4), reduction)
        case("kl_div", x, q, reduction)
        case("kl_div", x, y, reduction, log_target=True)
        case("kl_div", x, torch.tensor([0.0, 0.2, 0.0, 0.8]).expand(3, 4), reduction)
        log = x.log_softmax(1)
        case("nll_loss", log, randint(0, 4, 3), None, reduction)
        case("nll_loss_nd", log, tensor([0, -100, 3]), param(torch.rand(4)), reduction)
        case("nll_loss2d", rand(2, 3, 2, 2).log_softmax(1), randint(0, 3, 2, 2, 2), None, reduction, 1)
        case("nll_loss", rand(4), tensor(2), None, reduction)
        case("cross_entropy_loss", x, randint(0, 4, 3), None, reduction)
        case("cross_entropy_loss", x, tensor([1, -100, 2]), param(torch.rand(4)), reduction)
        case("cross_entropy_loss", rand(2, 3, 2, 2), randint(0, 3, 2, 2, 2), None, reduction)
        case("cross_entropy_loss", rand(4), tensor(2), None, reduction)
    pairs(case)
    smoothed(case)
    log = x.log_softmax(1)
    for reduction in (0, 1, 2):
        case("nll_loss_forward", log, tensor([0, -100, 3]), param(torch.rand(4)), reduction, -100)
        case("nll_loss_forward", log, tensor([0, 1, 3]), None, reduction, 1)
        case("nll_loss2d_forward", rand(2, 3, 2, 2).log_softmax(1), randint(0, 3, 2, 2, 2), None, reduction, 1)


def pairs(case):
    t = tensor([1.0, -1.0, 1.0])
    for reduction in (0, 1, 2):
        case("margin_ranking_loss", rand(3), rand(3), t, 0.3, reduction)
        case("hinge_embedding_loss", rand(3), t, 0.8, reduction)
        case("cosine_embedding_loss", rand(3, 4), rand(3, 4), t, 0.1, reduction)
        case("triplet_margin_loss", rand(3, 4), rand(3, 4), rand(3, 4), 1.0, 2.0, 1e-6, False, reduction)
        case("triplet_margin_loss", rand(3, 4), rand(3, 4), rand(3, 4), 0.5, 1.0, 1e-6, True, reduction)
        case("soft_margin_loss", rand(3), t, reduction)
        case("poisson_nll_loss", rand(5), tensor([0.0, 1.0, 2.0, 3.0, 7.0]), True, False, 1e-8, reduction)
        case("poisson_nll_loss", torch.rand(5), tensor([0.0, 1.0, 2.0, 3.0, 7.0]), False, True, 1e-8, reduction)


def smoothed(case):
    weight = param(torch.rand(4) + 0.1)
    for reduction in (0, 1, 2):
        for w in (None, weight):
            case("cross_entropy_loss", rand(3, 4), tensor([1, -100, 2]), w, reduction, -100, 0.1)
            case("cross_entropy_loss", rand(2, 4, 3), randint(0, 4, 2, 3), w, reduction, 1, 0.2)
            case("cross_entropy_loss", rand(3, 4), torch.rand(3, 4), w, reduction)
            case("cross_entropy_loss", rand(2, 4, 3), torch.rand(2, 4, 3), w, reduction, -100, 0.2)
    case("cross_entropy_loss", rand(4), tensor(2), None, 1, -100, 0.1)
    case("cross_entropy_loss", rand(4), torch.rand(4), None, 1, -100, 0.1)
