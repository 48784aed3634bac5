package dev.tenon.ir.layout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.io.OnnxReader;
import dev.tenon.ir.ort.OrtModel;
import dev.tenon.ir.pass.InferredShapes;
import dev.tenon.ir.pass.PassContext;
import dev.tenon.ir.pass.PassManager;
import dev.tenon.ir.shape.ShapeInference;
import dev.tenon.ir.testing.Equivalence;
import dev.tenon.ir.testing.Fixtures;
import dev.tenon.ir.testing.Graphs;
import dev.tenon.ir.testing.RandomInputs;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs models in ONNX Runtime before and after the layout: the numbers must not change, and few transposes may remain. */
class ChannelsLastTest {
  /** Layout only moves elements, but ONNX Runtime sums them in another order: float32 rounding over some hundred terms. */
  private static final double TOLERANCE = 2e-5;

  static List<Path> models() {
    return Fixtures.allOnnx();
  }

  @ParameterizedTest
  @MethodSource("models")
  void realModelsComputeTheSame(Path file) {
    RandomInputs inputs = RandomInputs.seeded(7).sizes(Map.of("batch", 2L, "height", 64L, "width", 96L, "sequence", 7L, "time", 9L, "length", 40L))
        .range("token_type_ids", 0, 2);
    check(() -> OnnxReader.read(file), inputs);
  }

  /** As in a conversion, where the passes come first: their operators are carried too. */
  @ParameterizedTest
  @MethodSource("models")
  void realModelsComputeTheSameBehindThePasses(Path file) {
    RandomInputs inputs = RandomInputs.seeded(8).sizes(Map.of("batch", 2L, "height", 64L, "width", 96L, "sequence", 7L, "time", 9L, "length", 40L))
        .range("token_type_ids", 0, 2);
    Model after = OnnxReader.read(file);
    InferredShapes shapes = new InferredShapes();
    shapes.infer(after, new Diagnostics());
    PassManager.of("default").run(new PassContext(after, new Diagnostics(), shapes));
    ChannelsLast.Result result = assign(after);
    Equivalence.assertSameOutputs(OnnxReader.read(file), after, 5 * TOLERANCE, List.of(inputs));
    assertTrue(result.movedBytes() >= result.bound());
  }

  /** Applies the layout to one of two equal models and compares; the transposes that are left. */
  private static ChannelsLast.Result check(Supplier<Model> make, RandomInputs... inputs) {
    Model before = make.get();
    Model after = make.get();
    ChannelsLast.Result result = assign(after);
    Equivalence.assertSameOutputs(before, after, TOLERANCE, List.of(inputs));
    return result;
  }

  private static ChannelsLast.Result assign(Model model) {
    ShapeInference.infer(model, new Diagnostics());
    return ChannelsLast.run(model);
  }

  /** Numbers restart with each model, so that two models made alike have the same weights. */
  private int weights;

  private String fresh(String prefix) {
    return prefix + weights++;
  }

  private Value conv(Graphs g, Value x, int out, int in, int k, int group) {
    return g.op("Conv", List.of(x, g.weight(fresh("w"), out, in / group, k, k), g.weight(fresh("b"), out)), Attribute.ofInts("kernel_shape", k, k),
        Attribute.ofInts("pads", k / 2, k / 2, k / 2, k / 2), Attribute.ofInt("group", group));
  }

  private Model residual(int c, int h, int w) {
    weights = 0;
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "batch", c, h, w);
    Value a = g.op("Relu", conv(g, x, c, c, 3, 1));
    Value b = g.op("Add", conv(g, a, c, c, 1, 1), conv(g, x, c, c, 3, c));
    Value scaled = g.op("Mul", b, g.weight("scale", c, 1, 1));
    Value pooled = g.op("GlobalAveragePool", scaled);
    Value gate = g.op("Sigmoid", conv(g, pooled, c, c, 1, 1));
    g.output("y", g.op("Flatten", g.op("GlobalAveragePool", g.op("Mul", scaled, gate))));
    return g.model();
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 5})
  void aResidualNetworkKeepsOnlyTheTransposeOfItsInput(int height) {
    // With 4 channels, a height and width of 4 and a batch of 4, sizes say nothing about the axes.
    ChannelsLast.Result result = check(() -> residual(4, height, 4), RandomInputs.seeded(1).size("batch", 4), RandomInputs.seeded(2).size("batch", 1));
    assertEquals(1, result.transposesLeft());
    assertEquals(6, result.assigned());
  }

  @Test
  void anOutputKeepsItsNameAndLayout() {
    Supplier<Model> model = () -> {
      weights = 0;
      Graphs g = Graphs.opset(17);
      Value x = g.input("x", "batch", 3, "h", "w");
      g.output("features", g.op("Relu", conv(g, x, 6, 3, 3, 1)));
      return g.model();
    };
    ChannelsLast.Result result = check(model, RandomInputs.seeded(3).size("h", 5).size("w", 7));
    assertEquals(2, result.transposesLeft());
    Model after = model.get();
    assign(after);
    assertEquals("features", after.graph().outputs().get(0).name());
    assertEquals(6, after.graph().outputs().get(0).shape().dim(1).constant());
  }

  @Test
  void aPermuteLayerNormPermuteBlockCancelsAgainstItsConvolutions() {
    ChannelsLast.Result result = check(() -> {
      weights = 0;
      Graphs g = Graphs.opset(17);
      Value x = g.input("x", "batch", 6, 5, 7);
      Value y = conv(g, x, 6, 6, 3, 6);
      Value t = g.op("Transpose", y, Attribute.ofInts("perm", 0, 2, 3, 1));
      Value n = g.op("LayerNormalization", List.of(t, g.weight("gamma", 6), g.weight("beta", 6)), Attribute.ofInt("axis", -1));
      Value m = g.op("MatMul", n, g.weight("k", 6, 6));
      Value back = g.op("Transpose", m, Attribute.ofInts("perm", 0, 3, 1, 2));
      Value scaled = g.op("Mul", g.weight("layer_scale", 6, 1, 1), back);
      g.output("y", g.op("GlobalAveragePool", g.op("Add", scaled, y)));
      return g.model();
    }, RandomInputs.seeded(4));
    assertEquals(1, result.transposesLeft());
  }

  @Test
  void patchesOfAVisionTransformerNeedNoTransposeBehindTheConvolution() {
    ChannelsLast.Result result = check(() -> {
      Graphs g = Graphs.opset(17);
      Value x = g.input("x", "batch", 3, 8, 12);
      Value y = g.op("Conv", List.of(x, g.weight("w", 10, 3, 4, 4)), Attribute.ofInts("strides", 4, 4));
      Value r = g.op("Reshape", y, g.constant(Tensor.vector(0, 10, -1)));
      g.output("tokens", g.op("Transpose", r, Attribute.ofInts("perm", 0, 2, 1)));
      return g.model();
    }, RandomInputs.seeded(5));
    assertEquals(1, result.transposesLeft());
  }

  @Test
  void everyValueIsStillTraceableToTheSourceWithItsPermutation() {
    Model model = residual(4, 4, 4);
    model.graph().recordOrigins();
    assign(model);
    for (Node n : model.graph().nodes()) {
      if (n.domain().equals(ChannelsLastOps.DOMAIN)) {
        assertTrue(n.output().origin() != null && n.output().origin().perm().equals(List.of(0, 2, 3, 1)), n.toString());
      }
    }
  }

  @Test
  void aLoopThatCarriesAFeatureMapCarriesItChannelsLast() {
    ChannelsLast.Result result = check(() -> {
      weights = 0;
      Graphs g = Graphs.opset(17);
      Value x = g.input("x", "batch", 4, 4, 4);
      Value start = conv(g, x, 4, 4, 3, 1);
      Graphs body = g.subgraph("body");
      body.input(DataType.INT64, "i");
      body.input(DataType.BOOL, "go");
      Value state = body.input("state", "batch", 4, 4, 4);
      body.output("go_on", body.op("Identity", body.graph().inputs().get(1)));
      body.output("next", body.op("Relu", body.op("Add", conv(body, state, 4, 4, 3, 1), start)));
      Value end = g.op("Loop", Arrays.asList(g.constant(Tensor.scalar(3L)), null, start), Attribute.ofGraph("body", body.graph()));
      g.output("y", g.op("GlobalMaxPool", end));
      return g.model();
    }, RandomInputs.seeded(8));
    assertEquals(1, result.transposesLeft());
    assertTrue(result.isOptimal());
  }

  @Test
  void bothBranchesGiveTheLayoutThatIsWantedBehindThem() {
    ChannelsLast.Result result = check(() -> {
      weights = 0;
      Graphs g = Graphs.opset(17);
      Value x = g.input("x", "batch", 4, 4, 4);
      Value start = conv(g, x, 4, 4, 3, 1);
      Value condition = g.op("Less", g.op("ReduceMean", List.of(x), Attribute.ofInt("keepdims", 0)), g.constant(Tensor.scalar(0f)));
      Graphs yes = g.subgraph("yes");
      yes.output("a", yes.op("Tanh", conv(yes, start, 4, 4, 1, 1)));
      Graphs no = g.subgraph("no");
      no.output("b", no.op("Identity", start));
      Value either = g.op("If", condition, Attribute.ofGraph("then_branch", yes.graph()), Attribute.ofGraph("else_branch", no.graph()));
      g.output("y", g.op("GlobalMaxPool", conv(g, either, 4, 4, 3, 1)));
      return g.model();
    }, RandomInputs.seeded(9));
    assertEquals(1, result.transposesLeft());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void sequencesAndVolumesHaveChannelsTooAndTheirLayoutsAreChosenAlike(int dimensions) {
    long[] kernel = new long[dimensions];
    Arrays.fill(kernel, 1);
    ChannelsLast.Result result = check(() -> {
      weights = 0;
      Graphs g = Graphs.opset(17);
      Object[] dims = new Object[dimensions + 2];
      Arrays.fill(dims, 5);
      Value x = g.input("x", dims);
      long[] shape = new long[dimensions + 2];
      Arrays.fill(shape, 1);
      shape[0] = 5;
      shape[1] = 5;
      Value a = g.op("Relu", g.op("Conv", x, g.weight("w0", shape)));
      Value scaled = g.op("Mul", a, g.weight("s", Arrays.copyOfRange(shape, 1, shape.length)));
      g.output("y", g.op("Softmax", g.op("Conv", scaled, g.weight("w1", shape)), Attribute.ofInt("axis", 1)));
      return g.model();
    }, RandomInputs.seeded(10));
    assertEquals(2, result.transposesLeft());
  }

  @Test
  void aLinearLayerBehindAFlattenedMapHasItsWeightRearranged() {
    for (boolean gemm : new boolean[] {false, true}) {
      ChannelsLast.Result result = check(() -> {
        weights = 0;
        Graphs g = Graphs.opset(17);
        Value x = g.input("x", "batch", 4, 4, 3);
        Value flat = g.op("Flatten", g.op("Relu", conv(g, x, 4, 4, 3, 1)));
        g.output("y", gemm ? g.op("Gemm", List.of(flat, g.weight("k", 7, 48), g.weight("b", 7)), Attribute.ofInt("transB", 1))
            : g.op("MatMul", flat, g.weight("k", 48, 7)));
        return g.model();
      }, RandomInputs.seeded(11).size("batch", 3));
      assertEquals(1, result.transposesLeft());
    }
  }

  @Test
  void inputsAndOutputsAreChannelsLastIfAskedFor() {
    Supplier<Model> make = () -> {
      weights = 0;
      Graphs g = Graphs.opset(17);
      Value x = g.input("x", "batch", 4, 4, 4);
      Value mask = g.input("mask", 1, 4, 4);
      g.output("y", g.op("Mul", conv(g, x, 4, 4, 3, 1), mask));
      return g.model();
    };
    Model model = make.get();
    ShapeInference.infer(model, new Diagnostics());
    ChannelsLast.Result result = ChannelsLast.run(model, LayoutOptions.parse("nhwc,mask=source"));
    assertEquals(Map.of("x", List.of(0, 2, 3, 1), "y", List.of(0, 2, 3, 1)), result.perms());
    assertEquals(0, result.transposesLeft());
    Map<String, Tensor> inputs = RandomInputs.seeded(12).size("batch", 2).forModel(make.get());
    Map<String, Tensor> moved = new HashMap<>(inputs);
    moved.put("x", inputs.get("x").permute(0, 2, 3, 1).evaluated());
    try (OrtModel before = OrtModel.open(make.get()); OrtModel after = OrtModel.open(model)) {
      Tensor expected = before.run(inputs).get("y").permute(0, 2, 3, 1);
      Equivalence.assertSame(Map.of("y", expected), after.run(moved), TOLERANCE, "channels-last");
    }
  }

  @Test
  void convolutionsOfTensorsOfUnknownRankGetTheirLayoutAndEverythingElseTheSourcesOrder() {
    check(() -> {
      weights = 0;
      Graphs g = Graphs.opset(17);
      Value x = g.graph().addInput("x", Type.tensor(DataType.FLOAT, Shape.of(2, 4, 4, 4)));
      Value shape = g.graph().addInput("shape", Type.tensor(DataType.INT64, Shape.unknown()));
      Value a = conv(g, g.op("Reshape", x, shape), 4, 4, 3, 1);
      Value b = g.op("Relu", conv(g, a, 4, 4, 1, 1));
      g.output("y", g.op("Add", b, a));
      return g.model();
    }, RandomInputs.seeded(13).given("shape", Tensor.vector(2, 4, 4, 4)));
  }

  @Test
  void theReportNamesEachTransposeWithItsPlaceAndReason() {
    Model model = residual(4, 4, 4);
    model.graph().recordOrigins();
    ChannelsLast.Result result = assign(model);
    Remaining left = result.remaining().get(0);
    assertEquals("x", left.value());
    assertEquals(4 * 4 * 4 * 4, left.bytes());
    assertEquals("the input is stored as in the source", left.reason());
    assertTrue(left.place().startsWith("input x -> Conv2D "), left.place());
    assertEquals(left.bytes(), result.movedBytes());
    assertEquals(result.movedBytes(), result.bound());
  }

  /** What inference does not object to reaches the layout: such nodes read the source's order, and the emitters say what is wrong. */
  @Test
  void nodesThatNameAxesWhichThereAreNotAreLeftAsTheyAre() {
    for (Attribute wrong : new Attribute[] {Attribute.ofInts("perm", 0, 7, 1, 2), Attribute.ofInts("perm", 0, -1, 1, 2), Attribute.ofInts("perm", 0, 1, 1, 2),
        Attribute.ofInt("axis", 8), Attribute.ofInt("axis", -9)}) {
      weights = 0;
      Graphs g = Graphs.opset(17);
      Value y = conv(g, g.input("x", "batch", 4, 4, 4), 4, 4, 3, 1);
      Value odd = g.op(wrong.name().equals("perm") ? "Transpose" : "Softmax", y, wrong);
      Model model = g.output("y", odd).model();
      ChannelsLast.Result result = assign(model);
      assertEquals(1, result.assigned());
      assertTrue(model.graph().outputs().get(0).producer().attributes().contains(wrong), wrong.toString());
    }
  }

  @Test
  void bodiesThatLackWhatTheyAreHandedHaveNoLayoutOfTheirOwn() {
    Graphs g = Graphs.opset(17);
    Value y = conv(g, g.input("x", "batch", 4, 4, 4), 4, 4, 3, 1);
    Graphs body = g.subgraph("body");
    body.input(DataType.INT64, "i");
    body.output("go_on", body.op("Identity", body.input(DataType.BOOL, "go")));
    Value end = g.op("Loop", Arrays.asList(g.constant(Tensor.scalar(3L)), null, y), Attribute.ofGraph("body", body.graph()));
    Graphs none = g.subgraph("none");
    Value either = g.op("If", g.input(DataType.BOOL, "which"), Attribute.ofGraph("then_branch", none.graph()),
        Attribute.ofGraph("else_branch", g.subgraph("nothing").graph()));
    assertEquals(1, assign(g.output("a", end).output("b", either).model()).assigned());
  }

  @Test
  void whatIsSaidOfANodeStaysWithIt() {
    Model model = residual(4, 4, 4);
    model.graph().forEachNode(n -> n.metadata().put("asked", n.opType()));
    assign(model);
    for (Node n : model.graph().nodes()) {
      if (!n.isOp("Transpose")) {
        assertTrue(n.metadata().containsKey("asked"), n.toString());
      }
    }
  }

  /** Random networks of layout-free operators between convolutions, with many equal dimensions. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
  void randomNetworksComputeTheSame(long seed) {
    check(() -> random(seed), RandomInputs.seeded(seed).size("batch", 2));
  }

  private Model random(long seed) {
    weights = 0;
    Random random = new Random(seed);
    int c = random.nextBoolean() ? 4 : 6;
    int h = random.nextBoolean() ? 4 : 5;
    int w = random.nextBoolean() ? c : 7;
    Graphs g = Graphs.opset(18);
    List<Value> pool = new ArrayList<>();
    pool.add(g.input("x", "batch", c, h, w));
    pool.add(g.op("Relu", g.input("z", "batch", c, h, w)));
    for (int i = 0; i < 14; i++) {
      Value a = pool.get(random.nextInt(pool.size()));
      Value b = pool.get(random.nextInt(pool.size()));
      pool.add(switch (random.nextInt(13)) {
        case 0, 1, 2 -> conv(g, a, c, c, 3, random.nextBoolean() ? c : 1);
        case 3 -> g.op("MaxPool", a, Attribute.ofInts("kernel_shape", 3, 3), Attribute.ofInts("pads", 1, 1, 1, 1));
        case 4 -> g.op("Add", a, b);
        case 5 -> g.op("Mul", a, g.weight(fresh("s"), c, 1, 1));
        case 6 -> g.op("Sub", g.weight(fresh("s"), w), a);
        case 7 -> g.op("Tanh", a);
        case 8 -> g.op("Mul", a, g.op("Sigmoid", g.op("GlobalAveragePool", b)));
        case 9 -> {
          Value cat = g.op("Concat", List.of(a, b), Attribute.ofInt("axis", 1));
          yield conv(g, cat, c, 2 * c, 1, 1);
        }
        case 10 -> g.op("Softmax", a, Attribute.ofInt("axis", random.nextInt(4) - 2));
        case 11 -> g.op("Add", a, g.op("ReduceMean", b, g.constant(Tensor.vector(1 + random.nextInt(3)))));
        default -> {
          List<Value> parts = g.node("Split", List.of(a), 2, Attribute.ofInt("axis", 1), Attribute.ofInt("num_outputs", 2));
          yield g.op("Concat", List.of(parts.get(1), parts.get(0)), Attribute.ofInt("axis", 1));
        }
      });
    }
    g.output("y", pool.get(pool.size() - 1));
    g.output("mean", g.op("ReduceMean", List.of(pool.get(pool.size() - 2), g.constant(Tensor.vector(2, 3))), Attribute.ofInt("keepdims", 0)));
    return g.model();
  }
}
