package dev.tenon.tf.emit;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.ParameterRole;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.tensorflow.Output;

/** Operands of binary operators, aligned as TensorFlow's (and NumPy's) broadcasting wants them. */
final class Broadcasting {
  /** TensorFlow's kernels broadcast up to this many dimensions, after neighbours that broadcast alike are merged. */
  private static final int MAX_RANK = 9;

  private Broadcasting() {}

  /** Both operands of a binary operator, with the {@code broadcast} and {@code axis} attributes of opsets before 7. */
  static Output<?>[] operands(EmitContext c) {
    return operands(c, 0, 1);
  }

  static Output<?>[] operands(EmitContext c, int first, int second) {
    Output<?> b = c.opset() < 7 && c.node().intAttr("broadcast", 0) != 0 && c.node().hasAttr("axis") ? aligned(c) : c.in(second);
    return lowRank(c, first, second, c.in(first), b);
  }

  /** The second operand with size-one axes behind it, so that its first axis falls on {@code axis} of the first operand. */
  private static Output<?> aligned(EmitContext c) {
    int rank = c.rank(0);
    int axis = (int) c.node().intAttr("axis", 0);
    int behind = rank - (axis < 0 ? axis + rank : axis) - c.rank(1);
    if (behind <= 0) {
      return c.in(1);
    }
    if (c.isConstant(1)) {
      Tensor t = c.constant(1);
      return c.parameter(1, ParameterRole.OTHER, x -> x.reshape(append(t.dims(), behind)));
    }
    Output<?> b = c.in(1);
    for (int i = 0; i < behind; i++) {
      b = c.tf().expandDims(b, -1);
    }
    return b;
  }

  private static long[] append(long[] dims, int ones) {
    long[] all = Arrays.copyOf(dims, dims.length + ones);
    Arrays.fill(all, dims.length, all.length, 1);
    return all;
  }

  /** Where the shapes broadcast in more dimensions than the kernels can, the first operand is expanded beforehand. */
  private static Output<?>[] lowRank(EmitContext c, int first, int second, Output<?> a, Output<?> b) {
    Shape sa = c.shape(first);
    Shape sb = c.shape(second);
    if (Math.max(sa.rank(), sb.rank()) <= MAX_RANK || !sa.isStatic() || !sb.isStatic()) {
      return new Output<?>[] {a, b};
    }
    long[] shape = broadcast(sa, sb);
    return new Output<?>[] {flatten(c, a, sa.toLongs(), shape), flatten(c, b, sb.toLongs(), shape)};
  }

  /** The elements of x at every place of the wider shape, by a gather from its flat elements. */
  private static Output<?> flatten(EmitContext c, Output<?> x, long[] from, long[] to) {
    if (Arrays.equals(from, to)) {
      return x;
    }
    int n = Math.toIntExact(Arrays.stream(to).reduce(1, Math::multiplyExact));
    int[] index = new int[n];
    long[] strides = new long[to.length];
    long step = 1;
    for (int i = to.length - 1; i >= to.length - from.length; i--) {
      long d = from[i - to.length + from.length];
      strides[i] = d == 1 ? 0 : step;
      step *= d;
    }
    for (int at = 0; at < n; at++) {
      long rest = at;
      long offset = 0;
      for (int i = to.length - 1; i >= 0; i--) {
        offset += rest % to[i] * strides[i];
        rest /= to[i];
      }
      index[at] = (int) offset;
    }
    Output<?> flat = c.tf().gather(c.tf().reshape(x, -1L), c.tf().constInts(index), 0);
    return c.tf().reshape(flat, to);
  }

  private static long[] broadcast(Shape a, Shape b) {
    int rank = Math.max(a.rank(), b.rank());
    List<Long> dims = new ArrayList<>();
    for (int i = rank; i >= 1; i--) {
      Dim x = i > a.rank() ? Dim.ONE : a.dim(-i);
      Dim y = i > b.rank() ? Dim.ONE : b.dim(-i);
      dims.add(x.is(1) ? y.constant() : x.constant());
    }
    return dims.stream().mapToLong(Long::longValue).toArray();
  }
}
