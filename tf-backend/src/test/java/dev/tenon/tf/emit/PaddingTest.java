package dev.tenon.tf.emit;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.testing.EmitterTester;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PaddingTest {

  @ParameterizedTest
  @ValueSource(strings = {"constant", "reflect", "edge", "wrap"})
  void everyModeStaticAndDynamic(String mode) {
    EmitterTester.op("Pad").opset(19).attr("mode", mode).input(DataType.FLOAT, 2, "h", "w").constant(0, 1, 2, 0, 2, 1)
        .sizes("h", 4, "w", 5).sizes("h", 4, "w", 4).check(0);
    EmitterTester.op("Pad").opset(19).attr("mode", mode).input(DataType.FLOAT, 2, 4, 5).input(Tensor.vector(0, 1, 2, 0, 2, 1)).check(0);
    EmitterTester.op("Pad").opset(19).attr("mode", mode).input(DataType.FLOAT, 2, 4, 5).constant(1, 2).omitted().constant(-2).check(0);
    EmitterTester.op("Pad").opset(10).attr("mode", mode.equals("wrap") ? "edge" : mode).ints("pads", 1, 0, 0, 2).input(DataType.FLOAT, 3, 4).check(0);
  }

  @Test
  void valuesAndNegativePads() {
    EmitterTester.op("Pad").input(DataType.FLOAT, "n", 4).constant(-1, 2, 0, -3).constant(Tensor.scalar(7.5f)).sizes("n", 3).check(0);
    EmitterTester.op("Pad").input(DataType.FLOAT, "n", 4).constant(-1, 0, 0, -3).sizes("n", 3).check(0);
    EmitterTester.op("Pad").input(DataType.INT64, 3, 4).constant(1, 0, 0, 2).input(Tensor.scalar(9L)).check(0);
    EmitterTester.op("Pad").opset(10).attr("value", -1.5f).ints("pads", 1, 0, 0, 2).input(DataType.FLOAT, 3, 4).check(0);
    EmitterTester.op("Pad").opset(18).input(DataType.FLOAT, 3, 4, 5).input(Tensor.vector(1, 2)).omitted().input(Tensor.vector(-1)).check(0);
  }

  @Test
  void eightDimensions() {
    EmitterTester.op("Pad").input(DataType.FLOAT, 1, 2, 1, 2, 1, 2, 1, 2).constant(0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0)
        .constant(Tensor.scalar(3f)).check(0);
  }

  @Test
  void cropsAndPadsAroundTheCenter() {
    for (long[] target : new long[][] {{5, 9}, {8, 4}, {4, 13}, {7, 8}, {10, 1}}) {
      EmitterTester.op("CenterCropPad").opset(18).input(DataType.FLOAT, "h", "w").constant(target)
          .sizes("h", 7, "w", 8).sizes("h", 8, "w", 8).sizes("h", 1, "w", 2).check(0);
      EmitterTester.op("CenterCropPad").opset(18).input(DataType.FLOAT, "h", 2, "w").input(Tensor.vector(target)).ints("axes", 2, -3)
          .sizes("h", 7, "w", 8).check(0);
    }
  }
}
