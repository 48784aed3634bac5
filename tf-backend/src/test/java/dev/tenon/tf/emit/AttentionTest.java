package dev.tenon.tf.emit;

import dev.tenon.ir.DataType;
import dev.tenon.tf.testing.EmitterTester;
import dev.tenon.tf.testing.Tensors;
import org.junit.jupiter.api.Test;

class AttentionTest {
  /** Two products and a softmax in float32. */
  private static final double TOLERANCE = 2e-6;

  private static EmitterTester heads(long queryHeads, long keyHeads) {
    return EmitterTester.op("Attention").opset(23).input(DataType.FLOAT, "n", queryHeads, "q", 8).input(DataType.FLOAT, "n", keyHeads, "k", 8)
        .input(DataType.FLOAT, "n", keyHeads, "k", 6).sizes("n", 2, "q", 3, "k", 5).sizes("n", 4, "q", 4, "k", 4);
  }

  @Test
  void headsOfTheirOwnAndShared() {
    heads(4, 4).check(TOLERANCE);
    heads(4, 2).check(TOLERANCE);
    heads(6, 1).attr("scale", 0.3f).attr("softcap", 2f).check(TOLERANCE);
    EmitterTester.op("Attention").opset(23).input(DataType.FLOAT, "n", "q", 32).input(DataType.FLOAT, "n", "k", 16)
        .input(DataType.FLOAT, "n", "k", 10).attr("q_num_heads", 4).attr("kv_num_heads", 2)
        .sizes("n", 2, "q", 3, "k", 5).sizes("n", 4, "q", 4, "k", 4).check(TOLERANCE);
  }

  @Test
  void masksAndCausality() {
    heads(4, 4).attr("is_causal", 1).check(TOLERANCE);
    heads(4, 2).attr("is_causal", 1).check(TOLERANCE);
    heads(4, 4).input(DataType.FLOAT, "q", "k").check(TOLERANCE);
    heads(4, 2).input(DataType.FLOAT, "n", 4, "q", "k").check(TOLERANCE);
    heads(4, 4).input((r, d) -> firstAlwaysSeen(r, d), DataType.BOOL, "q", "k").check(TOLERANCE);
    heads(4, 2).input((r, d) -> firstAlwaysSeen(r, d), DataType.BOOL, "n", 1, "q", "k").check(TOLERANCE);
  }

  /** A random mask that hides no row as a whole: of those the standard and ONNX Runtime think differently. */
  private static dev.tenon.ir.Tensor firstAlwaysSeen(java.util.Random r, long[] dims) {
    long[] v = Tensors.integers(r, DataType.BOOL, 0, 1, dims).toLongs();
    int keys = (int) dims[dims.length - 1];
    for (int i = 0; i < v.length; i += keys) {
      v[i] = 1;
    }
    return dev.tenon.ir.Tensor.of(v, dims).cast(DataType.BOOL).evaluated();
  }

  @Test
  void rotaryEmbeddings() {
    for (long interleaved : new long[] {0, 1}) {
      for (long turned : new long[] {0, 4}) {
        long half = turned == 0 ? 4 : turned / 2;
        EmitterTester.op("RotaryEmbedding").opset(23).input(DataType.FLOAT, "n", 3, "t", 8).input(DataType.FLOAT, 10, half)
            .input(DataType.FLOAT, 10, half).input((r, d) -> Tensors.integers(r, DataType.INT64, 0, 9, d), DataType.INT64, "n", "t")
            .attr("interleaved", interleaved).attr("rotary_embedding_dim", turned).attr("num_heads", turned == 0 ? 0 : 3)
            .sizes("n", 2, "t", 5).sizes("n", 3, "t", 3).check(1e-6);
      }
    }
  }
}
