package dev.tenon.tf.custom;

import dev.tenon.ir.Attribute.Kind;
import java.util.List;

/** Values of attributes that the user writes down. */
final class AttributeValues {
  private AttributeValues() {}

  /** A number, string, boolean or list as an attribute of a kind has it; null if it is nothing of that kind. */
  static Object ofKind(Kind kind, Object v) {
    return switch (kind) {
      case FLOAT -> v instanceof Number n ? (Object) n.floatValue() : null;
      case INT -> integer(v);
      case STRING -> v instanceof String ? v : null;
      case FLOATS -> v instanceof List<?> l && l.stream().allMatch(Number.class::isInstance) ? floats(l) : null;
      case INTS -> v instanceof List<?> l && l.stream().allMatch(e -> integer(e) != null)
          ? l.stream().mapToLong(e -> (Long) integer(e)).toArray() : null;
      case STRINGS -> v instanceof List<?> l && l.stream().allMatch(String.class::isInstance) ? l : null;
      default -> null;
    };
  }

  private static Object integer(Object v) {
    return v instanceof Boolean b ? (Object) (b ? 1L : 0L) : v instanceof Integer || v instanceof Long ? (Object) ((Number) v).longValue()
        : null;
  }

  private static float[] floats(List<?> list) {
    float[] f = new float[list.size()];
    for (int i = 0; i < f.length; i++) {
      f[i] = ((Number) list.get(i)).floatValue();
    }
    return f;
  }

  /** Zero, the empty string, the empty list; null of kinds that have none. */
  static Object empty(Kind kind) {
    return switch (kind) {
      case FLOAT -> 0f;
      case INT -> 0L;
      case STRING -> "";
      case FLOATS -> new float[0];
      case INTS -> new long[0];
      case STRINGS -> List.of();
      default -> null;
    };
  }
}
