package dev.tenon.verify;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SizePlanTest {
  private static SizePlan.Input input(String name, DataType dtype, Dim... dims) {
    return new SizePlan.Input(name, dtype, Shape.of(dims));
  }

  @Test
  void picturesAreTriedAtUnequalHeightsAndWidthsAndSeveralBatches() {
    SizePlan plan = new SizePlan(List.of(input("x", DataType.FLOAT, Dim.unknown(), Dim.of(3), Dim.unknown(), Dim.unknown())));
    List<Map<String, long[]>> sizes = plan.candidates();
    assertArrayEquals(new long[] {2, 3, 64, 96}, sizes.get(0).get("x"));
    assertArrayEquals(new long[] {3, 3, 96, 64}, sizes.get(1).get("x"));
    assertArrayEquals(new long[] {1, 3, 128, 160}, sizes.get(2).get("x"));
    assertTrue(plan.hasDynamicShape());
  }

  @Test
  void inputsThatShareASymbolShareItsSize() {
    Dim b = Dim.symbol("batch");
    Dim s = Dim.symbol("sequence");
    Map<String, long[]> first = new SizePlan(List.of(input("ids", DataType.INT64, b, s), input("mask", DataType.INT64, b, s),
        input("past", DataType.FLOAT, b, Dim.of(4), s, Dim.of(8)))).candidates().get(0);
    assertArrayEquals(new long[] {2, 7}, first.get("ids"));
    assertArrayEquals(new long[] {2, 7}, first.get("mask"));
    assertArrayEquals(new long[] {2, 4, 7, 8}, first.get("past"));
  }

  @Test
  void anonymousDimensionsOfTheSameRoleAgree() {
    Map<String, long[]> first = new SizePlan(List.of(input("ids", DataType.INT64, Dim.unknown(), Dim.unknown()),
        input("mask", DataType.INT64, Dim.unknown(), Dim.unknown()))).candidates().get(0);
    assertArrayEquals(first.get("ids"), first.get("mask"));
  }

  @Test
  void dimensionsMayBeExpressions() {
    Dim h = Dim.symbol("h");
    Map<String, long[]> first = new SizePlan(List.of(input("a", DataType.FLOAT, Dim.of(1), Dim.of(3), h, Dim.of(8)),
        input("b", DataType.FLOAT, Dim.of(1), Dim.of(3), h.times(2).plus(1), Dim.of(8)))).candidates().get(0);
    assertEquals(first.get("a")[2] * 2 + 1, first.get("b")[2]);
  }

  @Test
  void staticModelHasOneSize() {
    SizePlan plan = new SizePlan(List.of(input("x", DataType.FLOAT, Dim.of(1), Dim.of(10))));
    assertTrue(plan.isStatic());
    assertEquals(1, plan.candidates().size());
  }

  @Test
  void batchOneIsTriedLastForModelsThatTakeNoOther() {
    SizePlan plan = new SizePlan(List.of(input("x", DataType.FLOAT, Dim.symbol("N"), Dim.of(10))));
    assertEquals(List.of(2L, 3L, 1L), plan.candidates().stream().map(c -> c.get("x")[0]).toList());
  }

  @Test
  void masksAreOnesThenZerosAndDifferFromRowToRow() {
    InputGenerator generator = new InputGenerator(5, Double.NaN, Double.NaN);
    Tensor mask = generator.generate(new InputKind(InputKind.Meaning.MASK, 0), DataType.INT64, new long[] {3, 12});
    long[] v = mask.toLongs();
    for (int row = 0; row < 3; row++) {
      assertEquals(1, v[row * 12], "every row has a token");
      for (int i = 1; i < 12; i++) {
        assertTrue(v[row * 12 + i] <= v[row * 12 + i - 1], "padding comes last");
      }
    }
    assertEquals(1, v[11], "the first row is full");
    assertEquals(0, v[35], "another is not");
  }

  @Test
  void indicesStayInsideTheTable() {
    InputGenerator generator = new InputGenerator(5, Double.NaN, Double.NaN);
    Tensor ids = generator.generate(new InputKind(InputKind.Meaning.INDICES, 11), DataType.INT32, new long[] {40, 25});
    long max = 0;
    for (long i : ids.toLongs()) {
      assertTrue(i >= 0 && i < 11);
      max = Math.max(max, i);
    }
    assertEquals(10, max);
  }
}
