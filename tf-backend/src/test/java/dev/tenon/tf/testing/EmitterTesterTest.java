package dev.tenon.tf.testing;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import org.junit.jupiter.api.Test;

class EmitterTesterTest {
  @Test
  void aWrongResultFails() {
    EmitterTester wrong = EmitterTester.op("Neg").input(Tensor.of(new float[] {1, 2}, 2)).expect(Tensor.of(new float[] {-1, 2}, 2));
    assertThrows(AssertionError.class, () -> wrong.check(1e-3));
  }

  @Test
  void anUnsupportedOperatorFails() {
    EmitterTester unknown = EmitterTester.op("NoSuchOperator").input(DataType.FLOAT, 2).expect(Tensor.scalar(0f));
    assertThrows(AssertionError.class, () -> unknown.check(1));
  }

  @Test
  void tolerancesAreRelativeToTheLargestElementAndInfinitiesMustAgree() {
    Tensor a = Tensor.of(new float[] {100, 1, Float.NaN, Float.POSITIVE_INFINITY}, 4);
    assertNull(Tensors.difference(a, Tensor.of(new float[] {100, 1.05f, Float.NaN, Float.POSITIVE_INFINITY}, 4), 1e-3));
    assertNotNull(Tensors.difference(a, Tensor.of(new float[] {100, 1.2f, Float.NaN, Float.POSITIVE_INFINITY}, 4), 1e-3));
    assertNotNull(Tensors.difference(a, Tensor.of(new float[] {100, 1, 1, Float.POSITIVE_INFINITY}, 4), 1e-3));
    assertNotNull(Tensors.difference(a, Tensor.of(new float[] {100, 1, Float.NaN, Float.NEGATIVE_INFINITY}, 4), 1e-3));
    assertNotNull(Tensors.difference(a, a.reshape(2, 2), 1));
  }
}
