package dev.tenon.frontend.torchscript;

import java.util.ArrayList;
import java.util.List;

/** Parses functions and the statements in them. */
final class StatementParser {
  private final Tokens tokens;
  private final ExpressionParser expressions;

  StatementParser(Tokens tokens, ExpressionParser expressions) {
    this.tokens = tokens;
    this.expressions = expressions;
  }

  // ---- functions ----

  Ast.FunctionDef functionDef() {
    Ast.Position at = tokens.position();
    tokens.advance();
    String name = tokens.expectName("the name of a function");
    tokens.expect("(");
    List<Ast.Param> params = new ArrayList<>();
    while (!tokens.accept(")")) {
      if (!tokens.accept("*")) {
        params.add(param(params));
      }
      if (!tokens.atOperator(")")) {
        tokens.expect(",");
      }
    }
    Ast.TypeRef returns = tokens.accept("->") ? expressions.type() : null;
    tokens.expect(":");
    return new Ast.FunctionDef(name, params, returns, block(), at);
  }

  private Ast.Param param(List<Ast.Param> before) {
    Token at = tokens.current();
    String name = tokens.expectName("the name of a parameter");
    if (before.stream().anyMatch(p -> p.name().equals(name))) {
      throw tokens.error(at, "a second parameter '" + name + "'", "one");
    }
    Ast.TypeRef type = tokens.accept(":") ? expressions.type() : null;
    return new Ast.Param(name, type, tokens.accept("=") ? expressions.expression() : null);
  }

  // ---- blocks ----

  /** The indented lines after a colon; what stands on the colon's own line may be one statement. */
  List<Ast.Stmt> block() {
    List<Ast.Stmt> statements = new ArrayList<>();
    if (tokens.kind() != Token.Kind.NEWLINE) {
      statements.add(statement());
      return statements;
    }
    eachInBlock(() -> statements.add(statement()));
    return statements;
  }

  void eachInBlock(Runnable parseOne) {
    tokens.expect(Token.Kind.NEWLINE, "the end of the line");
    tokens.expect(Token.Kind.INDENT, "an indented block");
    tokens.enter();
    while (!tokens.accept(Token.Kind.DEDENT)) {
      parseOne.run();
    }
    tokens.leave();
  }

  void endOfLine() {
    tokens.accept(";");
    tokens.expect(Token.Kind.NEWLINE, "the end of the line");
  }

  // ---- statements ----

  private Ast.Stmt statement() {
    Ast.Position at = tokens.position();
    if (tokens.kind() == Token.Kind.NAME) {
      switch (tokens.current().text()) {
        case "if":
          return ifStatement(at);
        case "while":
          return whileStatement(at);
        case "for":
          return forStatement(at);
        case "with":
          return withStatement(at);
        case "def":
          return new Ast.NestedDef(at, functionDef());
        default:
          break;
      }
    }
    Ast.Stmt simple = simple(at);
    endOfLine();
    return simple;
  }

  private Ast.Stmt ifStatement(Ast.Position at) {
    tokens.advance();
    Ast.Expr condition = expressions.expression();
    tokens.expect(":");
    List<Ast.Stmt> then = block();
    List<Ast.Stmt> otherwise = List.of();
    if (tokens.atName("elif")) {
      tokens.enter();
      otherwise = List.of(ifStatement(tokens.position()));
      tokens.leave();
    } else if (tokens.acceptName("else")) {
      tokens.expect(":");
      otherwise = block();
    }
    return new Ast.If(at, condition, then, otherwise);
  }

  private Ast.Stmt whileStatement(Ast.Position at) {
    tokens.advance();
    Ast.Expr condition = expressions.expression();
    tokens.expect(":");
    return new Ast.While(at, condition, block());
  }

  private Ast.Stmt forStatement(Ast.Position at) {
    tokens.advance();
    Ast.Expr target = expressions.targetList();
    if (!tokens.acceptName("in")) {
      throw tokens.unexpected("'in'");
    }
    Ast.Expr iterable = expressions.expressionList();
    tokens.expect(":");
    return new Ast.For(at, target, iterable, block());
  }

  private Ast.Stmt withStatement(Ast.Position at) {
    tokens.advance();
    Ast.Expr context = expressions.expression();
    Ast.Expr target = tokens.acceptName("as") ? expressions.primary() : null;
    tokens.expect(":");
    return new Ast.With(at, context, target, block());
  }

  private Ast.Stmt simple(Ast.Position at) {
    if (tokens.kind() == Token.Kind.NAME) {
      switch (tokens.current().text()) {
        case "pass":
          tokens.advance();
          return new Ast.Pass(at);
        case "return":
          tokens.advance();
          return new Ast.Return(at, tokens.kind() == Token.Kind.NEWLINE ? null : expressions.expressionList());
        case "raise":
          tokens.advance();
          return new Ast.Raise(at, expressions.expression());
        case "assert":
          tokens.advance();
          Ast.Expr condition = expressions.expression();
          return new Ast.Assert(at, condition, tokens.accept(",") ? expressions.expression() : null);
        default:
          break;
      }
    }
    return assignment(at);
  }

  private Ast.Stmt assignment(Ast.Position at) {
    Ast.Expr first = expressions.expressionList();
    if (tokens.accept(":")) {
      requireTarget(at, first);
      Ast.TypeRef type = expressions.type();
      tokens.expect("=");
      return new Ast.Assign(at, List.of(first), false, type, expressions.expressionList());
    }
    if (!tokens.accept("=")) {
      return new Ast.ExprStmt(at, first);
    }
    boolean unpack = first instanceof Ast.TupleLit;
    List<Ast.Expr> targets = first instanceof Ast.TupleLit t ? t.elements() : List.of(first);
    targets.forEach(t -> requireTarget(at, t));
    return new Ast.Assign(at, targets, unpack, null, expressions.expressionList());
  }

  private void requireTarget(Ast.Position at, Ast.Expr e) {
    if (!(e instanceof Ast.Name || e instanceof Ast.Attr || e instanceof Ast.Subscript)) {
      throw tokens.error(at, "an assignment to an expression", "one to a name, an attribute or an element");
    }
  }
}
