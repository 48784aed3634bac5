package dev.tenon.ir.shape;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BinaryOperator;

/** Reductions over axes, which are an attribute at first and an input since opset 13 or 18. */
final class ReductionShapes {
  private ReductionShapes() {}

  static void register(Registry r) {
    r.ops(c -> reduce(c, null), "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMean", "ReduceSumSquare");
    r.op("ReduceSum", 1, c -> reduce(c, Datum::plus));
    r.op("ReduceProd", 1, c -> reduce(c, Datum::times));
    r.op("ReduceMax", 1, c -> reduce(c, Datum::max));
    r.op("ReduceMin", 1, c -> reduce(c, Datum::min));
    r.ops(ReductionShapes::arg, "ArgMax", "ArgMin");
  }

  private static void reduce(NodeContext c, BinaryOperator<Datum> f) {
    boolean keep = c.intAttr("keepdims", 1) != 0;
    boolean given = c.has("axes", 1);
    long[] axes = given ? c.longs("axes", 1) : new long[0];
    if (axes != null && axes.length == 0 && c.intAttr("noop_with_empty_axes", 0) != 0) {
      ElementwiseShapes.unary(c);
      c.outputData(0, c.data(0));
      return;
    }
    Shape x = c.shape(0);
    if (!x.hasRank()) {
      c.output(0, c.dtype(0), axes != null && axes.length == 0 && !keep ? Shape.SCALAR : x);
      return;
    }
    c.output(0, c.dtype(0), axes == null ? unknownAxes(c, x, keep) : reduced(x, kept(c, axes, x.rank()), keep));
    Data d = c.data(0);
    boolean all = axes != null && (axes.length == 0 || axes.length == x.rank());
    if (f != null && d != null && all && x.rank() <= 1 && d.elements().length > 0 && !c.dtype(0).isFloat()) {
      c.outputData(0, fold(d, f, keep ? new long[x.rank()] : new long[0]));
    }
  }

  private static Data fold(Data d, BinaryOperator<Datum> f, long[] dims) {
    Datum sum = d.elements()[0];
    for (int i = 1; i < d.elements().length && sum != null; i++) {
      sum = d.elements()[i] == null ? null : f.apply(sum, d.elements()[i]);
    }
    Arrays.fill(dims, 1);
    return sum == null ? null : new Data(dims, new Datum[] {sum});
  }

  private static Shape unknownAxes(NodeContext c, Shape x, boolean keep) {
    if (keep) {
      return Shape.unknownOfRank(x.rank());
    }
    long n = c.length("axes", 1);
    return n > 0 && n <= x.rank() ? Shape.unknownOfRank(x.rank() - (int) n) : Shape.unknown();
  }

  /** Which axes stay; no axes at all means that none does. */
  private static boolean[] kept(NodeContext c, long[] axes, int rank) {
    boolean[] kept = new boolean[rank];
    if (axes.length > 0) {
      Arrays.fill(kept, true);
      for (int a : c.axes(axes, rank)) {
        kept[a] = false;
      }
    }
    return kept;
  }

  private static Shape reduced(Shape x, boolean[] kept, boolean keep) {
    List<Dim> out = new ArrayList<>();
    for (int i = 0; i < x.rank(); i++) {
      if (kept[i]) {
        out.add(x.dim(i));
      } else if (keep) {
        out.add(Dim.ONE);
      }
    }
    return Shape.of(out);
  }

  private static void arg(NodeContext c) {
    Shape x = c.shape(0);
    Shape out = !x.hasRank() ? x
        : reduced(x, kept(c, new long[] {c.intAttr("axis", 0)}, x.rank()), c.intAttr("keepdims", 1) != 0);
    c.output(0, DataType.INT64, out);
  }
}
