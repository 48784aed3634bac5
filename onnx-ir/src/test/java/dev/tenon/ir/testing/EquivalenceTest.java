package dev.tenon.ir.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Model;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The comparison that other tests lean on notices what it must. */
class EquivalenceTest {

  private static Model scaled(float by) {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "batch", 3);
    return g.output("y", g.op("Mul", x, g.constant(Tensor.scalar(by)))).output("z", g.op("Neg", x)).model();
  }

  @Test
  void equalModelsPassAtSeveralSizes() {
    Equivalence.assertSameOutputs(scaled(2), scaled(2), Map.of("batch", 1L), Map.of("batch", 4L), Map.of("batch", 0L));
  }

  @Test
  void aDifferenceNamesTheOutputAndItsError() {
    String message = assertThrows(AssertionError.class, () -> Equivalence.assertSameOutputs(scaled(2), scaled(2.001f))).getMessage();
    assertTrue(message.contains("output y: max abs error") && !message.contains("output z"), message);
  }

  @Test
  void shapesTypesAndSpecialValuesMustAgree() {
    Tensor a = Tensor.of(new float[] {1, Float.NaN, Float.POSITIVE_INFINITY}, 3);
    assertEquals("", Equivalence.difference(a, a, 0));
    assertTrue(Equivalence.difference(a, a.reshape(1, 3), 1).contains("float32[3]"));
    assertTrue(Equivalence.difference(a, a.cast(DataType.DOUBLE), 1).contains("float64"));
    assertTrue(Equivalence.difference(a, Tensor.of(new float[] {1, 2, Float.POSITIVE_INFINITY}, 3), 1).contains("NaN"));
    assertTrue(Equivalence.difference(a, Tensor.of(new float[] {1, Float.NaN, Float.NEGATIVE_INFINITY}, 3), 1).contains("Infinity"));
    assertTrue(Equivalence.difference(Tensor.vector(1), Tensor.vector(2), 10).contains("integers differ"));
  }

  @Test
  void randomInputsAreTheSameForTheSameSeedAndFollowTheSizes() {
    Model m = scaled(1);
    Map<String, Tensor> a = RandomInputs.seeded(5).size("batch", 7).forModel(m);
    assertTrue(a.get("x").contentEquals(RandomInputs.seeded(5).size("batch", 7).forModel(m).get("x")));
    assertTrue(!a.get("x").contentEquals(RandomInputs.seeded(6).size("batch", 7).forModel(m).get("x")));
    assertEquals("float32[7,3]", a.get("x").toString());
    Graphs g = Graphs.opset(17);
    Model ints = g.output("y", g.op("Identity", g.input(DataType.INT64, "ids", "n", null))).model();
    Tensor ids = RandomInputs.seeded(1).size("n", 50).unknown(4).range("ids", -2, 3).forModel(ints).get("ids");
    assertEquals(List.of(50L, 4L), List.of(ids.dim(0), ids.dim(1)));
    long[] values = ids.toLongs();
    assertEquals(-2, java.util.Arrays.stream(values).min().orElseThrow());
    assertEquals(2, java.util.Arrays.stream(values).max().orElseThrow());
  }
}
