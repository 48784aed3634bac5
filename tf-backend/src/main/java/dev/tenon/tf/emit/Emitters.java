package dev.tenon.tf.emit;

import dev.tenon.tf.EmitterRegistry;

/** Every emitter Tenon has: one line a family, and in each family one line an operator. */
public final class Emitters {
  private Emitters() {}

  public static EmitterRegistry all() {
    EmitterRegistry ops = new EmitterRegistry();
    Elementwise.register(ops);
    Logic.register(ops);
    Casting.register(ops);
    Reductions.register(ops);
    Convolutions.register(ops);
    Pooling.register(ops);
    Normalizations.register(ops);
    Activations.register(ops);
    ops.op("Transpose", 1, c -> c.bind(0, c.tf().transpose(c.in(0), java.util.Arrays.stream(c.node().intsAttr("perm", null)).mapToInt(v -> (int) v).toArray())));
    return ops;
  }
}
