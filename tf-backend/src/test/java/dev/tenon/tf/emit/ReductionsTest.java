package dev.tenon.tf.emit;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.testing.EmitterTester;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReductionsTest {
  /** Sums of up to 60 float32 terms in another order. */
  private static final double SUMS = 1e-5;

  @ParameterizedTest
  @ValueSource(strings = {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare",
      "ReduceLogSumExp"})
  void axesAsAnInputKeptOrNot(String op) {
    for (long keep : new long[] {0, 1}) {
      EmitterTester.op(op).opset(18).attr("keepdims", keep).input(DataType.FLOAT, "n", 4, "n").constant(-1, 0).sizes("n", 3).sizes("n", 4)
          .sizes("n", 1).check(SUMS);
      EmitterTester.op(op).opset(18).attr("keepdims", keep).input(DataType.FLOAT, "n", 3).sizes("n", 2).check(SUMS);
      EmitterTester.op(op).opset(18).attr("keepdims", keep).input(DataType.FLOAT, 2, 3, 5).input(Tensor.vector(1)).check(SUMS);
    }
    EmitterTester.op(op).opset(18).attr("noop_with_empty_axes", 1).input(DataType.FLOAT, "n", 3).sizes("n", 2)
        .check(SUMS);
    for (DataType t : List.of(DataType.INT32, DataType.INT64, DataType.DOUBLE)) {
      if (!(t == DataType.INT64 && op.equals("ReduceLogSumExp")) && !(op.equals("ReduceL2") && t == DataType.INT64)) {
        EmitterTester.op(op).opset(18).input(t, 2, 3).constant(1).check(t == DataType.DOUBLE ? SUMS : 0);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"ReduceMean", "ReduceMax", "ReduceL2"})
  void axesAsAnAttributeBeforeOpset18(String op) {
    EmitterTester.op(op).opset(13).ints("axes", -1, 1).attr("keepdims", 0).input(DataType.FLOAT, "n", 4, 5).sizes("n", 3).sizes("n", 5).check(SUMS);
  }

  @Test
  void largeAndInfiniteExponentsDoNotOverflow() {
    float inf = Float.POSITIVE_INFINITY;
    EmitterTester.op("ReduceLogSumExp").opset(13).ints("axes", 1).input(Tensor.of(new float[] {1000, 1001, -inf, -inf, 3, inf}, 3, 2)).check(SUMS);
  }

  @Test
  void extremaPropagateNaN() {
    Tensor x = Tensor.of(new float[] {1, Float.NaN, 3, 4, 5, 6}, 2, 3);
    EmitterTester.op("ReduceMax").opset(13).ints("axes", 1).input(x).expect(Tensor.of(new float[] {Float.NaN, 6}, 2, 1)).check(0);
    EmitterTester.op("ReduceMin").opset(13).ints("axes", 1).input(x).expect(Tensor.of(new float[] {Float.NaN, 4}, 2, 1)).check(0);
  }

  @Test
  void positionsOfExtremaFirstOrLast() {
    Tensor ties = Tensor.of(new float[] {1, 3, 3, 2, 0, 0, 5, 5}, 2, 4);
    for (String op : List.of("ArgMax", "ArgMin")) {
      for (long last : new long[] {0, 1}) {
        EmitterTester.op(op).attr("axis", -1).attr("keepdims", last).attr("select_last_index", last).dynamicInput(ties).check(0);
        EmitterTester.op(op).attr("axis", 0).attr("select_last_index", last).input(ties).check(0);
      }
    }
  }

  @Test
  void largestAndSmallestAlongAnyAxis() {
    for (long largest : new long[] {0, 1}) {
      EmitterTester.op("TopK").attr("axis", 1).attr("largest", largest).input(DataType.FLOAT, "n", 5, 4).constant(2).outputs(2)
          .sizes("n", 3).sizes("n", 1).check(0);
      EmitterTester.op("TopK").attr("largest", largest).input(DataType.FLOAT, 3, 6).input(Tensor.vector(4)).outputs(2).check(0);
      EmitterTester.op("TopK").attr("largest", largest).input(Tensor.of(new long[] {Long.MIN_VALUE, 3, Long.MAX_VALUE, 0}, 4)).constant(3)
          .outputs(2).check(0);
    }
  }

  @Test
  void runningSums() {
    for (long exclusive : new long[] {0, 1}) {
      for (long reverse : new long[] {0, 1}) {
        EmitterTester.op("CumSum").attr("exclusive", exclusive).attr("reverse", reverse).input(DataType.FLOAT, "n", 4)
            .constant(Tensor.scalar(-1L)).sizes("n", 3).check(SUMS);
        EmitterTester.op("CumSum").attr("exclusive", exclusive).attr("reverse", reverse).input(DataType.INT32, 3, 4)
            .input(Tensor.of(new int[] {0})).check(0);
      }
    }
  }
}
