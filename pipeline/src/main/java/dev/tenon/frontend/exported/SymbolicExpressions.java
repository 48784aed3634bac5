package dev.tenon.frontend.exported;

import dev.tenon.ir.Dim;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Reads the sizes of exported programs: SymPy's {@code srepr},
 * {@code Add(FloorDiv(Add(Symbol('s53', positive=True, integer=True), Integer(-3)), Integer(2)), Integer(1))}, and its plain form
 * {@code (s53 - 3)//2 + 1}, which older files have. A call that is no polynomial, rounding or extremum gives nothing: the size is not
 * known then, which is no error.
 */
final class SymbolicExpressions {
  /** Longer texts give nothing, so that a hostile file costs no time. */
  private static final int LONGEST = 20_000;
  private static final int DEEPEST = 40;

  private final String text;
  private int at;
  private int depth;

  private SymbolicExpressions(String text) {
    this.text = text;
  }

  /** The size or number that the expression stands for; empty if it is none that a {@link Dim} can be. */
  static Optional<Dim> parse(String text) {
    if (text.length() > LONGEST) {
      return Optional.empty();
    }
    SymbolicExpressions reader = new SymbolicExpressions(text);
    String infix = reader.expression();
    if (infix == null || !reader.atEnd()) {
      // Not srepr: perhaps plain.
      infix = text;
    }
    Dim d = Dim.parse(infix.isBlank() ? "?" : infix);
    // What the grammar of dimensions does not have comes back as a symbol with the whole text as its name, what is too long for a
    // dimension as an anonymous symbol.
    return d.symbols().stream().allMatch(s -> s.matches("[A-Za-z_][A-Za-z0-9_]*")) ? Optional.of(d) : Optional.empty();
  }

  private boolean atEnd() {
    skipSpace();
    return at == text.length();
  }

  /** The call at this place in infix form; null if it is not one of SymPy's that we know. */
  private String expression() {
    if (++depth > DEEPEST) {
      return null;
    }
    String infix = call();
    depth--;
    return infix;
  }

  private String call() {
    String name = identifier();
    if (name.isEmpty() || !accept('(')) {
      return null;
    }
    switch (name) {
      case "Symbol":
        return symbol();
      case "Integer":
        return number();
      case "Rational":
        return rational();
      default:
        List<String> arguments = arguments();
        return arguments == null ? null : infix(name, arguments);
    }
  }

  private static String infix(String name, List<String> a) {
    int n = a.size();
    return switch (name) {
      case "Add" -> n == 0 ? null : "(" + String.join(" + ", a) + ")";
      case "Mul" -> n == 0 ? null : "(" + String.join("*", a) + ")";
      case "Pow", "PowByNatural" -> n != 2 ? null : a.get(1).equals("(-1)") ? "(1/" + a.get(0) + ")" : a.get(0) + "**" + a.get(1);
      case "FloorDiv" -> n != 2 ? null : "floor(" + a.get(0) + "/" + a.get(1) + ")";
      case "CeilDiv" -> n != 2 ? null : "ceil(" + a.get(0) + "/" + a.get(1) + ")";
      case "Mod", "PythonMod" -> n != 2 ? null : "mod(" + a.get(0) + ", " + a.get(1) + ")";
      case "ModularIndexing" -> n != 3 ? null : "mod(floor(" + a.get(0) + "/" + a.get(1) + "), " + a.get(2) + ")";
      case "Max", "Min" -> n < 1 ? null : n == 1 ? a.get(0) : name.toLowerCase(java.util.Locale.ROOT) + "(" + String.join(", ", a) + ")";
      case "IntTrueDiv", "FloatTrueDiv" -> n != 2 ? null : "(" + a.get(0) + "/" + a.get(1) + ")";
      case "floor", "FloorToInt" -> n != 1 ? null : "floor(" + a.get(0) + ")";
      case "ceiling", "CeilToInt" -> n != 1 ? null : "ceil(" + a.get(0) + ")";
      case "Identity", "ToFloat" -> n != 1 ? null : a.get(0);
      default -> null;
    };
  }

  /** {@code Symbol('s53', positive=True)}: the name alone counts. */
  private String symbol() {
    skipSpace();
    if (at >= text.length() || text.charAt(at) != '\'' && text.charAt(at) != '"') {
      return null;
    }
    char quote = text.charAt(at);
    int end = text.indexOf(quote, at + 1);
    if (end < 0) {
      return null;
    }
    String name = text.substring(at + 1, end);
    int close = text.indexOf(')', end);
    if (close < 0 || !name.matches("[A-Za-z_][A-Za-z0-9_]*")) {
      return null;
    }
    at = close + 1;
    return name;
  }

  private String number() {
    String digits = signed();
    return digits == null || !accept(')') ? null : digits;
  }

  private String rational() {
    String over = signed();
    if (over == null || !accept(',')) {
      return null;
    }
    String under = signed();
    return under == null || !accept(')') ? null : "(" + over + "/" + under + ")";
  }

  private String signed() {
    skipSpace();
    int start = at;
    if (at < text.length() && text.charAt(at) == '-') {
      at++;
    }
    while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
      at++;
    }
    String digits = text.substring(start, at);
    return digits.isEmpty() || digits.equals("-") ? null : digits.startsWith("-") ? "(" + digits + ")" : digits;
  }

  private List<String> arguments() {
    List<String> all = new ArrayList<>();
    while (!accept(')')) {
      String one = expression();
      if (one == null) {
        return null;
      }
      all.add(one);
      if (!accept(',')) {
        return accept(')') ? all : null;
      }
    }
    return all;
  }

  private String identifier() {
    skipSpace();
    int start = at;
    while (at < text.length() && (Character.isLetterOrDigit(text.charAt(at)) || text.charAt(at) == '_')) {
      at++;
    }
    return text.substring(start, at);
  }

  private boolean accept(char c) {
    skipSpace();
    if (at < text.length() && text.charAt(at) == c) {
      at++;
      return true;
    }
    return false;
  }

  private void skipSpace() {
    while (at < text.length() && text.charAt(at) == ' ') {
      at++;
    }
  }
}
