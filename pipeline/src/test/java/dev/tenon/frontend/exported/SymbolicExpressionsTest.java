package dev.tenon.frontend.exported;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tenon.ir.Dim;
import org.junit.jupiter.api.Test;

/** Sizes as torch.export writes them become dimensions. */
class SymbolicExpressionsTest {
  private static final String W = "Symbol('s53', positive=True, integer=True)";

  private static Dim parsed(String text) {
    return SymbolicExpressions.parse(text).orElseThrow(() -> new AssertionError("not understood: " + text));
  }

  private static void assertUnknown(String text) {
    assertEquals(java.util.Optional.empty(), SymbolicExpressions.parse(text));
  }

  @Test
  void symbolsAndIntegers() {
    assertEquals(Dim.symbol("s53"), parsed(W));
    assertEquals(Dim.symbol("u0"), parsed("Symbol('u0', integer=True)"));
    assertEquals(Dim.of(-3), parsed("Integer(-3)"));
  }

  @Test
  void polynomials() {
    Dim w = Dim.symbol("s53");
    assertEquals(w.times(2), parsed("Mul(Integer(2), " + W + ")"));
    assertEquals(w.times(w).minus(1), parsed("Add(Pow(" + W + ", Integer(2)), Integer(-1))"));
    assertEquals(w, parsed("Mul(Rational(1, 2), Add(" + W + ", " + W + "))"));
    assertEquals(Dim.of(3), parsed("Mul(Integer(3), " + W + ", Pow(" + W + ", Integer(-1)))"));
  }

  @Test
  void divisionsThatRound() {
    Dim w = Dim.symbol("s53");
    assertEquals(w.minus(3).floorDiv(2).plus(1), parsed("Add(FloorDiv(Add(" + W + ", Integer(-3)), Integer(2)), Integer(1))"));
    assertEquals(w.ceilDiv(2), parsed("CeilDiv(" + W + ", Integer(2))"));
    assertEquals(w.floorDiv(2), parsed("FloorToInt(IntTrueDiv(" + W + ", Integer(2)))"));
    assertEquals(w.mod(Dim.of(7)), parsed("PythonMod(" + W + ", Integer(7))"));
    assertEquals(w.mod(Dim.of(7)), parsed("Mod(" + W + ", Integer(7))"));
    assertEquals(w.floorDiv(4).mod(Dim.of(3)), parsed("ModularIndexing(" + W + ", Integer(4), Integer(3))"));
  }

  @Test
  void extrema() {
    Dim w = Dim.symbol("s53");
    assertEquals(w.max(Dim.of(5)), parsed("Max(Integer(5), " + W + ")"));
    assertEquals(w.min(Dim.of(5)), parsed("Min(Integer(5), Identity(" + W + "))"));
  }

  @Test
  void plainFormOfOlderFiles() {
    Dim s = Dim.symbol("s0");
    assertEquals(s.times(2).plus(1), parsed("2*s0 + 1"));
    assertEquals(s.minus(1).floorDiv(2).plus(1), parsed("((s0 - 1)//2) + 1"));
    assertEquals(s.max(Dim.of(1)), parsed("Max(1, s0)"));
  }

  @Test
  void whatIsNoPolynomialIsUnknown() {
    assertUnknown("TruncToInt(FloatTrueDiv(" + W + ", Integer(3)))");
    assertUnknown("Add(" + W + ", Where(Integer(1), Integer(2), Integer(3)))");
    assertUnknown("Mul(Rational(1, 2), " + W + ")");
    assertUnknown("Pow(" + W + ", Integer(-1))");
    assertUnknown("Float('0.5', precision=53)");
  }

  @Test
  void malformedTextsAreUnknown() {
    for (String text : new String[] {"", " ", "(", "Add(", "Add()", "Symbol(s0)", "Symbol('a b')", "Integer(x)", "Add(Integer(1)) 2", "'",
        "FloorDiv(Integer(1), Integer(0))", "Mod(Integer(1), Integer(0))", "Integer(99999999999999999999)", "Rational(1, 0)"}) {
      assertUnknown(text);
    }
  }

  @Test
  void hugeExpressionsAreUnknownAndCostNoTime() {
    assertUnknown("Add(".repeat(10_000) + W + ")".repeat(10_000));
    assertUnknown("(".repeat(10_000));
    StringBuilder sum = new StringBuilder("Add(Integer(1)");
    for (int i = 0; i < 600; i++) {
      sum.append(", Symbol('s").append(i).append("')");
    }
    assertUnknown(sum.append(")").toString());
    StringBuilder product = new StringBuilder("Mul(Integer(1)");
    for (int i = 0; i < 200; i++) {
      product.append(", Add(Symbol('a").append(i).append("'), Symbol('b").append(i).append("'))");
    }
    assertUnknown(product.append(")").toString());
  }
}
