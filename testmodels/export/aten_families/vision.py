"""torchvision's operators."""
import torch
from aten_cases import param, rand, randint, tensor

try:
    import tvshim  # noqa: F401  torchvision's operators where torchvision itself cannot be imported
except ImportError:
    import torchvision  # noqa: F401

from aten_families import _torchvision

LIBRARY = _torchvision.install()


def boxes(n, size):
    corner = torch.rand(n, 2) * size * 0.7
    return torch.cat([corner, corner + torch.rand(n, 2) * size * 0.5 + 0.1], 1)


def rois(n, size, batch):
    return torch.cat([torch.arange(n).remainder(batch)[:, None].float(), boxes(n, size)], 1)


def cases(case):
    for threshold in (0.1, 0.5, 0.9):
        case("torchvision::nms", boxes(20, 10), torch.rand(20), threshold, _keep={0: [1]})
    case("torchvision::nms", boxes(1, 10).expand(5, 4), torch.rand(5), 0.5, _keep={0: [1]}, _note="equal boxes")
    case("torchvision::nms", boxes(6, 10), torch.full((6,), 0.5), 0.3, _keep={0: [1]}, _note="equal scores")
    case("torchvision::nms", torch.zeros(0, 4), torch.zeros(0), 0.5, _keep={0: [1]}, _note="no boxes")
    case("torchvision::nms", torch.zeros(3, 4), torch.rand(3), 0.5, _keep={0: [1]}, _note="boxes without area")
    case("torchvision::nms", -boxes(8, 10).flip(1), torch.rand(8), 0.3, _keep={0: [1]}, _note="negative coordinates")
    for aligned in (False, True):
        for ratio in (2, 3, -1, 0):
            case("torchvision::roi_align", rand(2, 3, 8, 9), rois(4, 16, 2), 0.5, 3, 2, ratio, aligned, _keep={1: [1]})
        case("torchvision::roi_align", rand(1, 2, 6, 6), tensor([[0, -2.0, -1.0, 1.0, 9.0], [0, 3.0, 3.0, 3.1, 3.1], [0, 8.0, 9.0, 12.0, 12.0]]), 1.0, 2, 2, 2,
             aligned, _keep={1: [1]}, _note="regions beyond the image, and small ones")
    case("torchvision::roi_align", rand(1, 2, 6, 6), torch.zeros(0, 5), 1.0, 2, 2, 2, True, _keep={1: [1]})
    case("torchvision::roi_pool", rand(2, 3, 8, 9), rois(4, 16, 2), 0.5, 3, 2, _outputs=1, _keep={1: [1]})
    case("torchvision::roi_pool", rand(1, 3, 8, 9), rois(3, 8, 1), 1.0, 2, 2, _outputs=1, _keep={1: [1]})
    case("torchvision::ps_roi_align", rand(1, 4, 6, 6), rois(2, 6, 1), 1.0, 2, 2, 2, _refused="position-sensitive")
    case("torchvision::deform_conv2d", rand(2, 4, 6, 7), param(rand(6, 4, 3, 3)), rand(2, 18, 6, 7), rand(2, 9, 6, 7).abs(), param(rand(6)), 1, 1, 1, 1,
         1, 1, 1, 1, True)
    case("torchvision::deform_conv2d", rand(2, 4, 6, 7), param(rand(6, 4, 3, 3)), rand(2, 36, 2, 3), torch.zeros(2, 1), param(rand(6)), 2, 2, 0, 1, 1, 2,
         1, 2, False)
    case("torchvision::deform_conv2d", rand(1, 4, 6, 7), param(rand(6, 2, 3, 2)), rand(1, 12, 4, 6), torch.zeros(1, 1), param(torch.zeros(6)), 1, 1, 0,
         0, 1, 1, 2, 1, False)
