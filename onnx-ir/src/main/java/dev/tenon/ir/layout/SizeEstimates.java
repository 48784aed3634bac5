package dev.tenon.ir.layout;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * How many bytes a value has, where dimensions are unknown too: one batch entry, 128 along other named dimensions, so that a
 * dimension computed from another one keeps its proportion to it, and 32 along nameless ones. In the body of a loop a value counts
 * once for each round: as many as the model says, or eight.
 */
final class SizeEstimates {
  private static final long NAMED = 128;
  private static final long NAMELESS = 32;
  private static final long ROUNDS = 8;
  private static final long LIMIT = 1L << 40;

  private final Set<String> batches = new HashSet<>();
  private final Map<Graph, Long> rounds = new HashMap<>();

  SizeEstimates(Graph graph) {
    for (Value v : graph.inputs()) {
      if (v.rank() > 1 && v.shape().dim(0).isSymbol()) {
        batches.addAll(v.shape().dim(0).symbols());
      }
    }
  }

  /** The bytes of all elements, over all rounds of the loops around; at most 2^40. */
  long bytes(Value v) {
    double bytes = Math.max(v.dtype().bits(), 8) / 8.0 * rounds(v.graph());
    if (!v.shape().hasRank()) {
      return (long) Math.min(LIMIT, bytes * NAMED * NAMED);
    }
    for (Dim d : v.shape().dims()) {
      bytes *= Math.max(size(d), 1);
    }
    return (long) Math.min(LIMIT, bytes);
  }

  private long size(Dim d) {
    if (d.isConstant()) {
      return d.constant();
    }
    Dim sample = d.isAnonymous() ? Dim.of(NAMELESS) : d.substitute(symbol -> Dim.of(batches.contains(symbol) ? 1 : NAMED));
    return sample.isConstant() ? sample.constant() : NAMELESS;
  }

  private long rounds(Graph g) {
    Long known = rounds.get(g);
    if (known != null) {
      return known;
    }
    Node owner = g.owner();
    long n = owner == null ? 1 : Math.min(rounds(owner.graph()) * rounds(owner), 1L << 20);
    rounds.put(g, n);
    return n;
  }

  private static long rounds(Node owner) {
    if (owner.isOp("Loop")) {
      Tensor count = owner.input(0) == null ? null : owner.input(0).constant();
      return count == null || count.numel() != 1 ? ROUNDS : Math.max(1, Math.min((long) count.item(), 1L << 20));
    }
    return owner.isOp("Scan") ? ROUNDS : 1;
  }
}
