package dev.tenon.tf.emit;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.testing.EmitterTester;
import dev.tenon.tf.testing.Tensors;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LogicTest {
  private static final Tensor ODD = Tensor.of(new float[] {Float.NaN, 1, Float.POSITIVE_INFINITY, -1, Float.NEGATIVE_INFINITY, 0}, 6);

  @ParameterizedTest
  @ValueSource(strings = {"Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"})
  void comparisonsBroadcastAndNaNIsUnordered(String op) {
    for (DataType t : List.of(DataType.FLOAT, DataType.DOUBLE, DataType.INT32, DataType.INT64)) {
      EmitterTester.op(op).input(t, "n", 1).input(t, 5).sizes("n", 3).sizes("n", 0).check(0);
    }
    EmitterTester.op(op).input(ODD).input(Tensor.of(new float[] {Float.NaN, 1, 2, 3, Float.NEGATIVE_INFINITY, -0f}, 6)).check(0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"And", "Or", "Xor"})
  void logicalOperators(String op) {
    EmitterTester.op(op).input(DataType.BOOL, "n", 1).input(DataType.BOOL, 5).sizes("n", 3).check(0);
  }

  @Test
  void choicesBroadcastThreeWays() {
    for (DataType t : List.of(DataType.FLOAT, DataType.INT64, DataType.UINT8, DataType.STRING)) {
      EmitterTester.op("Where").input(DataType.BOOL, "n", 1).input(t, 5).input(t, 2, 1, 1).sizes("n", 3).sizes("n", 1).check(0);
    }
  }

  @Test
  void specialNumbers() {
    EmitterTester.op("IsNaN").input(ODD).check(0);
    EmitterTester.op("IsInf").input(ODD).check(0);
    EmitterTester.op("IsInf").attr("detect_negative", 0).input(ODD).check(0);
    EmitterTester.op("IsInf").attr("detect_positive", 0).input(ODD).check(0);
    EmitterTester.op("IsInf").attr("detect_positive", 0).attr("detect_negative", 0).input(ODD).check(0);
  }

  @Test
  void bitOperators() {
    for (DataType t : List.of(DataType.INT8, DataType.UINT8, DataType.INT32, DataType.UINT32, DataType.INT64, DataType.UINT16)) {
      for (String op : List.of("BitwiseAnd", "BitwiseOr", "BitwiseXor")) {
        EmitterTester.op(op).opset(18).input(t, 3, 1).input(t, 4).check(0);
      }
      EmitterTester.op("BitwiseNot").opset(18).input(t, 5).check(0);
    }
    for (String direction : List.of("LEFT", "RIGHT")) {
      EmitterTester.op("BitShift").attr("direction", direction).input(DataType.UINT8, 3, 1)
          .input((r, d) -> Tensors.integers(r, DataType.UINT8, 0, 7, d), DataType.UINT8, 4).check(0);
    }
  }
}
