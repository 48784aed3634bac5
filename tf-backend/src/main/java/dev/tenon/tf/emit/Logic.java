package dev.tenon.tf.emit;

import dev.tenon.tf.EmitContext;
import dev.tenon.tf.Emitter;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.Tf;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** Comparisons, logical and bitwise operators, and the choice between two tensors. */
final class Logic {
  private Logic() {}

  static void register(EmitterRegistry ops) {
    ops.op("Equal", 1, binary("Equal"));
    ops.op("Less", 1, binary("Less"));
    ops.op("Greater", 1, binary("Greater"));
    ops.op("LessOrEqual", 12, binary("LessEqual"));
    ops.op("GreaterOrEqual", 12, binary("GreaterEqual"));
    ops.op("And", 1, binary("LogicalAnd"));
    ops.op("Or", 1, binary("LogicalOr"));
    ops.op("Xor", 1, binary("NotEqual"));
    ops.op("Not", 1, unary("LogicalNot"));
    ops.op("BitwiseAnd", 18, binary("BitwiseAnd"));
    ops.op("BitwiseOr", 18, binary("BitwiseOr"));
    ops.op("BitwiseXor", 18, binary("BitwiseXor"));
    ops.op("BitwiseNot", 18, unary("Invert"));
    ops.op("BitShift", 11, Logic::bitShift);
    ops.op("IsNaN", 9, Logic::isNaN);
    ops.op("IsInf", 10, Logic::isInf);
    ops.op("Where", 9, c -> c.bind(0, c.tf().select(c.in(0), c.in(1), c.in(2))));
  }

  private static Emitter unary(String tensorflowOp) {
    return c -> c.bind(0, c.tf().call(tensorflowOp, c.in(0)));
  }

  private static Emitter binary(String tensorflowOp) {
    return c -> c.bind(0, c.tf().call(tensorflowOp, Broadcasting.operands(c)));
  }

  /** A shift by the width or more, or by a negative amount (as unsigned, a large one), pushes all bits out; right shifts keep the sign. */
  private static void bitShift(EmitContext c) {
    Tf tf = c.tf();
    boolean left = c.node().stringAttr("direction", "").equals("LEFT");
    Output<?>[] xs = Broadcasting.operands(c);
    Output<?> x = xs[0];
    Output<?> shift = xs[1];
    int width = c.dtype(0).bits();
    long[] known = c.constantLongs(1);
    if (known != null && java.util.Arrays.stream(known).allMatch(s -> s >= 0 && s < width)) {
      c.bind(0, tf.call(left ? "LeftShift" : "RightShift", x, shift));
      return;
    }
    boolean unsigned = Kernels.isUnsigned(x.dataType());
    Output<?> inside = tf.call("Less", shift, tf.scalarLike(shift, width));
    if (!unsigned) {
      inside = tf.call("LogicalAnd", inside, tf.call("GreaterEqual", shift, tf.scalarLike(shift, 0)));
    }
    if (!left && !unsigned) {
      c.bind(0, tf.call("RightShift", x, tf.select(inside, shift, tf.scalarLike(shift, width - 1))));
    } else {
      c.bind(0, tf.select(inside, tf.call(left ? "LeftShift" : "RightShift", x, shift), tf.scalarLike(x, 0)));
    }
  }

  private static void isNaN(EmitContext c) {
    Output<?> x = c.in(0);
    DataType inner = Kernels.within(Kernels.FLOATS, x.dataType());
    c.bind(0, c.tf().call("IsNan", c.tf().cast(x, inner)));
  }

  private static void isInf(EmitContext c) {
    boolean negative = c.node().intAttr("detect_negative", 1) != 0;
    boolean positive = c.node().intAttr("detect_positive", 1) != 0;
    Tf tf = c.tf();
    Output<?> x = tf.cast(c.in(0), Kernels.within(Kernels.FLOATS, c.in(0).dataType()));
    if (negative && positive) {
      c.bind(0, tf.call("IsInf", x));
    } else if (negative || positive) {
      c.bind(0, tf.call("Equal", x, tf.scalarLike(x, positive ? Double.POSITIVE_INFINITY : Double.NEGATIVE_INFINITY)));
    } else {
      c.bind(0, tf.call("ZerosLike", tf.call("IsInf", x)));
    }
  }
}
