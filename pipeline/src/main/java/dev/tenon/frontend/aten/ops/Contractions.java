package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Sums of products over pairs of axes. */
public final class Contractions {
  private Contractions() {}

  public static void register(AtenOps ops) {
    ops.op("einsum", Contractions::einsum).op("tensordot", Contractions::tensordot);
  }

  private static TorchValue einsum(AtenCall c) {
    Onnx o = c.onnx();
    List<Value> operands = c.tensors("tensors");
    String equation = c.string("equation").replace(" ", "");
    DataType t = operands.get(0).dtype();
    DataType wide = Kernels.typeFor("Einsum", t);
    List<Value> inputs = operands.stream().map(v -> o.cast(v, wide)).toList();
    return c.result(o.cast(o.node("Einsum").in(inputs).attr("equation", equation).out(), t));
  }

  private static TorchValue tensordot(AtenCall c) {
    Value a = c.tensor("self");
    Value b = c.tensor("other");
    return c.result(tensordot(c.onnx(), a, b, c.axes("dims_self", c.rank("self")), c.axes("dims_other", c.rank("other"))));
  }

  /** The contraction over these axes of both; what is left of the first comes before what is left of the second. */
  static Value tensordot(Onnx o, Value a, Value b, int[] axesA, int[] axesB) {
    List<Integer> left = rest(o.rank(a), axesA);
    List<Integer> right = rest(o.rank(b), axesB);
    List<TorchScalar> sizes = new ArrayList<>();
    left.forEach(i -> sizes.add(o.size(a, i)));
    right.forEach(i -> sizes.add(o.size(b, i)));
    TorchScalar inner = product(o, a, Arrays.stream(axesA).boxed().toList());
    Value first = o.reshape(o.transpose(a, order(left, axesA, false)), List.of(product(o, a, left), inner));
    Value second = o.reshape(o.transpose(b, order(right, axesB, true)), List.of(inner, product(o, b, right)));
    return o.reshape(Kernels.op(o, "MatMul", first, second), sizes);
  }

  private static List<Integer> rest(int rank, int[] axes) {
    List<Integer> rest = new ArrayList<>();
    for (int i = 0; i < rank; i++) {
      int axis = i;
      if (Arrays.stream(axes).noneMatch(a -> a == axis)) {
        rest.add(i);
      }
    }
    return rest;
  }

  private static int[] order(List<Integer> rest, int[] axes, boolean axesFirst) {
    List<Integer> all = new ArrayList<>(rest);
    all.addAll(axesFirst ? 0 : rest.size(), Arrays.stream(axes).boxed().toList());
    return all.stream().mapToInt(Integer::intValue).toArray();
  }

  private static TorchScalar product(Onnx o, Value x, List<Integer> axes) {
    return axes.stream().map(i -> o.size(x, i)).reduce(TorchScalar.of(1L), o::times);
  }
}
