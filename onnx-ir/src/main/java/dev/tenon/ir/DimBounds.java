package dev.tenon.ir;

import java.util.Arrays;

/**
 * Proves lower bounds of dimensions, knowing that symbols are not negative: {@code h-floor(h/2)} is at least 0, {@code h+1} at
 * least 1. Functions are taken apart one by one; a bound that is not found within a fixed number of steps is not found.
 */
final class DimBounds {
  /** Stands for minus infinity: nothing is proved. */
  static final long NONE = Long.MIN_VALUE;
  private static final int MAX_STEPS = 64;

  private int steps;

  private DimBounds() {}

  /** The greatest bound that was found, or {@link #NONE}. */
  static long lower(Dim d) {
    return d.isConstant() ? d.offset : new DimBounds().of(d);
  }

  private long of(Dim d) {
    if (d.isConstant()) {
      return d.offset;
    }
    if (++steps > MAX_STEPS) {
      return NONE;
    }
    long simple = termByTerm(d);
    if (simple != NONE) {
      return simple;
    }
    // What is subtracted first: what is added may be more than its parts prove.
    long bound = eliminating(d, true);
    return bound != NONE ? bound : eliminating(d, false);
  }

  private long eliminating(Dim d, boolean subtracted) {
    for (DimTerm t : d.terms) {
      if (t.coefficient() < 0 != subtracted) {
        continue;
      }
      for (int f = 0; f < t.factors().size(); f++) {
        if (t.factors().get(f) instanceof DimAtom.Call c && canEliminate(c, t, f)) {
          return c.op == DimAtom.Op.FLOOR_DIV ? withoutFloor(d, t, f, c) : withoutPositivePart(d, t, f, c);
        }
      }
    }
    return NONE;
  }

  /** The sum of the terms' own bounds. */
  private long termByTerm(Dim d) {
    long sum = d.offset;
    for (DimTerm t : d.terms) {
      if (t.coefficient() < 0) {
        return NONE;
      }
      long product = t.coefficient();
      for (DimAtom a : t.factors()) {
        long bound = of(a);
        if (bound < 0) {
          return NONE;
        }
        product = saturatedTimes(product, bound);
      }
      sum = saturatedPlus(sum, product);
    }
    return sum;
  }

  private long of(DimAtom atom) {
    if (!(atom instanceof DimAtom.Call c)) {
      return atom.text.startsWith("?i") ? NONE : 0;
    }
    return switch (c.op) {
      case FLOOR_DIV -> {
        long a = of(c.a);
        if (c.b.isConstant()) {
          yield a == NONE ? NONE : Math.floorDiv(a, c.b.offset);
        }
        yield a >= 0 && of(c.b) >= 0 ? 0 : NONE;
      }
      case POSITIVE_PART -> Math.max(0, of(c.a));
      case BROADCAST -> Math.min(of(c.a), of(c.b));
    };
  }

  /** A factor can be bounded by what is inside it only if the other factors do not turn the inequality round. */
  private boolean canEliminate(DimAtom.Call c, DimTerm t, int factor) {
    if (c.op == DimAtom.Op.BROADCAST || c.op == DimAtom.Op.FLOOR_DIV && !(c.b.isConstant() && c.b.offset > 0)) {
      return false;
    }
    for (int i = 0; i < t.factors().size(); i++) {
      if (i != factor && of(t.factors().get(i)) < 0) {
        return false;
      }
    }
    return true;
  }

  /** d*floor(a/d) lies in [a-d+1, a]: bounds the d-fold of the polynomial. */
  private long withoutFloor(Dim p, DimTerm t, int factor, DimAtom.Call c) {
    long d = c.b.offset;
    Dim inner = t.coefficient() < 0 ? c.a : c.a.minus(d - 1);
    Dim scaled = without(p, t).times(d).plus(others(t, factor).times(inner));
    long bound = of(scaled);
    return bound == NONE ? NONE : -Math.floorDiv(-bound, d);
  }

  /** max(a,0) is one of a and 0, and not less than either. */
  private long withoutPositivePart(Dim p, DimTerm t, int factor, DimAtom.Call c) {
    Dim rest = without(p, t);
    long zero = of(rest);
    long inner = of(rest.plus(others(t, factor).times(c.a)));
    return t.coefficient() < 0 ? Math.min(zero, inner) : Math.max(zero, inner);
  }

  private static Dim without(Dim p, DimTerm t) {
    return p.minus(ofTerm(t, -1));
  }

  /** The term without one of its factors, its coefficient included. */
  private static Dim others(DimTerm t, int factor) {
    return ofTerm(t, factor);
  }

  private static Dim ofTerm(DimTerm t, int leftOut) {
    Dim product = Dim.of(t.coefficient());
    DimAtom[] factors = t.factors().toArray(DimAtom[]::new);
    for (int i = 0; i < factors.length; i++) {
      if (i != leftOut) {
        product = product.times(Dim.ofAtom(factors[i]));
      }
    }
    return product;
  }

  private static long saturatedPlus(long a, long b) {
    long r = a + b;
    return ((a ^ r) & (b ^ r)) < 0 ? (a < 0 ? NONE : Long.MAX_VALUE) : r;
  }

  private static long saturatedTimes(long a, long b) {
    return a != 0 && b > Long.MAX_VALUE / a ? Long.MAX_VALUE : a * b;
  }
}
