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
import dev.tenon.ir.Shape;
import dev.tenon.ir.Value;
import java.util.List;

/** Comparisons, truth, choice between tensors by it, and tensors as numbers of Python. */
public final class Logic {
  private Logic() {}

  public static void register(AtenOps ops) {
    ops.op("eq", c -> comparison(c, "Equal")).op("ne not_equal", Logic::notEqual);
    ops.op("lt less", c -> comparison(c, "Less")).op("le less_equal", c -> comparison(c, "LessOrEqual"));
    ops.op("gt greater", c -> comparison(c, "Greater")).op("ge greater_equal", c -> comparison(c, "GreaterOrEqual"));
    ops.op("logical_and", c -> logical(c, "And")).op("logical_or", c -> logical(c, "Or")).op("logical_xor", c -> logical(c, "Xor"));
    ops.op("logical_not", c -> c.result(c.onnx().op("Not", c.tensor("self", DataType.BOOL))));

    ops.op("isnan", c -> ofFloats(c, "IsNaN", 1, 1)).op("isinf", c -> ofFloats(c, "IsInf", 1, 1));
    ops.op("isposinf", c -> ofFloats(c, "IsInf", 0, 1)).op("isneginf", c -> ofFloats(c, "IsInf", 1, 0)).op("isfinite", Logic::isFinite);
    ops.op("isclose", c -> c.result(isClose(c))).op("allclose", c -> truth(c, Kernels.reduce(c.onnx(), "ReduceMin", isClose(c), false)));
    ops.op("equal", Logic::equal);

    ops.op("where", Logic::where).op("masked_fill", Logic::maskedFill);
    ops.op("item _local_scalar_dense", c -> number(c, "self")).op("is_nonzero", c -> truth(c, scalarOf(c, "self")));
    ops.op("ScalarImplicit IntImplicit FloatImplicit", c -> number(c, "a"));
    ops.op("Int.Tensor", c -> c.onnx().number(TorchScalar.Kind.INT, scalarOf(c, "a")));
    ops.op("Float.Tensor", c -> c.onnx().number(TorchScalar.Kind.FLOAT, scalarOf(c, "a")));
    ops.op("Bool.Tensor", c -> truth(c, scalarOf(c, "a")));
    ops.op("_is_all_true", c -> c.result(Kernels.reduce(c.onnx(), "ReduceMin", c.tensor("self"), false)));
    ops.op("_is_any_true", c -> c.result(Kernels.reduce(c.onnx(), "ReduceMax", c.tensor("self"), false)));
    ops.op("isin", Logic::isIn);
    ops.op("bucketize", c -> c.result(sortedPlaces(c, c.tensor("boundaries"), c.bool("right"))));
    ops.op("searchsorted", Logic::searchSorted);
  }

  // ---- comparisons ----

  private static Value compare(AtenCall c, String opType) {
    DataType t = c.promoted("self", "other");
    DataType wide = Kernels.typeFor(opType, t);
    return c.onnx().op(opType, c.onnx().cast(c.tensor("self", t), wide), c.onnx().cast(c.tensor("other", t), wide));
  }

  private static TorchValue comparison(AtenCall c, String opType) {
    return c.result(compare(c, opType));
  }

  private static TorchValue notEqual(AtenCall c) {
    return c.result(c.onnx().op("Not", compare(c, "Equal")));
  }

  private static TorchValue logical(AtenCall c, String opType) {
    return c.result(c.onnx().op(opType, c.tensor("self", DataType.BOOL), c.tensor("other", DataType.BOOL)));
  }

  // ---- kinds of numbers ----

  private static TorchValue ofFloats(AtenCall c, String opType, int negative, int positive) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    if (!x.dtype().isFloat()) {
      return c.result(Filling.full(o, o.sizes(x), DataType.BOOL, TorchScalar.of(false)));
    }
    if (negative + positive == 2) {
      return c.result(o.op(opType, x));
    }
    return c.result(o.node(opType).in(x).attr("detect_negative", negative).attr("detect_positive", positive).out());
  }

  private static TorchValue isFinite(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    if (!x.dtype().isFloat()) {
      return c.result(Filling.full(o, o.sizes(x), DataType.BOOL, TorchScalar.of(true)));
    }
    return c.result(o.op("Not", o.op("Or", o.op("IsNaN", x), o.op("IsInf", x))));
  }

  // ---- nearness ----

  /** Equal, or no further apart than {@code atol + rtol * |other|}. */
  private static Value isClose(AtenCall c) {
    Onnx o = c.onnx();
    DataType t = Promotion.floating(c.promoted("self", "other"));
    Value a = c.tensor("self", t);
    Value b = c.tensor("other", t);
    Value allowed = o.add(o.scalar(t, c.number("atol")), o.op("Abs", o.mul(o.scalar(t, c.number("rtol")), b)));
    Value distance = o.op("Abs", o.sub(a, b));
    Value near = o.op("And", o.op("LessOrEqual", distance, allowed), o.op("Not", o.op("IsInf", distance)));
    Value close = o.op("Or", o.op("Equal", a, b), near);
    return c.bool("equal_nan") ? o.op("Or", close, o.op("And", o.op("IsNaN", a), o.op("IsNaN", b))) : close;
  }

  private static TorchValue equal(AtenCall c) {
    if (!sameShape(c)) {
      return TorchScalar.of(false);
    }
    return truth(c, Kernels.reduce(c.onnx(), "ReduceMin", compare(c, "Equal"), false));
  }

  /** Whether each element is equal to one of the others. */
  private static TorchValue isIn(AtenCall c) {
    Onnx o = c.onnx();
    String elements = c.has("elements") ? "elements" : "element";
    String others = c.has("test_elements") ? "test_elements" : "test_element";
    DataType t = c.promoted(elements, others);
    Value x = c.tensor(elements, t);
    Value any = o.op("Equal", o.unsqueeze(x, o.rank(x)), o.reshape(c.tensor(others, t), -1));
    // Counted: there may be no others.
    Value count = o.reduce("ReduceSum", o.cast(any, DataType.INT64), false, -1);
    Value zero = o.scalar(DataType.INT64, 0L);
    return c.result(o.op(c.bool("invert") ? "Equal" : "Greater", count, zero));
  }

  /** Whether two tensors have one shape, which must be known. */
  static boolean sameShape(AtenCall c) {
    Shape a = c.shape("self");
    Shape b = c.shape("other");
    if (c.rank("self") != c.rank("other")) {
      return false;
    }
    boolean same = true;
    for (int i = 0; i < a.rank(); i++) {
      if (a.dim(i).provablyDiffers(b.dim(i))) {
        return false;
      }
      same &= a.dim(i).equals(b.dim(i));
    }
    if (!same) {
      throw c.unsupported("whether the shapes " + a + " and " + b + " are equal is not known at conversion time");
    }
    return true;
  }

  // ---- choice ----

  private static TorchValue where(AtenCall c) {
    if (!c.has("self")) {
      return Selecting.nonzeroVectors(c, "condition");
    }
    DataType t = c.promoted("self", "other");
    return c.result(Kernels.where(c.onnx(), c.tensor("condition", DataType.BOOL), c.tensor("self", t), c.tensor("other", t)));
  }

  private static TorchValue maskedFill(AtenCall c) {
    Value x = c.tensor("self");
    return c.result(Kernels.where(c.onnx(), c.tensor("mask", DataType.BOOL), c.tensor("value", x.dtype()), x));
  }

  // ---- numbers of Python ----

  /** The only element of a tensor, of rank 0. */
  private static Value scalarOf(AtenCall c, String parameter) {
    Value x = c.tensor(parameter);
    return x.rank() == 0 ? x : c.onnx().reshape(x, List.of());
  }

  private static TorchValue number(AtenCall c, String parameter) {
    DataType t = c.dtypeOf(parameter);
    TorchScalar.Kind kind = t == DataType.BOOL ? TorchScalar.Kind.BOOL : t.isFloat() ? TorchScalar.Kind.FLOAT : TorchScalar.Kind.INT;
    return c.onnx().number(kind, scalarOf(c, parameter));
  }

  private static TorchValue truth(AtenCall c, Value v) {
    return c.onnx().number(TorchScalar.Kind.BOOL, v);
  }

  // ---- places in sorted sequences ----

  private static TorchValue searchSorted(AtenCall c) {
    if (!c.isNone("sorter")) {
      throw c.unsupported("a sorter");
    }
    boolean right = c.bool("right") || c.get("side") instanceof TorchString s && s.text().equals("right");
    return c.result(sortedPlaces(c, c.tensor("sorted_sequence"), right));
  }

  /** The number of boundaries below a value, or not above it: where it would be inserted. NaN is above everything. */
  private static Value sortedPlaces(AtenCall c, Value boundaries, boolean right) {
    Onnx o = c.onnx();
    boolean isNumber = !(c.get("self") instanceof TorchTensor);
    Value x = c.tensor("self");
    DataType t = Promotion.join(boundaries.dtype(), x.dtype());
    Value values = o.unsqueeze(o.cast(x, t), isNumber ? 0 : o.rank(x));
    Value each = o.cast(boundaries, t);
    // A sequence for each row stands opposite to the row's values.
    if (o.rank(boundaries) > 1) {
      each = o.unsqueeze(each, boundaries.rank() - 1);
    }
    Value above = o.op(right ? "Greater" : "GreaterOrEqual", each, values);
    Value count = o.reduce("ReduceSum", o.cast(o.op("Not", above), DataType.INT64), false, -1);
    return c.bool("out_int32") ? o.cast(count, DataType.INT32) : count;
  }
}
