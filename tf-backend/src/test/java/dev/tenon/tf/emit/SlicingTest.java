package dev.tenon.tf.emit;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.testing.EmitterTester;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SlicingTest {

  @ParameterizedTest
  @CsvSource({"0,3,1", "1,9223372036854775807,1", "-3,-1,1", "-100,100,2", "5,2,1", "-1,-9223372036854775808,-1", "4,0,-2", "100,-100,-3", "2,-9223372036854775807,-1",
      "9223372036854775807,1,-1", "1,6,1"})
  void boundsOfAllKindsConstantAndFed(long start, long end, long step) {
    EmitterTester.op("Slice").input(DataType.FLOAT, "n", 6).constant(start).constant(end).constant(1).constant(step).sizes("n", 2).check(0);
    EmitterTester.op("Slice").input(DataType.FLOAT, "n", 6, 3).constant(start).constant(end).constant(-3).constant(step)
        .sizes("n", 6).sizes("n", 3).sizes("n", 1).check(0);
    EmitterTester.op("Slice").input(DataType.FLOAT, "n", 6).input(Tensor.vector(start)).input(Tensor.vector(end)).constant(1).constant(step)
        .sizes("n", 2).check(0);
    EmitterTester.op("Slice").input(DataType.FLOAT, 2, 6).input(Tensor.vector(start)).input(Tensor.vector(end)).input(Tensor.vector(-1))
        .input(Tensor.vector(step)).check(0);
  }

  @Test
  void severalAxesInAnyOrder() {
    EmitterTester.op("Slice").input(DataType.INT64, 4, 5, 6).constant(1, -4).constant(5, -1).constant(2, 0).constant(2, 1).check(0);
    EmitterTester.op("Slice").input(DataType.INT32, 4, 5, 6).constant(1, 2).constant(3, 100).check(0);
    EmitterTester.op("Slice").opset(9).ints("starts", 1, -3).ints("ends", 3, 9).ints("axes", 0, 2).input(DataType.FLOAT, 4, 2, 6).check(0);
    EmitterTester.op("Slice").input(DataType.FLOAT, 4, 5).constant(Tensor.of(new int[] {1}, 1)).input(Tensor.of(new int[] {3}, 1)).check(0);
    EmitterTester.op("Slice").input(DataType.STRING, 4).constant(1).constant(3).check(0);
  }

  @Test
  void splitsEvenAndUneven() {
    EmitterTester.op("Split").attr("axis", -1).input(DataType.FLOAT, "n", 7).constant(2, 5).outputs(2).sizes("n", 3).check(0);
    EmitterTester.op("Split").attr("axis", 1).input(DataType.FLOAT, "n", 6).outputs(3).sizes("n", 3).check(0);
    EmitterTester.op("Split").opset(11).ints("split", 1, 3).input(DataType.FLOAT, 4, 2).outputs(2).check(0);
    EmitterTester.op("Split").opset(18).attr("num_outputs", 3).input(DataType.FLOAT, "n", 2).outputs(3).sizes("n", 7).sizes("n", 6).check(0);
    EmitterTester.op("Split").input(DataType.FLOAT, 5, 2).input(Tensor.vector(0, 5)).outputs(2).check(0);
  }

  @Test
  void concatenations() {
    EmitterTester.op("Concat").attr("axis", -1).input(DataType.FLOAT, "n", 2).input(DataType.FLOAT, "n", 0).input(DataType.FLOAT, "n", 3).sizes("n", 2)
        .check(0);
    EmitterTester.op("Concat").attr("axis", 0).input(DataType.UINT8, 2, 2).check(0);
  }
}
