package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.aten.TorchValue;
import java.util.HashMap;
import java.util.Map;

/** One call in progress: its variables, the module that it is part of, and the statement at hand. */
final class Frame {
  final Ast.Unit unit;
  /** The path of the module that the innermost method belongs to. */
  final String modulePath;
  /** The frame that a nested function was defined in, or null. */
  final Frame around;
  Map<String, TorchValue> variables = new HashMap<>();
  /** The result once {@code return} has been reached; null before. */
  TorchValue result;
  Ast.Position at;

  Frame(Ast.Unit unit, String modulePath, Frame around, Ast.Position at) {
    this.unit = unit;
    this.modulePath = modulePath;
    this.around = around;
    this.at = at;
  }

  /** A variable's value, or null if there is no such variable. */
  TorchValue find(String name) {
    TorchValue v = variables.get(name);
    return v != null || around == null ? v : around.find(name);
  }
}
