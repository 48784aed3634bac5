package dev.tenon.tf.emit;

import dev.tenon.ir.Shape;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.Tf;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/**
 * RoiAlign and MaxUnpool.
 *
 * <p>RoiAlign cuts each region into bins, and takes the mean or the maximum over a grid of samples in each bin. The samples'
 * coordinates are [regions, bins, samples] along each axis; the elements are gathered from the images as rows of channels.
 */
final class Regions {
  private final EmitContext c;
  private final Tf tf;
  private final DataType type;
  private final boolean halfPixel;
  private final boolean max;
  private final long ratio;

  /** The two neighbours of the samples along an axis, their weights, and which samples there are (null: all). */
  private record Axis(Output<?> low, Output<?> high, Output<?> lowWeight, Output<?> highWeight, Output<?> exists) {}

  private Regions(EmitContext c) {
    this.c = c;
    this.tf = c.tf();
    this.type = c.in(0).dataType() == DataType.DT_DOUBLE ? DataType.DT_DOUBLE : DataType.DT_FLOAT;
    String transformation = c.node().stringAttr("coordinate_transformation_mode", c.opset() < 16 ? "output_half_pixel" : "half_pixel");
    this.halfPixel = transformation.equals("half_pixel");
    String mode = c.node().stringAttr("mode", "avg");
    this.max = mode.equals("max");
    if (!max && !mode.equals("avg")) {
      throw new IllegalArgumentException("mode " + mode + " is none of avg, max");
    }
    this.ratio = c.node().intAttr("sampling_ratio", 0);
  }

  static void register(EmitterRegistry ops) {
    ops.op("RoiAlign", 10, c -> new Regions(c).roiAlign());
    ops.op("MaxUnpool", 9, Regions::maxUnpool);
  }

  private Output<?> f(double v) {
    return tf.scalar(type, v);
  }

  private void roiAlign() {
    Output<?> x = tf.transpose(tf.cast(c.in(0), type), 0, 2, 3, 1);
    Output<?> shape = tf.shape(x);
    Output<?> height = Slicing.element(tf, shape, 1);
    Output<?> width = Slicing.element(tf, shape, 2);
    Output<?> channels = tf.call("Slice", shape, tf.constInts(3), tf.constInts(1));
    Output<?> pixels = tf.reduce("Prod", tf.call("Slice", shape, tf.constInts(0), tf.constInts(3)), true, 0);
    Output<?> rows = tf.reshape(x, tf.concat(List.of(pixels, channels), 0));
    // x1, y1, x2, y2
    List<Output<?>> corners = tf.op("Unpack").in(tf.cast(c.in(1), type)).attr("num", 4).attr("axis", 1).outs();
    Axis v = axis(corners.get(1), corners.get(3), c.node().intAttr("output_height", 1), height);
    Axis h = axis(corners.get(0), corners.get(2), c.node().intAttr("output_width", 1), width);
    Output<?> image = after(tf.mul(tf.cast(c.in(2), DataType.DT_INT32), height), 4);

    List<Output<?>> parts = new ArrayList<>();
    for (boolean high : new boolean[] {false, true}) {
      Output<?> row = tf.mul(tf.add(image, after(high ? v.high : v.low, 2)), width);
      Output<?> vertical = after(high ? v.highWeight : v.lowWeight, 2);
      parts.add(tf.mul(tf.gather(rows, tf.add(row, before(h.low)), 0), tf.expandDims(tf.mul(vertical, before(h.lowWeight)), -1)));
      parts.add(tf.mul(tf.gather(rows, tf.add(row, before(h.high)), 0), tf.expandDims(tf.mul(vertical, before(h.highWeight)), -1)));
    }
    // [regions, vertical bins, samples, horizontal bins, samples, channels]
    Output<?> y = max ? maximum(parts, v, h) : tf.reduce("Sum", tf.op("AddN").inList(parts).out(), false, 2, 4);
    c.bind(0, tf.cast(tf.transpose(y, 0, 3, 1, 2), c.in(0).dataType()));
  }

  /** The largest weighted neighbour of any sample, which is what ONNX's reference and ONNX Runtime call the maximum. */
  private Output<?> maximum(List<Output<?>> parts, Axis v, Axis h) {
    Output<?> y = parts.get(0);
    for (Output<?> p : parts.subList(1, parts.size())) {
      y = tf.call("Maximum", y, p);
    }
    if (v.exists == null) {
      return tf.reduce("Max", y, false, 2, 4);
    }
    Output<?> lowest = f(Double.NEGATIVE_INFINITY);
    Output<?> exists = tf.expandDims(tf.call("LogicalAnd", after(v.exists, 2), before(h.exists)), -1);
    Output<?> any = tf.reduce("Any", exists, false, 2, 4);
    return tf.select(any, tf.reduce("Max", tf.select(exists, y, lowest), false, 2, 4), f(0));
  }

  /** [regions, bins, samples] of the vertical axis, or less, with axes of size one appended. */
  private Output<?> after(Output<?> x, int axes) {
    Output<?> y = x;
    for (int i = 0; i < axes; i++) {
      y = tf.expandDims(y, -1);
    }
    return y;
  }

  /** [regions, bins, samples] of the horizontal axis behind the two of the vertical one. */
  private Output<?> before(Output<?> x) {
    return tf.expandDims(tf.expandDims(x, 1), 1);
  }

  private Axis axis(Output<?> from, Output<?> to, long bins, Output<?> pixels) {
    float scale = c.node().floatAttr("spatial_scale", 1);
    double shift = halfPixel ? 0.5 : 0;
    Output<?> start = tf.sub(tf.mul(from, f(scale)), f(shift));
    Output<?> length = tf.sub(tf.sub(tf.mul(to, f(scale)), f(shift)), start);
    length = halfPixel ? length : tf.call("Maximum", length, f(1));
    Output<?> bin = tf.call("RealDiv", length, f(bins));
    // An adaptive grid has a sample a pixel; regions with fewer than the largest leave the rest out, but take its memory.
    Output<?> samples = ratio > 0 ? f(ratio) : tf.call("Ceil", bin);
    Output<?> most = ratio > 0 ? tf.constInt((int) ratio)
        : tf.cast(tf.reduce("Max", tf.concat(List.of(samples, tf.reshape(f(0), 1)), 0), false, 0), DataType.DT_INT32);
    Output<?> each = tf.cast(tf.call("Range", tf.constInt(0), most, tf.constInt(1)), type);
    Output<?> count = ratio > 0 ? samples : after(tf.call("Maximum", samples, f(1)), 2);
    Output<?> inBin = tf.call("RealDiv", tf.mul(tf.add(each, f(0.5)), after(bin, 2)), count);
    Output<?> first = tf.cast(tf.expandDims(tf.call("Range", tf.constInt(0), tf.constInt((int) bins), tf.constInt(1)), 1), type);
    Output<?> at = tf.add(tf.add(after(start, 2), tf.mul(first, after(bin, 2))), inBin);
    Output<?> exists = ratio > 0 ? null : tf.call("Less", tf.add(tf.call("ZerosLike", at), each), after(samples, 2));
    return neighbours(at, pixels, count, exists);
  }

  /** Linear interpolation: up to a pixel outside the border's elements count, farther away there is zero. */
  private Axis neighbours(Output<?> at, Output<?> pixels, Output<?> count, Output<?> exists) {
    Output<?> size = tf.cast(pixels, type);
    Output<?> last = tf.sub(size, f(1));
    Output<?> inside = tf.call("LogicalAnd", tf.call("GreaterEqual", at, f(-1)), tf.call("LessEqual", at, size));
    Output<?> weight = tf.cast(exists == null ? inside : tf.call("LogicalAnd", inside, exists), type);
    weight = max ? weight : tf.call("RealDiv", weight, count);
    Output<?> place = tf.call("Minimum", tf.call("Maximum", at, f(0)), last);
    Output<?> low = tf.call("Floor", place);
    Output<?> share = tf.sub(place, low);
    Output<?> high = tf.call("Minimum", tf.add(low, f(1)), last);
    return new Axis(tf.cast(low, DataType.DT_INT32), tf.cast(high, DataType.DT_INT32), tf.mul(weight, tf.sub(f(1), share)),
        tf.mul(weight, share), exists);
  }

  // ---- MaxUnpool ----

  /**
   * Elements written to their places in the flat result, whose other elements are zero. With a given output shape the indices
   * count in that shape, as MaxPool gives them and as ONNX Runtime has it; ONNX's reference counts in the shape that it infers and
   * pads behind.
   */
  private static void maxUnpool(EmitContext c) {
    Tf tf = c.tf();
    Output<?> shape = c.has(2) ? tf.cast(c.in(2), DataType.DT_INT64) : unpooled(c);
    Output<?> indices = tf.expandDims(tf.reshape(c.in(1), tf.constInts(-1)), 1);
    Output<?> zeros = tf.call("Fill", tf.reduce("Prod", shape, true, 0), tf.scalarLike(c.in(0), 0));
    Output<?> flat = tf.call("TensorScatterUpdate", zeros, indices, tf.reshape(c.in(0), tf.constInts(-1)));
    c.bind(0, tf.reshape(flat, shape));
  }

  /** The shape before the pooling: (size - 1) * stride + kernel - pads. */
  private static Output<?> unpooled(EmitContext c) {
    Tf tf = c.tf();
    Shape out = c.outputShape(0);
    if (out.isStatic()) {
      return tf.constLongs(out.toLongs());
    }
    long[] kernel = c.node().intsAttr("kernel_shape", null);
    int rank = kernel.length;
    long[] strides = c.node().intsAttr("strides", null);
    long[] pads = c.node().intsAttr("pads", new long[2 * rank]);
    long[] factor = new long[rank + 2];
    long[] offset = new long[rank + 2];
    factor[0] = 1;
    factor[1] = 1;
    for (int i = 0; i < rank; i++) {
      factor[i + 2] = strides == null ? 1 : strides[i];
      offset[i + 2] = kernel[i] - factor[i + 2] - pads[i] - pads[i + rank];
    }
    return tf.add(tf.mul(tf.shape64(c.in(0)), tf.constLongs(factor)), tf.constLongs(offset));
  }
}
