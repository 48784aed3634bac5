package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.aten.TorchDict;
import dev.tenon.frontend.aten.TorchList;
import dev.tenon.frontend.aten.TorchNone;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchScalar.Kind;
import dev.tenon.frontend.aten.TorchString;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchTuple;
import dev.tenon.frontend.aten.TorchValue;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Evaluates expressions. */
final class Evaluator {
  private static final Map<String, String> BINARY = Map.ofEntries(Map.entry("+", "add"), Map.entry("-", "sub"), Map.entry("*", "mul"),
      Map.entry("/", "div"), Map.entry("//", "floordiv"), Map.entry("%", "remainder"), Map.entry("**", "pow"), Map.entry("@", "matmul"),
      Map.entry("&", "__and__"), Map.entry("|", "__or__"), Map.entry("^", "__xor__"), Map.entry("<<", "__lshift__"),
      Map.entry(">>", "__rshift__"), Map.entry("==", "eq"), Map.entry("!=", "ne"), Map.entry("<", "lt"), Map.entry("<=", "le"),
      Map.entry(">", "gt"), Map.entry(">=", "ge"), Map.entry("is", "__is__"), Map.entry("is not", "__isnot__"));

  private final Interpreter in;
  private final Operators operators;
  private final Calls calls;

  Evaluator(Interpreter in, Operators operators) {
    this.in = in;
    this.operators = operators;
    this.calls = new Calls(in, this, operators);
  }

  TorchValue evaluate(Ast.Expr e, Frame frame) {
    return evaluate(e, frame, 1);
  }

  /**
   * Evaluates an expression.
   *
   * @param results how many results the code takes apart, for operators that nothing else is known of
   */
  TorchValue evaluate(Ast.Expr e, Frame frame, int results) {
    if (e instanceof Ast.Name n) {
      return variable(n, frame);
    } else if (e instanceof Ast.Call c) {
      return calls.call(c, frame, results);
    } else if (e instanceof Ast.Attr a) {
      return attribute(a, frame);
    } else if (e instanceof Ast.Subscript s) {
      return subscript(s, frame);
    } else if (e instanceof Ast.ListLit l) {
      return new TorchList(all(l.elements(), frame));
    } else if (e instanceof Ast.TupleLit t) {
      return new TorchTuple(all(t.elements(), frame));
    } else if (e instanceof Ast.DictLit d) {
      return dict(d, frame);
    } else if (e instanceof Ast.Unary u) {
      return unary(u, frame);
    } else if (e instanceof Ast.Binary b) {
      return binary(b, frame);
    } else if (e instanceof Ast.Ternary t) {
      return ternary(t, frame);
    }
    return literal(e);
  }

  List<TorchValue> all(List<Ast.Expr> expressions, Frame frame) {
    List<TorchValue> values = new ArrayList<>(expressions.size());
    for (Ast.Expr e : expressions) {
      values.add(evaluate(e, frame));
    }
    return values;
  }

  private TorchValue literal(Ast.Expr e) {
    if (e instanceof Ast.IntLit i) {
      return TorchScalar.of(i.value());
    } else if (e instanceof Ast.FloatLit f) {
      return TorchScalar.of(f.value());
    } else if (e instanceof Ast.BoolLit b) {
      return TorchScalar.of(b.value());
    } else if (e instanceof Ast.StrLit s) {
      return new TorchString(s.value());
    } else if (e instanceof Ast.NoneLit) {
      return TorchNone.NONE;
    } else if (e instanceof Ast.ImaginaryLit i) {
      return new Values.Complex(0, i.value());
    }
    throw in.bad("an expression of another kind", "one of TorchScript");
  }

  private TorchValue dict(Ast.DictLit d, Frame frame) {
    TorchDict dict = new TorchDict();
    for (int i = 0; i < d.keys().size(); i++) {
      dict.entries().put(evaluate(d.keys().get(i), frame), evaluate(d.values().get(i), frame));
    }
    return dict;
  }

  // ---- names and attributes ----

  private TorchValue variable(Ast.Name n, Frame frame) {
    TorchValue v = frame.find(n.id());
    if (v == null) {
      throw in.bad("the name '" + n.id() + "'", "a variable that has been assigned");
    }
    return v;
  }

  /** The dotted name of something global ({@code __torch__.f}, {@code CONSTANTS.c0}, {@code torch.add}); null for what begins with a variable. */
  static String global(Ast.Expr e, Frame frame) {
    String dotted = Ast.dotted(e);
    if (dotted == null) {
      return null;
    }
    int dot = dotted.indexOf('.');
    return frame.find(dot < 0 ? dotted : dotted.substring(0, dot)) == null ? dotted : null;
  }

  private TorchValue attribute(Ast.Attr a, Frame frame) {
    String global = global(a, frame);
    if (global != null) {
      return globalValue(global);
    }
    return attribute(evaluate(a.object(), frame), a.name());
  }

  private TorchValue globalValue(String name) {
    TorchValue v = null;
    if (name.startsWith("CONSTANTS.")) {
      v = in.modules().constant(name.substring("CONSTANTS.".length()));
    } else if (name.startsWith("__torch__.")) {
      v = definition(name);
      CodeClass type = v != null ? null : in.code().findClass(name.substring(0, name.lastIndexOf('.')));
      if (type != null) {
        v = enumMember(type, name.substring(name.lastIndexOf('.') + 1));
      }
    }
    if (v == null) {
      throw in.bad("the name '" + name + "'", "one that the archive defines");
    }
    return v;
  }

  /** A function or class of the archive, or null. */
  TorchValue definition(String qualified) {
    Ast.FunctionDef f = in.code().findFunction(qualified);
    if (f != null) {
      return new Values.Callable(in.code().unitOf(qualified), f, null);
    }
    CodeClass type = in.code().findClass(qualified);
    return type == null ? null : new Values.ClassValue(type);
  }

  private TorchValue enumMember(CodeClass type, String name) {
    Ast.Field f = type.def().field(name);
    return f == null || f.value() == null || type.def().kind() != Ast.ClassKind.ENUM ? null
        : new Values.EnumMember(type, name, evaluate(f.value(), in.frame()));
  }

  /** An attribute of an object. */
  TorchValue attribute(TorchValue object, String name) {
    if (object instanceof Values.Unknown) {
      return object;
    }
    TorchValue v = null;
    if (object instanceof Instance i) {
      v = i.attributes().get(name);
      Ast.Field f = v == null ? i.type().def().field(name) : null;
      if (f != null && f.value() != null) {
        v = evaluate(f.value(), in.frame());
      } else if (v == null) {
        v = calls.method(i, name);
      }
    } else if (object instanceof Values.NamedTuple t) {
      v = t.get(name);
    } else if (object instanceof Values.EnumMember m) {
      v = name.equals("name") ? new TorchString(m.name()) : name.equals("value") ? m.value() : null;
    } else if (object instanceof TorchTensor && operators.isBuiltin("prim::" + name)) {
      v = in.operator("prim::" + name, List.of(object));
    }
    if (v == null) {
      throw in.bad("no attribute '" + name + "' of " + Values.describe(object), "one");
    }
    return v;
  }

  private TorchValue subscript(Ast.Subscript s, Frame frame) {
    TorchValue object = evaluate(s.object(), frame);
    if (s.index() instanceof Ast.Slice slice) {
      List<TorchValue> args = new ArrayList<>(List.of(object));
      if (object instanceof TorchTensor) {
        args.add(TorchScalar.of(0));
      }
      args.add(slice.lower() == null ? TorchNone.NONE : evaluate(slice.lower(), frame));
      args.add(slice.upper() == null ? TorchNone.NONE : evaluate(slice.upper(), frame));
      args.add(slice.step() == null ? TorchScalar.of(1) : evaluate(slice.step(), frame));
      return in.operator("aten::slice", args);
    }
    return in.item(object, evaluate(s.index(), frame));
  }

  // ---- operators ----

  private TorchValue unary(Ast.Unary u, Frame frame) {
    TorchValue v = evaluate(u.operand(), frame);
    if (u.operator().equals("not")) {
      return in.operator("aten::__not__", List.of(truth(v)));
    }
    return u.operator().equals("+") ? v : in.operator(u.operator().equals("-") ? "aten::neg" : "aten::bitwise_not", List.of(v));
  }

  private TorchValue binary(Ast.Binary b, Frame frame) {
    if (b.operator().equals("and") || b.operator().equals("or")) {
      return shortCircuit(b, frame);
    }
    TorchValue left = evaluate(b.left(), frame);
    TorchValue right = evaluate(b.right(), frame);
    if (left instanceof Values.Complex || right instanceof Values.Complex) {
      return complex(b.operator(), left, right);
    }
    if (b.operator().endsWith("in")) {
      TorchValue contains = in.operator("aten::__contains__", List.of(right, left));
      return b.operator().equals("in") ? contains : in.operator("aten::__not__", List.of(contains));
    }
    return in.operator("aten::" + BINARY.get(b.operator()), List.of(left, right));
  }

  private TorchValue shortCircuit(Ast.Binary b, Frame frame) {
    boolean and = b.operator().equals("and");
    TorchValue left = truth(evaluate(b.left(), frame));
    if (!(left instanceof TorchScalar l) || l.isConstant() && l.toBoolean() != and) {
      return left;
    }
    TorchValue right = truth(evaluate(b.right(), frame));
    return right instanceof TorchScalar r ? in.numbers().logic(and, l, r) : right;
  }

  /** Literals only: {@code 2.+4.j}. */
  private TorchValue complex(String operator, TorchValue left, TorchValue right) {
    if (left instanceof TorchScalar r && r.isConstant() && right instanceof Values.Complex c && (operator.equals("+") || operator.equals("-"))) {
      return new Values.Complex(r.toDouble(), operator.equals("+") ? c.imaginary() : -c.imaginary());
    }
    return new Values.Unknown("arithmetic of complex numbers", false);
  }

  private TorchValue ternary(Ast.Ternary t, Frame frame) {
    TorchValue condition = truth(evaluate(t.condition(), frame));
    if (condition instanceof TorchScalar c && c.isConstant()) {
      return evaluate(c.toBoolean() ? t.then() : t.otherwise(), frame);
    }
    return in.branches().choose(condition, t, frame);
  }

  /** A condition as a bool, or an unknown value. */
  TorchValue truth(TorchValue v) {
    if (v instanceof TorchScalar s) {
      return in.numbers().to(Kind.BOOL, s);
    } else if (v instanceof TorchTensor t) {
      return in.numbers().to(Kind.BOOL, in.scalars().natural(t));
    } else if (v instanceof Values.Unknown) {
      return v;
    } else if (v instanceof Values.Uninitialized) {
      return new Values.Unknown("a variable without a value", false);
    }
    throw in.bad(Values.describe(v) + " as a condition", "a bool");
  }
}
