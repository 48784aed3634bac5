package dev.tenon.ir.layout;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.LongStream;

/** Operators that change how far axes reach, with a number or two for each axis: Pad, Slice, Expand, Tile. */
final class ExtentCarrier implements Carrier {

  static void register(Carriers carriers) {
    ExtentCarrier carrier = new ExtentCarrier();
    for (String op : List.of("Pad", "Slice", "Expand", "Tile")) {
      carriers.op(op, carrier);
    }
  }

  @Override
  public Frame frame(Node n, Function<Value, Roles> known) {
    Value x = n.input(0);
    Value y = n.output(0);
    if (x == null || y == null || x.rank() < 1 || x.rank() != y.rank() || x.constant() != null) {
      return null;
    }
    Roles roles = known.apply(x);
    roles = roles == null ? known.apply(y) : roles;
    return roles == null || !isCarried(n, x.rank()) ? null : Frame.of(n).input(0, roles).output(0, roles);
  }

  private static boolean isCarried(Node n, int rank) {
    return switch (n.opType()) {
      case "Pad" -> n.hasInput(3) ? constant(n, 3) != null : pads(n) != null && pads(n).length == 2 * rank;
      case "Slice" -> n.hasAttr("starts") || n.hasInput(3) && constant(n, 3) != null || !n.hasInput(3) && constant(n, 1) != null;
      // A target of higher or lower rank lines up differently.
      case "Expand" -> n.input(1).rank() == 1 && n.input(1).shape().dim(0).is(rank);
      default -> n.input(1) != null && n.input(1).rank() == 1;
    };
  }

  private static Tensor constant(Node n, int i) {
    return n.input(i) == null ? null : n.input(i).constant();
  }

  private static long[] pads(Node n) {
    String attr = n.hasAttr("pads") ? "pads" : "paddings";
    return n.hasAttr(attr) ? n.intsAttr(attr, null) : constant(n, 1) == null ? null : constant(n, 1).toLongs();
  }

  @Override
  public Node rebuild(Rebuild r) {
    int[] perm = r.inputPerm(0);
    return switch (r.node().opType()) {
      case "Pad" -> pad(r, perm);
      case "Slice" -> slice(r, perm);
      default -> r.rebuild(List.of(r.in(0), r.reordered(r.in(1), perm)));
    };
  }

  private static Node pad(Rebuild r, int[] perm) {
    Node n = r.node();
    List<Value> inputs = new ArrayList<>(r.ins());
    if (n.hasInput(3)) {
      inputs.set(3, axes(r, 3, perm));
      return r.rebuild(inputs);
    }
    long[] pads = pads(n);
    long[] moved = new long[pads.length];
    for (int i = 0; i < perm.length; i++) {
      moved[i] = pads[perm[i]];
      moved[perm.length + i] = pads[perm.length + perm[i]];
    }
    if (n.hasAttr("pads") || n.hasAttr("paddings")) {
      return r.rebuild(inputs, Attribute.ofInts(n.hasAttr("pads") ? "pads" : "paddings", moved));
    }
    inputs.set(1, r.vector("pads", moved));
    return r.rebuild(inputs);
  }

  private static Node slice(Rebuild r, int[] perm) {
    Node n = r.node();
    List<Value> inputs = new ArrayList<>(r.ins());
    if (n.hasAttr("starts")) {
      long[] axes = n.intsAttr("axes", LongStream.range(0, n.intsAttr("starts", null).length).toArray());
      return r.rebuild(inputs, Attribute.ofInts("axes", Rebuild.positions(perm, axes)));
    }
    if (n.hasInput(3)) {
      inputs.set(3, axes(r, 3, perm));
    } else {
      while (inputs.size() < 4) {
        inputs.add(null);
      }
      Tensor axes = Tensor.vector(Rebuild.positions(perm, LongStream.range(0, constant(n, 1).numel()).toArray()));
      inputs.set(3, r.graph().newInitializer("axes", axes.cast(n.input(1).dtype()).evaluated()));
    }
    return r.rebuild(inputs);
  }

  private static Value axes(Rebuild r, int i, int[] perm) {
    Tensor t = constant(r.node(), i);
    return r.constant(r.node().input(i), Tensor.vector(Rebuild.positions(perm, t.toLongs())).cast(t.dtype()).evaluated());
  }
}
