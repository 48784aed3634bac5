"""Recurrent networks, their cells, packed sequences."""
import torch
from aten_cases import param, rand, tensor

GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}


def weights(kind, features, hidden, layers=1, directions=1, biases=True, projected=0, wrap=param, dtype=torch.float32):
    all = []
    state = projected or hidden
    for i in range(layers):
        for _ in range(directions):
            rows = GATES[kind] * hidden
            all += [rand(rows, features if i == 0 else directions * state), rand(rows, state)]
            all += [rand(rows), rand(rows)] if biases else []
            all += [rand(projected, hidden)] if projected else []
    return [wrap((w * 0.5).to(dtype)) for w in all]


def states(kind, *shape, projected=0, dtype=torch.float32):
    h = rand(*shape[:-1], projected or shape[-1], dtype=dtype)
    return [h, rand(*shape, dtype=dtype)] if kind == "lstm" else h


def cases(case):
    for kind in GATES:
        name = kind + ".input"
        for layers, directions, biases, first in ((1, 1, True, False), (2, 1, True, True), (1, 2, True, False), (2, 2, False, True)):
            x = rand(2, 5, 3) if first else rand(5, 2, 3)
            case(name, x, states(kind, layers * directions, 2, 4), weights(kind, 3, 4, layers, directions, biases), biases, layers, 0.0, False,
                 directions == 2, first)
        case(name, rand(1, 1, 3), states(kind, 1, 1, 4), weights(kind, 3, 4), True, 1, 0.5, False, False, False)
        zeros = torch.zeros(2, 2, 4)
        case(name, rand(5, 2, 3), [param(zeros), param(zeros)] if kind == "lstm" else param(zeros), weights(kind, 3, 4, 1, 2), True, 1, 0.0,
             False, True, False, _note="from zero")
        case(name, rand(5, 2, 3), states(kind, 1, 2, 4), weights(kind, 3, 4, wrap=lambda w: w), True, 1, 0.0, False, False, False,
             _keep={i: [0, 1] for i in range(1, 9)}, _note="weights computed")
        case(name, rand(5, 2, 3), states(kind, 2, 2, 4), weights(kind, 3, 4, 2), True, 2, 0.5, True, False, False, _refused="random")
        packed(case, kind)
    case("lstm.input", rand(4, 2, 3, dtype=torch.float16), states("lstm", 1, 2, 4, dtype=torch.float16), weights("lstm", 3, 4, dtype=torch.float16),
         True, 1, 0.0, False, False, False)
    for layers, directions, biases in ((1, 1, True), (2, 2, True), (1, 2, False)):
        case("lstm.input", rand(5, 2, 3), states("lstm", layers * directions, 2, 4, projected=3),
             weights("lstm", 3, 4, layers, directions, biases, projected=3), biases, layers, 0.0, False, directions == 2, False)
    for biases in (True, False):
        for shape in ((2,), (1,)):
            b = [param(rand(16)), param(rand(16))] if biases else []
            case("lstm_cell", rand(*shape, 3), [rand(*shape, 4), rand(*shape, 4)], param(rand(16, 3)), param(rand(16, 4)), *b)
            b = [param(rand(12)), param(rand(12))] if biases else []
            case("gru_cell", rand(*shape, 3), rand(*shape, 4), param(rand(12, 3)), param(rand(12, 4)), *b)
            b = [param(rand(4)), param(rand(4))] if biases else []
            case("rnn_tanh_cell", rand(*shape, 3), rand(*shape, 4), param(rand(4, 3)), param(rand(4, 4)), *b)
            case("rnn_relu_cell", rand(*shape, 3), rand(*shape, 4), param(rand(4, 3)), param(rand(4, 4)), *b)


def packed(case, kind):
    data, sizes = torch.ops.aten._pack_padded_sequence(rand(5, 3, 3), tensor([5, 3, 1]), False)
    for layers, directions in ((1, 1), (2, 2)):
        case(kind + ".data", data, sizes, states(kind, layers * directions, 3, 4), weights(kind, 3, 4, layers, directions), True, layers, 0.0,
             False, directions == 2)
    if kind != "lstm":
        return
    case("_pack_padded_sequence", rand(5, 3, 2), tensor([4, 3, 1]), False)
    case("_pack_padded_sequence", rand(3, 5, 2), tensor([5, 5, 2]), True)
    case("_pack_padded_sequence", rand(3, 5), tensor([5, 3, 2]), True)
    data, sizes = torch.ops.aten._pack_padded_sequence(rand(5, 3, 2), tensor([4, 3, 1]), False)
    case("_pad_packed_sequence", data, sizes, False, 0.0, -1)
    case("_pad_packed_sequence", data, sizes, True, -1.5, 4)
    case("_pad_packed_sequence", data, sizes, True, 2.5, 7)
