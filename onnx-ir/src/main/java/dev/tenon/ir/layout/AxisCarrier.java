package dev.tenon.ir.layout;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Node;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** Operators that work along one axis and leave the others as they are. */
final class AxisCarrier implements Carrier {
  /** Which inputs have the axes of the data. */
  private enum Data {
    FIRST, ALL
  }

  private final Data data;
  private final int byDefault;
  /** TensorFlow's operator works along the last axis only, and is put between two transposes elsewhere. */
  private final boolean wantsLast;

  private AxisCarrier(Data data, int byDefault, boolean wantsLast) {
    this.data = data;
    this.byDefault = byDefault;
    this.wantsLast = wantsLast;
  }

  static void register(Carriers carriers, int opset) {
    if (opset >= 13) {
      // Before, these work on the tensor flattened at the axis, which no permutation commutes with in general.
      for (String op : List.of("Softmax", "LogSoftmax", "Hardmax")) {
        carriers.op(op, new AxisCarrier(Data.FIRST, -1, true));
      }
    }
    carriers.op("TopK", new AxisCarrier(Data.FIRST, -1, true));
    carriers.op("LpNormalization", new AxisCarrier(Data.FIRST, -1, false));
    carriers.op("Split", new AxisCarrier(Data.FIRST, 0, false));
    carriers.op("Concat", new AxisCarrier(Data.ALL, 1, false));
    carriers.op("GatherElements", new AxisCarrier(Data.ALL, 0, false));
    carriers.op("ScatterElements", new AxisCarrier(Data.ALL, 0, false));
    carriers.op("Gather", new Rows());
    carriers.op("CumSum", new AxisInput());
  }

  @Override
  public Frame frame(Node n, Function<Value, Roles> known) {
    Roles roles = common(n, known, data == Data.ALL ? n.inputs().size() : 1);
    if (roles == null || !isAxis(n.intAttr("axis", byDefault), roles)) {
      return null;
    }
    Frame f = Frame.of(n).allOutputs(roles);
    for (int i = 0; i < (data == Data.ALL ? n.inputs().size() : 1); i++) {
      f.input(i, roles);
    }
    return f;
  }

  private static boolean isAxis(long axis, Roles roles) {
    return axis >= -roles.rank() && axis < roles.rank();
  }

  /** The roles that the outputs and the first inputs have in common; null if none is known or the ranks differ. */
  private static Roles common(Node n, Function<Value, Roles> known, int inputs) {
    List<Value> all = new ArrayList<>(n.outputs());
    all.addAll(n.inputs().subList(0, Math.min(inputs, n.inputs().size())));
    Roles roles = null;
    int rank = n.input(0) == null ? -1 : n.input(0).rank();
    for (Value v : all) {
      if (v == null) {
        continue;
      }
      if (rank < 1 || v.rank() != rank || v.constant() != null && v.dtype().bits() < 8) {
        return null;
      }
      roles = roles == null ? known.apply(v) : roles;
    }
    return roles;
  }

  @Override
  public Node rebuild(Rebuild r) {
    return r.rebuild(r.ins(), Attribute.ofInt("axis", Rebuild.position(r.inputPerm(0), r.node().intAttr("axis", byDefault))));
  }

  @Override
  public int moves(Node n, Frame f, Layout layout) {
    int[] perm = f.inputs()[0].perm(layout);
    return wantsLast && Rebuild.position(perm, n.intAttr("axis", byDefault)) != perm.length - 1 ? 2 : 0;
  }

  /** The axis is the second input. */
  private static final class AxisInput implements Carrier {
    @Override
    public Frame frame(Node n, Function<Value, Roles> known) {
      boolean isKnown = n.input(1) != null && n.input(1).constant() != null && n.input(1).constant().numel() == 1;
      Roles roles = isKnown ? common(n, known, 1) : null;
      boolean isCarried = roles != null && isAxis((long) n.input(1).constant().item(), roles);
      return isCarried ? Frame.of(n).input(0, roles).allOutputs(roles) : null;
    }

    @Override
    public Node rebuild(Rebuild r) {
      long axis = Rebuild.position(r.inputPerm(0), (long) r.node().input(1).constant().item());
      Value moved = r.constant(r.node().input(1), dev.tenon.ir.Tensor.scalar(axis).cast(r.node().input(1).dtype()).evaluated());
      return r.rebuild(List.of(r.in(0), moved));
    }
  }

  /** Gather of one index, which removes the axis, or of a vector of them. */
  private static final class Rows implements Carrier {
    @Override
    public Frame frame(Node n, Function<Value, Roles> known) {
      Value x = n.input(0);
      Value indices = n.input(1);
      if (x == null || indices == null || x.rank() < 1 || x.constant() != null || indices.rank() < 0 || indices.rank() > 1) {
        return null;
      }
      Roles roles = known.apply(x);
      boolean keeps = indices.rank() == 1;
      if (roles == null && keeps && n.output(0).rank() == x.rank()) {
        roles = known.apply(n.output(0));
      }
      long axis = n.intAttr("axis", 0);
      return roles == null || !isAxis(axis, roles) ? null
          : Frame.of(n).input(0, roles).output(0, keeps ? roles : roles.without(axis < 0 ? axis + x.rank() : axis));
    }

    @Override
    public Node rebuild(Rebuild r) {
      return r.rebuild(r.ins(), Attribute.ofInt("axis", Rebuild.position(r.inputPerm(0), r.node().intAttr("axis", 0))));
    }
  }
}
