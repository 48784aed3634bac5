package dev.tenon.frontend.exported;

/**
 * The name of what a node calls, taken apart: {@code torch.ops.aten.add.Tensor} is operator {@code aten::add}, overload {@code Tensor}.
 *
 * @param namespace {@code aten}; {@code higher_order} for operators that take graphs; empty for plain Python functions
 * @param name {@code add}; of a Python function the whole target, {@code _operator.add}
 * @param overload empty for the unnamed one
 */
record Targets(String namespace, String name, String overload) {
  static final String HIGHER_ORDER = "higher_order";
  private static final String OPS = "torch.ops.";

  static Targets of(String target) {
    if (!target.startsWith(OPS)) {
      // A registered kind of operator, "#namespace:name", or a function.
      int colon = target.indexOf(':');
      return target.startsWith("#") && colon > 1 ? new Targets(target.substring(1, colon), target.substring(colon + 1), "")
          : new Targets("", target, "");
    }
    String rest = target.substring(OPS.length());
    int dot = rest.indexOf('.');
    if (dot < 0) {
      return new Targets("", target, "");
    }
    String namespace = rest.substring(0, dot);
    String name = rest.substring(dot + 1);
    int second = name.lastIndexOf('.');
    if (second < 0 || namespace.equals(HIGHER_ORDER)) {
      return new Targets(namespace, name, "");
    }
    String overload = name.substring(second + 1);
    return new Targets(namespace, name.substring(0, second), overload.equals("default") ? "" : overload);
  }

  /** {@code aten::add}. */
  String qualified() {
    return namespace + "::" + name;
  }

  boolean isHigherOrder() {
    return namespace.equals(HIGHER_ORDER);
  }

  boolean isFunction() {
    return namespace.isEmpty();
  }
}
