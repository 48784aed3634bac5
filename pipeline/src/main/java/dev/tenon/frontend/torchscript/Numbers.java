package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.aten.LoweringException;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchScalar.Kind;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Value;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * Arithmetic of Python numbers: computed now where all operands are known, else by nodes, on int64, float64 and bool scalars. Sizes are
 * followed exactly, also through fractions such as {@code int(floor(float(h) * 0.5))}.
 */
final class Numbers {
  /** A floating-point number that is known to be a size divided by an integer. */
  private record Ratio(Dim numerator, long denominator) {
  }

  private static final long MAX_DENOMINATOR = 1 << 20;

  private final Onnx onnx;
  private final Map<TorchScalar, Ratio> ratios = new IdentityHashMap<>();
  /** Comparisons that say whether something is empty, and how they come out if it is not. */
  private final Map<TorchScalar, Boolean> ifNotEmpty = new IdentityHashMap<>();

  Numbers(Onnx onnx) {
    this.onnx = onnx;
  }

  // ---- conversions ----

  TorchScalar to(Kind kind, TorchScalar x) {
    if (x.kind() == kind) {
      return x;
    }
    if (x.isConstant()) {
      return switch (kind) {
        case BOOL -> TorchScalar.of(x.toBoolean());
        case INT -> TorchScalar.of(x.toLong());
        case FLOAT -> TorchScalar.of(x.toDouble());
      };
    }
    if (kind == Kind.BOOL) {
      return x.kind() == Kind.INT && (x.dim().isAtLeast(1) || x.dim().times(-1).isAtLeast(1)) ? TorchScalar.of(true)
          : compare("ne", x, TorchScalar.of(0));
    } else if (kind == Kind.INT && x.kind() == Kind.FLOAT) {
      Ratio r = ratios.get(x);
      return r != null ? truncated(r, x) : onnx.number(Kind.INT, x.scalar(onnx));
    } else if (kind == Kind.FLOAT && x.kind() == Kind.INT) {
      TorchScalar result = onnx.number(Kind.FLOAT, x.scalar(onnx));
      ratios.put(result, new Ratio(x.dim(), 1));
      return result;
    }
    return onnx.number(kind, x.scalar(onnx));
  }

  private TorchScalar truncated(Ratio r, TorchScalar x) {
    Value v = onnx.cast(x.scalar(onnx), DataType.INT64);
    return r.numerator.isAtLeast(0) ? onnx.integer(v, r.numerator.floorDiv(r.denominator)) : onnx.number(Kind.INT, v);
  }

  private static Kind common(TorchScalar a, TorchScalar b) {
    Kind k = a.kind().compareTo(b.kind()) >= 0 ? a.kind() : b.kind();
    return k == Kind.BOOL ? Kind.INT : k;
  }

  // ---- arithmetic ----

  /** {@code add}, {@code sub}, {@code mul}, {@code div}, {@code floordiv}, {@code remainder} or {@code pow}; null for other operators. */
  TorchScalar binary(String operator, TorchScalar a, TorchScalar b) {
    Kind kind = operator.equals("div") ? Kind.FLOAT : common(a, b);
    if (a.isConstant() && b.isConstant()) {
      return constant(operator, kind, a, b);
    }
    if (operator.equals("pow") && kind == Kind.INT) {
      return integerPower(a, b);
    }
    TorchScalar x = to(kind, a);
    TorchScalar y = to(kind, b);
    return kind == Kind.INT ? integers(operator, x, y) : floats(operator, x, y);
  }

  private static TorchScalar constant(String operator, Kind kind, TorchScalar a, TorchScalar b) {
    if (kind == Kind.FLOAT) {
      double x = a.toDouble();
      double y = b.toDouble();
      return switch (operator) {
        case "add" -> TorchScalar.of(x + y);
        case "sub" -> TorchScalar.of(x - y);
        case "mul" -> TorchScalar.of(x * y);
        case "div" -> TorchScalar.of(quotient(x, y));
        case "floordiv" -> TorchScalar.of(Math.floor(quotient(x, y)));
        case "remainder" -> TorchScalar.of(x - Math.floor(quotient(x, y)) * y);
        case "pow" -> TorchScalar.of(Math.pow(x, y));
        default -> null;
      };
    }
    long x = a.toLong();
    long y = b.toLong();
    return switch (operator) {
      case "add" -> TorchScalar.of(x + y);
      case "sub" -> TorchScalar.of(x - y);
      case "mul" -> TorchScalar.of(x * y);
      case "floordiv" -> TorchScalar.of(Math.floorDiv(x, nonZero(y)));
      case "remainder" -> TorchScalar.of(Math.floorMod(x, nonZero(y)));
      // TorchScript's power of integers is a float.
      case "pow" -> TorchScalar.of(Math.pow(x, y));
      default -> null;
    };
  }

  private static double quotient(double x, double y) {
    if (y == 0) {
      throw new RaiseSignal("division by zero");
    }
    return x / y;
  }

  private static long nonZero(long y) {
    if (y == 0) {
      throw new RaiseSignal("division by zero");
    }
    return y;
  }

  private TorchScalar integerPower(TorchScalar a, TorchScalar b) {
    if (b.isConstant() && b.toLong() >= 0 && b.toLong() <= 8) {
      TorchScalar result = TorchScalar.of(1);
      for (long i = 0; i < b.toLong(); i++) {
        result = onnx.times(result, to(Kind.INT, a));
      }
      return to(Kind.FLOAT, result);
    }
    return floats("pow", to(Kind.FLOAT, a), to(Kind.FLOAT, b));
  }

  private TorchScalar integers(String operator, TorchScalar a, TorchScalar b) {
    return switch (operator) {
      case "add" -> onnx.plus(a, b);
      case "sub" -> onnx.minus(a, b);
      case "mul" -> onnx.times(a, b);
      case "floordiv" -> onnx.floorDiv(a, b);
      case "remainder" -> remainder(a, b);
      default -> null;
    };
  }

  private TorchScalar remainder(TorchScalar a, TorchScalar b) {
    Dim dim = b.is(0) ? Dim.unknownInteger() : a.dim().mod(b.dim());
    return dim.isConstant() ? TorchScalar.of(dim.constant()) : onnx.integer(onnx.op("Mod", a.scalar(onnx), b.scalar(onnx)), dim);
  }

  private TorchScalar floats(String operator, TorchScalar a, TorchScalar b) {
    Value x = a.scalar(onnx);
    Value y = b.scalar(onnx);
    Value v = switch (operator) {
      case "add" -> onnx.add(x, y);
      case "sub" -> onnx.sub(x, y);
      case "mul" -> onnx.mul(x, y);
      case "div" -> onnx.div(x, y);
      case "floordiv" -> onnx.op("Floor", onnx.div(x, y));
      case "remainder" -> onnx.sub(x, onnx.mul(onnx.op("Floor", onnx.div(x, y)), y));
      case "pow" -> onnx.op("Pow", x, y);
      default -> null;
    };
    if (v == null) {
      return null;
    }
    TorchScalar result = onnx.number(Kind.FLOAT, v);
    Ratio r = ratio(operator, a, b);
    if (r != null) {
      ratios.put(result, r);
    }
    return result;
  }

  /** The result as a fraction of sizes, or null if it is none that we follow. */
  private Ratio ratio(String operator, TorchScalar a, TorchScalar b) {
    Ratio x = ratioOf(a);
    Ratio y = ratioOf(b);
    if (x == null || y == null) {
      return null;
    }
    switch (operator) {
      case "add", "sub" -> {
        Dim left = x.numerator.times(y.denominator);
        Dim right = y.numerator.times(x.denominator);
        return bounded(operator.equals("add") ? left.plus(right) : left.minus(right), x.denominator * y.denominator);
      }
      case "mul" -> {
        return bounded(x.numerator.times(y.numerator), x.denominator * y.denominator);
      }
      case "div" -> {
        return y.numerator.isConstant() && y.numerator.constant() > 0 && y.numerator.constant() < MAX_DENOMINATOR
            ? bounded(x.numerator.times(y.denominator), x.denominator * y.numerator.constant()) : null;
      }
      default -> {
        return null;
      }
    }
  }

  private static Ratio bounded(Dim numerator, long denominator) {
    return denominator <= MAX_DENOMINATOR ? new Ratio(numerator, denominator) : null;
  }

  private Ratio ratioOf(TorchScalar x) {
    if (!x.isConstant()) {
      return ratios.get(x);
    }
    double d = x.toDouble();
    for (long denominator = 1; denominator <= 64; denominator *= 2) {
      double scaled = d * denominator;
      if (scaled == Math.rint(scaled) && Math.abs(scaled) < 1e6) {
        return new Ratio(Dim.of((long) scaled), denominator);
      }
    }
    return null;
  }

  // ---- one operand ----

  TorchScalar negate(TorchScalar x) {
    return binary("sub", TorchScalar.of(0), x.kind() == Kind.BOOL ? to(Kind.INT, x) : x);
  }

  TorchScalar not(TorchScalar x) {
    TorchScalar b = to(Kind.BOOL, x);
    if (b.isConstant()) {
      return TorchScalar.of(!b.toBoolean());
    }
    TorchScalar result = onnx.number(Kind.BOOL, onnx.op("Not", b.scalar(onnx)));
    if (ifNotEmpty.containsKey(b)) {
      ifNotEmpty.put(result, !ifNotEmpty.get(b));
    }
    return result;
  }

  /** {@code floor}, {@code ceil}, {@code round} or {@code trunc} to an integer. */
  TorchScalar rounded(String how, TorchScalar x) {
    if (x.kind() != Kind.FLOAT) {
      return to(Kind.INT, x);
    }
    if (x.isConstant()) {
      double d = x.toDouble();
      return TorchScalar.of((long) switch (how) {
        case "floor" -> Math.floor(d);
        case "ceil" -> Math.ceil(d);
        case "round" -> Math.rint(d);
        default -> d;
      });
    }
    Ratio r = ratios.get(x);
    if (how.equals("trunc")) {
      return to(Kind.INT, x);
    }
    Value v = onnx.cast(onnx.op(how.equals("floor") ? "Floor" : how.equals("ceil") ? "Ceil" : "Round", x.scalar(onnx)), DataType.INT64);
    if (r == null || how.equals("round")) {
      return onnx.number(Kind.INT, v);
    }
    return onnx.integer(v, how.equals("floor") ? r.numerator.floorDiv(r.denominator) : r.numerator.ceilDiv(r.denominator));
  }

  TorchScalar abs(TorchScalar x) {
    if (x.isConstant()) {
      return x.kind() == Kind.FLOAT ? TorchScalar.of(Math.abs(x.toDouble())) : TorchScalar.of(Math.abs(x.toLong()));
    }
    return x.kind() == Kind.INT && x.dim().isAtLeast(0) ? x : onnx.number(x.kind(), onnx.op("Abs", x.scalar(onnx)));
  }

  TorchScalar minOrMax(boolean max, TorchScalar a, TorchScalar b) {
    Kind kind = common(a, b);
    if (a.isConstant() && b.isConstant()) {
      return kind == Kind.FLOAT ? TorchScalar.of(max ? Math.max(a.toDouble(), b.toDouble()) : Math.min(a.toDouble(), b.toDouble()))
          : TorchScalar.of(max ? Math.max(a.toLong(), b.toLong()) : Math.min(a.toLong(), b.toLong()));
    }
    TorchScalar x = to(kind, a);
    TorchScalar y = to(kind, b);
    if (kind == Kind.INT) {
      Dim dim = max ? x.dim().max(y.dim()) : x.dim().min(y.dim());
      return dim.isConstant() ? TorchScalar.of(dim.constant()) : dim.equals(x.dim()) ? x : dim.equals(y.dim()) ? y
          : onnx.integer(onnx.op(max ? "Max" : "Min", x.scalar(onnx), y.scalar(onnx)), dim);
    }
    return onnx.number(kind, onnx.op(max ? "Max" : "Min", x.scalar(onnx), y.scalar(onnx)));
  }

  // ---- logic ----

  /** {@code eq ne lt le gt ge}; null for other operators. */
  TorchScalar compare(String operator, TorchScalar a, TorchScalar b) {
    if (a.isConstant() && b.isConstant()) {
      int c = common(a, b) == Kind.FLOAT ? Double.compare(a.toDouble() + 0.0, b.toDouble() + 0.0) : Long.compare(a.toLong(), b.toLong());
      boolean nan = Double.isNaN(a.toDouble()) || Double.isNaN(b.toDouble());
      return TorchScalar.of(nan ? operator.equals("ne") : holds(operator, c));
    }
    if (a.dim() != null && b.dim() != null) {
      Boolean known = known(operator, a.dim(), b.dim());
      if (known != null) {
        return TorchScalar.of(known.booleanValue());
      }
    }
    Kind kind = a.kind() == Kind.BOOL && b.kind() == Kind.BOOL && (operator.equals("eq") || operator.equals("ne")) ? Kind.BOOL : common(a, b);
    Value x = to(kind, a).scalar(onnx);
    Value y = to(kind, b).scalar(onnx);
    Value v = switch (operator) {
      case "eq" -> onnx.op("Equal", x, y);
      case "ne" -> onnx.op("Not", onnx.op("Equal", x, y));
      case "lt" -> onnx.op("Less", x, y);
      case "le" -> onnx.op("LessOrEqual", x, y);
      case "gt" -> onnx.op("Greater", x, y);
      case "ge" -> onnx.op("GreaterOrEqual", x, y);
      default -> throw new LoweringException("the comparison " + operator);
    };
    TorchScalar result = onnx.number(Kind.BOOL, v);
    boolean ofSize = a.kind() == Kind.INT && b.isConstant() && !result.isConstant() && (b.is(0) || b.is(1) && (operator.equals("lt") || operator.equals("ge")));
    if (ofSize) {
      ifNotEmpty.put(result, operator.equals("gt") || operator.equals("ge") || operator.equals("ne"));
    }
    return result;
  }

  /** How a comparison of a size with zero comes out where the size is not zero; null for other conditions. */
  Boolean ifNotEmpty(TorchScalar condition) {
    return ifNotEmpty.get(condition);
  }

  private static boolean holds(String operator, int c) {
    return switch (operator) {
      case "eq" -> c == 0;
      case "ne" -> c != 0;
      case "lt" -> c < 0;
      case "le" -> c <= 0;
      case "gt" -> c > 0;
      case "ge" -> c >= 0;
      default -> throw new LoweringException("the comparison " + operator);
    };
  }

  /** What can be proved of two sizes, null if nothing. */
  private static Boolean known(String operator, Dim a, Dim b) {
    Dim difference = a.minus(b);
    if (difference.isConstant()) {
      return holds(operator, Long.compare(difference.constant(), 0));
    }
    if (difference.isAtLeast(1)) {
      return holds(operator, 1);
    }
    if (difference.times(-1).isAtLeast(1)) {
      return holds(operator, -1);
    }
    if (difference.isAtLeast(0)) {
      return operator.equals("ge") ? Boolean.TRUE : operator.equals("lt") ? Boolean.FALSE : null;
    }
    if (difference.times(-1).isAtLeast(0)) {
      return operator.equals("le") ? Boolean.TRUE : operator.equals("gt") ? Boolean.FALSE : null;
    }
    return null;
  }

  /** {@code and} or {@code or} of two bools. */
  TorchScalar logic(boolean and, TorchScalar a, TorchScalar b) {
    TorchScalar x = to(Kind.BOOL, a);
    TorchScalar y = to(Kind.BOOL, b);
    if (x.isConstant()) {
      return x.toBoolean() == and ? y : x;
    } else if (y.isConstant()) {
      return y.toBoolean() == and ? x : y;
    }
    return onnx.number(Kind.BOOL, onnx.op(and ? "And" : "Or", x.scalar(onnx), y.scalar(onnx)));
  }
}
