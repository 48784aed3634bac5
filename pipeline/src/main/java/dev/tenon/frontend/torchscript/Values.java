package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.aten.TorchList;
import dev.tenon.frontend.aten.TorchObject;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchTuple;
import dev.tenon.frontend.aten.TorchValue;
import java.util.List;

/** The values that TorchScript has beyond those that operators take. */
final class Values {
  private Values() {
  }

  /** A function, or a method with the instance that it belongs to (else null). */
  record Callable(Ast.Unit unit, Ast.FunctionDef def, Instance self) implements TorchObject {
    @Override
    public String toString() {
      return "function " + def.name();
    }
  }

  /** A function defined inside another, whose variables it reads. */
  record Closure(Ast.FunctionDef def, Frame around) implements TorchObject {
    @Override
    public String toString() {
      return "function " + def.name();
    }
  }

  /** A class as a value. */
  record ClassValue(CodeClass type) implements TorchObject {
  }

  /** A member of an enumeration. */
  record EnumMember(CodeClass type, String name, TorchValue value) implements TorchObject {
  }

  record NamedTuple(CodeClass type, List<TorchValue> elements) implements TorchObject {
    NamedTuple {
      elements = List.copyOf(elements);
    }

    /** The element of this name; null if there is none. */
    TorchValue get(String name) {
      List<Ast.Field> fields = type.def().fields();
      for (int i = 0; i < fields.size() && i < elements.size(); i++) {
        if (fields.get(i).name().equals(name)) {
          return elements.get(i);
        }
      }
      return null;
    }
  }

  /** The result of {@code fork}, which has been computed already. */
  record Future(TorchValue value) implements TorchObject {
  }

  /** A complex number. */
  record Complex(double real, double imaginary) implements TorchObject {
  }

  /** A variable without a value, which the code's logic sees to it is never used. */
  enum Uninitialized implements TorchObject {
    VALUE
  }

  /**
   * Stands for what could not be computed; whatever is made of it is unknown too.
   *
   * @param reported whether the user has been told; else it is an error only if it is used
   */
  record Unknown(String why, boolean reported) implements TorchObject {
  }

  /** The elements of a list, a tuple or a named tuple; null for other values. */
  static List<TorchValue> elements(TorchValue v) {
    if (v instanceof TorchList l) {
      return l.elements();
    } else if (v instanceof TorchTuple t) {
      return t.elements();
    }
    return v instanceof NamedTuple n ? n.elements() : null;
  }

  /** Any unknown value in an argument, or null; looks into lists and tuples. */
  static Unknown unknownIn(TorchValue v) {
    return unknownIn(v, 0);
  }

  private static Unknown unknownIn(TorchValue v, int depth) {
    if (v instanceof Unknown u) {
      return u;
    }
    List<TorchValue> elements = depth < 3 ? elements(v) : null;
    if (elements != null) {
      for (TorchValue e : elements) {
        Unknown u = unknownIn(e, depth + 1);
        if (u != null) {
          return u;
        }
      }
    }
    return null;
  }

  /** How a message names a value. */
  static String describe(TorchValue v) {
    if (v instanceof TorchScalar s && !s.isConstant()) {
      return "a number computed at run time";
    } else if (v instanceof TorchList l) {
      return "a list of " + l.elements().size();
    } else if (v instanceof TorchTuple t) {
      return "a tuple of " + t.elements().size();
    }
    String text = String.valueOf(v);
    return text.length() > 60 ? text.substring(0, 60) + "…" : text;
  }
}
