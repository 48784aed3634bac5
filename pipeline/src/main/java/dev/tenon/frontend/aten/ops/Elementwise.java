package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Value;

/** Arithmetic with broadcasting and type promotion. */
public final class Elementwise {
  private Elementwise() {}

  public static void register(AtenOps ops) {
    ops.op("add", c -> addition(c, "Add", "self", "other")).op("sub subtract", c -> addition(c, "Sub", "self", "other"));
    ops.op("rsub", c -> addition(c, "Sub", "other", "self"));
    ops.op("mul multiply", c -> binary(c, "Mul"));
  }

  /** A binary operator in the common type of both sides. */
  private static TorchValue binary(AtenCall c, String opType) {
    DataType t = c.promoted("self", "other");
    if (t == DataType.BOOL) {
      return c.result(c.onnx().op("And", c.tensor("self"), c.tensor("other")));
    }
    return c.result(c.onnx().op(opType, c.tensor("self", t), c.tensor("other", t)));
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
}
