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
