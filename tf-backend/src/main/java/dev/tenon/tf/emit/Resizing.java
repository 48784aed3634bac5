package dev.tenon.tf.emit;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.Tf;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/**
 * Resize and Upsample: TensorFlow's own operation where it computes the same, else one axis after the other, by Gather (nearest) or
 * by the product with a matrix of weights ({@link Interpolation}), which are constants where the sizes are known.
 */
final class Resizing {
  private final EmitContext c;
  private final Tf tf;
  private final Interpolation how;
  private final boolean channelsLast;
  private final int rank;
  private final List<Axis> axes = new ArrayList<>();
  private Output<?> shape;

  /**
   * One axis to be resized.
   *
   * @param place its place in the tensor as it is laid out
   * @param in,out sizes; -1 if known at run time only
   * @param scale out / in, or as it is given; NaN if known at run time only
   * @param region what crop_and_resize takes; null elsewhere
   * @param size the result's size, an int32 scalar
   * @param factor the scale, a float32 scalar
   */
  private record Axis(int place, long in, long out, float scale, Region region, Output<?> size, Output<?> factor) {
    boolean isKnown() {
      return in >= 0 && out >= 0 && !Float.isNaN(scale) && (region == null || region.isKnown());
    }

    boolean isUnchanged() {
      return scale == 1 && (in < 0 && out < 0 || in == out) && (region == null || region.isKnown() && region.start == 0 && region.end == 1);
    }

    float start() {
      return region == null ? 0 : region.start;
    }

    float end() {
      return region == null ? 1 : region.end;
    }
  }

  /** From where to where an axis is taken, as shares of it: numbers, or float32 scalars where they are computed. */
  private record Region(float start, float end, Output<?> startAtRunTime, Output<?> endAtRunTime) {
    boolean isKnown() {
      return startAtRunTime == null;
    }
  }

  private Resizing(EmitContext c) {
    this.c = c;
    this.tf = c.tf();
    this.how = Interpolation.of(c);
    this.channelsLast = !c.node().domain().equals(Node.ONNX_DOMAIN);
    String op = c.node().opType();
    this.rank = channelsLast ? op.charAt(op.length() - 2) - '0' + 2 : c.rank(0) >= 0 ? c.rank(0) : c.outputShape(0).rank();
    if (rank < 0) {
      throw new IllegalArgumentException("the rank of the input must be known");
    }
  }

  static void register(EmitterRegistry ops) {
    Pooling.everywhere(ops, "Resize", c -> new Resizing(c).emit());
    Pooling.everywhere(ops, "Upsample", c -> new Resizing(c).emit());
  }

  private void emit() {
    readAxes();
    axes.removeIf(Axis::isUnchanged);
    Output<?> x = c.in(0);
    if (axes.isEmpty()) {
      c.bind(0, tf.identity(x));
      return;
    }
    Output<?> y = resizedNatively(x);
    if (y == null) {
      y = how.isNearest() ? gathered(x) : weighted(x);
      y = how.crops() ? extrapolated(y) : y;
    }
    c.bind(0, y);
  }

  // ---- what is asked for ----

  /** The place, in the tensor as it is laid out, of ONNX's axis. */
  private int place(int axis) {
    return !channelsLast || axis == 0 ? axis : axis == 1 ? rank - 1 : axis - 1;
  }

  private void readAxes() {
    boolean upsample = c.node().opType().startsWith("Upsample");
    int scalesAt = upsample || c.onnxOpset() < 11 ? 1 : 2;
    int sizesAt = scalesAt == 1 ? -1 : 3;
    Attribute attr = c.node().attribute("scales");
    float[] scales = attr != null ? attr.as(float[].class) : c.isConstant(scalesAt) ? c.constant(scalesAt).toFloats() : null;
    boolean bySize = sizesAt > 0 && c.has(sizesAt) && !(c.isConstant(sizesAt) && c.constant(sizesAt).numel() == 0);
    boolean byScale = !bySize && (attr != null || c.has(scalesAt));
    if (!bySize && !byScale) {
      throw new IllegalArgumentException("neither scales nor sizes are given");
    }
    long[] listed = c.node().intsAttr("axes", null);
    int count = listed == null ? rank : listed.length;
    for (int i = 0; i < count; i++) {
      int axis = listed == null ? i : (int) (listed[i] < 0 ? listed[i] + rank : listed[i]);
      int place = place(axis);
      long in = c.shape(0).hasRank() ? c.shape(0).dim(place).orMinusOne() : -1;
      Region region = how.crops() ? region(i, count) : null;
      axes.add(bySize ? bySize(i, place, in, region, sizesAt) : byScale(i, place, in, region, scales, scalesAt));
    }
    String policy = c.node().stringAttr("keep_aspect_ratio_policy", "stretch");
    if (bySize && !policy.equals("stretch")) {
      keepAspectRatio(policy.equals("not_larger"));
    }
  }

  private Region region(int i, int count) {
    if (c.isConstant(1)) {
      float[] roi = c.constant(1).toFloats();
      return new Region(roi[i], roi[count + i], null, null);
    }
    Output<?> roi = tf.cast(c.in(1), DataType.DT_FLOAT);
    return new Region(0, 1, element(roi, i), element(roi, count + i));
  }

  private Axis byScale(int i, int place, long in, Region region, float[] scales, int input) {
    if (scales != null) {
      float scale = scales[i];
      long out = in < 0 || region != null && !region.isKnown() ? -1
          : (long) Math.floor(region == null ? in * scale : in * (region.end - region.start) * scale);
      return new Axis(place, in, out, scale, region, null, null);
    }
    Output<?> factor = tf.cast(element(c.in(input), i), DataType.DT_FLOAT);
    return new Axis(place, in, -1, Float.NaN, region, null, factor);
  }

  private Axis bySize(int i, int place, long in, Region region, int input) {
    long out = -1;
    long[] known = c.constantLongs(input);
    List<Dim> symbolic = c.knownData(input).orElse(null);
    if (known != null) {
      out = known[i];
    } else if (symbolic != null && symbolic.get(i) != null && symbolic.get(i).isConstant()) {
      out = symbolic.get(i).constant();
    } else if (symbolic != null && in < 0 && symbolic.get(i) != null && c.shape(0).hasRank()
        && symbolic.get(i).equals(c.shape(0).dim(place))) {
      return new Axis(place, -1, -1, 1, region, null, null);
    }
    Output<?> size = out >= 0 ? null : tf.cast(element(c.in(input), i), DataType.DT_INT32);
    return new Axis(place, in, out, in >= 0 && out >= 0 ? (float) out / in : Float.NaN, region, size, null);
  }

  private Output<?> element(Output<?> vector, int i) {
    return tf.reshape(tf.call("Slice", vector, tf.constInts(i), tf.constInts(1)));
  }

  /** One scale for all listed axes: the least that reaches a size, or the greatest that reaches all. */
  private void keepAspectRatio(boolean notLarger) {
    if (axes.stream().anyMatch(a -> a.in < 0 || a.out < 0)) {
      List<Output<?>> factors = axes.stream().<Output<?>>map(this::factor).toList();
      Output<?> factor = tf.reduce(notLarger ? "Min" : "Max", tf.pack(factors, 0), false, 0);
      axes.replaceAll(a -> {
        Output<?> size = tf.call("Floor", tf.add(tf.mul(tf.cast(inSizeOf(a), DataType.DT_FLOAT), factor), tf.scalar(DataType.DT_FLOAT, 0.5)));
        return new Axis(a.place, a.in, -1, Float.NaN, a.region, tf.cast(size, DataType.DT_INT32), factor);
      });
      return;
    }
    float scale = notLarger ? Float.MAX_VALUE : 0;
    for (Axis a : axes) {
      scale = notLarger ? Math.min(scale, a.scale) : Math.max(scale, a.scale);
    }
    float common = scale;
    axes.replaceAll(a -> new Axis(a.place, a.in, (long) Math.floor(common * a.in + 0.5f), common, a.region, null, null));
  }

  // ---- TensorFlow's own operations ----

  /** Two spatial axes of channels-last data, where TensorFlow's definition gives the same; null elsewhere. */
  private Output<?> resizedNatively(Output<?> x) {
    boolean spatial = channelsLast && rank == 4 && axes.stream().allMatch(a -> a.place == 1 || a.place == 2);
    if (!spatial || how.antialias() || how.crops() || how.mode().equals("cubic")) {
      return null;
    }
    boolean corners = how.coordinates().equals("align_corners");
    boolean centers = how.coordinates().equals("half_pixel") || how.coordinates().equals("pytorch_half_pixel");
    if (how.isNearest()) {
      for (int form = 0; form < 3; form++) {
        int f = form;
        if (axes.stream().allMatch(a -> nearestIsNative(a, f))) {
          return tf.op("ResizeNearestNeighbor").in(x, sizes()).attr("half_pixel_centers", form == 1).attr("align_corners", form == 2).out();
        }
      }
      return null;
    }
    // TensorFlow's scale is the quotient of the sizes, and float32 its only result.
    boolean known = corners || centers || how.coordinates().equals("asymmetric");
    boolean exact = axes.stream().allMatch(a -> a.size != null && a.factor == null || corners || a.scale == Math.rint(a.scale)
        || a.isKnown() && Math.abs(a.scale * a.in - a.out) < 1e-6 * a.out && (a.out > 1 || !how.coordinates().equals("pytorch_half_pixel")))
        && (!how.coordinates().equals("pytorch_half_pixel") || axes.stream().allMatch(a -> a.out > 1 || a.scale >= 2));
    if (!known || !exact || x.dataType() == DataType.DT_DOUBLE || !Kernels.isFloat(x.dataType())) {
      return null;
    }
    return tf.cast(tf.op("ResizeBilinear").in(x, sizes()).attr("half_pixel_centers", centers).attr("align_corners", corners).out(),
        x.dataType());
  }

  /** True if TensorFlow's form (0 plain, 1 half-pixel centers, 2 aligned corners) picks the same elements. */
  private boolean nearestIsNative(Axis a, int form) {
    if (!a.isKnown()) {
      boolean whole = a.scale >= 1 && a.scale == Math.rint(a.scale);
      boolean either = how.coordinates().equals("asymmetric") && (how.nearest().equals("floor") || how.nearest().equals("simple"))
          || how.coordinates().startsWith("half_pixel") && how.nearest().startsWith("round");
      return form == 0 && whole && either;
    }
    int[] wanted = how.indices(a.scale, a.in, a.out, a.start(), a.end());
    float scale = form == 2 && a.out > 1 ? (a.in - 1) / (float) (a.out - 1) : a.in / (float) a.out;
    for (int o = 0; o < a.out; o++) {
      float at = form == 1 ? (o + 0.5f) * scale : o * scale;
      long i = Math.min(form == 2 ? Math.round(at) : (long) Math.floor(at), a.in - 1);
      if (i != wanted[o]) {
        return false;
      }
    }
    return true;
  }

  /** The sizes of the two spatial dimensions after resizing. */
  private Output<?> sizes() {
    int[] constant = new int[2];
    boolean known = true;
    List<Output<?>> parts = new ArrayList<>();
    for (int p = 1; p <= 2; p++) {
      int place = p;
      Axis a = axes.stream().filter(x -> x.place == place).findFirst().orElse(null);
      long out = a == null ? (c.shape(0).hasRank() ? c.shape(0).dim(p).orMinusOne() : -1) : a.out;
      known &= out >= 0;
      constant[p - 1] = (int) out;
      parts.add(out >= 0 ? tf.constInt((int) out) : a == null ? inSize(p) : outSize(a));
    }
    return known ? tf.constInts(constant) : tf.pack(parts, 0);
  }

  private Output<?> inSize(int place) {
    if (shape == null) {
      shape = tf.shape(c.in(0));
    }
    return element(shape, place);
  }

  private Output<?> outSize(Axis a) {
    if (a.out >= 0) {
      return tf.constInt((int) a.out);
    }
    if (a.size != null) {
      return a.size;
    }
    Output<?> in = inSize(a.place);
    if (a.scale >= 1 && a.scale == Math.rint(a.scale)) {
      return tf.mul(in, tf.constInt((int) a.scale));
    }
    Output<?> length = tf.cast(in, DataType.DT_FLOAT);
    if (a.region != null) {
      Output<?> start = a.region.isKnown() ? tf.scalar(DataType.DT_FLOAT, a.region.start) : a.region.startAtRunTime;
      Output<?> end = a.region.isKnown() ? tf.scalar(DataType.DT_FLOAT, a.region.end) : a.region.endAtRunTime;
      length = tf.mul(length, tf.sub(end, start));
    }
    return tf.cast(tf.call("Floor", tf.mul(length, factor(a))), DataType.DT_INT32);
  }

  private Output<?> factor(Axis a) {
    if (!Float.isNaN(a.scale)) {
      return tf.scalar(DataType.DT_FLOAT, a.scale);
    }
    return a.factor != null ? a.factor
        : tf.call("RealDiv", tf.cast(outSize(a), DataType.DT_FLOAT), tf.cast(inSizeOf(a), DataType.DT_FLOAT));
  }

  private Output<?> inSizeOf(Axis a) {
    return a.in >= 0 ? tf.constInt((int) a.in) : inSize(a.place);
  }

  // ---- one axis after the other ----

  private Output<?> gathered(Output<?> x) {
    Output<?> y = x;
    for (Axis a : axes) {
      Output<?> indices = a.isKnown() ? tf.constInts(how.indices(a.scale, a.in, a.out, a.start(), a.end())) : runTime(a).indices();
      y = tf.gather(y, indices, a.place);
    }
    return y;
  }

  private Output<?> weighted(Output<?> x) {
    DataType type = x.dataType();
    DataType inner = type == DataType.DT_DOUBLE ? type : DataType.DT_FLOAT;
    Output<?> y = tf.cast(x, inner);
    List<Axis> order = new ArrayList<>(axes);
    // What shrinks most goes first.
    order.sort((a, b) -> Double.compare(Float.isNaN(a.scale) ? 1 : a.scale, Float.isNaN(b.scale) ? 1 : b.scale));
    long[] dims = c.shape(0).hasRank() ? c.shape(0).toLongs() : unknown();
    for (Axis a : order) {
      Output<?> w = a.isKnown() ? tf.constant(Tensor.of(how.weights(a.scale, a.in, a.out, a.start(), a.end()), a.out, a.in))
          : runTime(a).weights();
      y = timesAlong(y, tf.cast(w, inner), a, dims);
      dims[a.place] = a.out;
    }
    return Kernels.isFloat(type) ? tf.cast(y, type) : tf.cast(rounded(y, type), type);
  }

  /** Integers are cut off, as ONNX Runtime does, but not beyond their range. */
  private Output<?> rounded(Output<?> y, DataType type) {
    return type == DataType.DT_UINT8 ? tf.call("ClipByValue", y, tf.scalarLike(y, 0), tf.scalarLike(y, 255)) : y;
  }

  private long[] unknown() {
    long[] d = new long[rank];
    Arrays.fill(d, -1);
    return d;
  }

  /** The product with a matrix [out, in] along an axis: a batch of products of [in, all behind the axis] matrices. */
  private Output<?> timesAlong(Output<?> x, Output<?> w, Axis a, long[] dims) {
    long behind = 1;
    for (int i = a.place + 1; i < rank; i++) {
      behind = behind < 0 || dims[i] < 0 ? -1 : behind * dims[i];
    }
    boolean last = a.place == rank - 1;
    if (a.place == 1 && rank == 3 || last && rank <= 2) {
      return last ? tf.op("MatMul").in(rank == 1 ? tf.expandDims(x, 0) : x, w).attr("transpose_b", true).out() : tf.call("BatchMatMulV2", w, x);
    }
    Output<?> now = tf.shape(x);
    Output<?> head = tf.call("Slice", now, tf.constInts(0), tf.constInts(a.place));
    Output<?> tail = tf.call("Slice", now, tf.constInts(a.place + 1), tf.constInts(rank - 1 - a.place));
    Output<?> flat;
    if (behind >= 0 && dims[a.place] >= 0) {
      flat = tf.reshape(x, -1, dims[a.place], behind);
    } else {
      Output<?> in = tf.call("Slice", now, tf.constInts(a.place), tf.constInts(1));
      flat = tf.reshape(x, tf.concat(List.of(tf.constInts(-1), in, tf.reduce("Prod", tail, true, 0)), 0));
    }
    Output<?> y = tf.call("BatchMatMulV2", w, flat);
    long[] result = dims.clone();
    result[a.place] = a.out;
    long open = Arrays.stream(result).filter(d -> d < 0).count();
    if (open == 0 || open == 1 && Arrays.stream(result).noneMatch(d -> d == 0)) {
      return tf.reshape(y, result);
    }
    return tf.reshape(y, tf.concat(List.of(head, tf.reshape(outSize(a), 1), tail), 0));
  }

  private RunTimeWeights runTime(Axis a) {
    Region r = a.region;
    Output<?> start = r == null ? null : r.isKnown() ? tf.scalar(DataType.DT_FLOAT, r.start) : r.startAtRunTime;
    Output<?> end = r == null ? null : r.isKnown() ? tf.scalar(DataType.DT_FLOAT, r.end) : r.endAtRunTime;
    return new RunTimeWeights(tf, how, inSizeOf(a), outSize(a), factor(a), start, end);
  }

  /** Puts the extrapolation value where any axis left the region of the original. */
  private Output<?> extrapolated(Output<?> y) {
    for (Axis a : axes) {
      long[] dims = new long[rank];
      Arrays.fill(dims, 1);
      dims[a.place] = -1;
      if (!a.isKnown()) {
        y = tf.select(tf.reshape(runTime(a).inside(), dims), y, tf.scalarLike(y, how.extrapolation()));
        continue;
      }
      boolean[] inside = how.inside(a.scale, a.in, a.out, a.start(), a.end());
      int[] flags = new int[inside.length];
      boolean all = true;
      for (int i = 0; i < inside.length; i++) {
        flags[i] = inside[i] ? 1 : 0;
        all &= inside[i];
      }
      if (!all) {
        dims[a.place] = a.out;
        Output<?> mask = tf.cast(tf.constant(Tensor.of(flags, dims)), DataType.DT_BOOL);
        y = tf.select(mask, y, tf.scalarLike(y, how.extrapolation()));
      }
    }
    return y;
  }

}
