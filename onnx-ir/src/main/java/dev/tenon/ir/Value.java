package dev.tenon.ir;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A named edge of a graph: produced by a node, or an input, or an initializer; read by any number of uses. Has identity: two
 * values are the same only if they are the same object. Changed only through {@link Graph} (but for its type).
 */
public final class Value {

  /**
   * Which value of the source file has the same elements as this one, so that the two can be compared after conversion.
   *
   * @param name the value's name in the source file
   * @param perm dimension i of this value is dimension {@code perm[i]} of the source's; empty if the layout is the same
   */
  public record Origin(String name, List<Integer> perm) {
    public Origin {
      perm = List.copyOf(perm);
    }

    public static Origin of(String name) {
      return new Origin(name, List.of());
    }
  }

  private final Graph graph;
  String name;
  Node producer;
  int outputIndex = -1;
  Tensor initializer;
  boolean graphInput;
  int graphOutputs;
  final Set<Use> uses = new LinkedHashSet<>();
  private Type type;
  private Origin origin;
  private String docString = "";
  private final Map<String, String> metadata = new LinkedHashMap<>();

  Value(Graph graph, String name, Type type) {
    this.graph = graph;
    this.name = name;
    this.type = type;
  }

  /** The graph this is defined in; nodes of subgraphs may read it too. */
  public Graph graph() {
    return graph;
  }

  public String name() {
    return name;
  }

  /** The type, or null if not yet known. */
  public Type type() {
    return type;
  }

  public void setType(Type type) {
    this.type = type;
  }

  /** The element type if this is a tensor of known type, else {@link DataType#UNDEFINED}. */
  public DataType dtype() {
    return type instanceof Type.TensorType t ? t.dtype() : DataType.UNDEFINED;
  }

  /** The shape if this is a tensor of known type, else {@link Shape#unknown()}. */
  public Shape shape() {
    return type instanceof Type.TensorType t ? t.shape() : Shape.unknown();
  }

  public int rank() {
    return shape().rank();
  }

  /** The node that computes this; null for inputs and initializers. */
  public Node producer() {
    return producer;
  }

  /** The operator type of the producer, empty if there is none: for short tests in passes. */
  public boolean isProducedBy(String opType) {
    return producer != null && producer.isOp(opType);
  }

  /** Which output of its producer this is; -1 if there is no producer. */
  public int outputIndex() {
    return outputIndex;
  }

  /** The constant elements; null if this is not an initializer. */
  public Tensor initializer() {
    return initializer;
  }

  public boolean isInitializer() {
    return initializer != null;
  }

  /** The constant elements of an initializer or of the output of a {@code Constant} node with a tensor; null otherwise. */
  public Tensor constant() {
    if (initializer != null) {
      // An initializer that is also a graph input is only a default, that a caller may override.
      return graphInput ? null : initializer;
    }
    if (producer != null && producer.isOp("Constant") && producer.hasAttr("value")) {
      return producer.tensorAttr("value");
    }
    return null;
  }

  public boolean isGraphInput() {
    return graphInput;
  }

  public boolean isGraphOutput() {
    return graphOutputs > 0;
  }

  public Set<Use> uses() {
    return Collections.unmodifiableSet(uses);
  }

  /** True if nothing reads this: no node, and it is no output of a graph. */
  public boolean isUnused() {
    return uses.isEmpty() && graphOutputs == 0;
  }

  /** The only node input that reads this; null if there are none or several, or if it is an output of a graph. */
  public Use onlyUse() {
    return uses.size() == 1 && graphOutputs == 0 ? uses.iterator().next() : null;
  }

  /** The source value that this has the same elements as; null if there is none. */
  public Origin origin() {
    return origin;
  }

  public void setOrigin(Origin origin) {
    this.origin = origin;
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

  @Override
  public String toString() {
    return "%" + name + (type == null ? "" : ":" + type);
  }
}
