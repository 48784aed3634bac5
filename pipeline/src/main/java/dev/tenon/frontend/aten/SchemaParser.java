package dev.tenon.frontend.aten;

import java.util.ArrayList;
import java.util.List;

/** Reads the text form of a {@link Schema}, as PyTorch prints it. */
final class SchemaParser {
  private final String text;
  private int at;

  private SchemaParser(String text) {
    this.text = text;
  }

  /**
   * Parses {@code aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor}.
   *
   * @throws IllegalArgumentException if the text is no schema
   */
  static Schema parse(String text) {
    return new SchemaParser(text).schema();
  }

  private Schema schema() {
    int open = text.indexOf('(');
    String qualified = text.substring(0, open);
    int dot = qualified.indexOf('.', qualified.indexOf("::"));
    String name = dot < 0 ? qualified : qualified.substring(0, dot);
    String overload = dot < 0 ? "" : qualified.substring(dot + 1);
    at = open + 1;
    List<Schema.Parameter> parameters = new ArrayList<>();
    boolean keywordOnly = false;
    while (!accept(")")) {
      if (accept("*")) {
        keywordOnly = true;
      } else {
        parameters.add(parameter(keywordOnly));
      }
      accept(",");
    }
    expect("->");
    List<Schema.Result> results = new ArrayList<>();
    if (accept("(")) {
      while (!accept(")")) {
        results.add(result());
        accept(",");
      }
    } else {
      results.add(result());
    }
    return new Schema(name, overload, parameters, results);
  }

  private Schema.Parameter parameter(boolean keywordOnly) {
    Annotated type = type();
    String name = identifier();
    TorchValue byDefault = accept("=") ? literal(type.type) : null;
    return new Schema.Parameter(name, type.type, keywordOnly, byDefault, type.alias, type.mutated);
  }

  private Schema.Result result() {
    Annotated type = type();
    skipSpace();
    String name = at < text.length() && Character.isJavaIdentifierStart(text.charAt(at)) ? identifier() : "";
    return new Schema.Result(name, type.type, type.alias, type.mutated);
  }

  private record Annotated(SchemaType type, String alias, boolean mutated) {}

  private Annotated type() {
    String base = identifier();
    while (accept(".")) {
      base += "." + identifier();
    }
    if (base.startsWith("__torch__") || base.equals("Dict") || base.equals("Future") || base.equals("RRef") || base.equals("Await")) {
      skipParentheses();
    }
    String alias = "";
    boolean mutated = false;
    // (a), (a!), (a -> *), (b|a); tuples as types are only skipped.
    if (peek("(")) {
      int close = text.indexOf(')', at);
      String inside = text.substring(text.indexOf('(', at) + 1, close);
      at = close + 1;
      mutated = inside.contains("!");
      alias = inside.replaceAll("[! ].*", "").replaceAll("^.*\\|", "");
    }
    boolean optionalElements = false;
    boolean optional = false;
    int list = 0;
    int size = 0;
    while (true) {
      if (accept("?")) {
        optional = true;
      } else if (accept("[")) {
        optionalElements = optional;
        optional = false;
        list++;
        skipSpace();
        if (Character.isDigit(text.charAt(at))) {
          size = Integer.parseInt(token());
        }
        expect("]");
        if (peek("(")) {
          at = text.indexOf(')', at) + 1;
        }
      } else {
        break;
      }
    }
    String plain = switch (base) {
      case "SymInt" -> "int";
      case "SymFloat" -> "float";
      case "SymBool" -> "bool";
      default -> base;
    };
    return new Annotated(new SchemaType(plain, list, size, optional, optionalElements), alias, mutated);
  }

  private void skipParentheses() {
    if (!peek("(")) {
      return;
    }
    int depth = 0;
    do {
      char c = text.charAt(at++);
      depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    } while (depth > 0);
  }

  private TorchValue literal(SchemaType type) {
    skipSpace();
    if (accept("[")) {
      List<TorchValue> elements = new ArrayList<>();
      while (!accept("]")) {
        elements.add(literal(type.list() > 0 ? type.element() : type));
        accept(",");
      }
      return new TorchList(elements);
    }
    if (text.charAt(at) == '"') {
      int end = text.indexOf('"', at + 1);
      String s = text.substring(at + 1, end).replace("\\v", "\\013").translateEscapes();
      at = end + 1;
      return new TorchString(s);
    }
    String token = token();
    TorchValue v = switch (token) {
      case "None" -> TorchNone.NONE;
      case "True" -> TorchScalar.of(true);
      case "False" -> TorchScalar.of(false);
      default -> token.matches("-?\\d+") && !type.base().equals("float") ? TorchScalar.of(Long.parseLong(token))
          : token.matches("-?[\\d.]+(e[-+]?\\d+)?") ? TorchScalar.of(Double.parseDouble(token)) : new TorchString(token);
    };
    return v;
  }

  private String token() {
    skipSpace();
    int start = at;
    while (at < text.length() && ",)]".indexOf(text.charAt(at)) < 0) {
      at++;
    }
    return text.substring(start, at).trim();
  }

  private String identifier() {
    skipSpace();
    int start = at;
    while (at < text.length() && Character.isJavaIdentifierPart(text.charAt(at))) {
      at++;
    }
    if (start == at) {
      throw new IllegalArgumentException("no schema, a name is missing at " + at + ": " + text);
    }
    return text.substring(start, at);
  }

  private void skipSpace() {
    while (at < text.length() && text.charAt(at) == ' ') {
      at++;
    }
  }

  private boolean peek(String token) {
    return text.startsWith(token, at);
  }

  private boolean accept(String token) {
    skipSpace();
    if (text.startsWith(token, at)) {
      at += token.length();
      return true;
    }
    return false;
  }

  private void expect(String token) {
    if (!accept(token)) {
      throw new IllegalArgumentException("no schema, '" + token + "' is missing at " + at + ": " + text);
    }
  }
}
