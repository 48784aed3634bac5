package dev.tenon.ir.layout;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.NodeBuilder;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What a {@link Carrier} sees when it makes a node anew in a layout. */
final class Rebuild {
  private final Rewriter rewriter;
  private final Node node;
  private final Frame frame;
  private final Layout layout;

  Rebuild(Rewriter rewriter, Node node, Frame frame, Layout layout) {
    this.rewriter = rewriter;
    this.node = node;
    this.frame = frame;
    this.layout = layout;
  }

  Node node() {
    return node;
  }

  Frame frame() {
    return frame;
  }

  Layout layout() {
    return layout;
  }

  int opset() {
    return rewriter.opset();
  }

  Graph graph() {
    return node.graph();
  }

  /** Axis i of the stored input is axis {@code perm[i]} of the source's. */
  int[] inputPerm(int i) {
    return perm(frame.inputs()[i], node.input(i));
  }

  int[] outputPerm(int i) {
    return perm(frame.outputs()[i], node.output(i));
  }

  private int[] perm(Roles roles, Value v) {
    return roles == null ? Permutations.identity(Math.max(v.rank(), 0)) : roles.perm(layout);
  }

  /** Input i as the node wants it stored; constants are rearranged. Null if it is left out. */
  Value in(int i) {
    Value v = node.input(i);
    if (v == null) {
      return null;
    }
    return rewriter.read(v, inputPerm(i), node);
  }

  List<Value> ins() {
    List<Value> all = new ArrayList<>();
    for (int i = 0; i < node.inputs().size(); i++) {
      all.add(in(i));
    }
    return all;
  }

  /** Where an axis of the source is in the tensor that is stored by {@code perm}. */
  static long position(int[] perm, long axis) {
    int a = (int) (axis < 0 ? axis + perm.length : axis);
    for (int i = 0; i < perm.length; i++) {
      if (perm[i] == a) {
        return i;
      }
    }
    throw new IllegalArgumentException("axis " + axis + " of a tensor of rank " + perm.length);
  }

  static long[] positions(int[] perm, long[] axes) {
    return Arrays.stream(axes).map(a -> position(perm, a)).toArray();
  }

  /** A new integer constant, a vector. */
  Value vector(String name, long... values) {
    return rewriter.vector(name, values);
  }

  Value constant(Value original, Tensor t) {
    return rewriter.constant(original, t);
  }

  /** The elements of a vector in another order, of which element i is element {@code perm[i]} of the source's. */
  Value reordered(Value vector, int[] perm) {
    if (Permutations.isIdentity(perm)) {
      return vector;
    }
    Tensor t = vector.constant();
    if (t != null) {
      long[] elements = t.toLongs();
      long[] moved = Arrays.stream(perm).mapToLong(p -> elements[p]).toArray();
      return rewriter.constant(vector, Tensor.vector(moved).cast(t.dtype()).evaluated());
    }
    return graph().newNode("Gather").inputs(vector, vector("order", Permutations.toLongs(perm))).attr("axis", 0)
        .provenance(node.provenance()).output(vector.name() + "_t", vector.type()).insertBefore(node).output();
  }

  /** Puts axes of size one in. */
  Value unsqueezed(Value v, long[] axes) {
    NodeBuilder b = graph().newNode("Unsqueeze").provenance(node.provenance());
    b = opset() < 13 ? b.inputs(v).attr("axes", axes) : b.inputs(v, vector("axes", axes));
    return b.output(v.name() + "_u", Permutations.unsqueezed(v.type(), axes)).insertBefore(node).output();
  }

  /** The same operator on other inputs, with some attributes changed, and outputs of the same names. */
  Node rebuild(List<Value> inputs, Attribute... changed) {
    return rebuild(node.opType(), node.domain(), inputs, changed);
  }

  /** The channels-last form of the operator. */
  Node inDomain(String opType) {
    return rebuild(opType, ChannelsLastOps.DOMAIN, ins());
  }

  Node rebuild(String opType, String domain, List<Value> inputs, Attribute... changed) {
    NodeBuilder b = graph().newNode(opType).domain(domain).overload(node.overload()).name(node.name()).docString(node.docString())
        .provenance(node.provenance()).inputs(inputs);
    List<Attribute> others = List.of(changed);
    for (Attribute a : node.attributes()) {
      b.attribute(others.stream().filter(c -> c.name().equals(a.name())).findFirst().orElse(a));
    }
    others.stream().filter(c -> !node.hasAttr(c.name())).forEach(b::attribute);
    node.outputs().forEach(v -> {
      if (v == null) {
        b.noOutput();
      } else {
        b.output(v.name());
      }
    });
    return b.insertBefore(node);
  }

  /** The node with its first input as wanted and its axes, an attribute or the second input, renamed. */
  Node withAxes(long[] axes) {
    List<Value> inputs = ins();
    if (node.hasAttr("axes")) {
      return rebuild(inputs, Attribute.ofInts("axes", axes));
    }
    inputs.set(1, vector("axes", axes));
    return rebuild(inputs);
  }
}
