package dev.tenon.ir;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.Test;

class DimTest {
  private static final Dim H = Dim.symbol("h");
  private static final Dim W = Dim.symbol("w");

  @Test
  void equalPolynomialsAreEqualObjects() {
    assertEquals(H.plus(W).times(H), H.times(H).plus(W.times(H)));
    assertEquals(H.plus(1).minus(H), Dim.ONE);
    assertEquals(H.plus(W).hashCode(), W.plus(H).hashCode());
    assertEquals(H.times(W).floorDiv(H), W);
    assertEquals(H.times(4).plus(3).floorDiv(2), H.times(2).plus(1));
    assertEquals(H.floorDiv(2).floorDiv(3), H.floorDiv(6));
    assertNotEquals(H, W);
  }

  @Test
  void theUnknownEqualsOnlyItself() {
    Dim u = Dim.unknown();
    assertEquals(u, u);
    assertNotEquals(u, Dim.unknown());
    assertFalse(u.provablyDiffers(Dim.unknown()));
    assertTrue(u.isAnonymous() && !H.isAnonymous());
  }

  @Test
  void onlyConstantDifferencesProveInequality() {
    assertTrue(H.plus(1).provablyDiffers(H));
    assertTrue(Dim.of(3).provablyDiffers(Dim.of(4)));
    assertFalse(H.provablyDiffers(W));
    assertFalse(H.provablyDiffers(H));
  }

  @Test
  void evaluationNeedsAllSymbolsAndADivisorOtherThanZero() {
    assertEquals(OptionalLong.of(7), H.times(2).plus(1).evaluate(Map.of("h", 3L)));
    assertEquals(OptionalLong.empty(), H.plus(W).evaluate(Map.of("h", 3L)));
    assertEquals(OptionalLong.empty(), H.floorDiv(W).evaluate(Map.of("h", 3L, "w", 0L)));
    assertEquals(OptionalLong.empty(), H.mod(W).evaluate(Map.of("h", 3L, "w", 0L)));
    assertThrows(ArithmeticException.class, () -> H.floorDiv(0));
  }

  @Test
  void freeTextIsASymbol() {
    for (String text : new String[] {"batch", "batch size", "unk__1", "a,b", "h/", "(", "floor(", "N'", "日本"}) {
      assertTrue(Dim.parse(text).isSymbol(), text);
      assertEquals(Dim.parse(text), Dim.parse(text));
    }
  }

  @Test
  void hostileTextsEndSoon() {
    assertTrue(Dim.parse("(".repeat(100_000)).isSymbol());
    Dim.parse("(a+b)*".repeat(60) + "c");
    Dim.parse("-".repeat(100_000) + "1");
    Dim.parse("a**".repeat(1000) + "9");
    Dim.parse("9".repeat(1000));
    Dim.parse("floor(a/2)+".repeat(5000) + "1");
  }

  /** A random expression, and what it should give. */
  private record Sample(Dim dim, ToLongFunction<Map<String, Long>> value) {}

  private static Sample random(Random r, int depth) {
    if (depth == 0 || r.nextInt(6) == 0) {
      if (r.nextInt(3) == 0) {
        long c = r.nextInt(9) - 3;
        return new Sample(Dim.of(c), m -> c);
      }
      String name = List.of("h", "w", "n").get(r.nextInt(3));
      return new Sample(Dim.symbol(name), m -> m.get(name));
    }
    Sample a = random(r, depth - 1);
    Sample b = random(r, depth - 1);
    int c = 1 + r.nextInt(5);
    return switch (r.nextInt(8)) {
      case 0, 1 -> new Sample(a.dim.plus(b.dim), m -> a.value.applyAsLong(m) + b.value.applyAsLong(m));
      case 2 -> new Sample(a.dim.minus(b.dim), m -> a.value.applyAsLong(m) - b.value.applyAsLong(m));
      case 3 -> new Sample(a.dim.times(b.dim), m -> a.value.applyAsLong(m) * b.value.applyAsLong(m));
      case 4 -> new Sample(a.dim.floorDiv(c), m -> Math.floorDiv(a.value.applyAsLong(m), c));
      case 5 -> new Sample(a.dim.mod(Dim.of(c)), m -> Math.floorMod(a.value.applyAsLong(m), c));
      case 6 -> new Sample(a.dim.max(b.dim), m -> Math.max(a.value.applyAsLong(m), b.value.applyAsLong(m)));
      default -> new Sample(a.dim.min(b.dim), m -> Math.min(a.value.applyAsLong(m), b.value.applyAsLong(m)));
    };
  }

  @Test
  void everyExpressionHasTheValueThatArithmeticGivesIt() {
    Random r = new Random(4);
    int checked = 0;
    for (int i = 0; i < 3000; i++) {
      Sample s = random(r, 1 + i % 4);
      if (s.dim.symbols().stream().anyMatch(n -> n.startsWith("?"))) {
        continue;
      }
      for (int k = 0; k < 5; k++) {
        Map<String, Long> sizes = Map.of("h", (long) r.nextInt(20), "w", (long) r.nextInt(5), "n", (long) r.nextInt(3));
        assertEquals(OptionalLong.of(s.value.applyAsLong(sizes)), s.dim.evaluate(sizes), s.dim + " at " + sizes);
        checked++;
      }
      assertEquals(s.dim, Dim.parse(s.dim.toString()), "the printed form is read as the same dimension");
    }
    assertTrue(checked > 10_000, "expressions checked: " + checked);
  }

  @Test
  void provedFactsHoldAtEverySize() {
    Random r = new Random(9);
    List<Sample> samples = new ArrayList<>();
    for (int i = 0; i < 400; i++) {
      samples.add(random(r, 2));
    }
    for (int i = 0; i + 1 < samples.size(); i++) {
      Sample a = samples.get(i);
      for (int j = i + 1; j < Math.min(i + 20, samples.size()); j++) {
        Sample b = samples.get(j);
        for (int k = 0; k < 5; k++) {
          Map<String, Long> sizes = Map.of("h", (long) r.nextInt(20), "w", (long) r.nextInt(5), "n", (long) r.nextInt(3));
          long x = a.value.applyAsLong(sizes);
          long y = b.value.applyAsLong(sizes);
          assertTrue(!a.dim.equals(b.dim) || x == y, a.dim + " equals " + b.dim + " but not at " + sizes);
          assertTrue(!a.dim.provablyDiffers(b.dim) || x != y, a.dim + " differs from " + b.dim + " but not at " + sizes);
        }
      }
    }
  }
}
