package dev.tenon.ir.pass;

import dev.tenon.ir.Function;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.Value;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Removes what no output depends on: nodes, initializers, optional outputs that nothing reads, and functions that nothing calls, in
 * subgraphs too. The inputs of graphs stay, used or not, with their defaults: they are the model's interface.
 */
public final class DeadCode implements Pass {
  /** Operators to the first of their optional outputs; a random mask or an index tensor costs time if it is asked for. */
  private static final Map<String, Integer> FIRST_OPTIONAL_OUTPUT = Map.ofEntries(Map.entry("Dropout", 1), Map.entry("MaxPool", 1),
      Map.entry("BatchNormalization", 1), Map.entry("LSTM", 0), Map.entry("GRU", 0), Map.entry("RNN", 0),
      Map.entry("LayerNormalization", 1), Map.entry("Unique", 1), Map.entry("SoftmaxCrossEntropyLoss", 1), Map.entry("Attention", 1));

  @Override
  public String name() {
    return "dead-code";
  }

  @Override
  public String description() {
    return "remove nodes, constants, optional outputs and functions that nothing uses";
  }

  private static final class Counts {
    int nodes;
    int initializers;
    int outputs;
    int functions;
  }

  @Override
  public PassResult run(PassContext context) {
    Counts counts = new Counts();
    sweep(context.graph(), counts);
    removeFunctions(context, counts);
    return new PassResult(Map.of("removed-nodes", counts.nodes, "removed-initializers", counts.initializers, "removed-outputs",
        counts.outputs, "removed-functions", counts.functions));
  }

  /** Backwards, so that one walk suffices: the readers of a value have been seen when its producer's turn comes. */
  private static void sweep(Graph g, Counts counts) {
    for (Node n = g.lastNode(); n != null;) {
      Node before = n.previous();
      if (n.outputs().stream().allMatch(v -> v == null || v.isUnused())) {
        g.remove(n);
        counts.nodes++;
      } else {
        for (Graph sub : n.subgraphs()) {
          sweep(sub, counts);
        }
        dropOutputs(n, counts);
      }
      n = before;
    }
    for (Value v : List.copyOf(g.initializers())) {
      if (v.isUnused() && !v.isGraphInput()) {
        g.removeInitializer(v);
        counts.initializers++;
      }
    }
  }

  private static void dropOutputs(Node n, Counts counts) {
    Integer from = n.domain().isEmpty() ? FIRST_OPTIONAL_OUTPUT.get(n.opType()) : null;
    if (from == null) {
      return;
    }
    for (int i = n.outputs().size() - 1; i >= from; i--) {
      Value v = n.output(i);
      if (v != null && v.isUnused()) {
        n.graph().dropOutput(n, i);
        counts.outputs++;
      }
    }
  }

  private static void removeFunctions(PassContext context, Counts counts) {
    Map<Function.Id, Function> functions = context.model().functions();
    if (functions.isEmpty()) {
      return;
    }
    Set<Function.Id> called = new HashSet<>();
    collectCalls(context.graph(), functions, called);
    int before = functions.size();
    functions.keySet().retainAll(called);
    counts.functions += before - functions.size();
  }

  private static void collectCalls(Graph g, Map<Function.Id, Function> functions, Set<Function.Id> called) {
    g.forEachNode(n -> {
      Function f = functions.get(Function.Id.of(n));
      if (f != null && called.add(f.id())) {
        collectCalls(f.body(), functions, called);
      }
    });
  }
}
