package dev.tenon.custom;

import dev.tenon.frontend.aten.Schema;
import dev.tenon.frontend.aten.TorchList;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchString;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.Attribute;
import java.util.List;
import java.util.Optional;

/** Attributes that a use leaves out, as the schema or the user says they are then. */
final class Defaults {
  private Defaults() {}

  /** A parameter's default; empty if it has none, or None, or is a tensor. */
  static Optional<Attribute> attribute(Schema.Parameter p) {
    TorchValue v = p.byDefault();
    boolean real = p.type().base().equals("float");
    if (v instanceof TorchScalar s && s.isConstant()) {
      boolean isFloat = real || s.kind() == TorchScalar.Kind.FLOAT;
      return Optional.of(isFloat ? Attribute.ofFloat(p.name(), (float) s.toDouble()) : Attribute.ofInt(p.name(), s.toLong()));
    } else if (v instanceof TorchString s) {
      return Optional.of(Attribute.ofString(p.name(), s.text()));
    } else if (v instanceof TorchList l && !p.type().isTensor() && l.elements().stream().allMatch(Defaults::isConstant)) {
      List<Double> numbers = l.elements().stream().map(e -> ((TorchScalar) e).toDouble()).toList();
      return Optional.of(list(p.name(), numbers, real));
    }
    return Optional.empty();
  }

  private static boolean isConstant(TorchValue v) {
    return v instanceof TorchScalar s && s.isConstant();
  }

  /** A value from {@code ops.yaml}. */
  static Optional<Attribute> attribute(String name, Object v) {
    if (v instanceof Boolean b) {
      return Optional.of(Attribute.ofInt(name, b ? 1 : 0));
    } else if (v instanceof Long l) {
      return Optional.of(Attribute.ofInt(name, l));
    } else if (v instanceof Double d) {
      return Optional.of(Attribute.ofFloat(name, d.floatValue()));
    } else if (v instanceof String s) {
      return Optional.of(Attribute.ofString(name, s));
    } else if (v instanceof List<?> l && l.stream().allMatch(String.class::isInstance) && !l.isEmpty()) {
      return Optional.of(Attribute.ofStrings(name, l.stream().map(String.class::cast).toList()));
    } else if (v instanceof List<?> l && l.stream().allMatch(Number.class::isInstance)) {
      return Optional.of(list(name, l, l.stream().anyMatch(Double.class::isInstance)));
    }
    return Optional.empty();
  }

  private static Attribute list(String name, List<?> numbers, boolean real) {
    if (!real) {
      return Attribute.ofInts(name, numbers.stream().mapToLong(n -> ((Number) n).longValue()).toArray());
    }
    float[] f = new float[numbers.size()];
    for (int i = 0; i < f.length; i++) {
      f[i] = ((Number) numbers.get(i)).floatValue();
    }
    return Attribute.ofFloats(name, f);
  }
}
