package dev.tenon.ir;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;

/**
 * One dimension of a shape: an integer polynomial over named symbols and floor divisions, {@code 2*h} or
 * {@code floor((w+1)/2)} say. Also the element of an integer tensor that carries shapes.
 *
 * <p>Immutable and kept in normal form, so two dimensions that are the same polynomial are {@code equals}. Unequal objects
 * may still have the same value at run time: use {@link #equals} to prove equality, never to disprove it;
 * {@link #provablyDiffers} disproves. Symbols stand for sizes, so they are never negative; but for {@link #unknownInteger}.
 *
 * <p>The normal form: floor divisions by a number have a remainder inside that is smaller than the number ({@code floor((h+5)/2)}
 * is {@code floor((h+1)/2)+2}), and nested ones are one; a remainder is written as {@code x-d*floor(x/d)}; of the extrema only
 * {@code max(x,0)} remains, so {@code max(h-3,0)+min(h,3)} is {@code h}.
 */
public final class Dim implements Comparable<Dim> {

  private static final AtomicLong ANONYMOUS = new AtomicLong();
  /** Keep hostile models from growing polynomials without end. */
  static final int MAX_TERMS = 24;
  private static final int MAX_KEY = 1_000;
  private static final DimTerm[] NO_TERMS = {};
  private static final Dim[] SMALL = new Dim[4097];

  static {
    for (int i = 0; i < SMALL.length; i++) {
      SMALL[i] = new Dim(NO_TERMS, i - 1);
    }
  }

  public static final Dim ZERO = of(0);
  public static final Dim ONE = of(1);

  /** The terms that are not constant, sorted by key. */
  final DimTerm[] terms;
  /** The constant term. */
  final long offset;
  private final int hash;

  private Dim(DimTerm[] terms, long offset) {
    this.terms = terms;
    this.offset = offset;
    int h = Long.hashCode(offset);
    for (DimTerm t : terms) {
      h = 31 * h + t.key().hashCode() * 17 + Long.hashCode(t.coefficient());
    }
    this.hash = h;
  }

  /** A known dimension. */
  public static Dim of(long value) {
    return value >= -1 && value < SMALL.length - 1 ? SMALL[(int) value + 1] : new Dim(NO_TERMS, value);
  }

  /** A named dimension, {@code batch} say; the same name is the same dimension. */
  public static Dim symbol(String name) {
    if (name.isEmpty()) {
      throw new IllegalArgumentException("a symbol needs a name");
    }
    return ofAtom(new DimAtom.Symbol(name));
  }

  /** A dimension that nothing is known of; differs from every other. Its name starts with {@code ?}. */
  public static Dim unknown() {
    return symbol("?" + ANONYMOUS.incrementAndGet());
  }

  /** A number that nothing is known of, not even that it is not negative. Its name starts with {@code ?i}. */
  public static Dim unknownInteger() {
    return symbol("?i" + ANONYMOUS.incrementAndGet());
  }

  static Dim ofAtom(DimAtom atom) {
    return new Dim(new DimTerm[] {new DimTerm(atom.text, List.of(atom), 1)}, 0);
  }

  static Dim call(DimAtom.Op op, Dim a, Dim b) {
    DimAtom.Call c = new DimAtom.Call(op, a, b);
    return c.text.length() > MAX_KEY ? unknownInteger() : ofAtom(c);
  }

  /** The dimension with these terms, or an unknown one if that would be very long. */
  static Dim bounded(DimTerm[] terms, long offset) {
    if (terms.length == 0) {
      return of(offset);
    }
    if (terms.length > MAX_TERMS) {
      return unknownInteger();
    }
    for (DimTerm t : terms) {
      if (t.key().length() > MAX_KEY) {
        return unknownInteger();
      }
    }
    return new Dim(terms, offset);
  }

  static Dim ofTerms(Iterable<DimTerm> unsorted, long offset) {
    TreeMap<String, DimTerm> sorted = new TreeMap<>();
    for (DimTerm t : unsorted) {
      DimTerm old = sorted.get(t.key());
      long c = old == null ? t.coefficient() : Math.addExact(old.coefficient(), t.coefficient());
      if (c == 0) {
        sorted.remove(t.key());
      } else {
        sorted.put(t.key(), t.withCoefficient(c));
      }
    }
    return bounded(sorted.values().toArray(NO_TERMS), offset);
  }

  public boolean isConstant() {
    return terms.length == 0;
  }

  /** True if this is exactly the constant {@code value}. */
  public boolean is(long value) {
    return terms.length == 0 && offset == value;
  }

  /** The value of a constant dimension. */
  public long constant() {
    if (!isConstant()) {
      throw new IllegalStateException(this + " is not a constant");
    }
    return offset;
  }

  /** The value if constant, else -1, TensorFlow's mark for an unknown dimension. */
  public long orMinusOne() {
    return isConstant() ? offset : -1;
  }

  /** True for a single symbol, named or anonymous. */
  public boolean isSymbol() {
    return offset == 0 && terms.length == 1 && terms[0].isAtom() && terms[0].factors().get(0) instanceof DimAtom.Symbol;
  }

  /** True for a dimension made by {@link #unknown()} or {@link #unknownInteger()} (or read without a name). */
  public boolean isAnonymous() {
    return isSymbol() && terms[0].key().startsWith("?");
  }

  // ---- arithmetic; on overflow the result is an unknown integer, never a wrong one ----

  public Dim plus(Dim other) {
    try {
      long sum = Math.addExact(offset, other.offset);
      if (other.terms.length == 0) {
        return other.offset == 0 ? this : terms.length == 0 ? of(sum) : new Dim(terms, sum);
      }
      if (terms.length == 0) {
        return offset == 0 ? other : new Dim(other.terms, sum);
      }
      return bounded(merged(terms, other.terms), sum);
    } catch (ArithmeticException overflow) {
      return unknownInteger();
    }
  }

  private static DimTerm[] merged(DimTerm[] a, DimTerm[] b) {
    DimTerm[] sum = new DimTerm[a.length + b.length];
    int n = 0;
    int i = 0;
    int j = 0;
    while (i < a.length || j < b.length) {
      int order = i == a.length ? 1 : j == b.length ? -1 : a[i].key().compareTo(b[j].key());
      if (order < 0) {
        sum[n++] = a[i++];
      } else if (order > 0) {
        sum[n++] = b[j++];
      } else {
        long c = Math.addExact(a[i].coefficient(), b[j++].coefficient());
        if (c != 0) {
          sum[n++] = a[i].withCoefficient(c);
        }
        i++;
      }
    }
    return n == sum.length ? sum : Arrays.copyOf(sum, n);
  }

  public Dim plus(long other) {
    return other == 0 ? this : plus(of(other));
  }

  public Dim minus(Dim other) {
    return plus(other.times(-1));
  }

  public Dim minus(long other) {
    return other == Long.MIN_VALUE ? minus(of(other)) : plus(-other);
  }

  public Dim times(Dim other) {
    if (other.terms.length == 0) {
      return times(other.offset);
    }
    if (terms.length == 0) {
      return other.times(offset);
    }
    try {
      List<DimTerm> product = new ArrayList<>();
      for (DimTerm a : terms) {
        for (DimTerm b : other.terms) {
          List<DimAtom> factors = new ArrayList<>(a.factors());
          factors.addAll(b.factors());
          product.add(term(factors, Math.multiplyExact(a.coefficient(), b.coefficient())));
        }
      }
      addMultiples(product, terms, other.offset);
      addMultiples(product, other.terms, offset);
      return ofTerms(product, Math.multiplyExact(offset, other.offset));
    } catch (ArithmeticException overflow) {
      return unknownInteger();
    }
  }

  private static void addMultiples(List<DimTerm> into, DimTerm[] terms, long c) {
    if (c != 0) {
      for (DimTerm t : terms) {
        into.add(t.times(c));
      }
    }
  }

  static DimTerm term(List<DimAtom> factors, long coefficient) {
    if (factors.size() == 1) {
      return new DimTerm(factors.get(0).text, List.copyOf(factors), coefficient);
    }
    List<DimAtom> sorted = factors.stream().sorted().toList();
    StringBuilder key = new StringBuilder();
    for (DimAtom a : sorted) {
      key.append(key.length() == 0 ? "" : "*").append(a.text);
    }
    return new DimTerm(key.toString(), sorted, coefficient);
  }

  public Dim times(long c) {
    if (c == 1) {
      return this;
    }
    if (c == 0) {
      return ZERO;
    }
    try {
      long scaled = Math.multiplyExact(offset, c);
      if (terms.length == 0) {
        return of(scaled);
      }
      DimTerm[] t = new DimTerm[terms.length];
      for (int i = 0; i < t.length; i++) {
        t[i] = terms[i].times(c);
      }
      return new Dim(t, scaled);
    } catch (ArithmeticException overflow) {
      return unknownInteger();
    }
  }

  /** floor(this / divisor), exact where the polynomial divides; the divisor must not be constant zero. */
  public Dim floorDiv(Dim divisor) {
    if (divisor.terms.length == 0) {
      return floorDiv(divisor.offset);
    }
    if (equals(divisor)) {
      return ONE;
    }
    if (is(0)) {
      return ZERO;
    }
    try {
      Dim exact = DimDivision.exact(this, divisor);
      return exact != null ? exact : call(DimAtom.Op.FLOOR_DIV, this, divisor);
    } catch (ArithmeticException overflow) {
      return unknownInteger();
    }
  }

  public Dim floorDiv(long divisor) {
    if (divisor == 1) {
      return this;
    }
    if (divisor == 0) {
      throw new ArithmeticException(this + " divided by zero");
    }
    if (terms.length == 0) {
      return offset == Long.MIN_VALUE && divisor == -1 ? unknownInteger() : of(Math.floorDiv(offset, divisor));
    }
    if (divisor == Long.MIN_VALUE) {
      return unknownInteger();
    }
    try {
      return divisor < 0 ? times(-1).floorDiv(-divisor) : DimDivision.byPositive(this, divisor);
    } catch (ArithmeticException overflow) {
      return unknownInteger();
    }
  }

  /** ceil(this / divisor) for a positive divisor. */
  public Dim ceilDiv(long divisor) {
    return plus(divisor - 1).floorDiv(divisor);
  }

  /** this modulo divisor, with the sign of the divisor; the divisor must not be constant zero. */
  public Dim mod(Dim divisor) {
    return divisor.is(1) || equals(divisor) ? ZERO : minus(divisor.times(floorDiv(divisor)));
  }

  public Dim max(Dim other) {
    return equals(other) ? this : other.plus(minus(other).positivePart());
  }

  public Dim min(Dim other) {
    return equals(other) ? this : minus(minus(other).positivePart());
  }

  /** max(this, 0). */
  public Dim positivePart() {
    if (isConstant()) {
      return offset > 0 ? this : ZERO;
    }
    if (isAtLeast(0)) {
      return this;
    }
    Dim negated = times(-1);
    if (negated.isAtLeast(0)) {
      return ZERO;
    }
    // max(-x,0) = max(x,0)-x, so that x and -x have the same atom.
    return terms[0].coefficient() > 0 ? call(DimAtom.Op.POSITIVE_PART, this, ZERO) : plus(call(DimAtom.Op.POSITIVE_PART, negated, ZERO));
  }

  /** The size of the axis that an axis of this size and one of the other make when they are broadcast together. */
  public Dim broadcast(Dim other) {
    if (is(1) || equals(other)) {
      return other;
    }
    // An axis that cannot be 1 decides.
    if (other.is(1) || isConstant() || isAtLeast(2)) {
      return this;
    }
    if (other.isConstant() || other.isAtLeast(2) || other.isBroadcastOf(this)) {
      return other;
    }
    if (isBroadcastOf(other)) {
      return this;
    }
    return compareTo(other) <= 0 ? call(DimAtom.Op.BROADCAST, this, other) : call(DimAtom.Op.BROADCAST, other, this);
  }

  private boolean isBroadcastOf(Dim part) {
    return offset == 0 && terms.length == 1 && terms[0].isAtom() && terms[0].factors().get(0) instanceof DimAtom.Call c
        && c.op == DimAtom.Op.BROADCAST && (c.a.equals(part) || c.b.equals(part) || c.a.isBroadcastOf(part) || c.b.isBroadcastOf(part));
  }

  // ---- what can be proved ----

  /** True if this is provably not less than the bound, whatever the sizes are. */
  public boolean isAtLeast(long bound) {
    return isConstant() ? offset >= bound : DimBounds.lower(this) >= bound;
  }

  /** True if this and the other can be proved to have different values, whatever the symbols are. */
  public boolean provablyDiffers(Dim other) {
    if (isConstant() && other.isConstant()) {
      return offset != other.offset;
    }
    Dim difference = minus(other);
    return difference.isConstant() ? difference.offset != 0 : difference.isAtLeast(1) || difference.times(-1).isAtLeast(1);
  }

  // ---- symbols ----

  /**
   * The value once the symbols are known; empty if a symbol is missing, or a divisor is zero.
   *
   * @param values symbol to value
   */
  public OptionalLong evaluate(Map<String, Long> values) {
    try {
      Long v = value(values);
      return v == null ? OptionalLong.empty() : OptionalLong.of(v);
    } catch (ArithmeticException overflowOrZeroDivisor) {
      return OptionalLong.empty();
    }
  }

  private Long value(Map<String, Long> values) {
    long sum = offset;
    for (DimTerm t : terms) {
      long product = t.coefficient();
      for (DimAtom atom : t.factors()) {
        Long f = value(atom, values);
        if (f == null) {
          return null;
        }
        product = Math.multiplyExact(product, f);
      }
      sum = Math.addExact(sum, product);
    }
    return sum;
  }

  private static Long value(DimAtom atom, Map<String, Long> values) {
    if (!(atom instanceof DimAtom.Call c)) {
      return values.get(atom.text);
    }
    Long a = c.a.value(values);
    Long b = c.b.value(values);
    if (a == null || b == null) {
      return null;
    }
    return switch (c.op) {
      case FLOOR_DIV -> Math.floorDiv(a, b);
      case POSITIVE_PART -> Math.max(a, 0);
      case BROADCAST -> a == 1 ? b : a;
    };
  }

  /**
   * This dimension with symbols replaced.
   *
   * @param replacement the dimension to put in place of a symbol's name, or null to keep the symbol
   */
  public Dim substitute(Function<String, Dim> replacement) {
    Dim sum = of(offset);
    for (DimTerm t : terms) {
      Dim product = of(t.coefficient());
      for (DimAtom a : t.factors()) {
        product = product.times(substitute(a, replacement));
      }
      sum = sum.plus(product);
    }
    return sum;
  }

  private static Dim substitute(DimAtom atom, Function<String, Dim> replacement) {
    if (!(atom instanceof DimAtom.Call c)) {
      Dim r = replacement.apply(atom.text);
      return r == null ? ofAtom(atom) : r;
    }
    Dim a = c.a.substitute(replacement);
    Dim b = c.b.substitute(replacement);
    return switch (c.op) {
      case FLOOR_DIV -> b.is(0) ? unknownInteger() : a.floorDiv(b);
      case POSITIVE_PART -> a.positivePart();
      case BROADCAST -> a.broadcast(b);
    };
  }

  /** The names of all symbols inside, anonymous ones included. */
  public List<String> symbols() {
    if (isConstant()) {
      return List.of();
    }
    Set<String> names = new LinkedHashSet<>();
    collectSymbols(names);
    return List.copyOf(names);
  }

  private void collectSymbols(Set<String> into) {
    for (DimTerm t : terms) {
      for (DimAtom atom : t.factors()) {
        if (atom instanceof DimAtom.Call c) {
          c.a.collectSymbols(into);
          c.b.collectSymbols(into);
        } else {
          into.add(atom.text);
        }
      }
    }
  }

  /** Reads what {@link #toString} writes, and any other text as a symbol of that name (ONNX's {@code dim_param} is free text). */
  public static Dim parse(String text) {
    Dim d = new DimParser(text).parse();
    return d != null ? d : symbol(text);
  }

  @Override
  public int compareTo(Dim o) {
    return toString().compareTo(o.toString());
  }

  @Override
  public boolean equals(Object o) {
    if (this == o) {
      return true;
    }
    if (!(o instanceof Dim d) || hash != d.hash || offset != d.offset || terms.length != d.terms.length) {
      return false;
    }
    for (int i = 0; i < terms.length; i++) {
      if (terms[i].coefficient() != d.terms[i].coefficient() || !terms[i].key().equals(d.terms[i].key())) {
        return false;
      }
    }
    return true;
  }

  @Override
  public int hashCode() {
    return hash;
  }

  /** {@code 2*h+1}; the constant comes last. */
  @Override
  public String toString() {
    if (terms.length == 0) {
      return Long.toString(offset);
    }
    StringBuilder b = new StringBuilder();
    for (DimTerm t : terms) {
      b.append(t.coefficient() < 0 ? "-" : b.length() == 0 ? "" : "+");
      if (Math.abs(t.coefficient()) != 1) {
        b.append(Long.toString(t.coefficient()).replace("-", "")).append('*');
      }
      b.append(t.key());
    }
    if (offset != 0) {
      b.append(offset > 0 ? "+" : "").append(offset);
    }
    return b.toString();
  }
}
