package dev.tenon.ir.pass;

import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.ConversionException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs passes in order, again and again until a round changes nothing or the bound on rounds is reached, and checks the model
 * after every one.
 *
 * <p>Passes feed each other (a folded constant makes a pattern, a removed node leaves another unread), so one round is rarely
 * enough; every pass makes the graph smaller or simpler, so a few are.
 */
public final class PassManager {
  private static final Logger LOG = LoggerFactory.getLogger(PassManager.class);
  /** Real models settle after two or three rounds. */
  public static final int MAX_ROUNDS = 6;

  private final List<Pass> passes;
  private final List<PassListener> listeners = new ArrayList<>();
  private int maxRounds = MAX_ROUNDS;

  public PassManager(Collection<Pass> passes) {
    this.passes = List.copyOf(passes);
  }

  /** The passes that a selection such as {@code -fold-batch-norm} leaves of {@link Passes#all()}. */
  public static PassManager of(String selection) {
    return new PassManager(PassSelection.parse(selection).apply(Passes.all()));
  }

  /** The passes that a selection leaves of {@link Passes#forExport()}; without one, those that clean up. */
  public static PassManager forExport(String selection) {
    return new PassManager(PassSelection.parse(selection).apply(Passes.forExport(), Passes.cleanUp()));
  }

  public PassManager listener(PassListener listener) {
    listeners.add(listener);
    return this;
  }

  public PassManager maxRounds(int rounds) {
    this.maxRounds = rounds;
    return this;
  }

  public List<Pass> passes() {
    return passes;
  }

  /**
   * Runs the passes on the context's model.
   *
   * @return pass name to what it changed, over all rounds
   * @throws ConversionException naming the pass, if one leaves a broken graph
   */
  public Map<String, PassResult> run(PassContext context) {
    context.graphs().forEach(PassManager::ownOutputs);
    context.graphs().forEach(PassManager::nameNodesApart);
    new GraphChecker(context.model()).check("the model given to the passes");
    Map<String, PassResult> results = new LinkedHashMap<>();
    int index = 0;
    for (int round = 0; round < maxRounds; round++) {
      boolean changed = false;
      for (Pass pass : passes) {
        PassResult result = runOne(pass, context, index++);
        results.merge(pass.name(), result, PassResult::plus);
        changed |= result.changed();
      }
      if (!changed) {
        return results;
      }
    }
    LOG.debug("the passes still changed the model after {} rounds", maxRounds);
    return results;
  }

  /** A subgraph may return a value of the graph around it: an Identity makes that a value of its own, which passes may replace. */
  private static void ownOutputs(Graph g) {
    for (int i = 0; i < g.outputs().size(); i++) {
      Value v = g.outputs().get(i);
      if (v.graph() != g) {
        g.setOutput(i, g.newNode("Identity").inputs(v).output(v.name(), v.type()).append().output());
      }
    }
  }

  /** Node names need not differ by the standard, but ONNX Runtime wants them to, and messages too. */
  private static void nameNodesApart(Graph g) {
    Set<String> names = new HashSet<>();
    for (Node n : g.nodes()) {
      String name = n.name();
      for (int i = 2; !n.name().isEmpty() && !names.add(n.name()); i++) {
        n.setName(name + "_" + i);
      }
    }
  }

  private PassResult runOne(Pass pass, PassContext context, int index) {
    long start = System.nanoTime();
    PassResult result = pass.run(context);
    if (result.changed()) {
      context.markChanged();
      new GraphChecker(context.model()).check("pass " + pass.name());
    }
    Duration time = Duration.ofNanos(System.nanoTime() - start);
    LOG.debug("pass {} took {} ms: {}", pass.name(), time.toMillis(), result.counts());
    for (PassListener listener : listeners) {
      listener.passed(index, pass, result, context.model(), time);
    }
    return result;
  }
}
