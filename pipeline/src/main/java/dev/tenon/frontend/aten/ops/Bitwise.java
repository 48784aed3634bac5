package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Value;

/** Operators on the bits of integers; on bools the logical ones. */
public final class Bitwise {
  private Bitwise() {}

  public static void register(AtenOps ops) {
    ops.op("bitwise_and __and__ __iand__", c -> bitwise(c, "And")).op("bitwise_or __or__ __ior__", c -> bitwise(c, "Or"));
    ops.op("bitwise_xor __xor__ __ixor__", c -> bitwise(c, "Xor"));
    ops.op("bitwise_not", c -> c.result(c.onnx().op(c.dtypeOf("self") == DataType.BOOL ? "Not" : "BitwiseNot", c.tensor("self"))));
    ops.op("bitwise_left_shift __lshift__ __ilshift__", Bitwise::shiftLeft).op("bitwise_right_shift __rshift__ __irshift__", Bitwise::shiftRight);
  }

  private static TorchValue bitwise(AtenCall c, String opType) {
    DataType t = c.promoted("self", "other");
    return c.result(c.onnx().op(t == DataType.BOOL ? opType : "Bitwise" + opType, c.tensor("self", t), c.tensor("other", t)));
  }

  /** ONNX shifts unsigned numbers only: a shift is a product with, or a division rounded down by, a power of two. */
  private static TorchValue shiftLeft(AtenCall c) {
    Onnx o = c.onnx();
    DataType t = c.promoted("self", "other");
    Value product = o.mul(c.tensor("self", DataType.INT64), powerOfTwo(c));
    return c.result(o.cast(product, t));
  }

  private static TorchValue shiftRight(AtenCall c) {
    Onnx o = c.onnx();
    DataType t = c.promoted("self", "other");
    Value x = c.tensor("self", DataType.INT64);
    Value divisor = powerOfTwo(c);
    return c.result(o.cast(o.div(o.sub(x, o.op("Mod", x, divisor)), divisor), t));
  }

  private static Value powerOfTwo(AtenCall c) {
    return c.onnx().op("Pow", c.onnx().scalar(DataType.INT64, 2), c.tensor("other", DataType.INT64));
  }
}
