package dev.tenon.ir.shape;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;

/** RNN, GRU and LSTM. */
final class RecurrentShapes {
  private RecurrentShapes() {}

  static void register(Registry r) {
    r.ops(RecurrentShapes::recurrent, "RNN", "GRU", "LSTM");
  }

  /** X is [sequence, batch, input], or with layout 1 [batch, sequence, input]; R is [directions, gates*hidden, hidden]. */
  private static void recurrent(NodeContext c) {
    Shape x = c.shapeOfRank(0, 3);
    Shape weights = c.shapeOfRank(2, 3);
    boolean batchFirst = c.intAttr("layout", 0) != 0;
    Dim directions = Dim.of(c.stringAttr("direction", "forward").equals("bidirectional") ? 2 : 1);
    Dim hidden = c.hasAttr("hidden_size") ? Dim.of(c.intAttr("hidden_size", 0)) : weights.dim(2);
    Dim sequence = x.dim(batchFirst ? 1 : 0);
    Dim batch = x.dim(batchFirst ? 0 : 1);
    Shape state = batchFirst ? Shape.of(batch, directions, hidden) : Shape.of(directions, batch, hidden);
    c.output(0, c.dtype(0),
        batchFirst ? Shape.of(batch, sequence, directions, hidden) : Shape.of(sequence, directions, batch, hidden));
    c.output(1, c.dtype(0), state);
    c.output(2, c.dtype(0), state);
  }
}
