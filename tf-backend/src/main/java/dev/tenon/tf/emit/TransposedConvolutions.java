package dev.tenon.tf.emit;

import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.ParameterRole;
import dev.tenon.tf.Tf;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.tensorflow.Output;

/**
 * ConvTranspose: the gradient of a convolution with respect to its input. Kernels are stored as Keras' Conv2DTranspose stores
 * them, [spatial…, out / group, in].
 */
final class TransposedConvolutions {
  private final EmitContext c;
  private final Tf tf;
  private final Spatial s;
  private final long[] strides;
  private final long[] dilations;
  private final long[] outputPadding;
  private final long[] extents;
  private final long group;
  /** Cropped from the full result; negative where zeros are appended instead. */
  private final long[] begin;
  private final long[] end;

  private TransposedConvolutions(EmitContext c) {
    this.c = c;
    this.tf = c.tf();
    this.s = Spatial.of(c);
    this.strides = s.perAxis("strides", 1);
    this.dilations = s.perAxis("dilations", 1);
    this.outputPadding = s.perAxis("output_padding", 0);
    this.group = c.node().intAttr("group", 1);
    this.extents = new long[s.rank()];
    long[] kernelShape = c.node().intsAttr("kernel_shape", null);
    for (int i = 0; i < extents.length; i++) {
      long k = c.shape(1).hasRank() && c.shape(1).dim(2 + i).isConstant() ? c.shape(1).dim(2 + i).constant()
          : kernelShape == null ? -1 : kernelShape[i];
      if (k < 0) {
        throw new IllegalArgumentException("the kernel's size must be known");
      }
      extents[i] = (k - 1) * dilations[i] + 1;
    }
    this.begin = new long[s.rank()];
    this.end = new long[s.rank()];
  }

  static void register(EmitterRegistry ops) {
    ops.op("ConvTranspose", 1, c -> new TransposedConvolutions(c).emit());
    for (int rank = 1; rank <= 3; rank++) {
      ops.op("dev.tenon", "ConvTranspose" + rank + "D", 1, c -> new TransposedConvolutions(c).emit());
    }
  }

  private void emit() {
    if (s.rank() < 1 || s.rank() > 3) {
      c.unsupported(s.rank() + " spatial dimensions, supported are 1 to 3", "");
      return;
    }
    if (!readCrop()) {
      c.unsupported("output_shape with input sizes that are known at run time only", "give the input's spatial dimensions");
      return;
    }
    Output<?> x = s.x();
    boolean depthwise = isDepthwise();
    Output<?> kernel = kernel(depthwise);
    if (s.rank() == 1) {
      x = tf.expandDims(x, 1);
      kernel = tf.expandDims(kernel, 0);
    }
    Output<?> y;
    if (group == 1 || depthwise) {
      y = one(x, kernel, depthwise);
    } else {
      int last = x.shape().numDimensions() - 1;
      List<Output<?>> xs = Convolutions.split(tf, x, last, group);
      List<Output<?>> kernels = Convolutions.split(tf, kernel, last, group);
      List<Output<?>> ys = new ArrayList<>();
      for (int i = 0; i < group; i++) {
        ys.add(one(xs.get(i), kernels.get(i), false));
      }
      y = tf.concat(ys, last);
    }
    if (s.rank() == 1) {
      y = tf.squeeze(y, 1);
    }
    s.bind(Convolutions.biased(c, y));
  }

  /** One output channel a group of one channel, and a stride that the depthwise kernel takes. */
  private boolean isDepthwise() {
    return group > 1 && s.rank() <= 2 && c.shape(1).hasRank() && c.shape(1).dim(1).is(1) && c.shape(1).dim(0).is(group)
        && Arrays.stream(strides).distinct().count() == 1;
  }

  private Output<?> kernel(boolean depthwise) {
    int[] perm = switch (s.rank()) {
      case 1 -> depthwise ? new int[] {2, 0, 1} : new int[] {2, 1, 0};
      case 2 -> depthwise ? new int[] {2, 3, 0, 1} : new int[] {2, 3, 1, 0};
      default -> new int[] {2, 3, 4, 1, 0};
    };
    Output<?> kernel = c.permuted(1, ParameterRole.KERNEL, perm);
    return Convolutions.zeroStuffed(tf, kernel, dilations);
  }

  /** What is cropped from either side; false if it depends on sizes that are not known. */
  private boolean readCrop() {
    String auto = c.node().stringAttr("auto_pad", "NOTSET");
    long[] shape = c.node().intsAttr("output_shape", null);
    long[] pads = c.node().intsAttr("pads", null);
    for (int i = 0; i < begin.length; i++) {
      long total;
      if (shape != null && shape.length > 0) {
        if (s.size(i) < 0) {
          return false;
        }
        // Old models list batch and channels too.
        long wanted = shape[shape.length - begin.length + i];
        total = strides[i] * (s.size(i) - 1) + outputPadding[i] + extents[i] - wanted;
      } else if (auto.startsWith("SAME")) {
        total = extents[i] - strides[i] + outputPadding[i];
      } else {
        begin[i] = auto.equals("VALID") || pads == null ? 0 : pads[i];
        end[i] = auto.equals("VALID") || pads == null ? 0 : pads[begin.length + i];
        continue;
      }
      if (total < 0) {
        // More than the windows reach: zeros behind.
        end[i] = total;
      } else {
        long half = total / 2;
        begin[i] = auto.equals("SAME_UPPER") ? half : total - half;
        end[i] = total - begin[i];
      }
    }
    return true;
  }

  private Output<?> one(Output<?> x, Output<?> kernel, boolean depthwise) {
    boolean regular = IntStream.range(0, begin.length).allMatch(i -> outputPadding[i] < strides[i] && begin[i] >= 0 && end[i] >= 0
        && extents[i] + outputPadding[i] - begin[i] - end[i] > 0);
    boolean none = Arrays.stream(begin).allMatch(p -> p == 0) && Arrays.stream(end).allMatch(p -> p == 0);
    if (regular && none) {
      return backprop(x, kernel, depthwise, sizes(begin, end, outputPadding, x, kernel, depthwise), "VALID");
    }
    if (regular && isSame()) {
      return backprop(x, kernel, depthwise, sizes(begin, end, outputPadding, x, kernel, depthwise), "SAME");
    }
    if (regular && s.rank() <= 2) {
      return backprop(x, kernel, depthwise, sizes(begin, end, outputPadding, x, kernel, depthwise), "EXPLICIT");
    }
    long[] zero = new long[begin.length];
    return crop(backprop(x, kernel, depthwise, sizes(zero, zero, zero, x, kernel, depthwise), "VALID"));
  }

  /** True if a SAME convolution of the result has the input's size and these pads, whatever the input's size. */
  private boolean isSame() {
    for (int i = 0; i < begin.length; i++) {
      long reach = extents[i] + outputPadding[i] - begin[i] - end[i];
      long total = Math.max(begin[i] + end[i] - outputPadding[i], 0);
      if (reach < 1 || reach > strides[i] || begin[i] != total / 2) {
        return false;
      }
    }
    return true;
  }

  private Output<?> backprop(Output<?> x, Output<?> kernel, boolean depthwise, Output<?> sizes, String padding) {
    String type = s.rank() == 3 ? "Conv3DBackpropInputV2" : depthwise ? "DepthwiseConv2dNativeBackpropInput" : "Conv2DBackpropInput";
    long[] st = switch (s.rank()) {
      case 1 -> new long[] {1, depthwise ? strides[0] : 1, strides[0], 1};
      case 2 -> new long[] {1, strides[0], strides[1], 1};
      default -> new long[] {1, strides[0], strides[1], strides[2], 1};
    };
    Tf.OpBuilder op = tf.op(type).in(sizes, kernel, x).attr("strides", st).attr("padding", padding);
    if (padding.equals("EXPLICIT")) {
      op.attr("explicit_paddings", new WindowPadding(begin, end, false).explicit(s.rank() == 1 ? 2 : 1));
    }
    return op.out();
  }

  /** The result's shape: a constant if it is known, but for the batch at least its other dimensions. */
  private Output<?> sizes(long[] b, long[] e, long[] extra, Output<?> x, Output<?> kernel, boolean depthwise) {
    int rank = s.rank();
    int lead = rank == 1 ? 2 : 1;
    long[] kernelDims = kernel.shape().asArray();
    int channels = (int) (depthwise ? kernelDims[kernelDims.length - 2] : kernelDims[kernelDims.length - 2]);
    int[] constant = new int[rank];
    boolean known = true;
    for (int i = 0; i < rank; i++) {
      constant[i] = (int) (extents[i] + extra[i] - b[i] - e[i] - strides[i] + strides[i] * Math.max(s.size(i), 0));
      known &= s.size(i) >= 0;
    }
    if (known && s.batch() >= 0) {
      int[] all = new int[lead + rank + 1];
      all[0] = (int) s.batch();
      all[lead - 1] = rank == 1 ? 1 : all[0];
      System.arraycopy(constant, 0, all, lead, rank);
      all[lead + rank] = channels;
      return tf.constInts(all);
    }
    Output<?> shape = tf.shape(x);
    Output<?> first = tf.call("Slice", shape, tf.constInts(0), tf.constInts(lead));
    if (known) {
      int[] rest = Arrays.copyOf(constant, rank + 1);
      rest[rank] = channels;
      return tf.concat(List.of(first, tf.constInts(rest)), 0);
    }
    Output<?> size = tf.call("Slice", shape, tf.constInts(lead), tf.constInts(rank));
    int[] offset = new int[rank];
    for (int i = 0; i < rank; i++) {
      offset[i] = (int) (extents[i] + extra[i] - b[i] - e[i] - strides[i]);
    }
    int[] st = Arrays.stream(strides).mapToInt(Math::toIntExact).toArray();
    return tf.concat(List.of(first, tf.add(tf.mul(size, tf.constInts(st)), tf.constInts(offset)), tf.constInts(channels)), 0);
  }

  /** Cuts the pads off a full result, and appends zeros where the windows do not reach. */
  private Output<?> crop(Output<?> full) {
    int lead = s.rank() == 1 ? 2 : 1;
    int dims = lead + s.rank() + 1;
    int[] from = new int[dims];
    int[] to = new int[dims];
    int[] ones = new int[dims];
    Arrays.fill(ones, 1);
    long endMask = (1L << dims) - 1;
    int[] pad = new int[2 * dims];
    boolean padded = false;
    for (int i = 0; i < s.rank(); i++) {
      long back = end[i] - outputPadding[i];
      from[lead + i] = (int) Math.max(begin[i], 0);
      if (back > 0) {
        to[lead + i] = (int) -back;
        endMask &= ~(1L << lead + i);
      }
      pad[2 * (lead + i)] = (int) Math.max(-begin[i], 0);
      pad[2 * (lead + i) + 1] = (int) Math.max(-back, 0);
      padded |= begin[i] < 0 || back < 0;
    }
    Output<?> y = tf.op("StridedSlice").in(full, tf.constInts(from), tf.constInts(to), tf.constInts(ones)).attr("begin_mask", 0)
        .attr("end_mask", endMask).out();
    return padded ? tf.call("Pad", y, tf.constant(dev.tenon.ir.Tensor.of(pad, dims, 2))) : y;
  }
}
