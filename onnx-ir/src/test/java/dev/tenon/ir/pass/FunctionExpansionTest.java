package dev.tenon.ir.pass;

import static dev.tenon.ir.testing.RuleTester.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Function;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Provenance;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.testing.Graphs;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FunctionExpansionTest {

  private static Function function(Model m, String name, int opset, List<String> attributes, Map<String, Attribute> defaults, Graph body) {
    Function f = new Function("acme", name, "", attributes, defaults, Map.of("", opset, "acme", 1), body, "");
    m.addFunction(f);
    m.opsetImports().put("acme", 1);
    return f;
  }

  private static Value call(Graphs g, String name, List<Value> inputs, Attribute... attributes) {
    return g.graph().newNode(name).domain("acme").name("call" + g.graph().nodeCount()).inputs(inputs).attributes(List.of(attributes))
        .provenance(new Provenance(List.of("call"), "encoder.act", "")).output("t").append().output();
  }

  /** {@code leaky(x) = LeakyRelu(x, alpha=@slope)}, and {@code twice(x) = leaky(leaky(x, slope=@s), default slope)}. */
  private static void leaky(Model m) {
    Graph body = new Graph("leaky");
    Value x = body.addInput("x", null);
    Node n = body.newNode("LeakyRelu").name("inner").inputs(x).attribute(Attribute.reference("alpha", Attribute.Kind.FLOAT, "slope"))
        .outputNamed("t", null).append();
    body.addOutput(n.output());
    function(m, "leaky", m.opset(), List.of(), Map.of("slope", Attribute.ofFloat("slope", 0.3f)), body);
    Graph twice = new Graph("twice");
    Value y = twice.addInput("x", null);
    Value t = twice.newNode("leaky").domain("acme").inputs(y).attribute(Attribute.reference("slope", Attribute.Kind.FLOAT, "s"))
        .outputNamed("t", null).append().output();
    twice.addOutput(twice.newNode("leaky").domain("acme").inputs(t).outputNamed("u", null).append().output());
    function(m, "twice", m.opset(), List.of("s"), Map.of(), twice);
  }

  @Test
  void nestedCallsResolveAttributesAndDefaults() {
    Graphs g = Graphs.opset(17);
    leaky(g.model());
    Value x = g.input("x", "n", 4);
    Value y = call(g, "twice", List.of(x), Attribute.ofFloat("s", 0.7f));
    g.output("y", call(g, "leaky", List.of(y)));
    Model m = assertThat(new FunctionExpansion()).on(g).fires("LeakyRelu", "LeakyRelu", "LeakyRelu");
    List<Float> slopes = m.graph().nodeList().stream().map(n -> n.floatAttr("alpha", 0)).toList();
    assertEquals(List.of(0.7f, 0.3f, 0.3f), slopes);
    assertEquals("encoder.act", m.graph().firstNode().provenance().modulePath());
    assertEquals(0, m.functions().size());
  }

  @Test
  void callsInSubgraphsAndBodiesWithSubgraphsAreExpanded() {
    Graphs g = Graphs.opset(17);
    Graph body = new Graph("choose");
    Value c = body.addInput("c", null);
    Value x = body.addInput("x", null);
    Graph yes = new Graph("yes", body);
    yes.addOutput(yes.newNode("Neg").inputs(x).output("a").append().output());
    Graph no = new Graph("no", body);
    no.addOutput(no.newNode("Exp").inputs(x).output("b").append().output());
    body.addOutput(body.newNode("If").inputs(c).attribute(Attribute.ofGraph("then_branch", yes)).attribute(Attribute.ofGraph("else_branch", no))
        .output("r").append().output());
    function(g.model(), "choose", 17, List.of(), Map.of(), body);
    Value condition = g.input(DataType.BOOL, "c");
    Value in = g.input("x", 3);
    Graphs then = g.subgraph("then");
    then.output("then_out", call(then, "choose", List.of(condition, in)));
    Graphs other = g.subgraph("other");
    other.output("other_out", other.op("Neg", in));
    g.output("y", g.op("If", condition, Attribute.ofGraph("then_branch", then.graph()), Attribute.ofGraph("else_branch", other.graph())));
    g.output("z", call(g, "choose", List.of(condition, in)));
    Model m = assertThat(new FunctionExpansion()).on(g).fires("If", "If");
    assertTrue(m.graph().firstNode().graphAttr("then_branch").firstNode().isOp("If"));
  }

  @Test
  void optionalInputsMayBeLeftOut() {
    Graphs g = Graphs.opset(17);
    Graph body = new Graph("conv");
    List<Value> in = List.of(body.addInput("x", null), body.addInput("w", null), body.addInput("b", null));
    body.addOutput(body.newNode("Conv").inputs(in).output("r").append().output());
    function(g.model(), "conv", 17, List.of(), Map.of(), body);
    g.output("y", call(g, "conv", List.of(g.input("x", 1, 2, 5, 5), g.weight("w", 3, 2, 2, 2))));
    Model m = assertThat(new FunctionExpansion()).on(g).fires("Conv");
    assertEquals(2, m.graph().firstNode().inputs().size());
  }

  @Test
  void aFunctionThatReturnsItsInputIsAnIdentity() {
    Graphs g = Graphs.opset(17);
    Graph body = new Graph("same");
    body.addOutput(body.addInput("x", null));
    function(g.model(), "same", 17, List.of(), Map.of(), body);
    g.output("y", g.op("Neg", call(g, "same", List.of(g.input("x", 3)))));
    Model m = g.model();
    new FunctionExpansion().run(PassContext.of(m));
    new GraphChecker(m).check("expansion");
    assertEquals(List.of("Neg"), dev.tenon.ir.testing.RuleTester.operators(m));
  }

  @Test
  void recursionIsBadInput() {
    Graphs g = Graphs.opset(17);
    Graph body = new Graph("loop");
    Value x = body.addInput("x", null);
    body.addOutput(body.newNode("loop").domain("acme").inputs(x).output("r").append().output());
    function(g.model(), "loop", 17, List.of(), Map.of(), body);
    g.output("y", call(g, "loop", List.of(g.input("x", 3))));
    BadInputException e = assertThrows(BadInputException.class, () -> new FunctionExpansion().run(PassContext.of(g.model())));
    assertTrue(e.getMessage().contains("a function that calls itself: loop → loop"), e.getMessage());
  }

  @Test
  void bodiesOfAnotherOpsetAreTakenOverOnlyIfTheyMeanTheSame() {
    for (String op : List.of("Relu", "Softmax")) {
      Graphs g = Graphs.opset(17);
      Graph body = new Graph("old");
      body.addOutput(body.newNode(op).inputs(body.addInput("x", null)).output("r").append().output());
      function(g.model(), "old", 11, List.of(), Map.of(), body);
      g.output("y", call(g, "old", List.of(g.input("x", 2, 3, 4))));
      PassContext context = PassContext.of(g.model());
      PassResult result = new FunctionExpansion().run(context);
      // Softmax flattened its input until opset 13.
      assertEquals(op.equals("Relu") ? 1 : 0, result.total());
      assertEquals(op.equals("Relu") ? 0 : 1, context.diagnostics().errors().size());
      if (op.equals("Softmax")) {
        assertTrue(context.diagnostics().errors().get(0).message().contains("the meaning of Softmax changed"));
      }
    }
  }
}
