package dev.tenon.ir;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One application of an operator: an operator name, inputs (null where an optional one is left out), outputs and attributes.
 * Has identity. Its inputs and outputs are changed only through {@link Graph}.
 */
public final class Node {
  /** Domains {@code ""} and {@code "ai.onnx"} are the same; the IR holds the empty form. */
  public static final String ONNX_DOMAIN = "";

  private final Graph graph;
  private final String domain;
  private final String opType;
  private final String overload;
  private final Map<String, Attribute> attributes = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();
  final List<Value> inputs = new ArrayList<>();
  final List<Value> outputs = new ArrayList<>();
  private String name;
  private String docString = "";
  private Provenance provenance = Provenance.NONE;
  /** Neighbours in the graph's order of execution. */
  Node previous;
  Node next;
  boolean removed;

  Node(Graph graph, String domain, String opType, String overload, String name) {
    this.graph = graph;
    this.domain = domain.equals("ai.onnx") ? ONNX_DOMAIN : domain;
    this.opType = opType;
    this.overload = overload;
    this.name = name;
  }

  public Graph graph() {
    return graph;
  }

  /** The operator's domain, empty for ONNX's own. */
  public String domain() {
    return domain;
  }

  public String opType() {
    return opType;
  }

  /** The function overload, nearly always empty. */
  public String overload() {
    return overload;
  }

  /** True for ONNX's own operator of this type. */
  public boolean isOp(String type) {
    return domain.isEmpty() && opType.equals(type);
  }

  public boolean isOp(String inDomain, String type) {
    return domain.equals(inDomain) && opType.equals(type);
  }

  /** {@code Conv}, or {@code com.acme::Blur} outside ONNX's domain. */
  public String qualifiedOp() {
    return domain.isEmpty() ? opType : domain + "::" + opType;
  }

  /** The name in the file, may be empty. */
  public String name() {
    return name;
  }

  public void setName(String name) {
    this.name = name;
  }

  /** A name for messages that is never empty: the node's own, or its operator and first output. */
  public String label() {
    if (!name.isEmpty()) {
      return name;
    }
    return qualifiedOp() + (outputs.isEmpty() || outputs.get(0) == null ? "" : " -> " + outputs.get(0).name());
  }

  public List<Value> inputs() {
    return Collections.unmodifiableList(inputs);
  }

  /** Input i; null if it is left out, also past the end. */
  public Value input(int i) {
    return i < inputs.size() ? inputs.get(i) : null;
  }

  public boolean hasInput(int i) {
    return input(i) != null;
  }

  /** Outputs; null where an optional one is left out. */
  public List<Value> outputs() {
    return Collections.unmodifiableList(outputs);
  }

  /** Output i; null if it is left out, also past the end. */
  public Value output(int i) {
    return i < outputs.size() ? outputs.get(i) : null;
  }

  /** The first output, which every operator but some custom ones has. */
  public Value output() {
    return outputs.get(0);
  }

  // ---- attributes ----

  public Collection<Attribute> attributes() {
    return Collections.unmodifiableCollection(attributes.values());
  }

  /** The attribute, or null. */
  public Attribute attribute(String attr) {
    return attributes.get(attr);
  }

  public boolean hasAttr(String attr) {
    return attributes.containsKey(attr);
  }

  public Node setAttribute(Attribute a) {
    Attribute old = attributes.put(a.name(), a);
    for (Graph g : a.graphs()) {
      g.attachTo(this);
    }
    dissolveGraphs(old, a.graphs());
    return this;
  }

  public void removeAttribute(String attr) {
    dissolveGraphs(attributes.remove(attr), List.of());
  }

  /** Subgraphs that go with an attribute must no longer use values of the graphs around. */
  private void dissolveGraphs(Attribute gone, List<Graph> kept) {
    if (gone != null) {
      gone.graphs().stream().filter(g -> !kept.contains(g)).forEach(g -> g.dissolveIfOwnedBy(this));
    }
  }

  public long intAttr(String attr, long byDefault) {
    Attribute a = attributes.get(attr);
    return a == null ? byDefault : a.as(Long.class);
  }

  public float floatAttr(String attr, float byDefault) {
    Attribute a = attributes.get(attr);
    return a == null ? byDefault : a.as(Float.class);
  }

  public String stringAttr(String attr, String byDefault) {
    Attribute a = attributes.get(attr);
    return a == null ? byDefault : a.as(String.class);
  }

  /** The list of integers, or the default (which may be null). */
  public long[] intsAttr(String attr, long[] byDefault) {
    Attribute a = attributes.get(attr);
    return a == null ? byDefault : a.as(long[].class).clone();
  }

  public float[] floatsAttr(String attr, float[] byDefault) {
    Attribute a = attributes.get(attr);
    return a == null ? byDefault : a.as(float[].class).clone();
  }

  @SuppressWarnings("unchecked")
  public List<String> stringsAttr(String attr, List<String> byDefault) {
    Attribute a = attributes.get(attr);
    return a == null ? byDefault : (List<String>) a.as(List.class);
  }

  /** The tensor, or null. */
  public Tensor tensorAttr(String attr) {
    Attribute a = attributes.get(attr);
    return a == null ? null : a.as(Tensor.class);
  }

  /** The subgraph, or null. */
  public Graph graphAttr(String attr) {
    Attribute a = attributes.get(attr);
    return a == null ? null : a.as(Graph.class);
  }

  /** All subgraphs in the attributes. */
  public List<Graph> subgraphs() {
    List<Graph> all = new ArrayList<>();
    for (Attribute a : attributes.values()) {
      all.addAll(a.graphs());
    }
    return all;
  }

  // ---- the rest ----

  public Provenance provenance() {
    return provenance;
  }

  public Node setProvenance(Provenance p) {
    this.provenance = p;
    return this;
  }

  public String docString() {
    return docString;
  }

  public void setDocString(String docString) {
    this.docString = docString;
  }

  /** The {@code metadata_props}, mutable. */
  public Map<String, String> metadata() {
    return metadata;
  }

  /** The next node in the order of execution, null at the end. */
  public Node next() {
    return next;
  }

  public Node previous() {
    return previous;
  }

  public boolean isRemoved() {
    return removed;
  }

  @Override
  public String toString() {
    return qualifiedOp() + "(" + String.join(", ", inputs.stream().map(v -> v == null ? "-" : v.name()).toList()) + ") -> "
        + String.join(", ", outputs.stream().map(v -> v == null ? "-" : v.name()).toList());
  }
}
