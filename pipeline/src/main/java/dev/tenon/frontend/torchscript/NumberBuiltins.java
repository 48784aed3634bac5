package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.aten.LoweringException;
import dev.tenon.frontend.aten.TorchNone;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchScalar.Kind;
import dev.tenon.frontend.aten.TorchString;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.DoubleUnaryOperator;

/** Functions of Python numbers: arithmetic, comparisons, logic, and the module {@code math}. */
final class NumberBuiltins {
  private static final Map<String, DoubleUnaryOperator> MATH = Map.ofEntries(Map.entry("sqrt", Math::sqrt), Map.entry("exp", Math::exp),
      Map.entry("log", Math::log), Map.entry("log10", Math::log10), Map.entry("log1p", Math::log1p), Map.entry("expm1", Math::expm1),
      Map.entry("log2", x -> Math.log(x) / Math.log(2)), Map.entry("sin", Math::sin), Map.entry("cos", Math::cos), Map.entry("tan", Math::tan),
      Map.entry("asin", Math::asin), Map.entry("acos", Math::acos), Map.entry("atan", Math::atan), Map.entry("sinh", Math::sinh),
      Map.entry("cosh", Math::cosh), Map.entry("tanh", Math::tanh), Map.entry("fabs", Math::abs), Map.entry("radians", Math::toRadians),
      Map.entry("degrees", Math::toDegrees));
  /** Those of {@link #MATH} that ONNX has an operator for. */
  private static final Map<String, String> ONNX = Map.ofEntries(Map.entry("sqrt", "Sqrt"), Map.entry("exp", "Exp"), Map.entry("log", "Log"),
      Map.entry("sin", "Sin"), Map.entry("cos", "Cos"), Map.entry("tan", "Tan"), Map.entry("asin", "Asin"), Map.entry("acos", "Acos"),
      Map.entry("atan", "Atan"), Map.entry("sinh", "Sinh"), Map.entry("cosh", "Cosh"), Map.entry("tanh", "Tanh"), Map.entry("fabs", "Abs"));

  private NumberBuiltins() {
  }

  static void register(Builtins b) {
    for (String name : List.of("add", "sub", "mul", "div", "floordiv", "remainder", "pow")) {
      b.add("aten::" + name, a -> areNumbers(a, 2) ? a.numbers().binary(name, a.scalar(0), a.scalar(1)) : null);
    }
    b.add("aten::fmod", a -> areNumbers(a, 2) && areConstant(a) ? TorchScalar.of(a.scalar(0).toDouble() % a.scalar(1).toDouble()) : null);
    b.add("aten::floor_divide", a -> areNumbers(a, 2) ? a.numbers().binary("floordiv", a.scalar(0), a.scalar(1)) : null);
    Map.of("add", "add", "sub", "sub", "mul", "mul", "floor_divide", "floordiv", "remainder", "remainder", "div", "div")
        .forEach((name, operator) -> b.add("aten::" + name, a -> ofSizes(a, operator, 0, 1)));
    b.add("aten::rsub", a -> ofSizes(a, "sub", 1, 0));
    b.add("prim::round_to_zero_floordiv aten::__round_to_zero_floordiv", NumberBuiltins::divTowardsZero);
    for (String name : List.of("eq", "ne", "lt", "le", "gt", "ge")) {
      b.add("aten::" + name, a -> areNumbers(a, 2) ? a.numbers().compare(name, a.scalar(0), a.scalar(1)) : null);
    }
    b.add("aten::__and__ aten::bitwise_and", a -> logic(a, true)).add("aten::__or__ aten::bitwise_or", a -> logic(a, false));
    b.add("aten::__xor__ aten::bitwise_xor", a -> areNumbers(a, 2) && areConstant(a) ? xor(a.scalar(0), a.scalar(1)) : null);
    b.add("aten::__not__", a -> a.get(0) instanceof TorchScalar s ? a.numbers().not(s) : null);
    b.add("aten::bitwise_not", a -> a.get(0) instanceof TorchScalar s && s.isConstant()
        ? s.kind() == Kind.BOOL ? TorchScalar.of(!s.toBoolean()) : TorchScalar.of(~s.toLong()) : null);
    b.add("aten::__lshift__ aten::bitwise_left_shift", a -> areNumbers(a, 2) && isConstant(a.get(1))
        ? a.numbers().binary("mul", a.scalar(0), TorchScalar.of(1L << a.integer(1))) : null);
    b.add("aten::__rshift__ aten::bitwise_right_shift", a -> areNumbers(a, 2) && isConstant(a.get(1))
        ? a.numbers().binary("floordiv", a.scalar(0), TorchScalar.of(1L << a.integer(1))) : null);
    b.add("aten::neg", a -> a.get(0) instanceof TorchScalar s ? a.numbers().negate(s) : null);
    for (String name : List.of("floor", "ceil")) {
      b.add("aten::" + name, a -> a.get(0) instanceof TorchScalar s ? a.numbers().rounded(name, s) : null);
    }
    b.add("aten::round", a -> a.get(0) instanceof TorchScalar s ? round(a, s) : null);
    b.add("aten::trunc", a -> a.get(0) instanceof TorchScalar s ? a.numbers().rounded("trunc", s) : null);
    b.add("prim::abs aten::abs", a -> a.get(0) instanceof TorchScalar s ? a.numbers().abs(s) : null);
    b.add("prim::min", a -> extreme(a, false)).add("prim::max", a -> extreme(a, true));
    MATH.keySet().forEach(name -> b.add("aten::" + name, a -> a.get(0) instanceof TorchScalar s ? math(a, name, s) : null));
    MATH.forEach((name, f) -> b.add("aten::" + name, a -> ofConstant(a, f)));
    Map.<String, DoubleUnaryOperator>of("round", Math::rint, "floor", Math::floor, "ceil", Math::ceil)
        .forEach((name, f) -> b.add("aten::" + name, a -> ofConstant(a, f)));
    b.add("aten::atan2", a -> areNumbers(a, 2) && areConstant(a) ? TorchScalar.of(Math.atan2(a.scalar(0).toDouble(), a.scalar(1).toDouble())) : null);
    b.add("aten::isnan", a -> isConstant(a.get(0)) ? TorchScalar.of(Double.isNaN(a.scalar(0).toDouble())) : null);
    b.add("aten::isinf", a -> isConstant(a.get(0)) ? TorchScalar.of(Double.isInfinite(a.scalar(0).toDouble())) : null);
    b.add("aten::isfinite", a -> isConstant(a.get(0)) ? TorchScalar.of(Double.isFinite(a.scalar(0).toDouble())) : null);
    b.add("aten::gcd", a -> areNumbers(a, 2) && areConstant(a) ? TorchScalar.of(gcd(a.integer(0), a.integer(1))) : null);
    b.add("aten::__range_length", a -> rangeLength(a.numbers(), a.scalar(0), a.scalar(1), a.scalar(2)));
    b.add("aten::__derive_index", a -> a.numbers().binary("add", a.scalar(1), a.numbers().binary("mul", a.scalar(0), a.scalar(2))));
    conversions(b);
  }

  /** The length of {@code range(from, to, step)}. */
  private static TorchScalar rangeLength(Numbers n, TorchScalar from, TorchScalar to, TorchScalar step) {
    if (!step.isConstant() || step.toLong() == 0) {
      throw new LoweringException("a range with a step that is only known at run time, or zero");
    }
    boolean up = step.toLong() > 0;
    TorchScalar distance = up ? n.binary("sub", to, from) : n.binary("sub", from, to);
    long width = Math.abs(step.toLong());
    return n.minOrMax(true, TorchScalar.of(0), n.binary("floordiv", n.binary("add", distance, TorchScalar.of(width - 1)), TorchScalar.of(width)));
  }

  private static void conversions(Builtins b) {
    b.add("builtin::int aten::Int aten::IntImplicit", a -> number(a, Kind.INT));
    b.add("builtin::float aten::Float aten::FloatImplicit", a -> number(a, Kind.FLOAT));
    b.add("builtin::bool aten::Bool", a -> number(a, Kind.BOOL));
    b.add("aten::ScalarImplicit aten::item", a -> a.get(0) instanceof TorchTensor t ? a.in().scalars().natural(t)
        : a.get(0) instanceof TorchScalar s ? s : null);
    b.add("prim::NumToTensor", a -> a.in().scalars().tensor(a.scalar(0)));
  }

  private static boolean isConstant(TorchValue v) {
    return v instanceof TorchScalar s && s.isConstant();
  }

  private static boolean areNumbers(Arguments a, int count) {
    for (int i = 0; i < count; i++) {
      if (!(a.get(i) instanceof TorchScalar)) {
        return false;
      }
    }
    return true;
  }

  private static boolean areConstant(Arguments a) {
    return a.positional().stream().allMatch(NumberBuiltins::isConstant);
  }

  /** A function of a tensor that is a float32 number made of constants of the code; null for other tensors. */
  private static TorchValue ofConstant(Arguments a, DoubleUnaryOperator f) {
    if (a.count() != 1 || !a.named().isEmpty() || !(a.get(0) instanceof TorchTensor t) || t.dtype() != DataType.FLOAT || t.rank() != 0) {
      return null;
    }
    TorchScalar x = a.in().scalars().known(t);
    return x == null || !x.isConstant() ? null : a.in().scalars().tensor(TorchScalar.of((double) (float) f.applyAsDouble((float) x.toDouble())));
  }

  /**
   * Integer arithmetic of tensors that are sizes, as traced code has it: it is done on the sizes, so that constants stay constants.
   * Null if one of them is something else.
   */
  private static TorchValue ofSizes(Arguments a, String operator, int left, int right) {
    boolean plain = a.count() == 2 && (operator.equals("div") ? a.named().keySet().equals(Set.of("rounding_mode")) : a.named().isEmpty());
    if (!plain || !(a.get(0) instanceof TorchTensor) && !(a.get(1) instanceof TorchTensor)) {
      return null;
    }
    TorchScalar x = a.in().scalars().size(a.get(left));
    TorchScalar y = a.in().scalars().size(a.get(right));
    if (x == null || y == null || operator.equals("div") && !TextBuiltins.show(a.named().get("rounding_mode")).equals("floor")) {
      return null;
    }
    return a.in().scalars().tensor(a.numbers().binary(operator.equals("div") ? "floordiv" : operator, x, y));
  }

  private static TorchValue divTowardsZero(Arguments a) {
    Numbers n = a.numbers();
    if (areConstant(a)) {
      long divisor = a.integer(1);
      if (divisor == 0) {
        throw new RaiseSignal("division by zero");
      }
      return TorchScalar.of(a.integer(0) / divisor);
    }
    // Sizes are not negative, so both ways of rounding are the same.
    return n.binary("floordiv", a.scalar(0), a.scalar(1));
  }

  private static TorchValue logic(Arguments a, boolean and) {
    if (!areNumbers(a, 2)) {
      return null;
    }
    TorchScalar x = a.scalar(0);
    TorchScalar y = a.scalar(1);
    if (x.kind() == Kind.BOOL && y.kind() == Kind.BOOL) {
      return a.numbers().logic(and, x, y);
    }
    return areConstant(a) ? TorchScalar.of(and ? x.toLong() & y.toLong() : x.toLong() | y.toLong()) : null;
  }

  private static TorchValue xor(TorchScalar x, TorchScalar y) {
    return x.kind() == Kind.BOOL && y.kind() == Kind.BOOL ? TorchScalar.of(x.toBoolean() != y.toBoolean()) : TorchScalar.of(x.toLong() ^ y.toLong());
  }

  private static TorchValue round(Arguments a, TorchScalar s) {
    if (a.count() > 1 && s.isConstant()) {
      double factor = Math.pow(10, a.integer(1));
      return TorchScalar.of(Math.rint(s.toDouble() * factor) / factor);
    }
    // TorchScript's round of a float stays one, unlike Python's.
    return s.kind() == Kind.FLOAT ? a.numbers().to(Kind.FLOAT, a.numbers().rounded("round", s)) : s;
  }

  private static TorchValue extreme(Arguments a, boolean max) {
    List<TorchValue> all = a.count() == 1 ? Values.elements(a.get(0)) : a.positional();
    if (all == null || all.isEmpty() || !all.stream().allMatch(v -> v instanceof TorchScalar)) {
      return null;
    }
    TorchScalar result = (TorchScalar) all.get(0);
    for (TorchValue v : all.subList(1, all.size())) {
      result = a.numbers().minOrMax(max, result, (TorchScalar) v);
    }
    return result;
  }

  private static TorchValue math(Arguments a, String name, TorchScalar s) {
    if (s.isConstant()) {
      double x = s.toDouble();
      if (x < 0 && (name.equals("sqrt") || name.startsWith("log") && !name.equals("log1p"))) {
        throw new RaiseSignal("math domain error");
      }
      return TorchScalar.of(MATH.get(name).applyAsDouble(x));
    }
    String operator = ONNX.get(name);
    if (operator == null) {
      return null;
    }
    var onnx = a.in().onnx();
    return onnx.number(Kind.FLOAT, onnx.op(operator, a.numbers().to(Kind.FLOAT, s).scalar(onnx)));
  }

  private static long gcd(long x, long y) {
    return y == 0 ? Math.abs(x) : gcd(y, x % y);
  }

  private static TorchValue number(Arguments a, Kind kind) {
    TorchValue v = a.get(0);
    if (v instanceof TorchTensor t) {
      return a.numbers().to(kind, a.in().scalars().natural(t));
    } else if (v instanceof TorchScalar s) {
      return a.numbers().to(kind, s);
    } else if (v instanceof TorchString s) {
      return parsed(s.text(), kind);
    } else if (v instanceof Values.EnumMember m && m.value() instanceof TorchScalar s) {
      return a.numbers().to(kind, s);
    }
    return v == TorchNone.NONE && kind == Kind.BOOL ? TorchScalar.of(false) : null;
  }

  private static TorchValue parsed(String text, Kind kind) {
    try {
      return kind == Kind.INT ? TorchScalar.of(Long.parseLong(text.strip()))
          : kind == Kind.FLOAT ? TorchScalar.of(Double.parseDouble(text.strip())) : TorchScalar.of(!text.isEmpty());
    } catch (NumberFormatException e) {
      throw new RaiseSignal("could not convert the string '" + text + "' to a number");
    }
  }
}
