package dev.tenon.ir.pass;

import static dev.tenon.ir.testing.RuleTester.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Model;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.testing.Graphs;
import dev.tenon.ir.testing.RandomInputs;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class NoOpsTest {

  /** A model of opset 17 with one input [n, 3, 4] and a Neg before the output, so that names are no obstacle. */
  private static Graphs graph(java.util.function.BiFunction<Graphs, Value, Value> f) {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n", 3, 4);
    return g.output("y", g.op("Neg", f.apply(g, x)));
  }

  private static Value ints(Graphs g, long... values) {
    return g.constant(Tensor.vector(values));
  }

  @Test
  void whatDoesNothingGoes() {
    assertThat(new NoOps()).on(graph((g, x) -> g.op("Identity", x))).fires("Neg");
    assertThat(new NoOps()).on(graph((g, x) -> g.op("Dropout", x))).fires("Neg");
    assertThat(new NoOps()).on(graph((g, x) -> g.op("Cast", x, Attribute.ofInt("to", DataType.FLOAT.number())))).fires("Neg");
    assertThat(new NoOps()).on(graph((g, x) -> g.op("Sum", List.of(x)))).fires("Neg");
    assertThat(new NoOps()).on(graph((g, x) -> g.op("Concat", List.of(x), Attribute.ofInt("axis", 1)))).fires("Neg");
    assertThat(new NoOps()).on(graph((g, x) -> g.op("Add", g.constant(Tensor.scalar(0f)), x))).fires("Neg");
    assertThat(new NoOps()).on(graph((g, x) -> g.op("Mul", x, g.constant(Tensor.of(new float[] {1, 1, 1, 1}, 4))))).fires("Neg");
    assertThat(new NoOps()).on(graph((g, x) -> g.op("Div", x, g.constant(Tensor.scalar(1f))))).fires("Neg");
    assertThat(new NoOps()).on(graph((g, x) -> g.op("Pow", x, g.constant(Tensor.scalar(1f))))).fires("Neg");
    assertThat(new NoOps()).on(graph((g, x) -> g.op("Transpose", x, Attribute.ofInts("perm", 0, 1, 2)))).fires("Neg");
    assertThat(new NoOps()).on(graph((g, x) -> g.op("Pad", x, ints(g, 0, 0, 0, 0, 0, 0)))).fires("Neg");
    assertThat(new NoOps()).on(graph((g, x) -> g.op("Slice", List.of(x, ints(g, 0), ints(g, Long.MAX_VALUE), ints(g, 1))))).fires("Neg");
    assertThat(new NoOps()).on(graph((g, x) -> g.op("Resize", Arrays.asList(x, null, g.constant(Tensor.of(new float[] {1, 1, 1}, 3)))))).fires("Neg");
    assertThat(new NoOps()).on(graph((g, x) -> g.op("Relu", g.op("Relu", x)))).fires("Relu", "Neg");
    assertThat(new NoOps()).on(graph((g, x) -> g.op("Squeeze", g.op("Unsqueeze", x, ints(g, 1)), ints(g, 1)))).fires("Neg");
  }

  @Test
  void equalShapesProveThatReshapeAndExpandDoNothing() {
    for (String op : List.of("Reshape", "Expand")) {
      Graphs g = Graphs.opset(17);
      Value x = g.input("x", "n", 3, 4);
      Value target = g.op("Shape", x);
      g.output("y", g.op("Neg", g.op(op, x, target)));
      assertThat(new NoOps()).shapes(new InferredShapes()).on(g).fires("Neg");
    }
  }

  @Test
  void aReshapeToAnotherShapeOfTheSameSizeStays() {
    assertThat(new NoOps()).shapes(new InferredShapes()).on(graph((g, x) -> g.op("Reshape", x, ints(g, -1, 4, 3)))).doesNotFire("");
  }

  @Test
  void transposesCancelOrCompose() {
    assertThat(new NoOps()).on(graph((g, x) -> g.op("Transpose", g.op("Transpose", x, Attribute.ofInts("perm", 1, 2, 0)),
        Attribute.ofInts("perm", 2, 0, 1)))).fires("Neg");
    assertThat(new NoOps()).on(graph((g, x) -> g.op("Transpose", g.op("Transpose", x, Attribute.ofInts("perm", 1, 2, 0)),
        Attribute.ofInts("perm", 1, 2, 0)))).fires("Transpose", "Neg");
    assertThat(new NoOps()).on(graph((g, x) -> g.op("Transpose", g.op("Transpose", x)))).shapes(new InferredShapes()).fires("Neg");
  }

  @Test
  void chainsOfReshapesBecomeTheLast() {
    assertThat(new NoOps()).on(graph((g, x) -> g.op("Reshape", g.op("Flatten", g.op("Reshape", x, ints(g, 0, -1))), ints(g, -1, 2, 6))))
        .fires("Reshape", "Neg");
  }

  @Test
  void aZeroThatCopiesAnInnerDimensionKeepsTheInnerReshape() {
    assertThat(Movements.RESHAPE_RESHAPE).on(graph((g, x) -> g.op("Reshape", g.op("Reshape", x, ints(g, -1, 4)), ints(g, 0, 2, 2))))
        .doesNotFire("copies a dimension");
  }

  @Test
  void aConstantThatBroadcastsStays() {
    assertThat(NoOps.NEUTRAL_ELEMENT).on(graph((g, x) -> g.op("Add", x, g.constant(Tensor.of(new float[1], 1, 1, 1, 1)))))
        .doesNotFire("may change the shape");
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n", 1);
    g.output("y", g.op("Mul", x, g.constant(Tensor.of(new float[] {1, 1, 1}, 3))));
    assertThat(NoOps.NEUTRAL_ELEMENT).on(g).doesNotFire("may change the shape");
  }

  @Test
  void aParameterOfOnesMayBeTrainedAndStays() {
    assertThat(NoOps.NEUTRAL_ELEMENT).on(graph((g, x) -> {
      Tensor ones = Tensor.of(new float[] {1, 1, 1, 1}, 4);
      return g.op("Mul", x, g.initializer("layer_scale", Tensor.source("layer_scale", DataType.FLOAT, new long[] {4},
          ((dev.tenon.ir.Recipe.Constant) ones.recipe()).storage())));
    })).doesNotFire("neutral");
  }

  @Test
  void anOverridableZeroStays() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n");
    Value zero = g.input("zero");
    g.graph().setInitializer(zero, Tensor.scalar(0f));
    g.output("y", g.op("Add", x, zero));
    assertThat(NoOps.NEUTRAL_ELEMENT).on(g).doesNotFire("neither input is constant");
  }

  @Test
  void dropoutInTrainingAndAUsedMaskStay() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n", 3);
    Value on = g.constant(Tensor.constant("true", DataType.BOOL, new long[0], dev.tenon.ir.Storage.of(java.nio.ByteBuffer.wrap(new byte[] {1}))));
    g.output("y", g.op("Dropout", Arrays.asList(x, null, on)));
    List<Value> second = g.node("Dropout", List.of(x), 2);
    g.output("z", second.get(0));
    g.output("mask", second.get(1));
    assertThat(NoOps.DROPOUT).on(g).doesNotFire("training mode");
    assertThat(NoOps.DROPOUT).on(g).doesNotFire("the mask is used");
  }

  @Test
  void clipWithoutBoundsTurnsInfinityIntoANumberAndStays() {
    assertThat(NoOps.CLIP).on(graph((g, x) -> g.op("Clip", x))).doesNotFire("it has bounds");
    Tensor inf = Tensor.scalar(Float.POSITIVE_INFINITY);
    assertThat(NoOps.CLIP).on(graph((g, x) -> g.op("Clip", List.of(x, g.constant(Tensor.scalar(Float.NEGATIVE_INFINITY)), g.constant(inf)))))
        .inputs(RandomInputs.seeded(1).given("x", Tensor.of(new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 1, 2, 3,
            4, 5, 6, 7, 8, 9}, 1, 3, 4))).fires("Neg");
  }

  @Test
  void outputsKeepTheirNames() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n", 3);
    g.output("a", g.op("Identity", g.op("Relu", x)));
    g.output("b", g.op("Identity", x));
    Model m = assertThat(new NoOps()).on(g).fires("Relu", "Identity");
    assertEquals(List.of("a", "b"), m.graph().outputs().stream().map(Value::name).toList());
  }

  @Test
  void resizeThatIsNotTheIdentityAtScaleOneStays() {
    for (String mode : List.of("tf_crop_and_resize", "tf_half_pixel_for_nn")) {
      assertThat(Movements.RESIZE_BY_ONE).on(graph((g, x) -> g.op("Resize", Arrays.asList(x, null, g.constant(Tensor.of(new float[] {1, 1, 1}, 3))),
          Attribute.ofString("coordinate_transformation_mode", mode)))).doesNotFire(mode);
    }
  }

  @Test
  void aReversingSliceOfEverythingStays() {
    assertThat(Movements.SLICE_EVERYTHING).shapes(new InferredShapes()).on(graph((g, x) -> g.op("Slice", List.of(x, ints(g, -1),
        ints(g, Long.MIN_VALUE), ints(g, 1), ints(g, -1))))).doesNotFire("it steps");
  }

  @Test
  void oneElementTakenAndGivenItsAxisBackIsOneGather() {
    assertThat(Movements.GATHER_UNSQUEEZE).on(graph((g, x) -> g.op("Unsqueeze", g.op("Gather", x, g.constant(Tensor.scalar(-1L)),
        Attribute.ofInt("axis", 1)), ints(g, 1)))).fires("Gather", "Neg");
    assertThat(Movements.GATHER_UNSQUEEZE).on(graph((g, x) -> g.op("Unsqueeze", g.op("Gather", x, g.constant(Tensor.scalar(2L)),
        Attribute.ofInt("axis", 1)), ints(g, 2)))).doesNotFire("another axis");
  }

  @Test
  void castLikeOfAKnownTypeIsACast() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n");
    Value like = g.input(DataType.DOUBLE, "like", "n");
    g.output("y", g.op("CastLike", x, like));
    assertThat(new NoOps()).on(g).fires("Cast");
  }
}
