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
    bags(case)


def bags(case):
    table = param(rand(7, 4))
    indices = tensor([1, 2, 4, 5, 4, 3, 2, 6, 0])
    for mode in (0, 1, 2):
        case("embedding_bag", table, indices, tensor([0, 4, 6]), False, mode, _outputs=1)
        case("embedding_bag", table, indices, tensor([0, 4, 4, 9]), False, mode, _outputs=1, _note="empty bags")
        case("embedding_bag", table, indices, tensor([0, 4, 9]), False, mode, False, None, True, _outputs=1)
        case("embedding_bag.padding_idx", table, indices, tensor([0, 4, 6]), False, mode, False, None, False, 4, _outputs=1)
        case("_embedding_bag", table, indices.int(), tensor([0, 4, 6], torch.int32), False, mode, _outputs=1)
    case("embedding_bag", table, indices, tensor([0, 4, 6]), False, 0, False, rand(9), _outputs=1)
    case("_embedding_bag_forward_only", table, indices, tensor([0, 4, 6]), False, 1, False, None, False, 4, _outputs=1)
