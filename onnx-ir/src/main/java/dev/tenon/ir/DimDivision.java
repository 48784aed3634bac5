package dev.tenon.ir;

import java.util.ArrayList;
import java.util.List;

/** Division of the polynomials that dimensions are: to the floor by a number, and exact by another polynomial. */
final class DimDivision {
  private DimDivision() {}

  /** floor(x/d) for a positive d, in normal form. */
  static Dim byPositive(Dim x, long d) {
    List<DimTerm> whole = new ArrayList<>();
    List<DimTerm> rest = new ArrayList<>();
    long common = d;
    for (DimTerm t : x.terms) {
      // The remainder nearest to zero: 6*h/7 is h + (-h)/7.
      long r = Math.floorMod(t.coefficient(), d);
      r = r > d - r ? r - d : r;
      if (r == 0) {
        whole.add(t.withCoefficient(t.coefficient() / d));
        continue;
      }
      if (rest.isEmpty() && t.coefficient() < 0) {
        return ceilOfNegative(x, d);
      }
      if (t.coefficient() != r) {
        whole.add(t.withCoefficient((t.coefficient() - r) / d));
      }
      rest.add(t.withCoefficient(r));
      common = gcd(common, Math.abs(r));
    }
    Dim quotient = Dim.ofTerms(whole, Math.floorDiv(x.offset, d));
    if (rest.isEmpty()) {
      return quotient;
    }
    Dim remainder = Dim.ofTerms(rest, Math.floorMod(x.offset, d));
    return quotient.plus(remainder.terms[0].coefficient() < 0 ? ceilOfNegative(remainder, d) : properFloor(remainder, d, common));
  }

  /** floor(-y/d) is -floor((y+d-1)/d): keeps the first coefficient positive, so that one number has one form. */
  private static Dim ceilOfNegative(Dim x, long d) {
    return x.times(-1).plus(d - 1).floorDiv(d).times(-1);
  }

  /** The floor of a reduced fraction whose coefficients and divisor have a common factor. */
  private static Dim properFloor(Dim x, long d, long common) {
    if (common > 1) {
      List<DimTerm> divided = new ArrayList<>();
      for (DimTerm t : x.terms) {
        divided.add(t.withCoefficient(t.coefficient() / common));
      }
      Dim y = Dim.ofTerms(divided, Math.floorDiv(x.offset, common));
      return d == common ? y : y.floorDiv(d / common);
    }
    // floor((floor(y/b)+c)/d) = floor((y+b*c)/(b*d)) for positive b and d.
    if (x.terms.length == 1 && x.terms[0].isAtom() && x.terms[0].factors().get(0) instanceof DimAtom.Call c && c.op == DimAtom.Op.FLOOR_DIV
        && c.b.isConstant() && c.b.offset > 0) {
      return c.a.plus(Math.multiplyExact(c.b.offset, x.offset)).floorDiv(Math.multiplyExact(c.b.offset, d));
    }
    return Dim.call(DimAtom.Op.FLOOR_DIV, x, Dim.of(d));
  }

  private static long gcd(long a, long b) {
    return b == 0 ? a : gcd(b, a % b);
  }

  /** The polynomial q with q * divisor = x, or null if there is none. The divisor is not constant. */
  static Dim exact(Dim x, Dim divisor) {
    DimTerm lead = leading(divisor);
    Dim rest = x;
    Dim quotient = Dim.ZERO;
    for (int steps = 0; steps < Dim.MAX_TERMS; steps++) {
      if (rest.is(0)) {
        return quotient;
      }
      if (rest.isConstant()) {
        return null;
      }
      DimTerm t = leading(rest);
      List<DimAtom> factors = new ArrayList<>(t.factors());
      for (DimAtom f : lead.factors()) {
        if (!factors.remove(f)) {
          return null;
        }
      }
      if (t.coefficient() % lead.coefficient() != 0) {
        return null;
      }
      long c = t.coefficient() / lead.coefficient();
      Dim q = factors.isEmpty() ? Dim.of(c) : Dim.bounded(new DimTerm[] {Dim.term(factors, c)}, 0);
      quotient = quotient.plus(q);
      rest = rest.minus(q.times(divisor));
    }
    return null;
  }

  /** The first term in the lexicographic order of monomials, which multiplication preserves. */
  private static DimTerm leading(Dim x) {
    DimTerm best = x.terms[0];
    for (DimTerm t : x.terms) {
      best = compareMonomials(t.factors(), best.factors()) > 0 ? t : best;
    }
    return best;
  }

  private static int compareMonomials(List<DimAtom> a, List<DimAtom> b) {
    for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
      int order = b.get(i).compareTo(a.get(i));
      if (order != 0) {
        return order;
      }
    }
    return a.size() - b.size();
  }
}
