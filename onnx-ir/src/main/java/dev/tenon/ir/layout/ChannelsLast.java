package dev.tenon.ir.layout;

import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Use;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Stores the activations of a model channels-first or channels-last such that the fewest bytes are moved between the two.
 *
 * <p>Operators that TensorFlow computes channels-last ({@link ChannelsLastOps}) are given. From them it is known, by the meaning of the
 * operators around and never from sizes, which axes of a value are batch, channels and space. Operators through which a permutation can be
 * carried may work in either layout; the others read and make the source's order. The choice is a minimum cut ({@link BinaryProblem}): a
 * copy in the other layout costs the bytes of the value, once, however many read it.
 */
public final class ChannelsLast {

  /**
   * What the layout came to.
   *
   * @param assigned operators that work channels-last now
   * @param remaining every transpose in the graph afterwards, those of the model itself included
   * @param movedBytes what all of them and the operators' own forms move in one run, by the estimates: the cost that was minimized
   * @param bound what no other assignment can be below: the value of the maximum flow
   * @param isOptimal if the bound proves the assignment the best one
   * @param choices operators whose layout was open
   * @param frustrated costs that no cut can express, because transposes of the model are at odds with each other
   * @param perms inputs and outputs of the model that are stored otherwise than in the source: name to the order of its axes
   */
  public record Result(int assigned, List<Remaining> remaining, long movedBytes, long bound, boolean isOptimal, int choices, int frustrated,
      Map<String, List<Integer>> perms) {

    /** What there is to say of a model that was left as it is. */
    public static final Result UNCHANGED = new Result(0, List.of(), 0, 0, true, 0, 0, Map.of());

    public int transposesLeft() {
      return remaining.size();
    }
  }

  private ChannelsLast() {}

  /** Rewrites the graph and its subgraphs in place, inputs and outputs as in the source; types must have been inferred. */
  public static Result run(Model model) {
    return run(model, LayoutOptions.defaults());
  }

  /** Rewrites the graph and its subgraphs in place; types must have been inferred. */
  public static Result run(Model model, LayoutOptions options) {
    LayoutProblem problem = LayoutProblem.of(model, options);
    return apply(model, problem, problem.binary().solve());
  }

  /** Rewrites the graph by a solution, whether it is the best one or not. */
  static Result apply(Model model, LayoutProblem problem, BinaryProblem.Solution solution) {
    Rewriter rewriter = new Rewriter(model, problem, solution.answers());
    rewriter.run();
    List<Remaining> remaining = new ArrayList<>();
    collect(model.graph(), problem, rewriter.made(), remaining);
    Map<String, List<Integer>> perms = new LinkedHashMap<>();
    rewriter.interfacePerms().forEach((v, perm) -> perms.put(v.name(), Arrays.stream(perm).boxed().toList()));
    // The parts of a byte only tell equally good assignments from each other.
    long moved = (long) solution.cost();
    long bound = (long) Math.floor(solution.bound() + 1e-6);
    return new Result(rewriter.assigned(), List.copyOf(remaining), moved, Math.min(moved, bound), moved <= bound,
        problem.binary().variables(), solution.frustrated(), perms);
  }

  private static void collect(Graph graph, LayoutProblem problem, Map<Node, String> made, List<Remaining> remaining) {
    for (Node n : graph.nodes()) {
      if (n.isOp("Transpose")) {
        Value x = n.input(0);
        int[] perm = Permutations.of(n);
        remaining.add(new Remaining(name(x), perm == null ? List.of() : Arrays.stream(perm).boxed().toList(), x.shape(),
            problem.sizes().bytes(n.output()), !x.shape().isStatic(), place(n),
            made.getOrDefault(n, "the model's own")));
      }
      n.subgraphs().forEach(g -> collect(g, problem, made, remaining));
    }
  }

  private static String name(Value v) {
    return v.origin() != null ? v.origin().name() : v.name();
  }

  private static String place(Node n) {
    Value x = n.input(0);
    String from = x.producer() == null ? "input " + x.name() : label(x.producer());
    List<String> readers = n.output().uses().stream().map(Use::node).distinct().map(ChannelsLast::label).toList();
    String to = readers.isEmpty() ? "" : readers.get(0) + (readers.size() > 1 ? " and " + (readers.size() - 1) + " more" : "");
    if (n.output().isGraphOutput()) {
      to = "output " + n.output().name() + (to.isEmpty() ? "" : ", " + to);
    }
    return from + " -> " + to;
  }

  private static String label(Node n) {
    return n.opType() + (n.name().isEmpty() ? "" : " " + n.name());
  }
}
