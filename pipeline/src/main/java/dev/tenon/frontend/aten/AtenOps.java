package dev.tenon.frontend.aten;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The table from PyTorch's operators to their {@link Lowering}s. An entry is for all overloads of an operator, {@code aten::add}, or for
 * one, {@code aten::max.dim}, which then goes before.
 *
 * <p>In-place operators need no entry: {@code relu_} is {@code relu} and a write ({@link Aten}).
 */
public final class AtenOps {
  private final Map<String, Lowering> lowerings = new HashMap<>();
  private final Map<String, ViewScatter> scatters = new HashMap<>();

  /** All operators that are known. */
  public static AtenOps standard() {
    AtenOps ops = new AtenOps();
    AtenFamilies.registerAll(ops);
    return ops;
  }

  /** Adds operators of namespace {@code aten}: names, with or without overload, separated by spaces. */
  public AtenOps op(String names, Lowering lowering) {
    return opOf("aten", names, lowering);
  }

  /** Adds operators of another namespace. */
  public AtenOps opOf(String namespace, String names, Lowering lowering) {
    for (String name : names.split(" ")) {
      if (lowerings.put(namespace + "::" + name, lowering) != null) {
        throw new IllegalStateException(namespace + "::" + name + " is registered twice");
      }
    }
    return this;
  }

  /** Says how what is written to a view made by these operators comes back to its base. */
  public AtenOps view(String names, ViewScatter scatter) {
    for (String name : names.split(" ")) {
      scatters.put("aten::" + name, scatter);
    }
    return this;
  }

  Lowering find(Schema schema) {
    Lowering exact = lowerings.get(schema.qualifiedName());
    return exact != null ? exact : lowerings.get(schema.name());
  }

  ViewScatter scatter(Schema schema) {
    return scatters.get(schema.name());
  }

  /** Qualified names of all entries, sorted. */
  public Set<String> names() {
    return new TreeSet<>(lowerings.keySet());
  }
}
