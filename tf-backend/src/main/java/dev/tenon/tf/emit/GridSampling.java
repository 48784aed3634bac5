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
 * GridSample and AffineGrid. A sample is the sum, over the neighbours of its place, of their elements times the product of a weight
 * for each axis; the neighbours are gathered from the flattened space of each image.
 */
final class GridSampling {
  private static final double CUBIC = -0.75;

  private final EmitContext c;
  private final Tf tf;
  private final Spatial s;
  private final String mode;
  private final String padding;
  private final boolean alignCorners;
  private final DataType type;
  private Output<?> shape;

  /** A neighbour along one axis: its index (whole floats) and its weight; the weight is null for one. */
  private record Tap(Output<?> index, Output<?> weight) {}

  private GridSampling(EmitContext c) {
    this.c = c;
    this.tf = c.tf();
    this.s = Spatial.of(c);
    this.mode = c.node().stringAttr("mode", "linear").replace("bilinear", "linear").replace("bicubic", "cubic");
    this.padding = c.node().stringAttr("padding_mode", "zeros");
    this.alignCorners = c.node().intAttr("align_corners", 0) == 1;
    this.type = s.x().dataType() == DataType.DT_DOUBLE ? DataType.DT_DOUBLE : DataType.DT_FLOAT;
  }

  static void register(EmitterRegistry ops) {
    Pooling.everywhere(ops, "GridSample", c -> new GridSampling(c).emit());
    ops.op("AffineGrid", 20, GridSampling::affineGrid);
  }

  private Output<?> f(double v) {
    return tf.scalar(type, v);
  }

  private void emit() {
    DataType given = s.x().dataType();
    Output<?> x = tf.cast(s.x(), type);
    shape = tf.shape(x);
    Output<?> grid = tf.cast(c.in(1), type);
    int rank = s.rank();
    List<Output<?>> coordinates = tf.op("Unpack").in(grid).attr("num", rank).attr("axis", rank + 1).outs();
    List<List<Tap>> taps = new ArrayList<>();
    for (int i = 0; i < rank; i++) {
      // The grid's last dimension lists the last axis first.
      taps.add(taps(coordinates.get(rank - 1 - i), size(i)));
    }
    Output<?> channels = tf.call("Slice", shape, tf.constInts(rank + 1), tf.constInts(1));
    Output<?> batch = tf.call("Slice", shape, tf.constInts(0), tf.constInts(1));
    Output<?> flat = tf.reshape(x, tf.concat(List.of(batch, tf.constInts(-1), channels), 0));
    Output<?> sum = null;
    for (List<Tap> neighbour : product(taps)) {
      Output<?> index = null;
      Output<?> weight = null;
      for (int i = 0; i < rank; i++) {
        Tap t = neighbour.get(i);
        Output<?> whole = tf.cast(t.index, DataType.DT_INT32);
        index = index == null ? whole : tf.add(tf.mul(index, tf.cast(size(i), DataType.DT_INT32)), whole);
        weight = weight == null ? t.weight : t.weight == null ? weight : tf.mul(weight, t.weight);
      }
      Output<?> value = tf.op("GatherV2").in(flat, index, tf.constInt(1)).attr("batch_dims", 1).out();
      value = weight == null ? value : tf.mul(value, tf.expandDims(weight, -1));
      sum = sum == null ? value : tf.add(sum, value);
    }
    s.bind(tf.cast(sum, given));
  }

  /** The size of a spatial dimension as a float scalar. */
  private Output<?> size(int i) {
    return s.size(i) >= 0 ? f(s.size(i))
        : tf.cast(tf.reshape(tf.call("Slice", shape, tf.constInts(i + 1), tf.constInts(1))), type);
  }

  private static List<List<Tap>> product(List<List<Tap>> axes) {
    List<List<Tap>> all = List.of(List.of());
    for (List<Tap> axis : axes) {
      List<List<Tap>> next = new ArrayList<>();
      for (List<Tap> before : all) {
        for (Tap t : axis) {
          List<Tap> longer = new ArrayList<>(before);
          longer.add(t);
          next.add(longer);
        }
      }
      all = next;
    }
    return all;
  }

  private List<Tap> taps(Output<?> coordinate, Output<?> size) {
    Output<?> shifted = tf.add(coordinate, f(1));
    Output<?> x = alignCorners ? tf.mul(shifted, tf.mul(tf.sub(size, f(1)), f(0.5)))
        : tf.mul(tf.sub(tf.mul(shifted, size), f(1)), f(0.5));
    if (mode.equals("nearest")) {
      return List.of(tap(tf.call("Round", x), null, size));
    }
    if (mode.equals("linear")) {
      Output<?> inside = padding.equals("zeros") ? x : moved(x, size);
      Output<?> low = tf.call("Floor", inside);
      Output<?> share = tf.sub(inside, low);
      return List.of(tap(low, tf.sub(f(1), share), size), tap(tf.add(low, f(1)), share, size));
    }
    Output<?> base = tf.call("Floor", x);
    List<Tap> all = new ArrayList<>();
    for (int k = -1; k <= 2; k++) {
      Output<?> index = tf.add(base, f(k));
      all.add(tap(index, cubic(tf.call("Abs", tf.sub(x, index)), k == 0 || k == 1), size));
    }
    return all;
  }

  private Output<?> cubic(Output<?> d, boolean near) {
    return near ? polynomial(d, CUBIC + 2, -(CUBIC + 3), 0, 1) : polynomial(d, CUBIC, -5 * CUBIC, 8 * CUBIC, -4 * CUBIC);
  }

  private Output<?> polynomial(Output<?> d, double a, double b, double linear, double constant) {
    return tf.add(tf.mul(tf.add(tf.mul(tf.add(tf.mul(f(a), d), f(b)), d), f(linear)), d), f(constant));
  }

  /** A neighbour that may lie outside: it counts zero there, or another stands in for it. */
  private Tap tap(Output<?> index, Output<?> weight, Output<?> size) {
    Output<?> last = tf.sub(size, f(1));
    if (!padding.equals("zeros")) {
      return new Tap(clamped(moved(index, size), last), weight);
    }
    Output<?> inside = tf.cast(tf.call("LogicalAnd", tf.call("GreaterEqual", index, f(0)), tf.call("LessEqual", index, last)), type);
    return new Tap(clamped(index, last), weight == null ? inside : tf.mul(weight, inside));
  }

  private Output<?> clamped(Output<?> x, Output<?> last) {
    return tf.call("Maximum", tf.call("Minimum", x, last), f(0));
  }

  /** A place outside moved to the border, or mirrored until it is inside. */
  private Output<?> moved(Output<?> x, Output<?> size) {
    Output<?> last = tf.sub(size, f(1));
    if (padding.equals("border")) {
      return clamped(x, last);
    }
    Output<?> low = alignCorners ? f(0) : f(-0.5);
    Output<?> length = alignCorners ? last : size;
    // A triangle wave of twice the length.
    Output<?> period = tf.mul(length, f(2));
    // With aligned corners a single element has no length: everything falls on it.
    Output<?> phase = tf.call("FloorMod", tf.sub(x, low), tf.call("Maximum", period, f(1)));
    phase = tf.call("Minimum", phase, period);
    return tf.add(tf.call("Minimum", phase, tf.sub(period, phase)), low);
  }

  // ---- AffineGrid ----

  private static void affineGrid(EmitContext c) {
    Tf tf = c.tf();
    boolean corners = c.node().intAttr("align_corners", 0) == 1;
    Output<?> theta = c.in(0);
    DataType type = theta.dataType() == DataType.DT_DOUBLE ? DataType.DT_DOUBLE : DataType.DT_FLOAT;
    Shape t = c.shape(0);
    int rank = (int) t.dim(1).constant();
    Output<?> size = tf.cast(c.in(1), DataType.DT_INT32);
    Output<?> dims = tf.call("Slice", size, tf.constInts(2), tf.constInts(rank));
    List<Output<?>> axes = new ArrayList<>();
    for (int i = rank - 1; i >= 0; i--) {
      long[] view = new long[rank];
      java.util.Arrays.fill(view, 1);
      view[i] = -1;
      Output<?> n = tf.reshape(tf.call("Slice", dims, tf.constInts(i), tf.constInts(1)));
      axes.add(tf.call("BroadcastTo", tf.reshape(places(tf, n, type, corners), view), dims));
    }
    axes.add(tf.call("Fill", dims, tf.scalar(type, 1)));
    Output<?> base = tf.reshape(tf.pack(axes, rank), -1, rank + 1);
    Output<?> y = tf.op("BatchMatMulV2").in(base, tf.cast(theta, type)).attr("adj_y", true).out();
    Output<?> batch = tf.call("Slice", size, tf.constInts(0), tf.constInts(1));
    c.bind(0, tf.cast(tf.reshape(y, tf.concat(List.of(batch, dims, tf.constInts(rank)), 0)), theta.dataType()));
  }

  /** The places of n elements in [-1, 1]: their centers, or from corner to corner. */
  private static Output<?> places(Tf tf, Output<?> n, DataType type, boolean corners) {
    Output<?> i = tf.cast(tf.call("Range", tf.constInt(0), n, tf.constInt(1)), type);
    Output<?> count = tf.cast(n, type);
    Output<?> one = tf.scalar(type, 1);
    if (corners) {
      Output<?> gaps = tf.call("Maximum", tf.sub(count, one), one);
      return tf.sub(tf.call("RealDiv", tf.mul(i, tf.scalar(type, 2)), gaps), one);
    }
    Output<?> twice = tf.add(tf.mul(i, tf.scalar(type, 2)), one);
    return tf.sub(tf.call("RealDiv", twice, count), one);
  }
}
