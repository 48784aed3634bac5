package dev.tenon.frontend.torchscript;

import dev.tenon.ir.diag.BadInputException;

/** The token at hand, and what parsers ask of it; also counts how deep they are, because files are untrusted and stacks finite. */
final class Tokens {
  private static final int MAX_DEPTH = 100;

  private final Lexer lexer;
  private Token current;
  private int depth;

  Tokens(Lexer lexer) {
    this.lexer = lexer;
    this.current = lexer.next();
  }

  Token current() {
    return current;
  }

  Token.Kind kind() {
    return current.kind();
  }

  Ast.Position position() {
    return new Ast.Position(current.line(), current.offset());
  }

  /** Moves on, and gives the token passed. */
  Token advance() {
    Token t = current;
    current = lexer.next();
    return t;
  }

  boolean atOperator(String symbol) {
    return current.isOperator(symbol);
  }

  boolean atName(String word) {
    return current.isName(word);
  }

  /** Passes an operator if it is there. */
  boolean accept(String symbol) {
    boolean there = current.isOperator(symbol);
    if (there) {
      advance();
    }
    return there;
  }

  boolean acceptName(String word) {
    boolean there = current.isName(word);
    if (there) {
      advance();
    }
    return there;
  }

  boolean accept(Token.Kind kind) {
    boolean there = current.kind() == kind;
    if (there) {
      advance();
    }
    return there;
  }

  void expect(String symbol) {
    if (!accept(symbol)) {
      throw unexpected("'" + symbol + "'");
    }
  }

  Token expect(Token.Kind kind, String what) {
    if (current.kind() != kind) {
      throw unexpected(what);
    }
    return advance();
  }

  String expectName(String what) {
    return expect(Token.Kind.NAME, what).text();
  }

  /** Goes one level deeper into nested syntax. */
  void enter() {
    depth++;
    if (depth > MAX_DEPTH) {
      throw error(current, "syntax nested more than " + MAX_DEPTH + " deep", "less");
    }
  }

  void leave() {
    depth--;
  }

  BadInputException unexpected(String expected) {
    return error(current, current.describe(), expected);
  }

  BadInputException error(Token at, String found, String expected) {
    return lexer.error(at.line(), found, expected);
  }

  BadInputException error(Ast.Position at, String found, String expected) {
    return lexer.error(at.line(), found, expected);
  }
}
