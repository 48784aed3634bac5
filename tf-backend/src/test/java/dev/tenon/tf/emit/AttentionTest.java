package dev.tenon.tf.emit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.Conversion;
import dev.tenon.tf.testing.EmitterTester;
import dev.tenon.tf.testing.Tensors;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.tensorflow.proto.NodeDef;

class AttentionTest {
  /** Products of a dozen floats and the exponentials of some ten, rounded in another order. */
  private static final double TOLERANCE = 1e-5;

  private static EmitterTester heads(int query, int key) {
    return EmitterTester.op("Attention").opset(23).input(DataType.FLOAT, "n", query, "q", 8).input(DataType.FLOAT, "n", key, "k", 8)
        .input(DataType.FLOAT, "n", key, "k", 6).sizes("n", 1, "q", 5, "k", 7).sizes("n", 3, "q", 4, "k", 4).sizes("n", 2, "q", 1, "k", 9);
  }

  private static EmitterTester flat(int query, int key) {
    return EmitterTester.op("Attention").opset(23).input(DataType.FLOAT, "n", "q", query * 8).input(DataType.FLOAT, "n", "k", key * 8)
        .input(DataType.FLOAT, "n", "k", key * 6).attr("q_num_heads", query).attr("kv_num_heads", key).sizes("n", 1, "q", 5, "k", 7)
        .sizes("n", 3, "q", 4, "k", 4);
  }

  @Test
  void headsOfTheirOwnAndShared() {
    for (int[] h : new int[][] {{3, 3}, {6, 2}, {4, 1}}) {
      heads(h[0], h[1]).check(TOLERANCE);
      flat(h[0], h[1]).check(TOLERANCE);
      heads(h[0], h[1]).attr("is_causal", 1).attr("scale", 0.3f).check(TOLERANCE);
      heads(h[0], h[1]).attr("softcap", 1.5f).check(TOLERANCE);
    }
  }

  @Test
  void masksBroadcast() {
    for (DataType type : List.of(DataType.FLOAT, DataType.BOOL)) {
      for (Object[] shape : new Object[][] {{"q", "k"}, {3, "q", "k"}, {"n", 1, "q", "k"}, {"n", 3, "q", "k"}, {1, 1, "q", "k"}}) {
        heads(3, 3).input((r, d) -> mask(r, d, type), type, shape).check(TOLERANCE);
      }
      flat(6, 2).input((r, d) -> mask(r, d, type), type, "n", 1, "q", "k").check(TOLERANCE);
    }
  }

  /** Floats, or a bool mask that leaves something of every row. */
  private static Tensor mask(Random r, long[] dims, DataType type) {
    int n = (int) java.util.Arrays.stream(dims).reduce(1, (a, b) -> a * b);
    double[] v = new double[n];
    for (int i = 0; i < n; i++) {
      v[i] = type == DataType.BOOL ? i % dims[dims.length - 1] == 0 || r.nextBoolean() ? 1 : 0 : r.nextGaussian();
    }
    return Tensor.of(v, dims).cast(type).evaluated();
  }

  /** The standard's words: a zero row of the output, not NaN. */
  @Test
  void aRowWithoutAnyKeyIsZero() {
    Tensor v = Tensors.random(new Random(3), DataType.FLOAT, 1, 1, 2, 3);
    double[] last = new double[6];
    for (int i = 0; i < 3; i++) {
      last[3 + i] = v.toDoubles()[3 + i];
    }
    Tensor expected = Tensor.of(last, 1, 1, 2, 3).cast(DataType.FLOAT).evaluated();
    for (boolean bool : new boolean[] {true, false}) {
      Tensor mask = bool ? Tensor.of(new long[] {0, 0, 0, 1}, 2, 2).cast(DataType.BOOL).evaluated()
          : Tensor.of(new float[] {Float.NEGATIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.NEGATIVE_INFINITY, 0.7f}, 2, 2);
      EmitterTester.op("Attention").opset(23).input(DataType.FLOAT, 1, 1, 2, 4).input(DataType.FLOAT, 1, 1, 2, 4).input(v).input(mask)
          .expect(expected).check(1e-6);
    }
  }

  @Test
  void anUnmaskedAttentionIsFourOperations() {
    Conversion c = heads(3, 3).convert();
    List<String> types = c.graph().getNodeList().stream().map(NodeDef::getOp)
        .filter(t -> !List.of("Placeholder", "EnsureShape", "Const", "NoOp").contains(t)).toList();
    assertEquals(List.of("Mul", "BatchMatMulV2", "Softmax", "BatchMatMulV2"), types);
  }

  @Test
  void pastKeysComeFirst() {
    for (long causal : new long[] {0, 1}) {
      EmitterTester.op("Attention").opset(23).outputs(3).input(DataType.FLOAT, "n", 4, "q", 8).input(DataType.FLOAT, "n", 2, "q", 8)
          .input(DataType.FLOAT, "n", 2, "q", 6).omitted().input(DataType.FLOAT, "n", 2, "p", 8).input(DataType.FLOAT, "n", 2, "p", 6)
          .attr("is_causal", causal).sizes("n", 2, "q", 3, "p", 5).sizes("n", 1, "q", 1, "p", 4).check(TOLERANCE);
    }
  }

  @Test
  void rotaryEmbeddings() {
    for (long interleaved : new long[] {0, 1}) {
      for (long dim : new long[] {0, 4}) {
        long half = dim == 0 ? 4 : 2;
        EmitterTester.op("RotaryEmbedding").opset(23).input(DataType.FLOAT, "n", 3, "s", 8).input(DataType.FLOAT, "n", "s", half)
            .input(DataType.FLOAT, "n", "s", half).attr("interleaved", interleaved).attr("rotary_embedding_dim", dim)
            .attr("num_heads", 3).sizes("n", 1, "s", 5).sizes("n", 2, "s", 3).check(TOLERANCE);
        EmitterTester.op("RotaryEmbedding").opset(23).input(DataType.FLOAT, "n", "s", 24).input(DataType.FLOAT, 50, half)
            .input(DataType.FLOAT, 50, half).input((r, d) -> Tensors.integers(r, DataType.INT64, 0, 49, d), DataType.INT64, "n", "s")
            .attr("interleaved", interleaved).attr("rotary_embedding_dim", dim).attr("num_heads", 3).sizes("n", 1, "s", 5)
            .sizes("n", 2, "s", 3).check(TOLERANCE);
      }
    }
  }
}
