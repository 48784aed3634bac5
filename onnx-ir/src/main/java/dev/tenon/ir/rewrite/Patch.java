package dev.tenon.ir.rewrite;

import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.NodeBuilder;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * New nodes and constants, and which values they take the place of. New nodes stand before the match's root at once, unconnected to
 * what follows, until the rewriter applies the patch; if it cannot, they are taken away again and the graph is as before.
 */
public final class Patch implements Outcome {
  private final Match match;
  private final List<Node> added = new ArrayList<>();
  private final List<Value> constants = new ArrayList<>();
  private final Map<Value, Value> shunts = new LinkedHashMap<>();
  private final List<Runnable> onApply = new ArrayList<>();

  Patch(Match match) {
    this.match = match;
  }

  public Model model() {
    return match.context().model();
  }

  /** Starts a new node; finish it with {@link #add}. */
  public NodeBuilder newNode(String opType) {
    return match.graph().newNode(opType).provenance(match.provenance());
  }

  /** Puts the node before the root, named after the root. */
  public Node add(NodeBuilder builder) {
    Node n = builder.insertBefore(match.root());
    String name = match.root().name();
    if (n.name().isEmpty() && !name.isEmpty()) {
      n.setName(added.isEmpty() ? name : name + "/" + n.opType() + "_" + added.size());
    }
    added.add(n);
    return n;
  }

  /** A new constant, in the match's graph. */
  public Value constant(String namePrefix, Tensor tensor) {
    Value v = match.graph().newInitializer(namePrefix, tensor);
    constants.add(v);
    return v;
  }

  /** Makes readers of {@code old} read {@code replacement}. */
  public Patch shunt(Value old, Value replacement) {
    shunts.put(old, replacement);
    return this;
  }

  /** Replaces the root's first output. */
  public Patch shuntRoot(Value replacement) {
    return shunt(match.root().output(0), replacement);
  }

  /** Something beyond nodes that becomes true with the patch, a function added to the model say. */
  public Patch onApply(Runnable action) {
    onApply.add(action);
    return this;
  }

  List<Node> added() {
    return added;
  }

  Map<Value, Value> shunts() {
    return shunts;
  }

  /** Why the patch cannot be applied; null if it can. */
  Refusal check() {
    for (Map.Entry<Value, Value> s : shunts.entrySet()) {
      Value old = s.getKey();
      Value fresh = s.getValue();
      if (conflict(old.type(), fresh.type())) {
        return match.refuse("the replacement of " + old + " has type " + fresh.type());
      }
      if (old.isGraphOutput() && !old.graph().outputs().contains(old)) {
        return match.refuse(old + " is the output of an inner graph");
      }
      // Taking over the name of a graph's output costs an Identity where the value has a name of its own to keep.
      boolean free = fresh.graph() == old.graph() && fresh.producer() != null && !fresh.isGraphOutput();
      if (old.isGraphOutput() && !free && match.root().isOp("Identity")) {
        return match.refuse("it carries the name of the graph's output %" + old.name());
      }
    }
    return null;
  }

  /** True if both types are known and cannot be those of one value. */
  private static boolean conflict(Type a, Type b) {
    if (a instanceof Type.TensorType x && b instanceof Type.TensorType y) {
      if (x.dtype() != y.dtype()) {
        return true;
      }
      Shape s = x.shape();
      Shape t = y.shape();
      if (!s.hasRank() || !t.hasRank()) {
        return false;
      }
      if (s.rank() != t.rank()) {
        return true;
      }
      for (int i = 0; i < s.rank(); i++) {
        if (s.dim(i).provablyDiffers(t.dim(i))) {
          return true;
        }
      }
    }
    return false;
  }

  /** Connects the new nodes and takes away what is no longer read. */
  void apply() {
    Graph graph = match.graph();
    shunts.forEach((old, fresh) -> {
      if (fresh.type() == null && old.type() != null) {
        fresh.setType(old.type());
      }
      graph.replaceAllUses(old, fresh);
    });
    onApply.forEach(Runnable::run);
    List<Node> nodes = match.nodes();
    for (int i = nodes.size() - 1; i >= 0; i--) {
      Node n = nodes.get(i);
      if (n.outputs().stream().allMatch(v -> v == null || v.isUnused())) {
        graph.remove(n);
      }
    }
  }

  void rollBack() {
    for (int i = added.size() - 1; i >= 0; i--) {
      match.graph().remove(added.get(i));
    }
    for (Value v : constants) {
      match.graph().removeInitializer(v);
    }
  }
}
