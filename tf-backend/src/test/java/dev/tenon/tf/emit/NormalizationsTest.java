package dev.tenon.tf.emit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.tf.Conversion;
import dev.tenon.tf.testing.EmitterTester;
import dev.tenon.tf.testing.Tensors;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.tensorflow.proto.NodeDef;

class NormalizationsTest {
  /** Means and variances in another order of summation, and 1/sqrt in float32. */
  private static final double TOLERANCE = 3e-6;

  private static Tensor vector(long seed, long... dims) {
    return Tensors.random(new Random(seed), DataType.FLOAT, dims);
  }

  private static Tensor positive(long n) {
    return Tensors.uniform(new Random(9), DataType.FLOAT, 0.1, 3, n);
  }

  private static EmitterTester batch(EmitterTester t, long channels) {
    return t.parameter(vector(1, channels)).parameter(vector(2, channels)).parameter(vector(3, channels)).parameter(positive(channels))
        .attr("epsilon", 1e-3f);
  }

  @Test
  void batchNormalizationOfEveryRank() {
    EmitterTester t = EmitterTester.op("BatchNormalization");
    batch(t.input(DataType.FLOAT, "n", 4), 4).sizes("n", 3).sizes("n", 4).check(TOLERANCE);
    batch(EmitterTester.op("BatchNormalization").input(DataType.FLOAT, "n", 4, "t"), 4).sizes("n", 3, "t", 5).sizes("n", 4, "t", 4)
        .check(TOLERANCE);
    batch(EmitterTester.op("BatchNormalization").input(DataType.FLOAT, "n", 4, "h", "w"), 4).sizes("n", 3, "h", 5, "w", 6)
        .sizes("n", 4, "h", 4, "w", 4).check(TOLERANCE);
    batch(EmitterTester.op("BatchNormalization").input(DataType.FLOAT, "n", 4, "d", "h", "w"), 4).sizes("n", 3, "d", 2, "h", 5, "w", 6)
        .sizes("n", 4, "d", 4, "h", 4, "w", 4).check(TOLERANCE);
  }

  @Test
  void batchNormalizationOfDoubles() {
    EmitterTester t = EmitterTester.op("BatchNormalization").input(DataType.DOUBLE, "n", 3, 4, 5);
    for (long seed = 1; seed <= 3; seed++) {
      t.parameter(Tensors.random(new Random(seed), DataType.DOUBLE, 3));
    }
    t.parameter(Tensors.uniform(new Random(4), DataType.DOUBLE, 0.1, 3, 3)).sizes("n", 2).check(1e-12);
  }

  private static List<String> ops(Conversion c) {
    return c.graph().getNodeList().stream().map(NodeDef::getOp)
        .filter(o -> !o.matches("Const|Placeholder|EnsureShape|Transpose|.*Variable.*|VarHandleOp")).toList();
  }

  @Test
  void behindAConvolutionABatchNormalizationIsOneOperation() {
    EmitterTester t = EmitterTester.graph(g -> {
      Value y = g.newNode("Conv").inputs(g.inputs().get(0), g.addInitializer("w", Tensors.random(new Random(1), DataType.FLOAT, 4, 3, 3, 3)))
          .append().output();
      g.addOutput(g.newNode("BatchNormalization").inputs(y, g.addInitializer("a", vector(1, 4)), g.addInitializer("b", vector(2, 4)),
          g.addInitializer("m", vector(3, 4)), g.addInitializer("v", positive(4))).outputNamed("y", null).append().output());
    }).input(DataType.FLOAT, "n", 3, "h", "w");
    t.sizes("n", 2, "h", 5, "w", 6).check(TOLERANCE);
    assertEquals(List.of("Conv2D", "FusedBatchNormV3"), ops(t.convert()));
  }

  @Test
  void aBatchNormalizationHasFourNamedVariablesAndOnePassThroughTheData() {
    batch(EmitterTester.op("BatchNormalization").input(DataType.FLOAT, "n", 4, 200, 150), 4).sizes("n", 2).check(TOLERANCE);
    var c = batch(EmitterTester.op("BatchNormalization").input(DataType.FLOAT, "n", 4, "h", "w"), 4).convert();
    assertEquals(List.of("DepthwiseConv2dNative", "BiasAdd"), ops(c).subList(ops(c).size() - 2, ops(c).size()));
    assertEquals(List.of("gamma", "beta", "moving_mean", "moving_variance"),
        c.variables().stream().map(v -> v.name().substring(v.name().lastIndexOf('/') + 1)).toList());
  }

  @Test
  void layerNormalizationOverAnyAxes() {
    for (int axis : new int[] {-1, 2, 1, -2, 0}) {
      long[] dims = axis == -1 || axis == 2 ? new long[] {5} : axis == 0 ? new long[] {4, 3, 5} : new long[] {3, 5};
      EmitterTester.op("LayerNormalization").outputs(3).input(DataType.FLOAT, axis == 0 ? 4 : "n", 3, 5).parameter(vector(1, dims))
          .parameter(vector(2, dims)).attr("axis", axis).attr("epsilon", 1e-4f).sizes("n", 4).sizes("n", 1).check(TOLERANCE);
    }
    EmitterTester.op("LayerNormalization").input(DataType.FLOAT, "n", 3, 8).parameter(vector(1, 8)).sizes("n", 2).check(TOLERANCE);
    EmitterTester.op("LayerNormalization").input(DataType.FLOAT16, "n", 3, 8).parameter(vector(1, 8).cast(DataType.FLOAT16).evaluated())
        .parameter(vector(2, 8).cast(DataType.FLOAT16).evaluated()).sizes("n", 2).check(2e-3);
  }

  @Test
  void instanceNormalization() {
    EmitterTester.op("InstanceNormalization").input(DataType.FLOAT, "n", 3, "h", "w").parameter(vector(1, 3)).parameter(vector(2, 3))
        .sizes("n", 2, "h", 4, "w", 5).sizes("n", 3, "h", 3, "w", 3).check(TOLERANCE);
    EmitterTester.op("InstanceNormalization").input(DataType.FLOAT, "n", 3, "t").parameter(vector(1, 3)).parameter(vector(2, 3))
        .sizes("n", 2, "t", 6).check(TOLERANCE);
  }

  @Test
  void groupNormalizationPerChannel() {
    for (long groups : new long[] {1, 2, 3, 6}) {
      EmitterTester.op("GroupNormalization").opset(21).input(DataType.FLOAT, "n", 6, "h", "w").parameter(vector(1, 6)).parameter(vector(2, 6))
          .attr("num_groups", groups).sizes("n", 2, "h", 4, "w", 5).sizes("n", 6, "h", 6, "w", 6).check(TOLERANCE);
    }
  }

  @Test
  void groupNormalizationPerGroupBeforeOpset21() {
    EmitterTester.op("GroupNormalization").opset(18).input(DataType.FLOAT, "n", 6, "h", "w").parameter(vector(1, 3)).parameter(vector(2, 3))
        .attr("num_groups", 3).sizes("n", 2, "h", 4, "w", 5).check(TOLERANCE);
  }

  @Test
  void rootMeanSquareNormalization() {
    EmitterTester.op("RMSNormalization").opset(23).input(DataType.FLOAT, "n", 3, 8).parameter(vector(1, 8)).sizes("n", 2).check(TOLERANCE);
    EmitterTester.op("RMSNormalization").opset(23).input(DataType.FLOAT, "n", 3, 8).parameter(vector(1, 3, 8)).attr("axis", 1).sizes("n", 2)
        .check(TOLERANCE);
  }

  @Test
  void localResponseOfOddSizes() {
    for (long size : new long[] {1, 3, 5}) {
      EmitterTester.op("LRN").input(DataType.FLOAT, "n", 7, "h", "w").attr("size", size).attr("alpha", 0.02f).attr("beta", 0.6f)
          .attr("bias", 1.5f).sizes("n", 2, "h", 3, "w", 4).sizes("n", 7, "h", 7, "w", 7).check(TOLERANCE);
    }
  }

  /** ONNX Runtime takes odd sizes only; the standard's window is [c - floor((size-1)/2), c + ceil((size-1)/2)]. */
  @Test
  void localResponseOfAnEvenSize() {
    float[] x = {1, -2, 3, 0.5f, -1};
    float[] y = new float[5];
    for (int i = 0; i < 5; i++) {
      double sum = 0;
      for (int j = Math.max(0, i - 1); j <= Math.min(4, i + 2); j++) {
        sum += x[j] * x[j];
      }
      y[i] = (float) (x[i] / Math.pow(1.5 + 0.2 / 4 * sum, 0.6));
    }
    EmitterTester.op("LRN").input(Tensor.of(x, 1, 5, 1, 1)).attr("size", 4).attr("alpha", 0.2f).attr("beta", 0.6f).attr("bias", 1.5f)
        .expect(Tensor.of(y, 1, 5, 1, 1)).check(TOLERANCE);
  }

  @Test
  void normsAndVariances() {
    for (long p : new long[] {1, 2}) {
      EmitterTester.op("LpNormalization").input(DataType.FLOAT, "n", 3, 5).attr("axis", 1).attr("p", p).sizes("n", 2).check(TOLERANCE);
    }
    EmitterTester.op("LpNormalization").input(Tensor.of(new float[] {0, 0, 3, 4}, 2, 2)).check(0);
    EmitterTester.op("MeanVarianceNormalization").input(DataType.FLOAT, "n", 3, 4, 5).sizes("n", 2).check(TOLERANCE);
    EmitterTester.op("MeanVarianceNormalization").input(DataType.FLOAT, "n", 3, 4, 5).ints("axes", 1, 3).sizes("n", 2).check(TOLERANCE);
  }
}
