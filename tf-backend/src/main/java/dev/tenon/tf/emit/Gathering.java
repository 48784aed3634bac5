package dev.tenon.tf.emit;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.ParameterRole;
import dev.tenon.tf.Tf;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.stream.IntStream;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** Operators that read elements by index: Gather, GatherElements, GatherND, Compress, NonZero, OneHot, ReverseSequence. */
final class Gathering {
  /** TensorFlow's GatherNd takes up to this many coordinates. */
  private static final int MAX_COORDINATES = 7;

  private Gathering() {}

  static void register(EmitterRegistry ops) {
    ops.op("Gather", 1, Gathering::gather);
    ops.op("GatherElements", 11, Gathering::gatherElements);
    ops.op("GatherND", 11, Gathering::gatherNd);
    ops.op("Compress", 9, Gathering::compress);
    ops.op("NonZero", 9, Gathering::nonZero);
    ops.op("OneHot", 9, Gathering::oneHot);
    ops.op("ReverseSequence", 10, Gathering::reverseSequence);
  }

  private static void gather(EmitContext c) {
    Tf tf = c.tf();
    int axis = Reductions.axis(c, 0);
    Tensor constant = c.constant(1);
    if (constant != null && constant.rank() == 0 && axis >= 0 && !c.isConstant(0)) {
      c.bind(0, pick(tf, c.in(0), axis, constant.toLongs()[0]));
      return;
    }
    Tensor table = c.constant(0);
    if (table != null && table.dtype().isFloat() && table.rank() == 2 && axis == 0 && constant == null) {
      Output<?> embeddings = c.parameter(0, ParameterRole.EMBEDDINGS);
      // PyTorch's embedding layers refuse negative indices, so a layer's own weight needs no shift of them.
      Output<?> indices = isLayerWeight(table) ? c.in(1) : IndexRange.indices(c, 1, 0);
      c.bind(0, tf.gather(embeddings, indices, 0));
      return;
    }
    c.bind(0, tf.gather(c.in(0), IndexRange.indices(c, 1, axis), axis));
  }

  private static boolean isLayerWeight(Tensor table) {
    Iterator<String> sources = table.recipe().sources().iterator();
    return sources.hasNext() && sources.next().endsWith(".weight");
  }

  /** One element of an axis, which goes: a strided slice, that copies nothing on the first axis. */
  private static Output<?> pick(Tf tf, Output<?> x, int axis, long index) {
    int[] begin = new int[axis + 1];
    int[] end = new int[axis + 1];
    int[] ones = new int[axis + 1];
    Arrays.fill(ones, 1);
    begin[axis] = (int) index;
    end[axis] = index == -1 ? 0 : (int) index + 1;
    long leading = (1L << axis) - 1;
    return tf.op("StridedSlice").in(x, tf.constInts(begin), tf.constInts(end), tf.constInts(ones)).attr("begin_mask", leading)
        .attr("end_mask", index == -1 ? leading | 1L << axis : leading).attr("shrink_axis_mask", 1L << axis).out();
  }

  /** The axis is moved to the end, where GatherV2 with batch dimensions does it. */
  private static void gatherElements(EmitContext c) {
    Tf tf = c.tf();
    int rank = c.rank(0);
    if (rank < 0) {
      c.unsupported("the data's rank is unknown", "");
      return;
    }
    int axis = Reductions.axis(c, 0);
    Output<?> x = cut(c, axis);
    Output<?> indices = IndexRange.indices(c, 1, axis);
    int[] perm = IntStream.range(0, rank).toArray();
    perm[axis] = rank - 1;
    perm[rank - 1] = axis;
    boolean last = axis == rank - 1;
    Output<?> y = tf.op("GatherV2").in(last ? x : tf.transpose(x, perm), last ? indices : tf.transpose(indices, perm), tf.constInt(rank - 1))
        .attr("batch_dims", rank - 1L).out();
    c.bind(0, last ? y : tf.transpose(y, perm));
  }

  /** The data, cut on the other axes to the sizes of the indices, which may be smaller. */
  private static Output<?> cut(EmitContext c, int axis) {
    Tf tf = c.tf();
    Shape data = c.shape(0);
    Shape indices = c.shape(1);
    boolean same = indices.hasRank();
    for (int a = 0; a < data.rank() && same; a++) {
      same = a == axis || data.dim(a).equals(indices.dim(a));
    }
    if (same) {
      return c.in(0);
    }
    int[] keep = new int[data.rank()];
    int[] all = new int[data.rank()];
    Arrays.fill(keep, 1);
    keep[axis] = 0;
    all[axis] = -1;
    Output<?> size = tf.add(tf.mul(tf.shape(c.in(1)), tf.constInts(keep)), tf.constInts(all));
    return tf.call("Slice", c.in(0), tf.constInts(new int[data.rank()]), size);
  }

  private static void gatherNd(EmitContext c) {
    Tf tf = c.tf();
    int batch = (int) c.node().intAttr("batch_dims", 0);
    int depth = c.rank(1) > 0 ? (int) c.shape(1).dim(-1).orMinusOne() : -1;
    if (depth < 0 || c.rank(0) < 0) {
      c.unsupported("the number of coordinates is known only at run time", "");
      return;
    }
    if (batch > 0 && depth == 1) {
      Output<?> indices = tf.squeeze(IndexRange.indices(c, 1, batch), -1);
      c.bind(0, tf.op("GatherV2").in(c.in(0), indices, tf.constInt(batch)).attr("batch_dims", (long) batch).out());
      return;
    }
    Output<?> indices = coordinates(c, 1, batch, depth);
    if (batch > 0) {
      c.bind(0, batched(c, indices, batch, depth));
    } else if (depth > MAX_COORDINATES) {
      Output<?> flat = tf.reshape(c.in(0), flatShape(c, depth));
      c.bind(0, tf.gather(flat, linear(c, indices, depth), 0));
    } else {
      c.bind(0, tf.call("GatherNd", c.in(0), indices));
    }
  }

  /** Input i, whose last axis holds coordinates along the data's axes from {@code first} on, without negative ones. */
  static Output<?> coordinates(EmitContext c, int i, int first, int depth) {
    Tf tf = c.tf();
    Shape sizes = Shape.of(c.shape(0).subList(first, first + depth));
    Output<?> indices = c.in(i);
    if (IndexRange.isNonNegative(c, i)) {
      return indices;
    }
    Output<?> size = sizes.isStatic() ? tf.constLongs(sizes.toLongs())
        : tf.call("Slice", tf.shape64(c.in(0)), tf.constInts(first), tf.constInts(depth));
    return IndexRange.normalize(tf, indices, size);
  }

  /** Row-major positions for coordinates along the leading {@code depth} axes of the data. */
  static Output<?> linear(EmitContext c, Output<?> coordinates, int depth) {
    Tf tf = c.tf();
    Shape head = Shape.of(c.shape(0).subList(0, depth));
    Output<?> strides;
    if (head.isStatic()) {
      long[] s = new long[depth];
      long step = 1;
      for (int a = depth - 1; a >= 0; a--) {
        s[a] = step;
        step *= head.dim(a).constant();
      }
      strides = tf.constLongs(s);
    } else {
      Output<?> dims = tf.call("Slice", tf.shape64(c.in(0)), tf.constInts(0), tf.constInts(depth));
      strides = tf.op("Cumprod").in(dims, tf.constInt(0)).attr("exclusive", true).attr("reverse", true).out();
    }
    Output<?> weighted = tf.mul(tf.cast(coordinates, DataType.DT_INT64), strides);
    return tf.reduce("Sum", weighted, false, -1);
  }

  /** The data's shape with its leading {@code depth} axes made one. */
  static Output<?> flatShape(EmitContext c, int depth) {
    Tf tf = c.tf();
    List<Dim> tail = c.shape(0).subList(depth, c.rank(0));
    if (tail.stream().allMatch(d -> d.isConstant() && !d.is(0))) {
      long[] dims = new long[tail.size() + 1];
      dims[0] = -1;
      for (int i = 0; i < tail.size(); i++) {
        dims[i + 1] = tail.get(i).constant();
      }
      return tf.constShape(dims);
    }
    Output<?> shape = tf.shape(c.in(0));
    Output<?> head = tf.reduce("Prod", tf.call("Slice", shape, tf.constInts(0), tf.constInts(depth)), true, 0);
    return tf.concat(List.of(head, tf.call("Slice", shape, tf.constInts(depth), tf.constInts(-1))), 0);
  }

  /** Batch axes made one, whose positions become a coordinate more. */
  private static Output<?> batched(EmitContext c, Output<?> indices, int batch, int depth) {
    Tf tf = c.tf();
    Output<?> x = tf.reshape(c.in(0), flatShape(c, batch));
    Output<?> count = tf.expandDims(Slicing.element(tf, tf.shape(x), 0), 0);
    Output<?> rows = tf.reshape(indices, tf.concat(List.of(count, tf.constInts(-1, depth)), 0));
    Output<?> numbers = tf.call("Range", tf.constInt(0), Slicing.element(tf, tf.shape(x), 0), tf.constInt(1));
    Output<?> column = tf.reshape(tf.cast(numbers, rows.dataType()), -1, 1, 1);
    Output<?> ones = tf.call("OnesLike", tf.call("Slice", rows, tf.constInts(0, 0, 0), tf.constInts(-1, -1, 1)));
    Output<?> y = tf.call("GatherNd", x, tf.concat(List.of(tf.mul(ones, column), rows), 2));
    Output<?> head = tf.op("StridedSlice").in(tf.shape(indices), tf.constInts(0), tf.constInts(-1), tf.constInts(1)).attr("begin_mask", 1L).out();
    Output<?> tail = tf.call("Slice", tf.shape(c.in(0)), tf.constInts(batch + depth), tf.constInts(-1));
    return tf.reshape(y, c.outputShape(0).isStatic() ? tf.constShape(c.outputShape(0).toLongs()) : tf.concat(List.of(head, tail), 0));
  }

  private static void compress(EmitContext c) {
    Tf tf = c.tf();
    boolean flat = !c.node().hasAttr("axis");
    Output<?> positions = tf.squeeze(tf.call("Where", c.in(1)), 1);
    c.bind(0, flat ? tf.gather(tf.reshape(c.in(0), -1L), positions, 0) : tf.gather(c.in(0), positions, Reductions.axis(c, 0)));
  }

  private static void nonZero(EmitContext c) {
    Tf tf = c.tf();
    c.bind(0, tf.transpose(tf.call("Where", c.in(0)), 1, 0));
  }

  private static void oneHot(EmitContext c) {
    Tf tf = c.tf();
    Output<?> depth = c.isConstant(1) ? tf.constInt((int) c.constant(1).toDoubles()[0])
        : tf.cast(tf.reshape(c.in(1), new long[0]), DataType.DT_INT32);
    Output<?> indices = c.in(0);
    indices = indices.dataType() == DataType.DT_INT32 ? indices : tf.cast(indices, DataType.DT_INT64);
    if (!IndexRange.isNonNegative(c, 0)) {
      indices = IndexRange.normalize(tf, indices, depth);
    }
    List<Output<?>> values = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      values.add(Slicing.element(tf, c.in(2), i));
    }
    int axis = (int) c.node().intAttr("axis", -1);
    long at = axis < -1 && c.rank(0) >= 0 ? axis + c.rank(0) + 1 : axis;
    c.bind(0, tf.op("OneHot").in(indices, depth, values.get(1), values.get(0)).attr("axis", at).out());
  }

  private static void reverseSequence(EmitContext c) {
    long time = c.node().intAttr("time_axis", 0);
    long batch = c.node().intAttr("batch_axis", 1);
    c.bind(0, c.tf().op("ReverseSequence").in(c.in(0), c.in(1)).attr("seq_dim", time).attr("batch_dim", batch).out());
  }
}
