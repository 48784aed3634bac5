package dev.tenon.ir.pass;

import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.function.Inliner;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Puts the branch that is taken in place of an If whose condition is constant. */
public final class InlineBranches implements Pass {
  @Override
  public String name() {
    return "inline-branches";
  }

  @Override
  public String description() {
    return "put the branch that is taken in place of an If with a constant condition";
  }

  @Override
  public PassResult run(PassContext context) {
    int count = 0;
    List<Node> ifs = new ArrayList<>();
    context.graph().forEachNode(n -> {
      if (n.isOp("If")) {
        ifs.add(n);
      }
    });
    // Inner ones first, so that none is copied and then inlined again.
    Set<String> names = ifs.isEmpty() ? Set.of() : Inliner.nodeNames(context.graph());
    for (int i = ifs.size() - 1; i >= 0; i--) {
      count += inline(ifs.get(i), names) ? 1 : 0;
    }
    return PassResult.of("inlined", count);
  }

  private static boolean inline(Node n, Set<String> names) {
    Tensor condition = n.input(0).constant();
    if (condition == null || condition.numel() != 1) {
      return false;
    }
    Graph branch = n.graphAttr(condition.toLongs()[0] != 0 ? "then_branch" : "else_branch");
    Graph g = n.graph();
    // The branch goes with the If, so its names are free again.
    branch.forEachNode(inner -> names.remove(inner.name()));
    List<Value> results = new Inliner(Inliner.Attributes.asTheyAre(), n.provenance(), "", names).inline(branch, List.of(), n);
    for (int i = 0; i < n.outputs().size(); i++) {
      if (n.output(i) != null) {
        g.replaceAllUses(n.output(i), results.get(i));
      }
    }
    g.remove(n);
    return true;
  }
}
