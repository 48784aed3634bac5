package dev.tenon.ir.shape;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Type;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;

/** What two types have in common, and what a declared type adds to an inferred one. */
final class Types {
  private Types() {}

  /** The least type that includes both; null if there is none. Dimensions that differ become unknown. */
  static Type join(Type a, Type b) {
    if (a == null || b == null) {
      return null;
    }
    if (a instanceof Type.TensorType x && b instanceof Type.TensorType y) {
      return Type.tensor(x.dtype() == y.dtype() ? x.dtype() : DataType.UNDEFINED, join(x.shape(), y.shape()));
    }
    if (a instanceof Type.SequenceType x && b instanceof Type.SequenceType y) {
      return sequence(join(x.element(), y.element()));
    }
    if (a instanceof Type.OptionalType x && b instanceof Type.OptionalType y) {
      Type element = join(x.element(), y.element());
      return element == null ? null : new Type.OptionalType(element);
    }
    return a.equals(b) ? a : null;
  }

  static Type sequence(Type element) {
    return element == null ? null : new Type.SequenceType(element);
  }

  static Shape join(Shape a, Shape b) {
    if (a.rank() != b.rank() || !a.hasRank()) {
      return Shape.unknown();
    }
    return zip(a, b, (x, y) -> x.equals(y) ? x : Dim.unknown());
  }

  private static Shape zip(Shape a, Shape b, BiFunction<Dim, Dim, Dim> f) {
    List<Dim> dims = new ArrayList<>(a.rank());
    for (int i = 0; i < a.rank(); i++) {
      dims.add(f.apply(a.dim(i), b.dim(i)));
    }
    return Shape.of(dims);
  }

  /** The join of all types in a list; null for an empty list. */
  static Type joinAll(List<Type> types) {
    Type joined = types.isEmpty() ? null : types.get(0);
    for (Type t : types) {
      joined = joined == t ? joined : join(joined, t);
    }
    return joined;
  }

  /** True if every value of type b is one of type a, where the dimensions in {@code open} stand for any number. */
  static boolean includes(Type a, Type b, Set<Dim> open) {
    if (a == null || b == null) {
      return a == null;
    }
    if (a instanceof Type.TensorType x && b instanceof Type.TensorType y) {
      return (x.dtype() == y.dtype() || x.dtype() == DataType.UNDEFINED) && includes(x.shape(), y.shape(), open);
    }
    if (a instanceof Type.SequenceType x && b instanceof Type.SequenceType y) {
      return includes(x.element(), y.element(), open);
    }
    if (a instanceof Type.OptionalType x && b instanceof Type.OptionalType y) {
      return includes(x.element(), y.element(), open);
    }
    return a.equals(b);
  }

  private static boolean includes(Shape a, Shape b, Set<Dim> open) {
    if (!a.hasRank()) {
      return true;
    }
    if (a.rank() != b.rank()) {
      return false;
    }
    for (int i = 0; i < a.rank(); i++) {
      if (!a.dim(i).equals(b.dim(i)) && !open.contains(a.dim(i))) {
        return false;
      }
    }
    return true;
  }

  /** As {@link #join(Type, Type)}; the unknown dimensions that it makes are added to {@code open}. */
  static Type join(Type a, Type b, Set<Dim> open) {
    Type joined = join(a, b);
    Set<Dim> old = new HashSet<>();
    addDims(a, old);
    addDims(b, old);
    Set<Dim> all = new HashSet<>();
    addDims(joined, all);
    all.removeAll(old);
    open.addAll(all);
    return joined;
  }

  private static void addDims(Type t, Set<Dim> into) {
    if (t instanceof Type.TensorType x && x.shape().hasRank()) {
      into.addAll(x.shape().dims());
    } else if (t instanceof Type.SequenceType s) {
      addDims(s.element(), into);
    } else if (t instanceof Type.OptionalType o) {
      addDims(o.element(), into);
    }
  }

  /** How a declared type is used where the inferred one is silent. */
  enum Trust {
    /** Only an element type or a rank that was not inferred is taken. */
    RANK,
    /** Names are taken for anonymous dimensions too; numbers are not, they may be those of the exporter's example input. */
    NAMES
  }

  /** The inferred type, with what it leaves open taken from the declared one. Either may be null. */
  static Type complete(Type inferred, Type declared, Trust trust) {
    if (inferred == null || declared == null) {
      return inferred == null ? declared : inferred;
    }
    if (inferred instanceof Type.TensorType x && declared instanceof Type.TensorType y) {
      DataType dtype = x.dtype() == DataType.UNDEFINED ? y.dtype() : x.dtype();
      Shape shape = complete(x.shape(), y.shape(), trust);
      return dtype == x.dtype() && shape == x.shape() ? x : Type.tensor(dtype, shape);
    }
    if (inferred instanceof Type.SequenceType x && declared instanceof Type.SequenceType y) {
      return sequence(complete(x.element(), y.element(), trust));
    }
    if (inferred instanceof Type.OptionalType x && declared instanceof Type.OptionalType y) {
      return new Type.OptionalType(complete(x.element(), y.element(), trust));
    }
    return inferred;
  }

  private static Shape complete(Shape inferred, Shape declared, Trust trust) {
    if (!inferred.hasRank()) {
      return declared;
    }
    if (trust == Trust.RANK || inferred.rank() != declared.rank() || inferred.isStatic()) {
      return inferred;
    }
    return zip(inferred, declared, (x, y) -> x.isAnonymous() && !y.isAnonymous() && !y.isConstant() ? y : x);
  }

  /** What is wrong between an inferred and a declared type; empty if they can both be true. */
  static String contradiction(Type inferred, Type declared) {
    if (inferred == null || declared == null) {
      return "";
    }
    if (inferred instanceof Type.TensorType x && declared instanceof Type.TensorType y) {
      boolean dtypes = x.dtype() != y.dtype() && x.dtype() != DataType.UNDEFINED && y.dtype() != DataType.UNDEFINED;
      return dtypes || contradicts(x.shape(), y.shape()) ? "inferred " + x + ", declared " + y : "";
    }
    if (inferred instanceof Type.SequenceType x && declared instanceof Type.SequenceType y) {
      return contradiction(x.element(), y.element());
    }
    if (inferred instanceof Type.OptionalType x && declared instanceof Type.OptionalType y) {
      return contradiction(x.element(), y.element());
    }
    return inferred.getClass() == declared.getClass() ? "" : "inferred " + inferred + ", declared " + declared;
  }

  private static boolean contradicts(Shape a, Shape b) {
    if (!a.hasRank() || !b.hasRank()) {
      return false;
    }
    if (a.rank() != b.rank()) {
      return true;
    }
    for (int i = 0; i < a.rank(); i++) {
      if (a.dim(i).isConstant() && b.dim(i).isConstant() && !a.dim(i).equals(b.dim(i))) {
        return true;
      }
    }
    return false;
  }
}
