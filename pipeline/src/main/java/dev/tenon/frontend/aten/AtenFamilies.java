package dev.tenon.frontend.aten;

import dev.tenon.frontend.aten.ops.Activations;
import dev.tenon.frontend.aten.ops.Convolutions;
import dev.tenon.frontend.aten.ops.Elementwise;
import dev.tenon.frontend.aten.ops.Views;

/** The families of operators, a class each: an operator is added in its family's {@code register}. */
final class AtenFamilies {
  private AtenFamilies() {}

  static void registerAll(AtenOps ops) {
    Activations.register(ops);
    Convolutions.register(ops);
    Elementwise.register(ops);
    Views.register(ops);
  }
}
