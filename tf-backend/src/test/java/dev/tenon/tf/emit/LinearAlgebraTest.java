package dev.tenon.tf.emit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.Conversion;
import dev.tenon.tf.testing.EmitterTester;
import dev.tenon.tf.testing.Tensors;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.tensorflow.proto.NodeDef;

class LinearAlgebraTest {
  /** Sums of some ten float32 products in another order. */
  private static final double TOLERANCE = 1e-6;

  private static Tensor weights(DataType type, long... dims) {
    return Tensors.random(new Random(5), type, dims);
  }

  private static List<String> ops(Conversion c) {
    return c.graph().getNodeList().stream().map(NodeDef::getOp).filter(o -> !o.matches("Const|Placeholder|EnsureShape|.*Variable.*|VarHandleOp")).toList();
  }

  @Test
  void productsOfAllRanks() {
    Object[][] left = {{4}, {3, 4}, {"n", 4}, {"n", 3, 4}, {"n", "m", 4}, {2, 1, 3, 4}};
    Object[][] right = {{4}, {4, 5}, {1, 4, 5}, {2, 1, 4, 5}};
    for (Object[] a : left) {
      for (Object[] b : right) {
        EmitterTester.op("MatMul").input(DataType.FLOAT, a).input(DataType.FLOAT, b).sizes("n", 2, "m", 3).sizes("n", 1, "m", 4)
            .check(TOLERANCE);
      }
    }
  }

  @Test
  void productsWithAWeight() {
    for (Object[] a : new Object[][] {{4}, {"n", 4}, {"n", 3, 4}, {"n", "m", 4}, {"n", 2, "m", 4}}) {
      EmitterTester.op("MatMul").input(DataType.FLOAT, a).parameter(weights(DataType.FLOAT, 4, 4)).sizes("n", 2, "m", 3)
          .sizes("n", 4, "m", 4).sizes("n", 0, "m", 2).check(TOLERANCE);
    }
  }

  @Test
  void integersAndOtherTypes() {
    for (DataType t : List.of(DataType.INT32, DataType.INT64, DataType.UINT32, DataType.DOUBLE)) {
      EmitterTester.op("MatMul").input(t, "n", 3, 4).input(t, 4, 2).sizes("n", 2).check(1e-12);
      EmitterTester.op("MatMul").input(t, "n", 3, 4).input(t, "n", 4, 2).sizes("n", 2).check(1e-12);
    }
    EmitterTester.op("MatMulInteger").input(DataType.UINT8, 3, 4).input(DataType.INT8, 4, 5).input(DataType.UINT8, 1).check(0);
  }

  @Test
  void gemmInAllForms() {
    for (long ta = 0; ta < 2; ta++) {
      for (long tb = 0; tb < 2; tb++) {
        for (long[] bias : new long[][] {null, {5}, {1}, {1, 5}, {3, 1}, {3, 5}, {}}) {
          EmitterTester t = EmitterTester.op("Gemm").input(DataType.FLOAT, ta == 1 ? new Object[] {4, 3} : new Object[] {3, 4})
              .parameter(tb == 1 ? weights(DataType.FLOAT, 5, 4) : weights(DataType.FLOAT, 4, 5)).attr("transA", ta).attr("transB", tb);
          if (bias != null) {
            t.parameter(weights(DataType.FLOAT, bias));
          }
          t.check(TOLERANCE);
          t.attr("alpha", 0.5f).attr("beta", 1.5f).check(TOLERANCE);
        }
      }
    }
    EmitterTester.op("Gemm").input(DataType.FLOAT, "n", 4).input(DataType.FLOAT, 5, 4).input(DataType.FLOAT, 5).attr("transB", 1)
        .sizes("n", 3).sizes("n", 5).check(TOLERANCE);
  }

  @Test
  void aLinearLayerIsOneProductAndOneBiasAndItsKernelIsInByOut() {
    Conversion c = EmitterTester.op("Gemm").input(DataType.FLOAT, "n", 4).parameter(weights(DataType.FLOAT, 5, 4))
        .parameter(weights(DataType.FLOAT, 5)).attr("transB", 1).convert();
    assertEquals(List.of("MatMul", "BiasAdd"), ops(c));
    assertEquals("layer/p1/kernel", c.variables().get(0).name());
    assertEquals(4, c.variables().get(0).tensor().dim(0));
  }

  private static EmitterTester linear(Object... dims) {
    Tensor w = Tensor.source("fc.weight", DataType.FLOAT, new long[] {4, 5}, Storage.of(weights(DataType.FLOAT, 4, 5).bytes()));
    Tensor b = Tensor.source("fc.bias", DataType.FLOAT, new long[] {5}, Storage.of(weights(DataType.FLOAT, 5).bytes()));
    return EmitterTester.graph(g -> {
      var y = g.newNode("MatMul").inputs(g.inputs().get(0), g.addInitializer("fc.weight", w)).append().output();
      g.addOutput(g.newNode("Add").inputs(g.addInitializer("fc.bias", b), y).outputNamed("y", null).append().output());
    }).input(DataType.FLOAT, dims);
  }

  @Test
  void theBiasBehindAProductIsAddedBeforeTheRowsAreReshaped() {
    linear("n", "m", 4).sizes("n", 2, "m", 3).check(TOLERANCE);
    linear("n", 4).sizes("n", 2).check(TOLERANCE);
    assertEquals(List.of("Reshape", "MatMul", "BiasAdd", "Reshape"), ops(linear("n", 3, 4).convert()));
  }

  @Test
  void theActivationBehindAProductIsComputedBeforeTheRowsAreReshaped() {
    for (String activation : List.of("Relu", "Gelu", "Tanh", "LeakyRelu", "Elu", "Softplus")) {
      EmitterTester t = EmitterTester.graph(g -> {
        var y = g.newNode("MatMul").inputs(g.inputs().get(0), g.addInitializer("w", weights(DataType.FLOAT, 4, 5))).append().output();
        var z = g.newNode("Add").inputs(y, g.addInitializer("b", weights(DataType.FLOAT, 5))).append().output();
        g.addOutput(g.newNode(activation).inputs(z).outputNamed("y", null).append().output());
      }).opset(20).input(DataType.FLOAT, "n", "m", 4);
      t.sizes("n", 2, "m", 3).sizes("n", 4, "m", 4).check(TOLERANCE);
      assertEquals(activation.equals("Softplus") ? "Softplus" : "Reshape", ops(t.convert()).stream().reduce((a, b) -> b).orElseThrow());
    }
  }

  @Test
  void aTiedEmbeddingIsOneVariable() {
    Tensor table = Tensor.source("emb.weight", DataType.FLOAT, new long[] {7, 4}, Storage.of(weights(DataType.FLOAT, 7, 4).bytes()));
    Conversion c = EmitterTester.graph((Graph g) -> {
      var rows = g.newNode("Gather").inputs(g.addInitializer("emb.weight", table), g.inputs().get(0)).append().output();
      g.addOutput(g.newNode("MatMul").inputs(rows, g.addInitializer("onnx::MatMul_3", table.permute(1, 0))).outputNamed("y", null).append()
          .output());
    }).input(DataType.INT64, 3).convert();
    assertEquals(1, c.variables().size());
  }

  /** The cosines and sines of a rotary embedding, both folded from its frequencies: their recipes read the same. */
  @Test
  void differentTensorsEvaluatedFromOneParameterAreTwoVariables() {
    Tensor frequencies = Tensor.source("rotary.inv_freq", DataType.FLOAT, new long[] {4}, Storage.of(weights(DataType.FLOAT, 4).bytes()));
    List<Tensor> from = List.of(frequencies);
    Tensor cosines = Tensor.evaluated("Unsqueeze", from, DataType.FLOAT, new long[] {1, 4}, Storage.of(Tensor.of(new float[] {1, 2, 3, 4}, 1, 4).bytes()));
    Tensor sines = Tensor.evaluated("Unsqueeze", from, DataType.FLOAT, new long[] {1, 4}, Storage.of(Tensor.of(new float[] {5, 6, 7, 8}, 1, 4).bytes()));
    EmitterTester rotary = EmitterTester.graph((Graph g) -> {
      var scaled = g.newNode("Mul").inputs(g.inputs().get(0), g.addInitializer("cos", cosines)).append().output();
      g.addOutput(g.newNode("Add").inputs(scaled, g.addInitializer("sin", sines)).outputNamed("y", null).append().output());
    }).input(DataType.FLOAT, 3, 4);
    assertEquals(2, rotary.convert().variables().size());
  }

  @Test
  void einsumOfOneToThreeOperands() {
    EmitterTester.op("Einsum").input(DataType.FLOAT, "n", 3, 3).attr("equation", "bii->bi").sizes("n", 2).check(TOLERANCE);
    EmitterTester.op("Einsum").input(DataType.FLOAT, "n", 3, 4).input(DataType.FLOAT, "n", 4, 5).attr("equation", "b i j , b j k -> b k i")
        .sizes("n", 2).check(TOLERANCE);
    EmitterTester.op("Einsum").input(DataType.FLOAT, 3, 4).input(DataType.FLOAT, 4, 5).attr("equation", "ij,jk").check(TOLERANCE);
    EmitterTester.op("Einsum").input(DataType.FLOAT, 2, 3, 4).input(DataType.FLOAT, 2, 4, 5).attr("equation", "...ij,...jk->...ik")
        .check(TOLERANCE);
    EmitterTester.op("Einsum").input(DataType.FLOAT, 3, 4).input(DataType.FLOAT, 4, 5).input(DataType.FLOAT, 5, 2)
        .attr("equation", "ij,jk,kl->li").check(TOLERANCE);
  }

  @Test
  void determinants() {
    EmitterTester.op("Det").input(DataType.FLOAT, "n", 3, 3).sizes("n", 2).check(1e-5);
  }
}
