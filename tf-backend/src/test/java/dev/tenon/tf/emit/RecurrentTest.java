package dev.tenon.tf.emit;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.Conversion;
import dev.tenon.tf.testing.EmitterTester;
import dev.tenon.tf.testing.Tensors;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.tensorflow.proto.NodeDef;

class RecurrentTest {
  /** Errors of sums and of exp travel through some ten steps. */
  private static final double TOLERANCE = 3e-6;
  private static final long IN = 3;
  private static final long UNITS = 4;

  private static Tensor weights(long seed, long... dims) {
    return Tensors.uniform(new Random(seed), DataType.FLOAT, -0.7, 0.9, dims);
  }

  /** With symbols for steps and batch: a While; with few static steps: unrolled. */
  private static EmitterTester layer(String op, String direction, boolean bias) {
    long gates = op.equals("LSTM") ? 4 : op.equals("GRU") ? 3 : 1;
    long d = direction.equals("bidirectional") ? 2 : 1;
    EmitterTester t = EmitterTester.op(op).outputs(op.equals("LSTM") ? 3 : 2).input(DataType.FLOAT, "t", "n", IN)
        .parameter(weights(1, d, gates * UNITS, IN)).parameter(weights(2, d, gates * UNITS, UNITS)).attr("hidden_size", UNITS)
        .attr("direction", direction).sizes("t", 5, "n", 2).sizes("t", 11, "n", 1).sizes("t", 4, "n", 4);
    return bias ? t.parameter(weights(3, d, 2 * gates * UNITS)) : t;
  }

  @Test
  void everyDirectionOfEveryKind() {
    for (String op : List.of("RNN", "GRU", "LSTM")) {
      for (String direction : List.of("forward", "reverse", "bidirectional")) {
        layer(op, direction, true).check(TOLERANCE);
        layer(op, direction, false).check(TOLERANCE);
      }
    }
    layer("GRU", "bidirectional", true).attr("linear_before_reset", 1).check(TOLERANCE);
  }

  @Test
  void lengthsAndInitialStates() {
    for (String op : List.of("RNN", "GRU", "LSTM")) {
      for (String direction : List.of("forward", "bidirectional")) {
        long d = direction.equals("bidirectional") ? 2 : 1;
        EmitterTester t = layer(op, direction, true)
            .input((r, dims) -> Tensors.integers(r, DataType.INT32, 1, 4, dims), DataType.INT32, "n").input(DataType.FLOAT, d, "n", UNITS);
        if (op.equals("LSTM")) {
          t.input(DataType.FLOAT, d, "n", UNITS);
        }
        t.check(TOLERANCE);
        EmitterTester without = layer(op, direction, true).omitted().input(DataType.FLOAT, d, "n", UNITS);
        if (op.equals("LSTM")) {
          without.input(DataType.FLOAT, d, "n", UNITS);
        }
        without.check(TOLERANCE);
      }
    }
  }

  @Test
  void peepholesAndClipping() {
    layer("LSTM", "forward", true).omitted().omitted().omitted().parameter(weights(4, 1, 3 * UNITS)).check(TOLERANCE);
    layer("LSTM", "forward", true).attr("clip", 0.4f).check(TOLERANCE);
    layer("GRU", "forward", true).attr("clip", 0.4f).check(TOLERANCE);
    layer("LSTM", "forward", true).attr("input_forget", 1).check(TOLERANCE);
  }

  @Test
  void otherActivations() {
    layer("RNN", "bidirectional", true).attribute(Attribute.ofStrings("activations", List.of("Relu", "Tanh"))).check(TOLERANCE);
    layer("RNN", "forward", true).attribute(Attribute.ofStrings("activations", List.of("LeakyRelu")))
        .floats("activation_alpha", 0.3f).check(TOLERANCE);
    layer("LSTM", "forward", true).attribute(Attribute.ofStrings("activations", List.of("HardSigmoid", "Softsign", "Relu")))
        .floats("activation_alpha", 0.25f).floats("activation_beta", 0.4f).check(TOLERANCE);
  }

  @Test
  void aPlainLstmIsOneOperationWithThreeVariables() {
    Conversion c = layer("LSTM", "forward", true).convert();
    assertTrue(c.graph().getNodeList().stream().map(NodeDef::getOp).toList().contains("BlockLSTMV2"));
    assertTrue(c.graph().getNodeList().stream().map(NodeDef::getOp).noneMatch(o -> o.endsWith("While")));
    assertTrue(c.variables().stream().map(v -> v.name().replaceAll(".*/", "")).toList()
        .equals(List.of("kernel", "recurrent_kernel", "bias")), c.variables().toString());
  }
}
