package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.OnnxNode;
import dev.tenon.frontend.aten.Promotion;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Sums, products, extrema and truth over axes, and along an axis. No axes, or an empty list of them, are all axes. */
public final class Reductions {
  private Reductions() {}

  public static void register(AtenOps ops) {
    ops.op("sum", c -> total(c, "ReduceSum", Promotion.ofSum(c.dtypeOf("self"))));
    ops.op("prod", c -> total(c, "ReduceProd", Promotion.ofSum(c.dtypeOf("self"))));
    ops.op("mean", c -> total(c, "ReduceMean", c.dtypeOf("self"))).op("nansum", Reductions::nanSum).op("nanmean", Reductions::nanMean);
    ops.op("amax", c -> extremum(c, "ReduceMax")).op("amin", c -> extremum(c, "ReduceMin"));
    ops.op("max", c -> extremum(c, "ReduceMax")).op("min", c -> extremum(c, "ReduceMin"));
    ops.op("max.dim", c -> extremumWithPlace(c, "Max")).op("min.dim", c -> extremumWithPlace(c, "Min"));
    ops.op("aminmax", Reductions::aminmax);
    ops.op("argmax", c -> place(c, "ArgMax")).op("argmin", c -> place(c, "ArgMin"));
    ops.op("any", c -> truth(c, "ReduceMax")).op("all", c -> truth(c, "ReduceMin"));
    ops.op("count_nonzero", Reductions::countNonzero).op("logsumexp special_logsumexp", Reductions::logSumExp);
    ops.op("cumsum", Reductions::cumSum).op("cumprod", Reductions::cumProd).op("diff", Reductions::diff);
    ops.op("cummax", c -> cumulativeExtremum(c, "GreaterOrEqual")).op("cummin", c -> cumulativeExtremum(c, "LessOrEqual"));
    ops.op("trapezoid trapz", Reductions::trapezoid).op("sum_to_size", Reductions::sumToSize);
    ops.op("logcumsumexp", Reductions::logCumSumExp);
  }

  /** The axes that a call names, non-negative; none for all. A tensor of rank 0 has none. */
  static long[] axes(AtenCall c, String parameter) {
    int rank = c.rank("self");
    int[] axes = c.has(parameter) ? c.axes(parameter, rank) : new int[0];
    return rank == 0 ? new long[0] : Arrays.stream(axes).asLongStream().toArray();
  }

  static boolean keepDims(AtenCall c) {
    return c.has("keepdim") && c.bool("keepdim");
  }

  private static TorchValue total(AtenCall c, String opType, DataType byDefault) {
    DataType t = c.has("dtype") ? c.dtype("dtype", byDefault) : byDefault;
    return c.result(Kernels.reduce(c.onnx(), opType, c.tensor("self", t), keepDims(c), axes(c, "dim")));
  }

  private static Value withoutNan(Onnx o, Value x) {
    return o.where(o.op("IsNaN", x), o.scalar(x.dtype(), 0), x);
  }

  private static TorchValue nanSum(AtenCall c) {
    Value x = c.tensor("self", c.dtype("dtype", Promotion.ofSum(c.dtypeOf("self"))));
    Value numbers = x.dtype().isFloat() ? withoutNan(c.onnx(), x) : x;
    return c.result(Kernels.reduce(c.onnx(), "ReduceSum", numbers, keepDims(c), axes(c, "dim")));
  }

  private static TorchValue nanMean(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self", c.dtype("dtype", c.dtypeOf("self")));
    Value sum = o.reduce("ReduceSum", withoutNan(o, x), keepDims(c), axes(c, "dim"));
    Value isNumber = o.cast(o.op("Not", o.op("IsNaN", x)), x.dtype());
    return c.result(o.div(sum, o.reduce("ReduceSum", isNumber, keepDims(c), axes(c, "dim"))));
  }

  // ---- extrema ----

  /** Where there is NaN, PyTorch's extremum is NaN; ONNX leaves it open. */
  static Value extremum(Onnx o, String opType, Value x, boolean keepDims, long... axes) {
    return Kernels.reduce(o, opType, x, keepDims, axes);
  }

  private static TorchValue extremum(AtenCall c, String opType) {
    return c.result(extremum(c.onnx(), opType, c.tensor("self"), keepDims(c), axes(c, "dim")));
  }

  private static TorchValue aminmax(AtenCall c) {
    long[] axes = axes(c, "dim");
    Value x = c.tensor("self");
    return c.results(extremum(c.onnx(), "ReduceMin", x, keepDims(c), axes), extremum(c.onnx(), "ReduceMax", x, keepDims(c), axes));
  }

  private static TorchValue extremumWithPlace(AtenCall c, String which) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    if (c.rank("self") == 0) {
      return c.results(x, o.scalar(DataType.INT64, 0L));
    }
    int axis = c.axis("dim", c.rank("self"));
    return c.results(extremum(o, "Reduce" + which, x, keepDims(c), axis), firstPlace(o, "Arg" + which, x, axis, keepDims(c)));
  }

  private static Value firstPlace(Onnx o, String opType, Value x, int axis, boolean keepDims) {
    OnnxNode n = o.node(opType).in(o.cast(x, Kernels.typeFor(opType, x.dtype())));
    return n.attr("axis", axis).attr("keepdims", keepDims).out();
  }

  private static TorchValue place(AtenCall c, String opType) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    int rank = c.rank("self");
    if (rank == 0) {
      return c.result(o.scalar(DataType.INT64, 0L));
    }
    if (!c.isNone("dim")) {
      return c.result(firstPlace(o, opType, x, c.axis("dim", rank), c.bool("keepdim")));
    }
    Value place = firstPlace(o, opType, o.reshape(x, -1), 0, false);
    long[] axes = new long[rank];
    Arrays.setAll(axes, i -> i);
    return c.result(c.bool("keepdim") ? o.unsqueeze(place, axes) : place);
  }

  // ---- truth ----

  private static TorchValue truth(AtenCall c, String opType) {
    Onnx o = c.onnx();
    DataType t = c.dtypeOf("self");
    Value x = c.tensor("self", DataType.BOOL);
    long[] axes = axes(c, "dim");
    Value result = mayBeEmpty(x, axes) ? counted(o, opType, x, keepDims(c), axes) : o.reduce(opType, x, keepDims(c), axes);
    // Bytes are PyTorch's bools of old.
    return c.result(o.cast(result, t == DataType.UINT8 ? t : DataType.BOOL));
  }

  private static boolean mayBeEmpty(Value x, long[] axes) {
    boolean may = false;
    for (int i = 0; i < x.rank(); i++) {
      int axis = i;
      boolean reduced = axes.length == 0 || Arrays.stream(axes).anyMatch(a -> a == axis);
      may |= reduced && !x.shape().dim(i).isAtLeast(1);
    }
    return may;
  }

  /** The maximum or minimum of bools by counting, as the extrema of no bools at all are not defined. */
  private static Value counted(Onnx o, String opType, Value x, boolean keepDims, long[] axes) {
    boolean any = opType.equals("ReduceMax");
    Value count = o.reduce("ReduceSum", o.cast(any ? x : o.op("Not", x), DataType.INT64), keepDims, axes);
    Value some = o.op("Greater", count, o.scalar(DataType.INT64, 0L));
    return any ? some : o.op("Not", some);
  }

  private static TorchValue countNonzero(AtenCall c) {
    Onnx o = c.onnx();
    return c.result(o.reduce("ReduceSum", o.cast(c.tensor("self", DataType.BOOL), DataType.INT64), false, axes(c, "dim")));
  }

  // ---- logarithms of sums ----

  private static TorchValue logSumExp(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self", Promotion.floating(c.dtypeOf("self")));
    long[] axes = axes(c, "dim");
    return c.result(logSumExp(o, x, keepDims(c), axes));
  }

  /** Reckoned from the greatest element, or from zero where that is infinite. */
  static Value logSumExp(Onnx o, Value x, boolean keepDims, long... axes) {
    Value greatest = o.reduce("ReduceMax", x, true, axes);
    Value from = o.where(o.op("IsInf", greatest), o.scalar(x.dtype(), 0.0), greatest);
    Value log = o.op("Log", o.reduce("ReduceSum", o.op("Exp", o.sub(x, from)), keepDims, axes));
    return o.add(log, keepDims ? from : axes.length == 0 ? o.reshape(from, List.of()) : o.squeeze(from, axes));
  }

  // ---- along an axis ----

  private static Value elements(AtenCall c) {
    DataType byDefault = Promotion.ofSum(c.dtypeOf("self"));
    return c.tensor("self", c.has("dtype") ? c.dtype("dtype", byDefault) : byDefault);
  }

  private static TorchValue cumSum(AtenCall c) {
    Onnx o = c.onnx();
    Value x = elements(c);
    if (c.rank("self") == 0) {
      return c.result(x);
    }
    return c.result(Kernels.op1(o, "CumSum", x, o.scalar(DataType.INT64, (long) c.axis("dim", c.rank("self")))));
  }

  /** Elements moved along an axis by some places, with {@code fill} before them. */
  private static Value shifted(Onnx o, Value x, int axis, long by, Value fill) {
    long[] pads = new long[2 * x.rank()];
    pads[axis] = by;
    Value padded = o.op("Pad", x, o.vector(pads), fill);
    return o.slice(padded, axis, TorchScalar.of(0L), o.size(x, axis), 1);
  }

  private static long knownSize(AtenCall c, Value x, int axis) {
    if (!x.shape().dim(axis).isConstant()) {
      throw c.unsupported("along a dimension whose size is not known at conversion time");
    }
    return x.shape().dim(axis).constant();
  }

  /** Doubling: after step k each element is the product of the 2^k before and with it. */
  private static TorchValue cumProd(AtenCall c) {
    Onnx o = c.onnx();
    Value x = elements(c);
    if (c.rank("self") == 0) {
      return c.result(x);
    }
    int axis = c.axis("dim", c.rank("self"));
    long n = knownSize(c, x, axis);
    for (long by = 1; by < n; by *= 2) {
      x = o.mul(x, shifted(o, x, axis, by, o.scalar(x.dtype(), 1L)));
    }
    return c.result(x);
  }

  private static TorchValue logCumSumExp(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    if (c.rank("self") == 0) {
      return c.result(x);
    }
    int axis = c.axis("dim", c.rank("self"));
    Value greatest = o.reduce("ReduceMax", x, true, axis);
    Value from = o.where(o.op("IsInf", greatest), o.scalar(x.dtype(), 0.0), greatest);
    Value sums = o.op("CumSum", o.op("Exp", o.sub(x, from)), o.scalar(DataType.INT64, (long) axis));
    return c.result(o.add(o.op("Log", sums), from));
  }

  /** Doubling; of equal elements the later one's place counts, as in PyTorch. */
  private static TorchValue cumulativeExtremum(AtenCall c, String wins) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    if (c.rank("self") == 0) {
      return c.results(x, o.scalar(DataType.INT64, 0L));
    }
    int axis = c.axis("dim", c.rank("self"));
    long n = knownSize(c, x, axis);
    long[] shape = new long[x.rank()];
    Arrays.fill(shape, 1);
    shape[axis] = n;
    Value best = x.dtype() == DataType.BOOL ? o.cast(x, DataType.INT32) : x;
    Value places = o.expand(o.reshape(Filling.range(o, TorchScalar.of(n)), shape), o.sizes(x));
    for (long by = 1; by < n; by *= 2) {
      Value before = repeated(o, best, axis, by);
      Value placesBefore = repeated(o, places, axis, by);
      Value stays = o.op(wins, best, before);
      stays = x.dtype().isFloat() ? o.op("Or", stays, o.op("IsNaN", best)) : stays;
      Value goes = x.dtype().isFloat() ? o.op("And", o.op("IsNaN", before), o.op("Not", o.op("IsNaN", best))) : null;
      stays = goes == null ? stays : o.op("And", stays, o.op("Not", goes));
      best = Kernels.where(o, stays, best, before);
      places = o.where(stays, places, placesBefore);
    }
    return c.results(o.cast(best, x.dtype()), places);
  }

  /** Elements moved along an axis; the first ones stay. */
  private static Value repeated(Onnx o, Value x, int axis, long by) {
    Value first = o.slice(x, axis, 0, by);
    return o.concat(axis, List.of(first, o.slice(x, axis, 0, x.shape().dim(axis).constant() - by)));
  }

  /** Sums of the means of neighbours, times their distances. */
  private static TorchValue trapezoid(AtenCall c) {
    Onnx o = c.onnx();
    Value y = c.tensor("y", Promotion.floating(c.dtypeOf("y")));
    int rank = c.rank("y");
    int axis = c.axis("dim", rank);
    Value sums = o.add(o.slice(y, axis, 1, Long.MAX_VALUE), o.slice(y, axis, 0, -1));
    Value half = o.scalar(y.dtype(), 0.5);
    if (!c.has("x")) {
      Value total = o.reduce("ReduceSum", sums, false, axis);
      return c.result(o.mul(total, o.mul(half, c.has("dx") ? c.tensor("dx", y.dtype()) : o.scalar(y.dtype(), 1.0))));
    }
    Value x = c.tensor("x", y.dtype());
    int along = o.rank(x) == 1 ? 0 : axis;
    Value widths = o.sub(o.slice(x, along, 1, Long.MAX_VALUE), o.slice(x, along, 0, -1));
    if (x.rank() == 1) {
      long[] behind = new long[rank - 1 - axis];
      Arrays.setAll(behind, i -> i + 1);
      widths = o.unsqueeze(widths, behind);
    }
    return c.result(o.reduce("ReduceSum", o.mul(o.mul(sums, widths), half), false, axis));
  }

  /** Summed over what was broadcast. */
  private static TorchValue sumToSize(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    List<TorchScalar> sizes = c.numbers("size");
    int added = c.rank("self") - sizes.size();
    List<Long> axes = new ArrayList<>();
    for (int i = 0; i < x.rank(); i++) {
      if (i < added || sizes.get(i - added).is(1) && !x.shape().dim(i).is(1)) {
        axes.add((long) i);
      }
    }
    if (axes.isEmpty()) {
      return c.result(x);
    }
    Value sum = Kernels.reduce(o, "ReduceSum", x, true, axes.stream().mapToLong(Long::longValue).toArray());
    long[] front = new long[Math.max(added, 0)];
    Arrays.setAll(front, i -> i);
    return c.result(o.squeeze(sum, front));
  }

  private static TorchValue diff(AtenCall c) {
    Onnx o = c.onnx();
    int axis = c.axis("dim", c.rank("self"));
    List<Value> parts = new ArrayList<>();
    for (String part : new String[] {"prepend", "self", "append"}) {
      if (!c.isNone(part)) {
        parts.add(c.tensor(part));
      }
    }
    Value x = o.concat(axis, parts);
    for (long n = c.integer("n"); n > 0; n--) {
      Value later = o.slice(x, axis, 1, Long.MAX_VALUE);
      Value earlier = o.slice(x, axis, 0, -1);
      x = x.dtype() == DataType.BOOL ? o.op("Xor", later, earlier) : o.sub(later, earlier);
    }
    return c.result(x);
  }
}
