package dev.tenon.ir;

import java.util.List;

/** A summand of a {@link Dim}: a product of factors (sorted, at least one) and a number; the key is the factors printed. */
record DimTerm(String key, List<DimAtom> factors, long coefficient) {
  DimTerm times(long c) {
    return new DimTerm(key, factors, Math.multiplyExact(coefficient, c));
  }

  DimTerm withCoefficient(long c) {
    return c == coefficient ? this : new DimTerm(key, factors, c);
  }

  /** True for a single factor, once. */
  boolean isAtom() {
    return coefficient == 1 && factors.size() == 1;
  }
}
