package dev.tenon.frontend.torchscript;

import dev.tenon.ir.diag.BadInputException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Parses a file of serialized TorchScript by recursive descent: definitions here, what is inside them in {@link StatementParser}
 * and {@link ExpressionParser}.
 */
final class Parser {
  private final String entry;
  private final Tokens tokens;
  private final ExpressionParser expressions;
  private final StatementParser statements;

  private Parser(Object archive, String entry, String text) {
    this.entry = entry;
    this.tokens = new Tokens(new Lexer(archive, entry, text));
    this.expressions = new ExpressionParser(tokens);
    this.statements = new StatementParser(tokens, expressions);
  }

  /**
   * Parses a whole file.
   *
   * @param archive names the archive in errors
   * @param entry the file's name inside it
   * @throws BadInputException naming the entry and line, if the text is not of the printed form
   */
  static Ast.Unit parse(Object archive, String entry, String text) {
    return new Parser(archive, entry, text).unit();
  }

  private Ast.Unit unit() {
    Map<String, Ast.ClassDef> classes = new LinkedHashMap<>();
    Map<String, Ast.FunctionDef> functions = new LinkedHashMap<>();
    while (tokens.kind() != Token.Kind.END) {
      Token at = tokens.current();
      if (at.isName("class")) {
        Ast.ClassDef c = classDef();
        once(at, c.name(), classes.put(c.name(), c) != null || functions.containsKey(c.name()));
      } else if (at.isName("def")) {
        Ast.FunctionDef f = statements.functionDef();
        once(at, f.name(), functions.put(f.name(), f) != null || classes.containsKey(f.name()));
      } else if (at.isName("import") || at.isName("op_version_set")) {
        // What old writers put first. All names in the code are qualified, so neither is needed.
        skipLine();
      } else {
        throw tokens.unexpected("a class, a function or an import");
      }
    }
    return new Ast.Unit(entry, classes, functions);
  }

  private void once(Token at, String name, boolean again) {
    if (again) {
      throw tokens.error(at, "a second definition of '" + name + "'", "one");
    }
  }

  private void skipLine() {
    while (tokens.kind() != Token.Kind.NEWLINE && tokens.kind() != Token.Kind.END) {
      tokens.advance();
    }
    tokens.accept(Token.Kind.NEWLINE);
  }

  private Ast.ClassDef classDef() {
    Ast.Position at = tokens.position();
    tokens.advance();
    String name = tokens.expectName("the name of a class");
    Ast.ClassKind kind = Ast.ClassKind.CLASS;
    if (tokens.accept("(")) {
      Token base = tokens.current();
      kind = kind(base, Ast.dotted(expressions.expression()));
      tokens.expect(")");
    }
    tokens.expect(":");
    ClassBody body = new ClassBody();
    statements.eachInBlock(() -> member(body));
    return new Ast.ClassDef(name, kind, List.copyOf(body.fields.values()), body.methods, body.parameters, body.buffers, at);
  }

  private Ast.ClassKind kind(Token at, String base) {
    if (base == null) {
      throw tokens.error(at, at.describe(), "the name of a base class");
    }
    return switch (base) {
      case "Module" -> Ast.ClassKind.MODULE;
      case "NamedTuple" -> Ast.ClassKind.NAMED_TUPLE;
      case "Enum" -> Ast.ClassKind.ENUM;
      case "Interface", "ModuleInterface" -> Ast.ClassKind.INTERFACE;
      default -> throw tokens.error(at, "the base class '" + base + "'", "Module, NamedTuple, Enum, Interface or ModuleInterface");
    };
  }

  /** A class in the making. */
  private static final class ClassBody {
    final Map<String, Ast.Field> fields = new LinkedHashMap<>();
    final Map<String, Ast.FunctionDef> methods = new LinkedHashMap<>();
    List<String> parameters = List.of();
    List<String> buffers = List.of();
  }

  private void member(ClassBody into) {
    Token at = tokens.current();
    if (at.isName("def")) {
      Ast.FunctionDef f = statements.functionDef();
      once(at, f.name(), into.methods.put(f.name(), f) != null);
      return;
    }
    Ast.Expr target = expressions.expression();
    if (target instanceof Ast.Subscript s && s.object() instanceof Ast.Name n && n.id().equals("__annotations__")
        && s.index() instanceof Ast.StrLit key) {
      tokens.expect("=");
      field(into, at, key.value(), expressions.type(), null);
    } else if (target instanceof Ast.Name n && tokens.accept(":")) {
      Ast.TypeRef type = expressions.type();
      field(into, at, n.id(), type, tokens.accept("=") ? expressions.expressionList() : null);
    } else if (target instanceof Ast.Name n && tokens.accept("=")) {
      plainMember(into, at, n.id(), expressions.expressionList());
    } else if (!(target instanceof Ast.Name n) || !n.id().equals("pass")) {
      throw tokens.error(at, at.describe(), "an attribute or a method");
    }
    statements.endOfLine();
  }

  private void plainMember(ClassBody into, Token at, String name, Ast.Expr value) {
    switch (name) {
      case "__parameters__" -> into.parameters = strings(at, value);
      case "__buffers__" -> into.buffers = strings(at, value);
      // Hooks are called by the code itself; the empty list of annotations only makes room for those that follow.
      case "__annotations__", "__forward_hooks__", "__forward_pre_hooks__" -> { }
      default -> field(into, at, name, null, value);
    }
  }

  private void field(ClassBody into, Token at, String name, Ast.TypeRef type, Ast.Expr value) {
    once(at, name, into.fields.put(name, new Ast.Field(name, type, value)) != null);
  }

  private List<String> strings(Token at, Ast.Expr list) {
    List<String> strings = new ArrayList<>();
    if (list instanceof Ast.ListLit l) {
      for (Ast.Expr e : l.elements()) {
        if (e instanceof Ast.StrLit s) {
          strings.add(s.value());
        }
      }
      if (strings.size() == l.elements().size()) {
        return strings;
      }
    }
    throw tokens.error(at, "another value of '" + at.text() + "'", "a list of strings");
  }
}
