package dev.tenon.ir;

/**
 * Reads dimension expressions: sums and products of integers, names, {@code a//b}, {@code a%b}, {@code a**2}, and calls of
 * {@code floor}, {@code ceil}, {@code mod}, {@code max}, {@code min} and {@code broadcast}, also as SymPy capitalises them.
 * Exporters put such texts into {@code dim_param} ({@code floor(h/2 - 1/2) + 1} say); whatever is not of this grammar, or is not
 * an integer, is a plain symbol.
 */
final class DimParser {
  private static final int MAX_DEPTH = 50;
  private static final int MAX_POWER = 8;

  private final String text;
  private int at;
  private int depth;

  /** A rational function; only what {@code floor} or {@code ceil} round may have a denominator that does not divide. */
  private record Fraction(Dim numerator, Dim denominator) {
    static Fraction of(Dim d) {
      return new Fraction(d, Dim.ONE);
    }

    Fraction plus(Fraction o) {
      return denominator.equals(o.denominator) ? new Fraction(numerator.plus(o.numerator), denominator)
          : new Fraction(numerator.times(o.denominator).plus(o.numerator.times(denominator)), denominator.times(o.denominator));
    }

    Fraction times(Fraction o) {
      return new Fraction(numerator.times(o.numerator), denominator.times(o.denominator));
    }

    /** Null for a division by zero. */
    Fraction over(Fraction o) {
      return o.numerator.is(0) ? null : new Fraction(numerator.times(o.denominator), denominator.times(o.numerator));
    }

    Dim floor() {
      return numerator.floorDiv(denominator);
    }

    Dim ceil() {
      return numerator.times(-1).floorDiv(denominator).times(-1);
    }

    /** The dimension that this is, or null if it is not certainly an integer. */
    Dim integer() {
      if (denominator.is(1)) {
        return numerator;
      }
      Dim quotient = floor();
      return quotient.times(denominator).equals(numerator) ? quotient : null;
    }
  }

  DimParser(String text) {
    this.text = text;
  }

  /** The dimension, or null if the text is not of the grammar. */
  Dim parse() {
    Dim d = integer(sum());
    skip();
    return at == text.length() ? d : null;
  }

  private static Dim integer(Fraction f) {
    return f == null ? null : f.integer();
  }

  private Fraction sum() {
    Fraction f = product();
    while (f != null && (peek('+') || peek('-'))) {
      boolean minus = text.charAt(at++) == '-';
      Fraction next = product();
      f = next == null ? null : f.plus(minus ? next.times(Fraction.of(Dim.of(-1))) : next);
    }
    return f;
  }

  private Fraction product() {
    Fraction f = power();
    while (f != null) {
      if (peek('*')) {
        at++;
        Fraction next = power();
        f = next == null ? null : f.times(next);
      } else if (peek('/')) {
        boolean floor = text.startsWith("//", at);
        at += floor ? 2 : 1;
        Fraction next = power();
        f = next == null ? null : f.over(next);
        f = f == null || !floor ? f : Fraction.of(f.floor());
      } else if (peek('%')) {
        at++;
        f = modulo(integer(f), integer(power()));
      } else {
        break;
      }
    }
    return f;
  }

  private Fraction power() {
    Fraction base = atom();
    skip();
    if (base == null || !text.startsWith("**", at)) {
      return base;
    }
    at += 2;
    Dim exponent = integer(atom());
    if (exponent == null || !exponent.isConstant() || exponent.constant() < 0 || exponent.constant() > MAX_POWER) {
      return null;
    }
    Fraction f = Fraction.of(Dim.ONE);
    for (long i = 0; i < exponent.constant(); i++) {
      f = f.times(base);
    }
    return f;
  }

  private Fraction atom() {
    if (++depth > MAX_DEPTH) {
      return null;
    }
    Fraction f = unboundedAtom();
    depth--;
    return f;
  }

  private Fraction unboundedAtom() {
    skip();
    if (at >= text.length()) {
      return null;
    }
    char c = text.charAt(at);
    if (c == '-') {
      at++;
      Fraction f = atom();
      return f == null ? null : f.times(Fraction.of(Dim.of(-1)));
    }
    if (c == '(') {
      at++;
      return closing(sum());
    }
    int start = at;
    if (c >= '0' && c <= '9') {
      while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
        at++;
      }
      return at - start > 18 || at < text.length() && isName(text.charAt(at)) ? null
          : Fraction.of(Dim.of(Long.parseLong(text.substring(start, at))));
    }
    while (at < text.length() && isName(text.charAt(at))) {
      at++;
    }
    if (at == start) {
      return null;
    }
    String name = text.substring(start, at);
    return peek('(') ? call(name) : Fraction.of(Dim.symbol(name));
  }

  private Fraction call(String name) {
    at++;
    Fraction a = sum();
    if (a == null) {
      return null;
    }
    switch (name) {
      case "floor":
        return closing(Fraction.of(a.floor()));
      case "ceil", "ceiling":
        return closing(Fraction.of(a.ceil()));
      case "mod", "Mod", "PythonMod":
        return closing(modulo(a.integer(), nextArgument()));
      case "max", "Max", "min", "Min", "broadcast":
        return extremum(name, a.integer());
      default:
        return null;
    }
  }

  private Fraction extremum(String name, Dim first) {
    Dim d = first;
    while (d != null && peek(',')) {
      Dim next = nextArgument();
      if (next == null) {
        return null;
      }
      d = switch (name) {
        case "max", "Max" -> d.max(next);
        case "min", "Min" -> d.min(next);
        default -> d.broadcast(next);
      };
    }
    return d == null ? null : closing(Fraction.of(d));
  }

  private Dim nextArgument() {
    if (!peek(',')) {
      return null;
    }
    at++;
    return integer(sum());
  }

  private static Fraction modulo(Dim a, Dim b) {
    return a == null || b == null || b.is(0) ? null : Fraction.of(a.mod(b));
  }

  private Fraction closing(Fraction f) {
    if (f == null || !peek(')')) {
      return null;
    }
    at++;
    return f;
  }

  private boolean peek(char c) {
    skip();
    return at < text.length() && text.charAt(at) == c;
  }

  private void skip() {
    while (at < text.length() && text.charAt(at) == ' ') {
      at++;
    }
  }

  private static boolean isName(char c) {
    return Character.isLetterOrDigit(c) || c == '_' || c == '?' || c == '.';
  }
}
