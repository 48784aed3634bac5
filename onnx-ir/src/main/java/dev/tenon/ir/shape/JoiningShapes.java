package dev.tenon.ir.shape;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Operators that put tensors together, take them apart, repeat or pad them. */
final class JoiningShapes {
  private JoiningShapes() {}

  static void register(Registry r) {
    r.op("Concat", 1, JoiningShapes::concat);
    r.op("Split", 1, JoiningShapes::split);
    r.op("Tile", 1, JoiningShapes::oldTile);
    r.op("Tile", 6, JoiningShapes::tile);
    r.op("Pad", 1, JoiningShapes::pad);
    r.op("CenterCropPad", 1, JoiningShapes::centerCropPad);
  }

  private static void concat(NodeContext c) {
    // Opset 1 had a default.
    long axisAttr = c.opset() < 4 ? c.intAttr("axis", 1) : c.requiredInt("axis");
    List<Shape> shapes = new ArrayList<>();
    DataType dtype = DataType.UNDEFINED;
    for (int i = 0; i < c.inputCount(); i++) {
      shapes.add(c.shape(i));
      dtype = dtype == DataType.UNDEFINED ? c.dtype(i) : dtype;
    }
    c.output(0, dtype, joined(c, shapes, axisAttr));
    concatData(c);
  }

  /** The shape of tensors put one after the other along an axis. */
  static Shape joined(NodeContext c, List<Shape> shapes, long axisAttr) {
    Shape known = shapes.stream().filter(Shape::hasRank).findFirst().orElse(Shape.unknown());
    if (!known.hasRank()) {
      return known;
    }
    int axis = c.axis(axisAttr, known.rank());
    Dim sum = Dim.ZERO;
    Shape others = known.with(axis, Dim.ZERO);
    for (Shape s : shapes) {
      sum = sum.plus(s.hasRank() ? s.dim(c.axis(axisAttr, s.rank())) : Dim.unknown());
      if (s.hasRank()) {
        others = c.same(others, s.rank() == known.rank() ? s.with(axis, Dim.ZERO) : s);
      }
    }
    return others.with(axis, sum);
  }

  private static void concatData(NodeContext c) {
    List<Datum> all = new ArrayList<>();
    boolean any = false;
    for (int i = 0; i < c.inputCount(); i++) {
      any |= c.data(i) != null;
    }
    for (int i = 0; i < c.inputCount() && any; i++) {
      Data d = c.dataOrUnknowns(i);
      if (d == null || d.dims().length != 1 || all.size() > Data.MAX_ELEMENTS) {
        return;
      }
      all.addAll(Arrays.asList(d.elements()));
    }
    if (any && all.size() <= Data.MAX_ELEMENTS) {
      c.outputData(0, new Data(new long[] {all.size()}, all.toArray(Datum[]::new)));
    }
  }

  // ---- Split ----

  private static void split(NodeContext c) {
    int n = c.outputCount();
    Shape x = c.shape(0);
    if (!x.hasRank()) {
      for (int i = 0; i < n; i++) {
        c.output(i, c.dtype(0), x);
      }
      return;
    }
    int axis = c.axis(c.intAttr("axis", 0), x.rank());
    List<Dim> parts = c.has("split", 1) ? c.dims("split", 1) : equalParts(c, x.dim(axis), n);
    if (parts != null && parts.size() != n) {
      throw c.invalid("split into " + parts.size() + " parts, " + n + " outputs");
    }
    if (parts != null && x.dim(axis).isConstant() && Shape.of(parts).isStatic()
        && (parts.stream().mapToLong(Dim::constant).sum() != x.dim(axis).constant() || parts.stream().anyMatch(p -> p.constant() < 0))) {
      throw c.invalid("parts " + parts + " of an axis of size " + x.dim(axis));
    }
    for (int i = 0; i < n; i++) {
      c.output(i, c.dtype(0), x.with(axis, parts == null ? Dim.unknown() : parts.get(i)));
    }
    splitData(c, x, parts);
  }

  /** Since opset 18 the last part may be smaller; before, the parts are equal. */
  private static List<Dim> equalParts(NodeContext c, Dim size, int outputs) {
    long n = c.intAttr("num_outputs", outputs);
    if (n != outputs || n == 0) {
      throw c.invalid("num_outputs " + n + ", " + outputs + " outputs");
    }
    boolean uneven = c.hasAttr("num_outputs");
    Dim part = uneven ? size.ceilDiv(n) : size.floorDiv(n);
    List<Dim> parts = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      parts.add(uneven && i == n - 1 ? size.minus(part.times(n - 1)) : part);
    }
    return parts;
  }

  private static void splitData(NodeContext c, Shape x, List<Dim> parts) {
    Data d = x.rank() == 1 && parts != null && Shape.of(parts).isStatic() ? c.data(0) : null;
    int from = 0;
    for (int i = 0; d != null && i < parts.size(); i++) {
      int to = from + (int) parts.get(i).constant();
      c.outputData(i, new Data(new long[] {to - from}, Arrays.copyOfRange(d.elements(), from, to)));
      from = to;
    }
  }

  // ---- Tile, Pad ----

  private static void oldTile(NodeContext c) {
    Shape x = c.shape(0);
    long[] tiles = c.constants(1);
    long[] axis = c.constants(2);
    boolean known = x.hasRank() && tiles != null && axis != null && tiles.length == 1 && axis.length == 1;
    if (known) {
      int a = c.axis(axis[0], x.rank());
      c.output(0, c.dtype(0), x.with(a, x.dim(a).times(tiles[0])));
    } else {
      c.output(0, c.dtype(0), x.hasRank() ? Shape.unknownOfRank(x.rank()) : x);
    }
  }

  private static void tile(NodeContext c) {
    Shape x = c.shape(0);
    List<Dim> repeats = c.dims(1);
    if (!x.hasRank() || repeats == null) {
      long rank = x.hasRank() ? x.rank() : c.length(1);
      c.output(0, c.dtype(0), rank < 0 || rank > Data.MAX_ELEMENTS ? Shape.unknown() : Shape.unknownOfRank((int) rank));
      return;
    }
    if (repeats.size() != x.rank()) {
      throw c.invalid(repeats.size() + " repeats for shape " + x);
    }
    List<Dim> out = new ArrayList<>();
    for (int i = 0; i < x.rank(); i++) {
      out.add(x.dim(i).times(repeats.get(i)));
    }
    c.output(0, c.dtype(0), Shape.of(out));
    Data d = c.data(0);
    if (d != null && x.rank() == 1 && out.get(0).isConstant() && !repeats.get(0).is(0)) {
      Data all = Data.filled(new long[] {out.get(0).constant()}, null);
      for (int i = 0; all != null && i < all.elements().length; i++) {
        all.elements()[i] = d.elements()[i % d.elements().length];
      }
      c.outputData(0, all);
    }
  }

  private static void pad(NodeContext c) {
    Shape x = c.shape(0);
    List<Dim> pads = c.dims(c.hasAttr("paddings") ? "paddings" : "pads", 1);
    long[] axes = !c.has(3) ? null : c.constants(3);
    boolean unknownAxes = c.has(3) && axes == null;
    if (!x.hasRank() || pads == null || unknownAxes) {
      long rank = x.hasRank() ? x.rank() : c.has(3) ? -1 : c.length(1) / 2;
      c.output(0, c.dtype(0), rank < 0 || c.length(1) < 0 && !x.hasRank() ? Shape.unknown() : Shape.unknownOfRank((int) rank));
      return;
    }
    int[] at = axes == null ? allAxes(x.rank()) : c.axes(axes, x.rank());
    if (pads.size() != 2 * at.length) {
      throw c.invalid(pads.size() + " pads for " + at.length + " axes");
    }
    List<Dim> out = new ArrayList<>(x.dims());
    for (int i = 0; i < at.length; i++) {
      out.set(at[i], out.get(at[i]).plus(pads.get(i)).plus(pads.get(i + at.length)));
    }
    c.output(0, c.dtype(0), Shape.of(out));
    padData(c, pads);
  }

  /** Exporters pad the list of pads itself, with constants in front or behind. */
  private static void padData(NodeContext c, List<Dim> pads) {
    Data d = c.data(0);
    boolean constant = c.stringAttr("mode", "constant").equals("constant");
    if (d == null || d.dims().length != 1 || pads.size() != 2 || !constant || !Shape.of(pads).isStatic()) {
      return;
    }
    long before = pads.get(0).constant();
    long after = pads.get(1).constant();
    Data fill = c.has(2) ? c.data(2) : Data.scalar(Datum.of(0));
    long size = d.elements().length + before + after;
    if (before < 0 || after < 0 || size > Data.MAX_ELEMENTS || fill == null || fill.elements().length != 1) {
      return;
    }
    Datum[] out = new Datum[(int) size];
    Arrays.fill(out, fill.elements()[0]);
    System.arraycopy(d.elements(), 0, out, (int) before, d.elements().length);
    c.outputData(0, new Data(new long[] {size}, out));
  }

  private static int[] allAxes(int rank) {
    int[] all = new int[rank];
    Arrays.setAll(all, i -> i);
    return all;
  }

  private static void centerCropPad(NodeContext c) {
    Shape x = c.shape(0);
    if (!x.hasRank()) {
      c.output(0, c.dtype(0), x);
      return;
    }
    long[] attr = c.intsAttr("axes", null);
    int[] axes = attr == null ? allAxes(x.rank()) : c.axes(attr, x.rank());
    List<Dim> target = c.dims(1);
    if (target != null && target.size() != axes.length) {
      throw c.invalid(target.size() + " sizes for " + axes.length + " axes");
    }
    List<Dim> out = new ArrayList<>(x.dims());
    for (int i = 0; i < axes.length; i++) {
      out.set(axes[i], target == null ? Dim.unknown() : target.get(i));
    }
    c.output(0, c.dtype(0), Shape.of(out));
  }
}
