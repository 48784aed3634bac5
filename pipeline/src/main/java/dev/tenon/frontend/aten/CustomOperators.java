package dev.tenon.frontend.aten;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostics;
import java.util.ArrayList;
import java.util.List;

/** Reports the nodes that have stayed PyTorch's own because nothing is known of their operators. */
public final class CustomOperators {
  private CustomOperators() {}

  /** Adds a warning {@code custom-operator} for each such node, with the operator's schema as far as it is known. */
  public static void report(Model model, Diagnostics diagnostics) {
    model.graph().forEachNode(n -> {
      if (n.domain().isEmpty()) {
        return;
      }
      String name = n.domain() + "::" + n.opType();
      Schema schema = Schemas.builtin().find(name, n.overload());
      String known = schema == null ? called(name, n) : schema.toString();
      diagnostics.warning("custom-operator", n, known + " has no ONNX form; it is left as an operator of domain " + n.domain(), "");
    });
  }

  /** What a call tells of the operator: {@code mine::blur(float32[1,3,8,8], sigma=…) -> float32[1,3,8,8]}. */
  private static String called(String name, Node n) {
    List<String> arguments = new ArrayList<>();
    for (Value v : n.inputs()) {
      arguments.add(v == null ? "None" : String.valueOf(v.type()));
    }
    for (Attribute a : n.attributes()) {
      arguments.add(a.name() + "=…");
    }
    List<String> results = n.outputs().stream().map(v -> v == null ? "None" : String.valueOf(v.type())).toList();
    String qualified = n.overload().isEmpty() ? name : name + "." + n.overload();
    return qualified + "(" + String.join(", ", arguments) + ") -> " + (results.size() == 1 ? results.get(0) : results.toString());
  }
}
