package dev.tenon.ir.function;

import dev.tenon.ir.Function;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import java.util.Set;
import java.util.TreeSet;

/** Whether a function's body means the same under the opsets of the model that it is put into. */
public final class FunctionOpsets {
  private FunctionOpsets() {}

  /** The operators of the body that changed between its opset and the model's; empty if the body can be taken over as it is. */
  public static Set<String> changedOperators(Function f, Model model) {
    Set<String> changed = new TreeSet<>();
    int from = f.opsetImports().getOrDefault(Node.ONNX_DOMAIN, model.opset());
    int to = model.opset();
    if (from != to) {
      f.body().forEachNode(n -> {
        if (n.domain().isEmpty() && !OperatorVersions.meansTheSame(n.opType(), from, to)) {
          changed.add(n.opType());
        }
      });
    }
    return changed;
  }
}
