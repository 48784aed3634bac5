package dev.tenon.tf.emit;

import dev.tenon.ir.Tensor;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.Tf;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** Pooling with sliding windows, and over all of space. */
final class Pooling {
  private static final Set<DataType> MAX_POOL = Set.of(DataType.DT_FLOAT, DataType.DT_DOUBLE, DataType.DT_HALF, DataType.DT_BFLOAT16,
      DataType.DT_INT8, DataType.DT_UINT8, DataType.DT_INT16, DataType.DT_INT32, DataType.DT_INT64);

  private final EmitContext c;
  private final Tf tf;
  private final Spatial s;
  private final long[] kernel;
  private final long[] strides;
  private final long[] dilations;
  private final long[] extents;
  private final WindowPadding padding;
  /** The padding behind that ceil_mode reads too: windows start inside the data or the padding before it. */
  private final long[] ceilEnd;

  private Pooling(EmitContext c) {
    this.c = c;
    this.tf = c.tf();
    this.s = Spatial.of(c);
    this.kernel = s.perAxis("kernel_shape", 1);
    this.strides = s.perAxis("strides", 1);
    this.dilations = s.perAxis("dilations", 1);
    this.extents = new long[kernel.length];
    for (int i = 0; i < kernel.length; i++) {
      extents[i] = (kernel[i] - 1) * dilations[i] + 1;
    }
    this.padding = WindowPadding.of(c, s, extents, strides);
    this.ceilEnd = padding.isKnown() ? ceilEnd() : null;
  }

  static void register(EmitterRegistry ops) {
    everywhere(ops, "MaxPool", c -> {
      if (c.wants(1)) {
        new MaxPoolIndices(c).emit();
      } else {
        new Pooling(c).max();
      }
    });
    everywhere(ops, "AveragePool", c -> new Pooling(c).average());
    everywhere(ops, "LpPool", c -> new Pooling(c).lp());
    everywhere(ops, "GlobalAveragePool", c -> global(c, "Mean"));
    everywhere(ops, "GlobalMaxPool", c -> global(c, "Max"));
    everywhere(ops, "GlobalLpPool", Pooling::globalLp);
  }

  static void everywhere(EmitterRegistry ops, String op, dev.tenon.tf.Emitter emitter) {
    ops.op(op, 1, emitter);
    for (int rank = 1; rank <= 3; rank++) {
      ops.op("dev.tenon", op + rank + "D", 1, emitter);
    }
  }

  /**
   * With ceil_mode, output sizes are rounded up, but for a last window that would start behind the data: as many windows as padding
   * by stride - 1 more allows, and no more than extent - 1.
   */
  private long[] ceilEnd() {
    long[] e = padding.end().clone();
    if (c.node().intAttr("ceil_mode", 0) == 1 && c.node().stringAttr("auto_pad", "NOTSET").matches("NOTSET|")) {
      for (int i = 0; i < e.length; i++) {
        long wanted = Math.max(e[i], Math.min(e[i] + strides[i] - 1, extents[i] - 1));
        if (s.size(i) >= 0) {
          long room = s.size(i) + padding.begin()[i] + wanted - extents[i];
          wanted = Math.max(e[i], wanted - Math.floorMod(room, strides[i]));
        }
        e[i] = wanted;
      }
    }
    return e;
  }

  private boolean isDilated() {
    return Arrays.stream(dilations).anyMatch(d -> d != 1);
  }

  // ---- maximum ----

  private void max() {
    Output<?> x = s.x();
    DataType type = x.dataType();
    DataType inner = Kernels.within(MAX_POOL, type);
    x = tf.cast(x, inner);
    WindowPadding p = padding.isKnown() ? new WindowPadding(padding.begin(), ceilEnd, padding.same()) : padding;
    boolean explicit = !p.isSame(s, extents, strides) && !p.isZero();
    if (isDilated() || !p.isKnown() && explicit) {
      x = p.isKnown() ? (p.isZero() ? x : p.pad(tf, x, lowest(tf, inner)))
          : WindowPadding.padSameLower(tf, s, p.same() ? x : x, extents, strides, lowest(tf, inner));
      s.bind(tf.cast(windowed("Maximum", x), type));
      return;
    }
    String form = p.isSame(s, extents, strides) ? "SAME" : p.isZero() ? "VALID" : "EXPLICIT";
    if (!form.equals("SAME")) {
      x = atLeastOneWindow(x, p, inner);
    }
    s.bind(tf.cast(pooled("MaxPool", x, form, p), type));
  }

  /**
   * Data that is shorter than one window, by less than a stride, still gives one result in ONNX Runtime, whose division of
   * {@code size - extent} by the stride truncates (the standard's floor would leave none; networks that halve a small image
   * once too often depend on it). The missing elements are padded; where no size is known to suffice, as many as are missing at
   * run time, mostly none, and then TensorFlow hands the tensor on without a copy.
   */
  private Output<?> atLeastOneWindow(Output<?> x, WindowPadding p, DataType type) {
    int[] needed = new int[kernel.length];
    int[] most = new int[kernel.length];
    boolean certain = true;
    for (int i = 0; i < kernel.length; i++) {
      needed[i] = Math.toIntExact(extents[i] - p.begin()[i] - p.end()[i]);
      most[i] = Math.toIntExact(strides[i] - 1);
      certain &= most[i] == 0 || needed[i] <= 1 || s.isAtLeast(i, needed[i]);
    }
    if (certain) {
      return x;
    }
    Output<?> size = tf.op("StridedSlice").in(tf.shape(x), tf.constInts(1), tf.constInts(1 + kernel.length), tf.constInts(1)).out();
    Output<?> missing = tf.call("Minimum", tf.call("Maximum", tf.sub(tf.constInts(needed), size), tf.constInt(0)), tf.constInts(most));
    Output<?> pairs = tf.call("Pad", tf.expandDims(missing, 1), tf.constant(Tensor.of(new int[] {1, 1, 1, 0}, 2, 2)));
    return tf.call("PadV2", x, pairs, lowest(tf, type));
  }

  static Output<?> lowest(Tf tf, DataType type) {
    return switch (type) {
      case DT_INT8 -> tf.scalar(type, Byte.MIN_VALUE);
      case DT_INT16 -> tf.scalar(type, Short.MIN_VALUE);
      case DT_INT32 -> tf.scalar(type, Integer.MIN_VALUE);
      case DT_INT64 -> tf.constLong(Long.MIN_VALUE);
      case DT_UINT8 -> tf.scalar(type, 0);
      default -> tf.scalar(type, Double.NEGATIVE_INFINITY);
    };
  }

  /**
   * TensorFlow's MaxPool or AvgPool. Three dimensions are pooled in two steps, height and width and then depth, where the 3-D
   * kernel is not exact (explicit padding) or not there (types other than float32): both maximum and mean allow it.
   */
  private Output<?> pooled(String type, Output<?> x, String form, WindowPadding p) {
    if (s.rank() == 1) {
      Output<?> y = pool2d(type, tf.expandDims(x, 1), new long[] {1, kernel[0]}, new long[] {1, strides[0]}, form,
          form.equals("EXPLICIT") ? new WindowPadding(new long[] {0, p.begin()[0]}, new long[] {0, p.end()[0]}, false) : null);
      return tf.squeeze(y, 1);
    }
    if (s.rank() == 2) {
      return pool2d(type, x, kernel, strides, form, p);
    }
    if (x.dataType() == DataType.DT_FLOAT && !form.equals("EXPLICIT")) {
      return tf.op(type + "3D").in(x).attr("ksize", 1, kernel[0], kernel[1], kernel[2], 1)
          .attr("strides", 1, strides[0], strides[1], strides[2], 1).attr("padding", form).out();
    }
    return twoSteps(type, x, form, p);
  }

  private Output<?> twoSteps(String type, Output<?> x, String form, WindowPadding p) {
    boolean explicit = form.equals("EXPLICIT");
    Output<?> shape = tf.shape(x);
    Output<?> tail = tf.call("Slice", shape, tf.constInts(2), tf.constInts(3));
    Output<?> y = tf.reshape(x, tf.concat(List.of(tf.constInts(-1), tail), 0));
    y = pool2d(type, y, new long[] {kernel[1], kernel[2]}, new long[] {strides[1], strides[2]}, form,
        explicit ? new WindowPadding(new long[] {p.begin()[1], p.begin()[2]}, new long[] {p.end()[1], p.end()[2]}, false) : null);
    Output<?> pooledTail = tf.call("Slice", tf.shape(y), tf.constInts(1), tf.constInts(3));
    Output<?> lead = tf.call("Slice", shape, tf.constInts(0), tf.constInts(2));
    Output<?> channels = tf.call("Slice", shape, tf.constInts(4), tf.constInts(1));
    y = tf.reshape(y, tf.concat(List.of(lead, tf.constInts(-1), channels), 0));
    y = pool2d(type, y, new long[] {kernel[0], 1}, new long[] {strides[0], 1}, form,
        explicit ? new WindowPadding(new long[] {p.begin()[0], 0}, new long[] {p.end()[0], 0}, false) : null);
    Output<?> depth = tf.call("Slice", tf.shape(y), tf.constInts(0), tf.constInts(2));
    return tf.reshape(y, tf.concat(List.of(depth, pooledTail), 0));
  }

  private Output<?> pool2d(String type, Output<?> x, long[] k, long[] st, String form, WindowPadding p) {
    Tf.OpBuilder op = tf.op(type).in(x).attr("ksize", 1, k[0], k[1], 1).attr("strides", 1, st[0], st[1], 1).attr("padding", form);
    if (form.equals("EXPLICIT")) {
      op.attr("explicit_paddings", p.explicit(1));
    }
    return op.out();
  }

  /** Folds windows of already padded data by shifted slices, one dimension after the other: for dilation. */
  private Output<?> windowed(String op, Output<?> x) {
    Output<?> y = x;
    for (int i = 0; i < kernel.length; i++) {
      Output<?> folded = null;
      for (long k = 0; k < kernel[i]; k++) {
        Output<?> part = shifted(tf, y, i + 1, s.rank() + 2, k * dilations[i], extents[i] - 1 - k * dilations[i], strides[i]);
        folded = folded == null ? part : tf.call(op, folded, part);
      }
      y = folded;
    }
    return y;
  }

  /** Every {@code stride}th element of an axis, {@code front} left out before and {@code back} behind. */
  static Output<?> shifted(Tf tf, Output<?> x, int axis, int rank, long front, long back, long stride) {
    int[] from = new int[rank];
    int[] to = new int[rank];
    int[] by = new int[rank];
    Arrays.fill(by, 1);
    from[axis] = (int) front;
    to[axis] = (int) -back;
    by[axis] = (int) stride;
    long all = (1L << rank) - 1;
    return tf.op("StridedSlice").in(x, tf.constInts(from), tf.constInts(to), tf.constInts(by)).attr("begin_mask", all & ~(1L << axis))
        .attr("end_mask", back == 0 ? all : all & ~(1L << axis)).out();
  }

  // ---- mean ----

  private void average() {
    Output<?> x = s.x();
    boolean includePad = c.node().intAttr("count_include_pad", 0) == 1;
    boolean ceil = padding.isKnown() && !Arrays.equals(ceilEnd, padding.end());
    boolean same = padding.isSame(s, extents, strides) && !ceil;
    if (!isDilated() && (padding.isZero() && !ceil || same && !includePad)) {
      s.bind(pooled("AvgPool", x, padding.isZero() && !padding.same() ? "VALID" : "SAME", padding));
      return;
    }
    if (!padding.isKnown()) {
      averageAtRunTime(x, includePad);
      return;
    }
    WindowPadding p = new WindowPadding(padding.begin(), ceilEnd, false);
    Output<?> y = meanOfWindows(p.isZero() ? x : p.pad(tf, x, null));
    WindowPadding counted = includePad ? padding : new WindowPadding(new long[kernel.length], new long[kernel.length], false);
    if (includePad ? ceil : !p.isZero()) {
      y = tf.call("RealDiv", y, fractions(x, p, counted));
    }
    s.bind(y);
  }

  /** The mean of each window of already padded data. */
  private Output<?> meanOfWindows(Output<?> padded) {
    if (!isDilated()) {
      return pooled("AvgPool", padded, "VALID", null);
    }
    long count = Arrays.stream(kernel).reduce(1, (a, b) -> a * b);
    return tf.call("RealDiv", windowed("AddV2", padded), tf.scalarLike(padded, count));
  }

  /**
   * What share of each window counts, [1, spatial…, 1]: a constant where sizes are known, else the mean of ones.
   *
   * @param p what the data was padded by
   * @param counted how much of it counts
   */
  private Output<?> fractions(Output<?> x, WindowPadding p, WindowPadding counted) {
    int rank = kernel.length;
    Output<?> product = null;
    for (int i = 0; i < rank; i++) {
      Output<?> f = s.size(i) >= 0 ? tf.constant(fraction(i, p, counted)) : fractionAtRunTime(x, i, p, counted);
      long[] dims = new long[rank + 2];
      Arrays.fill(dims, 1);
      dims[i + 1] = -1;
      f = tf.reshape(tf.cast(f, x.dataType()), dims);
      product = product == null ? f : tf.mul(product, f);
    }
    long[] known = s.sizes();
    return Arrays.stream(known).allMatch(n -> n >= 0) ? tf.cast(tf.constant(allFractions(p, counted)), x.dataType()) : product;
  }

  private Tensor allFractions(WindowPadding p, WindowPadding counted) {
    float[] all = {1};
    long[] dims = new long[kernel.length + 2];
    dims[0] = 1;
    dims[dims.length - 1] = 1;
    for (int i = 0; i < kernel.length; i++) {
      float[] f = fraction(i, p, counted).toFloats();
      float[] next = new float[all.length * f.length];
      for (int a = 0; a < all.length; a++) {
        for (int b = 0; b < f.length; b++) {
          next[a * f.length + b] = all[a] * f[b];
        }
      }
      all = next;
      dims[i + 1] = f.length;
    }
    return Tensor.of(all, dims);
  }

  private Tensor fraction(int i, WindowPadding p, WindowPadding counted) {
    long size = s.size(i);
    int windows = (int) Math.max((size + p.begin()[i] + p.end()[i] - extents[i]) / strides[i] + 1, 0);
    float[] f = new float[windows];
    for (int w = 0; w < windows; w++) {
      long count = 0;
      for (long k = 0; k < kernel[i]; k++) {
        long at = w * strides[i] + k * dilations[i] - p.begin()[i];
        count += at >= -counted.begin()[i] && at < size + counted.end()[i] ? 1 : 0;
      }
      f[w] = (float) count / kernel[i];
    }
    return Tensor.of(f, windows);
  }

  private Output<?> fractionAtRunTime(Output<?> x, int i, WindowPadding p, WindowPadding counted) {
    Output<?> size = tf.call("Slice", tf.shape(x), tf.constInts(i + 1), tf.constInts(1));
    int extra = (int) (counted.begin()[i] + counted.end()[i]);
    Output<?> ones = tf.call("Fill", extra == 0 ? size : tf.add(size, tf.constInt(extra)), tf.scalar(DataType.DT_FLOAT, 1));
    int[] pads = {(int) (p.begin()[i] - counted.begin()[i]), (int) (p.end()[i] - counted.end()[i])};
    Output<?> padded = tf.call("Pad", ones, tf.constant(Tensor.of(pads, 1, 2)));
    Output<?> sum = null;
    for (long k = 0; k < kernel[i]; k++) {
      Output<?> part = shifted(tf, padded, 0, 1, k * dilations[i], extents[i] - 1 - k * dilations[i], strides[i]);
      sum = sum == null ? part : tf.add(sum, part);
    }
    return tf.call("RealDiv", sum, tf.scalar(DataType.DT_FLOAT, kernel[i]));
  }

  /** SAME with sizes known at run time only, where TensorFlow's SAME does not count alike. */
  private void averageAtRunTime(Output<?> x, boolean includePad) {
    boolean upper = padding.same();
    if (upper && !includePad && !isDilated()) {
      s.bind(pooled("AvgPool", x, "SAME", padding));
      return;
    }
    if (upper) {
      c.unsupported("auto_pad SAME_UPPER with count_include_pad or dilations and sizes known at run time only", "give the input's sizes");
      return;
    }
    Output<?> y = meanOfWindows(WindowPadding.padSameLower(tf, s, x, extents, strides, null));
    if (!includePad) {
      Output<?> shape = tf.call("Slice", tf.shape(x), tf.constInts(1), tf.constInts(kernel.length));
      Output<?> ones = tf.call("Fill", tf.concat(List.of(tf.constInts(1), shape, tf.constInts(1)), 0), tf.scalarLike(x, 1));
      y = tf.call("RealDiv", y, meanOfWindows(WindowPadding.padSameLower(tf, s, ones, extents, strides, null)));
    }
    s.bind(y);
  }

  // ---- Lp norm ----

  private void lp() {
    double p = exponent(c);
    Output<?> x = s.x();
    Output<?> powers = power(tf, x, p);
    boolean same = padding.isSame(s, extents, strides);
    if (!padding.isKnown() && same) {
      c.unsupported("auto_pad SAME_UPPER with sizes known at run time only", "give the input's sizes");
      return;
    }
    if (!padding.isKnown()) {
      powers = WindowPadding.padSameLower(tf, s, powers, extents, strides, null);
    } else {
      WindowPadding all = new WindowPadding(padding.begin(), ceilEnd, false);
      powers = all.isZero() ? powers : all.pad(tf, powers, null);
    }
    Output<?> sum;
    if (isDilated()) {
      sum = windowed("AddV2", powers);
    } else {
      long count = Arrays.stream(kernel).reduce(1, (a, b) -> a * b);
      sum = tf.mul(pooled("AvgPool", powers, "VALID", null), tf.scalarLike(x, count));
    }
    s.bind(root(tf, sum, p));
  }

  private static double exponent(EmitContext c) {
    // A float before opset 2.
    dev.tenon.ir.Attribute a = c.node().attribute("p");
    return a == null ? 2 : a.value() instanceof Float f ? f : a.as(Long.class);
  }

  private static Output<?> power(Tf tf, Output<?> x, double p) {
    if (p == 2) {
      return tf.call("Square", x);
    }
    Output<?> magnitude = tf.call("Abs", x);
    return p == 1 ? magnitude : tf.call("Pow", magnitude, tf.scalarLike(x, p));
  }

  private static Output<?> root(Tf tf, Output<?> x, double p) {
    return p == 1 ? x : p == 2 ? tf.call("Sqrt", x) : tf.call("Pow", x, tf.scalarLike(x, 1 / p));
  }

  // ---- all of space ----

  private static void global(EmitContext c, String reduction) {
    Spatial s = Spatial.of(c);
    s.bind(c.tf().reduce(reduction, s.x(), true, s.spatialAxes()));
  }

  private static void globalLp(EmitContext c) {
    Spatial s = Spatial.of(c);
    double p = exponent(c);
    s.bind(root(c.tf(), c.tf().reduce("Sum", power(c.tf(), s.x(), p), true, s.spatialAxes()), p));
  }

  // ---- maximum with indices ----

  /** MaxPool whose second output is asked for: where in [N, C, spatial…], flattened, each maximum is. */
  private static final class MaxPoolIndices {
    private final Pooling pool;
    private final EmitContext c;
    private final Tf tf;

    MaxPoolIndices(EmitContext c) {
      this.pool = new Pooling(c);
      this.c = c;
      this.tf = c.tf();
    }

    void emit() {
      if (!pool.padding.isKnown()) {
        c.unsupported("indices with auto_pad and sizes known at run time only", "give the input's sizes");
        return;
      }
      int rank = pool.kernel.length;
      DataType type = pool.s.x().dataType();
      WindowPadding p = new WindowPadding(pool.padding.begin(), pool.ceilEnd, false);
      Output<?> x = pool.s.x();
      Output<?> at = positions(x, rank);
      if (!p.isZero()) {
        x = p.pad(tf, x, lowest(tf, Kernels.within(MAX_POOL, type)));
        at = p.pad(tf, at, tf.constLong(Long.MAX_VALUE));
      }
      Output<?> best = null;
      Output<?> where = null;
      for (long[] offset : offsets(rank)) {
        Output<?> value = x;
        Output<?> index = at;
        for (int i = 0; i < rank; i++) {
          long front = offset[i] * pool.dilations[i];
          value = shifted(tf, value, i + 1, rank + 2, front, pool.extents[i] - 1 - front, pool.strides[i]);
          index = shifted(tf, index, i + 1, rank + 2, front, pool.extents[i] - 1 - front, pool.strides[i]);
        }
        if (best == null) {
          best = value;
          where = tf.add(index, tf.call("ZerosLike", tf.cast(value, DataType.DT_INT64)));
        } else {
          Output<?> better = tf.call("Greater", value, best);
          best = tf.select(better, value, best);
          where = tf.select(better, index, where);
        }
      }
      pool.s.bind(best);
      c.bind(1, pool.s.toNodeLayout(where));
    }

    private List<long[]> offsets(int rank) {
      List<long[]> all = new ArrayList<>();
      all.add(new long[rank]);
      for (int i = 0; i < rank; i++) {
        List<long[]> next = new ArrayList<>();
        for (long[] o : all) {
          for (long k = 0; k < pool.kernel[i]; k++) {
            long[] copy = o.clone();
            copy[i] = k;
            next.add(copy);
          }
        }
        all = next;
      }
      return all;
    }

    /** For each element of channels-last data, its place in the flattened channels-first tensor. */
    private Output<?> positions(Output<?> x, int rank) {
      Output<?> shape = tf.shape64(x);
      boolean columnMajor = c.node().intAttr("storage_order", 0) == 1;
      Output<?> stride = tf.constLong(1);
      Output<?> at = null;
      for (int i = 0; i < rank; i++) {
        int axis = columnMajor ? i : rank - 1 - i;
        at = along(at, shape, axis + 1, stride, rank + 2);
        stride = tf.mul(stride, size(shape, axis + 1));
      }
      at = along(at, shape, rank + 1, stride, rank + 2);
      stride = tf.mul(stride, size(shape, rank + 1));
      return along(at, shape, 0, stride, rank + 2);
    }

    private Output<?> size(Output<?> shape, int axis) {
      return tf.reshape(tf.call("Slice", shape, tf.constInts(axis), tf.constInts(1)));
    }

    private Output<?> along(Output<?> sum, Output<?> shape, int axis, Output<?> stride, int dims) {
      long[] view = new long[dims];
      Arrays.fill(view, 1);
      view[axis] = -1;
      Output<?> range = tf.call("Range", tf.constLong(0), size(shape, axis), tf.constLong(1));
      Output<?> term = tf.reshape(tf.mul(range, stride), view);
      return sum == null ? term : tf.add(sum, term);
    }
  }
}
