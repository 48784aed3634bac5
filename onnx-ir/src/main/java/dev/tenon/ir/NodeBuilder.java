package dev.tenon.ir;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Makes a node and puts it into a graph: {@code graph.newNode("Add").inputs(a, b).output("sum").append()}. Nothing happens to the
 * graph before one of the last three methods.
 */
public final class NodeBuilder {
  private final Graph graph;
  private final String opType;
  private String domain = Node.ONNX_DOMAIN;
  private String overload = "";
  private String name = "";
  private String docString = "";
  private Provenance provenance = Provenance.NONE;
  private final List<Value> inputs = new ArrayList<>();
  private final List<Attribute> attributes = new ArrayList<>();
  private final List<Output> outputs = new ArrayList<>();

  /** An output to be made: an exact name, or a prefix for a fresh one; all null where an optional output is left out. */
  private record Output(String exact, String prefix, Type type) {}

  NodeBuilder(Graph graph, String opType) {
    this.graph = graph;
    this.opType = opType;
  }

  public NodeBuilder domain(String d) {
    this.domain = d;
    return this;
  }

  public NodeBuilder overload(String o) {
    this.overload = o;
    return this;
  }

  public NodeBuilder name(String n) {
    this.name = n;
    return this;
  }

  public NodeBuilder docString(String d) {
    this.docString = d;
    return this;
  }

  public NodeBuilder provenance(Provenance p) {
    this.provenance = p;
    return this;
  }

  /** Adds inputs in order; null for an optional one that is left out. */
  public NodeBuilder inputs(Value... values) {
    inputs.addAll(Arrays.asList(values));
    return this;
  }

  public NodeBuilder inputs(List<Value> values) {
    inputs.addAll(values);
    return this;
  }

  public NodeBuilder attribute(Attribute a) {
    attributes.add(a);
    return this;
  }

  public NodeBuilder attributes(Iterable<Attribute> all) {
    all.forEach(attributes::add);
    return this;
  }

  public NodeBuilder attr(String attr, long value) {
    return attribute(Attribute.ofInt(attr, value));
  }

  public NodeBuilder attr(String attr, long[] values) {
    return attribute(Attribute.ofInts(attr, values));
  }

  public NodeBuilder attr(String attr, float value) {
    return attribute(Attribute.ofFloat(attr, value));
  }

  public NodeBuilder attr(String attr, String value) {
    return attribute(Attribute.ofString(attr, value));
  }

  /** Adds an output with a fresh name that starts with this prefix. */
  public NodeBuilder output(String prefix) {
    return output(prefix, null);
  }

  /** Adds an output with a fresh name that starts with this prefix; the type may be null. */
  public NodeBuilder output(String prefix, Type type) {
    outputs.add(new Output(null, prefix, type));
    return this;
  }

  /** Adds an output with exactly this name, which must not be in use. */
  public NodeBuilder outputNamed(String exact, Type type) {
    outputs.add(new Output(exact, null, type));
    return this;
  }

  /** Adds an output that is left out. */
  public NodeBuilder noOutput() {
    outputs.add(new Output(null, null, null));
    return this;
  }

  /** Puts the node at the end of the graph's order. */
  public Node append() {
    return graph.insert(build(), null);
  }

  public Node insertBefore(Node anchor) {
    return graph.insert(build(), anchor);
  }

  public Node insertAfter(Node anchor) {
    return graph.insert(build(), anchor.next);
  }

  private Node build() {
    Node node = new Node(graph, domain, opType, overload, name);
    node.setDocString(docString);
    node.setProvenance(provenance);
    for (Attribute a : attributes) {
      node.setAttribute(a);
    }
    for (Value v : inputs) {
      graph.addNodeInput(node, v);
    }
    if (outputs.isEmpty()) {
      outputs.add(new Output(null, name.isEmpty() ? opType : name, null));
    }
    for (Output o : outputs) {
      graph.addNodeOutput(node, o.exact == null && o.prefix == null ? null : graph.newValue(o.exact, o.prefix, o.type));
    }
    return node;
  }
}
