package dev.tenon.tf.emit;

import dev.tenon.ir.Dim;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.Tf;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** Pad in all its modes, and CenterCropPad. */
final class Padding {
  /** TensorFlow's Pad kernel takes up to this many dimensions. */
  private static final int MAX_RANK = 6;

  private Padding() {}

  static void register(EmitterRegistry ops) {
    ops.op("Pad", 1, Padding::pad);
    ops.op("CenterCropPad", 18, Padding::centerCropPad);
  }

  private static void pad(EmitContext c) {
    String mode = c.node().stringAttr("mode", "constant");
    long[] pads = c.opset() < 11 ? c.node().intsAttr(c.opset() < 2 ? "paddings" : "pads", null) : c.constantLongs(1);
    long[] axes = c.has(3) ? c.constantLongs(3) : null;
    int rank = c.rank(0);
    if (rank < 0 || c.has(3) && axes == null && pads != null) {
      c.unsupported(rank < 0 ? "the input's rank is unknown" : "axes are known only at run time", "");
      return;
    }
    if (pads == null) {
      dynamic(c, mode);
      return;
    }
    int n = pads.length / 2;
    int[] before = new int[rank];
    int[] behind = new int[rank];
    for (int i = 0; i < n; i++) {
      int a = axes == null ? i : (int) (axes[i] < 0 ? axes[i] + rank : axes[i]);
      before[a] = Math.toIntExact(pads[i]);
      behind[a] = Math.toIntExact(pads[i + n]);
    }
    Output<?> x = cropped(c, before, behind);
    boolean nothing = Arrays.stream(before).allMatch(p -> p <= 0) && Arrays.stream(behind).allMatch(p -> p <= 0);
    if (nothing) {
      c.bind(0, x);
    } else if (mode.equals("constant")) {
      c.bind(0, constant(c, x, before, behind));
    } else {
      c.bind(0, mirrored(c, x, mode, before, behind));
    }
  }

  /** Input 0 without what negative pads cut off. */
  private static Output<?> cropped(EmitContext c, int[] before, int[] behind) {
    int rank = before.length;
    int[] begin = new int[rank];
    int[] end = new int[rank];
    long endMask = 0;
    boolean any = false;
    for (int a = 0; a < rank; a++) {
      begin[a] = Math.max(0, -before[a]);
      end[a] = Math.min(0, behind[a]);
      endMask |= end[a] == 0 ? 1L << a : 0;
      any |= begin[a] != 0 || end[a] != 0;
    }
    int[] ones = new int[rank];
    Arrays.fill(ones, 1);
    Tf tf = c.tf();
    return any ? tf.op("StridedSlice").in(c.in(0), tf.constInts(begin), tf.constInts(end), tf.constInts(ones)).attr("end_mask", endMask).out()
        : c.in(0);
  }

  private static Output<?> constant(EmitContext c, Output<?> x, int[] before, int[] behind) {
    Tf tf = c.tf();
    int rank = before.length;
    if (rank > MAX_RANK) {
      return axisByAxis(c, x, before, behind);
    }
    Output<?> paddings = paddings(tf, before, behind);
    Output<?> value = value(c, x);
    return value == null ? tf.call("Pad", x, paddings) : tf.call("PadV2", x, paddings, value);
  }

  private static Output<?> paddings(Tf tf, int[] before, int[] behind) {
    int[] flat = new int[2 * before.length];
    for (int a = 0; a < before.length; a++) {
      flat[2 * a] = Math.max(0, before[a]);
      flat[2 * a + 1] = Math.max(0, behind[a]);
    }
    return tf.constant(dev.tenon.ir.Tensor.of(flat, before.length, 2));
  }

  /** The constant to fill with; null for zero. */
  private static Output<?> value(EmitContext c, Output<?> x) {
    if (c.opset() < 11) {
      float v = c.node().floatAttr("value", 0);
      return v == 0 ? null : c.tf().scalarLike(x, v);
    }
    if (!c.has(2) || c.constant(2) != null && c.constant(2).dtype() != dev.tenon.ir.DataType.STRING && c.constant(2).numel() == 1
        && c.dtype(2) != dev.tenon.ir.DataType.BOOL && c.constant(2).item() == 0) {
      return null;
    }
    return c.rank(2) == 0 ? c.in(2) : c.tf().reshape(c.in(2), new long[0]);
  }

  /** Ranks that the kernel does not take: each axis alone, by a concatenation. */
  private static Output<?> axisByAxis(EmitContext c, Output<?> x, int[] before, int[] behind) {
    Tf tf = c.tf();
    Output<?> fill = value(c, x) == null ? tf.scalarLike(x, 0) : value(c, x);
    Output<?> y = x;
    for (int a = 0; a < before.length; a++) {
      if (before[a] > 0 || behind[a] > 0) {
        Output<?> left = filled(tf, y, a, before.length, Math.max(0, before[a]), fill);
        Output<?> right = filled(tf, y, a, before.length, Math.max(0, behind[a]), fill);
        y = tf.concat(List.of(left, y, right), a);
      }
    }
    return y;
  }

  private static Output<?> filled(Tf tf, Output<?> like, int axis, int rank, int size, Output<?> value) {
    int[] keep = new int[rank];
    int[] set = new int[rank];
    Arrays.fill(keep, 1);
    keep[axis] = 0;
    set[axis] = size;
    return tf.call("Fill", tf.add(tf.mul(tf.shape(like), tf.constInts(keep)), tf.constInts(set)), value);
  }

  /** Elements of the tensor itself: MirrorPad where it can, else a gather along each axis. */
  private static Output<?> mirrored(EmitContext c, Output<?> x, String mode, int[] before, int[] behind) {
    Tf tf = c.tf();
    boolean fits = mode.equals("reflect") && before.length <= 5;
    for (int a = 0; a < before.length && fits; a++) {
      Dim d = c.shape(0).dim(a);
      int most = Math.max(before[a], behind[a]);
      boolean cropped = before[a] < 0 || behind[a] < 0;
      fits = most <= 0 || !cropped && (!d.isConstant() || d.constant() > most);
    }
    if (fits) {
      return tf.op("MirrorPad").in(x, paddings(tf, before, behind)).attr("mode", "REFLECT").out();
    }
    Output<?> y = x;
    for (int a = 0; a < before.length; a++) {
      if (before[a] > 0 || behind[a] > 0) {
        Dim d = c.shape(0).dim(a).plus(Math.min(0, before[a]) + Math.min(0, behind[a]));
        y = tf.gather(y, index(tf, y, mode, a, d, Math.max(0, before[a]), Math.max(0, behind[a])), a);
      }
    }
    return y;
  }

  /** For each place along an axis of the result, the place in the input that its element comes from. */
  private static Output<?> index(Tf tf, Output<?> x, String mode, int axis, Dim size, int before, int behind) {
    if (size.isConstant()) {
      int n = Math.toIntExact(size.constant());
      return tf.constInts(IntStream.range(-before, n + behind).map(i -> source(mode, i, n)).toArray());
    }
    Output<?> n = Slicing.element(tf, tf.shape(x), axis);
    Output<?> i = tf.call("Range", tf.constInt(-before), tf.add(n, tf.constInt(behind)), tf.constInt(1));
    Output<?> last = tf.sub(n, tf.constInt(1));
    return switch (mode) {
      case "edge" -> tf.call("ClipByValue", i, tf.constInt(0), last);
      case "wrap" -> tf.call("FloorMod", i, n);
      case "reflect" -> {
        // A zigzag of period 2(n - 1): |((i + n - 1) mod period) - (n - 1)|.
        Output<?> period = tf.call("Maximum", tf.mul(last, tf.constInt(2)), tf.constInt(1));
        yield tf.call("Abs", tf.sub(tf.call("FloorMod", tf.add(i, last), period), last));
      }
      default -> throw new IllegalArgumentException("mode " + mode + " is none of constant, reflect, edge, wrap");
    };
  }

  private static int source(String mode, int i, int n) {
    return switch (mode) {
      case "edge" -> Math.max(0, Math.min(n - 1, i));
      case "wrap" -> Math.floorMod(i, n);
      case "reflect" -> Math.abs(Math.floorMod(i + n - 1, Math.max(1, 2 * (n - 1))) - (n - 1));
      default -> throw new IllegalArgumentException("mode " + mode + " is none of constant, reflect, edge, wrap");
    };
  }

  /** Pads that are known only at run time; they must not be negative. */
  private static void dynamic(EmitContext c, String mode) {
    Tf tf = c.tf();
    int rank = c.rank(0);
    Output<?> pairs = tf.transpose(tf.reshape(c.in(1), 2, -1), 1, 0);
    if (c.has(3)) {
      Output<?> axes = tf.expandDims(tf.call("FloorMod", tf.cast(c.in(3), DataType.DT_INT32), tf.constInt(rank)), 1);
      pairs = tf.call("ScatterNd", axes, pairs, tf.constInts(rank, 2));
    }
    if (mode.equals("constant")) {
      Output<?> value = value(c, c.in(0));
      c.bind(0, value == null ? tf.call("Pad", c.in(0), pairs) : tf.call("PadV2", c.in(0), pairs, value));
    } else if (mode.equals("reflect") && rank <= 5) {
      c.bind(0, tf.op("MirrorPad").in(c.in(0), pairs).attr("mode", "REFLECT").out());
    } else {
      Output<?> y = c.in(0);
      Output<?> p = tf.cast(pairs, DataType.DT_INT32);
      for (int a = 0; a < rank; a++) {
        Output<?> pair = Slicing.element(tf, p, a);
        Output<?> n = Slicing.element(tf, tf.shape(y), a);
        Output<?> i = tf.call("Range", tf.call("Neg", Slicing.element(tf, pair, 0)), tf.add(n, Slicing.element(tf, pair, 1)), tf.constInt(1));
        Output<?> from = mode.equals("edge") ? tf.call("ClipByValue", i, tf.constInt(0), tf.sub(n, tf.constInt(1)))
            : tf.call("FloorMod", i, n);
        y = tf.gather(y, from, a);
      }
      c.bind(0, y);
    }
  }

  // ---- CenterCropPad ----

  /** What is cut off and what is added; of an odd difference the smaller half is in front, in both. */
  private static void centerCropPad(EmitContext c) {
    int rank = c.rank(0);
    if (rank < 0) {
      c.unsupported("the input's rank is unknown", "");
      return;
    }
    long[] axes = c.node().intsAttr("axes", java.util.stream.LongStream.range(0, rank).toArray());
    long[] target = c.knownData(1).map(d -> d.stream().mapToLong(Dim::orMinusOne).toArray()).orElse(c.constantLongs(1));
    boolean known = target != null;
    int[] before = new int[rank];
    int[] behind = new int[rank];
    for (int i = 0; i < axes.length && known; i++) {
      int a = (int) (axes[i] < 0 ? axes[i] + rank : axes[i]);
      Dim size = c.shape(0).dim(a);
      known = size.isConstant() && target[i] >= 0;
      if (known) {
        int more = Math.toIntExact(target[i] - size.constant());
        before[a] = more / 2;
        behind[a] = more - before[a];
      }
    }
    if (!known) {
      centerCropPadAtRunTime(c, axes);
      return;
    }
    Output<?> x = cropped(c, before, behind);
    boolean padded = IntStream.range(0, rank).anyMatch(a -> before[a] > 0 || behind[a] > 0);
    c.bind(0, !padded ? x : rank > MAX_RANK ? axisByAxis(c, x, before, behind) : c.tf().call("Pad", x, paddings(c.tf(), before, behind)));
  }

  private static void centerCropPadAtRunTime(EmitContext c, long[] axes) {
    int rank = c.rank(0);
    if (rank > MAX_RANK) {
      c.unsupported("sizes known only at run time for an input of rank " + rank + ", expected at most " + MAX_RANK, "");
      return;
    }
    Tf tf = c.tf();
    Output<?> sizes = tf.shape(c.in(0));
    Output<?> target = tf.cast(c.in(1), DataType.DT_INT32);
    int[] index = Arrays.stream(axes).mapToInt(a -> (int) (a < 0 ? a + rank : a)).toArray();
    if (!Arrays.equals(index, IntStream.range(0, rank).toArray())) {
      target = tf.call("TensorScatterUpdate", sizes, tf.expandDims(tf.constInts(index), 1), target);
    }
    Output<?> zero = tf.constInt(0);
    Output<?> less = tf.call("Maximum", tf.sub(sizes, target), zero);
    Output<?> more = tf.call("Maximum", tf.sub(target, sizes), zero);
    Output<?> x = tf.call("Slice", c.in(0), tf.call("FloorDiv", less, tf.constInt(2)), tf.sub(sizes, less));
    Output<?> before = tf.call("FloorDiv", more, tf.constInt(2));
    c.bind(0, tf.call("Pad", x, tf.pack(List.of(before, tf.sub(more, before)), 1)));
  }
}
