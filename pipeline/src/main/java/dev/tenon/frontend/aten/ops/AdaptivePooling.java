package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * Pooling to a given number of windows: window i of an axis of size n goes from {@code floor(i * n / out)} to
 * {@code ceil((i + 1) * n / out)}. Windows are of one size only where the size is a multiple.
 *
 * <p>An average goes axis by axis. Where the windows differ, or the size is not known, it is a product with a matrix that has a row for
 * each window; the graph computes that matrix from the size, so that it is right for all sizes.
 */
public final class AdaptivePooling {
  private AdaptivePooling() {}

  public static void register(AtenOps ops) {
    ops.op("adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d _adaptive_avg_pool2d _adaptive_avg_pool3d", AdaptivePooling::average);
    ops.op("adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d", AdaptivePooling::maximum);
  }

  // ---- average ----

  private static TorchValue average(AtenCall c) {
    Onnx o = c.onnx();
    int n = Pooling.spatialRank(c);
    Value x = o.cast(Pooling.batched(c, n), Kernels.typeFor("AveragePool", c.dtypeOf("self")));
    List<TorchScalar> out = sizes(c, n);
    boolean all = out.stream().allMatch(s -> s.is(1));
    Value y = all ? o.op("GlobalAveragePool", x) : byMatrices(o, byWindows(o, x, out), out);
    return c.result(Pooling.unbatched(c, n, o.cast(y, c.dtypeOf("self"))));
  }

  private static List<TorchScalar> sizes(AtenCall c, int n) {
    List<TorchScalar> given = c.numbers("output_size");
    List<TorchScalar> all = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      all.add(given.get(given.size() == 1 ? 0 : i));
    }
    return all;
  }

  /** True if an axis has windows of one size, that of {@link #window}. */
  private static boolean divides(Dim size, TorchScalar out) {
    return out.isConstant() && out.toLong() > 0 && size.isConstant() && size.constant() % out.toLong() == 0 && size.constant() > 0;
  }

  /** Averages the axes whose windows are of one size. */
  private static Value byWindows(Onnx o, Value x, List<TorchScalar> out) {
    long[] kernel = new long[out.size()];
    boolean any = false;
    for (int i = 0; i < kernel.length; i++) {
      Dim size = x.shape().dim(i + 2);
      kernel[i] = divides(size, out.get(i)) ? size.constant() / out.get(i).toLong() : 1;
      any |= kernel[i] > 1;
    }
    return any ? o.node("AveragePool").in(x).attr("kernel_shape", kernel).attr("strides", kernel).out() : x;
  }

  /** Averages the axes whose size is not yet the wanted one. */
  private static Value byMatrices(Onnx o, Value x, List<TorchScalar> out) {
    Value y = x;
    int n = out.size();
    for (int i = 0; i < n; i++) {
      TorchScalar wanted = out.get(i);
      if (y.shape().dim(i + 2).equals(wanted.dim())) {
        continue;
      }
      if (wanted.is(1)) {
        y = o.reduce("ReduceMean", y, true, i + 2);
        continue;
      }
      Value matrix = averages(o, o.size(y, i + 2), wanted, y.dtype());
      if (i == n - 2) {
        y = o.op("MatMul", matrix, y);
      } else {
        int[] last = swapped(n + 2, i + 2);
        y = o.transpose(o.op("MatMul", o.transpose(y, last), o.transpose(matrix, 1, 0)), last);
      }
    }
    return y;
  }

  /** The permutation that swaps an axis and the last one. */
  private static int[] swapped(int rank, int axis) {
    int[] perm = new int[rank];
    for (int i = 0; i < rank; i++) {
      perm[i] = i == axis ? rank - 1 : i == rank - 1 ? axis : i;
    }
    return perm;
  }

  /** The matrix [out, size] whose rows average the windows. */
  private static Value averages(Onnx o, TorchScalar size, TorchScalar out, DataType dtype) {
    if (size.isConstant() && out.isConstant()) {
      return o.cast(o.constant(Tensor.of(averages((int) size.toLong(), (int) out.toLong()), out.toLong(), size.toLong())), dtype);
    }
    Value[] bounds = bounds(o, size, out);
    Value at = Filling.range(o, size);
    Value start = o.unsqueeze(bounds[0], 1);
    Value end = o.unsqueeze(bounds[1], 1);
    Value inside = o.op("And", o.op("GreaterOrEqual", at, start), o.op("Less", at, end));
    return o.div(o.cast(inside, dtype), o.cast(o.sub(end, start), dtype));
  }

  private static float[] averages(int size, int out) {
    float[] matrix = new float[size * out];
    for (int i = 0; i < out; i++) {
      int start = (int) ((long) i * size / out);
      int end = (int) (((i + 1L) * size + out - 1) / out);
      for (int k = start; k < end; k++) {
        matrix[i * size + k] = 1f / (end - start);
      }
    }
    return matrix;
  }

  /** The first element of each window, and the one after its last. */
  private static Value[] bounds(Onnx o, TorchScalar size, TorchScalar out) {
    Value one = o.scalar(DataType.INT64, 1L);
    Value n = size.scalar(o);
    Value count = out.scalar(o);
    Value i = Filling.range(o, out);
    Value start = o.div(o.mul(i, n), count);
    Value end = o.div(o.add(o.mul(o.add(i, one), n), o.sub(count, one)), count);
    return new Value[] {start, end};
  }

  // ---- maximum ----

  private static TorchValue maximum(AtenCall c) {
    Onnx o = c.onnx();
    int n = Pooling.spatialRank(c);
    DataType type = c.dtypeOf("self");
    Value x = o.cast(Pooling.batched(c, n), Pooling.poolable(type));
    List<TorchScalar> out = sizes(c, n);
    long[] kernel = new long[n];
    boolean one = true;
    boolean divides = true;
    for (int i = 0; i < n; i++) {
      Dim size = x.shape().dim(i + 2);
      one &= out.get(i).is(1);
      divides &= divides(size, out.get(i));
      kernel[i] = divides ? size.constant() / out.get(i).toLong() : 1;
    }
    Value[] y;
    if (divides) {
      y = o.node("MaxPool").in(x).attr("kernel_shape", kernel).attr("strides", kernel).outs(2).toArray(Value[]::new);
      TorchScalar plane = TorchScalar.of(1);
      for (int i = 0; i < n; i++) {
        plane = o.times(plane, o.size(x, i + 2));
      }
      y[1] = o.op("Mod", y[1], plane.scalar(o));
    } else {
      y = one ? global(o, x, n) : byGathering(o, x, out);
    }
    return c.results(Pooling.unbatched(c, n, o.cast(y[0], type)), Pooling.unbatched(c, n, y[1]));
  }

  private static Value[] global(Onnx o, Value x, int n) {
    long[] axes = new long[n];
    List<TorchScalar> flat = new ArrayList<>(o.sizes(x).subList(0, 2));
    flat.add(TorchScalar.of(-1));
    for (int i = 0; i < n; i++) {
      axes[i] = i + 2;
    }
    Value index = o.node("ArgMax").in(o.reshape(x, flat)).attr("axis", 2).attr("keepdims", false).out();
    return new Value[] {o.op("GlobalMaxPool", x), o.unsqueeze(index, axes)};
  }

  /** Gathers all windows, their last elements repeated so that all are of one size, and takes the largest element of each. */
  private static Value[] byGathering(Onnx o, Value x, List<TorchScalar> out) {
    int n = out.size();
    Value windows = x;
    Value flat = null;
    for (int i = 0; i < n; i++) {
      TorchScalar size = o.size(x, i + 2);
      Value index = elements(o, size, out.get(i));
      // Axis i is now two: the windows and the elements of a window.
      windows = o.gather(windows, index, 2 + 2 * i);
      Value shaped = o.unsqueeze(index, others(n, i));
      flat = flat == null ? shaped : o.add(o.mul(flat, size.scalar(o)), shaped);
    }
    int[] perm = new int[2 + 2 * n];
    perm[1] = 1;
    int[] flatPerm = new int[2 * n];
    for (int i = 0; i < n; i++) {
      perm[2 + i] = 2 + 2 * i;
      perm[2 + n + i] = 3 + 2 * i;
      flatPerm[i] = 2 * i;
      flatPerm[n + i] = 2 * i + 1;
    }
    Value each = o.reshape(o.transpose(windows, perm), joined(o, o.sizes(x).subList(0, 2), out));
    Value chosen = o.node("ArgMax").in(each).attr("axis", n + 2).attr("keepdims", true).out();
    Value largest = o.reduce("ReduceMax", each, false, n + 2);
    Value positions = o.reshape(o.transpose(flat, flatPerm), joined(o, List.of(TorchScalar.of(1), TorchScalar.of(1)), out));
    List<TorchScalar> all = new ArrayList<>(o.sizes(x).subList(0, 2));
    for (int i = 0; i <= n; i++) {
      all.add(TorchScalar.of(-1));
    }
    Value index = o.node("GatherElements").in(o.expand(positions, all), chosen).attr("axis", n + 2).out();
    return new Value[] {largest, o.squeeze(index, n + 2)};
  }

  private static List<TorchScalar> joined(Onnx o, List<TorchScalar> leading, List<TorchScalar> out) {
    List<TorchScalar> sizes = new ArrayList<>(leading);
    sizes.addAll(out);
    sizes.add(TorchScalar.of(-1));
    return sizes;
  }

  /** The axes to insert so that axes 2i and 2i+1 of 2n are left. */
  private static long[] others(int n, int i) {
    long[] axes = new long[2 * n - 2];
    for (int a = 0, k = 0; a < 2 * n; a++) {
      if (a / 2 != i) {
        axes[k++] = a;
      }
    }
    return axes;
  }

  /** The positions [out, longest window] of the elements of each window. */
  private static Value elements(Onnx o, TorchScalar size, TorchScalar out) {
    Value[] bounds = bounds(o, size, out);
    // No window is longer than ceil(size / out) + 1.
    TorchScalar longest = o.plus(o.floorDiv(o.plus(size, o.plus(out, TorchScalar.of(-1))), out), TorchScalar.of(1));
    Value at = o.add(o.unsqueeze(bounds[0], 1), Filling.range(o, longest));
    return o.op("Min", at, o.sub(o.unsqueeze(bounds[1], 1), o.scalar(DataType.INT64, 1L)));
  }
}
