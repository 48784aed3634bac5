"""Embeddings and one-hot rows."""
import torch
from aten_cases import param, rand, randint, tensor


def cases(case):
    table = param(rand(7, 4))
    case("embedding", table, randint(0, 7, 2, 3))
    case("embedding", table, randint(0, 7, 2, 3, dtype=torch.int32), 1)
    case("embedding", table, tensor(3))
    case("embedding", table, randint(0, 7, 0, 3))
    case("embedding", param(rand(7, 4, dtype=torch.float16)), randint(0, 7, 5), 2, True, False)
    case("one_hot", randint(0, 5, 2, 3), 5)
    case("one_hot", tensor(2), 4)
    case("one_hot", tensor([0, 3, 1]), _keep={0: [0]})
