package dev.tenon.custom;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Function;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.io.OnnxWriter;
import dev.tenon.ir.pass.InferredShapes;
import dev.tenon.ir.pass.PassContext;
import dev.tenon.ir.pass.PassManager;
import dev.tenon.ir.testing.Graphs;
import dev.tenon.tf.BackendOptions;
import dev.tenon.tf.Conversion;
import dev.tenon.tf.TensorFlowBackend;
import dev.tenon.tf.custom.LayoutKind;
import dev.tenon.tf.runtime.GraphRunner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each way of resolving a custom operator gives a graph that computes it. */
class ResolutionTest {
  @TempDir
  Path folder;

  /** y = Relu(OP(x)), of unknown type between. */
  private static Model model(String op, Attribute... attributes) {
    Graphs g = Graphs.opset(18);
    g.model().opsetImports().put("tests", 1);
    g.model().setIrVersion(10);
    Value x = g.input("x", "n", 2);
    Value y = g.graph().newNode(op).domain("tests").name(op).inputs(x).attributes(List.of(attributes)).output("out").append().output();
    return g.output("y", g.op("Relu", y)).model();
  }

  private OpsFile ops(String rule) throws IOException {
    return OpsFile.read(Files.writeString(folder.resolve("ops.yaml"), "operators: {" + rule + "}"));
  }

  private static float[] run(Model model, Resolution resolution) {
    return run(model, resolution, Tensor.of(new float[] {1, -2}, 1, 2));
  }

  private static float[] run(Model model, Resolution resolution, Tensor x) {
    Diagnostics diagnostics = new Diagnostics();
    InferredShapes shapes = new InferredShapes();
    shapes.infer(model, diagnostics);
    PassManager.of("default").run(new PassContext(model, diagnostics, shapes));
    Conversion c = new TensorFlowBackend(resolution.registry()).convert(model, BackendOptions.defaults(), diagnostics);
    assertEquals(List.of(), diagnostics.errors());
    try (GraphRunner runner = GraphRunner.open(c)) {
      return runner.run(Map.of("x", x)).get("y").toFloats();
    }
  }

  /** tests::Negate as a function that multiplies with its attribute. */
  private static Function function() {
    Graph g = new Graph("body");
    Value x = g.addInput("x", null);
    Value scale = g.newNode("Constant").attribute(Attribute.reference("value_float", Attribute.Kind.FLOAT,
        "scale")).output("s").append().output();
    g.addOutput(g.newNode("Mul").inputs(x, scale).output("y").append().output());
    return new Function("tests", "Scale", "", List.of("scale"), Map.of(), Map.of("", 18), g, "");
  }

  @Test
  void theModelsOwnFunctionIsTakenByItself() {
    Model m = model("Scale", Attribute.ofFloat("scale", -3));
    m.addFunction(function());
    Resolution r = Resolution.of(m, OpsFile.NONE, List.of());
    assertEquals(Way.FUNCTION, r.ways().get("tests::Scale"));
    assertArrayEquals(new float[] {0, 6}, run(m, r));
  }

  @Test
  void aFunctionInAFileOfItsOwnTakesTheNodesAttributes() throws IOException {
    Model definition = model("Scale", Attribute.ofFloat("scale", 1));
    definition.addFunction(function());
    OnnxWriter.write(definition, folder.resolve("scale.onnx"));
    Model m = model("Scale", Attribute.ofFloat("scale", -3));
    Resolution r = Resolution.of(m, ops("tests::Scale: {resolve: onnx, definition: scale.onnx}"), List.of());
    assertArrayEquals(new float[] {0, 6}, run(m, r));
  }

  @Test
  void aSmallModelIsADefinition() throws IOException {
    Graphs g = Graphs.opset(18);
    g.model().setIrVersion(10);
    Value x = g.input("x", "n", 2);
    OnnxWriter.write(g.output("y", g.op("Mul", x, g.initializer("w", Tensor.of(new float[] {5, -7}, 2)))).model(),
        folder.resolve("small.onnx"));
    Model m = model("Weighted");
    Resolution r = Resolution.of(m, ops("tests::Weighted: {definition: small.onnx}"), List.of());
    assertArrayEquals(new float[] {5, 14}, run(m, r));
    Model two = model("Weighted");
    Graph graph = two.graph();
    graph.newNode("Weighted").domain("tests").name("two").inputs(graph.inputs().iterator().next(), graph.inputs().iterator().next())
        .output("out").append();
    String message = assertThrows(BadInputException.class,
        () -> Resolution.of(two, ops("tests::Weighted: {definition: small.onnx}"), List.of())).getMessage();
    assertTrue(message.contains("a graph of 1 inputs") && message.contains("one of 2 inputs"), message);
  }

  @Test
  void anEmitterOnTheClassPathIsTakenByItself() {
    Model m = model("Twice");
    Resolution r = Resolution.of(m, OpsFile.NONE, List.of());
    assertEquals(Way.EMITTER, r.ways().get("tests::Twice"));
    assertEquals(Map.of("tests::Twice", LayoutKind.ELEMENTWISE), r.layouts());
    assertArrayEquals(new float[] {2, 0}, run(m, r));
  }

  @Test
  void anOperatorThatTensorFlowHasIsMapped() throws IOException {
    Model m = model("Leak", Attribute.ofFloat("slope", -0.5f));
    Resolution r = Resolution.of(m, ops("tests::Leak: {resolve: tensorflow, op: LeakyRelu, attributes: {alpha: slope}, "
        + "layout: elementwise}"), List.of());
    assertEquals(Set.of("tests::Leak"), r.elementwise(), "layouts pass through it");
    assertArrayEquals(new float[] {1, 1}, run(m, r));
    Model constant = model("Leak");
    r = Resolution.of(constant, ops("tests::Leak: {resolve: tensorflow, op: LeakyRelu, attributes: {alpha: {value: -2}}}"), List.of());
    assertArrayEquals(new float[] {1, 4}, run(constant, r));
  }

  @Test
  void whatWantsChannelsLastGetsThem() throws IOException {
    Graphs g = Graphs.opset(18);
    g.model().opsetImports().put("tests", 1);
    Value x = g.input("x", 1, 2, 1, 3);
    Value bias = g.initializer("bias", Tensor.of(new float[] {10, 20}, 2));
    Value y = g.graph().newNode("Shift").domain("tests").name("shift").inputs(x, bias).output("out").append().output();
    Model m = g.output("y", y).model();
    // TensorFlow's adds to the last axis.
    Resolution r = Resolution.of(m, ops("tests::Shift: {resolve: tensorflow, op: BiasAdd, layout: channels-last}"), List.of());
    assertEquals(Graphs.shape(1, 1, 3, 2), m.graph().firstNode().next().output().shape());
    assertArrayEquals(new float[] {11, 12, 13, 24, 25, 26}, run(m, r, Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 1, 2, 1, 3)));
  }

  @Test
  void typesComeFromTensorFlowsShapeFunctionsSymbolsIncluded() throws IOException {
    Graphs g = Graphs.opset(18);
    g.model().opsetImports().put("tests", 1);
    Value x = g.input("x", "n", "2*k");
    Value w = g.initializer("w", Tensor.of(new float[15], 5, 3));
    Value t = g.graph().newNode("Turn").domain("tests").name("turn").inputs(x, g.initializer("perm", Tensor.of(new int[] {1, 0}, 2)))
        .output("turned").append().output();
    Value y = g.graph().newNode("Join").domain("tests").name("join").inputs(t, t).output("joined").append().output();
    Value z = g.graph().newNode("Product").domain("tests").name("product").inputs(w, y).output("product").append().output();
    Model m = g.output("y", y).output("z", z).model();
    Resolution.of(m, ops("""
        tests::Turn: {resolve: tensorflow, op: Transpose},
        tests::Join: {resolve: tensorflow, op: Pack, attributes: {axis: {value: 2}}},
        tests::Product: {resolve: tensorflow, op: Sum, attributes: {keep_dims: {value: true}}}"""), List.of());
    assertEquals(Type.tensor(DataType.FLOAT, Graphs.shape("2*k", "n", 2)), y.type());
    assertEquals(null, z.type(), "Sum takes no floats for its axes, and is asked in vain");
  }

  @Test
  void elementwiseOperatorsHaveTheTypeOfTheirInput() throws IOException {
    Model m = model("Leak");
    Resolution.of(m, ops("tests::Leak: {resolve: tensorflow, op: LeakyRelu, layout: elementwise}"), List.of());
    Type type = m.graph().firstNode().output().type();
    assertEquals(Type.tensor(DataType.FLOAT, Graphs.shape("n", 2)), type);
  }

  @Test
  void whatIsNotThereIsSaid() throws IOException {
    assertMessage("tests::Leak: {resolve: tensorflow, op: NoSuchOperator}", "no operator NoSuchOperator in TensorFlow", "--op-library");
    assertMessage("tests::Leak: {resolve: stub}", "no operator TestsLeak in TensorFlow", "'tenon stubs build'");
    assertMessage("tests::Leak: {resolve: emitter}", "none for it on the class path", "META-INF/services");
    assertMessage("tests::Leak: {resolve: function}", "no such function in the model", "resolve: onnx");
  }

  private void assertMessage(String rule, String found, String expected) throws IOException {
    OpsFile file = ops(rule);
    String message = assertThrows(BadInputException.class, () -> Resolution.of(model("Leak"), file, List.of())).getMessage();
    assertTrue(message.contains(found) && message.contains(expected) && message.contains("operators.tests::Leak"), message);
  }
}
