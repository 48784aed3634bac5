package dev.tenon.ir.rewrite;

import static dev.tenon.ir.rewrite.Pattern.any;
import static dev.tenon.ir.rewrite.Pattern.bind;
import static dev.tenon.ir.rewrite.Pattern.commutative;
import static dev.tenon.ir.rewrite.Pattern.op;
import static dev.tenon.ir.rewrite.Pattern.product;
import static dev.tenon.ir.rewrite.Pattern.scalar;
import static dev.tenon.ir.testing.RuleTester.assertThat;
import static dev.tenon.ir.testing.RuleTester.operators;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Provenance;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.ConversionException;
import dev.tenon.ir.pass.GraphChecker;
import dev.tenon.ir.testing.Graphs;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RewriterTest {
  private static final Capture X = Capture.of("x");
  private static final Rule DOUBLE_NEG = Rule.of("double-neg", op("Neg", op("Neg", bind(X))), (m, p) -> p.shuntRoot(m.get(X)));

  private static Graphs chain(int length) {
    Graphs g = Graphs.opset(17);
    Value v = g.op("Exp", g.input("x", 3));
    for (int i = 0; i < length; i++) {
      v = g.op("Neg", v);
    }
    return g.output("y", v);
  }

  @Test
  void rulesRunUntilNoneFires() {
    assertThat(DOUBLE_NEG).on(chain(7)).fires("Exp", "Neg");
    assertThat(DOUBLE_NEG).on(chain(8)).fires("Exp");
  }

  @Test
  void interiorValuesWithOtherReadersKeepTheirNodes() {
    Graphs g = Graphs.opset(17);
    Value inner = g.op("Neg", g.op("Exp", g.input("x", 3)));
    g.output("z", g.op("Tanh", inner));
    g.output("y", g.op("Relu", g.op("Neg", inner)));
    assertThat(DOUBLE_NEG).on(g).fires("Exp", "Neg", "Tanh", "Relu");
  }

  @Test
  void aReplacementOfAnotherTypeIsRolledBack() {
    Rule wrong = Rule.of("wrong", op("Neg", bind(X)), (m, p) ->
        p.shuntRoot(p.add(p.newNode("Add").inputs(m.get(X), p.constant("c", Tensor.scalar(1f))).output("t", Type.tensor(DataType.FLOAT,
            Shape.of(4)))).output()));
    Graphs g = Graphs.opset(17);
    Value y = g.op("Neg", g.input("x", 3));
    y.setType(Type.tensor(DataType.FLOAT, Shape.of(3)));
    g.output("y", y);
    assertThat(wrong).on(g).doesNotFire("has type float32[4]");
    assertEquals(0, g.graph().initializers().size());
    new GraphChecker(g.model()).check("the roll-back");
  }

  @Test
  void newNodesInheritTheProvenanceOfAllMatchedOnes() {
    Rule merge = Rule.of("merge", op("Neg", op("Exp", bind(X))), (m, p) -> p.shuntRoot(p.add(p.newNode("Tanh").inputs(m.get(X))).output()));
    Graphs g = Graphs.opset(17);
    Value y = g.op("Neg", g.op("Exp", g.input("x", 3)));
    y.producer().setProvenance(new Provenance(List.of("b"), "net.act", ""));
    y.producer().input(0).producer().setProvenance(new Provenance(List.of("a"), "net.exp", "f.py:3"));
    g.output("y", y);
    new Rewriter(List.of(merge)).rewrite(g.graph(), RewriteContext.of(g.model()));
    Node n = g.graph().firstNode();
    assertEquals(new Provenance(List.of("a", "b"), "net.act", "f.py:3"), n.provenance());
    assertEquals("Neg_1", n.name());
    assertEquals("y", n.output().name());
  }

  @Test
  void rulesThatUndoEachOtherAreFound() {
    Rule there = Rule.of("there", op("Neg", bind(X)), (m, p) -> p.shuntRoot(p.add(p.newNode("Abs").inputs(m.get(X))).output()));
    Rule back = Rule.of("back", op("Abs", bind(X)), (m, p) -> p.shuntRoot(p.add(p.newNode("Neg").inputs(m.get(X))).output()));
    Graphs g = chain(1);
    ConversionException e = assertThrows(ConversionException.class,
        () -> new Rewriter(List.of(there, back)).rewrite(g.graph(), RewriteContext.of(g.model())));
    assertTrue(e.getMessage().contains("do not come to an end"), e.getMessage());
  }

  @Test
  void theNearestMissIsExplained() {
    Rule rule = Rule.of("rule", op("Relu", commutative("Add", op("Exp", op("Tanh", any())), scalar(2))), (m, p) -> p.shuntRoot(m.root().output()));
    Graphs g = Graphs.opset(17);
    Value exp = g.op("Exp", g.op("Sin", g.input("x", 3)));
    g.output("y", g.op("Relu", g.op("Add", g.constant(Tensor.scalar(2f)), exp)));
    assertThat(rule).on(g).doesNotFire("expected Tanh, found Sin (at Sin_0)");
  }

  @Test
  void aCaptureBindsOneValue() {
    Rule square = Rule.of("square", op("Mul", bind(X), bind(X)), (m, p) ->
        p.shuntRoot(p.add(p.newNode("Pow").inputs(m.get(X), p.constant("two", Tensor.scalar(2f)))).output()));
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", 3);
    g.output("y", g.op("Add", g.op("Mul", x, x), g.op("Mul", x, g.op("Exp", x))));
    assertThat(square).on(g).fires("Pow", "Exp", "Mul", "Add");
  }

  @Test
  void productsMatchInAnyAssociationAndGatherTheirCoefficient() {
    Rule six = Rule.of("six", product(6, op("Exp", bind(X)), op("Sin", bind(X))), (m, p) -> p.shuntRoot(p.add(p.newNode("Tan").inputs(m.get(X))).output()));
    List<String> left = new ArrayList<>();
    for (int form = 0; form < 4; form++) {
      Graphs g = Graphs.opset(17);
      Value x = g.input("x", 3);
      Value exp = g.op("Exp", x);
      Value sin = g.op("Sin", x);
      Value two = g.constant(Tensor.scalar(2f));
      Value three = g.constant(Tensor.of(new float[] {3}, 1));
      Value third = g.constant(Tensor.scalar(1 / 3f));
      Value y = switch (form) {
        case 0 -> g.op("Mul", g.op("Mul", exp, two), g.op("Mul", three, sin));
        case 1 -> g.op("Mul", two, g.op("Mul", g.op("Mul", sin, three), exp));
        case 2 -> g.op("Mul", g.op("Div", sin, third), g.op("Mul", exp, two));
        default -> g.op("Mul", g.op("Mul", sin, exp), three);
      };
      g.output("y", y);
      new Rewriter(List.of(six)).rewrite(g.graph(), RewriteContext.of(g.model()));
      left.add(String.join(" ", operators(g.model())));
    }
    assertEquals(List.of("Tan", "Tan", "Tan", "Exp Sin Mul Mul"), left);
  }

  @Test
  void nodesOfSubgraphsAreRewrittenButPatternsStayWithinOneGraph() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", 3);
    Value outer = g.op("Neg", x);
    Graphs yes = g.subgraph("yes");
    yes.output("yes_out", yes.op("Neg", outer));
    Graphs no = g.subgraph("no");
    no.output("no_out", no.op("Exp", no.op("Neg", no.op("Neg", outer))));
    g.output("y", g.op("If", g.input(DataType.BOOL, "c"), Attribute.ofGraph("then_branch", yes.graph()), Attribute.ofGraph("else_branch", no.graph())));
    Model m = assertThat(DOUBLE_NEG).on(g).fires("Neg", "If");
    assertEquals(1, m.graph().lastNode().graphAttr("else_branch").nodeCount());
    assertEquals(1, m.graph().lastNode().graphAttr("then_branch").nodeCount());
  }

  @Test
  void aLongChainTakesLinearTime() {
    // 100,000 nodes; quadratic work would take minutes.
    Graphs g = chain(100_000);
    long start = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    new Rewriter(List.of(DOUBLE_NEG)).rewrite(g.graph(), RewriteContext.of(g.model()));
    double seconds = (ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - start) / 1e9;
    assertEquals(1, g.graph().nodeCount());
    assertTrue(seconds < 10, () -> seconds + " s");
  }
}
