package dev.tenon.ir;

import java.util.List;

/**
 * A named attribute of a node.
 *
 * <p>The value's Java class by kind: FLOAT Float, INT Long, STRING String, TENSOR {@link Tensor}, GRAPH {@link Graph}, TYPE
 * {@link Type}; FLOATS float[], INTS long[]; STRINGS, TENSORS, GRAPHS, TYPES a List of the single form. SPARSE_TENSOR is a
 * {@link SparseTensor}. Inside a function's body the value may be a reference to an attribute of the function: then
 * {@link #refName} is its name and the value is null.
 */
public record Attribute(String name, Kind kind, Object value, String refName) {

  /** The kinds of attribute, with their numbers in {@code AttributeProto.AttributeType}. */
  public enum Kind {
    UNDEFINED(0), FLOAT(1), INT(2), STRING(3), TENSOR(4), GRAPH(5), FLOATS(6), INTS(7), STRINGS(8), TENSORS(9), GRAPHS(10),
    SPARSE_TENSOR(11), SPARSE_TENSORS(12), TYPE(13), TYPES(14);

    private final int number;

    Kind(int number) {
      this.number = number;
    }

    public int number() {
      return number;
    }

    /** The kind with this number; UNDEFINED for numbers that the standard does not have. */
    public static Kind ofNumber(int number) {
      return number >= 0 && number < values().length ? values()[number] : UNDEFINED;
    }
  }

  public static Attribute ofInt(String name, long value) {
    return new Attribute(name, Kind.INT, value, null);
  }

  public static Attribute ofInts(String name, long... values) {
    return new Attribute(name, Kind.INTS, values.clone(), null);
  }

  public static Attribute ofFloat(String name, float value) {
    return new Attribute(name, Kind.FLOAT, value, null);
  }

  public static Attribute ofFloats(String name, float... values) {
    return new Attribute(name, Kind.FLOATS, values.clone(), null);
  }

  public static Attribute ofString(String name, String value) {
    return new Attribute(name, Kind.STRING, value, null);
  }

  public static Attribute ofStrings(String name, List<String> values) {
    return new Attribute(name, Kind.STRINGS, List.copyOf(values), null);
  }

  public static Attribute ofTensor(String name, Tensor value) {
    return new Attribute(name, Kind.TENSOR, value, null);
  }

  public static Attribute ofGraph(String name, Graph value) {
    return new Attribute(name, Kind.GRAPH, value, null);
  }

  /** A reference, in a function's body, to the function's attribute {@code refName}. */
  public static Attribute reference(String name, Kind kind, String refName) {
    return new Attribute(name, kind, null, refName);
  }

  public boolean isReference() {
    return refName != null;
  }

  /** The value as the class that its kind has. */
  public <T> T as(Class<T> type) {
    if (!type.isInstance(value)) {
      throw new IllegalStateException("attribute " + name + " is of kind " + kind + ", not " + type.getSimpleName());
    }
    return type.cast(value);
  }

  /** The graphs inside this attribute: of a GRAPH one, of GRAPHS all, else none. */
  public List<Graph> graphs() {
    if (value == null) {
      return List.of();
    }
    return switch (kind) {
      case GRAPH -> List.of((Graph) value);
      case GRAPHS -> ((List<?>) value).stream().map(Graph.class::cast).toList();
      default -> List.of();
    };
  }

  public Attribute withName(String newName) {
    return new Attribute(newName, kind, value, refName);
  }
}
