package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Value;
import java.util.List;

/** Rows of tables by index, and their sums, means and maxima. */
public final class Embeddings {
  private static final long SUM = 0;
  private static final long MEAN = 1;
  private static final long MAX = 2;

  private Embeddings() {}

  public static void register(AtenOps ops) {
    // The padding index only matters to the derivative.
    ops.op("embedding", c -> c.result(c.onnx().gather(c.tensor("weight"), c.tensor("indices"), 0)));
    ops.op("embedding_bag _embedding_bag _embedding_bag_forward_only", Embeddings::bags);
  }

  /** Rows combined in bags: which rows are in which bag is a matrix [bags, rows], by which they are multiplied. */
  private static TorchValue bags(AtenCall c) {
    Onnx o = c.onnx();
    Value rows = o.gather(c.tensor("weight"), c.tensor("indices"), 0);
    Value membership = membership(c);
    Value count = o.reduce("ReduceSum", o.cast(membership, DataType.INT64), false, 1);
    DataType t = rows.dtype();
    if (!c.isNone("per_sample_weights")) {
      rows = o.mul(rows, o.unsqueeze(c.tensor("per_sample_weights"), 1));
    }
    Value y;
    if (c.integer("mode") == MAX) {
      Value all = o.where(o.unsqueeze(membership, 2), rows, o.scalar(t, Double.NEGATIVE_INFINITY));
      Value empty = o.unsqueeze(o.op("Equal", count, o.scalar(DataType.INT64, 0L)), 1);
      y = o.where(empty, o.scalar(t, 0.0), o.reduce("ReduceMax", all, false, 1));
    } else {
      y = o.op("MatMul", o.cast(membership, t), rows);
      Value divisor = o.op("Max", count, o.scalar(DataType.INT64, 1L));
      y = c.integer("mode") == MEAN ? o.div(y, o.unsqueeze(o.cast(divisor, t), 1)) : y;
    }
    // The other results are for the derivative. PyTorch tells the sizes of the bags, twice, where they matter: zeros for sums.
    Value sizes = c.integer("mode") == SUM ? o.mul(count, o.scalar(DataType.INT64, 0L)) : count;
    return c.results(y, o.vector(), sizes, c.integer("mode") == MAX ? o.vector() : sizes);
  }

  /** True where a row, by its place in the indices, is in a bag. */
  private static Value membership(AtenCall c) {
    Onnx o = c.onnx();
    Value indices = c.tensor("indices");
    if (c.rank("indices") != 1) {
      throw c.unsupported("indices of rank " + c.rank("indices"));
    }
    TorchScalar rows = o.size(indices, 0);
    Value offsets = c.tensor("offsets", DataType.INT64);
    TorchScalar last = o.plus(o.size(offsets, 0), TorchScalar.of(-1));
    Value begin = c.bool("include_last_offset") ? o.slice(offsets, 0, TorchScalar.of(0), last, 1) : offsets;
    Value end = o.slice(offsets, 0, 1, Long.MAX_VALUE);
    end = c.bool("include_last_offset") ? end : o.concat(0, List.of(end, rows.vector(o)));
    Value place = Filling.range(o, rows);
    Value in = o.op("And", o.op("GreaterOrEqual", place, o.unsqueeze(begin, 1)), o.op("Less", place, o.unsqueeze(end, 1)));
    boolean padded = c.has("padding_idx") && !c.isNone("padding_idx") && c.integer("padding_idx") >= 0;
    Value padding = padded ? o.scalar(indices.dtype(), c.integer("padding_idx")) : null;
    return padded ? o.op("And", in, o.op("Not", o.op("Equal", indices, padding))) : in;
  }
}
