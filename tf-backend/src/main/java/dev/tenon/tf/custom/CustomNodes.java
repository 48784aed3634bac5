package dev.tenon.tf.custom;

import dev.tenon.ir.Function;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Finds the uses of custom operators in a model. */
public final class CustomNodes {
  /** Domains whose operators are standard or Tenon's own, whoever implements them. */
  private static final Set<String> STANDARD =
      Set.of(Node.ONNX_DOMAIN, "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training", "dev.tenon");

  private CustomNodes() {}

  /** True for an operator that is neither ONNX's nor Tenon's own. */
  public static boolean isCustom(Node n) {
    return !STANDARD.contains(n.domain());
  }

  /** True if the model holds a function body for the node's operator. */
  public static boolean hasBody(Node n, Model model) {
    return model.functions().containsKey(Function.Id.of(n));
  }

  /** The operator's name: domain, type, and overload if it has one, {@code aten::add.out}. */
  public static String operator(Node n) {
    return n.overload().isEmpty() ? n.qualifiedOp() : n.qualifiedOp() + "." + n.overload();
  }

  /** Operator to all its uses, subgraphs included; those that the model defines too. */
  public static Map<String, List<Node>> byOperator(Model model) {
    Map<String, List<Node>> uses = new TreeMap<>();
    model.graph().forEachNode(n -> {
      if (isCustom(n)) {
        uses.computeIfAbsent(operator(n), k -> new ArrayList<>()).add(n);
      }
    });
    return uses;
  }
}
