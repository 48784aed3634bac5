package dev.tenon.tf.emit;

import dev.tenon.tf.Emitter;
import dev.tenon.tf.EmitterRegistry;

/** Functions of corresponding elements, with broadcasting. */
final class Elementwise {
  private Elementwise() {}

  static void register(EmitterRegistry ops) {
    ops.op("Add", 7, binary("AddV2"));
    ops.op("Relu", 1, unary("Relu"));
    ops.op("Identity", 1, unary("Identity"));
  }

  /** An operator that TensorFlow has under another name. */
  private static Emitter unary(String tensorflowOp) {
    return c -> c.bind(0, c.tf().call(tensorflowOp, c.in(0)));
  }

  private static Emitter binary(String tensorflowOp) {
    return c -> c.bind(0, c.tf().call(tensorflowOp, c.in(0), c.in(1)));
  }

}
