package dev.tenon.tf.emit;

import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.ParameterRole;
import dev.tenon.tf.Tf;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** Operators on the patches that a kernel sees: Col2Im, which adds them up to an image, and DeformConv, which samples them. */
final class Patches {
  private Patches() {}

  static void register(EmitterRegistry ops) {
    ops.op("Col2Im", 18, Patches::col2Im);
    ops.op("DeformConv", 19, Patches::deformConv);
  }

  private static long[] attr(EmitContext c, String name, int count, long byDefault) {
    long[] all = new long[count];
    Arrays.fill(all, byDefault);
    long[] given = c.node().intsAttr(name, all);
    if (given.length != count) {
      throw new IllegalArgumentException(name + " has " + given.length + " numbers, expected " + count);
    }
    return given;
  }

  private static Output<?> range(Tf tf, Output<?> count) {
    return tf.call("Range", tf.constInt(0), count, tf.constInt(1));
  }

  private static Output<?> flat(Tf tf, Output<?> x) {
    return tf.reshape(x, tf.constInts(-1));
  }

  // ---- Col2Im ----

  /** Each element is added to its place in the padded image, flat, and the padding is cut off. */
  private static void col2Im(EmitContext c) {
    Tf tf = c.tf();
    int rank = c.rank(1) == 1 ? (int) c.shape(1).dim(0).orMinusOne() : -1;
    if (rank < 0) {
      c.unsupported("the number of spatial dimensions is known only at run time", "");
      return;
    }
    long[] strides = attr(c, "strides", rank, 1);
    long[] dilations = attr(c, "dilations", rank, 1);
    long[] pads = attr(c, "pads", 2 * rank, 0);
    Output<?> image = tf.cast(c.in(1), DataType.DT_INT32);
    Output<?> block = tf.cast(c.in(2), DataType.DT_INT32);
    Output<?> element = null;
    Output<?> place = null;
    List<Output<?>> padded = new ArrayList<>();
    for (int i = 0; i < rank; i++) {
      Output<?> size = tf.add(Slicing.element(tf, image, i), tf.constInt((int) (pads[i] + pads[i + rank])));
      Output<?> width = Slicing.element(tf, block, i);
      Output<?> extent = tf.mul(tf.sub(width, tf.constInt(1)), tf.constInt((int) dilations[i]));
      Output<?> last = tf.call("FloorDiv", tf.sub(tf.sub(size, extent), tf.constInt(1)), tf.constInt((int) strides[i]));
      element = joined(tf, element, size, tf.mul(range(tf, width), tf.constInt((int) dilations[i])));
      place = joined(tf, place, size, tf.mul(range(tf, tf.add(last, tf.constInt(1))), tf.constInt((int) strides[i])));
      padded.add(size);
    }
    Output<?> index = flat(tf, tf.add(tf.expandDims(element, 1), place));
    Output<?> shape = tf.shape(c.in(0));
    Output<?> batch = tf.call("Slice", shape, tf.constInts(0), tf.constInts(1));
    Output<?> channels = tf.call("FloorDiv", tf.call("Slice", shape, tf.constInts(1), tf.constInts(1)), tf.reduce("Prod", block, true, 0));
    Output<?> leading = tf.concat(List.of(batch, channels), 0);
    Output<?> images = tf.reduce("Prod", leading, true, 0);
    Output<?> rows = tf.transpose(tf.reshape(c.in(0), tf.concat(List.of(images, tf.shape(index)), 0)), 1, 0);
    Output<?> sizes = tf.pack(padded, 0);
    Output<?> sum = tf.call("ScatterNd", tf.expandDims(index, 1), rows, tf.concat(List.of(tf.reduce("Prod", sizes, true, 0), images), 0));
    Output<?> y = tf.reshape(tf.transpose(sum, 1, 0), tf.concat(List.of(leading, sizes), 0));
    if (Arrays.stream(pads).anyMatch(p -> p != 0)) {
      int[] begin = new int[rank + 2];
      for (int i = 0; i < rank; i++) {
        begin[i + 2] = (int) pads[i];
      }
      y = tf.call("Slice", y, tf.constInts(begin), tf.concat(List.of(leading, image), 0));
    }
    c.bind(0, y);
  }

  /** Flat indices with one axis more: {@code before * size + next}, for all of both. */
  private static Output<?> joined(Tf tf, Output<?> before, Output<?> size, Output<?> next) {
    return before == null ? next : flat(tf, tf.add(tf.expandDims(tf.mul(before, size), 1), next));
  }

  // ---- DeformConv ----

  /** An offset's neighbour along an axis: its index, 0 if it is outside, and its weight, zero there. */
  private record Neighbour(Output<?> index, Output<?> weight) {}

  /** The elements under the moved kernel, interpolated, times the kernel as a matrix for each group. */
  private static void deformConv(EmitContext c) {
    Tf tf = c.tf();
    int rank = c.rank(0) - 2;
    if (rank != 2 || !c.shape(1).isStatic()) {
      c.unsupported(rank != 2 ? "an input of rank " + c.rank(0) + ", expected 4" : "the kernel's shape is known only at run time", "");
      return;
    }
    long[] w = c.shape(1).toLongs();
    int groups = (int) c.node().intAttr("group", 1);
    int offsetGroups = (int) c.node().intAttr("offset_group", 1);
    int taps = (int) (w[2] * w[3]);
    int channels = (int) w[1] * groups;
    DataType type = c.in(0).dataType() == DataType.DT_DOUBLE ? DataType.DT_DOUBLE : DataType.DT_FLOAT;
    Output<?> x = tf.cast(c.in(0), type);
    Output<?> shape = tf.shape(x);
    Output<?> batch = tf.call("Slice", shape, tf.constInts(0), tf.constInts(1));
    Output<?> space = tf.call("Slice", tf.shape(c.in(2)), tf.constInts(2), tf.constInts(2));
    // Rows of channels: [batch * offset groups * height * width, channels of an offset group].
    Output<?> size = tf.call("Slice", shape, tf.constInts(2), tf.constInts(2));
    Output<?> parted = tf.reshape(x, tf.concat(List.of(batch, tf.constInts(offsetGroups, channels / offsetGroups), size), 0));
    Output<?> images = tf.mul(batch, tf.constInts(offsetGroups));
    Output<?> pixels = tf.reduce("Prod", tf.concat(List.of(images, size), 0), true, 0);
    Output<?> rows = tf.reshape(tf.transpose(parted, 0, 1, 3, 4, 2), tf.concat(List.of(pixels, tf.constInts(channels / offsetGroups)), 0));
    // Offsets: [batch * offset groups, taps, 2, height, width].
    Output<?> offsets = tf.reshape(tf.cast(c.in(2), type), tf.concat(List.of(images, tf.constInts(taps, 2), space), 0));
    List<Output<?>> moves = tf.op("Unpack").in(offsets).attr("num", 2).attr("axis", 2).outs();
    Output<?> height = Slicing.element(tf, size, 0);
    Output<?> width = Slicing.element(tf, size, 1);
    Output<?> image = tf.reshape(range(tf, tf.reshape(images, tf.constInts())), -1, 1, 1, 1);
    Output<?> sum = null;
    for (Neighbour v : neighbours(tf, tf.add(moves.get(0), places(c, type, w, 0, Slicing.element(tf, space, 0))), height)) {
      for (Neighbour h : neighbours(tf, tf.add(moves.get(1), places(c, type, w, 1, Slicing.element(tf, space, 1))), width)) {
        Output<?> index = tf.add(tf.mul(tf.add(tf.mul(image, height), v.index), width), h.index);
        Output<?> value = tf.mul(tf.gather(rows, index, 0), tf.expandDims(tf.mul(v.weight, h.weight), -1));
        sum = sum == null ? value : tf.add(sum, value);
      }
    }
    if (c.has(4)) {
      sum = tf.mul(sum, tf.reshape(tf.cast(c.in(4), type), tf.concat(List.of(images, tf.constInts(taps), space, tf.constInts(1)), 0)));
    }
    Output<?> patches = tf.reshape(sum, tf.concat(List.of(batch, tf.constInts(offsetGroups, taps), space, tf.constInts(channels / offsetGroups)), 0));
    bindProduct(c, type, tf.transpose(patches, 1, 5, 2, 0, 3, 4), batch, space, w);
  }

  /**
   * The kernel times the patches.
   *
   * @param patches [offset groups, channels of one, taps, batch, height, width]
   */
  private static void bindProduct(EmitContext c, DataType type, Output<?> patches, Output<?> batch, Output<?> space, long[] w) {
    Tf tf = c.tf();
    int groups = (int) c.node().intAttr("group", 1);
    int inner = (int) (w[1] * w[2] * w[3]);
    Output<?> places = tf.reduce("Prod", tf.concat(List.of(batch, space), 0), true, 0);
    Output<?> columns = tf.reshape(patches, tf.concat(List.of(tf.constInts(groups, inner), places), 0));
    Output<?> kernel = tf.reshape(tf.cast(c.parameter(1, ParameterRole.KERNEL), type), groups, w[0] / groups, inner);
    Output<?> y = tf.reshape(tf.call("BatchMatMulV2", kernel, columns), tf.concat(List.of(tf.constInts((int) w[0]), batch, space), 0));
    if (c.has(3)) {
      y = tf.add(y, tf.reshape(tf.cast(c.parameter(3, ParameterRole.BIAS), type), w[0], 1, 1, 1));
    }
    c.bind(0, tf.cast(tf.transpose(y, 1, 0, 2, 3), c.in(0).dataType()));
  }

  /** Where the kernel's elements fall along an axis without offsets: [taps, height, width], one of the two of size one. */
  private static Output<?> places(EmitContext c, DataType type, long[] w, int axis, Output<?> count) {
    Tf tf = c.tf();
    long dilation = attr(c, "dilations", 2, 1)[axis];
    int[] inKernel = new int[(int) (w[2] * w[3])];
    for (int t = 0; t < inKernel.length; t++) {
      inKernel[t] = (int) ((axis == 0 ? t / w[3] : t % w[3]) * dilation - attr(c, "pads", 4, 0)[axis]);
    }
    Output<?> starts = tf.mul(range(tf, count), tf.constInt((int) attr(c, "strides", 2, 1)[axis]));
    Output<?> taps = tf.reshape(tf.constInts(inKernel), inKernel.length, 1, 1);
    return tf.cast(tf.add(taps, axis == 0 ? tf.expandDims(starts, 1) : starts), type);
  }

  private static List<Neighbour> neighbours(Tf tf, Output<?> at, Output<?> size) {
    Output<?> last = tf.cast(tf.sub(size, tf.constInt(1)), at.dataType());
    Output<?> zero = tf.scalarLike(at, 0);
    Output<?> one = tf.scalarLike(at, 1);
    Output<?> low = tf.call("Floor", at);
    Output<?> share = tf.sub(at, low);
    List<Neighbour> both = new ArrayList<>();
    for (boolean high : new boolean[] {false, true}) {
      Output<?> index = high ? tf.add(low, one) : low;
      Output<?> inside = tf.cast(tf.call("LogicalAnd", tf.call("GreaterEqual", index, zero), tf.call("LessEqual", index, last)), at.dataType());
      Output<?> clamped = tf.call("Maximum", tf.call("Minimum", index, last), zero);
      both.add(new Neighbour(tf.cast(clamped, DataType.DT_INT32), tf.mul(high ? share : tf.sub(one, share), inside)));
    }
    return both;
  }
}
