package dev.tenon.frontend.exported;

import java.util.List;

/**
 * How values are nested in Python containers.
 *
 * @param type the container's class, {@code builtins.dict}; empty for a leaf
 * @param context what the container knows beside its children, as JSON: the keys of a dictionary, the class of a named tuple
 */
record PytreeSpec(String type, String context, List<PytreeSpec> children) {
  static final PytreeSpec LEAF = new PytreeSpec("", "", List.of());

  PytreeSpec {
    children = List.copyOf(children);
  }

  boolean isLeaf() {
    return type.isEmpty();
  }

  /** The number of leaves. */
  int leaves() {
    return isLeaf() ? 1 : children.stream().mapToInt(PytreeSpec::leaves).sum();
  }
}
