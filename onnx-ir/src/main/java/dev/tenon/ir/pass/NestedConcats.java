package dev.tenon.ir.pass;

import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Joins to what is joined already: {@code Concat(a, b, c)} behind {@code Concat(a, b)} is {@code Concat(Concat(a, b), c)}. A DenseNet that
 * joins all features anew in every layer copies as many bytes then, but in few long pieces instead of many short ones.
 */
public final class NestedConcats implements Pass {
  /** Fewer pieces are not worth a change: a join of two is what is left anyway. */
  private static final int MIN_SHARED = 2;

  /** The joins that begin with the inputs on the way from the root. */
  private static final class Prefix {
    private final Map<Value, Prefix> longer = new HashMap<>();
    private Value joined;
  }

  @Override
  public String name() {
    return "nest-concats";
  }

  @Override
  public String description() {
    return "join to what an earlier Concat has joined already";
  }

  @Override
  public PassResult run(PassContext context) {
    int nested = 0;
    for (Graph g : context.graphs()) {
      Map<Long, Prefix> byAxis = new HashMap<>();
      for (Node n : g.nodeList()) {
        if (n.isOp("Concat") && n.hasAttr("axis") && !n.inputs().contains(null)) {
          nested += nest(n, byAxis.computeIfAbsent(n.intAttr("axis", 0), axis -> new Prefix()));
        }
      }
    }
    return PassResult.of("nested", nested);
  }

  private static int nest(Node n, Prefix root) {
    List<Value> inputs = List.copyOf(n.inputs());
    Prefix at = root;
    Value joined = null;
    int shared = 0;
    for (int i = 0; i < inputs.size(); i++) {
      at = at.longer.computeIfAbsent(inputs.get(i), v -> new Prefix());
      if (at.joined != null && i + 1 >= MIN_SHARED && i + 1 < inputs.size()) {
        joined = at.joined;
        shared = i + 1;
      }
    }
    if (at.joined == null) {
      at.joined = n.output();
    }
    if (joined == null) {
      return 0;
    }
    List<Value> rest = new ArrayList<>(List.of(joined));
    rest.addAll(inputs.subList(shared, inputs.size()));
    for (int i = 0; i < rest.size(); i++) {
      n.graph().setInput(n, i, rest.get(i));
    }
    n.graph().truncateInputs(n, rest.size());
    return 1;
  }
}
