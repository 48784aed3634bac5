package dev.tenon.tf.emit;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.testing.EmitterTester;
import dev.tenon.tf.testing.Tensors;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class QuantizationTest {
  private static final List<DataType> TYPES = List.of(DataType.UINT8, DataType.INT8);

  private static Tensor scales(int n) {
    return Tensors.uniform(new Random(2), DataType.FLOAT, 0.02, 0.1, n);
  }

  @Test
  void perTensorPerAxisAndBack() {
    for (DataType t : TYPES) {
      Tensor zero = Tensor.scalar(t, 3);
      Tensor zeros = Tensor.of(new long[] {1, 0, 4}, 3).cast(t).evaluated();
      EmitterTester.op("QuantizeLinear").input(DataType.FLOAT, "n", 3).constant(Tensor.scalar(0.05f)).constant(zero).sizes("n", 5).check(0);
      EmitterTester.op("QuantizeLinear").attr("axis", 1).input(DataType.FLOAT, "n", 3, "n").constant(scales(3)).constant(zeros).sizes("n", 3).sizes("n", 4).check(0);
      EmitterTester.op("QuantizeLinear").attr("axis", -1).input(DataType.FLOAT, 2, 3).input(scales(3)).input(zeros).check(0);
      EmitterTester.op("DequantizeLinear").attr("axis", 1).input(t, "n", 3, "n").constant(scales(3)).constant(zeros).sizes("n", 3).sizes("n", 4).check(1e-6);
      EmitterTester.op("DequantizeLinear").input(t, "n", 3).input(Tensor.scalar(0.05f)).input(zero).sizes("n", 3).check(1e-6);
    }
    EmitterTester.op("QuantizeLinear").input(DataType.FLOAT, 5).constant(Tensor.scalar(0.05f)).check(0);
    EmitterTester.op("DequantizeLinear").input(DataType.INT32, 5).constant(Tensor.scalar(0.05f)).check(1e-6);
  }

  @Test
  void rangesFoundAtRunTime() {
    EmitterTester.op("DynamicQuantizeLinear").input(DataType.FLOAT, "n", 3).outputs(3).sizes("n", 5).sizes("n", 1).check(1e-6);
    EmitterTester.op("DynamicQuantizeLinear").input((r, d) -> Tensors.uniform(r, DataType.FLOAT, 1, 2, d), DataType.FLOAT, 4).outputs(3).check(1e-6);
  }

  @Test
  void integerProducts() {
    EmitterTester.op("MatMulInteger").input(DataType.UINT8, "n", 3, 4).input(DataType.INT8, 4, 5).input(Tensor.scalar(DataType.UINT8, 3))
        .constant(Tensor.of(new long[] {1, -2, 0, 3, 5}, 5).cast(DataType.INT8).evaluated()).sizes("n", 2).check(0);
    EmitterTester.op("QLinearMatMul").input(DataType.UINT8, "n", 4).constant(Tensor.scalar(0.1f)).constant(Tensor.scalar(DataType.UINT8, 3))
        .input(DataType.UINT8, 4, 5).constant(Tensor.scalar(0.2f)).constant(Tensor.scalar(DataType.UINT8, 1)).constant(Tensor.scalar(0.3f))
        .constant(Tensor.scalar(DataType.UINT8, 100)).sizes("n", 2).check(0);
  }

  @Test
  void integerConvolutions() {
    EmitterTester.op("ConvInteger").ints("pads", 1, 0, 2, 1).ints("strides", 2, 1).input(DataType.UINT8, "n", 3, "h", "w").input(DataType.UINT8, 4, 3, 3, 2)
        .constant(Tensor.scalar(DataType.UINT8, 5)).sizes("n", 1, "h", 6, "w", 7).sizes("n", 2, "h", 5, "w", 5).check(0);
    EmitterTester.op("QLinearConv").attr("group", 2).input(DataType.UINT8, 2, 4, 5, 6).constant(Tensor.scalar(0.1f)).constant(Tensor.scalar(DataType.UINT8, 3))
        .constant(Tensors.random(new Random(4), DataType.INT8, 6, 2, 3, 3)).constant(scales(6)).constant(Tensor.of(new long[6], 6).cast(DataType.INT8).evaluated())
        .constant(Tensor.scalar(0.05f)).constant(Tensor.scalar(DataType.UINT8, 100))
        .constant(Tensors.integers(new Random(5), DataType.INT32, -50, 50, 6)).check(0);
  }
}
