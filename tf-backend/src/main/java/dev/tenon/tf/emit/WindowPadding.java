package dev.tenon.tf.emit;

import dev.tenon.tf.EmitContext;
import dev.tenon.tf.Tf;
import java.util.Arrays;
import org.tensorflow.Output;

/**
 * The padding of a sliding window, one number a spatial dimension and side: ONNX's {@code pads} and {@code auto_pad}, and which of
 * TensorFlow's forms says the same.
 *
 * @param begin before each spatial dimension; null if it depends on sizes that are known at run time only
 * @param end behind each spatial dimension
 * @param same true if {@code auto_pad} is SAME_UPPER, which is TensorFlow's SAME whatever the sizes are
 */
record WindowPadding(long[] begin, long[] end, boolean same) {

  /** Reads the attributes of a node whose window has these sizes ({@code kernel} with dilation counted in). */
  static WindowPadding of(EmitContext c, Spatial s, long[] kernel, long[] strides) {
    int rank = s.rank();
    String auto = c.node().stringAttr("auto_pad", "NOTSET");
    long[] begin = new long[rank];
    long[] end = new long[rank];
    switch (auto) {
      case "NOTSET", "" -> {
        long[] pads = c.node().intsAttr("pads", null);
        if (pads != null && pads.length == 2 * rank) {
          begin = Arrays.copyOf(pads, rank);
          end = Arrays.copyOfRange(pads, rank, 2 * rank);
        } else if (pads != null && pads.length != 0) {
          throw new IllegalArgumentException("pads has " + pads.length + " numbers, expected " + 2 * rank);
        }
        return new WindowPadding(begin, end, false);
      }
      case "VALID" -> {
        return new WindowPadding(begin, end, false);
      }
      default -> {
        return same(s, kernel, strides, auto.equals("SAME_UPPER"));
      }
    }
  }

  private static WindowPadding same(Spatial s, long[] kernel, long[] strides, boolean upper) {
    long[] begin = new long[kernel.length];
    long[] end = new long[kernel.length];
    for (int i = 0; i < kernel.length; i++) {
      long total = sameTotal(s.size(i), kernel[i], strides[i]);
      if (total < 0) {
        return new WindowPadding(null, null, upper);
      }
      begin[i] = upper ? total / 2 : total - total / 2;
      end[i] = total - begin[i];
    }
    return new WindowPadding(begin, end, upper);
  }

  /** The padding that keeps ceil(size / stride) windows; -1 if it depends on a size that is not known. */
  private static long sameTotal(long size, long kernel, long stride) {
    if (stride == 1) {
      return kernel - 1;
    }
    return size < 0 ? -1 : Math.max(((size + stride - 1) / stride - 1) * stride + kernel - size, 0);
  }

  boolean isKnown() {
    return begin != null;
  }

  boolean isZero() {
    return begin != null && Arrays.stream(begin).allMatch(p -> p == 0) && Arrays.stream(end).allMatch(p -> p == 0);
  }

  boolean isNegative() {
    return begin != null && (Arrays.stream(begin).anyMatch(p -> p < 0) || Arrays.stream(end).anyMatch(p -> p < 0));
  }

  /** True if TensorFlow's SAME pads exactly so. */
  boolean isSame(Spatial s, long[] kernel, long[] strides) {
    if (same) {
      return true;
    }
    if (begin == null) {
      return false;
    }
    for (int i = 0; i < begin.length; i++) {
      long total = kernel[i] < 1 ? -1 : sameTotal(s.size(i), kernel[i], strides[i]);
      if (total < 0 || begin[i] != total / 2 || end[i] != total - total / 2) {
        return false;
      }
    }
    return true;
  }

  /** {@code explicit_paddings} of a channels-last tensor, {@code lead} unpadded dimensions (the batch, say) in front. */
  long[] explicit(int lead) {
    long[] p = new long[2 * (lead + begin.length + 1)];
    for (int i = 0; i < begin.length; i++) {
      p[2 * (lead + i)] = begin[i];
      p[2 * (lead + i) + 1] = end[i];
    }
    return p;
  }

  /**
   * The channels-last tensor with its spatial dimensions padded.
   *
   * @param value a scalar of x's type; null for zero
   */
  Output<?> pad(Tf tf, Output<?> x, Output<?> value) {
    long[] flat = explicit(1);
    int[] pairs = Arrays.stream(flat).mapToInt(Math::toIntExact).toArray();
    Output<?> paddings = tf.constant(dev.tenon.ir.Tensor.of(pairs, flat.length / 2, 2));
    return value == null ? tf.call("Pad", x, paddings) : tf.call("PadV2", x, paddings, value);
  }

  /** Pads as SAME_LOWER for sizes known at run time: the greater half in front. */
  static Output<?> padSameLower(Tf tf, Spatial s, Output<?> x, long[] kernel, long[] strides, Output<?> value) {
    int rank = kernel.length;
    int[] k = Arrays.stream(kernel).mapToInt(Math::toIntExact).toArray();
    int[] st = Arrays.stream(strides).mapToInt(Math::toIntExact).toArray();
    Output<?> stride = tf.constInts(st);
    Output<?> size = tf.op("StridedSlice").in(tf.shape(x), tf.constInts(1), tf.constInts(1 + rank), tf.constInts(1)).out();
    Output<?> one = tf.constInt(1);
    // ceil(size / stride) - 1 strides and a kernel, less the size.
    Output<?> last = tf.call("FloorDiv", tf.sub(size, one), stride);
    Output<?> total = tf.call("Maximum", tf.sub(tf.add(tf.mul(last, stride), tf.constInts(k)), size), tf.constInt(0));
    Output<?> end = tf.call("FloorDiv", total, tf.constInt(2));
    Output<?> pairs = tf.pack(java.util.List.of(tf.sub(total, end), end), 1);
    Output<?> none = tf.constant(dev.tenon.ir.Tensor.of(new int[] {0, 0}, 1, 2));
    Output<?> paddings = tf.concat(java.util.List.of(none, pairs, none), 0);
    return value == null ? tf.call("Pad", x, paddings) : tf.call("PadV2", x, paddings, value);
  }
}
