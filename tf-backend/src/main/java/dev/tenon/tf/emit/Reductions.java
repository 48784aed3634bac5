package dev.tenon.tf.emit;

import dev.tenon.tf.EmitContext;
import dev.tenon.tf.Emitter;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.Tf;
import java.util.Arrays;
import java.util.function.BinaryOperator;
import java.util.stream.IntStream;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** Reductions over axes, arg-reductions, TopK and the cumulative operators. */
final class Reductions {
  private Reductions() {}

  static void register(EmitterRegistry ops) {
    ops.op("ReduceSum", 1, reduce("Sum"));
    ops.op("ReduceMean", 1, reduce("Mean"));
    ops.op("ReduceProd", 1, reduce("Prod"));
    ops.op("ReduceMax", 1, c -> extremum(c, "Max", "Any"));
    ops.op("ReduceMin", 1, c -> extremum(c, "Min", "All"));
    ops.op("ReduceL1", 1, c -> reduce(c, c.in(0), (x, axes) -> sum(c, Kernels.isUnsigned(x.dataType()) ? x : c.tf().call("Abs", x), axes)));
    ops.op("ReduceL2", 1, c -> reduce(c, c.in(0), (x, axes) -> norm(c, x, axes)));
    ops.op("ReduceSumSquare", 1, c -> reduce(c, c.in(0), (x, axes) -> sum(c, c.tf().mul(x, x), axes)));
    ops.op("ReduceLogSum", 1, c -> reduce(c, c.in(0), (x, axes) -> log(c.tf(), sum(c, x, axes))));
    ops.op("ReduceLogSumExp", 1, c -> reduce(c, c.in(0), (x, axes) -> logSumExp(c, x, axes)));
    ops.op("ArgMax", 1, c -> argument(c, "ArgMax"));
    ops.op("ArgMin", 1, c -> argument(c, "ArgMin"));
    ops.op("TopK", 1, Reductions::topK);
    ops.op("CumSum", 11, c -> cumulative(c, "Cumsum"));
    ops.op("CumProd", 26, c -> cumulative(c, "Cumprod"));
  }

  private static Emitter reduce(String tensorflowOp) {
    return c -> reduce(c, c.in(0), (x, axes) -> reduce(c, tensorflowOp, x, axes, keepDims(c)));
  }

  private static boolean keepDims(EmitContext c) {
    return c.node().intAttr("keepdims", 1) != 0;
  }

  private static Output<?> reduce(EmitContext c, String type, Output<?> x, Output<?> axes, boolean keepDims) {
    return c.tf().op(type).in(x, axes).attr("keep_dims", keepDims).out();
  }

  private static Output<?> sum(EmitContext c, Output<?> x, Output<?> axes) {
    return reduce(c, "Sum", x, axes, keepDims(c));
  }

  /** Binds the reduction over the node's axes. */
  private static void reduce(EmitContext c, Output<?> x, BinaryOperator<Output<?>> f) {
    c.bind(0, f.apply(x, axes(c, x)));
  }

  /** The axes as TensorFlow takes them; all of them if none are given, none with {@code noop_with_empty_axes}. */
  private static Output<?> axes(EmitContext c, Output<?> x) {
    Tf tf = c.tf();
    long[] known = c.intsAttrOrInput("axes", 1);
    boolean given = known != null ? known.length > 0 : c.has(1) && !(c.shape(1).hasRank() && c.shape(1).numel().is(0));
    if (given && known != null) {
      int rank = c.rank(0);
      int[] axes = Arrays.stream(known).mapToInt(a -> (int) (a < 0 && rank > 0 ? a + rank : a)).sorted().toArray();
      return tf.constInts(axes);
    } else if (given) {
      return c.in(1);
    } else if (c.node().intAttr("noop_with_empty_axes", 0) != 0) {
      return tf.constInts();
    }
    return allAxes(tf, x, c.rank(0));
  }

  private static Output<?> allAxes(Tf tf, Output<?> x, int rank) {
    return rank >= 0 ? tf.constInts(IntStream.range(0, rank).toArray())
        : tf.call("Range", tf.constInt(0), tf.call("Rank", x), tf.constInt(1));
  }

  /** The maximum of bools is whether any is true. */
  private static void extremum(EmitContext c, String numeric, String bool) {
    boolean isBool = c.in(0).dataType() == DataType.DT_BOOL;
    reduce(c, c.in(0), (x, axes) -> reduce(c, isBool ? bool : numeric, x, axes, keepDims(c)));
  }

  private static Output<?> norm(EmitContext c, Output<?> x, Output<?> axes) {
    DataType type = x.dataType();
    DataType inner = Kernels.isFloat(type) ? type : DataType.DT_DOUBLE;
    return c.tf().cast(reduce(c, "EuclideanNorm", c.tf().cast(x, inner), axes, keepDims(c)), type);
  }

  private static Output<?> log(Tf tf, Output<?> x) {
    DataType type = x.dataType();
    DataType inner = Kernels.isFloat(type) ? type : DataType.DT_DOUBLE;
    return tf.cast(tf.call("Log", tf.cast(x, inner)), type);
  }

  /** log(sum(exp(x - m))) + m with the maximum m, or 0 where that is infinite, so that nothing overflows. */
  private static Output<?> logSumExp(EmitContext c, Output<?> original, Output<?> axes) {
    Tf tf = c.tf();
    DataType type = original.dataType();
    Output<?> x = tf.cast(original, Kernels.isFloat(type) ? type : DataType.DT_DOUBLE);
    Output<?> max = reduce(c, "Max", x, axes, true);
    Output<?> shift = tf.select(tf.call("IsFinite", max), max, tf.scalarLike(max, 0));
    Output<?> log = tf.call("Log", reduce(c, "Sum", tf.call("Exp", tf.sub(x, shift)), axes, true));
    Output<?> y = tf.add(log, shift);
    if (!keepDims(c)) {
      y = c.outputShape(0).isStatic() ? tf.reshape(y, c.outputShape(0).toLongs()) : reduce(c, "Sum", y, axes, false);
    }
    return tf.cast(y, type);
  }

  private static void argument(EmitContext c, String tensorflowOp) {
    Tf tf = c.tf();
    int axis = axis(c, 0);
    Output<?> x = c.in(0);
    boolean last = c.node().intAttr("select_last_index", 0) != 0;
    Output<?> searched = last ? tf.call("ReverseV2", x, tf.constInts(axis)) : x;
    Output<?> y = tf.op(tensorflowOp).in(searched, tf.constInt(axis)).attr("output_type", DataType.DT_INT64).out();
    if (last) {
      y = tf.sub(dimMinusOne(c, x, axis), y);
    }
    c.bind(0, keepDims(c) ? tf.expandDims(y, axis) : y);
  }

  /** The size of an axis of input 0, less one, as an int64 scalar. */
  private static Output<?> dimMinusOne(EmitContext c, Output<?> x, int axis) {
    Tf tf = c.tf();
    if (c.rank(0) >= 0 && c.shape(0).dim(axis).isConstant()) {
      return tf.constLong(c.shape(0).dim(axis).constant() - 1);
    }
    return tf.sub(tf.gather(tf.shape64(x), tf.constInt(axis), 0), tf.constLong(1));
  }

  /** The axis attribute, counted from the front where the rank is known. */
  static int axis(EmitContext c, long byDefault) {
    int axis = (int) c.node().intAttr("axis", byDefault);
    return axis < 0 && c.rank(0) > 0 ? axis + c.rank(0) : axis;
  }

  private static void topK(EmitContext c) {
    Tf tf = c.tf();
    int rank = c.rank(0);
    int axis = axis(c, -1);
    boolean largest = c.node().intAttr("largest", 1) != 0;
    Output<?> k = c.node().hasAttr("k") ? tf.constInt((int) c.node().intAttr("k", 1))
        : c.isConstant(1) ? tf.constInt((int) c.constantLongs(1)[0]) : tf.cast(tf.reshape(c.in(1), new long[0]), DataType.DT_INT32);
    int[] perm = swap(rank, axis);
    Output<?> x = axis == rank - 1 ? c.in(0) : tf.transpose(c.in(0), perm);
    if (!largest) {
      x = reversed(tf, x);
    }
    boolean sorted = c.node().intAttr("sorted", 1) != 0;
    // Indices of int32, although int64 is wanted: the gradient in TensorFlow's Python adds int32 numbers to them.
    java.util.List<Output<?>> y = tf.op("TopKV2").in(x, k).attr("sorted", sorted).outs();
    Output<?> values = largest ? y.get(0) : reversed(tf, y.get(0));
    c.bind(0, axis == rank - 1 ? values : tf.transpose(values, perm));
    if (c.wants(1)) {
      Output<?> indices = tf.cast(y.get(1), DataType.DT_INT64);
      c.bind(1, axis == rank - 1 ? indices : tf.transpose(indices, perm));
    }
  }

  /** The same elements in reverse order of size: negative, or for integers, whose least has no negative, all bits inverted. */
  private static Output<?> reversed(Tf tf, Output<?> x) {
    return tf.call(Kernels.isFloat(x.dataType()) ? "Neg" : "Invert", x);
  }

  private static int[] swap(int rank, int axis) {
    int[] perm = IntStream.range(0, Math.max(rank, 0)).toArray();
    if (rank > 0) {
      perm[axis] = rank - 1;
      perm[rank - 1] = axis;
    }
    return perm;
  }

  private static void cumulative(EmitContext c, String tensorflowOp) {
    Tf tf = c.tf();
    Output<?> axis = c.isConstant(1) ? tf.constInt((int) c.constantLongs(1)[0]) : tf.reshape(c.in(1), new long[0]);
    c.bind(0, tf.op(tensorflowOp).in(c.in(0), axis).attr("exclusive", c.node().intAttr("exclusive", 0) != 0)
        .attr("reverse", c.node().intAttr("reverse", 0) != 0).out());
  }
}
