package dev.tenon.ir.pass;

import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Computes single values of a model that is still being built, where they depend on constants alone: a frontend asks when a decision of
 * the source program hangs on one.
 */
public final class ConstantValues {
  private static final int MAX_NODES = 200;
  private static final long MAX_BYTES = 1 << 24;

  private ConstantValues() {}

  /**
   * The elements of a value; empty if it depends on an input, or on more than is worth computing.
   *
   * @param model the model whose opsets the nodes are of
   */
  public static Optional<Tensor> of(Model model, Value v) {
    if (v.constant() != null) {
      return Optional.of(v.constant());
    }
    Set<Node> nodes = new LinkedHashSet<>();
    if (v.producer() == null || !collect(v.producer(), nodes, new HashSet<>())) {
      return Optional.empty();
    }
    return Optional.ofNullable(ConstantEvaluator.onnxRuntime().evaluate(model, List.copyOf(nodes), Set.of(v), new HashSet<>()).get(v));
  }

  /** Adds a node and, before it, those that it reads; false if an input is among what they read, or they are too many. */
  private static boolean collect(Node n, Set<Node> order, Set<Node> met) {
    if (order.contains(n)) {
      return true;
    }
    if (!met.add(n) || met.size() > MAX_NODES || !ConstantFolding.isPure(n)) {
      return false;
    }
    for (Value v : n.inputs()) {
      boolean known = v == null || (v.constant() != null ? v.constant().byteSize() <= MAX_BYTES : v.producer() != null && collect(v.producer(), order, met));
      if (!known) {
        return false;
      }
    }
    return order.add(n);
  }
}
