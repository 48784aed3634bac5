package dev.tenon.ir.rewrite;

import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.Provenance;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Use;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A pattern found at a node: the root, the nodes of the pattern, and the captured values. */
public final class Match {
  private final Node root;
  private final List<Node> nodes;
  private final Map<Capture, Value> bindings;
  private final RewriteContext context;

  Match(Node root, List<Node> nodes, Map<Capture, Value> bindings, RewriteContext context) {
    this.root = root;
    this.nodes = new ArrayList<>(nodes);
    this.bindings = bindings;
    this.context = context;
  }

  public Node root() {
    return root;
  }

  public Graph graph() {
    return root.graph();
  }

  public RewriteContext context() {
    return context;
  }

  /** All nodes of the pattern in order of execution, the root last. */
  public List<Node> nodes() {
    return Collections.unmodifiableList(nodes);
  }

  /** Makes a producer that the pattern itself does not name part of the match. */
  public void include(Node producer) {
    nodes.add(0, producer);
  }

  /** The value bound to a capture; null if an alternative without it was taken. */
  public Value get(Capture capture) {
    return bindings.get(capture);
  }

  /** The constant bound to a capture; null if there is none. */
  public Tensor constant(Capture capture) {
    Value v = bindings.get(capture);
    return v == null ? null : v.constant();
  }

  /** The node whose output is bound to a capture. */
  public Node producer(Capture capture) {
    return bindings.get(capture).producer();
  }

  /** The provenance of everything matched, the root's first. */
  public Provenance provenance() {
    String path = root.provenance().modulePath();
    Provenance merged = Provenance.merge(nodes.stream().map(Node::provenance).toList());
    return path.isEmpty() ? merged : new Provenance(merged.sources(), path, merged.sourceLine());
  }

  /** A refusal that blames the root. */
  public Refusal refuse(String reason) {
    return new Refusal(reason, root);
  }

  public Refusal refuse(String reason, Node culprit) {
    return new Refusal(reason, culprit);
  }

  /**
   * A refusal if a value inside the pattern, other than the root's output, is read from outside it or is a graph's output; null if
   * the pattern is closed.
   */
  public Refusal refuseIfShared() {
    Set<Node> inside = Set.copyOf(nodes);
    for (Node n : nodes) {
      if (n == root) {
        continue;
      }
      for (Value v : n.outputs()) {
        if (v == null) {
          continue;
        }
        if (v.isGraphOutput()) {
          return refuse("%" + v.name() + " inside the pattern is an output of the graph", n);
        }
        for (Use use : v.uses()) {
          if (!inside.contains(use.node())) {
            return refuse("%" + v.name() + " inside the pattern is also read by " + use.node().label(), n);
          }
        }
      }
    }
    return null;
  }
}
