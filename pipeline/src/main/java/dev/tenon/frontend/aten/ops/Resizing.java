package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.LoweringException;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.OnnxNode;
import dev.tenon.frontend.aten.TorchNone;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * Resizing by interpolation, and sampling at points of a grid.
 *
 * <p>PyTorch takes the positions of samples from the scale factors where those are given, even if the rounded size says otherwise, and
 * from the sizes if not. ONNX's {@code Resize} knows both: {@code scales} and {@code sizes}.
 */
public final class Resizing {
  /** Stands for a scale factor that is known only when the model runs. */
  private static final Double COMPUTED = Double.NaN;

  private Resizing() {}

  public static void register(AtenOps ops) {
    ops.op("upsample_nearest1d upsample_nearest2d upsample_nearest3d", c -> resize(c, Mode.NEAREST));
    ops.op("_upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d", c -> resize(c, Mode.NEAREST_EXACT));
    ops.op("upsample_linear1d upsample_bilinear2d upsample_trilinear3d", c -> resize(c, Mode.LINEAR));
    ops.op("upsample_bicubic2d", c -> resize(c, Mode.CUBIC));
    ops.op("_upsample_bilinear2d_aa", c -> resize(c, Mode.LINEAR_ANTIALIASED));
    ops.op("_upsample_bicubic2d_aa", c -> resize(c, Mode.CUBIC_ANTIALIASED));
    ops.op("_upsample_lanczos2d_aa", c -> {
      throw c.unsupported("ONNX has no Lanczos filter");
    });
    ops.op("grid_sampler grid_sampler_2d grid_sampler_3d _grid_sampler_2d_cpu_fallback", Resizing::gridSample);
    ops.op("affine_grid_generator", Resizing::affineGrid);
  }

  private enum Mode {
    NEAREST("nearest"), NEAREST_EXACT("nearest"), LINEAR("linear"), CUBIC("cubic"), LINEAR_ANTIALIASED("linear"), CUBIC_ANTIALIASED("cubic");

    private final String onnx;

    Mode(String onnx) {
      this.onnx = onnx;
    }

    boolean nearest() {
      return onnx.equals("nearest");
    }

    boolean antialiased() {
      return this == LINEAR_ANTIALIASED || this == CUBIC_ANTIALIASED;
    }
  }

  private static TorchValue resize(AtenCall c, Mode mode) {
    Onnx o = c.onnx();
    String input = c.has("input") ? "input" : "self";
    Value x = c.tensor(input);
    // The digit in the name: the number of axes that are resized.
    int n = c.schema().baseName().replaceAll("\\D", "").charAt(0) - '0';
    if (c.rank(input, Shape.unknownOfRank(n + 2)) != n + 2) {
      throw c.unsupported("an input of rank " + c.rank(input) + ", not " + (n + 2));
    }
    List<TorchValue> given = scaleArguments(c, n);
    List<Double> scales = scales(c, given, n);
    List<TorchScalar> sizes = c.isNone("output_size") ? null : c.numbers("output_size");
    boolean bytes = x.dtype() == DataType.UINT8 && !mode.nearest();
    OnnxNode node = o.node("Resize").in(bytes ? o.cast(x, DataType.FLOAT) : x, null);
    long[] axes = new long[n];
    for (int i = 0; i < n; i++) {
      axes[i] = i + 2;
    }
    if (mode.antialiased() && c.bool("align_corners")) {
      throw c.unsupported("align_corners with antialias, which ONNX does not define");
    }
    List<TorchScalar> exact = exactSizes(x, sizes, scales, mode);
    if (exact != null) {
      node.in(null, o.vector(exact));
    } else if (scales.contains(COMPUTED)) {
      node.in(o.concat(0, given.stream().map(v -> o.cast(((TorchScalar) v).vector(o), DataType.FLOAT)).toList()));
    } else {
      node.in(o.constant(scalesTensor(x, sizes, scales, mode)));
    }
    attributes(node.attr("axes", axes), c, mode);
    Value y = node.out();
    if (!bytes) {
      return c.result(y);
    }
    Value clipped = o.op("Clip", o.op("Round", y), o.scalar(DataType.FLOAT, 0.0), o.scalar(DataType.FLOAT, 255.0));
    return c.result(o.cast(clipped, DataType.UINT8));
  }

  private static void attributes(OnnxNode node, AtenCall c, Mode mode) {
    node.attr("mode", mode.onnx);
    if (mode == Mode.NEAREST) {
      node.attr("coordinate_transformation_mode", "asymmetric").attr("nearest_mode", "floor");
      return;
    }
    boolean corners = c.has("align_corners") && c.bool("align_corners");
    node.attr("coordinate_transformation_mode", corners ? "align_corners" : "half_pixel");
    if (mode == Mode.NEAREST_EXACT) {
      // Half a pixel to the left, rounded: the floor of the position of the pixel's middle.
      node.attr("nearest_mode", "round_prefer_ceil");
    }
    if (mode == Mode.CUBIC) {
      node.attr("cubic_coeff_a", -0.75);
    }
    if (mode == Mode.CUBIC_ANTIALIASED) {
      node.attr("cubic_coeff_a", -0.5);
    }
    if (mode.antialiased()) {
      // Filters are cut off at the edges, and their weights sum to one again.
      node.attr("antialias", true).attr("exclude_outside", true);
    }
  }

  private static List<TorchValue> scaleArguments(AtenCall c, int n) {
    if (c.has("scale_factors")) {
      return c.isNone("scale_factors") ? Collections.nCopies(n, TorchNone.NONE) : c.list("scale_factors");
    }
    String[] names = n == 1 ? new String[] {"scales"} : n == 2 ? new String[] {"scales_h", "scales_w"}
        : new String[] {"scales_d", "scales_h", "scales_w"};
    return Arrays.stream(names).map(c::get).toList();
  }

  /** The scale factors, null where none is given. */
  private static List<Double> scales(AtenCall c, List<TorchValue> given, int n) {
    List<Double> all = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      TorchValue v = i < given.size() ? given.get(i) : TorchNone.NONE;
      all.add(!(v instanceof TorchScalar s) ? null : !s.isConstant() ? COMPUTED : s.toDouble() > 0 ? (Double) s.toDouble() : null);
    }
    if (all.contains(COMPUTED) && all.contains(null)) {
      throw c.unsupported("scale factors for some axes and none for others");
    }
    return all;
  }

  /** The sizes, if positions can be taken from them; null if they must be taken from the scale factors. */
  private static List<TorchScalar> exactSizes(Value x, List<TorchScalar> sizes, List<Double> scales, Mode mode) {
    List<TorchScalar> exact = new ArrayList<>();
    for (int i = 0; i < scales.size(); i++) {
      long in = x.shape().dim(i + 2).orMinusOne();
      if (COMPUTED.equals(scales.get(i))) {
        return null;
      }
      if (scales.get(i) == null && sizes == null || scales.get(i) != null && (in < 0 || !isExact(in, size(in, sizes, scales, i), scales.get(i), mode))) {
        return null;
      }
      exact.add(scales.get(i) == null ? sizes.get(i) : TorchScalar.of(size(in, sizes, scales, i)));
    }
    return exact;
  }

  /** The size of an axis whose size before is known. */
  private static long size(long in, List<TorchScalar> sizes, List<Double> scales, int i) {
    return sizes != null && sizes.get(i).isConstant() ? sizes.get(i).toLong() : (long) Math.floor(in * scales.get(i));
  }

  /** True if the scale factor is the sizes' quotient, or PyTorch takes it for that: it copies where the size stays as it is. */
  private static boolean isExact(long in, long out, double scale, Mode mode) {
    return out == in * scale || out == in && (mode == Mode.NEAREST || mode == Mode.LINEAR) || out == 2 * in && mode == Mode.NEAREST;
  }

  /** The scale factors as float32, such that ONNX's rounding gives PyTorch's sizes, which are computed in float64. */
  private static Tensor scalesTensor(Value x, List<TorchScalar> sizes, List<Double> scales, Mode mode) {
    float[] all = new float[scales.size()];
    for (int i = 0; i < all.length; i++) {
      long in = x.shape().dim(i + 2).orMinusOne();
      if (scales.get(i) == null) {
        throw new LoweringException("a resize with scale factors for some axes and sizes for others");
      }
      double scale = scales.get(i);
      all[i] = (float) scale;
      if (in > 0) {
        long out = size(in, sizes, scales, i);
        all[i] = (float) (isExact(in, out, scale, mode) ? (double) out / in : scale);
        all[i] = (long) (in * all[i]) < out ? Math.nextUp(all[i]) : all[i];
      }
    }
    return Tensor.of(all, all.length);
  }

  // ---- grids ----

  private static TorchValue gridSample(AtenCall c) {
    String[] modes = {"linear", "nearest", "cubic"};
    String[] paddings = {"zeros", "border", "reflection"};
    Onnx o = c.onnx();
    DataType type = Kernels.typeFor("GridSample", c.dtypeOf("input"));
    return c.result(o.cast(o.node("GridSample").in(c.tensor("input", type), c.tensor("grid", type)).attr("mode", modes[(int) c.integer("interpolation_mode")])
        .attr("padding_mode", paddings[(int) c.integer("padding_mode")]).attr("align_corners", c.bool("align_corners")).out(), c.dtypeOf("input")));
  }

  private static TorchValue affineGrid(AtenCall c) {
    Onnx o = c.onnx();
    return c.result(o.node("AffineGrid").in(c.tensor("theta"), o.vector(c.numbers("size"))).attr("align_corners", c.bool("align_corners")).out());
  }
}
