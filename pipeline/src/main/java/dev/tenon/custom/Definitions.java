package dev.tenon.custom;

import dev.tenon.ir.Function;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.io.OnnxReader;
import dev.tenon.tf.custom.CustomNodes;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Gives a model the bodies of operators that stand in files of their own. */
public final class Definitions {
  private Definitions() {}

  /**
   * Adds what a file defines an operator by: its function of that name, with the functions it calls, or else its graph.
   *
   * @param uses all nodes of the operator
   */
  static void add(Model model, Path file, String operator, List<Node> uses) {
    Model definition = OnnxReader.read(file);
    Function.Id id = Function.Id.of(uses.get(0));
    if (definition.functions().containsKey(id)) {
      definition.functions().forEach((other, f) -> {
        if (other.equals(id)) {
          model.addFunction(f);
        } else {
          model.functions().putIfAbsent(other, f);
        }
      });
      return;
    }
    List<Value> inputs = definition.graph().inputs().stream().filter(v -> !v.isInitializer()).toList();
    int outputs = definition.graph().outputs().size();
    for (Node n : uses) {
      if (n.inputs().size() > inputs.size() || n.outputs().size() > outputs) {
        throw BadInputException.of(file, "", "a graph of " + inputs.size() + " inputs and " + outputs + " outputs, and no function "
            + operator,
            "one of " + n.inputs().size() + " inputs and " + n.outputs().size() + " outputs, as " + operator + " has at " + n.label());
      }
    }
    definition.functions().forEach(model.functions()::putIfAbsent);
    model.addFunction(new Function(id.domain(), id.name(), id.overload(), List.of(), Map.of(), definition.opsetImports(),
        definition.graph(), ""));
  }

  /**
   * Adds the meanings that verification runs: of each operator that the model itself does not define, its {@code reference:}, else its
   * {@code definition:}.
   *
   * @return true if there was one
   */
  public static boolean addReferences(Model model, OpsFile ops) {
    boolean[] any = {false};
    CustomNodes.byOperator(model).forEach((operator, uses) -> {
      OperatorRule rule = ops.rule(operator);
      Path file = rule.reference() != null ? rule.reference() : rule.definition();
      if (file != null) {
        add(model, file, operator, uses);
        any[0] = true;
      }
    });
    return any[0];
  }
}
