"""Kernels in Python for two of torchvision's operators, for where its compiled ones are missing (tvshim): nms and roi_align.

They make torchvision's detection models run and export; they are written for being right, not for speed.
"""
import torch
import torchvision
from torchvision.ops.roi_align import _roi_align

_library = torch.library.Library("torchvision", "IMPL")


def _nms(boxes, scores, threshold):
    order = scores.sort(stable=True, descending=True)[1]
    overlap = torchvision.ops.box_iou(boxes, boxes)
    kept, gone = [], torch.zeros(len(boxes), dtype=torch.bool)
    for i in order.tolist():
        if not gone[i]:
            kept.append(i)
            gone |= overlap[i] > threshold
    return torch.tensor(kept, dtype=torch.int64)


def register() -> None:
    """Does nothing where the compiled operators are there."""
    if torchvision.extension._has_ops():
        return
    torchvision.extension._assert_has_ops.__globals__["_has_ops"] = lambda: True
    _library.impl("nms", _nms, "CPU")
    _library.impl("roi_align", lambda x, rois, scale, h, w, ratio, aligned: _roi_align(x, rois, scale, h, w, ratio, aligned), "CPU")
