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
    List<Value> operands = new ArrayList<>(c.tensors("tensors"));
    String equation = broadcast(o, c.string("equation").replace(" ", ""), operands);
    DataType t = operands.get(0).dtype();
    DataType wide = Kernels.typeFor("Einsum", t);
    List<Value> inputs = operands.stream().map(v -> o.cast(v, wide)).toList();
    return c.result(o.cast(o.node("Einsum").in(inputs).attr("equation", equation).out(), t));
  }

  /**
   * The equation without the axes of size one that another operand has in full: PyTorch broadcasts them, ONNX does not. The operands
   * lose the axes.
   */
  private static String broadcast(Onnx o, String equation, List<Value> operands) {
    int arrow = equation.indexOf("->");
    String[] terms = (arrow < 0 ? equation : equation.substring(0, arrow)).split(",", -1);
    StringBuilder left = new StringBuilder();
    for (int i = 0; i < operands.size(); i++) {
      String term = i < terms.length ? terms[i] : "";
      List<Long> axes = new ArrayList<>();
      StringBuilder kept = new StringBuilder();
      int dots = term.indexOf("...");
      for (int j = 0; j < term.length(); j++) {
        char label = term.charAt(j);
        int axis = dots >= 0 && j > dots ? o.rank(operands.get(i)) - term.length() + j : j;
        boolean single = label != '.' && term.indexOf(label) == term.lastIndexOf(label) && operands.get(i).shape().dim(axis).is(1);
        if (single && hasInFull(o, label, terms, operands)) {
          axes.add((long) axis);
        } else {
          kept.append(label);
        }
      }
      operands.set(i, o.squeeze(operands.get(i), axes.stream().mapToLong(Long::longValue).toArray()));
      left.append(i == 0 ? "" : ",").append(kept);
    }
    return left + "->" + (arrow < 0 ? implicitOutput(String.join(",", terms)) : equation.substring(arrow + 2));
  }

  /** True if an operand has an axis of this label that is not of size one. */
  private static boolean hasInFull(Onnx o, char label, String[] terms, List<Value> operands) {
    for (int i = 0; i < operands.size() && i < terms.length; i++) {
      int dots = terms[i].indexOf("...");
      int j = terms[i].indexOf(label);
      int axis = dots >= 0 && j > dots ? o.rank(operands.get(i)) - terms[i].length() + j : j;
      if (j >= 0 && !operands.get(i).shape().dim(axis).is(1)) {
        return true;
      }
    }
    return false;
  }

  /** The dots, if there are any, and the labels that occur once, sorted. */
  private static String implicitOutput(String terms) {
    StringBuilder labels = new StringBuilder(terms.contains("...") ? "..." : "");
    terms.chars().filter(ch -> Character.isLetter(ch) && terms.indexOf(ch) == terms.lastIndexOf(ch)).sorted()
        .forEach(ch -> labels.append((char) ch));
    return labels.toString();
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
