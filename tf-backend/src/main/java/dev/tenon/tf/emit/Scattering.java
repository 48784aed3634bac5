package dev.tenon.tf.emit;

import dev.tenon.ir.Shape;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.Tf;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** Operators that write elements by index: ScatterElements, ScatterND, the old Scatter and TensorScatter. */
final class Scattering {
  /** TensorFlow's scatter kernels take up to this many coordinates. */
  private static final int MAX_COORDINATES = 5;

  private Scattering() {}

  static void register(EmitterRegistry ops) {
    ops.op("Scatter", 9, Scattering::scatterElements);
    ops.op("ScatterElements", 11, Scattering::scatterElements);
    ops.op("ScatterND", 11, Scattering::scatterNd);
    ops.op("TensorScatter", 24, Scattering::tensorScatter);
  }

  /** On the flat data: each update's position is its index times the axis' stride, plus its place on the other axes. */
  private static void scatterElements(EmitContext c) {
    Tf tf = c.tf();
    int rank = c.rank(0);
    if (rank < 0) {
      c.unsupported("the data's rank is unknown", "");
      return;
    }
    int axis = Reductions.axis(c, 0);
    Output<?> indices = tf.cast(IndexRange.indices(c, 1, axis), DataType.DT_INT64);
    Output<?> runtimeStrides = c.shape(0).isStatic() ? null
        : tf.op("Cumprod").in(tf.shape64(c.in(0)), tf.constInt(0)).attr("exclusive", true).attr("reverse", true).out();
    long[] strides = runtimeStrides == null ? strides(c.shape(0)) : null;
    Output<?> position = times(tf, indices, strides, runtimeStrides, axis);
    for (int a = 0; a < rank; a++) {
      if (a != axis && !c.shape(1).dim(a).is(1)) {
        long[] column = new long[rank - a];
        Arrays.fill(column, 1);
        column[0] = -1;
        position = tf.add(position, tf.reshape(times(tf, places(c, a), strides, runtimeStrides, a), column));
      }
    }
    Output<?> flat = tf.reshape(c.in(0), -1L);
    Output<?> updated = update(c, flat, tf.reshape(position, -1L), tf.reshape(c.in(2), -1L));
    c.bind(0, tf.reshape(updated, c.shape(0).isStatic() ? tf.constShape(c.shape(0).toLongs()) : tf.shape(c.in(0))));
  }

  private static long[] strides(Shape s) {
    long[] strides = new long[s.rank()];
    long step = 1;
    for (int a = s.rank() - 1; a >= 0; a--) {
      strides[a] = step;
      step *= s.dim(a).constant();
    }
    return strides;
  }

  private static Output<?> times(Tf tf, Output<?> x, long[] strides, Output<?> runtimeStrides, int axis) {
    if (strides == null) {
      return tf.mul(x, Slicing.element(tf, runtimeStrides, axis));
    }
    return strides[axis] == 1 ? x : tf.mul(x, tf.constLong(strides[axis]));
  }

  /** 0, 1, … along an axis of the indices. */
  private static Output<?> places(EmitContext c, int axis) {
    Tf tf = c.tf();
    if (c.shape(1).dim(axis).isConstant()) {
      return tf.constLongs(LongStream.range(0, c.shape(1).dim(axis).constant()).toArray());
    }
    return tf.call("Range", tf.constLong(0), Slicing.element(tf, tf.shape64(c.in(1)), axis), tf.constLong(1));
  }

  private static void scatterNd(EmitContext c) {
    Tf tf = c.tf();
    int depth = c.rank(1) > 0 ? (int) c.shape(1).dim(-1).orMinusOne() : -1;
    if (depth < 0 || c.rank(0) < 0) {
      c.unsupported("the number of coordinates is known only at run time", "");
      return;
    }
    Output<?> coordinates = Gathering.coordinates(c, 1, 0, depth);
    String reduction = c.node().stringAttr("reduction", "none");
    if (depth <= MAX_COORDINATES && !reduction.equals("mul")) {
      c.bind(0, tf.call(kernel(reduction), c.in(0), coordinates, c.in(2)));
      return;
    }
    Output<?> rows = tf.reshape(c.in(0), Gathering.flatShape(c, depth));
    Output<?> position = tf.reshape(Gathering.linear(c, coordinates, depth), -1L);
    Output<?> tail = tf.call("Slice", tf.shape(rows), tf.constInts(1), tf.constInts(-1));
    Output<?> updates = tf.reshape(c.in(2), tf.concat(List.of(tf.shape(position), tail), 0));
    Output<?> updated = update(c, rows, position, updates);
    c.bind(0, tf.reshape(updated, c.shape(0).isStatic() ? tf.constShape(c.shape(0).toLongs()) : tf.shape(c.in(0))));
  }

  private static String kernel(String reduction) {
    return switch (reduction) {
      case "none" -> "TensorScatterUpdate";
      case "add" -> "TensorScatterAdd";
      case "min" -> "TensorScatterMin";
      case "max" -> "TensorScatterMax";
      default -> throw new IllegalArgumentException("reduction " + reduction + " is none of none, add, mul, min, max");
    };
  }

  /** Rows of {@code data} at {@code positions}, a vector, changed by the rows of {@code updates}. */
  private static Output<?> update(EmitContext c, Output<?> data, Output<?> positions, Output<?> updates) {
    Tf tf = c.tf();
    String reduction = c.opset() < 16 ? "none" : c.node().stringAttr("reduction", "none");
    if (reduction.equals("mul")) {
      Output<?> rows = Slicing.element(tf, tf.shape(data), 0);
      return tf.mul(data, tf.call("UnsortedSegmentProd", updates, positions, rows));
    }
    return tf.call(kernel(reduction), data, tf.expandDims(positions, 1), updates);
  }

  /** Rows of a cache, [batch, …, sequence, …], written from a place on that each sample of the batch has its own. */
  private static void tensorScatter(EmitContext c) {
    Tf tf = c.tf();
    int rank = c.rank(0);
    if (rank < 0) {
      c.unsupported("the cache's rank is unknown", "");
      return;
    }
    int axis = Reductions.axis(c, -2);
    Output<?> cache = c.in(0);
    Output<?> shape = tf.shape(cache);
    Output<?> sequence = Slicing.element(tf, shape, axis);
    Output<?> count = Slicing.element(tf, tf.shape(c.in(1)), axis);
    Output<?> index = tf.call("Range", tf.constInt(0), count, tf.constInt(1));
    if (c.has(2)) {
      // [batch, 1, count]
      index = tf.add(tf.expandDims(tf.expandDims(tf.cast(c.in(2), DataType.DT_INT32), 1), 2), index);
    }
    if (c.node().stringAttr("mode", "linear").equals("circular")) {
      index = tf.call("FloorMod", index, sequence);
    }
    // Everything before the sequence is rows of their own: [batch, rows of a sample, 1].
    Output<?> batch = tf.call("Slice", shape, tf.constInts(0), tf.constInts(1));
    Output<?> perSample = tf.reduce("Prod", tf.call("Slice", shape, tf.constInts(1), tf.constInts(axis - 1)), true, 0);
    Output<?> rows = tf.call("Range", tf.constInt(0), tf.reduce("Prod", tf.concat(List.of(batch, perSample), 0), false, 0), tf.constInt(1));
    Output<?> first = tf.mul(tf.reshape(rows, tf.concat(List.of(batch, perSample, tf.constInts(1)), 0)), sequence);
    Output<?> tail = tf.call("Slice", shape, tf.constInts(axis + 1), tf.constInts(-1));
    Output<?> all = tf.reduce("Prod", tf.call("Slice", shape, tf.constInts(0), tf.constInts(axis + 1)), true, 0);
    Output<?> position = tf.reshape(tf.add(first, index), tf.constInts(-1));
    Output<?> updates = tf.reshape(c.in(1), tf.concat(List.of(tf.shape(position), tail), 0));
    Output<?> flat = tf.reshape(cache, tf.concat(List.of(all, tail), 0));
    Output<?> updated = tf.call("TensorScatterUpdate", flat, tf.expandDims(position, 1), updates);
    c.bind(0, tf.reshape(updated, c.shape(0).isStatic() ? tf.constShape(c.shape(0).toLongs()) : shape));
  }
}
