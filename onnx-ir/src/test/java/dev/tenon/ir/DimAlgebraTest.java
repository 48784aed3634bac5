package dev.tenon.ir;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The normal form of dimensions and what follows from it. */
class DimAlgebraTest {
  private static final Dim H = Dim.symbol("h");
  private static final Dim W = Dim.symbol("w");

  @Test
  void samePolynomialIsEqualHoweverItIsBuilt() {
    assertEquals(H.plus(W).times(2), W.times(2).plus(H).plus(H));
    assertEquals(H.plus(1).times(H.minus(1)), H.times(H).minus(1));
    assertEquals(Dim.ZERO, H.minus(H));
    assertEquals("h+2*h*w+3", H.times(W).times(2).plus(H).plus(3).toString());
  }

  @Test
  void stridedConvolutionsInARowAreOneDivision() {
    Dim once = H.minus(1).floorDiv(2).plus(1);
    Dim twice = once.minus(1).floorDiv(2).plus(1);
    assertEquals("floor((h+1)/2)", once.toString());
    assertEquals("floor((h+3)/4)", twice.toString());
  }

  @Test
  void divisionIsExactWhereThePolynomialDivides() {
    assertEquals(H.times(2).plus(1), H.times(4).plus(3).floorDiv(2));
    assertEquals(H.plus(1), H.plus(1).times(W.plus(2)).floorDiv(W.plus(2)));
    assertEquals(H.times(W), H.times(W).times(12).floorDiv(12));
    assertEquals("floor((h*w)/3)", H.times(W).floorDiv(3).toString());
  }

  @Test
  void paddingToAMultipleDividesEvenly() {
    // As Swin pads to whole windows: h + (7 - h % 7) % 7.
    Dim padded = H.plus(Dim.of(7).minus(H.mod(Dim.of(7))).mod(Dim.of(7)));
    assertEquals(Dim.ZERO, padded.mod(Dim.of(7)));
    assertEquals(H.ceilDiv(7).times(7), padded);
  }

  @Test
  void twoPartsOfAnAxisMakeTheWhole() {
    Dim front = H.min(Dim.of(3));
    Dim back = H.minus(3).max(Dim.ZERO);
    assertEquals(H, front.plus(back));
    assertEquals(Dim.ZERO, H.max(W).plus(H.min(W)).minus(H).minus(W));
  }

  @Test
  void boundsAreProvedFromSizesNotBeingNegative() {
    assertTrue(H.minus(H.floorDiv(2)).isAtLeast(0));
    assertTrue(H.plus(1).provablyDiffers(Dim.ZERO));
    assertTrue(H.provablyDiffers(Dim.of(-1)));
    assertFalse(H.provablyDiffers(Dim.ONE));
    assertFalse(H.minus(1).isAtLeast(0));
    assertFalse(Dim.unknownInteger().isAtLeast(0));
    assertTrue(H.mod(Dim.of(5)).isAtLeast(0));
    assertTrue(Dim.of(4).minus(H.mod(Dim.of(5))).isAtLeast(0));
  }

  @Test
  void broadcastTakesTheAxisThatIsNotOne() {
    assertEquals(H, Dim.ONE.broadcast(H));
    assertEquals(Dim.of(5), H.broadcast(Dim.of(5)));
    assertEquals(Dim.ZERO, H.broadcast(Dim.ZERO));
    assertEquals(W.plus(2), H.broadcast(W.plus(2)));
    Dim open = H.broadcast(W);
    assertEquals("broadcast(h,w)", open.toString());
    assertEquals(open, W.broadcast(H));
    assertEquals(open, open.broadcast(W));
    assertEquals(OptionalLong.of(4), open.evaluate(Map.of("h", 1L, "w", 4L)));
    assertEquals(OptionalLong.of(0), open.evaluate(Map.of("h", 0L, "w", 1L)));
  }

  @Test
  void overflowIsUnknownNeverWrong() {
    assertTrue(Dim.of(Long.MAX_VALUE).plus(1).isAnonymous());
    assertTrue(Dim.of(1L << 40).times(1L << 40).isAnonymous());
    assertFalse(H.times(Long.MAX_VALUE).times(3).isConstant());
    assertEquals(OptionalLong.empty(), H.times(1L << 40).evaluate(Map.of("h", 1L << 40)));
  }

  @Test
  void theTextsOfExportersAreRead() {
    assertEquals(H.plus(1).floorDiv(2), Dim.parse("floor(h/2 - 1/2) + 1"));
    assertEquals(H.floorDiv(2).times(3), Dim.parse("3*(h//2)"));
    assertEquals(H.mod(Dim.of(8)), Dim.parse("Mod(h, 8)"));
    assertEquals(H.times(H), Dim.parse("h**2"));
    assertEquals(Dim.of(4).max(H).max(W), Dim.parse("Max(4, h, w)"));
    assertEquals(H.ceilDiv(3), Dim.parse("ceiling(h/3)"));
    assertEquals(H, Dim.parse("2*h/2"));
  }

  @Test
  void anyOtherTextIsASymbol() {
    for (String text : List.of("h/2", "batch size", "foo(h)", "1x", "h+", "(h", "0x1F", "h//0", "-".repeat(10_000), "(".repeat(10_000))) {
      Dim d = Dim.parse(text);
      assertTrue(d.isSymbol(), text);
      assertEquals(text, d.toString());
    }
  }

  @Test
  void longPolynomialsBecomeUnknown() {
    Dim d = Dim.ONE;
    for (int i = 0; i < 40; i++) {
      d = d.times(Dim.symbol("s" + i).plus(1));
    }
    assertTrue(d.toString().length() < 10_000);
    assertFalse(d.isAtLeast(0) && d.isAnonymous(), "nothing is known of it");
  }

  // ---- against arithmetic on numbers ----

  /** Builds the same random expression as a dimension and as a number. */
  private static final class Sample {
    final Random random;
    final Map<String, Long> values;
    Dim dim;
    long value;

    Sample(Random random, Map<String, Long> values) {
      this.random = random;
      this.values = values;
    }

    Sample build(int depth) {
      if (depth == 0 || random.nextInt(5) == 0) {
        if (random.nextBoolean()) {
          value = random.nextInt(13) - 4;
          dim = Dim.of(value);
        } else {
          String name = List.of("h", "w", "n").get(random.nextInt(3));
          value = values.get(name);
          dim = Dim.symbol(name);
        }
        return this;
      }
      Sample a = new Sample(random, values).build(depth - 1);
      Sample b = new Sample(random, values).build(depth - 1);
      long divisor = random.nextInt(3) == 0 ? -(1 + random.nextInt(6)) : 1 + random.nextInt(9);
      switch (random.nextInt(9)) {
        case 0, 1 -> set(a.dim.plus(b.dim), a.value + b.value);
        case 2 -> set(a.dim.minus(b.dim), a.value - b.value);
        case 3 -> set(a.dim.times(b.dim), a.value * b.value);
        case 4, 5 -> set(a.dim.floorDiv(divisor), Math.floorDiv(a.value, divisor));
        case 6 -> set(a.dim.mod(Dim.of(divisor)), Math.floorMod(a.value, divisor));
        case 7 -> set(a.dim.max(b.dim), Math.max(a.value, b.value));
        default -> set(a.dim.min(b.dim), Math.min(a.value, b.value));
      }
      return this;
    }

    private void set(Dim d, long v) {
      dim = d;
      value = v;
    }
  }

  @Test
  void everyOperationKeepsTheValue() {
    Random random = new Random(20240607);
    int opaque = 0;
    for (int i = 0; i < 8_000; i++) {
      Map<String, Long> values = new HashMap<>(Map.of("h", (long) random.nextInt(12), "w", (long) random.nextInt(40),
          "n", random.nextInt(4) == 0 ? 0L : 1 + random.nextInt(5)));
      Sample s = new Sample(random, values).build(1 + random.nextInt(4));
      if (s.dim.symbols().stream().anyMatch(x -> x.startsWith("?"))) {
        opaque++;
        continue;
      }
      String what = s.dim + " at " + values;
      assertEquals(OptionalLong.of(s.value), s.dim.evaluate(values), what);
      assertEquals(s.dim, Dim.parse(s.dim.toString()), what);
      assertEquals(Dim.of(s.value), s.dim.substitute(n -> Dim.of(values.get(n))), what);
      assertEquals(s.dim.hashCode(), Dim.parse(s.dim.toString()).hashCode(), what);
      for (long bound = -3; bound <= 3; bound++) {
        assertTrue(!s.dim.isAtLeast(bound) || s.value >= bound, () -> what + " is not so great");
      }
      assertTrue(!s.dim.provablyDiffers(Dim.of(s.value)), what);
    }
    assertTrue(opaque < 80, "too many expressions given up: " + opaque);
  }

  @Test
  void quotientsBySymbolsKeepTheValue() {
    Random random = new Random(7);
    for (int i = 0; i < 5_000; i++) {
      Map<String, Long> values = Map.of("h", 1L + random.nextInt(9), "w", 1L + random.nextInt(9), "n", 1L + random.nextInt(4));
      Sample a = new Sample(random, values).build(3);
      Sample b = new Sample(random, values).build(2);
      if (b.value == 0 || b.dim.is(0)) {
        continue;
      }
      Dim q = a.dim.floorDiv(b.dim);
      if (q.symbols().stream().noneMatch(x -> x.startsWith("?"))) {
        assertEquals(OptionalLong.of(Math.floorDiv(a.value, b.value)), q.evaluate(values), a.dim + " / " + b.dim + " at " + values);
      }
    }
  }

  @Test
  void unknownDimensionsDifferFromOneAnother() {
    assertNotEquals(Dim.unknown(), Dim.unknown());
    assertTrue(Dim.unknown().isAtLeast(0));
    assertFalse(Dim.unknown().provablyDiffers(Dim.unknown()));
  }
}
