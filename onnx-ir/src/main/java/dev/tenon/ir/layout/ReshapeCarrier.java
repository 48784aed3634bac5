package dev.tenon.ir.layout;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Node;
import dev.tenon.ir.NodeBuilder;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Use;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/**
 * Reshapes that split or merge axes of one role, and such as add or remove axes of size one. A reshape that merges channels and space
 * is carried if only linear layers with constant weights read the result: then the weights are rearranged.
 */
final class ReshapeCarrier implements Carrier {

  static void register(Carriers carriers) {
    ReshapeCarrier carrier = new ReshapeCarrier();
    for (String op : List.of("Reshape", "Flatten", "Squeeze", "Unsqueeze")) {
      carriers.op(op, carrier);
    }
  }

  @Override
  public Frame frame(Node n, Function<Value, Roles> known) {
    Value x = n.input(0);
    Value y = n.output(0);
    if (x == null || y == null || x.rank() < 1 || y.rank() < 1 || x.constant() != null) {
      return null;
    }
    Roles in = known.apply(x);
    Roles out = in == null ? known.apply(y) : null;
    if (in == null && out == null) {
      return null;
    }
    AxisGroups groups = groups(n);
    if (groups != null) {
      if (in != null) {
        out = groups.forward(in);
      } else {
        in = groups.reversed().forward(out);
      }
      if (in != null && out != null && isCarried(n, groups, in, out)) {
        return Frame.of(n).input(0, in).output(0, out);
      }
    }
    return in != null && isReadByLinearLayersOnly(n, in) ? Frame.of(n).input(0, in) : null;
  }

  private static AxisGroups groups(Node n) {
    List<Dim> in = n.input(0).shape().dims();
    List<Dim> out = n.output().shape().dims();
    boolean squeeze = n.isOp("Squeeze");
    if (!squeeze && !n.isOp("Unsqueeze")) {
      return AxisGroups.reshape(in, out);
    }
    long[] axes = n.hasAttr("axes") ? n.intsAttr("axes", null)
        : n.input(1) == null || n.input(1).constant() == null ? null : n.input(1).constant().toLongs();
    if (axes == null) {
      return null;
    }
    return squeeze ? AxisGroups.squeeze(in, out, axes) : AxisGroups.unsqueeze(in, out, axes);
  }

  private static boolean isCarried(Node n, AxisGroups groups, Roles in, Roles out) {
    for (Layout layout : Layout.values()) {
      int[] p = in.perm(layout);
      int[] q = out.perm(layout);
      boolean unchanged = Permutations.isIdentity(p) && Permutations.isIdentity(q);
      if (!groups.keepsOrder(p, q) || !unchanged && isByTarget(n) && target(n, p, q) == null && !canReorderTarget(n)) {
        return false;
      }
    }
    return true;
  }

  private static boolean isByTarget(Node n) {
    return n.isOp("Reshape") || n.isOp("Flatten");
  }

  /** The target for the stored tensors, with zeros and one -1 for what is unknown; null if that cannot be said so. */
  private static long[] target(Node n, int[] p, int[] q) {
    List<Dim> in = n.input(0).shape().dims();
    List<Dim> out = n.output().shape().dims();
    long[] target = new long[q.length];
    boolean copies = false;
    boolean zero = false;
    int open = 0;
    for (int i = 0; i < q.length; i++) {
      Dim d = out.get(q[i]);
      if (d.isConstant()) {
        target[i] = d.constant();
        zero |= d.is(0);
      } else if (i < p.length && d.equals(in.get(p[i]))) {
        copies = true;
      } else {
        target[i] = -1;
        open++;
      }
    }
    return open > 1 || zero && (copies || open > 0) ? null : target;
  }

  /** True for a target computed at run time in which no zero can stand for a dimension to be copied. */
  private static boolean canReorderTarget(Node n) {
    Value target = n.input(1);
    return n.isOp("Reshape") && target != null && target.constant() == null && hasNoLiteralZero(target, 8);
  }

  private static boolean hasNoLiteralZero(Value v, int depth) {
    Tensor t = v.constant();
    if (t != null) {
      return Arrays.stream(t.toLongs()).allMatch(d -> d != 0);
    }
    if (v.producer() == null || depth == 0) {
      return false;
    }
    return switch (v.producer().opType()) {
      case "Shape", "Size", "Gather" -> true;
      case "Concat" -> v.producer().inputs().stream().allMatch(i -> hasNoLiteralZero(i, depth - 1));
      case "Unsqueeze", "Cast", "Slice", "Squeeze", "Reshape" -> hasNoLiteralZero(v.producer().input(0), depth - 1);
      case "Mul", "Add", "Sub", "Div", "Floor" -> true;
      default -> false;
    };
  }

  @Override
  public Node rebuild(Rebuild r) {
    Node n = r.node();
    if (r.frame().outputs()[0] == null && !isKeptWithoutOutputRoles(r)) {
      return flattenForLinearLayers(r);
    }
    int[] p = r.inputPerm(0);
    int[] q = r.outputPerm(0);
    if (isByTarget(n)) {
      long[] target = target(n, p, q);
      Value shape = target != null ? r.vector("shape", target) : r.reordered(r.in(1), q);
      NodeBuilder b = r.graph().newNode("Reshape").name(n.name()).docString(n.docString()).provenance(n.provenance())
          .inputs(r.in(0), shape);
      if (target != null && Arrays.stream(target).anyMatch(d -> d == 0) && n.output().shape().dims().stream().anyMatch(d -> d.is(0))) {
        b.attr("allowzero", 1);
      }
      return b.output(n.output().name()).insertBefore(n);
    }
    boolean squeeze = n.isOp("Squeeze");
    long[] axes = n.hasAttr("axes") ? n.intsAttr("axes", null) : n.input(1).constant().toLongs();
    return r.withAxes(Arrays.stream(Rebuild.positions(squeeze ? p : q, axes)).sorted().toArray());
  }

  private static boolean isKeptWithoutOutputRoles(Rebuild r) {
    Node n = r.node();
    AxisGroups groups = groups(n);
    return groups != null && groups.keepsOrder(r.inputPerm(0), Permutations.identity(n.output().rank()));
  }

  // ---- in front of a linear layer ----

  private static boolean isReadByLinearLayersOnly(Node n, Roles in) {
    Value x = n.input(0);
    Value y = n.output();
    if (!isByTarget(n) || y.rank() != 2 || in.get(0) != AxisRole.BATCH || y.isGraphOutput() || y.uses().isEmpty()
        || !x.shape().dim(0).equals(y.shape().dim(0)) || !y.shape().dim(1).isConstant()) {
      return false;
    }
    for (int i = 1; i < x.rank(); i++) {
      if (!x.shape().dim(i).isConstant() || in.get(i) == AxisRole.BATCH || x.shape().dim(i).is(0)) {
        return false;
      }
    }
    return y.uses().stream().allMatch(u -> u.index() == 0 && u.node().graph() == n.graph() && isLinear(u.node()));
  }

  private static boolean isLinear(Node n) {
    Tensor w = n.input(1) == null ? null : n.input(1).constant();
    return (n.isOp("Gemm") && n.intAttr("transA", 0) == 0 || n.isOp("MatMul")) && w != null && w.rank() == 2 && w.dtype().bits() >= 8;
  }

  private static Node flattenForLinearLayers(Rebuild r) {
    Node n = r.node();
    int[] p = r.inputPerm(0);
    if (!Permutations.isIdentity(p)) {
      long[] features = new long[p.length - 1];
      for (int i = 0; i < features.length; i++) {
        features[i] = n.input(0).shape().dim(i + 1).constant();
      }
      for (Use use : List.copyOf(n.output().uses())) {
        rearrangeWeight(r, use.node(), p, features);
      }
    }
    Dim batch = n.output().shape().dim(0);
    long[] target = {batch.isConstant() ? batch.constant() : 0, n.output().shape().dim(1).constant()};
    return r.graph().newNode("Reshape").name(n.name()).docString(n.docString()).provenance(n.provenance())
        .inputs(r.in(0), r.vector("shape", target)).output(n.output().name()).insertBefore(n);
  }

  /** The features of the input come in another order, so the weight's do. */
  private static void rearrangeWeight(Rebuild r, Node linear, int[] p, long[] features) {
    Tensor w = linear.input(1).constant();
    boolean transposed = linear.intAttr("transB", 0) != 0;
    List<Long> dims = new ArrayList<>();
    List<Integer> perm = new ArrayList<>();
    if (transposed) {
      dims.add(w.dim(0));
      perm.add(0);
    }
    int shift = transposed ? 0 : -1;
    Arrays.stream(features).forEach(dims::add);
    Arrays.stream(p).skip(1).forEach(axis -> perm.add(axis + shift));
    if (!transposed) {
      dims.add(w.dim(1));
      perm.add(features.length);
    }
    Tensor moved = w.reshape(dims.stream().mapToLong(d -> d).toArray()).permute(perm.stream().mapToInt(i -> i).toArray()).reshape(w.dims());
    linear.graph().setInput(linear, 1, r.constant(linear.input(1), moved));
  }
}
