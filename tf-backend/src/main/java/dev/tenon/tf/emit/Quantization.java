package dev.tenon.tf.emit;

import dev.tenon.ir.Tensor;
import dev.tenon.tf.ElementTypes;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.Tf;
import java.util.Arrays;
import java.util.List;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** Linear quantization: q = saturate(round(x / scale) + zero_point), per tensor, per axis or in blocks along an axis. */
final class Quantization {
  private Quantization() {}

  static void register(EmitterRegistry ops) {
    ops.op("QuantizeLinear", 10, Quantization::quantize);
    ops.op("DequantizeLinear", 10, Quantization::dequantize);
    ops.op("DynamicQuantizeLinear", 11, Quantization::dynamicQuantize);
    ops.op("MatMulInteger", 10, c -> c.bind(0, product(c, centered(c, 0, 2, false), centered(c, 1, 3, true), 0, 1)));
    ops.op("QLinearMatMul", 10, Quantization::qLinearMatMul);
    ops.op("ConvInteger", 10, c -> c.bind(0, convolution(c, channelCentered(c, 0, 2), channelCentered(c, 1, 3), c.rank(0))));
    ops.op("QLinearConv", 10, Quantization::qLinearConv);
  }

  private static DataType working(DataType t) {
    return t == DataType.DT_DOUBLE ? t : DataType.DT_FLOAT;
  }

  private static void quantize(EmitContext c) {
    Tf tf = c.tf();
    DataType to = c.has(2) ? ElementTypes.toTensorFlow(c.dtype(2))
        : c.node().intAttr("output_dtype", 0) != 0 ? Elementwise.outputType(c, 0) : DataType.DT_UINT8;
    if (to == DataType.DT_INVALID) {
      c.unsupported("element type " + c.outputDtype(0) + " is not one that TensorFlow has", "");
      return;
    }
    DataType inner = working(c.in(0).dataType());
    Output<?> scaled = tf.call("RealDiv", tf.cast(c.in(0), inner), tf.cast(aligned(c, 1), inner));
    Output<?> zero = isZero(c, 2) ? null : Casting.convert(tf, aligned(c, 2), inner, true);
    c.bind(0, saturated(tf, scaled, zero, to, c.node().intAttr("saturate", 1) != 0));
  }

  /** Rounded (integers only), shifted and clipped to the type's range. */
  private static Output<?> saturated(Tf tf, Output<?> scaled, Output<?> zero, DataType to, boolean saturate) {
    if (to == DataType.DT_FLOAT8_E4M3FN || to == DataType.DT_FLOAT8_E5M2) {
      return Casting.convert(tf, zero == null ? scaled : tf.add(scaled, zero), to, saturate);
    }
    Output<?> rounded = tf.call("Round", scaled);
    Output<?> shifted = zero == null ? rounded : tf.add(rounded, zero);
    int bits = ElementTypes.toOnnx(to).bits();
    boolean unsigned = Kernels.isUnsigned(to) || to == DataType.DT_UINT4;
    double low = unsigned ? 0 : -Math.pow(2, bits - 1);
    double high = Math.pow(2, unsigned ? bits : bits - 1) - 1;
    Output<?> clipped = tf.call("ClipByValue", shifted, tf.scalarLike(shifted, low), tf.scalarLike(shifted, high));
    return Casting.convert(tf, clipped, to, true);
  }

  private static boolean isZero(EmitContext c, int i) {
    return !c.has(i) || c.isConstant(i) && Arrays.stream(c.constant(i).toDoubles()).allMatch(z -> z == 0);
  }

  private static void dequantize(EmitContext c) {
    Tf tf = c.tf();
    DataType type = ElementTypes.toTensorFlow(c.dtype(1));
    DataType to = c.node().intAttr("output_dtype", 0) != 0 ? Elementwise.outputType(c, 0) : type;
    DataType inner = working(type);
    Output<?> x = Casting.convert(tf, c.in(0), inner, true);
    if (!isZero(c, 2)) {
      x = tf.sub(x, Casting.convert(tf, aligned(c, 2), inner, true));
    }
    c.bind(0, tf.cast(tf.mul(x, tf.cast(aligned(c, 1), inner)), to));
  }

  /** A scale or zero point in a shape that broadcasts with input 0: a vector lies along the axis, blocks are repeated. */
  private static Output<?> aligned(EmitContext c, int i) {
    Tf tf = c.tf();
    Tensor constant = c.constant(i);
    int rank = c.rank(0);
    long block = c.node().intAttr("block_size", 0);
    int axis = c.opset() < 13 ? 1 : (int) c.node().intAttr("axis", 1);
    axis = axis < 0 ? axis + rank : axis;
    if (block > 0) {
      long size = c.shape(0).dim(axis).orMinusOne();
      long blocks = c.shape(i).dim(axis).orMinusOne();
      long n = size >= 0 ? size : blocks * block;
      int[] source = new int[Math.toIntExact(n)];
      for (int k = 0; k < source.length; k++) {
        source[k] = (int) (k / block);
      }
      return tf.gather(constant != null ? tf.constant(constant) : c.in(i), tf.constInts(source), axis);
    }
    int ownRank = c.rank(i);
    boolean single = ownRank == 0 || ownRank == 1 && c.shape(i).dim(0).is(1);
    long[] shape = new long[single ? 0 : Math.max(rank, 1)];
    Arrays.fill(shape, 1);
    if (!single) {
      shape[axis] = -1;
    }
    if (constant == null) {
      return single && ownRank == 0 || axis == rank - 1 && !single ? c.in(i) : tf.reshape(c.in(i), shape);
    }
    if (!single) {
      shape[axis] = constant.numel();
    }
    return tf.constant(constant.reshape(shape).evaluated());
  }

  /** Scale and zero point from the range of the data, zero included. */
  private static void dynamicQuantize(EmitContext c) {
    Tf tf = c.tf();
    Output<?> x = c.in(0);
    Output<?> zero = tf.scalarLike(x, 0);
    Output<?> flat = tf.reshape(x, -1L);
    Output<?> max = tf.call("Maximum", tf.reduce("Max", flat, false, 0), zero);
    Output<?> min = tf.call("Minimum", tf.reduce("Min", flat, false, 0), zero);
    Output<?> range = tf.sub(max, min);
    Output<?> scale = tf.call("RealDiv", range, tf.scalarLike(x, 255));
    Output<?> divisor = tf.select(tf.call("Equal", range, zero), tf.scalarLike(x, 1), scale);
    Output<?> point = tf.call("Round", tf.call("ClipByValue", tf.call("Neg", tf.call("RealDiv", min, divisor)), zero, tf.scalarLike(x, 255)));
    c.bind(0, saturated(tf, tf.call("RealDiv", x, divisor), point, DataType.DT_UINT8, true));
    c.bind(1, divisor);
    c.bind(2, tf.cast(point, DataType.DT_UINT8));
  }

  // ---- integer products ----

  /** Input i less its zero point, as int32. A vector of zero points belongs to the rows of the first operand, the columns of the second. */
  private static Output<?> centered(EmitContext c, int i, int zero, boolean columns) {
    Tf tf = c.tf();
    Output<?> x = tf.cast(c.in(i), DataType.DT_INT32);
    if (isZero(c, zero)) {
      return x;
    }
    Output<?> z = tf.cast(c.in(zero), DataType.DT_INT32);
    boolean rows = !columns && c.rank(zero) == 1 && !c.shape(zero).dim(0).is(1);
    return tf.sub(x, rows ? tf.expandDims(z, 1) : z);
  }

  private static Output<?> product(EmitContext c, Output<?> a, Output<?> b, int first, int second) {
    Tf tf = c.tf();
    boolean row = c.rank(first) == 1;
    boolean column = c.rank(second) == 1;
    Output<?> y = tf.call("BatchMatMulV2", row ? tf.expandDims(a, 0) : a, column ? tf.expandDims(b, 1) : b);
    y = row ? tf.squeeze(y, -2) : y;
    return column ? tf.squeeze(y, -1) : y;
  }

  private static void qLinearMatMul(EmitContext c) {
    Tf tf = c.tf();
    Output<?> sum = product(c, centered(c, 0, 2, false), centered(c, 3, 5, true), 0, 3);
    Output<?> scale = tf.mul(rowScale(c), tf.cast(c.in(4), DataType.DT_FLOAT));
    c.bind(0, requantized(c, sum, tf.call("RealDiv", scale, tf.cast(c.in(6), DataType.DT_FLOAT)), 7));
  }

  private static Output<?> rowScale(EmitContext c) {
    Output<?> s = c.tf().cast(c.in(1), DataType.DT_FLOAT);
    return c.rank(1) == 1 && !c.shape(1).dim(0).is(1) ? c.tf().expandDims(s, 1) : s;
  }

  /** An int32 sum times a factor, rounded, shifted by the zero point input and saturated to its type. */
  private static Output<?> requantized(EmitContext c, Output<?> sum, Output<?> factor, int zero) {
    Tf tf = c.tf();
    Output<?> scaled = tf.mul(tf.cast(sum, DataType.DT_FLOAT), factor);
    return saturated(tf, scaled, isZero(c, zero) ? null : tf.cast(c.in(zero), DataType.DT_FLOAT), ElementTypes.toTensorFlow(c.dtype(zero)), true);
  }

  /** Input i less its zero point, which for a kernel may be one for each output channel. */
  private static Output<?> channelCentered(EmitContext c, int i, int zero) {
    Tf tf = c.tf();
    Output<?> x = tf.cast(c.in(i), DataType.DT_INT32);
    if (isZero(c, zero)) {
      return x;
    }
    Output<?> z = tf.cast(c.in(zero), DataType.DT_INT32);
    long[] first = new long[c.rank(i)];
    Arrays.fill(first, 1);
    first[0] = -1;
    return tf.sub(x, c.rank(zero) == 1 ? tf.reshape(z, first) : z);
  }

  /** An exact int32 convolution in two dimensions (one is lifted to two). Padding comes after the zero point is taken off, so it is 0. */
  private static Output<?> convolution(EmitContext c, Output<?> x, Output<?> kernel, int rank) {
    Tf tf = c.tf();
    int spatial = rank - 2;
    int kernelInput = c.node().opType().equals("QLinearConv") ? 3 : 1;
    if (spatial < 1 || spatial > 2 || !c.shape(kernelInput).isStatic()) {
      throw new IllegalArgumentException("integer convolutions are emitted in one and two dimensions with a kernel of known size, found "
          + c.shape(0) + " and " + c.shape(kernelInput));
    }
    long[] ones = new long[spatial];
    Arrays.fill(ones, 1);
    long[] strides = c.node().intsAttr("strides", ones);
    long[] dilations = c.node().intsAttr("dilations", ones);
    int group = (int) c.node().intAttr("group", 1);
    long[] pads = pads(c, kernelInput, strides, dilations, spatial);
    Output<?> image = tf.transpose(spatial == 1 ? tf.expandDims(x, 2) : x, 0, 2, 3, 1);
    Output<?> filter = tf.transpose(spatial == 1 ? tf.expandDims(kernel, 2) : kernel, 2, 3, 1, 0);
    int[] paddings = new int[8];
    for (int s = 0; s < spatial; s++) {
      paddings[2 * (3 - spatial + s)] = (int) pads[s];
      paddings[2 * (3 - spatial + s) + 1] = (int) pads[s + spatial];
    }
    if (Arrays.stream(paddings).anyMatch(p -> p != 0)) {
      image = tf.call("Pad", image, tf.constant(Tensor.of(paddings, 4, 2)));
    }
    Output<?> y = group == 1 ? conv2d(tf, image, filter, strides, dilations) : grouped(tf, image, filter, strides, dilations, group);
    Output<?> first = tf.transpose(y, 0, 3, 1, 2);
    return spatial == 1 ? tf.squeeze(first, 2) : first;
  }

  private static Output<?> grouped(Tf tf, Output<?> image, Output<?> filter, long[] strides, long[] dilations, int group) {
    List<Output<?>> images = tf.op("Split").in(tf.constInt(3), image).attr("num_split", (long) group).outs();
    List<Output<?>> filters = tf.op("Split").in(tf.constInt(3), filter).attr("num_split", (long) group).outs();
    List<Output<?>> parts = new java.util.ArrayList<>();
    for (int g = 0; g < group; g++) {
      parts.add(conv2d(tf, images.get(g), filters.get(g), strides, dilations));
    }
    return tf.concat(parts, 3);
  }

  private static Output<?> conv2d(Tf tf, Output<?> image, Output<?> filter, long[] strides, long[] dilations) {
    int n = strides.length;
    return tf.op("Conv2D").in(image, filter).attr("strides", 1L, n == 2 ? strides[0] : 1L, strides[n - 1], 1L)
        .attr("dilations", 1L, n == 2 ? dilations[0] : 1L, dilations[n - 1], 1L).attr("padding", "VALID").out();
  }

  private static long[] pads(EmitContext c, int kernelInput, long[] strides, long[] dilations, int spatial) {
    String auto = c.node().stringAttr("auto_pad", "NOTSET");
    long[] pads = c.node().intsAttr("pads", new long[2 * spatial]);
    if (!auto.startsWith("SAME")) {
      return pads;
    }
    for (int s = 0; s < spatial; s++) {
      long in = c.shape(0).dim(2 + s).constant();
      long window = (c.shape(kernelInput).dim(2 + s).constant() - 1) * dilations[s] + 1;
      long total = Math.max(0, ((in + strides[s] - 1) / strides[s] - 1) * strides[s] + window - in);
      pads[s] = auto.equals("SAME_UPPER") ? total / 2 : total - total / 2;
      pads[s + spatial] = total - pads[s];
    }
    return pads;
  }

  private static void qLinearConv(EmitContext c) {
    Tf tf = c.tf();
    Output<?> sum = convolution(c, channelCentered(c, 0, 2), channelCentered(c, 3, 5), c.rank(0));
    long[] channel = new long[c.rank(0) - 1];
    Arrays.fill(channel, 1);
    channel[0] = -1;
    if (c.has(8)) {
      sum = tf.add(sum, tf.reshape(c.in(8), channel));
    }
    Output<?> kernelScale = c.rank(4) == 1 ? tf.reshape(c.in(4), channel) : c.in(4);
    Output<?> factor = tf.call("RealDiv", tf.mul(c.in(1), kernelScale), c.in(6));
    c.bind(0, requantized(c, sum, factor, 7));
  }
}
