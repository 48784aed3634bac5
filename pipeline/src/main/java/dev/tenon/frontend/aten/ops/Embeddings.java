package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenOps;

/** Rows of tables by index, their sums and means. */
public final class Embeddings {
  private Embeddings() {}

  public static void register(AtenOps ops) {
    // The padding index only matters to the derivative.
    ops.op("embedding", c -> c.result(c.onnx().gather(c.tensor("weight"), c.tensor("indices"), 0)));
  }
}
