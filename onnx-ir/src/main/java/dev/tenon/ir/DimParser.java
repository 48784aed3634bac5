package dev.tenon.ir;

/**
 * Reads dimension expressions: sums and products of integers, names, {@code floor(a/b)}, {@code a//b}, {@code mod}, {@code max}
 * and {@code min}. Exporters put such texts into {@code dim_param}; whatever is not of this grammar is a plain symbol.
 */
final class DimParser {
  private static final int MAX_DEPTH = 50;

  private final String text;
  private int at;
  private int depth;

  DimParser(String text) {
    this.text = text;
  }

  /** The dimension, or null if the text is not of the grammar. */
  Dim parse() {
    Dim d = sum();
    skip();
    return at == text.length() ? d : null;
  }

  private Dim sum() {
    if (++depth > MAX_DEPTH) {
      return null;
    }
    Dim d = product();
    while (d != null && (peek('+') || peek('-'))) {
      boolean minus = text.charAt(at++) == '-';
      Dim next = product();
      d = next == null ? null : minus ? d.minus(next) : d.plus(next);
    }
    depth--;
    return d;
  }

  private Dim product() {
    Dim d = atom();
    while (d != null) {
      if (peek('*')) {
        at++;
        Dim next = atom();
        d = next == null ? null : d.times(next);
      } else if (peek('/') && text.startsWith("//", at)) {
        at += 2;
        d = quotient(d, atom());
      } else {
        break;
      }
    }
    return d;
  }

  private Dim atom() {
    skip();
    if (at >= text.length()) {
      return null;
    }
    char c = text.charAt(at);
    if (c == '-') {
      at++;
      Dim d = atom();
      return d == null ? null : d.times(-1);
    }
    if (c == '(') {
      at++;
      return closing(sum());
    }
    if (Character.isDigit(c)) {
      int start = at;
      while (at < text.length() && Character.isDigit(text.charAt(at))) {
        at++;
      }
      return at - start > 18 ? null : Dim.of(Long.parseLong(text.substring(start, at)));
    }
    int start = at;
    while (at < text.length() && isName(text.charAt(at))) {
      at++;
    }
    if (at == start) {
      return null;
    }
    String name = text.substring(start, at);
    return peek('(') ? call(name) : Dim.symbol(name);
  }

  private Dim call(String name) {
    at++;
    Dim a = product();
    if (a == null) {
      return null;
    }
    switch (name) {
      case "floor" -> {
        if (!peek('/')) {
          a = rest(a);
          if (a == null || !peek('/')) {
            return a == null ? null : closing(a);
          }
        }
        at++;
        return closing(quotient(a, atom()));
      }
      case "mod", "max", "min" -> {
        a = rest(a);
        if (a == null || !peek(',')) {
          return null;
        }
        at++;
        Dim b = sum();
        if (b == null || name.equals("mod") && b.is(0)) {
          return null;
        }
        return closing(switch (name) {
          case "mod" -> a.mod(b);
          case "max" -> a.max(b);
          default -> a.min(b);
        });
      }
      default -> {
        return null;
      }
    }
  }

  /** The remaining summands after a first product. */
  private Dim rest(Dim first) {
    Dim d = first;
    while (d != null && (peek('+') || peek('-'))) {
      boolean minus = text.charAt(at++) == '-';
      Dim next = product();
      d = next == null ? null : minus ? d.minus(next) : d.plus(next);
    }
    return d;
  }

  private static Dim quotient(Dim a, Dim b) {
    return a == null || b == null || b.is(0) ? null : a.floorDiv(b);
  }

  private Dim closing(Dim d) {
    if (d == null || !peek(')')) {
      return null;
    }
    at++;
    return d;
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
