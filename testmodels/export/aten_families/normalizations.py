"""Batch, instance, layer, group and RMS normalization; weight normalization."""
import torch
from aten_cases import param, rand

HALF = torch.float16
DOUBLE = torch.float64


def statistics(n, dtype=torch.float32):
    return param(rand(n, dtype=dtype)), param((rand(n).abs() + 0.5).to(dtype))


def cases(case):
    batch(case)
    instance(case)
    layer(case)
    group(case)
    case("_weight_norm", param(rand(4, 3, 2)), param(rand(4, 1, 1)), 0)
    case("_weight_norm", rand(4, 3, 2), rand(1, 1, 2), 2)
    case("_weight_norm", rand(4, 3), rand(1, 1), -1)
    case("_weight_norm_interface", rand(4, 3, 2), rand(4, 1, 1), 0)
    case("norm_except_dim", rand(4, 3, 2), 2, 1)
    case("norm_except_dim", rand(4, 3, 2), 2, -1)
    bfloat(case)


def batch(case):
    for shape in ((5, 3), (2, 3, 4), (2, 3, 4, 5), (1, 3, 2, 2, 3), (1, 3, 1, 1)):
        mean, var = statistics(3)
        case("batch_norm", rand(*shape), param(rand(3)), param(rand(3)), mean, var, False, 0.1, 1e-5, True)
    mean, var = statistics(3)
    x = rand(2, 3, 4, 4)
    w, b = param(rand(3)), param(rand(3))
    case("batch_norm", x, None, None, mean, var, False, 0.1, 1e-3, True)
    case("batch_norm", x, w, None, mean, var, False, 0.1, 1e-3, True)
    case("batch_norm", rand(0, 3, 4, 4), w, b, mean, var, False, 0.1, 1e-5, True)
    case("batch_norm", x, w, b, mean, var, True, 0.1, 1e-5, True, _note="by the statistics of the batch")
    case("batch_norm", x, w, b, None, None, True, 0.1, 1e-5, True)
    case("batch_norm", x, None, None, None, None, True, 0.1, 1e-5, True)
    case("batch_norm", rand(4, 3), rand(3), rand(3), rand(3), rand(3).abs() + 1, False, 0.1, 1e-5, True, _note="parameters computed")
    case("batch_norm", rand(2, 3, 4), None, None, rand(3), rand(3).abs() + 1, False, 0.1, 1e-5, True)
    hm, hv = statistics(3, HALF)
    case("batch_norm", rand(2, 3, 4, dtype=HALF), param(rand(3, dtype=HALF)), param(rand(3, dtype=HALF)), hm, hv, False, 0.1, 1e-5, True)
    case("batch_norm", rand(2, 3, 4, dtype=HALF), w, b, mean, var, False, 0.1, 1e-5, True, _note="mixed types")
    dm, dv = statistics(3, DOUBLE)
    case("batch_norm", rand(2, 3, 4, dtype=DOUBLE), None, None, dm, dv, False, 0.1, 1e-5, True)
    case("native_batch_norm", x, w, b, mean, var, False, 0.1, 1e-5)
    case("native_batch_norm", x, w, b, mean, var, True, 0.1, 1e-5)
    case("_native_batch_norm_legit_no_training", x, w, b, mean, var, 0.1, 1e-5)
    case("_native_batch_norm_legit_no_training", x, None, None, mean, var, 0.1, 1e-5)
    case("_native_batch_norm_legit.no_stats", x, w, b, True, 0.1, 1e-5)
    case("_native_batch_norm_legit_functional", x, w, b, mean, var, True, 0.1, 1e-5)
    case("_native_batch_norm_legit_functional", x, w, b, mean, var, False, 0.1, 1e-5)
    case("_batch_norm_no_update", x, w, b, mean, var, 0.1, 1e-5)
    case("_batch_norm_with_update_functional", x, w, b, mean, var, 0.3, 1e-5)
    case("_batch_norm_impl_index", x, w, b, mean, var, False, 0.1, 1e-5, True)


def instance(case):
    w, b = param(rand(3)), param(rand(3))
    mean, var = statistics(3)
    for shape in ((2, 3, 5), (2, 3, 4, 5), (1, 3, 2, 3, 4)):
        case("instance_norm", rand(*shape), w, b, None, None, True, 0.1, 1e-5, True)
        case("instance_norm", rand(*shape), None, None, None, None, True, 0.1, 1e-3, True)
    x = rand(2, 3, 4, 5)
    case("instance_norm", x, w, b, mean, var, False, 0.1, 1e-5, True)
    case("instance_norm", x, None, None, mean, var, True, 0.1, 1e-5, True)
    case("instance_norm", x, rand(3), rand(3), None, None, True, 0.1, 1e-5, True)
    case("instance_norm", rand(2, 3, 4, 5, dtype=HALF), w, b, None, None, True, 0.1, 1e-5, True)


def layer(case):
    x = rand(2, 5, 6)
    w, b = param(rand(6)), param(rand(6))
    case("layer_norm", x, [6], w, b)
    case("layer_norm", x, [6], w, None, 1e-3)
    case("layer_norm", x, [6], None, b)
    case("layer_norm", x, [6])
    case("layer_norm", x, [5, 6], param(rand(5, 6)), param(rand(5, 6)))
    case("layer_norm", x, [2, 5, 6])
    case("layer_norm", rand(6), [6], w, b)
    case("layer_norm", rand(0, 6), [6], w, b)
    case("layer_norm", rand(3, 1), [1], param(rand(1)), param(rand(1)))
    case("layer_norm", rand(2, 6, dtype=HALF), [6], param(rand(6, dtype=HALF)), param(rand(6, dtype=HALF)))
    case("layer_norm", rand(2, 6, dtype=HALF), [6], w, b, _note="mixed types")
    case("layer_norm", rand(2, 6, dtype=DOUBLE), [6], param(rand(6, dtype=DOUBLE)), None, 1e-6, _tol=1e-12)
    case("native_layer_norm", x, [6], w, b, 1e-5)
    case("native_layer_norm", x, [5, 6], None, None, 1e-5)
    case("native_layer_norm", rand(2, 6, dtype=DOUBLE), [6], None, None, 1e-5, _tol=1e-12)
    for eps in (None, 1e-6):
        case("rms_norm", x, [6], w, eps)
        case("rms_norm", x * 1e-4, [5, 6], None, eps)
        case("rms_norm", rand(2, 6, dtype=HALF), [6], param(rand(6, dtype=HALF)), eps)
        case("rms_norm", rand(2, 6, dtype=torch.bfloat16), [6], param(rand(6, dtype=torch.bfloat16)), eps, _tol=1e-2)
        case("rms_norm", rand(2, 6, dtype=DOUBLE), [6], None, eps, _tol=1e-12)
    case("_fused_rms_norm", x, [6], w, 1e-5)


def group(case):
    w, b = param(rand(6)), param(rand(6))
    for shape in ((2, 6), (2, 6, 5), (2, 6, 4, 3), (1, 6, 2, 3, 2)):
        case("group_norm", rand(*shape), 3, w, b)
    case("group_norm", rand(2, 6, 4), 6, w, None)
    case("group_norm", rand(2, 6, 4), 1, None, b, 1e-3)
    case("group_norm", rand(2, 6, 4), 2)
    case("group_norm", rand(0, 6, 4, 4), 2, w, b, _static="an empty batch of unknown size")
    case("group_norm", rand(2, 6, 4, dtype=HALF), 2, param(rand(6, dtype=HALF)), param(rand(6, dtype=HALF)))
    case("group_norm", rand(2, 6, 4, dtype=HALF), 2, w, b)
    case("native_group_norm", rand(2, 6, 4, 3), w, b, 2, 6, 12, 3, 1e-5)
    case("native_group_norm", rand(2, 6, 4, 3), None, None, 2, 6, 12, 2, 1e-5)


def bfloat(case):
    t = torch.bfloat16
    case("group_norm", rand(2, 6, 4, dtype=t), 2, param(rand(6, dtype=t)), param(rand(6, dtype=t)), _tol=2e-2)
    case("instance_norm", rand(2, 3, 5, dtype=t), param(rand(3, dtype=t)), None, None, None, True, 0.1, 1e-5, True, _tol=2e-2)
    mean, var = statistics(3, t)
    case("batch_norm", rand(2, 3, 4, dtype=t), param(rand(3, dtype=t)), param(rand(3, dtype=t)), mean, var, False, 0.1, 1e-5, True, _tol=2e-2,
         _invalid="bfloat16")
    case("layer_norm", rand(2, 6, dtype=t), [6], param(rand(6, dtype=t)), param(rand(6, dtype=t)), 1e-5, _tol=2e-2, _invalid="bfloat16")
