"""torchvision's C++ operators in Python, after its CPU kernels, for installations that cannot load these."""
import math

import torch


def nms(dets, scores, iou_threshold):
    order = torch.sort(scores, stable=True, descending=True)[1].tolist()
    b = dets.float()
    area = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    dropped, kept = set(), []
    for n, i in enumerate(order):
        if i in dropped:
            continue
        kept.append(i)
        for j in order[n + 1:]:
            w = (torch.minimum(b[i, 2], b[j, 2]) - torch.maximum(b[i, 0], b[j, 0])).clamp(min=0)
            h = (torch.minimum(b[i, 3], b[j, 3]) - torch.maximum(b[i, 1], b[j, 1])).clamp(min=0)
            if w * h / (area[i] + area[j] - w * h) > iou_threshold:
                dropped.add(j)
    return torch.tensor(kept, dtype=torch.int64)


def clamped(image, y, x):
    """Bilinear, with the edge repeated half-way and zeros beyond."""
    h, w = image.shape
    if y < -1 or y > h or x < -1 or x > w:
        return 0.0
    y, x = min(max(y, 0), h - 1), min(max(x, 0), w - 1)
    y0, x0 = int(y), int(x)
    y1, x1 = min(y0 + 1, h - 1), min(x0 + 1, w - 1)
    ly, lx = y - y0, x - x0
    return float((1 - ly) * (1 - lx) * image[y0, x0] + (1 - ly) * lx * image[y0, x1] + ly * (1 - lx) * image[y1, x0] + ly * lx * image[y1, x1])


def roi_align(input, rois, spatial_scale, pooled_height, pooled_width, sampling_ratio, aligned):
    channels = input.shape[1]
    out = torch.zeros(len(rois), channels, pooled_height, pooled_width)
    for n, roi in enumerate(rois):
        x1, y1, x2, y2 = (float(v) * spatial_scale - (0.5 if aligned else 0) for v in roi[1:])
        w, h = (x2 - x1, y2 - y1) if aligned else (max(x2 - x1, 1), max(y2 - y1, 1))
        bin_h, bin_w = h / pooled_height, w / pooled_width
        grid_h = sampling_ratio if sampling_ratio > 0 else math.ceil(bin_h)
        grid_w = sampling_ratio if sampling_ratio > 0 else math.ceil(bin_w)
        for c in range(channels):
            for ph in range(pooled_height):
                for pw in range(pooled_width):
                    out[n, c, ph, pw] = sum(
                        clamped(input[int(roi[0]), c], y1 + ph * bin_h + (i + 0.5) * bin_h / grid_h, x1 + pw * bin_w + (j + 0.5) * bin_w / grid_w)
                        for i in range(grid_h) for j in range(grid_w)) / max(grid_h * grid_w, 1)
    return out


def rounded(x):
    return int(math.floor(abs(x) + 0.5) * (1 if x >= 0 else -1))


def roi_pool(input, rois, spatial_scale, pooled_height, pooled_width):
    _, channels, height, width = input.shape
    out = torch.zeros(len(rois), channels, pooled_height, pooled_width)
    for n, roi in enumerate(rois):
        x1, y1, x2, y2 = (rounded(float(v) * spatial_scale) for v in roi[1:])
        bin_h, bin_w = max(y2 - y1 + 1, 1) / pooled_height, max(x2 - x1 + 1, 1) / pooled_width
        for ph in range(pooled_height):
            for pw in range(pooled_width):
                h0, h1 = (min(max(f + y1, 0), height) for f in (math.floor(ph * bin_h), math.ceil((ph + 1) * bin_h)))
                w0, w1 = (min(max(f + x1, 0), width) for f in (math.floor(pw * bin_w), math.ceil((pw + 1) * bin_w)))
                if h1 > h0 and w1 > w0:
                    out[n, :, ph, pw] = input[int(roi[0]), :, h0:h1, w0:w1].amax((1, 2))
    return out, torch.zeros_like(out, dtype=torch.int32)


def at(image, y, x):
    """Bilinear, with zeros outside of the image."""
    h, w = image.shape
    if y <= -1 or y >= h or x <= -1 or x >= w:
        return 0.0
    y0, x0 = math.floor(y), math.floor(x)
    total = 0.0
    for yy, wy in ((y0, 1 - (y - y0)), (y0 + 1, y - y0)):
        for xx, wx in ((x0, 1 - (x - x0)), (x0 + 1, x - x0)):
            if 0 <= yy < h and 0 <= xx < w:
                total += wy * wx * float(image[yy, xx])
    return total


def deform_conv2d(input, weight, offset, mask, bias, stride_h, stride_w, pad_h, pad_w, dil_h, dil_w, groups, offset_groups, use_mask):
    batch, channels, _, _ = input.shape
    outs, per_group, kh, kw = weight.shape
    oh, ow = offset.shape[2:]
    columns = torch.zeros(batch, channels, kh, kw, oh, ow, dtype=torch.float64)
    for b in range(batch):
        for c in range(channels):
            g = c // (channels // offset_groups)
            for i in range(kh):
                for j in range(kw):
                    k = (g * kh + i) * kw + j
                    for y in range(oh):
                        for x in range(ow):
                            v = at(input[b, c], y * stride_h - pad_h + i * dil_h + float(offset[b, 2 * k, y, x]),
                                   x * stride_w - pad_w + j * dil_w + float(offset[b, 2 * k + 1, y, x]))
                            columns[b, c, i, j, y, x] = v * (float(mask[b, k, y, x]) if use_mask else 1)
    parts = []
    for g in range(groups):
        own = columns[:, g * per_group:(g + 1) * per_group]
        parts.append(torch.einsum("bcijyx,ocij->boyx", own, weight[g * outs // groups:(g + 1) * outs // groups].double()))
    return (torch.cat(parts, 1) + bias.double()[None, :, None, None]).float()


def install():
    library = torch.library.Library("torchvision", "IMPL")
    for f in (nms, roi_align, roi_pool, deform_conv2d):
        if not torch._C._dispatch_has_kernel_for_dispatch_key("torchvision::" + f.__name__, "CPU"):
            library.impl(f.__name__, f, "CPU")
    return library
