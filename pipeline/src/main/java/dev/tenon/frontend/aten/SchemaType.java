package dev.tenon.frontend.aten;

/**
 * The type of a parameter in a {@link Schema}.
 *
 * @param base {@code Tensor}, {@code int}, {@code float}, {@code bool}, {@code Scalar}, {@code str}, {@code ScalarType},
 *     {@code Device}, …; {@code SymInt} is {@code int}
 * @param list 1 for {@code T[]}, 2 for {@code T[][]}, 0 for none
 * @param size the N of {@code int[N]}, where a single number stands for N equal ones; 0 if there is none
 * @param optional true for {@code T?}
 * @param optionalElements true for {@code T?[]}
 */
public record SchemaType(String base, int list, int size, boolean optional, boolean optionalElements) {

  /** True for {@code Tensor}, {@code Tensor?}, {@code Tensor[]} and {@code Tensor?[]}. */
  public boolean isTensor() {
    return base.equals("Tensor");
  }

  /** The type of a list's elements. */
  public SchemaType element() {
    return new SchemaType(base, list - 1, 0, optionalElements, false);
  }

  /** True if a value can be passed for this type; with {@code implicit}, also where Python would convert it. */
  public boolean accepts(TorchValue v, boolean implicit) {
    if (v instanceof TorchNone) {
      return optional || base.equals("NoneType") || base.equals("Any") || implicit && list == 0 && base.matches("Device|Generator|Layout|MemoryFormat");
    }
    if (list > 0) {
      if (v instanceof TorchList l) {
        SchemaType element = element();
        return l.elements().stream().allMatch(e -> element.accepts(e, implicit));
      }
      return v instanceof TorchTuple t && implicit && t.elements().stream().allMatch(e -> element().accepts(e, true))
          || v instanceof TorchScalar && size > 0 && element().accepts(v, implicit);
    }
    return switch (base) {
      case "Tensor" -> v instanceof TorchTensor;
      case "int" -> v instanceof TorchScalar s && (s.kind() == TorchScalar.Kind.INT || implicit && s.kind() == TorchScalar.Kind.BOOL)
          || implicit && v instanceof TorchDtype;
      case "float" -> v instanceof TorchScalar s && (s.kind() == TorchScalar.Kind.FLOAT || implicit);
      case "bool" -> v instanceof TorchScalar s && (s.kind() == TorchScalar.Kind.BOOL || implicit && s.kind() == TorchScalar.Kind.INT);
      case "Scalar", "number" -> v instanceof TorchScalar || implicit && v instanceof TorchTensor t && t.rank() == 0;
      case "str" -> v instanceof TorchString;
      case "ScalarType" -> v instanceof TorchDtype || v instanceof TorchScalar s && s.kind() == TorchScalar.Kind.INT && s.isConstant();
      case "Device" -> v instanceof TorchString;
      case "Layout", "MemoryFormat" -> v instanceof TorchScalar || v instanceof TorchString;
      case "Dict" -> v instanceof TorchDict;
      default -> true;
    };
  }

  @Override
  public String toString() {
    StringBuilder b = new StringBuilder(base);
    if (optionalElements) {
      b.append('?');
    }
    for (int i = 0; i < list; i++) {
      b.append('[').append(i == 0 && size > 0 ? String.valueOf(size) : "").append(']');
    }
    return b.append(optional ? "?" : "").toString();
  }
}
