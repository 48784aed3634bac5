package dev.tenon.ir.shape;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;

/** Attention and what goes with it in transformers. */
final class AttentionShapes {
  private AttentionShapes() {}

  static void register(Registry r) {
    r.op("Attention", 1, AttentionShapes::attention);
    r.op("ai.onnx.preview", "FlexAttention", 1, AttentionShapes::flexAttention);
    r.op("LinearAttention", 1, AttentionShapes::linearAttention);
    r.op("RotaryEmbedding", 1, ElementwiseShapes::unary);
    r.op("TensorScatter", 1, ElementwiseShapes::unary);
  }

  /** A query, key or value as [batch, heads, sequence, size], from its packed form [batch, sequence, heads*size] if need be. */
  private static Shape heads(NodeContext c, int i, String heads) {
    Shape s = c.shape(i);
    if (s.rank() != 3) {
      return c.shapeOfRank(i, 4);
    }
    long n = c.intAttr(heads, 0);
    if (n <= 0) {
      throw c.invalid("attribute " + heads + " is needed for input " + i + " of shape " + s);
    }
    return Shape.of(s.dim(0), Dim.of(n), s.dim(1), s.dim(2).floorDiv(n));
  }

  private static void attention(NodeContext c) {
    if (!c.shape(0).hasRank()) {
      return;
    }
    boolean packed = c.shape(0).rank() == 3;
    Shape q = heads(c, 0, "q_num_heads");
    Shape k = heads(c, 1, "kv_num_heads");
    Shape v = heads(c, 2, "kv_num_heads");
    Dim batch = q.dim(0);
    c.output(0, c.dtype(0), packed ? Shape.of(batch, q.dim(2), q.dim(1).times(v.dim(3))) : Shape.of(batch, q.dim(1), q.dim(2), v.dim(3)));
    Dim total = k.dim(2);
    if (c.has(4)) {
      total = total.plus(c.shapeOfRank(4, 4).dim(2));
    }
    c.output(1, c.dtype(1), Shape.of(batch, k.dim(1), total, k.dim(3)));
    c.output(2, c.dtype(2), Shape.of(batch, v.dim(1), total, v.dim(3)));
    c.output(3, c.dtype(0), Shape.of(batch, q.dim(1), q.dim(2), total));
  }

  private static void flexAttention(NodeContext c) {
    Shape q = c.shapeOfRank(0, 4);
    c.output(0, c.dtype(0), Shape.of(q.dim(0), q.dim(1), q.dim(2), c.shapeOfRank(2, 4).dim(3)));
  }

  private static void linearAttention(NodeContext c) {
    Shape q = c.shapeOfRank(0, 3);
    Shape k = c.shapeOfRank(1, 3);
    Shape v = c.shapeOfRank(2, 3);
    long queryHeads = c.requiredInt("q_num_heads");
    long heads = c.requiredInt("kv_num_heads");
    if (queryHeads <= 0 || heads <= 0) {
      throw c.invalid("numbers of heads " + queryHeads + " and " + heads);
    }
    Dim valueSize = v.dim(2).floorDiv(heads);
    c.output(0, c.dtype(0), Shape.of(q.dim(0), q.dim(1), valueSize.times(queryHeads)));
    c.output(1, c.has(3) ? c.dtype(3) : c.dtype(0), Shape.of(q.dim(0), Dim.of(heads), k.dim(2).floorDiv(heads), valueSize));
  }
}
