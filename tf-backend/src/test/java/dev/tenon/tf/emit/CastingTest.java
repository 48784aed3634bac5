package dev.tenon.tf.emit;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.testing.EmitterTester;
import java.util.List;
import org.junit.jupiter.api.Test;

class CastingTest {
  private static final List<DataType> NUMBERS = List.of(DataType.FLOAT, DataType.DOUBLE, DataType.FLOAT16, DataType.BFLOAT16, DataType.INT8,
      DataType.INT16, DataType.INT32, DataType.INT64, DataType.UINT8, DataType.UINT16, DataType.UINT32, DataType.UINT64, DataType.BOOL);

  @Test
  void everyNumberToEveryOther() {
    for (DataType from : NUMBERS) {
      Tensor x = Tensor.of(new double[] {0, 1, 2.75, 3.5, 100, 0.25}, 2, 3).cast(from).evaluated();
      for (DataType to : NUMBERS) {
        EmitterTester.op("Cast").attr("to", to.number()).input(x).check(0);
      }
    }
  }

  @Test
  void negativeFractionsTruncate() {
    EmitterTester.op("Cast").attr("to", DataType.INT32.number()).input(Tensor.of(new float[] {-2.75f, -0.5f, 2.75f, 1e9f}, 4)).check(0);
    EmitterTester.op("Cast").attr("to", DataType.BOOL.number()).input(Tensor.of(new float[] {-2.75f, 0, Float.NaN, 0.1f}, 4)).check(0);
  }

  @Test
  void textToNumbersAndBack() {
    EmitterTester.op("Cast").attr("to", DataType.FLOAT.number())
        .input(Tensor.ofStrings(List.of("3.5", "-1e-3", "NaN", "INF", "-INF", "7"), 6)).check(0);
    EmitterTester.op("Cast").attr("to", DataType.INT64.number()).input(Tensor.ofStrings(List.of("-12", "9000000000"), 2)).check(0);
    EmitterTester.op("Cast").attr("to", DataType.STRING.number())
        .input(Tensor.of(new float[] {3.5f, -1e-3f, Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 7, 1.23456789e10f}, 7)).check(0);
    EmitterTester.op("Cast").attr("to", DataType.STRING.number()).input(Tensor.of(new long[] {-12, 9000000000L}, 2)).check(0);
  }

  @Test
  void likeAnotherTensor() {
    EmitterTester.op("CastLike").input(DataType.FLOAT, "n", 3).input(DataType.INT32, 1).sizes("n", 2).check(0);
  }
}
