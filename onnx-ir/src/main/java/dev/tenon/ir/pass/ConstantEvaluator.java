package dev.tenon.ir.pass;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.NodeBuilder;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Computes nodes that depend on constants alone, all in one run of a small model made of them; where that fails, half by half, so
 * that one node which the runtime does not know costs only its own result.
 */
final class ConstantEvaluator {
  private static final Logger LOG = LoggerFactory.getLogger(ConstantEvaluator.class);

  /** Runs a model without inputs. */
  interface Runner {
    /** Output name to elements. */
    Map<String, Tensor> run(Model model) throws Exception;
  }

  private final Runner runner;

  ConstantEvaluator(Runner runner) {
    this.runner = runner;
  }

  static ConstantEvaluator onnxRuntime() {
    return new ConstantEvaluator(OnnxRuntimeRunner::run);
  }

  /**
   * Evaluates nodes.
   *
   * @param like the model whose opsets the nodes are of
   * @param nodes in order of execution; each reads constants and results of earlier ones
   * @param wanted the results asked for
   * @param failed takes the nodes that could not be computed
   */
  Map<Value, Tensor> evaluate(Model like, List<Node> nodes, Collection<Value> wanted, Set<Node> failed) {
    Map<Value, Tensor> known = new HashMap<>();
    halve(like, nodes, Set.copyOf(wanted), known, failed);
    known.keySet().retainAll(Set.copyOf(wanted));
    return known;
  }

  private void halve(Model like, List<Node> nodes, Set<Value> wanted, Map<Value, Tensor> known, Set<Node> failed) {
    List<Node> possible = new ArrayList<>();
    Map<Value, Boolean> inside = new HashMap<>();
    for (Node n : nodes) {
      boolean all = n.inputs().stream().allMatch(v -> v == null || v.constant() != null || known.containsKey(v) || inside.containsKey(v));
      if (all) {
        possible.add(n);
        n.outputs().forEach(v -> inside.put(v, true));
      } else {
        failed.add(n);
      }
    }
    if (possible.isEmpty()) {
      return;
    }
    try {
      known.putAll(run(like, possible, wanted, known));
    } catch (Exception e) {
      if (possible.size() == 1) {
        LOG.debug("cannot evaluate {}: {}", possible.get(0).label(), e.getMessage());
        failed.add(possible.get(0));
        return;
      }
      int half = possible.size() / 2;
      // What the second half reads of the first is wanted from it.
      Set<Value> between = new HashSet<>(wanted);
      possible.subList(half, possible.size()).forEach(n -> n.inputs().stream().filter(v -> v != null).forEach(between::add));
      halve(like, possible.subList(0, half), between, known, failed);
      halve(like, possible.subList(half, possible.size()), wanted, known, failed);
    }
  }

  private Map<Value, Tensor> run(Model like, List<Node> nodes, Set<Value> wanted, Map<Value, Tensor> known) throws Exception {
    Graph g = new Graph("constants");
    Map<Value, Value> copies = new LinkedHashMap<>();
    Map<String, Value> names = new LinkedHashMap<>();
    for (Node n : nodes) {
      NodeBuilder b = g.newNode(n.opType()).domain(n.domain());
      for (Attribute a : n.attributes()) {
        b.attribute(a);
      }
      for (Value v : n.inputs()) {
        b.inputs(v == null ? null : copies.computeIfAbsent(v, k -> constant(g, k, known)));
      }
      n.outputs().forEach(v -> {
        if (v == null) {
          b.noOutput();
        } else {
          b.output("r", v.type());
        }
      });
      Node copy = b.append();
      for (int i = 0; i < n.outputs().size(); i++) {
        Value v = n.output(i);
        if (v != null) {
          copies.put(v, copy.output(i));
          if (wanted.contains(v)) {
            g.addOutput(copy.output(i));
            names.put(copy.output(i).name(), v);
          }
        }
      }
    }
    if (names.isEmpty()) {
      return Map.of();
    }
    Model model = new Model(g);
    model.opsetImports().putAll(like.opsetImports());
    model.setIrVersion(like.irVersion());
    Map<Value, Tensor> results = new HashMap<>();
    runner.run(model).forEach((name, t) -> {
      // Of a sequence each element has a name of its own; it is no constant.
      if (names.containsKey(name)) {
        results.put(names.get(name), t);
      }
    });
    return results;
  }

  private static Value constant(Graph g, Value v, Map<Value, Tensor> known) {
    Tensor t = v.constant() != null ? v.constant() : known.get(v);
    return g.newInitializer("c", t);
  }
}
