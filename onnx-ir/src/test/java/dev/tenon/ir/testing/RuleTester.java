package dev.tenon.ir.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.Model;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.pass.DeadCode;
import dev.tenon.ir.pass.GraphChecker;
import dev.tenon.ir.pass.Pass;
import dev.tenon.ir.pass.PassContext;
import dev.tenon.ir.pass.PassManager;
import dev.tenon.ir.pass.PassResult;
import dev.tenon.ir.pass.RulePass;
import dev.tenon.ir.pass.Shapes;
import dev.tenon.ir.rewrite.Rule;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Tests of rewriting that read as sentences: {@code assertThat(rule).on(graph).fires("Gelu")},
 * {@code assertThat(rule).on(graph).doesNotFire("is also read by")}. A firing is checked by running the model before and after in
 * ONNX Runtime.
 */
public final class RuleTester {
  /** Folded weights are rounded once more than the two steps that they replace: a few float32 roundings. */
  private double tolerance = Equivalence.DEFAULT_TOLERANCE;
  private final List<Pass> passes;
  private final List<String> refusals = new ArrayList<>();
  private List<RandomInputs> inputs = List.of(RandomInputs.seeded(1),
      RandomInputs.seeded(2).size("n", 5).size("h", 9).size("w", 8));
  private Shapes shapes = Shapes.none();
  private Model model;

  private RuleTester(List<Pass> passes) {
    this.passes = passes;
  }

  public static RuleTester assertThat(Rule rule) {
    List<String> refusals = new ArrayList<>();
    RulePass pass = new RulePass(rule.name(), "", List.of(rule)).explainTo((r, refusal) -> refusals.add(refusal.toString()));
    RuleTester t = new RuleTester(List.of(pass));
    pass.explainTo((r, refusal) -> t.refusals.add(refusal.toString()));
    return t;
  }

  public static RuleTester assertThat(Pass... passes) {
    return new RuleTester(List.of(passes));
  }

  public RuleTester on(Graphs g) {
    return on(g.model());
  }

  public RuleTester on(Model m) {
    this.model = m;
    return this;
  }

  public RuleTester within(double newTolerance) {
    this.tolerance = newTolerance;
    return this;
  }

  public RuleTester inputs(RandomInputs... newInputs) {
    this.inputs = List.of(newInputs);
    return this;
  }

  public RuleTester shapes(Shapes newShapes) {
    this.shapes = newShapes;
    return this;
  }

  /** It changes the model, the numbers stay, and the operators left after dead code is gone are these, in order. */
  public Model fires(String... operators) {
    Model before = copy(model);
    PassResult result = run();
    assertTrue(result.changed(), () -> "nothing fired: " + refusals);
    new DeadCode().run(PassContext.of(model));
    new GraphChecker(model).check("the rule");
    assertEquals(List.of(operators), operators(model));
    Equivalence.assertSameOutputs(before, model, tolerance, inputs);
    return model;
  }

  /** It leaves the operators as they are, and for a rule: a refusal contains this text. */
  public void doesNotFire(String reason) {
    List<String> before = operators(model);
    PassResult result = run();
    assertEquals(0, result.total(), () -> "fired: " + result.counts());
    assertEquals(before, operators(model));
    assertTrue(reason.isEmpty() || refusals.stream().anyMatch(r -> r.contains(reason)), () -> "no refusal says '" + reason + "': " + refusals);
  }

  private PassResult run() {
    PassContext context = new PassContext(model, new Diagnostics(), shapes);
    PassResult sum = PassResult.UNCHANGED;
    Map<String, PassResult> results = new PassManager(passes).maxRounds(3).run(context);
    for (PassResult r : results.values()) {
      sum = sum.plus(r);
    }
    return sum;
  }

  /** The operators of the main graph in order, {@code dev.tenon::Gelu} outside ONNX's domain. */
  public static List<String> operators(Model m) {
    return m.graph().nodeList().stream().map(n -> n.qualifiedOp()).toList();
  }

  /** A model of its own that is equal. */
  public static Model copy(Model m) {
    return Models.copy(m);
  }
}
