package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.aten.TorchValue;

/** A function of TorchScript that is computed here rather than by an operator of the graph. */
@FunctionalInterface
interface Builtin {
  /** The result, or null if these arguments are not for this function but for the ATen operator of the same name. */
  TorchValue call(Arguments a);
}
