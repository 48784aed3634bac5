package dev.tenon.ir.shape;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import java.util.ArrayList;
import java.util.List;

/** Gathering, scattering, selecting and sorting. */
final class IndexingShapes {
  private IndexingShapes() {}

  static void register(Registry r) {
    r.op("Gather", 1, IndexingShapes::gather);
    r.op("GatherElements", 1, c -> c.output(0, c.dtype(0), c.shape(1)));
    r.op("GatherND", 1, IndexingShapes::gatherND);
    r.ops(ElementwiseShapes::unary, "Scatter", "ScatterElements", "ReverseSequence");
    r.op("ScatterND", 1, IndexingShapes::scatterND);
    r.op("NonZero", 1, IndexingShapes::nonZero);
    r.op("TopK", 1, IndexingShapes::topK);
    r.op("OneHot", 1, IndexingShapes::oneHot);
    r.op("Compress", 1, IndexingShapes::compress);
    r.op("Unique", 1, IndexingShapes::unique);
    r.op("NonMaxSuppression", 1, c -> c.output(0, DataType.INT64, Shape.of(Dim.unknown(), Dim.of(3))));
  }

  private static void gather(NodeContext c) {
    Shape x = c.shape(0);
    Shape indices = c.shape(1);
    if (!x.hasRank() || !indices.hasRank()) {
      c.output(0, c.dtype(0), Shape.unknown());
      return;
    }
    int axis = c.axis(c.intAttr("axis", 0), x.rank());
    List<Dim> out = new ArrayList<>(x.subList(0, axis));
    out.addAll(indices.dims());
    out.addAll(x.subList(axis + 1, x.rank()));
    c.output(0, c.dtype(0), Shape.of(out));
    if (x.rank() == 1) {
      gatherData(c, indices);
    }
  }

  private static void gatherData(NodeContext c, Shape indices) {
    Data d = c.dataOrUnknowns(0);
    long[] at = c.constants(1);
    if (d == null || at == null) {
      return;
    }
    Datum[] out = new Datum[at.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = d.elements()[c.axis(at[i], d.elements().length)];
    }
    c.outputData(0, new Data(indices.toLongs(), out));
  }

  private static void gatherND(NodeContext c) {
    Shape x = c.shape(0);
    Shape indices = c.shape(1);
    if (!x.hasRank() || !indices.hasRank() || indices.rank() == 0 || !indices.dim(-1).isConstant()) {
      c.output(0, c.dtype(0), Shape.unknown());
      return;
    }
    long from = c.intAttr("batch_dims", 0) + indices.dim(-1).constant();
    if (from < 0 || from > x.rank()) {
      throw c.invalid("indices of shape " + indices + " into shape " + x);
    }
    List<Dim> out = new ArrayList<>(indices.subList(0, indices.rank() - 1));
    out.addAll(x.subList((int) from, x.rank()));
    c.output(0, c.dtype(0), Shape.of(out));
  }

  private static void scatterND(NodeContext c) {
    ElementwiseShapes.unary(c);
    Data d = c.dataOrUnknowns(0);
    long[] at = c.constants(1);
    Data updates = c.dataOrUnknowns(2);
    boolean replaces = c.stringAttr("reduction", "none").equals("none");
    boolean vector = d != null && d.dims().length == 1 && c.shape(1).rank() >= 1 && c.shape(1).dim(-1).is(1);
    if (!vector || at == null || updates == null || updates.elements().length != at.length || !replaces) {
      return;
    }
    Datum[] out = d.elements().clone();
    for (int i = 0; i < at.length; i++) {
      out[c.axis(at[i], out.length)] = updates.elements()[i];
    }
    c.outputData(0, new Data(d.dims(), out));
  }

  private static void nonZero(NodeContext c) {
    Shape x = c.shape(0);
    // A scalar is taken for a vector of one element in ONNX Runtime, for a tensor without axes in the standard.
    Dim rows = x.hasRank() && x.rank() > 0 ? Dim.of(x.rank()) : Dim.unknown();
    c.output(0, DataType.INT64, Shape.of(rows, Dim.unknown()));
  }

  private static void topK(NodeContext c) {
    Shape x = c.shape(0);
    Shape out = x;
    if (x.hasRank()) {
      int axis = c.axis(c.intAttr("axis", -1), x.rank());
      List<Dim> k = c.hasAttr("k") ? List.of(Dim.of(c.intAttr("k", 0))) : c.dims(1);
      Dim size = k == null || k.size() != 1 ? Dim.unknown() : k.get(0);
      if (size.isConstant() && x.dim(axis).isConstant() && size.constant() > x.dim(axis).constant()) {
        throw c.invalid("k " + size + " of an axis of size " + x.dim(axis));
      }
      out = x.with(axis, size);
    }
    c.output(0, c.dtype(0), out);
    c.output(1, DataType.INT64, out);
  }

  private static void oneHot(NodeContext c) {
    Shape indices = c.shape(0);
    Shape out = indices;
    if (indices.hasRank()) {
      List<Dim> depth = c.dims(1);
      List<Dim> dims = new ArrayList<>(indices.dims());
      dims.add(c.axis(c.intAttr("axis", -1), indices.rank() + 1), depth == null || depth.size() != 1 ? Dim.unknown() : depth.get(0));
      out = Shape.of(dims);
    }
    c.output(0, c.dtype(2), out);
  }

  private static void compress(NodeContext c) {
    Shape x = c.shape(0);
    boolean flat = !c.hasAttr("axis");
    Dim count = Dim.unknown();
    c.output(0, c.dtype(0), flat ? Shape.of(count) : x.hasRank() ? x.with(c.axis(c.intAttr("axis", 0), x.rank()), count) : x);
  }

  private static void unique(NodeContext c) {
    Shape x = c.shape(0);
    Dim count = Dim.unknown();
    Dim all = Dim.unknown();
    Shape out = Shape.of(count);
    if (c.hasAttr("axis")) {
      int axis = x.hasRank() ? c.axis(c.intAttr("axis", 0), x.rank()) : 0;
      out = x.hasRank() ? x.with(axis, count) : x;
      all = x.hasRank() ? x.dim(axis) : all;
    } else if (x.hasRank()) {
      all = x.numel();
    }
    c.output(0, c.dtype(0), out);
    c.output(1, DataType.INT64, Shape.of(count));
    c.output(2, DataType.INT64, Shape.of(all));
    c.output(3, DataType.INT64, Shape.of(count));
  }
}
