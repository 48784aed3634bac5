"""Pixel and channel shuffles, unfolding and folding."""
import torch
from aten_cases import param, rand, randint, tensor


def cases(case):
    case("pixel_shuffle", rand(2, 12, 3, 4), 2)
    case("pixel_shuffle", rand(9, 3, 4), 3)
    case("pixel_shuffle", rand(2, 3, 8, 3, 4), 2)
    case("pixel_unshuffle", rand(2, 3, 4, 6), 2)
    case("pixel_unshuffle", rand(2, 6, 9), 3)
    case("pixel_unshuffle", rand(2, 3, 2, 4, 6), 2)
    case("pixel_shuffle", randint(0, 9, 1, 4, 2, 2), 2, _invalid="int64")
    case("channel_shuffle", rand(2, 6, 3, 4), 3)
    case("channel_shuffle", rand(2, 6, 3), 2)
    case("native_channel_shuffle", rand(2, 6, 3, 4), 2)
    case("im2col", rand(2, 3, 5, 6), [2, 3], [1, 1], [0, 0], [1, 1])
    case("im2col", rand(2, 3, 7, 6), [2, 3], [2, 1], [1, 2], [2, 3])
    case("im2col", rand(3, 7, 6), [3, 3], [1, 1], [1, 1], [1, 1])
    case("col2im", rand(2, 12, 12), [4, 5], [2, 2], [1, 1], [0, 0], [1, 1])
    y = torch.ops.aten.im2col(rand(2, 3, 7, 6), [2, 3], [2, 1], [1, 2], [2, 3])
    case("col2im", y, [7, 6], [2, 3], [2, 1], [1, 2], [2, 3])
    case("col2im", y[0], [7, 6], [2, 3], [2, 1], [1, 2], [2, 3])
