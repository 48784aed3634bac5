package dev.tenon.ir;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;

/**
 * One dimension of a shape: an integer polynomial over named symbols and floor divisions, {@code 2*h} or
 * {@code floor((w-1)/2)+1} say.
 *
 * <p>Immutable and kept in normal form, so two dimensions that are the same polynomial are {@code equals}. Unequal objects
 * may still have the same value at run time: use {@link #equals} to prove equality, never to disprove it;
 * {@link #provablyDiffers} disproves.
 */
public final class Dim implements Comparable<Dim> {

  /** A factor that is not further expanded: a symbol or a function of other dimensions. */
  private sealed interface Atom permits Symbol, Call {}

  private record Symbol(String name) implements Atom {
    @Override
    public String toString() {
      return name;
    }
  }

  /** The functions that appear inside dimensions. */
  private enum Op {
    FLOOR_DIV, MOD, MAX, MIN
  }

  private record Call(Op op, Dim a, Dim b) implements Atom {
    @Override
    public String toString() {
      return switch (op) {
        case FLOOR_DIV -> "floor(" + wrap(a) + "/" + wrap(b) + ")";
        case MOD -> "mod(" + a + "," + b + ")";
        case MAX -> "max(" + a + "," + b + ")";
        case MIN -> "min(" + a + "," + b + ")";
      };
    }

    private static String wrap(Dim d) {
      return d.isConstant() && d.constant() >= 0 || d.isSymbol() ? d.toString() : "(" + d + ")";
    }
  }

  private static final AtomicLong ANONYMOUS = new AtomicLong();
  private static final int MAX_TERMS = 24;

  public static final Dim ZERO = new Dim(new TreeMap<>());
  public static final Dim ONE = of(1);

  /** Monomial (its printed factors, sorted; empty for the constant term) to term. */
  private final SortedMap<String, Term> terms;
  private final int hash;

  private record Term(List<Atom> factors, long coefficient) {}

  private Dim(SortedMap<String, Term> terms) {
    this.terms = terms;
    int h = 1;
    for (Map.Entry<String, Term> e : terms.entrySet()) {
      h = 31 * h + e.getKey().hashCode() * 17 + Long.hashCode(e.getValue().coefficient);
    }
    this.hash = h;
  }

  /** A known dimension. */
  public static Dim of(long value) {
    TreeMap<String, Term> terms = new TreeMap<>();
    if (value != 0) {
      terms.put("", new Term(List.of(), value));
    }
    return new Dim(terms);
  }

  /** A named dimension, {@code batch} say; the same name is the same dimension. */
  public static Dim symbol(String name) {
    if (name.isEmpty()) {
      throw new IllegalArgumentException("a symbol needs a name");
    }
    return ofAtom(new Symbol(name));
  }

  /** A dimension that nothing is known of; differs from every other. Its name starts with {@code ?}. */
  public static Dim unknown() {
    return symbol("?" + ANONYMOUS.incrementAndGet());
  }

  private static Dim ofAtom(Atom atom) {
    TreeMap<String, Term> terms = new TreeMap<>();
    terms.put(atom.toString(), new Term(List.of(atom), 1));
    return new Dim(terms);
  }

  public boolean isConstant() {
    return terms.isEmpty() || terms.size() == 1 && terms.containsKey("");
  }

  /** True if this is exactly the constant {@code value}. */
  public boolean is(long value) {
    return isConstant() && constant() == value;
  }

  /** The value of a constant dimension. */
  public long constant() {
    if (!isConstant()) {
      throw new IllegalStateException(this + " is not a constant");
    }
    return terms.isEmpty() ? 0 : terms.get("").coefficient;
  }

  /** The value if constant, else -1, TensorFlow's mark for an unknown dimension. */
  public long orMinusOne() {
    return isConstant() ? constant() : -1;
  }

  /** True for a single symbol, named or anonymous. */
  public boolean isSymbol() {
    if (terms.size() != 1) {
      return false;
    }
    Term t = terms.values().iterator().next();
    return t.coefficient == 1 && t.factors.size() == 1 && t.factors.get(0) instanceof Symbol;
  }

  /** True for a dimension made by {@link #unknown()} (or read without a name). */
  public boolean isAnonymous() {
    return isSymbol() && terms.firstKey().startsWith("?");
  }

  public Dim plus(Dim other) {
    if (isConstant() && constant() == 0) {
      return other;
    }
    TreeMap<String, Term> sum = new TreeMap<>(terms);
    for (Map.Entry<String, Term> e : other.terms.entrySet()) {
      accumulate(sum, e.getKey(), e.getValue());
    }
    return bounded(sum);
  }

  public Dim plus(long other) {
    return other == 0 ? this : plus(of(other));
  }

  public Dim minus(Dim other) {
    return plus(other.times(of(-1)));
  }

  public Dim minus(long other) {
    return plus(of(-other));
  }

  public Dim times(Dim other) {
    if (isConstant() && other.isConstant()) {
      return of(saturatedTimes(constant(), other.constant()));
    }
    TreeMap<String, Term> product = new TreeMap<>();
    for (Term a : terms.values()) {
      for (Term b : other.terms.values()) {
        List<Atom> factors = new ArrayList<>(a.factors);
        factors.addAll(b.factors);
        factors.sort((x, y) -> x.toString().compareTo(y.toString()));
        accumulate(product, key(factors), new Term(List.copyOf(factors), saturatedTimes(a.coefficient, b.coefficient)));
      }
    }
    return bounded(product);
  }

  public Dim times(long other) {
    return other == 1 ? this : times(of(other));
  }

  /** floor(this / divisor), exact where the polynomial divides; the divisor must not be constant zero. */
  public Dim floorDiv(Dim divisor) {
    if (divisor.is(1)) {
      return this;
    }
    if (divisor.is(0)) {
      throw new ArithmeticException(this + " divided by zero");
    }
    if (isConstant() && divisor.isConstant()) {
      return of(Math.floorDiv(constant(), divisor.constant()));
    }
    if (equals(divisor)) {
      return ONE;
    }
    if (isConstant() && constant() == 0) {
      return ZERO;
    }
    Dim exact = exactQuotient(divisor);
    if (exact != null) {
      return exact;
    }
    if (divisor.isConstant()) {
      // Split off the part that divides: floor((4*h+3)/2) = 2*h + floor(3/2).
      long d = divisor.constant();
      TreeMap<String, Term> whole = new TreeMap<>();
      TreeMap<String, Term> rest = new TreeMap<>();
      terms.forEach((k, t) -> {
        if (t.coefficient % d == 0) {
          whole.put(k, new Term(t.factors, t.coefficient / d));
        } else {
          rest.put(k, t);
        }
      });
      if (!whole.isEmpty()) {
        return new Dim(whole).plus(new Dim(rest).floorDiv(divisor));
      }
      // floor(floor(x/a)/b) = floor(x/(a*b)) for positive a and b.
      if (terms.size() == 1) {
        Term t = terms.values().iterator().next();
        if (t.coefficient == 1 && t.factors.size() == 1 && t.factors.get(0) instanceof Call c && c.op == Op.FLOOR_DIV
            && c.b.isConstant() && c.b.constant() > 0 && d > 0) {
          return c.a.floorDiv(c.b.times(divisor));
        }
      }
    }
    return ofAtom(new Call(Op.FLOOR_DIV, this, divisor));
  }

  public Dim floorDiv(long divisor) {
    return floorDiv(of(divisor));
  }

  /** ceil(this / divisor) for a positive divisor. */
  public Dim ceilDiv(long divisor) {
    return plus(divisor - 1).floorDiv(divisor);
  }

  /** this modulo divisor, with the sign of the divisor. */
  public Dim mod(Dim divisor) {
    if (isConstant() && divisor.isConstant()) {
      return of(Math.floorMod(constant(), divisor.constant()));
    }
    if (equals(divisor) || divisor.is(1) || exactQuotient(divisor) != null) {
      return ZERO;
    }
    return ofAtom(new Call(Op.MOD, this, divisor));
  }

  public Dim max(Dim other) {
    return extremum(Op.MAX, other);
  }

  public Dim min(Dim other) {
    return extremum(Op.MIN, other);
  }

  private Dim extremum(Op op, Dim other) {
    if (equals(other)) {
      return this;
    }
    Dim difference = minus(other);
    if (difference.isConstant()) {
      return difference.constant() > 0 == (op == Op.MAX) ? this : other;
    }
    return compareTo(other) <= 0 ? ofAtom(new Call(op, this, other)) : ofAtom(new Call(op, other, this));
  }

  /** The polynomial q with q * divisor = this, or null where there is none that is simple to find. */
  private Dim exactQuotient(Dim divisor) {
    if (divisor.terms.size() != 1) {
      return null;
    }
    Term by = divisor.terms.values().iterator().next();
    TreeMap<String, Term> quotient = new TreeMap<>();
    for (Term t : terms.values()) {
      if (t.coefficient % by.coefficient != 0) {
        return null;
      }
      List<Atom> factors = new ArrayList<>(t.factors);
      for (Atom f : by.factors) {
        if (!factors.remove(f)) {
          return null;
        }
      }
      accumulate(quotient, key(factors), new Term(List.copyOf(factors), t.coefficient / by.coefficient));
    }
    return new Dim(quotient);
  }

  /** True if this and the other can be proved to have different values, whatever the symbols are. */
  public boolean provablyDiffers(Dim other) {
    Dim difference = minus(other);
    return difference.isConstant() && difference.constant() != 0;
  }

  /**
   * The value once the symbols are known; empty if a symbol is missing, or if these values divide by zero.
   *
   * @param values symbol to value
   */
  public OptionalLong evaluate(Map<String, Long> values) {
    try {
      Dim d = substitute(name -> values.containsKey(name) ? of(values.get(name)) : null);
      return d.isConstant() ? OptionalLong.of(d.constant()) : OptionalLong.empty();
    } catch (ArithmeticException divisionByZero) {
      return OptionalLong.empty();
    }
  }

  /**
   * This dimension with symbols replaced.
   *
   * @param replacement the dimension to put in place of a symbol's name, or null to keep the symbol
   */
  public Dim substitute(Function<String, Dim> replacement) {
    if (isConstant()) {
      return this;
    }
    Dim sum = ZERO;
    for (Term t : terms.values()) {
      Dim product = of(t.coefficient);
      for (Atom a : t.factors) {
        product = product.times(substitute(a, replacement));
      }
      sum = sum.plus(product);
    }
    return sum;
  }

  private static Dim substitute(Atom atom, Function<String, Dim> replacement) {
    if (atom instanceof Symbol s) {
      Dim r = replacement.apply(s.name);
      return r == null ? ofAtom(s) : r;
    }
    Call c = (Call) atom;
    Dim a = c.a.substitute(replacement);
    Dim b = c.b.substitute(replacement);
    return switch (c.op) {
      case FLOOR_DIV -> a.floorDiv(b);
      case MOD -> a.mod(b);
      case MAX -> a.max(b);
      case MIN -> a.min(b);
    };
  }

  /** The names of all symbols inside, anonymous ones included. */
  public List<String> symbols() {
    List<String> names = new ArrayList<>();
    for (Term t : terms.values()) {
      for (Atom a : t.factors) {
        if (a instanceof Symbol s) {
          names.add(s.name);
        } else {
          Call c = (Call) a;
          names.addAll(c.a.symbols());
          names.addAll(c.b.symbols());
        }
      }
    }
    return names.stream().distinct().toList();
  }

  /** Reads what {@link #toString} writes, and any other text as a symbol of that name (ONNX's {@code dim_param} is free text). */
  public static Dim parse(String text) {
    Dim d = new DimParser(text).parse();
    return d != null ? d : symbol(text);
  }

  private static void accumulate(SortedMap<String, Term> into, String key, Term term) {
    Term old = into.get(key);
    long c = old == null ? term.coefficient : saturatedPlus(old.coefficient, term.coefficient);
    if (c == 0) {
      into.remove(key);
    } else {
      into.put(key, new Term(term.factors, c));
    }
  }

  /** Keeps hostile models from growing polynomials without end: a very long one becomes an unknown. */
  private static Dim bounded(SortedMap<String, Term> terms) {
    if (terms.size() > MAX_TERMS || terms.keySet().stream().anyMatch(k -> k.length() > 2_000)) {
      return unknown();
    }
    return new Dim(Collections.unmodifiableSortedMap(terms));
  }

  private static String key(List<Atom> factors) {
    StringBuilder b = new StringBuilder();
    for (Atom a : factors) {
      b.append(b.length() == 0 ? "" : "*").append(a);
    }
    return b.toString();
  }

  private static long saturatedPlus(long a, long b) {
    long r = a + b;
    return ((a ^ r) & (b ^ r)) < 0 ? (a < 0 ? Long.MIN_VALUE : Long.MAX_VALUE) : r;
  }

  private static long saturatedTimes(long a, long b) {
    try {
      return Math.multiplyExact(a, b);
    } catch (ArithmeticException overflow) {
      return (a < 0) == (b < 0) ? Long.MAX_VALUE : Long.MIN_VALUE;
    }
  }

  @Override
  public int compareTo(Dim o) {
    return toString().compareTo(o.toString());
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof Dim d && hash == d.hash && terms.equals(d.terms);
  }

  @Override
  public int hashCode() {
    return hash;
  }

  /** {@code 2*h+1}; the constant comes last. */
  @Override
  public String toString() {
    if (terms.isEmpty()) {
      return "0";
    }
    StringBuilder b = new StringBuilder();
    terms.forEach((key, t) -> {
      if (!key.isEmpty()) {
        append(b, t.coefficient, key);
      }
    });
    Term constant = terms.get("");
    if (constant != null) {
      append(b, constant.coefficient, "");
    }
    return b.toString();
  }

  private static void append(StringBuilder b, long c, String key) {
    b.append(c < 0 ? "-" : b.length() == 0 ? "" : "+");
    String magnitude = Long.toString(c).replace("-", "");
    if (key.isEmpty()) {
      b.append(magnitude);
    } else if (magnitude.equals("1")) {
      b.append(key);
    } else {
      b.append(magnitude).append('*').append(key);
    }
  }

  /** Requires a non-null dimension; reads better than a cast at call sites. */
  static Dim require(Dim d) {
    return Objects.requireNonNull(d, "dimension");
  }
}
