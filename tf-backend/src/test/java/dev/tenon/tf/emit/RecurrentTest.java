package dev.tenon.tf.emit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.tensorflow.proto.DataType.DT_INT32;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.Conversion;
import dev.tenon.tf.Variable;
import dev.tenon.tf.runtime.GraphRunner;
import dev.tenon.tf.testing.EmitterTester;
import dev.tenon.tf.testing.Tensors;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.NodeDef;

class RecurrentTest {
  /** Rounding of sums of a dozen products, carried on through twelve steps of saturating functions. */
  private static final double TOLERANCE = 1e-5;
  private static final List<String> DIRECTIONS = List.of("forward", "reverse", "bidirectional");

  private static Tensor weights(int seed, long... dims) {
    return Tensors.uniform(new Random(seed), DataType.FLOAT, -0.6, 0.7, dims);
  }

  private static int gates(String op) {
    return op.equals("LSTM") ? 4 : op.equals("GRU") ? 3 : 1;
  }

  private static int directions(String direction) {
    return direction.equals("bidirectional") ? 2 : 1;
  }

  /** Symbols t and n at several sizes. */
  private static EmitterTester layer(String op, String direction, int input, int hidden) {
    int d = directions(direction);
    EmitterTester t = EmitterTester.op(op).outputs(op.equals("LSTM") ? 3 : 2).input(DataType.FLOAT, "t", "n", input)
        .parameter(weights(1, d, gates(op) * hidden, input)).parameter(weights(2, d, gates(op) * hidden, hidden))
        .attr("hidden_size", hidden).attr("direction", direction);
    return t.sizes("t", 1, "n", 3).sizes("t", 5, "n", 1).sizes("t", 12, "n", 2);
  }

  private static EmitterTester biased(String op, String direction, int input, int hidden) {
    return layer(op, direction, input, hidden).parameter(weights(3, directions(direction), 2L * gates(op) * hidden));
  }

  @Test
  void everyDirectionWithAndWithoutBias() {
    for (String op : List.of("LSTM", "GRU", "RNN")) {
      for (String direction : DIRECTIONS) {
        layer(op, direction, 3, 4).check(TOLERANCE);
        biased(op, direction, 4, 4).check(TOLERANCE);
      }
    }
  }

  @Test
  void sequenceLengthsAndInitialStates() {
    for (String op : List.of("LSTM", "GRU", "RNN")) {
      for (String direction : DIRECTIONS) {
        int d = directions(direction);
        for (long[] lens : new long[][] {{5, 2, 4}, {1, 1, 1}, {3, 5, 1}}) {
          EmitterTester t = EmitterTester.op(op).outputs(op.equals("LSTM") ? 3 : 2).input(DataType.FLOAT, 5, 3, 2)
              .parameter(weights(1, d, gates(op) * 4L, 2)).parameter(weights(2, d, gates(op) * 4L, 4))
              .parameter(weights(3, d, gates(op) * 8L)).input(Tensor.of(lens, 3).cast(DataType.INT32).evaluated())
              .input(weights(4, d, 3, 4)).attr("hidden_size", 4).attr("direction", direction);
          if (op.equals("LSTM")) {
            t.input(weights(5, d, 3, 4));
          }
          t.check(TOLERANCE);
        }
        biased(op, direction, 3, 3).input((r, dims) -> Tensors.integers(r, DataType.INT32, 1, 1, dims), DataType.INT32, "n")
            .input(DataType.FLOAT, d, "n", 3).check(TOLERANCE);
      }
    }
  }

  @Test
  void peepholesAndInputForget() {
    for (String direction : DIRECTIONS) {
      for (long coupled : new long[] {0, 1}) {
        biased("LSTM", direction, 3, 5).omitted().input(DataType.FLOAT, directions(direction), "n", 5)
            .input(DataType.FLOAT, directions(direction), "n", 5).parameter(weights(6, directions(direction), 15))
            .attr("input_forget", coupled).check(TOLERANCE);
      }
    }
  }

  @Test
  void linearBeforeReset() {
    for (String direction : DIRECTIONS) {
      biased("GRU", direction, 3, 4).attr("linear_before_reset", 1).check(TOLERANCE);
      layer("GRU", direction, 4, 4).attr("linear_before_reset", 1).check(TOLERANCE);
    }
  }

  @Test
  void clipBoundsTheGates() {
    for (String op : List.of("LSTM", "GRU", "RNN")) {
      biased(op, "bidirectional", 3, 4).attr("clip", 0.4f).check(TOLERANCE);
    }
    biased("GRU", "forward", 3, 4).attr("clip", 0.4f).attr("linear_before_reset", 1).check(TOLERANCE);
  }

  @Test
  void activationsTakeTheirAlphasAndBetasInOrder() {
    for (String f : List.of("Relu", "Tanh", "Sigmoid", "Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu",
        "Softsign", "Softplus")) {
      boolean alpha = !List.of("Relu", "Tanh", "Sigmoid", "Softsign", "Softplus").contains(f);
      boolean beta = List.of("Affine", "ScaledTanh", "HardSigmoid").contains(f);
      EmitterTester t = biased("RNN", "bidirectional", 3, 4).attribute(Attribute.ofStrings("activations", List.of(f, f)));
      if (alpha) {
        t.floats("activation_alpha", 0.3f, 0.7f);
      }
      if (beta) {
        t.floats("activation_beta", 0.6f, 0.2f);
      }
      t.check(TOLERANCE);
    }
    biased("LSTM", "bidirectional", 3, 4)
        .attribute(Attribute.ofStrings("activations", List.of("HardSigmoid", "Tanh", "Elu", "Sigmoid", "LeakyRelu", "ScaledTanh")))
        .floats("activation_alpha", 0.3f, 0.8f, 0.1f, 0.9f).floats("activation_beta", 0.4f, 0.7f).check(TOLERANCE);
    biased("GRU", "bidirectional", 3, 4)
        .attribute(Attribute.ofStrings("activations", List.of("HardSigmoid", "Softsign", "Sigmoid", "Relu")))
        .floats("activation_alpha", 0.3f).floats("activation_beta", 0.4f).check(TOLERANCE);
  }

  @Test
  void weightsThatAreComputed() {
    for (String op : List.of("LSTM", "GRU", "RNN")) {
      int g = gates(op);
      EmitterTester.op(op).outputs(2).input(DataType.FLOAT, "t", 2, 3).input(DataType.FLOAT, 2, g * 4, 3)
          .input(DataType.FLOAT, 2, g * 4, 4).input(DataType.FLOAT, 2, g * 8).attr("hidden_size", 4).attr("direction", "bidirectional")
          .sizes("t", 3).check(TOLERANCE);
    }
  }

  @Test
  void sequencesOfNoLength() {
    for (String op : List.of("LSTM", "GRU", "RNN")) {
      biased(op, "bidirectional", 3, 4).input((r, dims) -> Tensors.integers(r, DataType.INT32, 0, 1, dims), DataType.INT32, "n")
          .check(TOLERANCE);
    }
  }

  /** ONNX Runtime knows layout 0 only: layout 1 is the same with the batch in front. */
  @Test
  void batchFirst() {
    Tensor x = Tensors.random(new Random(8), DataType.FLOAT, 5, 2, 3);
    for (String direction : DIRECTIONS) {
      int d = directions(direction);
      Map<String, Tensor> y;
      try (GraphRunner runner = GraphRunner.open(fixed(direction, x, weights(4, d, 2, 4), weights(5, d, 2, 4)).convert())) {
        y = runner.run(Map.of("x0", x));
      }
      fixed(direction, x.permute(1, 0, 2).evaluated(), weights(4, d, 2, 4).permute(1, 0, 2).evaluated(),
          weights(5, d, 2, 4).permute(1, 0, 2).evaluated()).attr("layout", 1).expect(y.get("y0").permute(2, 0, 1, 3).evaluated(),
              y.get("y1").permute(1, 0, 2).evaluated(), y.get("y2").permute(1, 0, 2).evaluated()).check(TOLERANCE);
    }
  }

  private static EmitterTester fixed(String direction, Tensor x, Tensor h, Tensor c) {
    int d = directions(direction);
    return EmitterTester.op("LSTM").outputs(3).input(x).parameter(weights(1, d, 16, 3)).parameter(weights(2, d, 16, 4))
        .parameter(weights(3, d, 32)).omitted().parameter(h).parameter(c).attr("hidden_size", 4).attr("direction", direction);
  }

  /** What TensorFlow's Python needs to differentiate a loop; see {@link CountedLoop}. */
  @Test
  void loopsBeginWithTheirCounterAndNumberOfTurns() {
    Conversion c = biased("LSTM", "forward", 3, 4).convert();
    NodeDef loop = c.graph().getNodeList().stream().filter(n -> n.getOp().equals("StatelessWhile")).findFirst().orElseThrow();
    assertEquals(List.of(DT_INT32, DT_INT32), loop.getAttrOrThrow("T").getList().getTypeList().subList(0, 2));
    String name = loop.getAttrOrThrow("body").getFunc().getName();
    FunctionDef body = c.graph().getLibrary().getFunctionList().stream().filter(f -> f.getSignature().getName().equals(name))
        .findFirst().orElseThrow();
    String turns = body.getRetOrThrow(body.getSignature().getOutputArg(1).getName());
    NodeDef identity = body.getNodeDefList().stream().filter(n -> turns.startsWith(n.getName() + ":")).findFirst().orElseThrow();
    assertEquals("Identity", identity.getOp());
    assertEquals(body.getSignature().getInputArg(1).getName(), identity.getInput(0));
    assertEquals(0, body.getAttrCount(), "Python's loader knows only a few attributes of functions");
  }

  @Test
  void parametersAreNamedAndArrangedAsKerasHasThem() {
    Conversion c = biased("GRU", "forward", 3, 4).attr("linear_before_reset", 1).convert();
    Map<String, List<Long>> shapes = new TreeMap<>();
    c.variables().forEach(v -> shapes.put(v.name().replaceAll(".*/", ""), Arrays.stream(v.tensor().dims()).boxed().toList()));
    assertEquals(Map.of("kernel", List.of(3L, 12L), "recurrent_kernel", List.of(4L, 12L), "bias", List.of(12L),
        "recurrent_bias", List.of(12L)), shapes);
    assertTrue(c.variables().stream().allMatch(Variable::trainable));
  }

  /** ONNX Runtime has no float64 kernel: by hand. */
  @Test
  void float64() {
    double[] x = {0.5, -1, 2};
    double[] y = new double[3];
    double h = 0;
    for (int t = 0; t < 3; t++) {
      h = Math.tanh(0.7 * x[t] - 0.4 * h);
      y[t] = h;
    }
    EmitterTester.op("RNN").outputs(2).input(Tensor.of(x, 3, 1, 1)).parameter(Tensor.of(new double[] {0.7}, 1, 1, 1))
        .parameter(Tensor.of(new double[] {-0.4}, 1, 1, 1)).attr("hidden_size", 1)
        .expect(Tensor.of(y, 3, 1, 1, 1), Tensor.of(new double[] {h}, 1, 1, 1)).check(1e-14);
  }
}
