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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Evaluates calls: of methods, functions and classes of the archive, of operators, and of the forms that take types. */
final class Calls {
  private final Interpreter in;
  private final Evaluator evaluator;
  private final Operators operators;

  Calls(Interpreter in, Evaluator evaluator, Operators operators) {
    this.in = in;
    this.evaluator = evaluator;
    this.operators = operators;
  }

  TorchValue call(Ast.Call c, Frame frame, int results) {
    String global = Evaluator.global(c.callee(), frame);
    if (global == null) {
      return ofValue(c, frame);
    }
    if (global.startsWith("__torch__.")) {
      return ofArchive(global, c, frame);
    }
    TorchValue special = special(global, c, frame);
    if (special != null) {
      return special;
    }
    return operators.call(in, qualified(global), evaluator.all(c.args(), frame), keywords(c, frame), c.at(), results);
  }

  private Map<String, TorchValue> keywords(Ast.Call c, Frame frame) {
    if (c.keywords().isEmpty()) {
      return Map.of();
    }
    Map<String, TorchValue> named = new LinkedHashMap<>();
    for (Ast.Keyword k : c.keywords()) {
      named.put(k.name(), evaluator.evaluate(k.value(), frame));
    }
    return named;
  }

  /** {@code torch.add} is {@code aten::add}, {@code ops.prim.dtype} is {@code prim::dtype}, {@code int} is {@code builtin::int}. */
  private String qualified(String global) {
    if (global.startsWith("torch.")) {
      return "aten::" + global.substring("torch.".length()).replace('.', '_');
    }
    if (global.startsWith("ops.")) {
      String rest = global.substring("ops.".length());
      int dot = rest.lastIndexOf('.');
      if (dot > 0) {
        return rest.substring(0, dot).replace(".", "::") + "::" + rest.substring(dot + 1);
      }
    }
    if (global.indexOf('.') < 0) {
      return operators.isBuiltin("builtin::" + global) ? "builtin::" + global : "prim::" + global;
    }
    throw in.bad("a call of '" + global + "'", "a function of torch, of ops, or of the archive");
  }

  // ---- forms that take types or are otherwise special ----

  /** What the forms that are no functions give; null for other names. */
  private TorchValue special(String name, Ast.Call c, Frame frame) {
    return switch (name) {
      case "annotate", "torch.jit.annotate" -> annotate(c, frame);
      case "unchecked_cast" -> evaluator.evaluate(arg(c, 1), frame);
      case "uninitialized" -> Values.Uninitialized.VALUE;
      case "isinstance" -> TorchScalar.of(isInstance(evaluator.evaluate(arg(c, 0), frame), type(c, 1)));
      case "getattr" -> evaluator.attribute(evaluator.evaluate(arg(c, 0), frame), name(c));
      case "hasattr" -> TorchScalar.of(evaluator.evaluate(arg(c, 0), frame) instanceof Instance i && i.attributes().containsKey(name(c)));
      case "fork" -> fork(c, frame);
      case "complex" -> complex(evaluator.all(c.args(), frame));
      case "torch.device" -> evaluator.evaluate(arg(c, 0), frame);
      default -> null;
    };
  }

  private Ast.Expr arg(Ast.Call c, int i) {
    if (i >= c.args().size()) {
      throw in.bad(c.args().size() + " arguments", "more");
    }
    return c.args().get(i);
  }

  private String name(Ast.Call c) {
    if (arg(c, 1) instanceof Ast.StrLit s) {
      return s.value();
    }
    throw in.bad("another argument", "the name of an attribute in quotes");
  }

  private Ast.TypeRef type(Ast.Call c, int i) {
    Ast.TypeRef t = Ast.type(arg(c, i));
    if (t == null) {
      throw in.bad("another argument", "a type");
    }
    return t;
  }

  /** Mostly a hint to the compiler, but also how the implicit conversion of a tensor to a number is printed. */
  private TorchValue annotate(Ast.Call c, Frame frame) {
    Ast.TypeRef type = type(c, 0);
    TorchValue v = evaluator.evaluate(arg(c, 1), frame);
    if (v instanceof TorchTensor) {
      switch (type.name()) {
        case "int", "float", "number" -> {
          operators.place(in, c.at(), "item");
          in.demands().look(type.is("int") ? "aten::IntImplicit" : "", List.of(v));
          TorchScalar s = in.scalars().natural((TorchTensor) v);
          return type.is("number") ? s : in.numbers().to(type.is("int") ? Kind.INT : Kind.FLOAT, s);
        }
        default -> {
          return v;
        }
      }
    }
    return v;
  }

  private TorchValue fork(Ast.Call c, Frame frame) {
    TorchValue f = evaluator.evaluate(arg(c, 0), frame);
    List<TorchValue> args = evaluator.all(c.args().subList(1, c.args().size()), frame);
    return new Values.Future(call(f, args, keywords(c, frame), c.at()));
  }

  private static TorchValue complex(List<TorchValue> parts) {
    double real = parts.size() > 0 && parts.get(0) instanceof TorchScalar r ? r.toDouble() : 0;
    return new Values.Complex(real, parts.size() > 1 && parts.get(1) instanceof TorchScalar i ? i.toDouble() : 0);
  }

  /** If a value is of a type; only the kinds of lists' elements are looked at, not all of them. */
  private boolean isInstance(TorchValue v, Ast.TypeRef type) {
    return switch (type.name()) {
      case "Any" -> true;
      case "Union" -> type.args().stream().anyMatch(t -> isInstance(v, t));
      case "Optional" -> v == TorchNone.NONE || type.args().stream().anyMatch(t -> isInstance(v, t));
      case "NoneType" -> v == TorchNone.NONE;
      case "Tensor" -> v instanceof TorchTensor;
      case "int" -> v instanceof TorchScalar s && s.kind() == Kind.INT;
      case "float" -> v instanceof TorchScalar s && s.kind() == Kind.FLOAT;
      case "bool" -> v instanceof TorchScalar s && s.kind() == Kind.BOOL;
      case "number", "Scalar" -> v instanceof TorchScalar || v instanceof Values.Complex;
      case "complex" -> v instanceof Values.Complex;
      case "str", "Device" -> v instanceof TorchString;
      case "List", "list" -> v instanceof TorchList l && (type.args().isEmpty() || l.elements().stream().allMatch(e -> isInstance(e, type.args().get(0))));
      case "Tuple", "tuple" -> v instanceof TorchTuple t && (type.args().isEmpty() || matches(t.elements(), type.args()));
      case "Dict", "dict" -> v instanceof TorchDict;
      default -> v instanceof Instance i && i.type().name().equals(type.name())
          || v instanceof Values.NamedTuple t && t.type().name().equals(type.name())
          || v instanceof Values.EnumMember m && m.type().name().equals(type.name());
    };
  }

  private boolean matches(List<TorchValue> elements, List<Ast.TypeRef> types) {
    if (elements.size() != types.size()) {
      return false;
    }
    for (int i = 0; i < types.size(); i++) {
      if (!isInstance(elements.get(i), types.get(i))) {
        return false;
      }
    }
    return true;
  }

  // ---- what the archive defines ----

  private TorchValue ofArchive(String name, Ast.Call c, Frame frame) {
    if (name.endsWith(".__new__")) {
      String of = name.substring(0, name.length() - ".__new__".length());
      CodeClass type = in.code().findClass(of);
      if (type == null) {
        throw in.bad("the class '" + of + "'", "one that the archive defines");
      }
      return new Instance(type, null);
    }
    TorchValue callee = evaluator.definition(name);
    if (callee == null) {
      throw in.bad("the function '" + name + "'", "one that the archive defines");
    }
    return call(callee, evaluator.all(c.args(), frame), keywords(c, frame), c.at());
  }

  private TorchValue ofValue(Ast.Call c, Frame frame) {
    if (!(c.callee() instanceof Ast.Attr a)) {
      return call(evaluator.evaluate(c.callee(), frame), evaluator.all(c.args(), frame), keywords(c, frame), c.at());
    }
    TorchValue object = evaluator.evaluate(a.object(), frame);
    if (object instanceof Instance || object instanceof Values.NamedTuple || object instanceof Values.Unknown) {
      return call(evaluator.attribute(object, a.name()), evaluator.all(c.args(), frame), keywords(c, frame), c.at());
    }
    // A method of a tensor, list, dict or string.
    List<TorchValue> args = new ArrayList<>(List.of(object));
    args.addAll(evaluator.all(c.args(), frame));
    String name = operators.isBuiltin("method::" + a.name()) ? "method::" + a.name() : "aten::" + a.name();
    return operators.call(in, name, args, keywords(c, frame), c.at(), 1);
  }

  /** Calls a function, closure or class. */
  private TorchValue call(TorchValue callee, List<TorchValue> args, Map<String, TorchValue> named, Ast.Position at) {
    if (callee instanceof Values.Callable f) {
      return in.call(f, args, named, at);
    } else if (callee instanceof Values.Closure f) {
      return in.call(f, args, at);
    } else if (callee instanceof Values.ClassValue k) {
      return construct(k.type(), args, named, at);
    } else if (callee instanceof Values.Unknown) {
      return callee;
    }
    throw in.bad("a call of " + Values.describe(callee), "of a function");
  }

  private TorchValue construct(CodeClass type, List<TorchValue> args, Map<String, TorchValue> named, Ast.Position at) {
    if (type.def().kind() == Ast.ClassKind.NAMED_TUPLE) {
      List<TorchValue> elements = new ArrayList<>(args);
      List<Ast.Field> fields = type.def().fields();
      for (Ast.Field f : fields.subList(Math.min(args.size(), fields.size()), fields.size())) {
        TorchValue v = named.get(f.name());
        elements.add(v != null ? v : f.value() != null ? evaluator.evaluate(f.value(), in.frame()) : TorchNone.NONE);
      }
      return new Values.NamedTuple(type, elements);
    }
    Instance instance = new Instance(type, null);
    if (method(instance, "__init__") instanceof Values.Callable init) {
      in.call(init, args, named, at);
    }
    return instance;
  }

  /** A method bound to an instance, or null if its class has none of this name. */
  TorchValue method(Instance self, String name) {
    Ast.FunctionDef f = self.type().def().methods().get(name);
    return f == null ? null : new Values.Callable(self.type().unit(), f, self);
  }
}
