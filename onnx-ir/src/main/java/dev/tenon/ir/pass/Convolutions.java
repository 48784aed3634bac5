package dev.tenon.ir.pass;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.util.Arrays;

/**
 * The linear operators that a per-channel scale and shift can be folded into, seen alike: the weight's recipe scaled along its output
 * or input channels. Scales are [C], or [1] for all channels.
 */
final class Convolutions {
  private Convolutions() {}

  static boolean isConvolution(Node n) {
    return n != null && (n.isOp("Conv") || n.isOp("ConvTranspose"));
  }

  /** The number of output channels of a convolution with this weight; [M, C/group, …], transposed [C, M/group, …]. */
  static long outputChannels(Node n, Tensor weight) {
    return n.isOp("Conv") ? weight.dim(0) : weight.dim(1) * n.intAttr("group", 1);
  }

  /** The weight with output channel o multiplied by {@code scale[o]}. */
  static Tensor scaleOutputs(Node n, Tensor weight, Tensor scale) {
    if (scale.numel() == 1) {
      return multiply(weight, scale.reshape(ones(1)));
    }
    if (n.isOp("Conv")) {
      long[] shape = ones(weight.rank());
      shape[0] = scale.numel();
      return multiply(weight, scale.reshape(shape));
    }
    // Output channel g * (M/group) + j sits at [g * (C/group) + i, j] for every input channel i of the group.
    long group = n.intAttr("group", 1);
    long[] grouped = grouped(weight.dims(), group);
    long[] shape = ones(grouped.length);
    shape[0] = group;
    shape[2] = weight.dim(1);
    return multiply(weight.reshape(grouped), scale.reshape(shape)).reshape(weight.dims());
  }

  /** The weight of a Conv with input channel c multiplied by {@code scale[c]}. */
  static Tensor scaleInputs(Node conv, Tensor weight, Tensor scale) {
    if (scale.numel() == 1) {
      return multiply(weight, scale.reshape(ones(1)));
    }
    // Output channel g * (M/group) + j reads input channels g * (C/group) + i.
    long group = conv.intAttr("group", 1);
    long[] grouped = grouped(weight.dims(), group);
    long[] shape = ones(grouped.length);
    shape[0] = group;
    shape[2] = weight.dim(1);
    return multiply(weight.reshape(grouped), scale.reshape(shape)).reshape(weight.dims());
  }

  /** [group, first/group, second, …]. */
  private static long[] grouped(long[] dims, long group) {
    long[] g = new long[dims.length + 1];
    g[0] = group;
    g[1] = dims[0] / group;
    System.arraycopy(dims, 1, g, 2, dims.length - 1);
    return g;
  }

  static long[] ones(int rank) {
    long[] d = new long[rank];
    Arrays.fill(d, 1);
    return d;
  }

  /** A product in the second's type (parameters may be more exact than the weight), rounded to the first's. */
  static Tensor multiply(Tensor weight, Tensor scale) {
    DataType exact = scale.dtype();
    return weight.cast(exact).times(scale).cast(weight.dtype());
  }

  /**
   * A constant that adds or multiplies per channel a value of this rank with channels on axis 1, as [C] or [1]; null if it is not of
   * that form.
   */
  static Tensor perChannel(Tensor t, int rank, long channels) {
    if (t.rank() > rank || !t.dtype().isFloat()) {
      return null;
    }
    if (t.numel() == 1) {
      return t.reshape(1);
    }
    int channelAxis = t.rank() - (rank - 1);
    if (channelAxis < 0 || t.numel() != channels || t.dim(channelAxis) != channels) {
      return null;
    }
    return t.reshape(channels);
  }

  /** The reverse of {@link #perChannel}: a constant that broadcasts along the channels of a value of this rank. */
  static Tensor alongChannels(Tensor perChannel, int rank) {
    if (perChannel.numel() == 1) {
      return perChannel.reshape();
    }
    long[] shape = ones(rank - 1);
    shape[0] = perChannel.numel();
    return perChannel.reshape(shape);
  }

  /** True if the convolution provably reads no padding. */
  static boolean hasNoPadding(Node conv) {
    String auto = conv.stringAttr("auto_pad", "NOTSET");
    long[] pads = conv.intsAttr("pads", new long[0]);
    return auto.equals("VALID") || auto.equals("NOTSET") && Arrays.stream(pads).allMatch(p -> p == 0);
  }

  /** The constant, or null if it is left out or not constant. */
  static Tensor constant(Value v) {
    return v == null ? null : v.constant();
  }
}
