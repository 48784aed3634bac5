package dev.tenon.tf.emit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.testing.EmitterTester;
import dev.tenon.tf.testing.Tensors;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.tensorflow.proto.NodeDef;

class ActivationsTest {
  /** exp, tanh and erf are polynomials in both, not the same ones. */
  private static final double TOLERANCE = 1e-6;
  private static final Tensor EDGES = Tensor.of(new float[] {Float.NEGATIVE_INFINITY, -1e4f, -20, -6, -3, -0.5f, -1e-8f, 0, 1e-8f, 0.5f, 3,
      6, 20, 1e4f, Float.POSITIVE_INFINITY}, 3, 5);

  @Test
  void everyActivationAtItsDefaults() {
    for (String op : List.of("Relu", "LeakyRelu", "Elu", "Selu", "Celu", "Sigmoid", "HardSigmoid", "HardSwish", "Softplus", "Softsign",
        "Tanh", "ThresholdedRelu", "Shrink", "Mish")) {
      EmitterTester.op(op).opset(18).input(DataType.FLOAT, "n", 37).sizes("n", 3).sizes("n", 0).check(TOLERANCE);
    }
    EmitterTester.op("Gelu").opset(20).input(DataType.FLOAT, "n", 37).sizes("n", 3).check(TOLERANCE);
    EmitterTester.op("Gelu").opset(20).input(DataType.FLOAT, "n", 37).attr("approximate", "tanh").sizes("n", 3).check(TOLERANCE);
    EmitterTester.op("Swish").opset(24).input(DataType.FLOAT, "n", 37).attr("alpha", 1.3f).sizes("n", 3).check(TOLERANCE);
  }

  @Test
  void infinitiesAndExtremes() {
    for (String op : List.of("Relu", "LeakyRelu", "Elu", "Selu", "Celu", "Sigmoid", "HardSigmoid", "Softplus", "Tanh", "ThresholdedRelu",
        "Shrink")) {
      EmitterTester.op(op).opset(18).input(EDGES).check(TOLERANCE);
    }
  }

  @Test
  void parametersOfActivations() {
    for (String op : List.of("LeakyRelu", "Elu", "Celu", "ThresholdedRelu")) {
      EmitterTester.op(op).input(DataType.FLOAT, "n", 37).attr("alpha", 0.7f).sizes("n", 3).check(TOLERANCE);
    }
    EmitterTester.op("Selu").input(DataType.FLOAT, "n", 37).attr("alpha", 1.5f).attr("gamma", 1.2f).sizes("n", 3).check(TOLERANCE);
    EmitterTester.op("HardSigmoid").input(DataType.FLOAT, "n", 37).attr("alpha", 0.5f).attr("beta", 0.6f).sizes("n", 3).check(TOLERANCE);
    EmitterTester.op("HardSigmoid").input(DataType.FLOAT, "n", 37).attr("alpha", 1f / 6).sizes("n", 3).check(TOLERANCE);
    EmitterTester.op("Shrink").input(DataType.FLOAT, "n", 37).attr("lambd", 1.5f).attr("bias", 1f).sizes("n", 3).check(TOLERANCE);
  }

  @Test
  void slopesBroadcast() {
    for (long[] dims : new long[][] {{1}, {3, 1, 1}, {5}, {1, 4, 5}, {3, 4, 5}}) {
      EmitterTester.op("PRelu").input(DataType.FLOAT, "n", 3, 4, 5).parameter(Tensors.random(new Random(3), DataType.FLOAT, dims))
          .sizes("n", 2).sizes("n", 3).check(0);
    }
  }

  @Test
  void clipByAttributesAndByInputs() {
    EmitterTester.op("Clip").opset(6).input(EDGES).attr("min", -2f).attr("max", 4f).check(0);
    // Of a bound that is left out ONNX Runtime makes the greatest finite number, PyTorch infinity; we do as PyTorch does.
    Tensor finite = Tensor.of(new float[] {-1e4f, -20, -6, -3, -0.5f, -1e-8f, 0, 1e-8f, 0.5f, 3, 6, 1e4f}, 3, 4);
    EmitterTester.op("Clip").opset(6).input(finite).attr("max", 4f).check(0);
    EmitterTester.op("Clip").input(EDGES).constant(Tensor.scalar(0f)).constant(Tensor.scalar(6f)).check(0);
    EmitterTester.op("Clip").input(finite).constant(Tensor.scalar(0f)).check(0);
    EmitterTester.op("Clip").input(finite).omitted().constant(Tensor.scalar(2f)).check(0);
    EmitterTester.op("Clip").input(finite).check(0);
    EmitterTester.op("Clip").input(EDGES).constant(Tensor.scalar(3f)).constant(Tensor.scalar(-1f)).check(0);
    EmitterTester.op("Clip").input(EDGES).input(Tensor.scalar(-1f)).input(Tensor.scalar(2f)).check(0);
    for (DataType t : List.of(DataType.INT8, DataType.UINT8, DataType.INT32, DataType.INT64, DataType.UINT32, DataType.DOUBLE)) {
      EmitterTester.op("Clip").input(t, "n", 9).constant(Tensor.scalar(t, 2)).constant(Tensor.scalar(t, 5)).sizes("n", 2).check(0);
    }
  }

  @Test
  void softmaxAlongAnyAxis() {
    for (String op : List.of("Softmax", "LogSoftmax", "Hardmax")) {
      for (long axis : new long[] {0, 1, 2, -1, -2}) {
        EmitterTester.op(op).opset(13).input(DataType.FLOAT, "n", "c", "t").attr("axis", axis).sizes("n", 2, "c", 3, "t", 4)
            .sizes("n", 3, "c", 3, "t", 3).check(TOLERANCE);
        EmitterTester.op(op).opset(11).input(DataType.FLOAT, "n", "c", "t").attr("axis", axis).sizes("n", 2, "c", 3, "t", 4)
            .sizes("n", 3, "c", 3, "t", 3).check(TOLERANCE);
      }
      EmitterTester.op(op).opset(11).input(DataType.FLOAT, "n", 3, 4).sizes("n", 2).check(TOLERANCE);
    }
    EmitterTester.op("Softmax").opset(13).input(Tensor.of(new float[] {1, Float.NEGATIVE_INFINITY, 3, 1000, 1001, 999}, 2, 3)).check(TOLERANCE);
  }

  @Test
  void clipFromZeroToSixIsRelu6() {
    List<String> ops = EmitterTester.op("Clip").input(DataType.FLOAT, 3).constant(Tensor.scalar(0f)).constant(Tensor.scalar(6f)).convert()
        .graph().getNodeList().stream().map(NodeDef::getOp).toList();
    assertEquals(List.of("Placeholder", "Relu6"), ops);
  }

  /** Grappler multiplies scalars into the constants of HardSwish and GELU, and then takes 0.97/6 for 1/6. */
  @Test
  void aScaleNearOneBehindAnActivationIsNotLostInFusion() {
    Tensor kernel = Tensors.random(new Random(3), DataType.FLOAT, 8, 4, 3, 3);
    Tensor matrix = Tensors.random(new Random(4), DataType.FLOAT, 4, 8);
    for (float scale : new float[] {0.97f, 1.03f, 0.99f, 1.2f}) {
      for (String op : List.of("Mul", "Div")) {
        EmitterTester.graph(g -> {
          var y = g.newNode("Conv").inputs(g.inputs().get(0), g.addInitializer("k", kernel), g.addInitializer("b", Tensors.random(new Random(5), DataType.FLOAT, 8))).append().output();
          var z = g.newNode("HardSwish").inputs(y).append().output();
          g.addOutput(g.newNode(op).inputs(z, g.addInitializer("s", Tensor.scalar(scale))).outputNamed("y", null).append().output());
        }).opset(18).input(DataType.FLOAT, 2, 4, 8, 8).optimizedAndFrozen().check(1e-5);
        EmitterTester.graph(g -> {
          var y = g.newNode("MatMul").inputs(g.inputs().get(0), g.addInitializer("k", matrix)).append().output();
          var b = g.newNode("Add").inputs(y, g.addInitializer("b", Tensors.random(new Random(5), DataType.FLOAT, 8))).append().output();
          var z = g.newNode("Gelu").inputs(b).append().output();
          g.addOutput(g.newNode(op).inputs(z, g.addInitializer("s", Tensor.scalar(scale))).outputNamed("y", null).append().output());
        }).opset(20).input(DataType.FLOAT, 3, 4).optimizedAndFrozen().check(1e-5);
      }
    }
  }
}
