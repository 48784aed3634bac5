package dev.tenon.frontend.torchscript;

import java.util.HashMap;
import java.util.Map;

/** The table of functions that are computed at conversion time, by qualified name: {@code aten::len}, {@code prim::dtype}. */
final class Builtins {
  private final Map<String, Builtin> table = new HashMap<>();

  private Builtins() {
  }

  static Builtins standard() {
    Builtins b = new Builtins();
    RuntimeList.register(b);
    NumberBuiltins.register(b);
    ContainerBuiltins.register(b);
    TextBuiltins.register(b);
    TensorBuiltins.register(b);
    PrimBuiltins.register(b);
    return b;
  }

  /** Adds a function under several names with spaces between. */
  Builtins add(String names, Builtin f) {
    for (String name : names.split(" ")) {
      Builtin before = table.get(name);
      // A name can be of numbers, lists and strings: each says itself what is for it.
      table.put(name, before == null ? f : a -> {
        var result = before.call(a);
        return result != null ? result : f.call(a);
      });
    }
    return this;
  }

  /** The function of this name, or null. */
  Builtin find(String name) {
    return table.get(name);
  }
}
