package dev.tenon.ir.shape;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import java.util.ArrayList;
import java.util.List;

/** Normalizations and the softmax family: the result has the shape of the input. */
final class NormalizationShapes {
  private NormalizationShapes() {}

  static void register(Registry r) {
    r.ops(ElementwiseShapes::unary, "InstanceNormalization", "GroupNormalization", "LRN", "LpNormalization", "MeanVarianceNormalization",
        "Softmax", "LogSoftmax", "Hardmax");
    r.op("BatchNormalization", 1, NormalizationShapes::batchNormalization);
    r.op("LayerNormalization", 1, NormalizationShapes::layerNormalization);
    r.op("RMSNormalization", 1, c -> c.output(0, c.dtype(1) == DataType.UNDEFINED ? c.dtype(0) : c.dtype(1), c.shape(0)));
  }

  /** The further outputs are statistics, one number per channel. */
  private static void batchNormalization(NodeContext c) {
    ElementwiseShapes.unary(c);
    Shape perChannel = c.same(c.same(c.shape(1), c.shape(2)), c.same(c.shape(3), c.shape(4)));
    for (int i = 1; i < c.outputCount(); i++) {
      c.output(i, c.dtype(3), perChannel.hasRank() ? perChannel : Shape.unknownOfRank(1));
    }
  }

  private static void layerNormalization(NodeContext c) {
    ElementwiseShapes.unary(c);
    Shape x = c.shape(0);
    Shape statistics = Shape.unknown();
    if (x.hasRank()) {
      List<Dim> dims = new ArrayList<>(x.dims());
      for (int i = c.axis(c.intAttr("axis", -1), x.rank()); i < dims.size(); i++) {
        dims.set(i, Dim.ONE);
      }
      statistics = Shape.of(dims);
    }
    DataType dtype = c.dtypeAttr("stash_type", DataType.FLOAT);
    c.output(1, dtype, statistics);
    c.output(2, dtype, statistics);
  }
}
