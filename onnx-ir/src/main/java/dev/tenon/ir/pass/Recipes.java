package dev.tenon.ir.pass;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.layout.Permutations;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Operators on constants as {@link dev.tenon.ir.Recipe recipes}, so that a weight that is transposed, sliced or scaled in the graph
 * stays traceable to the parameters of the source file.
 */
final class Recipes {
  private Recipes() {}

  /** The outputs of a node whose inputs are all constants, as recipes; null if there is no recipe for it. */
  static List<Tensor> of(Node n, int opset) {
    List<Tensor> in = new ArrayList<>();
    for (Value v : n.inputs()) {
      in.add(v == null ? null : v.constant());
    }
    if (!n.domain().isEmpty() || in.isEmpty() || in.get(0) == null || in.get(0).dtype().bits() < 8) {
      return null;
    }
    if (n.opType().equals("Split")) {
      return split(n, in, opset);
    }
    Tensor t = single(n, in, opset);
    return t == null ? null : List.of(t);
  }

  private static Tensor single(Node n, List<Tensor> in, int opset) {
    Tensor x = in.get(0);
    return switch (n.opType()) {
      case "Identity" -> x;
      case "Transpose" -> Permutations.of(n) == null ? null : x.permute(Permutations.of(n));
      case "Reshape" -> reshape(n, in);
      case "Flatten" -> flatten(n, x);
      case "Unsqueeze" -> unsqueeze(n, x);
      case "Squeeze" -> squeeze(n, x);
      case "Cast" -> cast(n, x);
      case "Slice" -> slice(n, in, opset);
      case "Concat" -> Tensor.concat((int) n.intAttr("axis", opset < 4 ? 1 : 0), in);
      case "Add", "Sub", "Mul", "Div" -> binary(n, in, opset);
      case "Neg" -> x.dtype().isFloat() ? x.negate() : null;
      case "Sqrt" -> x.dtype().isFloat() ? x.sqrt() : null;
      case "Reciprocal" -> x.dtype().isFloat() ? x.reciprocal() : null;
      default -> null;
    };
  }

  private static Tensor reshape(Node n, List<Tensor> in) {
    Tensor x = in.get(0);
    long[] target = n.hasInput(1) ? Constants.ints(n.input(1)) : n.intsAttr("shape", null);
    if (target == null) {
      return null;
    }
    long known = 1;
    int open = -1;
    for (int i = 0; i < target.length; i++) {
      if (target[i] == 0 && n.intAttr("allowzero", 0) == 0) {
        target[i] = x.dim(i);
      }
      if (target[i] == -1) {
        open = i;
      } else {
        known *= target[i];
      }
    }
    if (open >= 0) {
      if (known == 0) {
        return null;
      }
      target[open] = x.numel() / known;
    }
    return x.reshape(target);
  }

  private static Tensor flatten(Node n, Tensor x) {
    int axis = (int) n.intAttr("axis", 1);
    axis = axis < 0 ? axis + x.rank() : axis;
    long rows = 1;
    long columns = 1;
    for (int i = 0; i < x.rank(); i++) {
      if (i < axis) {
        rows *= x.dim(i);
      } else {
        columns *= x.dim(i);
      }
    }
    return x.reshape(rows, columns);
  }

  private static Tensor unsqueeze(Node n, Tensor x) {
    long[] axes = Constants.attrOrInput(n, "axes", 1);
    if (axes == null) {
      return null;
    }
    int rank = x.rank() + axes.length;
    boolean[] fresh = new boolean[rank];
    for (long a : axes) {
      fresh[(int) (a < 0 ? a + rank : a)] = true;
    }
    long[] dims = new long[rank];
    int from = 0;
    for (int i = 0; i < rank; i++) {
      dims[i] = fresh[i] ? 1 : x.dim(from++);
    }
    return x.reshape(dims);
  }

  private static Tensor squeeze(Node n, Tensor x) {
    long[] axes = Constants.attrOrInput(n, "axes", 1);
    boolean[] gone = new boolean[x.rank()];
    for (int i = 0; i < gone.length; i++) {
      gone[i] = axes == null && x.dim(i) == 1;
    }
    if (axes != null) {
      for (long a : axes) {
        gone[(int) (a < 0 ? a + x.rank() : a)] = true;
      }
    }
    List<Long> dims = new ArrayList<>();
    for (int i = 0; i < gone.length; i++) {
      if (!gone[i]) {
        dims.add(x.dim(i));
      }
    }
    return x.reshape(dims.stream().mapToLong(Long::longValue).toArray());
  }

  /** Only between types whose conversion the recipes do as ONNX does: not from floats to integers, where rounding is defined by use. */
  private static Tensor cast(Node n, Tensor x) {
    DataType to = DataType.ofNumber((int) n.intAttr("to", 0)).orElse(DataType.UNDEFINED);
    boolean integral = x.dtype().isInteger() || x.dtype() == DataType.BOOL;
    boolean widening = to.isFloat() && (x.dtype().isFloat() || integral);
    boolean signed = integral && (to == DataType.INT64 || to == DataType.INT32);
    return widening || signed || to == x.dtype() ? x.cast(to) : null;
  }

  private static Tensor slice(Node n, List<Tensor> in, int opset) {
    Tensor x = in.get(0);
    boolean attributes = opset < 10;
    long[] starts = attributes ? n.intsAttr("starts", null) : Constants.ints(n.input(1));
    long[] ends = attributes ? n.intsAttr("ends", null) : Constants.ints(n.input(2));
    long[] axes = attributes ? n.intsAttr("axes", null) : Constants.ints(n.input(3));
    long[] steps = attributes || !n.hasInput(4) ? null : Constants.ints(n.input(4));
    for (int i = 0; i < starts.length; i++) {
      int axis = axes == null ? i : (int) (axes[i] < 0 ? axes[i] + x.rank() : axes[i]);
      long step = steps == null ? 1 : steps[i];
      long dim = x.dim(axis);
      if (Math.abs(step) != 1) {
        return null;
      }
      long start = starts[i] < 0 ? starts[i] + dim : starts[i];
      long end = ends[i] < 0 ? ends[i] + dim : ends[i];
      if (step == 1) {
        start = Math.max(0, Math.min(start, dim));
        end = Math.max(0, Math.min(end, dim));
        x = x.slice(axis, start, Math.max(start, end));
      } else {
        // From start down to end, exclusive: elements end+1 to start, reversed.
        start = Math.max(-1, Math.min(start, dim - 1));
        end = Math.max(-1, Math.min(end, dim - 1));
        x = x.slice(axis, Math.min(end, start) + 1, start + 1).reverse(axis);
      }
    }
    return x;
  }

  private static Tensor binary(Node n, List<Tensor> in, int opset) {
    Tensor a = in.get(0);
    Tensor b = in.get(1);
    if (opset < 7 || !a.dtype().isFloat()) {
      return null;
    }
    return switch (n.opType()) {
      case "Add" -> a.plus(b);
      case "Sub" -> a.minus(b);
      case "Mul" -> a.times(b);
      default -> a.dividedBy(b);
    };
  }

  private static List<Tensor> split(Node n, List<Tensor> in, int opset) {
    Tensor x = in.get(0);
    int axis = (int) n.intAttr("axis", 0);
    long dim = x.dim(axis);
    int count = n.outputs().size();
    long[] sizes = opset < 13 ? n.intsAttr("split", null) : n.hasInput(1) ? Constants.ints(n.input(1)) : null;
    if (sizes == null) {
      long chunk = (dim + count - 1) / count;
      sizes = new long[count];
      Arrays.fill(sizes, chunk);
      sizes[count - 1] = dim - chunk * (count - 1);
    }
    List<Tensor> parts = new ArrayList<>();
    long at = 0;
    for (long size : sizes) {
      parts.add(x.slice(axis, at, at + size));
      at += size;
    }
    return parts;
  }
}
