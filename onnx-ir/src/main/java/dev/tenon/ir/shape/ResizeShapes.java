package dev.tenon.ir.shape;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Resizing and resampling of images. */
final class ResizeShapes {
  private ResizeShapes() {}

  static void register(Registry r) {
    r.op("Upsample", 1, ResizeShapes::upsample);
    r.op("Resize", 10, ResizeShapes::resize);
    r.op("GridSample", 1, ResizeShapes::gridSample);
    r.op("AffineGrid", 1, ResizeShapes::affineGrid);
  }

  private static void upsample(NodeContext c) {
    Shape x = c.shape(0);
    if (c.opset() < 7) {
      Shape in = c.shapeOfRank(0, 4);
      c.output(0, c.dtype(0), Shape.of(in.dim(0), in.dim(1), scaled(in.dim(2), c.floatAttr("height_scale", 1)),
          scaled(in.dim(3), c.floatAttr("width_scale", 1))));
      return;
    }
    float[] attr = c.floatsAttr("scales", null);
    double[] scales = attr == null ? c.doubles(1) : widened(attr);
    c.output(0, c.dtype(0), scaled(c, x, allAxes(x), data(c, scales, attr == null ? 1 : -1), scales));
  }

  private static double[] widened(float[] f) {
    double[] d = new double[f.length];
    Arrays.setAll(d, i -> f[i]);
    return d;
  }

  /** The scales that are exact fractions; null if not known. */
  private static Datum[] data(NodeContext c, double[] scales, int input) {
    if (scales != null) {
      return Arrays.stream(scales).mapToObj(Datum::ofFloat).toArray(Datum[]::new);
    }
    Data d = input < 0 ? null : c.data(input);
    return d == null ? null : d.elements();
  }

  private static void resize(NodeContext c) {
    Shape x = c.shape(0);
    if (!x.hasRank()) {
      c.output(0, c.dtype(0), x);
      return;
    }
    long[] attr = c.intsAttr("axes", null);
    int[] axes = attr == null ? allAxes(x) : c.axes(attr, x.rank());
    int scalesAt = c.opset() < 11 ? 1 : 2;
    boolean bySizes = c.has(3) && (!c.has(scalesAt) || c.length(scalesAt) <= 0);
    if (bySizes) {
      c.output(0, c.dtype(0), sized(c, x, axes));
      return;
    }
    double[] scales = c.doubles(scalesAt);
    boolean crop = c.stringAttr("coordinate_transformation_mode", "half_pixel").equals("tf_crop_and_resize");
    if (crop && c.opset() >= 11) {
      scales = cropped(c, scales, axes.length);
      c.output(0, c.dtype(0), scaled(c, x, axes, data(c, scales, -1), scales));
    } else {
      c.output(0, c.dtype(0), scaled(c, x, axes, data(c, scales, scalesAt), scales));
    }
  }

  private static int[] allAxes(Shape x) {
    int[] all = new int[Math.max(0, x.rank())];
    Arrays.setAll(all, i -> i);
    return all;
  }

  /** The part of the axes outside the region of interest is not scaled. */
  private static double[] cropped(NodeContext c, double[] scales, int n) {
    double[] roi = c.doubles(1);
    if (scales == null || roi == null || roi.length != 2 * n || scales.length != n) {
      return null;
    }
    double[] out = new double[n];
    Arrays.setAll(out, i -> (float) scales[i] * ((float) roi[i + n] - (float) roi[i]));
    return out;
  }

  private static Shape scaled(NodeContext c, Shape x, int[] axes, Datum[] exact, double[] scales) {
    if (!x.hasRank()) {
      return scales == null || c.hasAttr("axes") ? x : Shape.unknownOfRank(scales.length);
    }
    if (exact != null && exact.length != axes.length) {
      throw c.invalid(exact.length + " scales for " + axes.length + " axes of shape " + x);
    }
    List<Dim> out = new ArrayList<>(x.dims());
    for (int i = 0; i < axes.length; i++) {
      Dim in = x.dim(axes[i]);
      if (scales != null && in.isConstant()) {
        out.set(axes[i], scaled(in, (float) scales[i]));
      } else {
        Datum d = exact == null || exact[i] == null ? null : Datum.of(in).times(exact[i]);
        out.set(axes[i], d == null ? Dim.unknown() : d.floor().numerator());
      }
    }
    return Shape.of(out);
  }

  /** Rounded as ONNX Runtime does, which multiplies in single precision. */
  private static Dim scaled(Dim in, float scale) {
    if (in.isConstant()) {
      return Dim.of((long) (in.constant() * scale));
    }
    Datum s = Datum.ofFloat(scale);
    Datum d = s == null ? null : Datum.of(in).times(s);
    return d == null ? Dim.unknown() : d.floor().numerator();
  }

  private static Shape sized(NodeContext c, Shape x, int[] axes) {
    List<Dim> sizes = c.dims(3);
    if (sizes != null && sizes.size() != axes.length) {
      throw c.invalid(sizes.size() + " sizes for " + axes.length + " axes of shape " + x);
    }
    String policy = c.stringAttr("keep_aspect_ratio_policy", "stretch");
    List<Dim> out = new ArrayList<>(x.dims());
    Dim[] kept = policy.equals("stretch") ? null : keepingRatio(x, axes, sizes, policy);
    for (int i = 0; i < axes.length; i++) {
      boolean known = policy.equals("stretch") ? sizes != null : kept != null;
      out.set(axes[i], !known ? Dim.unknown() : kept == null ? sizes.get(i) : kept[i]);
    }
    return Shape.of(out);
  }

  /** All axes by the smallest (or greatest) of the ratios, rounded half up; null if not all is known. */
  private static Dim[] keepingRatio(Shape x, int[] axes, List<Dim> sizes, String policy) {
    if (sizes == null || !Shape.of(sizes).isStatic()) {
      return null;
    }
    boolean smallest = policy.equals("not_larger");
    float scale = smallest ? Float.MAX_VALUE : 0;
    for (int i = 0; i < axes.length; i++) {
      if (!x.dim(axes[i]).isConstant() || x.dim(axes[i]).is(0)) {
        return null;
      }
      float s = (float) sizes.get(i).constant() / x.dim(axes[i]).constant();
      scale = smallest ? Math.min(scale, s) : Math.max(scale, s);
    }
    Dim[] out = new Dim[axes.length];
    for (int i = 0; i < axes.length; i++) {
      out[i] = Dim.of((long) Math.floor(scale * x.dim(axes[i]).constant() + 0.5f));
    }
    return out;
  }

  /** [N, C, D1..] sampled at [N, d1.., k] gives [N, C, d1..]. */
  private static void gridSample(NodeContext c) {
    Shape x = c.shape(0);
    Shape grid = c.shape(1);
    int rank = Math.max(x.rank(), grid.rank());
    if (rank < 0) {
      c.output(0, c.dtype(0), Shape.unknown());
      return;
    }
    if (rank < 3) {
      throw c.invalid("an input of shape " + x + " and a grid of shape " + grid);
    }
    x = c.shapeOfRank(0, rank);
    grid = c.shapeOfRank(1, rank);
    List<Dim> out = new ArrayList<>(List.of(c.same(x.dim(0), grid.dim(0)), x.dim(1)));
    out.addAll(grid.subList(1, rank - 1));
    c.output(0, c.dtype(0), Shape.of(out));
  }

  /** theta [N, 2, 3] and size (N, C, H, W) give [N, H, W, 2]; one dimension more for volumes. */
  private static void affineGrid(NodeContext c) {
    List<Dim> size = c.dims(1);
    if (size == null || size.size() < 4) {
      c.output(0, c.dtype(0), c.length(1) < 0 ? Shape.unknown() : Shape.unknownOfRank((int) c.length(1)));
      return;
    }
    List<Dim> out = new ArrayList<>(List.of(size.get(0)));
    out.addAll(size.subList(2, size.size()));
    out.add(Dim.of(size.size() - 2));
    c.output(0, c.dtype(0), Shape.of(out));
  }
}
