package dev.tenon.ir.layout;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Node;
import dev.tenon.ir.Value;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.LongStream;

/** Reductions over some or all axes, with and without keeping them. */
final class ReductionCarrier implements Carrier {
  private static final Set<String> OVER_AXES = Set.of("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean",
      "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare");
  /** Over one axis, an attribute. */
  private static final Set<String> OVER_AXIS = Set.of("ArgMax", "ArgMin");

  static void register(Carriers carriers) {
    ReductionCarrier carrier = new ReductionCarrier();
    OVER_AXES.forEach(op -> carriers.op(op, carrier));
    OVER_AXIS.forEach(op -> carriers.op(op, carrier));
  }

  @Override
  public Frame frame(Node n, Function<Value, Roles> known) {
    Value x = n.input(0);
    Value y = n.output(0);
    if (x == null || y == null || x.rank() < 0) {
      return null;
    }
    boolean keeps = n.intAttr("keepdims", 1) != 0;
    Roles roles = known.apply(x);
    if (roles == null && keeps && y.rank() == x.rank()) {
      roles = known.apply(y);
    }
    long[] axes = roles == null ? null : axes(n, x.rank());
    return axes == null ? null : Frame.of(n).input(0, roles).output(0, keeps ? roles : roles.without(axes));
  }

  /** The axes, counted from the front; null if they are not known. */
  private static long[] axes(Node n, int rank) {
    if (OVER_AXIS.contains(n.opType())) {
      return fromFront(rank, n.intAttr("axis", 0));
    }
    if (n.hasAttr("axes")) {
      return fromFront(rank, n.intsAttr("axes", null));
    }
    if (n.input(1) != null) {
      long[] axes = n.input(1).constant() == null ? null : n.input(1).constant().toLongs();
      return axes == null || axes.length > 0 ? fromFront(rank, axes) : all(n, rank);
    }
    return all(n, rank);
  }

  private static long[] all(Node n, int rank) {
    return n.intAttr("noop_with_empty_axes", 0) != 0 ? new long[0] : LongStream.range(0, rank).toArray();
  }

  private static long[] fromFront(int rank, long... axes) {
    return axes == null ? null : Arrays.stream(axes).map(a -> a < 0 ? a + rank : a).toArray();
  }

  @Override
  public Node rebuild(Rebuild r) {
    Node n = r.node();
    int[] perm = r.inputPerm(0);
    if (OVER_AXIS.contains(n.opType())) {
      return r.rebuild(List.of(r.in(0)), Attribute.ofInt("axis", Rebuild.position(perm, n.intAttr("axis", 0))));
    }
    long[] axes = axes(n, perm.length);
    if (axes.length == 0 || axes.length == perm.length) {
      return r.rebuild(r.ins());
    }
    return r.withAxes(Arrays.stream(Rebuild.positions(perm, axes)).sorted().toArray());
  }
}
