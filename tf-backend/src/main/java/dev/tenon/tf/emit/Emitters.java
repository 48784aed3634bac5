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
    Reshaping.register(ops);
    Slicing.register(ops);
    Padding.register(ops);
    Creation.register(ops);
    Gathering.register(ops);
    Scattering.register(ops);
    Selection.register(ops);
    ControlFlow.register(ops);
    Quantization.register(ops);
    Generators.register(ops);
    Losses.register(ops);
    Strings.register(ops);
    Convolutions.register(ops);
    Pooling.register(ops);
    Recurrent.register(ops);
    Attention.register(ops);
    Normalizations.register(ops);
    Activations.register(ops);
    LinearAlgebra.register(ops);
    Resizing.register(ops);
    SpaceAndDepth.register(ops);
    GridSampling.register(ops);
    Regions.register(ops);
    Patches.register(ops);
    return ops;
  }
}
