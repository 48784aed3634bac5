package dev.tenon.tf.emit;

import dev.tenon.ir.Tensor;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.ParameterRole;
import dev.tenon.tf.Tf;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/**
 * Convolutions of one to three spatial dimensions. Kernels are stored as Keras stores them: [spatial…, in, out], depthwise
 * [spatial…, in, multiplier].
 */
final class Convolutions {
  /** Up to how many multiplications for each image a convolution with a kernel of one element is a product, by measurement. */
  private static final long MAX_PRODUCT = 10_000_000;
  /** And up to how many elements of its input or output. */
  private static final long MAX_PRODUCT_ELEMENTS = 250_000;
  private static final long MAX_HARD_SWISH_ELEMENTS = 60_000;

  private Convolutions() {}

  static void register(EmitterRegistry ops) {
    ops.op("Conv", 1, Convolutions::conv);
    for (int rank = 1; rank <= 3; rank++) {
      ops.op("dev.tenon", "Conv" + rank + "D", 1, Convolutions::conv);
    }
    TransposedConvolutions.register(ops);
  }

  /** What a convolution does, read from the node. */
  private record Window(long[] strides, long[] dilations, long[] extents, WindowPadding padding, long group) {

    static Window of(EmitContext c, Spatial s) {
      long[] strides = s.perAxis("strides", 1);
      long[] dilations = s.perAxis("dilations", 1);
      long[] extents = new long[s.rank()];
      long[] kernelShape = c.node().intsAttr("kernel_shape", null);
      for (int i = 0; i < extents.length; i++) {
        long k = c.shape(1).hasRank() && c.shape(1).dim(2 + i).isConstant() ? c.shape(1).dim(2 + i).constant()
            : kernelShape == null ? -1 : kernelShape[i];
        extents[i] = k < 0 ? -1 : (k - 1) * dilations[i] + 1;
      }
      return new Window(strides, dilations, extents, WindowPadding.of(c, s, extents, strides), c.node().intAttr("group", 1));
    }

    boolean isDilated() {
      return Arrays.stream(dilations).anyMatch(d -> d != 1);
    }
  }

  private static void conv(EmitContext c) {
    Spatial s = Spatial.of(c);
    Window w = Window.of(c, s);
    if (s.rank() < 1 || s.rank() > 3) {
      c.unsupported(s.rank() + " spatial dimensions, supported are 1 to 3", "");
      return;
    }
    if (isProduct(c, s, w)) {
      product(c, s);
      return;
    }
    Output<?> y = s.rank() == 3 ? conv3d(c, s, w) : conv2d(c, s, w);
    s.bind(withBias(c, y));
  }

  private static Output<?> withBias(EmitContext c, Output<?> y) {
    return c.has(2) ? c.tf().call("BiasAdd", y, c.parameter(2, ParameterRole.BIAS)) : y;
  }

  // ---- kernels of one element ----

  /**
   * True if a convolution is a product of matrices that TensorFlow computes faster as such: oneDNN's convolution costs some 40 us
   * a call more than its product, which shows where there is little to compute, and only a product is fused with GELU.
   */
  private static boolean isProduct(EmitContext c, Spatial s, Window w) {
    boolean onePoint = w.group == 1 && w.padding.isZero() && Arrays.stream(w.extents).allMatch(e -> e == 1)
        && Arrays.stream(w.strides).allMatch(n -> n == 1);
    if (!onePoint || !c.dtype(0).equals(dev.tenon.ir.DataType.FLOAT)) {
      return false;
    }
    String next = c.follower() == null ? "" : c.follower().opType();
    if (next.equals("Gelu")) {
      return true;
    }
    long positions = Arrays.stream(s.sizes()).reduce(1, (a, b) -> a < 0 || b < 0 ? -1 : a * b);
    long in = c.shape(1).dim(1).orMinusOne();
    long out = c.shape(1).dim(0).orMinusOne();
    if (positions < 0 || in < 0 || out < 0) {
      return false;
    }
    // Grappler fuses HardSwish into a convolution only; on its own it is four operators.
    long elements = next.equals("HardSwish") ? MAX_HARD_SWISH_ELEMENTS : MAX_PRODUCT_ELEMENTS;
    return positions * in * out <= MAX_PRODUCT && positions * Math.max(in, out) <= elements;
  }

  private static void product(EmitContext c, Spatial s) {
    Tf tf = c.tf();
    Output<?> x = s.x();
    int[] perm = IntStream.rangeClosed(0, s.rank() + 1).map(i -> i < s.rank() ? i + 2 : s.rank() + 1 - i).toArray();
    long[] kernel = c.shape(1).toLongs();
    Output<?> matrix = tf.reshape(c.permuted(1, ParameterRole.KERNEL, perm), kernel[1], kernel[0]);
    Output<?> rows = withBias(c, tf.call("MatMul", tf.reshape(x, -1, kernel[1]), matrix));
    long[] dims = new long[s.rank() + 2];
    dims[0] = s.batch();
    System.arraycopy(s.sizes(), 0, dims, 1, s.rank());
    dims[dims.length - 1] = kernel[0];
    Rows.bind(c, c.node(), rows, y -> s.toNodeLayout(Rows.restored(tf, x, y, dims)));
  }

  // ---- one and two dimensions ----

  private static Output<?> conv2d(EmitContext c, Spatial s, Window w) {
    Tf tf = c.tf();
    Output<?> x = s.x();
    long[] weight = c.shape(1).hasRank() ? c.shape(1).toLongs() : new long[s.rank() + 2];
    boolean depthwise = w.group > 1 && weight[1] == 1 && weight[0] > 0
        // The kernel for dilated depthwise convolution has no float64; a grouped convolution does the same.
        && !(w.isDilated() && x.dataType() == DataType.DT_DOUBLE);
    Output<?> kernel = depthwise ? depthwiseKernel(c, w, weight) : c.permuted(1, ParameterRole.KERNEL, s.rank() == 1
        ? new int[] {2, 1, 0} : new int[] {2, 3, 1, 0});
    String type = depthwise ? "DepthwiseConv2dNative" : "Conv2D";
    WindowPadding p = w.padding;
    boolean same = p.isSame(s, w.extents, w.strides);
    // On the CPU, gradients of dilated and of grouped convolutions know no explicit padding. And a
    // depthwise convolution that Grappler fuses with its bias aborts the process in TensorFlow 2.18 if its padding is explicit:
    // the shape function of _FusedDepthwiseConv2dNative looks for the paddings without having read them.
    boolean separate = !p.isKnown() && !same || p.isNegative()
        || !same && !p.isZero() && (w.isDilated() || w.group > 1) || unequalDepthwiseStrides(depthwise, w);
    if (separate) {
      x = p.isKnown() ? p.pad(tf, x, null) : WindowPadding.padSameLower(tf, s, x, w.extents, w.strides, null);
    }
    if (s.rank() == 1) {
      x = tf.expandDims(x, 1);
      kernel = tf.expandDims(kernel, 0);
    }
    if (unequalDepthwiseStrides(depthwise, w)) {
      return unequalStrides(tf, x, kernel, w);
    }
    Tf.OpBuilder op = tf.op(type).in(x, kernel).attr("strides", nhwc(w.strides)).attr("dilations", nhwc(w.dilations));
    if (separate || p.isZero()) {
      op.attr("padding", "VALID");
    } else if (same) {
      op.attr("padding", "SAME");
    } else {
      op.attr("padding", "EXPLICIT").attr("explicit_paddings", p.explicit(s.rank() == 1 ? 2 : 1));
    }
    Output<?> y = op.out();
    return s.rank() == 1 ? tf.squeeze(y, 1) : y;
  }

  /** TensorFlow's depthwise kernel has one stride for both dimensions. */
  private static boolean unequalDepthwiseStrides(boolean depthwise, Window w) {
    return depthwise && w.strides.length == 2 && w.strides[0] != w.strides[1];
  }

  /** Computes at stride one and keeps what the strides leave. */
  private static Output<?> unequalStrides(Tf tf, Output<?> x, Output<?> kernel, Window w) {
    Output<?> all = tf.op("DepthwiseConv2dNative").in(x, kernel).attr("strides", 1L, 1L, 1L, 1L).attr("dilations", nhwc(w.dilations))
        .attr("padding", "VALID").out();
    Output<?> y = all;
    for (int i = 0; i < w.strides.length; i++) {
      // Not a StridedSlice, which steps through single elements.
      y = w.strides[i] == 1 ? y : tf.gather(y, everyNth(tf, all, i + 1, w.strides[i]), i + 1);
    }
    return y;
  }

  /** 0, stride, 2 stride, … below the size of an axis. */
  private static Output<?> everyNth(Tf tf, Output<?> x, int axis, long stride) {
    return tf.call("Range", tf.constInt(0), Slicing.element(tf, tf.shape(x), axis), tf.constInt((int) stride));
  }

  /** [group * multiplier, 1, spatial…] to [spatial…, group, multiplier]. */
  private static Output<?> depthwiseKernel(EmitContext c, Window w, long[] weight) {
    long multiplier = weight[0] / w.group;
    long[] split = new long[weight.length];
    split[0] = w.group;
    split[1] = multiplier;
    System.arraycopy(weight, 2, split, 2, weight.length - 2);
    int[] perm = weight.length == 3 ? new int[] {2, 0, 1} : new int[] {2, 3, 0, 1};
    return c.isConstant(1) ? c.parameter(1, ParameterRole.KERNEL, t -> t.reshape(split).permute(perm))
        : c.tf().transpose(c.tf().reshape(c.in(1), split), perm);
  }

  /** Numbers of the spatial dimensions as TensorFlow wants them for a 4-D channels-last tensor; 1-D data is one row. */
  private static long[] nhwc(long[] v) {
    if (v.length == 1) {
      // The depthwise kernel wants equal strides; along a dimension of size one any stride is the same.
      return new long[] {1, v[0], v[0], 1};
    }
    return new long[] {1, v[0], v[1], 1};
  }

  // ---- three dimensions ----

  private static Output<?> conv3d(EmitContext c, Spatial s, Window w) {
    Tf tf = c.tf();
    Output<?> x = s.x();
    Output<?> kernel = dilated(c, w, c.permuted(1, ParameterRole.KERNEL, 2, 3, 4, 1, 0));
    WindowPadding p = w.padding;
    boolean same = p.isSame(s, w.extents, w.strides);
    if (!same && !p.isZero()) {
      x = p.isKnown() ? p.pad(tf, x, null) : WindowPadding.padSameLower(tf, s, x, w.extents, w.strides, null);
    }
    String padding = same ? "SAME" : "VALID";
    if (w.group == 1) {
      return conv3d(tf, x, kernel, w, padding);
    }
    List<Output<?>> xs = split(tf, x, 4, w.group);
    List<Output<?>> kernels = split(tf, kernel, 4, w.group);
    List<Output<?>> ys = new ArrayList<>();
    for (int i = 0; i < w.group; i++) {
      ys.add(conv3d(tf, xs.get(i), kernels.get(i), w, padding));
    }
    return tf.concat(ys, 4);
  }

  private static Output<?> conv3d(Tf tf, Output<?> x, Output<?> kernel, Window w, String padding) {
    return tf.op("Conv3D").in(x, kernel).attr("strides", 1, w.strides[0], w.strides[1], w.strides[2], 1).attr("padding", padding).out();
  }

  static List<Output<?>> split(Tf tf, Output<?> x, int axis, long parts) {
    return tf.op("Split").in(tf.constInt(axis), x).attr("num_split", parts).outs();
  }

  /** Conv3D has no dilation but with oneDNN: zeros between the kernel's elements say the same. */
  private static Output<?> dilated(EmitContext c, Window w, Output<?> kernel) {
    return w.isDilated() ? zeroStuffed(c.tf(), kernel, w.dilations) : kernel;
  }

  /** [k…, a, b] to [(k-1)*d+1 …, a, b] with zeros in between, so that the variable itself stays small. */
  static Output<?> zeroStuffed(Tf tf, Output<?> kernel, long[] dilations) {
    long[] dims = kernel.shape().asArray();
    for (int i = 0; i < dilations.length; i++) {
      long d = dilations[i];
      if (d == 1) {
        continue;
      }
      long k = dims[i];
      // [.., k, rest] -> [.., k, 1, rest] -> pad to [.., k, d, rest] -> [.., k*d, rest] -> cut the last d-1.
      long before = product(dims, 0, i);
      long after = product(dims, i + 1, dims.length);
      Output<?> y = tf.reshape(kernel, before * k, 1, after);
      y = tf.call("Pad", y, tf.constant(Tensor.of(new int[] {0, 0, 0, (int) d - 1, 0, 0}, 3, 2)));
      y = tf.reshape(y, before, k * d, after);
      dims[i] = (k - 1) * d + 1;
      y = tf.call("Slice", y, tf.constInts(0, 0, 0), tf.constInts(-1, (int) dims[i], -1));
      kernel = tf.reshape(y, dims);
    }
    return kernel;
  }

  private static long product(long[] dims, int from, int to) {
    long n = 1;
    for (int i = from; i < to; i++) {
      n *= dims[i];
    }
    return n;
  }

  static Output<?> biased(EmitContext c, Output<?> y) {
    return withBias(c, y);
  }
}
