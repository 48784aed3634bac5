package dev.tenon.frontend.torchscript;

import dev.tenon.ir.diag.BadInputException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The syntax of serialized TorchScript, as data. */
final class Ast {
  private Ast() {
  }

  /** Where something begins: its line, counted from 1, and its offset in the file, counted from 0. */
  record Position(int line, int offset) {
  }

  /**
   * One file.
   *
   * @param entry its name in the archive
   * @param classes by name, in order
   * @param functions by name, in order
   */
  record Unit(String entry, Map<String, ClassDef> classes, Map<String, FunctionDef> functions) {
  }

  /** What a class derives from. */
  enum ClassKind { MODULE, CLASS, NAMED_TUPLE, ENUM, INTERFACE }

  /**
   * A class.
   *
   * @param fields typed attributes, constants ({@code Final}) and members of enums, in order
   * @param parameters the names in {@code __parameters__}
   * @param buffers the names in {@code __buffers__}
   */
  record ClassDef(String name, ClassKind kind, List<Field> fields, Map<String, FunctionDef> methods, List<String> parameters,
      List<String> buffers, Position at) {

    Field field(String named) {
      for (Field f : fields) {
        if (f.name.equals(named)) {
          return f;
        }
      }
      return null;
    }
  }

  /** {@code name : type = value}; members of an enum have no type, most attributes no value. */
  record Field(String name, TypeRef type, Expr value) {
  }

  record FunctionDef(String name, List<Param> params, TypeRef returns, List<Stmt> body, Position at) {
  }

  /** A parameter; the type is null where none is printed ({@code self} of an interface), the default where there is none. */
  record Param(String name, TypeRef type, Expr defaultValue) {
  }

  /** A type: {@code Dict[str, Tensor]} has the name {@code Dict} and two arguments. */
  record TypeRef(String name, List<TypeRef> args) {

    boolean is(String other) {
      return name.equals(other);
    }

    @Override
    public String toString() {
      return args.isEmpty() ? name : name + "[" + String.join(", ", args.stream().map(TypeRef::toString).toList()) + "]";
    }
  }

  // ---- statements ----

  sealed interface Stmt permits Assign, ExprStmt, If, While, For, With, Return, Raise, Assert, Pass, NestedDef {
    Position at();
  }

  /**
   * An assignment.
   *
   * @param targets names, attributes or subscripts
   * @param unpack whether the value is a tuple to be taken apart; else there is one target
   * @param declared the type of {@code x : T = v}, or null
   */
  record Assign(Position at, List<Expr> targets, boolean unpack, TypeRef declared, Expr value) implements Stmt {
  }

  record ExprStmt(Position at, Expr value) implements Stmt {
  }

  record If(Position at, Expr condition, List<Stmt> then, List<Stmt> otherwise) implements Stmt {
  }

  record While(Position at, Expr condition, List<Stmt> body) implements Stmt {
  }

  record For(Position at, Expr target, Expr iterable, List<Stmt> body) implements Stmt {
  }

  /** A {@code with}; the target is null without {@code as}. */
  record With(Position at, Expr context, Expr target, List<Stmt> body) implements Stmt {
  }

  /** A {@code return}; the value is null if there is none. */
  record Return(Position at, Expr value) implements Stmt {
  }

  record Raise(Position at, Expr value) implements Stmt {
  }

  /** An {@code assert}; the message may be null. */
  record Assert(Position at, Expr condition, Expr message) implements Stmt {
  }

  record Pass(Position at) implements Stmt {
  }

  record NestedDef(Position at, FunctionDef function) implements Stmt {
  }

  // ---- expressions ----

  sealed interface Expr permits IntLit, FloatLit, ImaginaryLit, BoolLit, StrLit, NoneLit, EllipsisLit, Name, Attr, Call, Subscript, Slice, ListLit,
      TupleLit, DictLit, Unary, Binary, Ternary, Lambda {
  }

  record IntLit(long value) implements Expr {
  }

  record FloatLit(double value) implements Expr {
  }

  record ImaginaryLit(double value) implements Expr {
  }

  record BoolLit(boolean value) implements Expr {
  }

  record StrLit(String value) implements Expr {
  }

  record NoneLit() implements Expr {
  }

  record EllipsisLit() implements Expr {
  }

  record Name(String id) implements Expr {
  }

  record Attr(Expr object, String name) implements Expr {
  }

  record Call(Position at, Expr callee, List<Expr> args, List<Keyword> keywords) implements Expr {
  }

  record Keyword(String name, Expr value) {
  }

  record Subscript(Expr object, Expr index) implements Expr {
  }

  /** {@code lower:upper:step} in a subscript; each may be null. */
  record Slice(Expr lower, Expr upper, Expr step) implements Expr {
  }

  record ListLit(List<Expr> elements) implements Expr {
  }

  record TupleLit(List<Expr> elements) implements Expr {
  }

  record DictLit(List<Expr> keys, List<Expr> values) implements Expr {
  }

  /** An operator {@code -}, {@code +}, {@code ~} or {@code not} before its operand. */
  record Unary(String operator, Expr operand) implements Expr {
  }

  /** An arithmetic, bitwise, comparison ({@code is not} and {@code not in} too) or boolean operator. */
  record Binary(String operator, Expr left, Expr right) implements Expr {
  }

  record Ternary(Expr condition, Expr then, Expr otherwise) implements Expr {
  }

  record Lambda(List<String> params, Expr body) implements Expr {
  }

  // ---- names and types from expressions ----

  /** {@code a.b.c} of names and attributes, or null for any other expression. */
  static String dotted(Expr e) {
    if (e instanceof Name n) {
      return n.id;
    }
    if (e instanceof Attr a) {
      String object = dotted(a.object);
      return object == null ? null : object + "." + a.name;
    }
    return null;
  }

  /**
   * The type that an expression spells, or null if it spells none. A tuple of types, as {@code isinstance} takes, is a type named
   * {@code Union}.
   */
  static TypeRef type(Expr e) {
    if (e instanceof NoneLit) {
      return new TypeRef("NoneType", List.of());
    }
    if (e instanceof TupleLit t) {
      return withArguments("Union", t.elements);
    }
    if (e instanceof ListLit l) {
      return withArguments("Union", l.elements);
    }
    if (e instanceof Subscript s) {
      String name = dotted(s.object);
      return name == null ? null : withArguments(name, s.index instanceof TupleLit t ? t.elements : List.of(s.index));
    }
    String name = dotted(e);
    return name == null ? null : new TypeRef(name, List.of());
  }

  private static TypeRef withArguments(String name, List<Expr> spelled) {
    List<TypeRef> args = new ArrayList<>();
    for (Expr e : spelled) {
      TypeRef arg = type(e);
      if (arg == null) {
        return null;
      }
      args.add(arg);
    }
    return new TypeRef(name, List.copyOf(args));
  }

  /** Names a place in an archive's code for errors. */
  static BadInputException error(Object archive, String entry, Position at, String found, String expected) {
    return BadInputException.of(archive, entry + ":" + at.line, found, expected);
  }
}
