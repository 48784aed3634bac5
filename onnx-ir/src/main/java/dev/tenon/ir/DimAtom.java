package dev.tenon.ir;

/** A factor of a {@link Dim} that is not further expanded: a symbol or a function of other dimensions. Equal if it prints the same. */
abstract sealed class DimAtom implements Comparable<DimAtom> permits DimAtom.Symbol, DimAtom.Call {
  final String text;

  DimAtom(String text) {
    this.text = text;
  }

  @Override
  public final int compareTo(DimAtom o) {
    return text.compareTo(o.text);
  }

  @Override
  public final boolean equals(Object o) {
    return o instanceof DimAtom a && text.equals(a.text);
  }

  @Override
  public final int hashCode() {
    return text.hashCode();
  }

  @Override
  public final String toString() {
    return text;
  }

  static final class Symbol extends DimAtom {
    Symbol(String name) {
      super(name);
    }
  }

  /** The functions that appear inside dimensions. */
  enum Op {
    /** floor(a/b). */
    FLOOR_DIV,
    /** max(a,0); b is zero. */
    POSITIVE_PART,
    /** The size of two broadcast axes: b where a is 1, else a. */
    BROADCAST
  }

  static final class Call extends DimAtom {
    final Op op;
    final Dim a;
    final Dim b;

    Call(Op op, Dim a, Dim b) {
      super(switch (op) {
        case FLOOR_DIV -> "floor(" + wrap(a) + "/" + wrap(b) + ")";
        case POSITIVE_PART -> "max(" + a + ",0)";
        case BROADCAST -> "broadcast(" + a + "," + b + ")";
      });
      this.op = op;
      this.a = a;
      this.b = b;
    }

    private static String wrap(Dim d) {
      return d.isConstant() && d.constant() >= 0 || d.isSymbol() ? d.toString() : "(" + d + ")";
    }
  }
}
