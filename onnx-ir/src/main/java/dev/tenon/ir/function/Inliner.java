package dev.tenon.ir.function;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.NodeBuilder;
import dev.tenon.ir.Provenance;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Copies the nodes of a graph (a function's body, a branch of an If) into another graph before one of its nodes. */
public final class Inliner {

  /** What becomes of the attributes of copied nodes: references are resolved here. Null leaves the attribute out. */
  public interface Attributes {
    Attribute resolve(Attribute a);

    static Attributes asTheyAre() {
      return a -> a;
    }
  }

  private final Attributes attributes;
  private final Provenance caller;
  private final String namePrefix;
  private final Set<String> names;
  private final Map<Value, Value> copies = new HashMap<>();

  /**
   * @param caller the provenance that copied nodes get where they have none
   * @param namePrefix what the names of copied nodes begin with; empty to keep their names
   * @param names the node names in use, which copies must not have; takes the new ones
   */
  public Inliner(Attributes attributes, Provenance caller, String namePrefix, Set<String> names) {
    this.names = names;
    this.attributes = attributes;
    this.caller = caller;
    this.namePrefix = namePrefix;
  }

  /** The names of all nodes of a graph and its subgraphs. */
  public static Set<String> nodeNames(Graph g) {
    Set<String> names = new HashSet<>();
    g.forEachNode(n -> names.add(n.name()));
    return names;
  }

  /**
   * Copies the body before the anchor.
   *
   * @param arguments the values for the body's inputs in order; null, or missing at the end, for those left out
   * @return the values for the body's outputs: copies, arguments, or values of graphs around the body
   */
  public List<Value> inline(Graph body, List<Value> arguments, Node anchor) {
    for (int i = 0; i < body.inputs().size(); i++) {
      copies.put(body.inputs().get(i), i < arguments.size() ? arguments.get(i) : null);
    }
    copyInto(anchor.graph(), body, anchor);
    return body.outputs().stream().map(this::copyOf).toList();
  }

  private Value copyOf(Value v) {
    return copies.containsKey(v) ? copies.get(v) : v;
  }

  private void copyInto(Graph target, Graph body, Node anchor) {
    for (Value v : body.initializers()) {
      if (!v.isGraphInput()) {
        copies.put(v, target.newInitializer(v.name(), v.initializer()));
      }
    }
    for (Node n : body.nodes()) {
      copyNode(target, n, anchor);
    }
  }

  private void copyNode(Graph target, Node n, Node anchor) {
    NodeBuilder b = target.newNode(n.opType()).domain(n.domain()).overload(n.overload()).docString(n.docString());
    b.name(nameOf(n));
    b.provenance(n.provenance().equals(Provenance.NONE) ? caller : n.provenance());
    List<Value> inputs = new ArrayList<>();
    n.inputs().forEach(v -> inputs.add(v == null ? null : copyOf(v)));
    while (!inputs.isEmpty() && inputs.get(inputs.size() - 1) == null) {
      inputs.remove(inputs.size() - 1);
    }
    b.inputs(inputs);
    for (Attribute a : n.attributes()) {
      Attribute resolved = attributes.resolve(a);
      if (resolved != null) {
        b.attribute(resolved.graphs().isEmpty() ? resolved : copyGraphs(resolved, target));
      }
    }
    for (Value v : n.outputs()) {
      if (v == null) {
        b.noOutput();
      } else {
        b.output(v.name(), v.type());
      }
    }
    Node copy = anchor == null ? b.append() : b.insertBefore(anchor);
    copy.metadata().putAll(n.metadata());
    for (int i = 0; i < n.outputs().size(); i++) {
      if (n.output(i) != null) {
        copies.put(n.output(i), copy.output(i));
      }
    }
  }

  private String nameOf(Node n) {
    if (n.name().isEmpty() && namePrefix.isEmpty()) {
      return "";
    }
    String own = n.name().isEmpty() ? n.opType() : n.name();
    String name = namePrefix.isEmpty() ? own : namePrefix + "/" + own;
    String unique = name;
    for (int i = 2; !names.add(unique); i++) {
      unique = name + "_" + i;
    }
    return unique;
  }

  private Attribute copyGraphs(Attribute a, Graph target) {
    if (a.kind() == Attribute.Kind.GRAPH) {
      return Attribute.ofGraph(a.name(), copyGraph(a.as(Graph.class), target));
    }
    return new Attribute(a.name(), a.kind(), a.graphs().stream().map(g -> copyGraph(g, target)).toList(), null);
  }

  private Graph copyGraph(Graph from, Graph parent) {
    Graph g = new Graph(from.name(), parent);
    for (Value v : from.inputs()) {
      copies.put(v, g.addInput(g.freshName(v.name()), v.type()));
    }
    copyInto(g, from, null);
    from.outputs().forEach(v -> g.addOutput(copyOf(v)));
    return g;
  }
}
