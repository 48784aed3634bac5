package dev.tenon.frontend.exported;

import dev.tenon.frontend.aten.LoweringException;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Value;
import java.util.List;
import java.util.Set;

/**
 * Python's arithmetic on sizes and other numbers, {@code _operator.mul}, {@code torch.sym_max}, {@code math.ceil}, and where the sizes
 * come from, {@code aten.sym_size}. What is known becomes a constant; the rest is computed in int64, float64 and bool.
 */
final class SymbolicOps {
  private static final Set<String> OF_TENSORS = Set.of("sym_size", "sym_numel", "sym_stride", "sym_storage_offset", "sym_is_contiguous");

  private SymbolicOps() {}

  static boolean handles(Targets target) {
    return target.namespace().equals("aten") ? OF_TENSORS.contains(target.name())
        : target.isFunction() && target.name().matches("(_operator|math|builtins|torch)\\.\\w+");
  }

  static TorchValue call(Onnx o, Targets target, List<TorchValue> arguments) {
    if (target.namespace().equals("aten")) {
      return ofTensor(o, target.name(), arguments);
    }
    if (arguments.isEmpty() || !arguments.stream().allMatch(a -> a instanceof TorchScalar)) {
      throw new LoweringException(target.name() + " of something that is no number");
    }
    List<TorchScalar> numbers = arguments.stream().map(a -> (TorchScalar) a).toList();
    String name = target.name().substring(target.name().indexOf('.') + 1);
    TorchValue result = switch (numbers.size()) {
      case 1 -> unary(o, name, numbers.get(0));
      case 2 -> binary(o, name, numbers.get(0), numbers.get(1));
      case 3 -> name.equals("sym_ite") ? choice(o, numbers.get(0), numbers.get(1), numbers.get(2)) : null;
      default -> null;
    };
    if (result == null && name.equals("sym_sum")) {
      result = numbers.stream().reduce(o::plus).get();
    }
    if (result == null) {
      throw new LoweringException("the Python function " + target.name() + " of " + numbers.size() + " numbers has no ONNX form yet");
    }
    return result;
  }

  // ---- sizes of tensors ----

  private static TorchValue ofTensor(Onnx o, String name, List<TorchValue> arguments) {
    if (arguments.isEmpty() || !(arguments.get(0) instanceof TorchTensor t)) {
      throw new LoweringException(name + " of something that is no tensor");
    }
    Value x = t.value();
    switch (name) {
      case "sym_size":
        return o.size(x, axis(arguments));
      case "sym_numel":
        return o.numel(x);
      case "sym_is_contiguous":
        return TorchScalar.of(true);
      case "sym_storage_offset":
        return TorchScalar.of(0);
      default:
        // Of a tensor in row-major order, which ONNX's all are.
        int axis = axis(arguments);
        TorchScalar stride = TorchScalar.of(1);
        for (int i = o.rank(x) - 1; i > (axis < 0 ? axis + o.rank(x) : axis); i--) {
          stride = o.times(stride, o.size(x, i));
        }
        return stride;
    }
  }

  private static int axis(List<TorchValue> arguments) {
    if (arguments.size() > 1 && arguments.get(1) instanceof TorchScalar s && s.isConstant()) {
      return Math.toIntExact(s.toLong());
    }
    throw new LoweringException("the size of a dimension that is not known");
  }

  // ---- one number ----

  private static TorchScalar unary(Onnx o, String name, TorchScalar a) {
    boolean isInt = a.kind() != TorchScalar.Kind.FLOAT;
    return switch (name) {
      case "neg" -> isInt ? o.minus(TorchScalar.of(0), integer(o, a)) : fraction(o, "Neg", a);
      case "pos", "sym_int", "int" -> isInt ? integer(o, a) : name.equals("pos") ? a : rounded(o, "trunc", a);
      case "ceil", "floor", "trunc", "round" -> isInt ? integer(o, a) : rounded(o, name, a);
      case "sym_float", "float" -> toFloat(o, a);
      case "sym_not", "not_" -> a.isConstant() ? TorchScalar.of(!a.toBoolean()) : truth(o, o.op("Not", bool(o, a)));
      case "sqrt", "_sym_sqrt" -> fraction(o, "Sqrt", toFloat(o, a));
      case "abs" -> isInt ? o.integer(o.op("Abs", integer(o, a).vector(o)), a.dim().max(a.dim().times(-1))) : fraction(o, "Abs", a);
      default -> null;
    };
  }

  private static TorchScalar fraction(Onnx o, String op, TorchScalar a) {
    if (a.isConstant()) {
      double x = a.toDouble();
      return TorchScalar.of(op.equals("Neg") ? -x : op.equals("Abs") ? Math.abs(x) : Math.sqrt(x));
    }
    return o.number(TorchScalar.Kind.FLOAT, o.op(op, a.scalar(o)));
  }

  private static TorchScalar rounded(Onnx o, String name, TorchScalar a) {
    if (a.isConstant()) {
      double x = a.toDouble();
      return TorchScalar.of((long) switch (name) {
        case "ceil" -> Math.ceil(x);
        case "floor" -> Math.floor(x);
        case "round" -> Math.rint(x);
        default -> x;
      });
    }
    Value x = a.scalar(o);
    // A cast cuts off.
    Value whole = switch (name) {
      case "ceil" -> o.op("Ceil", x);
      case "floor" -> o.op("Floor", x);
      case "round" -> o.op("Round", x);
      default -> x;
    };
    return o.number(TorchScalar.Kind.INT, whole);
  }

  private static TorchScalar integer(Onnx o, TorchScalar a) {
    if (a.kind() == TorchScalar.Kind.INT) {
      return a;
    }
    return a.isConstant() ? TorchScalar.of(a.toLong()) : o.number(TorchScalar.Kind.INT, a.scalar(o));
  }

  private static TorchScalar toFloat(Onnx o, TorchScalar a) {
    if (a.kind() == TorchScalar.Kind.FLOAT) {
      return a;
    }
    return a.isConstant() ? TorchScalar.of(a.toDouble()) : o.number(TorchScalar.Kind.FLOAT, a.scalar(o, DataType.DOUBLE));
  }

  private static Value bool(Onnx o, TorchScalar a) {
    return a.kind() == TorchScalar.Kind.BOOL ? a.scalar(o) : a.isConstant() ? TorchScalar.of(a.toBoolean()).scalar(o)
        : o.cast(a.scalar(o), DataType.BOOL);
  }

  private static TorchScalar truth(Onnx o, Value v) {
    return o.number(TorchScalar.Kind.BOOL, v);
  }

  // ---- two numbers ----

  private static TorchScalar binary(Onnx o, String name, TorchScalar a, TorchScalar b) {
    boolean ints = a.kind() != TorchScalar.Kind.FLOAT && b.kind() != TorchScalar.Kind.FLOAT;
    switch (name) {
      case "eq", "ne", "lt", "le", "gt", "ge":
        return comparison(o, name, a, b, ints);
      case "and_", "or_", "xor":
        return logical(o, name, a, b);
      case "truediv":
        return floating(o, name, a, b);
      default:
        return ints ? integers(o, name, integer(o, a), integer(o, b)) : floating(o, name, a, b);
    }
  }

  private static TorchScalar integers(Onnx o, String name, TorchScalar a, TorchScalar b) {
    return switch (name) {
      case "add" -> o.plus(a, b);
      case "sub" -> o.minus(a, b);
      case "mul" -> o.times(a, b);
      case "floordiv" -> o.floorDiv(a, b);
      case "mod" -> o.minus(a, o.times(b, o.floorDiv(a, b)));
      case "sym_max", "max" -> extremum(o, "Max", a, b, a.dim().max(b.dim()));
      case "sym_min", "min" -> extremum(o, "Min", a, b, a.dim().min(b.dim()));
      case "pow" -> power(o, a, b);
      default -> null;
    };
  }

  private static TorchScalar extremum(Onnx o, String op, TorchScalar a, TorchScalar b, Dim dim) {
    return dim.isConstant() ? TorchScalar.of(dim.constant()) : dim.equals(a.dim()) ? a : dim.equals(b.dim()) ? b
        : o.integer(o.op(op, a.vector(o), b.vector(o)), dim);
  }

  private static TorchScalar power(Onnx o, TorchScalar a, TorchScalar b) {
    if (!b.isConstant() || b.toLong() < 0 || b.toLong() > 8) {
      return b.isConstant() && b.toLong() < 0 ? floating(o, "pow", a, b) : o.number(TorchScalar.Kind.INT, o.op("Pow", a.vector(o), b.vector(o)));
    }
    TorchScalar product = TorchScalar.of(1);
    for (long i = 0; i < b.toLong(); i++) {
      product = o.times(product, a);
    }
    return product;
  }

  private static TorchScalar floating(Onnx o, String name, TorchScalar a, TorchScalar b) {
    if (a.isConstant() && b.isConstant()) {
      double x = a.toDouble();
      double y = b.toDouble();
      return switch (name) {
        case "add" -> TorchScalar.of(x + y);
        case "sub" -> TorchScalar.of(x - y);
        case "mul" -> TorchScalar.of(x * y);
        case "truediv" -> TorchScalar.of(x / y);
        case "floordiv" -> TorchScalar.of(Math.floor(x / y));
        case "mod" -> TorchScalar.of(x - y * Math.floor(x / y));
        case "pow" -> TorchScalar.of(Math.pow(x, y));
        case "sym_max", "max" -> TorchScalar.of(Math.max(x, y));
        case "sym_min", "min" -> TorchScalar.of(Math.min(x, y));
        default -> null;
      };
    }
    Value x = a.scalar(o, DataType.DOUBLE);
    Value y = b.scalar(o, DataType.DOUBLE);
    Value result = switch (name) {
      case "add" -> o.add(x, y);
      case "sub" -> o.sub(x, y);
      case "mul" -> o.mul(x, y);
      case "truediv" -> o.div(x, y);
      case "floordiv" -> o.op("Floor", o.div(x, y));
      case "mod" -> o.sub(x, o.mul(y, o.op("Floor", o.div(x, y))));
      case "pow" -> o.op("Pow", x, y);
      case "sym_max", "max" -> o.op("Max", x, y);
      case "sym_min", "min" -> o.op("Min", x, y);
      default -> null;
    };
    return result == null ? null : o.number(TorchScalar.Kind.FLOAT, result);
  }

  private static TorchScalar comparison(Onnx o, String name, TorchScalar a, TorchScalar b, boolean ints) {
    Boolean known = a.isConstant() && b.isConstant() ? (Boolean) compare(name, Double.compare(a.toDouble(), b.toDouble()))
        : ints && a.dim() != null && b.dim() != null ? proved(name, a.dim(), b.dim()) : null;
    if (known != null) {
      return TorchScalar.of(known);
    }
    Value x = ints ? integer(o, a).scalar(o) : a.scalar(o, DataType.DOUBLE);
    Value y = ints ? integer(o, b).scalar(o) : b.scalar(o, DataType.DOUBLE);
    return truth(o, switch (name) {
      case "eq" -> o.op("Equal", x, y);
      case "ne" -> o.op("Not", o.op("Equal", x, y));
      case "lt" -> o.op("Less", x, y);
      case "le" -> o.op("LessOrEqual", x, y);
      case "gt" -> o.op("Greater", x, y);
      default -> o.op("GreaterOrEqual", x, y);
    });
  }

  private static boolean compare(String name, int order) {
    return switch (name) {
      case "eq" -> order == 0;
      case "ne" -> order != 0;
      case "lt" -> order < 0;
      case "le" -> order <= 0;
      case "gt" -> order > 0;
      default -> order >= 0;
    };
  }

  /** What holds for every value of the symbols; null if that depends. */
  private static Boolean proved(String name, Dim a, Dim b) {
    Dim difference = a.minus(b);
    return switch (name) {
      case "eq" -> a.equals(b) ? Boolean.TRUE : a.provablyDiffers(b) ? Boolean.FALSE : null;
      case "ne" -> a.equals(b) ? Boolean.FALSE : a.provablyDiffers(b) ? Boolean.TRUE : null;
      case "ge" -> difference.isAtLeast(0) ? Boolean.TRUE : difference.times(-1).isAtLeast(1) ? Boolean.FALSE : null;
      case "gt" -> difference.isAtLeast(1) ? Boolean.TRUE : difference.times(-1).isAtLeast(0) ? Boolean.FALSE : null;
      case "le" -> difference.times(-1).isAtLeast(0) ? Boolean.TRUE : difference.isAtLeast(1) ? Boolean.FALSE : null;
      default -> difference.times(-1).isAtLeast(1) ? Boolean.TRUE : difference.isAtLeast(0) ? Boolean.FALSE : null;
    };
  }

  private static TorchScalar logical(Onnx o, String name, TorchScalar a, TorchScalar b) {
    if (a.isConstant() && b.isConstant()) {
      boolean x = a.toBoolean();
      boolean y = b.toBoolean();
      return TorchScalar.of(name.equals("and_") ? x & y : name.equals("or_") ? x | y : x ^ y);
    }
    return truth(o, o.op(name.equals("and_") ? "And" : name.equals("or_") ? "Or" : "Xor", bool(o, a), bool(o, b)));
  }

  private static TorchScalar choice(Onnx o, TorchScalar condition, TorchScalar a, TorchScalar b) {
    if (condition.isConstant()) {
      return condition.toBoolean() ? a : b;
    }
    boolean ints = a.kind() != TorchScalar.Kind.FLOAT && b.kind() != TorchScalar.Kind.FLOAT;
    TorchScalar.Kind kind = ints ? TorchScalar.Kind.INT : TorchScalar.Kind.FLOAT;
    DataType dtype = ints ? DataType.INT64 : DataType.DOUBLE;
    return o.number(kind, o.where(bool(o, condition), a.scalar(o, dtype), b.scalar(o, dtype)));
  }
}
