package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.Promotion;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Value;
import java.util.Map;
import java.util.function.BiFunction;

/** Functions of one number. Those with fractional results are float32 for integers and bools. */
public final class Functions {
  private static final Map<String, String> SAME_IN_ONNX = Map.ofEntries(Map.entry("sqrt", "Sqrt"), Map.entry("exp", "Exp"),
      Map.entry("log", "Log"), Map.entry("sin", "Sin"), Map.entry("cos", "Cos"), Map.entry("tan", "Tan"), Map.entry("asin arcsin", "Asin"),
      Map.entry("acos arccos", "Acos"), Map.entry("atan arctan", "Atan"), Map.entry("sinh", "Sinh"), Map.entry("cosh", "Cosh"),
      Map.entry("tanh", "Tanh"), Map.entry("asinh arcsinh", "Asinh"), Map.entry("acosh arccosh", "Acosh"),
      Map.entry("atanh arctanh", "Atanh"), Map.entry("erf special_erf", "Erf"), Map.entry("sigmoid special_expit", "Sigmoid"),
      Map.entry("reciprocal", "Reciprocal"));
  /** Coefficients of {@link #erfinv}, the highest power first: in the middle, and near the ends. */
  private static final double[] CENTRAL = {2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503,
      -0.00417768164, 0.246640727, 1.50140941};
  private static final double[] TAIL = {-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613,
      0.00943887047, 1.00167406, 2.83297682};

  private Functions() {}

  public static void register(AtenOps ops) {
    SAME_IN_ONNX.forEach((names, opType) -> floating(ops, names, (o, x) -> Kernels.op(o, opType, x)));
    floating(ops, "rsqrt", (o, x) -> o.op("Reciprocal", o.op("Sqrt", x)));
    floating(ops, "log1p special_log1p", Functions::log1p);
    floating(ops, "expm1 special_expm1", Functions::expm1);
    floating(ops, "exp2 special_exp2", (o, x) -> o.op("Pow", o.scalar(x.dtype(), 2.0), x));
    floating(ops, "log2", (o, x) -> logarithm(o, x, 2));
    floating(ops, "log10", (o, x) -> logarithm(o, x, 10));
    floating(ops, "erfc special_erfc", (o, x) -> o.sub(o.scalar(x.dtype(), 1.0), o.op("Erf", x)));
    floating(ops, "deg2rad", (o, x) -> o.mul(x, o.scalar(x.dtype(), Math.PI / 180)));
    floating(ops, "rad2deg", (o, x) -> o.mul(x, o.scalar(x.dtype(), 180 / Math.PI)));
    floating(ops, "sinc special_sinc", Functions::sinc);
    floating(ops, "erfinv special_erfinv", Functions::erfinv).op("special_entr", Functions::entropy);
    floating(ops, "special_ndtr", Functions::normal).op("special_log_ndtr", Functions::logNormal);
    ops.op("logit special_logit", Functions::logit);

    ops.op("abs absolute", c -> c.result(c.onnx().op("Abs", c.tensor("self")))).op("square", Functions::square);
    ops.op("neg negative", c -> c.result(Kernels.op(c.onnx(), "Neg", c.tensor("self")))).op("sign sgn", Functions::sign);
    ops.op("signbit", Functions::signBit);
    ops.op("ceil special_ceil", c -> rounded(c, (o, x) -> o.op("Ceil", x))).op("floor", c -> rounded(c, (o, x) -> o.op("Floor", x)));
    ops.op("trunc fix", c -> rounded(c, Functions::trunc)).op("round special_round", Functions::round);
    ops.op("frac", c -> c.result(c.onnx().sub(c.tensor("self"), trunc(c.onnx(), c.tensor("self")))));
    ops.op("nan_to_num", Functions::nanToNum);
  }

  private static AtenOps floating(AtenOps ops, String names, BiFunction<Onnx, Value, Value> function) {
    return ops.op(names, c -> c.result(function.apply(c.onnx(), c.tensor("self", Promotion.floating(c.dtypeOf("self"))))));
  }

  // ---- logarithms and exponentials ----

  /** {@code log(1 + x)}, exact near zero: what {@code 1 + x} loses in rounding is made up for by the factor {@code x / ((1 + x) - 1)}. */
  static Value log1p(Onnx o, Value x) {
    DataType t = x.dtype();
    Value one = o.scalar(t, 1.0);
    Value u = o.add(one, x);
    Value d = o.sub(u, one);
    Value log = o.op("Log", u);
    Value near = o.where(o.op("Equal", d, o.scalar(t, 0.0)), x, o.mul(log, o.div(x, d)));
    return o.where(o.op("Equal", d, x), log, near);
  }

  /** {@code exp(x) - 1}, exact near zero in the same way. */
  static Value expm1(Onnx o, Value x) {
    DataType t = x.dtype();
    Value one = o.scalar(t, 1.0);
    Value u = o.op("Exp", x);
    Value d = o.sub(u, one);
    Value near = o.where(o.op("Equal", u, one), x, o.mul(d, o.div(x, o.op("Log", u))));
    return o.where(o.op("Less", o.op("Abs", x), o.scalar(t, 0.5)), near, d);
  }

  /** In float64, so that the logarithms of powers of the base are whole. */
  private static Value logarithm(Onnx o, Value x, double base) {
    Value log = o.op("Log", o.cast(x, DataType.DOUBLE));
    return o.cast(o.div(log, o.scalar(DataType.DOUBLE, Math.log(base))), x.dtype());
  }

  private static TorchValue logit(AtenCall c) {
    Onnx o = c.onnx();
    DataType t = Promotion.floating(c.dtypeOf("self"));
    Value x = c.tensor("self", t);
    if (!c.isNone("eps")) {
      double eps = c.number("eps");
      x = o.op("Clip", x, o.scalar(t, eps), o.scalar(t, 1 - eps));
    }
    return c.result(o.op("Log", o.div(x, o.sub(o.scalar(t, 1.0), x))));
  }

  private static Value sinc(Onnx o, Value x) {
    DataType t = x.dtype();
    Value scaled = o.mul(x, o.scalar(t, Math.PI));
    Value quotient = o.div(Kernels.op(o, "Sin", scaled), scaled);
    return o.where(o.op("Equal", x, o.scalar(t, 0.0)), o.scalar(t, 1.0), quotient);
  }

  // ---- of normal distributions ----

  /**
   * The inverse of erf by two polynomials (M. Giles, "Approximating the erfinv function", GPU Computing Gems 2, 2010), within 4e-7 of
   * it relatively.
   */
  private static Value erfinv(Onnx o, Value x) {
    DataType t = x.dtype();
    Value y = o.cast(x, DataType.DOUBLE);
    Value one = o.scalar(DataType.DOUBLE, 1.0);
    Value w = o.op("Neg", o.op("Log", o.mul(o.sub(one, y), o.add(one, y))));
    Value central = polynomial(o, CENTRAL, o.sub(w, o.scalar(DataType.DOUBLE, 2.5)));
    Value tail = polynomial(o, TAIL, o.sub(o.op("Sqrt", w), o.scalar(DataType.DOUBLE, 3.0)));
    Value p = o.where(o.op("Less", w, o.scalar(DataType.DOUBLE, 5.0)), central, tail);
    Value ends = o.op("Equal", o.op("Abs", y), one);
    return o.cast(o.mul(o.where(ends, o.scalar(DataType.DOUBLE, Double.POSITIVE_INFINITY), p), y), t);
  }

  private static Value polynomial(Onnx o, double[] coefficients, Value x) {
    Value sum = o.scalar(x.dtype(), coefficients[0]);
    for (int i = 1; i < coefficients.length; i++) {
      sum = o.add(o.mul(sum, x), o.scalar(x.dtype(), coefficients[i]));
    }
    return sum;
  }

  /** The distribution function. */
  private static Value normal(Onnx o, Value x) {
    DataType t = x.dtype();
    Value erf = o.op("Erf", o.mul(x, o.scalar(t, Math.sqrt(0.5))));
    return o.mul(o.add(erf, o.scalar(t, 1.0)), o.scalar(t, 0.5));
  }

  private static TorchValue logNormal(AtenCall c) {
    return c.result(c.onnx().op("Log", normal(c.onnx(), c.tensor("self", Promotion.floating(c.dtypeOf("self"))))));
  }

  /** {@code -x log x}; zero at zero, minus infinity below. */
  private static TorchValue entropy(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self", Promotion.floating(c.dtypeOf("self")));
    DataType t = x.dtype();
    Value zero = o.scalar(t, 0.0);
    Value inside = o.where(o.op("Equal", x, zero), zero, o.op("Neg", o.mul(x, o.op("Log", x))));
    return c.result(o.where(o.op("Less", x, zero), o.scalar(t, Double.NEGATIVE_INFINITY), inside));
  }

  // ---- signs and rounding ----

  private static TorchValue square(AtenCall c) {
    Value x = c.dtypeOf("self") == DataType.BOOL ? c.tensor("self", DataType.INT64) : c.tensor("self");
    return c.result(c.onnx().mul(x, x));
  }

  private static TorchValue sign(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    if (x.dtype() == DataType.BOOL) {
      return c.result(x);
    }
    Value sign = o.op("Sign", x);
    // PyTorch's sign of NaN is zero.
    return c.result(x.dtype().isFloat() ? o.where(o.op("IsNaN", x), o.scalar(x.dtype(), 0), sign) : sign);
  }

  private static TorchValue signBit(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    if (x.dtype() == DataType.BOOL) {
      return c.result(o.op("And", x, o.op("Not", x)));
    }
    Value zero = o.scalar(x.dtype(), 0);
    Value negative = o.op("Less", x, zero);
    // Minus zero is seen by its reciprocal.
    return c.result(x.dtype().isFloat() ? o.op("Or", negative, o.op("Less", o.op("Reciprocal", x), zero)) : negative);
  }

  /** Integers stay as they are. */
  private static TorchValue rounded(AtenCall c, BiFunction<Onnx, Value, Value> function) {
    Value x = c.tensor("self");
    return c.result(x.dtype().isFloat() ? function.apply(c.onnx(), x) : x);
  }

  /** Rounded towards zero. */
  static Value trunc(Onnx o, Value x) {
    return x.dtype().isFloat() ? o.where(o.op("Less", x, o.scalar(x.dtype(), 0)), o.op("Ceil", x), o.op("Floor", x)) : x;
  }

  /** Rounded, halves to the even neighbour; to decimals if given. */
  private static TorchValue round(AtenCall c) {
    Onnx o = c.onnx();
    long decimals = c.has("decimals") ? c.integer("decimals") : 0;
    if (decimals == 0) {
      return rounded(c, (on, x) -> Kernels.op(on, "Round", x));
    }
    Value x = c.tensor("self");
    if (!x.dtype().isFloat()) {
      throw c.unsupported("decimals of integers");
    }
    Value scale = o.scalar(x.dtype(), Math.pow(10, Math.abs(decimals)));
    Value whole = Kernels.op(o, "Round", o.op(decimals > 0 ? "Mul" : "Div", x, scale));
    return c.result(o.op(decimals > 0 ? "Div" : "Mul", whole, scale));
  }

  private static TorchValue nanToNum(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    DataType t = x.dtype();
    if (!t.isFloat()) {
      return c.result(x);
    }
    double largest = largest(t);
    Value y = o.where(o.op("IsNaN", x), o.scalar(t, c.number("nan", 0)), x);
    y = o.where(o.node("IsInf").in(x).attr("detect_negative", 0).out(), o.scalar(t, c.number("posinf", largest)), y);
    return c.result(o.where(o.node("IsInf").in(x).attr("detect_positive", 0).out(), o.scalar(t, c.number("neginf", -largest)), y));
  }

  /** The largest finite number of a floating-point type. */
  static double largest(DataType t) {
    return switch (t) {
      case FLOAT16 -> 65504;
      case BFLOAT16 -> 0x1.FEp127;
      case DOUBLE -> Double.MAX_VALUE;
      default -> Float.MAX_VALUE;
    };
  }
}
