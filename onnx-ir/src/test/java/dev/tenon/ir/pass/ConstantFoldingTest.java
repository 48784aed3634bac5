package dev.tenon.ir.pass;

import static dev.tenon.ir.testing.RuleTester.assertThat;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Model;
import dev.tenon.ir.Recipe;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.testing.Graphs;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ConstantFoldingTest {

  private static Value ints(Graphs g, long... values) {
    return g.constant(Tensor.vector(values));
  }

  private static Tensor folded(Model m) {
    return m.graph().lastNode().input(1).constant();
  }

  /** {@code y = Add(x, f(weight))} with x scalar-like enough to broadcast. */
  private static Graphs adding(int opset, java.util.function.BiFunction<Graphs, Value, Value> f, long... dims) {
    Graphs g = Graphs.opset(opset);
    Value x = g.input("x", "n", 1, 1, 1);
    return g.output("y", g.op("Add", x, f.apply(g, g.weight("layer.weight", dims))));
  }

  @Test
  void movedAndScaledWeightsStayTraceable() {
    Graphs g = adding(17, (h, w) -> {
      Value v = h.op("Transpose", w, Attribute.ofInts("perm", 1, 0));
      v = h.op("Reshape", v, ints(h, 0, 3, -1));
      v = h.op("Unsqueeze", v, ints(h, 0));
      v = h.op("Slice", List.of(v, ints(h, -1), ints(h, -100), ints(h, 1), ints(h, -1)));
      v = h.op("Slice", List.of(v, ints(h, 1), ints(h, 3), ints(h, 1)));
      v = h.op("Mul", v, h.constant(Tensor.scalar(3f)));
      v = h.op("Div", v, h.constant(Tensor.of(new float[] {2, 4}, 2)));
      v = h.op("Neg", h.op("Sqrt", h.op("Mul", v, v)));
      v = h.op("Concat", List.of(v, v), Attribute.ofInt("axis", -1));
      return h.op("Squeeze", v, ints(h, 0));
    }, 6, 4);
    Model m = assertThat(new ConstantFolding()).on(g).fires("Add");
    assertEquals(Set.of("layer.weight"), folded(m).recipe().sources());
    assertTrue(!(folded(m).recipe() instanceof Recipe.Evaluated), () -> folded(m).recipe().toString());
  }

  @Test
  void parametersCanBeKeptAsTheyAre() {
    Graphs g = adding(17, (h, w) -> h.op("Mul", h.op("Transpose", w), h.op("Add", h.constant(Tensor.scalar(1f)), h.constant(Tensor.scalar(2f)))),
        6, 4);
    Model m = assertThat(ConstantFolding.keepingParameters()).on(g).fires("Transpose", "Mul", "Add");
    assertEquals("layer.weight", m.graph().firstNode().input(0).constant().recipe().toString());
  }

  @Test
  void partsOfASplitWeightAreSlicesOfIt() {
    for (int opset : new int[] {11, 13, 18}) {
      Graphs g = Graphs.opset(opset);
      Value x = g.input("x", "n", 2, 4);
      List<Value> parts = g.node("Split", List.of(g.weight("qkv", 6, 4)), 3);
      if (opset == 18) {
        parts.get(0).producer().setAttribute(Attribute.ofInt("num_outputs", 3));
      }
      g.output("y", g.op("Mul", g.op("Add", x, parts.get(0)), parts.get(2)));
      Model m = assertThat(new ConstantFolding()).on(g).fires("Add", "Mul");
      assertEquals("slice(qkv, axis 0, 4:6)", folded(m).recipe().toString());
    }
  }

  @Test
  void otherOperatorsAreEvaluatedAndNameTheirSources() {
    Graphs g = adding(17, (h, w) -> h.op("Softmax", h.op("Tanh", h.op("MatMul", w, w))), 4, 4);
    Model m = assertThat(new ConstantFolding()).shapes(new InferredShapes()).on(g).fires("Add");
    assertInstanceOf(Recipe.Evaluated.class, folded(m).recipe());
    assertEquals(Set.of("layer.weight"), folded(m).recipe().sources());
  }

  @Test
  void anOperatorThatTheRuntimeLacksKeepsOnlyItself() {
    Graphs g = adding(17, (h, w) -> h.op("Sum", List.of(h.op("Tanh", w), h.op("NoSuchOperator", w), h.op("Exp", w))), 4);
    // ONNX Runtime cannot run the whole model, so only the operators are compared.
    Model m = g.model();
    new ConstantFolding().run(PassContext.of(m));
    assertEquals(List.of("NoSuchOperator", "Sum", "Add"), dev.tenon.ir.testing.RuleTester.operators(m));
  }

  @Test
  void aResultLargerThanItsInputsIsNotStored() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", 1);
    Value big = g.op("Expand", g.constant(Tensor.scalar(2f)), ints(g, 300, 300));
    g.output("y", g.op("Add", x, big));
    assertThat(new ConstantFolding()).on(g).doesNotFire("");
  }

  @Test
  void anEndlessResultIsNotEvenComputed() {
    Graphs g = Graphs.opset(17);
    Value huge = g.op("ConstantOfShape", ints(g, 1 << 20, 1 << 20, 1 << 20));
    g.output("y", g.op("Add", g.input("x", 1), g.op("ReduceSum", huge)));
    assertThat(new ConstantFolding()).on(g).doesNotFire("");
  }

  @Test
  void aLargeResultOnTheWayToASmallOneIsFine() {
    Graphs g = Graphs.opset(17);
    Value big = g.op("Expand", g.constant(Tensor.scalar(2f)), ints(g, 300, 300));
    g.output("y", g.op("Add", g.input("x", 1), g.op("ReduceSum", big)));
    assertThat(new ConstantFolding()).on(g).fires("Add");
  }

  @Test
  void sequencesAreNoConstants() {
    Graphs g = Graphs.opset(17);
    Value sequence = g.op("SequenceConstruct", g.weight("a", 2), g.weight("b", 2));
    g.output("y", g.op("SequenceAt", sequence, g.input(DataType.INT64, "i")));
    assertThat(new ConstantFolding()).on(g).doesNotFire("");
  }

  @Test
  void randomOperatorsAreNotFolded() {
    Graphs g = Graphs.opset(17);
    Value noise = g.op("RandomNormalLike", g.constant(Tensor.of(new float[3], 3)));
    g.output("y", g.op("Add", g.input("x", 3), noise));
    assertThat(new ConstantFolding()).on(g).doesNotFire("");
  }

  @Test
  void overridableDefaultsAreNotFolded() {
    Graphs g = Graphs.opset(17);
    Value w = g.input("w", 3);
    g.graph().setInitializer(w, Tensor.of(new float[] {1, 2, 3}, 3));
    g.output("y", g.op("Add", g.input("x", 3), g.op("Neg", w)));
    assertThat(new ConstantFolding()).on(g).doesNotFire("");
  }

  @Test
  void staticPartsOfShapesAreNumbers() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n", 3, "h");
    Value channels = g.op("Gather", g.op("Shape", x), g.constant(Tensor.scalar(1L)));
    Value six = g.op("Mul", channels, g.constant(Tensor.scalar(2L)));
    g.output("y", g.op("Add", g.op("Cast", six, Attribute.ofInt("to", DataType.FLOAT.number())), x));
    assertThat(new ConstantFolding()).shapes(new InferredShapes()).on(g).fires("Add");
  }

  @Test
  void shapesWithStartAndEnd() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", 2, 3, 5, 7);
    g.output("y", g.op("Shape", g.op("Relu", x), Attribute.ofInt("start", 1), Attribute.ofInt("end", -1)));
    Model m = assertThat(new ConstantFolding()).shapes(new InferredShapes()).on(g).fires("Identity");
    assertArrayEquals(new long[] {3, 5}, m.graph().outputs().get(0).producer().input(0).constant().toLongs());
  }

  @Test
  void constantNodesOfAllKindsBecomeInitializers() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n", 2);
    Value sum = g.op("Add", x, g.op("Constant", List.of(), Attribute.ofFloat("value_float", 1.5f)));
    sum = g.op("Add", sum, g.op("Constant", List.of(), Attribute.ofFloats("value_floats", 1, 2)));
    sum = g.op("Add", sum, g.op("Constant", List.of(), Attribute.ofTensor("value", Tensor.of(new float[] {3}, 1))));
    g.output("y", g.op("Unsqueeze", sum, g.op("Constant", List.of(), Attribute.ofInts("value_ints", 0, 1))));
    assertThat(new ConstantFolding()).on(g).fires("Add", "Add", "Add", "Unsqueeze");
  }

  @Test
  void aConstantOutputKeepsItsName() {
    Graphs g = Graphs.opset(17);
    g.output("y", g.op("Neg", g.input("x", 1)));
    g.output("c", g.op("Exp", g.weight("w", 3)));
    Model m = assertThat(new ConstantFolding()).on(g).fires("Neg", "Identity");
    assertEquals("c", m.graph().outputs().get(1).name());
  }

  @Test
  void constantsThatDoNotGoTogetherAreBadInput() {
    Graphs g = adding(17, (h, w) -> h.op("Reshape", w, ints(h, 5, 5)), 4, 4);
    BadInputException e = assertThrows(BadInputException.class, () -> new ConstantFolding().run(PassContext.of(g.model())));
    assertTrue(e.getMessage().contains("Reshape_0"), e.getMessage());
  }

  @Test
  void foldingWorksInsideSubgraphs() {
    Graphs g = Graphs.opset(17);
    Value condition = g.input(DataType.BOOL, "condition");
    Value x = g.input("x", 3);
    Value w = g.weight("w", 3);
    Graphs yes = g.subgraph("yes");
    yes.output("yes_out", yes.op("Add", x, yes.op("Exp", w)));
    Graphs no = g.subgraph("no");
    no.output("no_out", no.op("Sub", x, no.op("Neg", w)));
    g.output("y", g.op("If", condition, Attribute.ofGraph("then_branch", yes.graph()), Attribute.ofGraph("else_branch", no.graph())));
    Model m = assertThat(new ConstantFolding()).on(g).fires("If");
    assertEquals(1, m.graph().firstNode().graphAttr("then_branch").nodeCount());
    assertEquals(1, m.graph().firstNode().graphAttr("else_branch").nodeCount());
  }
}
