package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.Promotion;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchString;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.List;

/** Arithmetic of several operands, with broadcasting and type promotion. */
public final class Elementwise {
  private Elementwise() {}

  public static void register(AtenOps ops) {
    ops.op("add", c -> addition(c, "Add", "self", "other")).op("sub subtract", c -> addition(c, "Sub", "self", "other"));
    ops.op("rsub", c -> addition(c, "Sub", "other", "self"));
    ops.op("mul multiply", c -> binary(c, "Mul"));
    ops.op("div divide", Elementwise::div).op("true_divide", c -> c.result(trueDivide(c))).op("floor_divide", c -> c.result(floorDivide(c)));
    ops.op("remainder", Elementwise::remainder).op("fmod", Elementwise::fmod);
    ops.op("pow", Elementwise::pow).op("float_power", Elementwise::floatPower).op("ldexp", Elementwise::ldexp);

    ops.op("maximum max.other", c -> binary(c, "Max")).op("minimum min.other", c -> binary(c, "Min"));
    ops.op("fmax", c -> ignoringNan(c, "Max")).op("fmin", c -> ignoringNan(c, "Min"));
    ops.op("clamp clip clamp_min clamp_max", Elementwise::clamp);

    ops.op("addcmul", c -> addProduct(c, "Mul")).op("addcdiv", c -> addProduct(c, "Div"));
    ops.op("lerp", Elementwise::lerp).op("atan2 arctan2", Elementwise::atan2).op("hypot", Elementwise::hypot);
    ops.op("copysign", Elementwise::copysign).op("xlogy special_xlogy special_xlog1py", Elementwise::xlogy).op("heaviside", Elementwise::heaviside);
    ops.op("logaddexp", c -> logAddExp(c, false)).op("logaddexp2", c -> logAddExp(c, true));
  }

  /** A binary operator in the common type of both sides. Products of bools are conjunctions, as are their minima. */
  private static TorchValue binary(AtenCall c, String opType) {
    DataType t = c.promoted("self", "other");
    if (t == DataType.BOOL) {
      return c.result(c.onnx().op(opType.equals("Max") ? "Or" : "And", c.tensor("self"), c.tensor("other")));
    }
    return c.result(Kernels.op(c.onnx(), opType, c.tensor("self", t), c.tensor("other", t)));
  }

  /** {@code left ± alpha * right}. */
  private static TorchValue addition(AtenCall c, String opType, String left, String right) {
    Onnx o = c.onnx();
    DataType t = c.promoted("self", "other");
    if (t == DataType.BOOL && opType.equals("Add")) {
      return c.result(o.op("Or", c.tensor(left, t), c.tensor(right, t)));
    }
    Value scaled = c.tensor(right, t);
    TorchScalar alpha = c.has("alpha") ? c.scalar("alpha") : TorchScalar.of(1);
    if (!alpha.is(1)) {
      scaled = o.mul(scaled, alpha.scalar(o, t));
    }
    return c.result(o.op(opType, c.tensor(left, t), scaled));
  }

  // ---- division ----

  private static TorchValue div(AtenCall c) {
    String mode = c.has("rounding_mode") && c.get("rounding_mode") instanceof TorchString s ? s.text() : "";
    return c.result(switch (mode) {
      case "" -> trueDivide(c);
      case "floor" -> floorDivide(c);
      case "trunc" -> truncDivide(c);
      default -> throw c.unsupported("rounding_mode '" + mode + "'");
    });
  }

  private static Value trueDivide(AtenCall c) {
    DataType t = Promotion.floating(c.promoted("self", "other"));
    return c.onnx().div(c.tensor("self", t), c.tensor("other", t));
  }

  private static Value truncDivide(AtenCall c) {
    Onnx o = c.onnx();
    DataType t = c.promoted("self", "other");
    // Integers are divided towards zero as it is.
    return Functions.trunc(o, o.div(c.tensor("self", t), c.tensor("other", t)));
  }

  private static Value floorDivide(AtenCall c) {
    Onnx o = c.onnx();
    DataType t = c.promoted("self", "other");
    Value a = c.tensor("self", t);
    Value b = c.tensor("other", t);
    if (!t.isFloat()) {
      return t.isSigned() ? o.div(o.sub(a, o.op("Mod", a, b)), b) : o.div(a, b);
    }
    // As in Python: floor(a / b) would be one too much where a / b is rounded up to an integer, as 1.0 / 0.1 is.
    Value zero = o.scalar(t, 0);
    Value remainder = o.node("Mod").in(a, b).attr("fmod", 1).out();
    Value quotient = o.div(o.sub(a, remainder), b);
    Value below = o.op("And", o.op("Not", o.op("Equal", remainder, zero)), o.op("Xor", o.op("Less", remainder, zero), o.op("Less", b, zero)));
    Value whole = o.op("Round", o.sub(quotient, o.cast(below, t)));
    boolean neverZero = c.get("other") instanceof TorchScalar s && s.isConstant() && !s.is(0);
    return neverZero ? whole : o.where(o.op("Equal", b, zero), o.div(a, b), whole);
  }

  /** The remainder with the sign of the divisor. */
  private static TorchValue remainder(AtenCall c) {
    Onnx o = c.onnx();
    DataType t = c.promoted("self", "other");
    Value a = c.tensor("self", t);
    Value b = c.tensor("other", t);
    if (!t.isFloat()) {
      return c.result(o.op("Mod", a, b));
    }
    Value zero = o.scalar(t, 0);
    Value r = o.node("Mod").in(a, b).attr("fmod", 1).out();
    Value otherSign = o.op("Less", o.mul(o.op("Sign", r), b), zero);
    return c.result(o.where(otherSign, o.add(r, b), r));
  }

  /** The remainder with the sign of the dividend. */
  private static TorchValue fmod(AtenCall c) {
    DataType t = c.promoted("self", "other");
    return c.result(c.onnx().node("Mod").in(c.tensor("self", t), c.tensor("other", t)).attr("fmod", 1).out());
  }

  // ---- powers ----

  private static TorchValue pow(AtenCall c) {
    return c.result(power(c, c.promoted("self", "exponent")));
  }

  private static TorchValue floatPower(AtenCall c) {
    return c.result(power(c, DataType.DOUBLE));
  }

  private static Value power(AtenCall c, DataType t) {
    Onnx o = c.onnx();
    Value x = c.tensor("self", t);
    if (t.isFloat() && c.get("exponent") instanceof TorchScalar s) {
      // PyTorch's own special cases.
      if (s.is(0.5)) {
        return o.op("Sqrt", x);
      } else if (s.is(-0.5)) {
        return o.op("Reciprocal", o.op("Sqrt", x));
      } else if (s.is(-1)) {
        return o.op("Reciprocal", x);
      } else if (s.is(1)) {
        return x;
      }
    }
    return Kernels.op(o, "Pow", x, c.tensor("exponent", t));
  }

  private static TorchValue ldexp(AtenCall c) {
    Onnx o = c.onnx();
    DataType t = Promotion.floating(c.promoted("self", "other"));
    return c.result(o.mul(c.tensor("self", t), o.op("Pow", o.scalar(t, 2.0), c.tensor("other", t))));
  }

  // ---- extrema ----

  /** The other operand where one is NaN. */
  private static TorchValue ignoringNan(AtenCall c, String opType) {
    Onnx o = c.onnx();
    DataType t = c.promoted("self", "other");
    if (!t.isFloat()) {
      return binary(c, opType);
    }
    Value a = c.tensor("self", t);
    Value b = c.tensor("other", t);
    return c.result(o.where(o.op("IsNaN", a), b, o.where(o.op("IsNaN", b), a, o.op(opType, a, b))));
  }

  /** Bounds may be numbers or tensors; where the lower is above the upper, the upper holds. NaN stays. */
  private static TorchValue clamp(AtenCall c) {
    Onnx o = c.onnx();
    List<TorchValue> operands = new ArrayList<>(List.of(c.get("self")));
    boolean tensors = false;
    boolean computed = false;
    for (String bound : new String[] {"min", "max"}) {
      if (c.has(bound) && !c.isNone(bound)) {
        operands.add(c.get(bound));
        tensors |= c.get(bound) instanceof TorchTensor t && t.rank() != 0;
        computed |= !(c.get(bound) instanceof TorchScalar s && s.isConstant());
      }
    }
    DataType t = Promotion.of(operands);
    Value x = c.tensor("self", t);
    Value min = c.has("min") && !c.isNone("min") ? c.tensor("min", t) : null;
    Value max = c.has("max") && !c.isNone("max") ? c.tensor("max", t) : null;
    boolean crossed = computed || min != null && max != null && c.number("min") > c.number("max");
    if (tensors || crossed || t == DataType.BOOL) {
      Value raised = min == null ? x : Kernels.op(o, "Max", x, min);
      return c.result(max == null ? raised : Kernels.op(o, "Min", raised, max));
    }
    return c.result(Kernels.op(o, "Clip", x, min, max));
  }

  // ---- more operands ----

  /** {@code self + value * tensor1 (* or /) tensor2}. */
  private static TorchValue addProduct(AtenCall c, String opType) {
    Onnx o = c.onnx();
    DataType t = c.promoted("self", "tensor1", "tensor2");
    Value product = o.op(opType, c.tensor("tensor1", t), c.tensor("tensor2", t));
    TorchScalar value = c.scalar("value");
    return c.result(o.add(c.tensor("self", t), value.is(1) ? product : o.mul(product, value.scalar(o, t))));
  }

  /** {@code self + weight * (end - self)}, reckoned from the nearer end. */
  private static TorchValue lerp(AtenCall c) {
    Onnx o = c.onnx();
    DataType t = c.dtypeOf("self");
    Value start = c.tensor("self");
    Value end = c.tensor("end", t);
    Value w = c.tensor("weight", t);
    Value difference = o.sub(end, start);
    boolean constant = c.get("weight") instanceof TorchScalar s && s.isConstant();
    Value fromStart = constant && Math.abs(c.number("weight")) >= 0.5 ? null : o.add(start, o.mul(w, difference));
    Value fromEnd = constant && fromStart != null ? null : o.sub(end, o.mul(difference, o.sub(o.scalar(t, 1), w)));
    if (fromStart == null || fromEnd == null) {
      return c.result(fromStart == null ? fromEnd : fromStart);
    }
    return c.result(o.where(o.op("Less", o.op("Abs", w), o.scalar(t, 0.5)), fromStart, fromEnd));
  }

  private static TorchValue atan2(AtenCall c) {
    Onnx o = c.onnx();
    DataType t = Promotion.floating(c.promoted("self", "other"));
    Value y = c.tensor("self", t);
    Value x = c.tensor("other", t);
    Value zero = o.scalar(t, 0);
    Value width = o.op("Abs", x);
    // Equal ones would be 0/0 or inf/inf at the ends.
    Value ratio = o.where(o.op("Equal", o.op("Abs", y), width), o.op("Sign", y), o.div(y, width));
    Value angle = o.op("Atan", ratio);
    Value halfTurn = o.where(o.op("Less", y, zero), o.scalar(t, -Math.PI), o.scalar(t, Math.PI));
    return c.result(o.where(o.op("Less", x, zero), o.sub(halfTurn, angle), angle));
  }

  private static TorchValue hypot(AtenCall c) {
    Onnx o = c.onnx();
    DataType t = c.promoted("self", "other");
    // The squares of large float32 numbers are none.
    Value a = c.tensor("self", DataType.DOUBLE);
    Value b = c.tensor("other", DataType.DOUBLE);
    return c.result(o.cast(o.op("Sqrt", o.add(o.mul(a, a), o.mul(b, b))), t));
  }

  private static TorchValue copysign(AtenCall c) {
    Onnx o = c.onnx();
    DataType t = Promotion.floating(c.promoted("self", "other"));
    Value size = o.op("Abs", c.tensor("self", t));
    Value sign = c.tensor("other", t);
    Value zero = o.scalar(t, 0);
    // Minus zero is seen by its reciprocal.
    Value negative = o.op("Or", o.op("Less", sign, zero), o.op("Less", o.op("Reciprocal", sign), zero));
    return c.result(o.where(negative, o.op("Neg", size), size));
  }

  /** {@code self * log(other)} or {@code self * log(1 + other)}, zero where self is. */
  private static TorchValue xlogy(AtenCall c) {
    Onnx o = c.onnx();
    DataType t = Promotion.floating(c.promoted("self", "other"));
    Value x = c.tensor("self", t);
    Value y = c.tensor("other", t);
    Value product = o.mul(x, c.schema().baseName().equals("special_xlog1py") ? Functions.log1p(o, y) : o.op("Log", y));
    Value zeroed = o.where(o.op("Equal", x, o.scalar(t, 0)), o.scalar(t, 0), product);
    return c.result(o.where(o.op("IsNaN", y), y, zeroed));
  }

  /** The unit step; {@code values} at zero. */
  private static TorchValue heaviside(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    Value zero = o.scalar(x.dtype(), 0);
    Value step = o.cast(o.op("Greater", x, zero), x.dtype());
    return c.result(Kernels.where(o, o.op("Equal", x, zero), c.tensor("values", x.dtype()), step));
  }

  /** {@code log(exp(self) + exp(other))}, to base e or 2. */
  private static TorchValue logAddExp(AtenCall c, boolean base2) {
    Onnx o = c.onnx();
    DataType t = Promotion.floating(c.promoted("self", "other"));
    Value a = c.tensor("self", t);
    Value b = c.tensor("other", t);
    // Equal infinities have no difference.
    Value difference = o.where(o.op("Equal", a, b), o.scalar(t, 0), o.op("Abs", o.sub(a, b)));
    Value small = o.op("Neg", difference);
    Value scale = o.scalar(t, Math.log(2));
    Value log = Functions.log1p(o, o.op("Exp", base2 ? o.mul(small, scale) : small));
    return c.result(o.add(o.op("Max", a, b), base2 ? o.div(log, scale) : log));
  }
}
