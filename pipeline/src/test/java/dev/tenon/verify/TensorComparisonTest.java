package dev.tenon.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.Tensor;
import org.junit.jupiter.api.Test;

class TensorComparisonTest {
  private static Tensor floats(float... v) {
    return Tensor.of(v, v.length);
  }

  @Test
  void errorIsScaledByTheGreatestMagnitude() {
    TensorComparison c = TensorComparison.of(floats(10, -200), floats(10.1f, -200));
    assertEquals(0.1, c.maxAbsolute(), 1e-6);
    assertEquals(0.1 / 200, c.scaled(), 1e-8);
    assertTrue(c.within(1e-3) && !c.within(1e-4));
  }

  @Test
  void tinyReferencesDoNotBlowErrorsUp() {
    assertEquals(1e-2, TensorComparison.of(floats(0, 0), floats(1e-5f, 0)).scaled(), 1e-6);
  }

  @Test
  void cosineSeesDirectionNotScale() {
    assertEquals(0, TensorComparison.of(floats(1, 2), floats(2, 4)).cosine(), 1e-12);
    assertEquals(1, TensorComparison.of(floats(1, 0), floats(0, 1)).cosine(), 1e-12);
    assertEquals(0, TensorComparison.of(floats(0, 0), floats(0, 0)).cosine());
  }

  @Test
  void nanAndInfinityMustBeInTheSamePlaces() {
    Tensor odd = floats(Float.NaN, Float.POSITIVE_INFINITY, 1);
    assertTrue(TensorComparison.of(odd, odd).within(0));
    assertFalse(TensorComparison.of(odd, floats(Float.NaN, Float.NEGATIVE_INFINITY, 1)).within(1));
    assertFalse(TensorComparison.of(odd, floats(0, Float.POSITIVE_INFINITY, 1)).within(1));
    assertFalse(TensorComparison.of(floats(1), floats(Float.NaN)).within(1));
  }

  @Test
  void typeAndShapeMustAgree() {
    assertTrue(TensorComparison.of(floats(1, 2), Tensor.of(new float[] {1, 2}, 2, 1)).problem().contains("shape"));
    assertTrue(TensorComparison.of(floats(1), Tensor.vector(1)).problem().contains("int64"));
  }

  @Test
  void integersMustBeEqual() {
    assertTrue(TensorComparison.of(Tensor.vector(1000000, 2), Tensor.vector(1000000, 2)).within(0));
    assertEquals("1 of 2 elements differ", TensorComparison.of(Tensor.vector(1000000, 2), Tensor.vector(1000000, 3)).problem());
  }

  @Test
  void emptyTensorsAgree() {
    assertTrue(TensorComparison.of(Tensor.of(new float[0], 0, 3), Tensor.of(new float[0], 0, 3)).within(0));
  }
}
