package dev.tenon.ir.rewrite;

import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.Use;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.ConversionException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Applies rules until none fires. A worklist starts with all nodes in order of execution; after a rule has fired, only the new
 * nodes and the readers of the changed values come back to it, so the time is linear in the graph plus the firings.
 *
 * <p>Rules are tried in the order given. Why a rule did not fire at a node of its root operator goes to the debug log and to the
 * listener of {@link #explainTo}.
 */
public final class Rewriter {
  private static final Logger LOG = LoggerFactory.getLogger(Rewriter.class);
  /** More firings than this per node of the graph mean that two rules undo each other. */
  private static final int MAX_FIRINGS_PER_NODE = 10;

  private final Map<String, List<Rule>> byRoot = new HashMap<>();
  private BiConsumer<Rule, Refusal> listener = (rule, refusal) -> {};

  public Rewriter(List<Rule> rules) {
    for (Rule rule : rules) {
      for (String op : Rule.rootOps(rule.pattern())) {
        byRoot.computeIfAbsent(op, k -> new ArrayList<>()).add(rule);
      }
    }
  }

  /** Hears why rules do not fire. */
  public Rewriter explainTo(BiConsumer<Rule, Refusal> newListener) {
    this.listener = newListener;
    return this;
  }

  /**
   * Rewrites a graph and its subgraphs.
   *
   * @return rule name to the number of times that it fired
   */
  public Map<String, Integer> rewrite(Graph graph, RewriteContext context) {
    Deque<Node> work = new ArrayDeque<>();
    Set<Node> waiting = new HashSet<>();
    int[] size = {0};
    graph.forEachNode(n -> {
      size[0]++;
      push(n, work, waiting);
    });
    long limit = (long) MAX_FIRINGS_PER_NODE * size[0] + 100;
    Map<String, Integer> fired = new LinkedHashMap<>();
    while (!work.isEmpty()) {
      Node n = work.pollFirst();
      waiting.remove(n);
      if (isGone(n)) {
        continue;
      }
      for (Rule rule : byRoot.getOrDefault(n.opType(), List.of())) {
        Patch patch = fire(rule, n, context, work, waiting);
        if (patch != null) {
          fired.merge(rule.name(), 1, Integer::sum);
          if (--limit < 0) {
            throw new ConversionException("the rules " + fired.keySet() + " do not come to an end");
          }
          break;
        }
      }
    }
    return fired;
  }

  /** True for nodes that were removed, themselves or with the node that owns their graph. */
  private static boolean isGone(Node n) {
    for (Node at = n; at != null; at = at.graph().owner()) {
      if (at.isRemoved()) {
        return true;
      }
    }
    return false;
  }

  private static void push(Node n, Deque<Node> work, Set<Node> waiting) {
    if (!n.isRemoved() && waiting.add(n)) {
      work.addLast(n);
    }
  }

  private Patch fire(Rule rule, Node n, RewriteContext context, Deque<Node> work, Set<Node> waiting) {
    if (n.outputs().isEmpty() || n.output(0) == null) {
      return null;
    }
    Matcher matcher = match(rule.pattern(), n);
    if (matcher == null) {
      return null;
    }
    if (matcher.nodes().isEmpty()) {
      explain(rule, n, matcher.refusal());
      return null;
    }
    Match match = new Match(n, inOrder(matcher.nodes(), n), matcher.bindings(), context);
    Patch patch = new Patch(match);
    Outcome outcome = rule.apply(match, patch);
    Refusal refusal = outcome instanceof Refusal r ? r : patch.check();
    if (refusal != null) {
      patch.rollBack();
      explain(rule, n, refusal);
      return null;
    }
    apply(match, patch, work, waiting);
    LOG.debug("{} fired at {}", rule.name(), n.label());
    return patch;
  }

  private void explain(Rule rule, Node n, Refusal refusal) {
    LOG.debug("{} does not fire at {}: {}", rule.name(), n.label(), refusal);
    listener.accept(rule, refusal);
  }

  /** The matcher of the first alternative that matches, or of the one that came nearest; null if the root is of another operator. */
  private static Matcher match(Pattern pattern, Node n) {
    List<Pattern> alternatives = pattern instanceof Pattern.OneOf one ? one.alternatives() : List.of(pattern);
    Matcher nearest = null;
    for (Pattern p : alternatives) {
      if (!Rule.rootOps(p).contains(n.opType())) {
        continue;
      }
      Matcher m = new Matcher(n);
      boolean matched = p instanceof Pattern.Product product ? m.matchesProduct(product) : m.matches((Pattern.Op) p);
      if (matched) {
        return m;
      }
      nearest = nearest == null || m.refusalDepth() > nearest.refusalDepth() ? m : nearest;
    }
    return nearest;
  }

  private static List<Node> inOrder(Set<Node> nodes, Node root) {
    // Producers first: a depth-first walk within the matched set.
    List<Node> order = new ArrayList<>();
    visit(root, nodes, new HashSet<>(), order);
    return order;
  }

  private static void visit(Node n, Set<Node> within, Set<Node> seen, List<Node> order) {
    if (!within.contains(n) || !seen.add(n)) {
      return;
    }
    for (Value v : n.inputs()) {
      if (v != null && v.producer() != null) {
        visit(v.producer(), within, seen, order);
      }
    }
    order.add(n);
  }

  private static void apply(Match match, Patch patch, Deque<Node> work, Set<Node> waiting) {
    List<Value> read = new ArrayList<>();
    for (Node n : match.nodes()) {
      n.inputs().stream().filter(v -> v != null).forEach(read::add);
    }
    List<Node> readers = new ArrayList<>();
    patch.shunts().keySet().forEach(old -> old.uses().forEach(u -> readers.add(u.node())));
    patch.apply();
    patch.added().forEach(n -> push(n, work, waiting));
    readers.forEach(n -> push(n, work, waiting));
    // A value that has one reader left may be taken into a pattern now.
    for (Value v : read) {
      Use only = v.onlyUse();
      if (only != null) {
        push(only.node(), work, waiting);
      }
    }
  }
}
