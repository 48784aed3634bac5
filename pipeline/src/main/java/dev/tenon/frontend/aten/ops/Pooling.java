package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Pooling with sliding windows, in one to three dimensions; inputs may lack the batch dimension.
 *
 * <p>With {@code ceil_mode} PyTorch adds a window that reaches beyond the padded input if it begins in the input or in the padding before
 * it. ONNX says the same since operator set 22 only, and runtimes have differed, so the padding is made explicit where sizes are known,
 * and {@code ceil_mode} is used only where no window could begin behind the input.
 */
public final class Pooling {
  private Pooling() {}

  public static void register(AtenOps ops) {
    ops.op("max_pool1d max_pool2d max_pool3d", c -> c.result(maxPool(c, false).get(0)));
    ops.op("max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices", c -> c.results(maxPool(c, true)));
    ops.op("avg_pool1d avg_pool2d avg_pool3d", Pooling::averagePool);
    ops.op("max_unpool2d max_unpool3d", Pooling::maxUnpool);
    ops.op("fractional_max_pool2d fractional_max_pool3d", c -> {
      throw c.unsupported("the windows are random, which has no ONNX form");
    });
  }

  /** The number of spatial dimensions, the digit in the operator's name. */
  static int spatialRank(AtenCall c) {
    return c.schema().baseName().replaceAll("\\D", "").charAt(0) - '0';
  }

  /** The input with a batch dimension. */
  static Value batched(AtenCall c, int n) {
    Value x = c.tensor("self");
    int rank = c.rank("self");
    if (rank != n + 1 && rank != n + 2) {
      throw c.unsupported("pooling of a tensor of rank " + rank);
    }
    return rank == n + 1 ? c.onnx().unsqueeze(x, 0) : x;
  }

  /** The result without the batch dimension if the input has none. */
  static Value unbatched(AtenCall c, int n, Value y) {
    return c.rank("self") == n + 1 ? c.onnx().squeeze(y, 0) : y;
  }

  /** The type that ONNX can pool in and that holds the elements: float64 for wider integers. */
  static DataType poolable(DataType t) {
    return switch (t) {
      case FLOAT, FLOAT16, DOUBLE, INT8, UINT8 -> t;
      case BFLOAT16 -> DataType.FLOAT;
      default -> DataType.DOUBLE;
    };
  }

  // ---- windows ----

  /** Where the windows of a call are: n numbers each. */
  private record Windows(int n, long[] kernel, long[] stride, long[] padding, long[] dilation, boolean ceil) {
    static Windows of(AtenCall c, int n) {
      long[] kernel = c.ints("kernel_size", n);
      long[] stride = c.numbers("stride").isEmpty() ? kernel : c.ints("stride", n);
      long[] ones = new long[n];
      Arrays.fill(ones, 1);
      return new Windows(n, kernel, stride, c.ints("padding", n), c.has("dilation") ? c.ints("dilation", n) : ones, c.bool("ceil_mode"));
    }

    /** From the first element to the last, both included. */
    long extent(int i) {
      return dilation[i] * (kernel[i] - 1) + 1;
    }

    /** The number of elements of a window. */
    long volume() {
      return Arrays.stream(kernel).reduce(1, (a, b) -> a * b);
    }

    /** True for windows of one element. ONNX Runtime moves a Pad before such a pool into it, and then refuses it. */
    boolean select() {
      return volume() == 1 && Arrays.stream(padding).allMatch(p -> p == 0);
    }

    /** What windows of one element select. */
    Value selected(Onnx o, Value x) {
      long[] ends = new long[n];
      Arrays.fill(ends, Long.MAX_VALUE);
      long[] axes = LongStream.range(2, n + 2).toArray();
      return Arrays.stream(stride).allMatch(s -> s == 1) ? x
          : o.op("Slice", x, o.vector(new long[n]), o.vector(ends), o.vector(axes), o.vector(stride));
    }

    /** True if no window can begin behind the input, so that rounding up needs no exception. */
    boolean roundsUpPlainly() {
      boolean plain = true;
      for (int i = 0; i < n; i++) {
        plain &= stride[i] <= extent(i) - padding[i];
      }
      return plain;
    }

    /** What must be added behind the padding for the last window, if the size is known. */
    long extra(int i, long size) {
      if (!ceil) {
        return 0;
      }
      long out = -Math.floorDiv(-(size + 2 * padding[i] - extent(i)), stride[i]) + 1;
      if ((out - 1) * stride[i] >= size + padding[i]) {
        out--;
      }
      return Math.max(0, (out - 1) * stride[i] + extent(i) - size - 2 * padding[i]);
    }

    /** The same as a number of the graph. */
    TorchScalar extra(Onnx o, int i, TorchScalar size) {
      if (!ceil || size.isConstant()) {
        return TorchScalar.of(size.isConstant() ? extra(i, size.toLong()) : 0);
      }
      // The starts of windows are multiples of the stride: the last one below both ends.
      TorchScalar stride = TorchScalar.of(this.stride[i]);
      TorchScalar covering = o.floorDiv(o.plus(size, TorchScalar.of(2 * padding[i] - extent(i) + this.stride[i] - 1)), stride);
      TorchScalar inside = o.floorDiv(o.plus(size, TorchScalar.of(padding[i] - 1)), stride);
      Value last = o.op("Min", covering.vector(o), inside.vector(o));
      Value end = o.add(o.mul(last, stride.vector(o)), o.vector(extent(i)));
      Value missing = o.sub(end, o.plus(size, TorchScalar.of(2 * padding[i])).vector(o));
      return o.number(TorchScalar.Kind.INT, o.op("Max", missing, o.vector(0)));
    }

    boolean sizesKnown(Value x) {
      boolean known = true;
      for (Dim d : x.shape().subList(2, n + 2)) {
        known &= d.isConstant();
      }
      return known;
    }

    /** Padding before and behind, with what {@code ceil_mode} adds, as ONNX has it. */
    long[] pads(Value x) {
      long[] pads = new long[2 * n];
      for (int i = 0; i < n; i++) {
        pads[i] = padding[i];
        pads[n + i] = padding[i] + (ceil ? extra(i, x.shape().dim(i + 2).constant()) : 0);
      }
      return pads;
    }

    /** ONNX Runtime takes no padding as wide as the kernel. */
    boolean fits(long[] pads) {
      boolean fits = true;
      for (int i = 0; i < 2 * n; i++) {
        fits &= pads[i] < kernel[i % n];
      }
      return fits;
    }

    /**
     * Pads by a node of its own, which is right for all sizes: what {@code ceil_mode} adds for windows over {@code x}, and the padding
     * unless that is there already.
     */
    Value pad(Onnx o, Value elements, boolean withPadding, Value x, Value with) {
      List<TorchScalar> pads = new ArrayList<>(List.of(TorchScalar.of(0), TorchScalar.of(0)));
      for (int i = 0; i < n; i++) {
        pads.add(TorchScalar.of(withPadding ? padding[i] : 0));
      }
      pads.addAll(List.of(TorchScalar.of(0), TorchScalar.of(0)));
      for (int i = 0; i < n; i++) {
        pads.add(o.plus(pads.get(i + 2), extra(o, i, o.size(x, i + 2))));
      }
      return pads.stream().allMatch(p -> p.is(0)) ? elements : o.op("Pad", elements, o.vector(pads), with);
    }
  }

  // ---- maximum ----

  /** The largest elements, and if wanted, where they are in their plane. */
  private static List<Value> maxPool(AtenCall c, boolean withIndices) {
    Onnx o = c.onnx();
    int n = spatialRank(c);
    Windows w = Windows.of(c, n);
    DataType type = c.dtypeOf("self");
    Value x = o.cast(batched(c, n), poolable(type));
    long[] pads = !w.ceil() || w.sizesKnown(x) ? w.pads(x) : w.roundsUpPlainly() ? symmetric(w) : null;
    boolean inside = pads != null && w.fits(pads);
    Value source = inside ? x : w.pad(o, x, true, x, lowest(o, x.dtype()));
    List<Value> y = o.node("MaxPool").in(source).attr("kernel_shape", w.kernel()).attr("strides", w.stride()).attr("dilations", w.dilation())
        .attr("pads", inside ? pads : new long[2 * n]).attr("ceil_mode", inside && w.ceil() && !w.sizesKnown(x)).outs(withIndices ? 2 : 1);
    Value largest = unbatched(c, n, o.cast(y.get(0), type));
    if (!withIndices) {
      return List.of(largest);
    }
    Value indices = inside ? o.op("Mod", y.get(1), planeSize(o, x, n)) : unpaddedIndices(o, x, source, w, y.get(1));
    return List.of(largest, unbatched(c, n, indices));
  }

  private static long[] symmetric(Windows w) {
    long[] pads = Arrays.copyOf(w.padding(), 2 * w.n());
    System.arraycopy(w.padding(), 0, pads, w.n(), w.n());
    return pads;
  }

  static Value lowest(Onnx o, DataType t) {
    return t.isFloat() ? o.scalar(t, Double.NEGATIVE_INFINITY) : o.scalar(t, t == DataType.INT8 ? -128L : 0L);
  }

  /** The number of elements of a plane, a vector of one. */
  private static Value planeSize(Onnx o, Value x, int n) {
    TorchScalar size = TorchScalar.of(1);
    for (int i = 0; i < n; i++) {
      size = o.times(size, o.size(x, i + 2));
    }
    return size.vector(o);
  }

  /** Positions in the padded tensor, as ONNX counts them, to positions in a plane of the input. */
  private static Value unpaddedIndices(Onnx o, Value x, Value padded, Windows w, Value indices) {
    Value rest = indices;
    Value result = null;
    TorchScalar step = TorchScalar.of(1);
    for (int i = w.n() - 1; i >= 0; i--) {
      Value size = o.size(padded, i + 2).vector(o);
      Value at = o.mul(o.sub(o.op("Mod", rest, size), o.vector(w.padding()[i])), step.vector(o));
      result = result == null ? at : o.add(result, at);
      rest = o.div(rest, size);
      step = o.times(step, o.size(x, i + 2));
    }
    return result;
  }

  /** Puts elements back where indices say, in planes of zeros. */
  private static TorchValue maxUnpool(AtenCall c) {
    Onnx o = c.onnx();
    int n = spatialRank(c);
    Value x = c.tensor("self");
    List<TorchScalar> target = new ArrayList<>(o.sizes(x).subList(0, c.rank("self") - n));
    TorchScalar plane = TorchScalar.of(1);
    for (TorchScalar s : c.numbers("output_size")) {
      target.add(s);
      plane = o.times(plane, s);
    }
    TorchScalar planes = TorchScalar.of(1);
    TorchScalar elements = TorchScalar.of(1);
    for (int i = 0; i < c.rank("self"); i++) {
      planes = i < c.rank("self") - n ? o.times(planes, o.size(x, i)) : planes;
      elements = i < c.rank("self") - n ? elements : o.times(elements, o.size(x, i));
    }
    List<TorchScalar> flat = List.of(planes, elements);
    Value zeros = o.expand(o.scalar(x.dtype(), 0L), List.of(planes, plane));
    Value y = o.node("ScatterElements").in(zeros, o.reshape(c.tensor("indices"), flat), o.reshape(x, flat)).attr("axis", 1).out();
    return c.result(o.reshape(y, target));
  }

  // ---- average ----

  private static TorchValue averagePool(AtenCall c) {
    Onnx o = c.onnx();
    int n = spatialRank(c);
    Windows w = Windows.of(c, n);
    DataType type = c.dtypeOf("self");
    if (w.select() && (!c.has("divisor_override") || c.isNone("divisor_override"))) {
      return c.result(unbatched(c, n, w.selected(o, batched(c, n))));
    }
    Value x = o.cast(batched(c, n), type == DataType.FLOAT16 || type == DataType.DOUBLE ? type : type.isFloat() ? DataType.FLOAT : DataType.DOUBLE);
    Value y;
    if (c.has("divisor_override") && !c.isNone("divisor_override")) {
      y = o.mul(meanOfAll(o, x, true, x, w), o.scalar(x.dtype(), (double) w.volume() / c.integer("divisor_override")));
    } else {
      // Without padding it makes no difference whether that counts.
      y = average(o, x, w, c.bool("count_include_pad") && Arrays.stream(w.padding()).anyMatch(p -> p > 0));
    }
    return c.result(unbatched(c, n, o.cast(y, type)));
  }

  private static Value average(Onnx o, Value x, Windows w, boolean countPadding) {
    boolean known = w.sizesKnown(x);
    long[] pads = !w.ceil() || known ? w.pads(x) : symmetric(w);
    boolean more = w.ceil() && (!known || !Arrays.equals(pads, symmetric(w)));
    // What ceil_mode adds never counts, in PyTorch; in ONNX it does if padding counts and it is written as padding.
    boolean same = !more || !countPadding && (known || w.roundsUpPlainly());
    if (same && w.fits(pads)) {
      return o.node("AveragePool").in(x).attr("kernel_shape", w.kernel()).attr("strides", w.stride()).attr("pads", pads)
          .attr("ceil_mode", w.ceil() && !known).attr("count_include_pad", countPadding).out();
    }
    return o.div(meanOfAll(o, x, true, x, w), meanOfAll(o, ones(o, x, w, countPadding), !countPadding, x, w));
  }

  /** The sums of windows over the size of the kernel, however much of that counts. */
  private static Value meanOfAll(Onnx o, Value elements, boolean withPadding, Value x, Windows w) {
    Value padded = w.pad(o, elements, withPadding, x, o.scalar(elements.dtype(), 0L));
    return o.node("AveragePool").in(padded).attr("kernel_shape", w.kernel()).attr("strides", w.stride()).out();
  }

  /** A plane of ones for each element that counts. */
  private static Value ones(Onnx o, Value x, Windows w, boolean countPadding) {
    List<TorchScalar> sizes = new ArrayList<>(List.of(TorchScalar.of(1), TorchScalar.of(1)));
    for (int i = 0; i < w.n(); i++) {
      sizes.add(o.plus(o.size(x, i + 2), TorchScalar.of(countPadding ? 2 * w.padding()[i] : 0)));
    }
    return o.expand(o.scalar(x.dtype(), 1L), sizes);
  }
}
