package dev.tenon.frontend.exported;

import java.util.List;

/**
 * A call in a program.
 *
 * @param name the name that torch.fx gave it, {@code conv2d_3}; empty in files that have none
 * @param target {@code torch.ops.aten.conv2d.default}, {@code _operator.add}, {@code torch.ops.higher_order.cond}
 * @param inputs trailing arguments that have their defaults are left out
 * @param outputs the names that later nodes use
 * @param modulePath the dotted path of the module that was running, {@code layer1.0.conv1}; empty for the model itself
 * @param moduleClass the class of that module; empty if unknown
 * @param sourceLine the innermost line of Python outside PyTorch, {@code net.py:42}; empty if unknown
 */
record FxNode(String name, String target, List<NamedArgument> inputs, List<Argument> outputs, String modulePath, String moduleClass,
    String sourceLine) {

  /**
   * An argument.
   *
   * @param name as in the operator's schema; empty for arguments of higher-order operators
   * @param keyword true if it was passed by name
   */
  record NamedArgument(String name, Argument argument, boolean keyword) {}

  FxNode {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
  }

  /** The name, or that of the first output for files which name no nodes. */
  String label() {
    if (!name.isEmpty()) {
      return name;
    }
    return !outputs.isEmpty() && outputs.get(0) instanceof Argument.Tensor t ? t.name() : target;
  }
}
