package dev.tenon.verify;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.json.Json;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Every intermediate tensor of the source that a TensorFlow tensor holds, compared.
 *
 * @param layers in order of execution
 * @param sourceValues how many values the source computes, those without a counterpart included
 */
public record LayerReport(List<Layer> layers, int sourceValues) {

  /**
   * One tensor.
   *
   * @param value its name in the source
   * @param node the node that computes it, as the source names it
   * @param op the node's operator
   * @param module dotted path of the PyTorch module; empty if unknown
   * @param tensor TensorFlow's tensor
   */
  public record Layer(String value, String node, String op, String module, String tensor, TensorComparison error, double tolerance) {
    public boolean ok() {
      return error.within(tolerance);
    }
  }

  /** The first in order of execution that differs by more than the tolerance. */
  public Optional<Layer> firstDivergence() {
    return layers.stream().filter(l -> !l.ok()).findFirst();
  }

  /** The layers with the greatest errors, what cannot be compared before all. */
  public List<Layer> worst(int count) {
    Comparator<Layer> byError = Comparator.comparingDouble(l -> l.error.problem().isEmpty() ? l.error.scaled() : Double.MAX_VALUE);
    return layers.stream().sorted(byError.reversed()).limit(count).toList();
  }

  ObjectNode toJson() {
    ObjectNode o = Json.object();
    o.put("compared", layers.size()).put("source_values", sourceValues);
    firstDivergence().ifPresent(l -> o.put("first_divergence", l.node));
    ArrayNode a = o.putArray("tensors");
    for (Layer l : layers) {
      ObjectNode n = a.addObject().put("value", l.value).put("node", l.node).put("op", l.op).put("module", l.module)
          .put("tensor", l.tensor).put("ok", l.ok());
      if (!l.error.problem().isEmpty()) {
        n.put("problem", l.error.problem());
      }
      Json.putRounded(n, "max_abs_error", l.error.maxAbsolute());
      Json.putRounded(n, "scaled_error", l.error.scaled());
      Json.putRounded(n, "cosine_error", l.error.cosine());
    }
    return o;
  }
}
