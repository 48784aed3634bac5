package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.OnnxNode;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchTuple;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Value;
import java.util.List;

/** Elements in order. Of equal ones the first comes first, as TopK has it, so that every sort is stable. */
public final class Sorting {
  private Sorting() {}

  public static void register(AtenOps ops) {
    ops.op("sort sort.stable", Sorting::sort).op("argsort", c -> sort(c).get(1)).op("msort", Sorting::msort);
    ops.op("topk", Sorting::topk).op("kthvalue", Sorting::kthValue);
    ops.op("median", c -> median(c, false)).op("nanmedian", c -> median(c, true));
    ops.op("quantile", Sorting::quantile).op("unique_consecutive", Sorting::uniqueConsecutive);
    ops.op("_unique2", Sorting::unique).op("_unique", Sorting::unique).op("unique_dim", Sorting::unique);
  }

  private record Ordered(Value values, Value places) {}

  private static Ordered top(Onnx o, Value x, int axis, TorchScalar k, boolean largest) {
    if (o.rank(x) == 0) {
      return new Ordered(x, o.scalar(DataType.INT64, 0L));
    }
    DataType wide = Kernels.typeFor("TopK", x.dtype());
    List<Value> both = o.node("TopK").in(o.cast(x, wide), k.vector(o)).attr("axis", axis).attr("largest", largest).attr("sorted", 1).outs(2);
    return new Ordered(o.cast(both.get(0), x.dtype()), both.get(1));
  }

  private static TorchTuple sort(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    int rank = c.rank("self");
    int axis = c.axis("dim", rank);
    Ordered all = top(o, x, axis, rank == 0 ? TorchScalar.of(1L) : o.size(x, axis), c.bool("descending"));
    return c.results(all.values, all.places);
  }

  private static TorchValue msort(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    return c.result(top(o, x, 0, c.rank("self") == 0 ? TorchScalar.of(1L) : o.size(x, 0), false).values);
  }

  private static TorchValue topk(AtenCall c) {
    Ordered top = top(c.onnx(), c.tensor("self"), c.axis("dim", c.rank("self")), c.scalar("k"), c.bool("largest"));
    return c.results(top.values, top.places);
  }

  /** The last of the k smallest. */
  private static TorchValue kthValue(AtenCall c) {
    return kth(c, c.tensor("self"), c.axis("dim", c.rank("self")), c.scalar("k"), c.bool("keepdim"));
  }

  private static TorchValue kth(AtenCall c, Value x, int axis, TorchScalar k, boolean keepDim) {
    Onnx o = c.onnx();
    Ordered top = top(o, x, axis, k, false);
    if (o.rank(x) == 0) {
      return c.results(top.values, top.places);
    }
    Value last = keepDim ? o.vector(-1) : o.scalar(DataType.INT64, -1L);
    return c.results(o.gather(top.values, last, axis), o.gather(top.places, last, axis));
  }

  /** The middle element, of an even number the lower of the two. */
  private static TorchValue median(AtenCall c, boolean ignoreNan) {
    Onnx o = c.onnx();
    if (ignoreNan && c.dtypeOf("self").isFloat()) {
      throw c.unsupported("the median of what is not NaN");
    }
    boolean whole = !c.has("dim");
    Value x = whole ? o.reshape(c.tensor("self"), -1) : c.tensor("self");
    int axis = whole ? 0 : c.axis("dim", c.rank("self"));
    TorchScalar n = o.rank(x) == 0 ? TorchScalar.of(1L) : o.size(x, axis);
    TorchScalar k = o.floorDiv(o.plus(n, TorchScalar.of(1L)), TorchScalar.of(2L));
    TorchValue found = kth(c, x, axis, k, !whole && c.bool("keepdim"));
    return whole ? ((TorchTuple) found).get(0) : found;
  }

  /** Between the two sorted elements next to {@code q * (n - 1)}. */
  private static TorchValue quantile(AtenCall c) {
    Onnx o = c.onnx();
    Value self = c.tensor("self");
    DataType t = self.dtype();
    boolean whole = c.isNone("dim");
    Value x = whole ? o.reshape(self, -1) : c.rank("self") == 0 ? o.unsqueeze(self, 0) : self;
    int axis = whole ? 0 : c.axis("dim", x.rank());
    TorchScalar n = o.size(x, axis);
    Value sorted = top(o, x, axis, n, false).values;
    boolean single = c.get("q") instanceof TorchScalar || o.rank(c.tensor("q")) == 0;
    Value q = o.reshape(c.tensor("q", DataType.DOUBLE), -1);
    Value place = o.mul(q, o.minus(n, TorchScalar.of(1L)).scalar(o, DataType.DOUBLE));
    Value below = o.op("Floor", place);
    Value above = o.op("Ceil", place);
    Value low = o.gather(sorted, o.cast(below, DataType.INT64), axis);
    Value high = o.gather(sorted, o.cast(above, DataType.INT64), axis);
    long[] behind = new long[x.rank() - 1 - axis];
    for (int i = 0; i < behind.length; i++) {
      behind[i] = i + 1;
    }
    Value fraction = o.unsqueeze(o.cast(o.sub(place, below), t), behind);
    Value y = switch (c.string("interpolation")) {
      case "linear" -> o.add(low, o.mul(fraction, o.sub(high, low)));
      case "lower" -> low;
      case "higher" -> high;
      case "midpoint" -> o.mul(o.add(low, high), o.scalar(t, 0.5));
      case "nearest" -> o.gather(sorted, o.cast(o.op("Round", place), DataType.INT64), axis);
      default -> throw c.unsupported("interpolation '" + c.string("interpolation") + "'");
    };
    y = o.where(nanAlong(o, x, axis), o.scalar(t, Double.NaN), y);
    boolean keep = c.bool("keepdim");
    // The axis of the quantiles goes to the front.
    int[] perm = new int[x.rank()];
    for (int i = 0; i < perm.length; i++) {
      perm[i] = i == 0 ? axis : i <= axis ? i - 1 : i;
    }
    Value first = o.transpose(y, perm);
    if (keep) {
      first = o.unsqueeze(first, whole ? ones(c.rank("self")) : new long[] {axis + 1});
    }
    return c.result(single ? o.squeeze(first, 0) : first);
  }

  private static long[] ones(int rank) {
    long[] axes = new long[rank];
    for (int i = 0; i < rank; i++) {
      axes[i] = i + 1;
    }
    return axes;
  }

  private static Value nanAlong(Onnx o, Value x, int axis) {
    Value count = o.reduce("ReduceSum", o.cast(o.op("IsNaN", x), DataType.INT32), true, axis);
    return o.op("Greater", count, o.scalar(DataType.INT32, 0L));
  }

  /** Elements that differ from the one before; the run that each is in, and how long the runs are. */
  private static TorchValue uniqueConsecutive(AtenCall c) {
    Onnx o = c.onnx();
    if (!c.isNone("dim")) {
      throw c.unsupported("along a dimension");
    }
    Value self = c.tensor("self");
    Value x = o.reshape(self, -1);
    Value same = o.op("Equal", o.slice(x, 0, 1, Long.MAX_VALUE), o.slice(x, 0, 0, -1));
    Value first = o.slice(Filling.full(o, o.sizes(x), DataType.BOOL, TorchScalar.of(true)), 0, 0, 1);
    Value starts = o.concat(0, List.of(first, o.op("Not", same)));
    Value runs = o.op("CumSum", o.cast(starts, DataType.INT64), o.scalar(DataType.INT64, 0L));
    Value inverse = o.reshape(o.sub(runs, o.scalar(DataType.INT64, 1L)), o.sizes(self));
    Value places = o.squeeze(o.op("NonZero", starts), 0);
    Value ends = o.concat(0, List.of(o.slice(places, 0, 1, Long.MAX_VALUE), o.numel(x).vector(o)));
    return c.results(o.gather(x, places, 0), inverse, o.sub(ends, places));
  }

  /** Distinct elements, or distinct slices along an axis, in ascending order; where each went, and how often it was there. */
  private static TorchValue unique(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    DataType wide = Kernels.typeFor("Unique", x.dtype());
    OnnxNode node = o.node("Unique").in(o.cast(x, wide)).attr("sorted", 1);
    List<Value> all = (c.has("dim") ? node.attr("axis", c.axis("dim", c.rank("self"))) : node).outs(4);
    Value distinct = o.cast(all.get(0), x.dtype());
    Value inverse = c.has("dim") ? all.get(2) : o.reshape(all.get(2), o.sizes(x));
    return c.has("return_counts") ? c.results(distinct, inverse, all.get(3)) : c.results(distinct, inverse);
  }
}
