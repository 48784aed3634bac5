"""What is written to a view is in what it is a view of, and in its other views."""
import torch
from aten_cases import rand, tensor

END = 9223372036854775807


def cases(case):
    def write(views, op="mul_", *args, shape=(4, 6), **kwargs):
        case(op, rand(*shape), *(args or (2.0,)), _views=views, **kwargs)

    for start, end, step in ((0, 2, 1), (1, 3, 1), (2, END, 1), (-2, END, 1), (-3, -1, 1), (0, -1, 1), (0, 99, 1), (3, 1, 1), (0, END, 2),
                             (1, 4, 2), (-3, END, 2), (None, None, 1)):
        write([("slice", [0, start, end, step])])
        write([("slice", [1, start, end, step])])
        write([("slice", [0, 1, 3]), ("slice", [1, start, end, step])])
    for dim in (0, 1):
        for start, end in ((-1, 1), (-4, 3), (-99, 2)):
            write([("slice", [dim, start, end])], _static="whether that is something")
    write([("select", [0, 1])])
    write([("select", [1, -1])])
    write([("select", [0, 1]), ("select", [0, 2])])
    write([("select", [1, 2]), ("slice", [0, 1, 3])])
    write([("narrow", [1, 2, 3])])
    write([("narrow", [1, -2, 2])])
    write([("transpose", [0, 1]), ("select", [0, 1])])
    write([("t", []), ("slice", [0, 1, 3]), ("t", [])])
    write([("permute", [[2, 0, 1]]), ("select", [0, 1])], shape=(2, 3, 4))
    write([("movedim", [0, 2]), ("select", [1, -1])], shape=(2, 3, 4))
    write([("mT", []), ("select", [2, 0])], shape=(2, 3, 4))
    write([("view", [[-1]]), ("slice", [0, 3, 9])])
    write([("view", [[2, 2, 6]]), ("select", [1, 0])], _static="sizes")
    write([("reshape", [[-1]]), ("slice", [0, 3, 9, 2])])
    write([("flatten", []), ("select", [0, 5])])
    write([("unflatten", [1, [2, -1]]), ("select", [1, 1])], _keep={0: [1]})
    write([("unsqueeze", [1]), ("select", [2, 0])])
    write([("squeeze", [1]), ("select", [1, 1])], shape=(3, 1, 4), _keep={0: [1]})
    write([("split", [4, 1], 1)], _keep={0: [1]})
    write([("split", [4, 1], 0)], _keep={0: [1]})
    write([("split_with_sizes", [[1, 2, 3], 1], 1)])
    for i in range(3):
        write([("chunk", [3, 1], i)])
        write([("tensor_split", [3, 1], i)])
        write([("unbind", [1], i)], shape=(2, 3), _keep={0: [1]})
        write([("hsplit", [3], i)])
        write([("tensor_split", [[1, 4], 1], i)])
    write([("chunk", [2, 0], 1), ("select", [1, 0])])
    write([("vsplit", [2], 1)])
    for offset in (0, 1, -1):
        write([("diagonal", [offset])])
        write([("diagonal", [offset, 0, 2])], shape=(3, 2, 4))
    write([("diagonal", []), ("slice", [0, 1, 3])])
    write([("as_strided", [[4, 6], [6, 1]])], _static="strides")
    write([("as_strided", [[2, 3], [6, 2]])], _static="strides")
    write([("as_strided", [[3], [2], 1])], _static="strides")
    write([("expand_as", [torch.zeros(4, 6)]), ("select", [0, 1])], _static="sizes")
    write([("alias", []), ("select", [0, 1])])
    write([("detach", [])])
    write([("to", [torch.float32]), ("select", [0, 1])])
    for op, *args in (("fill_", 2.5), ("zero_",), ("copy_", rand(6)), ("add_", rand(6)), ("clamp_", -0.5, 0.5), ("relu_",), ("sigmoid_",),
                      ("masked_fill_", tensor([True, False, True, False, True, False]), 9.0), ("index_fill_", 0, tensor([1, 3]), 2.0),
                      ("scatter_", 0, tensor([1, 3]), rand(2)), ("index_put_", [tensor([0, 5])], rand(2)), ("div_", 2.0), ("pow_", 2),
                      ("index_copy_", 0, tensor([2, 4]), rand(2)), ("index_add_", 0, tensor([2, 4]), rand(2)), ("addcmul_", rand(6), rand(6)),
                      ("masked_scatter_", tensor([True, False, True, False, True, False]), rand(3)), ("neg_",), ("lerp_", rand(6), 0.25),
                      ("bernoulli_", 0.5)):
        if op == "bernoulli_":
            case(op, rand(4, 6), *args, _views=[("select", [0, 1])], _refused="random")
        else:
            keep = {n: [0] for n in range(1, 4)}
            case(op, rand(4, 6), *args, _views=[("select", [0, 1])], _keep={0: [1], **keep})
    case("tril_", rand(4, 6), _views=[("slice", [1, 1, 5])])
    case("fill_diagonal_", rand(4, 6), 7.0, _views=[("slice", [1, 1, 5])])
    case("copy_", rand(4, 6), torch.randint(0, 9, (4, 2)), _views=[("slice", [1, 1, 3])], _keep={0: [0, 1]})
    case("add_", torch.randint(0, 9, (4, 6)), torch.randint(0, 9, (6,)), _views=[("select", [0, 0])], _keep={1: [0], 0: [1]})
    case("logical_not_", tensor([[True, False], [False, False]]), _views=[("select", [0, 0])])
