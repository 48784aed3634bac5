package dev.tenon.ir.pass;

import static dev.tenon.ir.testing.RuleTester.assertThat;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Provenance;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.testing.Graphs;
import dev.tenon.ir.testing.RandomInputs;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class BatchNormFoldingTest {

  private static Tensor variance(long channels) {
    float[] v = new float[(int) channels];
    for (int i = 0; i < v.length; i++) {
      v[i] = 0.1f + 0.7f * i;
    }
    return Tensor.of(v, channels);
  }

  private static Value batchNorm(Graphs g, Value x, long channels, Attribute... attributes) {
    String p = "bn" + g.graph().nodeCount();
    return g.op("BatchNormalization", List.of(x, g.weight(p + ".weight", channels), g.weight(p + ".bias", channels),
        g.weight(p + ".mean", channels), g.initializer(p + ".var", variance(channels))), attributes);
  }

  private static Attribute pads(long... pads) {
    return Attribute.ofInts("pads", pads);
  }

  private static Graphs convAndNorm(int opset, long group, boolean bias) {
    Graphs g = Graphs.opset(opset);
    Value x = g.input("x", "n", 6, "h", 7);
    Value w = g.weight("w", 4, 6 / group, 3, 3);
    List<Value> inputs = bias ? List.of(x, w, g.weight("b", 4)) : List.of(x, w);
    Value y = g.op("Conv", inputs, Attribute.ofInt("group", group), pads(1, 1, 1, 1));
    return g.output("y", batchNorm(g, y, 4, Attribute.ofFloat("epsilon", 1e-3f)));
  }

  @Test
  void convolutionWithAndWithoutBiasTakesTheBatchNorm() {
    for (int opset : new int[] {7, 9, 13, 15, 17}) {
      assertThat(new BatchNormFolding()).on(convAndNorm(opset, 1, true)).fires("Conv");
      assertThat(new BatchNormFolding()).on(convAndNorm(opset, 2, false)).fires("Conv");
    }
  }

  @Test
  void foldedWeightsNameTheirSources() {
    Graphs g = convAndNorm(17, 1, false);
    g.graph().nodes().forEach(n -> n.setProvenance(Provenance.of(n.name())));
    Model m = assertThat(new BatchNormFolding()).on(g).fires("Conv");
    Node conv = m.graph().firstNode();
    assertEquals(Set.of("w", "bn1.weight"), conv.input(1).constant().recipe().sources());
    assertEquals(Set.of("bn1.bias", "bn1.mean", "bn1.weight"), conv.input(2).constant().recipe().sources());
    assertArrayEquals(new long[] {4, 6, 3, 3}, conv.input(1).constant().dims());
    assertEquals(List.of("BatchNormalization_1", "Conv_0"), conv.provenance().sources().stream().sorted().toList());
  }

  @Test
  void groupedTransposedConvolutionScalesItsOwnAxis() {
    for (long group : new long[] {1, 2, 3}) {
      Graphs g = Graphs.opset(15);
      Value x = g.input("x", "n", 6, "h", "w");
      Value y = g.op("ConvTranspose", List.of(x, g.weight("w", 6, 4, 2, 3)), Attribute.ofInt("group", group));
      g.output("y", batchNorm(g, y, 4 * group));
      assertThat(new BatchNormFolding()).on(g).fires("ConvTranspose");
    }
  }

  @Test
  void equalDimensionsDoNotConfuseTheAxes() {
    Graphs g = Graphs.opset(15);
    Value x = g.input("x", 3, 3, 3, 3);
    Value y = g.op("Conv", List.of(x, g.weight("w", 3, 3, 3, 3)), pads(1, 1, 1, 1));
    Value z = g.op("ConvTranspose", List.of(batchNorm(g, y, 3), g.weight("v", 3, 3, 3, 3)), pads(1, 1, 1, 1));
    g.output("y", batchNorm(g, z, 3));
    assertThat(new BatchNormFolding()).on(g).fires("Conv", "ConvTranspose");
  }

  @Test
  void outputReadTwiceKeepsTheBatchNorm() {
    Graphs g = Graphs.opset(15);
    Value x = g.input("x", "n", 3, "h", "w");
    Value y = g.op("Conv", List.of(x, g.weight("w", 4, 3, 1, 1)));
    g.output("z", g.op("Add", batchNorm(g, y, 4), g.op("Relu", y)));
    assertThat(BatchNormFolding.BATCH_NORM_INTO_CONV).on(g).doesNotFire("is also read by");
  }

  @Test
  void outputOfTheGraphKeepsTheBatchNorm() {
    Graphs g = Graphs.opset(15);
    Value x = g.input("x", "n", 3, "h", "w");
    Value y = g.op("Conv", List.of(x, g.weight("w", 4, 3, 1, 1)));
    g.output("y", y);
    g.output("z", batchNorm(g, y, 4));
    assertThat(BatchNormFolding.BATCH_NORM_INTO_CONV).on(g).doesNotFire("is an output of the graph");
  }

  @Test
  void sharedWeightsAreFoldedForEachConvolution() {
    Graphs g = Graphs.opset(15);
    Value x = g.input("x", "n", 4, "h", "w");
    Value w = g.weight("w", 4, 4, 1, 1);
    Value y = batchNorm(g, g.op("Conv", List.of(x, w)), 4);
    g.output("z", batchNorm(g, g.op("Conv", List.of(y, w)), 4));
    assertThat(new BatchNormFolding()).on(g).fires("Conv", "Conv");
  }

  @Test
  void overridableWeightIsNotFolded() {
    Graphs g = Graphs.opset(15);
    Value x = g.input("x", "n", 3, "h", "w");
    Value w = g.input("w", 4, 3, 1, 1);
    g.graph().setInitializer(w, RandomInputs.floats(3, 4, 3, 1, 1));
    g.output("y", batchNorm(g, g.op("Conv", List.of(x, w)), 4));
    assertThat(BatchNormFolding.BATCH_NORM_INTO_CONV).on(g).doesNotFire("expected a constant");
  }

  @Test
  void trainingModeIsNotFolded() {
    Graphs g = Graphs.opset(15);
    Value x = g.input("x", "n", 3, "h", "w");
    Value y = g.op("Conv", List.of(x, g.weight("w", 4, 3, 1, 1)));
    g.output("y", batchNorm(g, y, 4, Attribute.ofInt("training_mode", 1)));
    assertThat(BatchNormFolding.BATCH_NORM_INTO_CONV).on(g).doesNotFire("training mode");
  }

  @Test
  void halfPrecisionKeepsItsType() {
    Graphs g = Graphs.opset(15);
    Value x = g.input(DataType.FLOAT16, "x", "n", 3, "h", "w");
    DataType half = DataType.FLOAT16;
    Value y = g.op("Conv", List.of(x, g.initializer("w", RandomInputs.tensor(half, new long[] {4, 3, 1, 1}, 1))));
    g.output("y", g.op("BatchNormalization", List.of(y, g.initializer("g", RandomInputs.tensor(half, new long[] {4}, 2)),
        g.initializer("b", RandomInputs.tensor(half, new long[] {4}, 3)), g.initializer("m", RandomInputs.tensor(half, new long[] {4}, 4)),
        g.initializer("v", variance(4).cast(half).evaluated()))));
    // Half precision has 11 bits: the intermediate that is no longer rounded differs by 2^-11 and its follow-ups.
    Model m = assertThat(new BatchNormFolding()).on(g).within(4e-3).fires("Conv");
    assertEquals(half, m.graph().firstNode().input(1).constant().dtype());
    assertEquals(half, m.graph().firstNode().input(2).constant().dtype());
  }

  @Test
  void gemmTakesTheBatchNormOnItsColumns() {
    for (long transposed : new long[] {0, 1}) {
      Graphs g = Graphs.opset(15);
      Value x = g.input("x", "n", 5);
      Value w = transposed == 1 ? g.weight("w", 4, 5) : g.weight("w", 5, 4);
      Value y = g.op("Gemm", List.of(x, w, g.weight("b", 4)), Attribute.ofInt("transB", transposed), Attribute.ofFloat("alpha", 0.7f),
          Attribute.ofFloat("beta", 1.3f));
      g.output("y", batchNorm(g, y, 4));
      assertThat(new BatchNormFolding()).on(g).fires("Gemm");
    }
  }

  @Test
  void squareGemmIsScaledAlongItsColumns() {
    for (long transposed : new long[] {0, 1}) {
      Graphs g = Graphs.opset(15);
      Value y = g.op("Gemm", List.of(g.input("x", 4, 4), g.weight("w", 4, 4)), Attribute.ofInt("transB", transposed));
      g.output("y", batchNorm(g, y, 4));
      assertThat(new BatchNormFolding()).on(g).fires("Gemm");
    }
  }

  @Test
  void matMulOfRankTwoTakesTheBatchNorm() {
    Graphs g = Graphs.opset(15);
    Value x = g.input("x", "n", 5);
    Value y = g.op("Add", g.weight("b", 4), g.op("MatMul", x, g.weight("w", 5, 4)));
    g.output("y", batchNorm(g, y, 4));
    assertThat(new BatchNormFolding()).on(g).fires("MatMul", "Add");
  }

  @Test
  void batchNormOverAnotherAxisThanTheColumnsStays() {
    Graphs g = Graphs.opset(15);
    Value y = g.op("MatMul", g.input("x", "n", 4, 4), g.weight("w", 4, 4));
    g.output("y", batchNorm(g, y, 4));
    assertThat(BatchNormFolding.BATCH_NORM_INTO_MATMUL).on(g).doesNotFire("not provably the channels");
  }

  @Test
  void batchNormGoesIntoTheNextConvolutionWithoutPadding() {
    for (long group : new long[] {1, 2}) {
      Graphs g = Graphs.opset(15);
      Value x = g.op("Relu", g.input("x", "n", 4, 6, 6));
      Value y = g.op("Conv", List.of(batchNorm(g, x, 4), g.weight("w", 6, 4 / group, 3, 3), g.weight("b", 6)), Attribute.ofInt("group", group));
      g.output("y", y);
      assertThat(new BatchNormFolding()).on(g).fires("Relu", "Conv");
    }
  }

  @Test
  void paddingKeepsAShiftingBatchNormBeforeAConvolution() {
    Graphs g = Graphs.opset(15);
    Value y = g.op("Conv", List.of(batchNorm(g, g.input("x", "n", 4, 6, 6), 4), g.weight("w", 6, 4, 3, 3)), pads(1, 1, 1, 1));
    g.output("y", y);
    assertThat(BatchNormFolding.BATCH_NORM_INTO_NEXT_CONV).on(g).doesNotFire("pads with zeros");
  }

  @Test
  void scalingBatchNormGoesIntoAPaddedConvolution() {
    Graphs g = Graphs.opset(15);
    Value zeros = g.initializer("zeros", Tensor.of(new float[4], 4));
    Value bn = g.op("BatchNormalization", List.of(g.input("x", "n", 4, 6, 6), g.weight("g", 4), zeros, zeros, g.initializer("v", variance(4))));
    g.output("y", g.op("Conv", List.of(bn, g.weight("w", 6, 4, 3, 3)), Attribute.ofString("auto_pad", "SAME_UPPER")));
    assertThat(new BatchNormFolding()).on(g).fires("Conv");
  }

  @Test
  void batchNormGoesIntoTheNextGemm() {
    for (long transposed : new long[] {0, 1}) {
      Graphs g = Graphs.opset(15);
      Value w = g.weight("w", 4, 4);
      Value y = g.op("Gemm", List.of(batchNorm(g, g.input("x", "n", 4), 4), w, g.weight("b", 4)), Attribute.ofInt("transB", transposed),
          Attribute.ofFloat("alpha", 0.5f), Attribute.ofFloat("beta", 2f));
      g.output("y", y);
      assertThat(new BatchNormFolding()).on(g).fires("Gemm");
    }
  }

  @Test
  void writtenOutAffinesAreFolded() {
    Graphs g = Graphs.opset(13);
    Value y = g.op("Conv", List.of(g.input("x", "n", 3, "h", "w"), g.weight("w", 4, 3, 3, 3)));
    y = g.op("Mul", g.weight("scale", 1, 4, 1, 1), y);
    y = g.op("Add", y, g.weight("shift", 4, 1, 1));
    y = g.op("Sub", g.constant(Tensor.scalar(2f)), y);
    y = g.op("Div", y, g.constant(Tensor.of(new float[] {1, -2, 0.5f, 4}, 4, 1, 1)));
    g.output("y", y);
    assertThat(new BatchNormFolding()).on(g).fires("Conv");
  }

  /** As PP-OCR's learnable affine behind its activations. */
  @Test
  void affinesInFrontOfAConvolutionAreFoldedIntoIt() {
    for (long group : new long[] {1, 2, 4}) {
      for (long[] of : new long[][] {{}, {1}, {4, 1, 1}, {1, 4, 1, 1}}) {
        Graphs g = Graphs.opset(13);
        Value y = g.op("Mul", g.op("Relu", g.input("x", "n", 4, "h", 6)), g.weight("scale", of));
        y = g.op("Sub", g.op("Add", y, g.weight("shift", of)), g.constant(Tensor.scalar(2f)));
        y = g.op("Div", y, g.constant(Tensor.scalar(4f)));
        y = g.op("Conv", List.of(y, g.weight("w", 8, 4 / group, 3, 3), g.weight("b", 8)), Attribute.ofInt("group", group));
        assertThat(new BatchNormFolding()).shapes(new InferredShapes()).on(g.output("y", y)).fires("Relu", "Conv");
      }
    }
  }

  @Test
  void inFrontOfPaddingTheShiftOfSomethingScaledStays() {
    for (long[] of : new long[][] {{1}, {4, 1, 1}}) {
      Graphs g = Graphs.opset(13);
      Value y = g.op("Mul", g.weight("scale", of), g.op("Relu", g.input("x", "n", 4, "h", 6)));
      y = g.op("Add", g.weight("shift", of), y);
      g.output("y", g.op("Conv", List.of(y, g.weight("w", 8, 4, 3, 3)), pads(1, 1, 1, 1)));
      assertThat(new BatchNormFolding()).shapes(new InferredShapes()).on(g).fires("Relu", "Add", "Conv");
    }
  }

  @Test
  void anAffineThatIsReadElsewhereStays() {
    Graphs g = Graphs.opset(13);
    Value y = g.op("Mul", g.input("x", "n", 4, "h", 6), g.weight("scale", 1));
    g.output("z", y);
    g.output("y", g.op("Conv", List.of(y, g.weight("w", 8, 4, 3, 3))));
    assertThat(BatchNormFolding.AFFINE_INTO_NEXT_CONV).on(g).doesNotFire("is an output of the graph");
    g = Graphs.opset(13);
    Value sum = g.op("Add", g.op("Mul", g.input("x", "n", 4, "h", 6), g.constant(Tensor.scalar(0f))), g.constant(Tensor.scalar(1f)));
    g.output("y", g.op("Conv", List.of(sum, g.weight("w", 8, 4, 3, 3)), pads(1, 1, 1, 1)));
    assertThat(BatchNormFolding.AFFINE_INTO_NEXT_CONV).on(g).doesNotFire("pads with zeros");
  }

  @Test
  void aConstantThatWidensTheChannelsIsNotFoldedIntoTheNextConvolution() {
    Graphs g = Graphs.opset(13);
    Value y = g.op("Mul", g.input("x", "n", 1, 5, 6), g.weight("scale", 4, 1, 1));
    g.output("y", g.op("Conv", List.of(y, g.weight("w", 8, 4, 3, 3))));
    assertThat(BatchNormFolding.AFFINE_INTO_NEXT_CONV).on(g).doesNotFire("expected a constant per channel");
  }

  @Test
  void constantAlongTheWidthIsNotTakenForOnePerChannel() {
    Graphs g = Graphs.opset(13);
    Value y = g.op("Conv", List.of(g.input("x", 1, 3, 4, 4), g.weight("w", 4, 3, 1, 1)));
    g.output("y", g.op("Mul", y, g.weight("scale", 4)));
    assertThat(BatchNormFolding.AFFINE_INTO_CONV).on(g).doesNotFire("not one per channel");
  }

  @Test
  void constantOfHigherRankIsNotFolded() {
    Graphs g = Graphs.opset(13);
    Value y = g.op("Conv", List.of(g.input("x", 1, 3, 4, 4), g.weight("w", 4, 3, 1, 1)));
    g.output("y", g.op("Mul", y, g.weight("scale", 1, 1, 4, 1, 1)));
    assertThat(BatchNormFolding.AFFINE_INTO_CONV).on(g).doesNotFire("not one per channel");
  }

  @Test
  void infiniteAndZeroDivisorsStay() {
    for (float bad : new float[] {0, Float.NaN, Float.POSITIVE_INFINITY}) {
      Graphs g = Graphs.opset(13);
      Value y = g.op("Conv", List.of(g.input("x", 1, 3, 4, 4), g.weight("w", 2, 3, 1, 1)));
      String op = bad == 0 ? "Div" : "Mul";
      g.output("y", g.op(op, y, g.constant(Tensor.of(new float[] {1, bad}, 2, 1, 1))));
      assertThat(BatchNormFolding.AFFINE_INTO_CONV).on(g).doesNotFire(bad == 0 ? "not invertible" : "not finite");
    }
  }

  @Test
  void turnedOffItLeavesTheBatchNorm() {
    Model m = convAndNorm(15, 1, true).model();
    PassManager.of("-fold-batch-norm").run(PassContext.of(m));
    assertTrue(m.graph().nodeList().stream().anyMatch(n -> n.isOp("BatchNormalization")));
  }
}
