package dev.tenon.frontend.torchscript;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Parses expressions and types, which are expressions of a special form, by precedence climbing. */
final class ExpressionParser {
  private static final Map<String, Integer> PRECEDENCE = Map.ofEntries(Map.entry("|", 1), Map.entry("^", 2), Map.entry("&", 3),
      Map.entry("<<", 4), Map.entry(">>", 4), Map.entry("+", 5), Map.entry("-", 5), Map.entry("*", 6), Map.entry("/", 6),
      Map.entry("//", 6), Map.entry("%", 6), Map.entry("@", 6));
  private static final Set<String> COMPARISONS = Set.of("<", "<=", ">", ">=", "==", "!=");
  /** Words that cannot be names. */
  private static final Set<String> KEYWORDS = Set.of("and", "as", "assert", "break", "class", "continue", "def", "del", "elif", "else", "except",
      "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "raise", "return", "try", "while",
      "with", "yield");

  private final Tokens tokens;

  ExpressionParser(Tokens tokens) {
    this.tokens = tokens;
  }

  /** One expression, or several with commas, which make a tuple. */
  Ast.Expr expressionList() {
    Ast.Expr first = expression();
    return tokens.atOperator(",") ? tuple(first, false) : first;
  }

  /** The targets of a {@code for}: {@code in} does not belong to them. */
  Ast.Expr targetList() {
    Ast.Expr first = primary();
    return tokens.atOperator(",") ? tuple(first, true) : first;
  }

  private Ast.Expr tuple(Ast.Expr first, boolean ofTargets) {
    List<Ast.Expr> elements = new ArrayList<>();
    elements.add(first);
    while (tokens.accept(",")) {
      if (!startsExpression()) {
        break;
      }
      elements.add(ofTargets ? primary() : expression());
    }
    return new Ast.TupleLit(elements);
  }

  private boolean startsExpression() {
    Token t = tokens.current();
    return switch (t.kind()) {
      case NAME -> !KEYWORDS.contains(t.text()) || t.isName("not") || t.isName("lambda");
      case INTEGER, FLOAT, IMAGINARY, STRING -> true;
      case OPERATOR -> Set.of("(", "[", "{", "-", "+", "~", "...").contains(t.text());
      default -> false;
    };
  }

  /** A type, where the grammar wants one. */
  Ast.TypeRef type() {
    Token at = tokens.current();
    Ast.TypeRef type = Ast.type(expression());
    if (type == null) {
      throw tokens.error(at, at.describe(), "a type");
    }
    return type;
  }

  Ast.Expr expression() {
    tokens.enter();
    Ast.Expr e = tokens.atName("lambda") ? lambda() : ternary();
    tokens.leave();
    return e;
  }

  private Ast.Expr lambda() {
    tokens.advance();
    List<String> params = new ArrayList<>();
    while (!tokens.accept(":")) {
      params.add(tokens.expectName("the name of a parameter"));
      if (!tokens.atOperator(":")) {
        tokens.expect(",");
      }
    }
    return new Ast.Lambda(params, expression());
  }

  private Ast.Expr ternary() {
    Ast.Expr value = or();
    if (!tokens.acceptName("if")) {
      return value;
    }
    Ast.Expr condition = or();
    if (!tokens.acceptName("else")) {
      throw tokens.unexpected("'else'");
    }
    return new Ast.Ternary(condition, value, expression());
  }

  private Ast.Expr or() {
    Ast.Expr left = and();
    int chained = 0;
    for (; tokens.acceptName("or"); chained++) {
      tokens.enter();
      left = new Ast.Binary("or", left, and());
    }
    return leave(chained, left);
  }

  private Ast.Expr and() {
    Ast.Expr left = not();
    int chained = 0;
    for (; tokens.acceptName("and"); chained++) {
      tokens.enter();
      left = new Ast.Binary("and", left, not());
    }
    return leave(chained, left);
  }

  private Ast.Expr not() {
    if (!tokens.atName("not")) {
      return comparison();
    }
    tokens.enter();
    tokens.advance();
    Ast.Expr e = new Ast.Unary("not", not());
    tokens.leave();
    return e;
  }

  private Ast.Expr comparison() {
    Ast.Expr left = binary(1);
    String operator = comparisonOperator();
    if (operator == null) {
      return left;
    }
    Ast.Expr e = new Ast.Binary(operator, left, binary(1));
    if (comparisonOperator() != null) {
      throw tokens.unexpected("an end of the comparison, which TorchScript does not chain");
    }
    return e;
  }

  /** Passes a comparison operator; null if there is none. */
  private String comparisonOperator() {
    Token t = tokens.current();
    if (t.kind() == Token.Kind.OPERATOR && COMPARISONS.contains(t.text())) {
      return tokens.advance().text();
    }
    if (tokens.acceptName("is")) {
      return tokens.acceptName("not") ? "is not" : "is";
    }
    if (tokens.acceptName("in")) {
      return "in";
    }
    if (tokens.acceptName("not")) {
      if (!tokens.acceptName("in")) {
        throw tokens.unexpected("'in'");
      }
      return "not in";
    }
    return null;
  }

  private Ast.Expr binary(int atLeast) {
    Ast.Expr left = unary();
    int chained = 0;
    for (; tokens.kind() == Token.Kind.OPERATOR; chained++) {
      Integer precedence = PRECEDENCE.get(tokens.current().text());
      if (precedence == null || precedence < atLeast) {
        break;
      }
      tokens.enter();
      String operator = tokens.advance().text();
      left = new Ast.Binary(operator, left, binary(precedence + 1));
    }
    return leave(chained, left);
  }

  private Ast.Expr unary() {
    Token t = tokens.current();
    if (!t.isOperator("-") && !t.isOperator("+") && !t.isOperator("~")) {
      return power();
    }
    tokens.enter();
    tokens.advance();
    Ast.Expr e;
    if (t.isOperator("-") && tokens.kind() == Token.Kind.INTEGER && tokens.current().text().equals("9223372036854775808")) {
      // The only integer whose digits do not fit without their sign.
      tokens.advance();
      e = new Ast.IntLit(Long.MIN_VALUE);
    } else {
      e = signed(t.text(), unary());
    }
    tokens.leave();
    return e;
  }

  private static Ast.Expr signed(String operator, Ast.Expr operand) {
    if (operator.equals("-") && operand instanceof Ast.IntLit i) {
      return new Ast.IntLit(-i.value());
    }
    if (operator.equals("-") && operand instanceof Ast.FloatLit f) {
      return new Ast.FloatLit(-f.value());
    }
    return new Ast.Unary(operator, operand);
  }

  private Ast.Expr power() {
    Ast.Expr base = primary();
    if (!tokens.accept("**")) {
      return base;
    }
    tokens.enter();
    Ast.Expr e = new Ast.Binary("**", base, unary());
    tokens.leave();
    return e;
  }

  /** An atom with its attributes, calls and subscripts. */
  Ast.Expr primary() {
    Ast.Position at = tokens.position();
    Ast.Expr e = atom();
    int chained = 0;
    while (true) {
      if (tokens.accept(".")) {
        e = new Ast.Attr(e, tokens.expectName("the name of an attribute"));
      } else if (tokens.accept("(")) {
        e = call(at, e);
      } else if (tokens.accept("[")) {
        e = new Ast.Subscript(e, index());
      } else {
        break;
      }
      tokens.enter();
      chained++;
    }
    return leave(chained, e);
  }

  /** Ends a chain of operators, which becomes as deep a tree as nested brackets do and so counts as deep. */
  private Ast.Expr leave(int chained, Ast.Expr e) {
    for (int i = 0; i < chained; i++) {
      tokens.leave();
    }
    return e;
  }

  private Ast.Expr call(Ast.Position at, Ast.Expr callee) {
    List<Ast.Expr> args = new ArrayList<>();
    List<Ast.Keyword> keywords = new ArrayList<>();
    while (!tokens.accept(")")) {
      Token start = tokens.current();
      Ast.Expr e = expression();
      if (tokens.accept("=")) {
        if (!(e instanceof Ast.Name n)) {
          throw tokens.error(start, start.describe(), "the name of a keyword argument");
        }
        if (keywords.stream().anyMatch(k -> k.name().equals(n.id()))) {
          throw tokens.error(start, "a second argument '" + n.id() + "'", "one");
        }
        keywords.add(new Ast.Keyword(n.id(), expression()));
      } else if (keywords.isEmpty()) {
        args.add(e);
      } else {
        throw tokens.error(start, start.describe(), "a keyword argument");
      }
      if (!tokens.atOperator(")")) {
        tokens.expect(",");
      }
    }
    return new Ast.Call(at, callee, args, keywords);
  }

  private Ast.Expr index() {
    Ast.Expr first = slice();
    List<Ast.Expr> all = new ArrayList<>(List.of(first));
    boolean tuple = false;
    while (tokens.accept(",")) {
      tuple = true;
      if (!tokens.atOperator("]")) {
        all.add(slice());
      }
    }
    tokens.expect("]");
    return tuple ? new Ast.TupleLit(all) : first;
  }

  private Ast.Expr slice() {
    Ast.Expr lower = tokens.atOperator(":") ? null : expression();
    if (!tokens.accept(":")) {
      return lower;
    }
    Ast.Expr upper = bound();
    return new Ast.Slice(lower, upper, tokens.accept(":") ? bound() : null);
  }

  private Ast.Expr bound() {
    return tokens.atOperator(":") || tokens.atOperator("]") || tokens.atOperator(",") ? null : expression();
  }

  // ---- atoms ----

  private Ast.Expr atom() {
    Token t = tokens.current();
    switch (t.kind()) {
      case NAME:
        return name();
      case INTEGER:
        return integer();
      case FLOAT:
        tokens.advance();
        return new Ast.FloatLit(Double.parseDouble(t.text()));
      case IMAGINARY:
        tokens.advance();
        return new Ast.ImaginaryLit(Double.parseDouble(t.text()));
      case STRING:
        return string();
      case OPERATOR:
        return bracketed();
      default:
        throw tokens.unexpected("an expression");
    }
  }

  private Ast.Expr name() {
    Token t = tokens.current();
    if (KEYWORDS.contains(t.text())) {
      throw tokens.unexpected("an expression");
    }
    tokens.advance();
    return switch (t.text()) {
      case "True" -> new Ast.BoolLit(true);
      case "False" -> new Ast.BoolLit(false);
      case "None" -> new Ast.NoneLit();
      // PyTorch keeps these three from being names of variables.
      case "inf" -> new Ast.FloatLit(Double.POSITIVE_INFINITY);
      case "nan" -> new Ast.FloatLit(Double.NaN);
      case "infj" -> new Ast.ImaginaryLit(Double.POSITIVE_INFINITY);
      default -> new Ast.Name(t.text());
    };
  }

  private Ast.Expr integer() {
    Token t = tokens.advance();
    try {
      return new Ast.IntLit(Long.parseLong(t.text()));
    } catch (NumberFormatException tooLarge) {
      throw tokens.error(t, t.describe(), "an integer of 64 bits");
    }
  }

  /** One string, or several beside each other, which are one. */
  private Ast.Expr string() {
    StringBuilder b = new StringBuilder(tokens.advance().text());
    while (tokens.kind() == Token.Kind.STRING) {
      b.append(tokens.advance().text());
    }
    return new Ast.StrLit(b.toString());
  }

  private Ast.Expr bracketed() {
    if (tokens.accept("...")) {
      return new Ast.EllipsisLit();
    }
    if (tokens.accept("(")) {
      if (tokens.accept(")")) {
        return new Ast.TupleLit(List.of());
      }
      Ast.Expr e = expressionList();
      tokens.expect(")");
      return e;
    }
    if (tokens.accept("[")) {
      List<Ast.Expr> elements = new ArrayList<>();
      while (!tokens.accept("]")) {
        elements.add(expression());
        if (!tokens.atOperator("]")) {
          tokens.expect(",");
        }
      }
      return new Ast.ListLit(elements);
    }
    if (tokens.accept("{")) {
      return dict();
    }
    throw tokens.unexpected("an expression");
  }

  private Ast.Expr dict() {
    List<Ast.Expr> keys = new ArrayList<>();
    List<Ast.Expr> values = new ArrayList<>();
    while (!tokens.accept("}")) {
      keys.add(expression());
      tokens.expect(":");
      values.add(expression());
      if (!tokens.atOperator("}")) {
        tokens.expect(",");
      }
    }
    return new Ast.DictLit(keys, values);
  }
}
