package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.List;

/** Elements read by index: {@code x[i, :, mask]}, {@code gather}, {@code masked_select}, {@code nonzero}. */
public final class Selecting {
  private Selecting() {}

  public static void register(AtenOps ops) {
    ops.op("index.Tensor index.Tensor_hacked_twin _unsafe_index", Selecting::index).op("_unsafe_masked_index", Selecting::maskedIndex);
    ops.op("index_select index_select_copy", Selecting::indexSelect).op("gather", Selecting::gather);
    ops.op("take", c -> c.result(c.onnx().gather(c.onnx().reshape(c.tensor("self"), -1), c.tensor("index"), 0)));
    ops.op("take_along_dim", Selecting::takeAlongDim).op("masked_select", Selecting::maskedSelect);
    ops.op("nonzero argwhere", c -> c.result(c.onnx().transpose(nonzero(c.onnx(), c.tensor("self")), 1, 0)));
    ops.op("nonzero_numpy", c -> nonzeroVectors(c, "self")).op("one_hot", Selecting::oneHot);
  }

  // ---- x[i, :, mask] ----

  private static TorchValue index(AtenCall c) {
    IndexList indices = IndexList.of(c, c.get("indices"), c.rank("self"));
    return c.result(indices.read(c.onnx(), c.tensor("self")));
  }

  /** Zero or another number where the mask is not set, with indices that may be anything there. */
  private static TorchValue maskedIndex(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    Value mask = c.tensor("mask", DataType.BOOL);
    IndexList indices = IndexList.of(c, c.get("indices"), c.rank("self"));
    Value selected = indices.map(v -> o.where(mask, o.cast(v, DataType.INT64), o.scalar(DataType.INT64, 0L))).read(o, x);
    long[] behind = new long[Math.max(0, selected.rank() - o.rank(mask))];
    for (int i = 0; i < behind.length; i++) {
      behind[i] = mask.rank() + i;
    }
    return c.result(Kernels.where(o, o.unsqueeze(mask, behind), selected, c.tensor("fill", x.dtype())));
  }

  private static TorchValue indexSelect(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    Value index = c.tensor("index");
    if (c.rank("self") == 0) {
      return c.result(x);
    }
    return c.result(o.gather(x, o.rank(index) == 0 ? o.unsqueeze(index, 0) : index, c.axis("dim", x.rank())));
  }

  private static TorchValue gather(AtenCall c) {
    return c.result(gatherElements(c.onnx(), c.tensor("self"), c.tensor("index"), c.axis("dim", c.rank("self"))));
  }

  private static Value gatherElements(Onnx o, Value x, Value index, int axis) {
    if (o.rank(x) == 0) {
      return o.rank(index) == 0 ? x : o.expand(x, o.sizes(index));
    } else if (o.rank(index) == 0) {
      return o.reshape(o.node("GatherElements").in(x, o.unsqueeze(index, 0)).attr("axis", axis).out(), List.of());
    }
    return o.node("GatherElements").in(x, index).attr("axis", axis).out();
  }

  private static TorchValue takeAlongDim(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    Value index = c.tensor("indices");
    if (c.isNone("dim")) {
      return c.result(gatherElements(o, o.reshape(x, -1), o.reshape(index, -1), 0));
    }
    int rank = c.rank("self");
    int axis = c.axis("dim", rank);
    // All other axes broadcast both ways.
    List<TorchScalar> sizesOfX = o.sizes(x);
    List<TorchScalar> sizesOfIndex = o.sizes(index);
    for (int i = 0; i < rank; i++) {
      if (i != axis) {
        TorchScalar size = sizesOfX.get(i).is(1) ? sizesOfIndex.get(i) : sizesOfX.get(i);
        sizesOfX.set(i, size);
        sizesOfIndex.set(i, size);
      }
    }
    return c.result(gatherElements(o, o.expand(x, sizesOfX), o.expand(index, sizesOfIndex), axis));
  }

  private static TorchValue maskedSelect(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    Value mask = c.tensor("mask", DataType.BOOL);
    if (!x.shape().equals(mask.shape())) {
      x = o.expand(x, o.sizes(mask));
      mask = o.expand(mask, o.sizes(x));
    }
    return c.result(o.node("Compress").in(o.reshape(x, -1), o.reshape(mask, -1)).attr("axis", 0).out());
  }

  // ---- where something is ----

  /** Indices of the elements that are not zero, a row for each axis. */
  static Value nonzero(Onnx o, Value x) {
    return o.op("NonZero", o.cast(x, DataType.BOOL));
  }

  /** The same, a vector for each axis. */
  static TorchValue nonzeroVectors(AtenCall c, String parameter) {
    Value x = c.tensor(parameter);
    int rank = c.rank(parameter);
    return c.resultList(rows(c.onnx(), nonzero(c.onnx(), rank == 0 ? c.onnx().unsqueeze(x, 0) : x), Math.max(rank, 1)));
  }

  static List<Value> rows(Onnx o, Value matrix, int count) {
    List<Value> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      rows.add(o.gather(matrix, o.scalar(DataType.INT64, (long) i), 0));
    }
    return rows;
  }

  private static TorchValue oneHot(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    Value depth = c.scalar("num_classes").is(-1) ? o.add(o.reduce("ReduceMax", x, false), o.scalar(DataType.INT64, 1L))
        : c.scalar("num_classes").scalar(o);
    // ONNX's OneHot takes no scalars.
    boolean single = c.rank("self") == 0;
    Value y = o.node("OneHot").in(single ? o.unsqueeze(x, 0) : x, depth, o.vector(0, 1)).attr("axis", -1).out();
    return c.result(single ? o.squeeze(y, 0) : y);
  }
}
