package dev.tenon.ir.shape;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import java.util.ArrayList;
import java.util.List;

/** Pools over windows, over everything, over regions of interest, and the inverse of max pooling. */
final class PoolingShapes {
  private PoolingShapes() {}

  static void register(Registry r) {
    r.ops(PoolingShapes::pool, "MaxPool", "AveragePool", "LpPool");
    r.ops(PoolingShapes::global, "GlobalMaxPool", "GlobalAveragePool", "GlobalLpPool");
    r.op("MaxRoiPool", 1, PoolingShapes::maxRoiPool);
    r.op("RoiAlign", 1, PoolingShapes::roiAlign);
    r.op("MaxUnpool", 1, PoolingShapes::maxUnpool);
  }

  private static Shape input(NodeContext c, List<Dim> kernel) {
    if (kernel == null) {
      throw c.invalid("attribute kernel_shape is missing");
    }
    return c.shapeOfRank(0, kernel.size() + 2);
  }

  private static void pool(NodeContext c) {
    List<Dim> kernel = Windows.kernel(c);
    Shape x = input(c, kernel);
    List<Dim> out = new ArrayList<>(List.of(x.dim(0), x.dim(1)));
    out.addAll(Windows.of(c, kernel).places(x.subList(2, x.rank())));
    c.output(0, c.dtype(0), Shape.of(out));
    c.output(1, DataType.INT64, Shape.of(out));
  }

  private static void global(NodeContext c) {
    Shape x = c.shape(0);
    if (!x.hasRank()) {
      c.output(0, c.dtype(0), x);
      return;
    }
    List<Dim> out = new ArrayList<>(x.dims());
    for (int i = 2; i < out.size(); i++) {
      out.set(i, Dim.ONE);
    }
    c.output(0, c.dtype(0), Shape.of(out));
  }

  private static void maxRoiPool(NodeContext c) {
    long[] pooled = c.intsAttr("pooled_shape", null);
    if (pooled == null || pooled.length != 2) {
      throw c.invalid("attribute pooled_shape must have two elements");
    }
    c.output(0, c.dtype(0), Shape.of(c.shapeOfRank(1, 2).dim(0), c.shapeOfRank(0, 4).dim(1), Dim.of(pooled[0]), Dim.of(pooled[1])));
  }

  private static void roiAlign(NodeContext c) {
    Dim rois = c.same(c.shapeOfRank(1, 2).dim(0), c.shapeOfRank(2, 1).dim(0));
    c.output(0, c.dtype(0), Shape.of(rois, c.shapeOfRank(0, 4).dim(1), Dim.of(c.intAttr("output_height", 1)),
        Dim.of(c.intAttr("output_width", 1))));
  }

  private static void maxUnpool(NodeContext c) {
    List<Dim> kernel = Windows.kernel(c);
    Shape x = input(c, kernel);
    if (c.has(2)) {
      List<Dim> given = c.dims(2);
      c.output(0, c.dtype(0), given != null && given.size() == x.rank() ? Shape.of(given) : Shape.unknownOfRank(x.rank()));
      return;
    }
    List<Dim> out = new ArrayList<>(List.of(x.dim(0), x.dim(1)));
    out.addAll(Windows.of(c, kernel).unplaced(x.subList(2, x.rank()), new long[kernel.size()]));
    c.output(0, c.dtype(0), Shape.of(out));
  }
}
