package dev.tenon.ir.pass;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Gives Reshape a constant target where it computes one: of the dimensions that shape inference knows only as symbols, those that
 * equal the input's dimension in the same place become 0, and at most one other becomes -1. Exporters compute such targets with long
 * chains of Shape, Gather, Unsqueeze and Concat, which nothing reads afterwards.
 *
 * <p>A target with both 0 and -1 is undefined for an input without elements (a batch of zero, say), as in what exporters write
 * themselves; one with a single open dimension gets no 0.
 */
public final class ReshapeTargets implements Pass {
  @Override
  public String name() {
    return "reshape-targets";
  }

  @Override
  public String description() {
    return "make the targets of Reshape constant where the shapes prove them";
  }

  @Override
  public PassResult run(PassContext context) {
    context.refreshShapes();
    int count = 0;
    if (context.model().opset() < 5) {
      return PassResult.UNCHANGED;
    }
    for (Graph g : context.graphs()) {
      for (Node n : g.nodes()) {
        if (n.isOp("Reshape") && n.hasInput(1) && n.input(1).constant() == null) {
          long[] target = target(n, context.knownData(n.input(1)));
          if (target != null) {
            Value c = g.newInitializer(n.output().name() + "_shape", Tensor.vector(target));
            g.setInput(n, 1, c);
            n.removeAttribute("allowzero");
            count++;
          }
        }
      }
    }
    return PassResult.of("constant-targets", count);
  }

  private static long[] target(Node n, Optional<List<Dim>> data) {
    Shape out = n.output().shape();
    if (data.isEmpty() && !out.hasRank() || data.isPresent() && out.hasRank() && out.rank() != data.get().size()) {
      return null;
    }
    boolean allowZero = n.intAttr("allowzero", 0) != 0;
    long[] target = new long[data.isPresent() ? data.get().size() : out.rank()];
    List<Integer> open = new ArrayList<>();
    for (int i = 0; i < target.length; i++) {
      Dim asked = data.isPresent() ? data.get().get(i) : out.dim(i);
      Dim result = out.hasRank() ? out.dim(i) : asked;
      if (result.isConstant() && result.constant() > 0) {
        target[i] = result.constant();
      } else if (asked.is(-1) || asked.is(0) && data.isPresent() && !allowZero) {
        target[i] = asked.constant();
      } else if (asked.isConstant() || result.isConstant()) {
        // An empty dimension: a constant target could not say both that and a copied one.
        return null;
      } else {
        open.add(i);
      }
    }
    // The one that is left is what the elements make it.
    if (open.size() == 1 && count(target, -1) == 0 && count(target, 0) == 1) {
      target[open.get(0)] = -1;
      return target;
    }
    Shape in = n.input(0).shape();
    for (int i : open) {
      boolean copied = in.hasRank() && i < in.rank() && in.dim(i).equals(data.isPresent() ? data.get().get(i) : out.dim(i));
      target[i] = copied ? 0 : -1;
    }
    return count(target, -1) <= 1 ? target : null;
  }

  private static int count(long[] target, long what) {
    int n = 0;
    for (long t : target) {
      n += t == what ? 1 : 0;
    }
    return n;
  }
}
