package dev.tenon.ir.pass;

import dev.tenon.ir.rewrite.Refusal;
import dev.tenon.ir.rewrite.Rewriter;
import dev.tenon.ir.rewrite.Rule;
import java.util.List;
import java.util.function.BiConsumer;

/** A pass that is a set of rules. */
public class RulePass implements Pass {
  private final String name;
  private final String description;
  private final List<List<Rule>> stages;
  private BiConsumer<Rule, Refusal> listener = (rule, refusal) -> {};

  /** @param stages sets of rules; each runs to its end before the next begins */
  @SafeVarargs
  public RulePass(String name, String description, List<Rule>... stages) {
    this.name = name;
    this.description = description;
    this.stages = List.of(stages);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String description() {
    return description;
  }

  /** All rules in the order in which they are tried. */
  public List<Rule> rules() {
    return stages.stream().flatMap(List::stream).toList();
  }

  /** Hears why rules do not fire. */
  public RulePass explainTo(BiConsumer<Rule, Refusal> newListener) {
    this.listener = newListener;
    return this;
  }

  @Override
  public PassResult run(PassContext context) {
    context.refreshShapes();
    PassResult result = PassResult.UNCHANGED;
    for (List<Rule> rules : stages) {
      result = result.plus(new PassResult(new Rewriter(rules).explainTo(listener).rewrite(context.graph(), context.rewriting())));
    }
    return result;
  }
}
