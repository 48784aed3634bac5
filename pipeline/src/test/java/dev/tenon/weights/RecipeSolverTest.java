package dev.tenon.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.weights.RecipeSolver.Piece;
import dev.tenon.weights.RecipeSolver.Solution;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every step a recipe can have is undone: the parameter comes back from the variable that the recipe gives. */
class RecipeSolverTest {
  private static final Tensor W = source("w", 4, 3, 2, 5);
  private static final Tensor V = source("v", 4, 3, 2, 5);
  private static final Tensor B = source("b", 12);

  private static Tensor source(String name, long... dims) {
    Random r = new Random(name.hashCode());
    int n = 1;
    for (long d : dims) {
      n *= (int) d;
    }
    ByteBuffer b = ByteBuffer.allocate(4 * n).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < n; i++) {
      b.putFloat(0.5f + r.nextFloat());
    }
    return Tensor.source(name, DataType.FLOAT, dims, Storage.of(b.flip()));
  }

  static Stream<Arguments> recipes() {
    return Stream.of(
        Arguments.of("as it is", W, W),
        Arguments.of("permuted", W.permute(2, 3, 1, 0), W),
        Arguments.of("reshaped, permuted, reversed", W.reshape(12, 10).permute(1, 0).reverse(0), W),
        Arguments.of("negated", W.negate(), W),
        Arguments.of("reciprocal", W.reciprocal(), W),
        Arguments.of("root", W.sqrt(), W),
        Arguments.of("times a constant", W.times(Tensor.scalar(0.25f)), W),
        Arguments.of("a constant over it", Tensor.scalar(2f).dividedBy(W), W),
        Arguments.of("less a known tensor", W.minus(V), W),
        Arguments.of("a known tensor less it", V.minus(W).permute(3, 2, 1, 0), W),
        Arguments.of("times a known scale, broadcast", W.times(V.slice(3, 0, 1)).permute(2, 3, 1, 0), W),
        Arguments.of("gates reordered",
            Tensor.concat(0, List.of(B.slice(0, 3, 6), B.slice(0, 0, 3), B.slice(0, 9, 12), B.slice(0, 6, 9))), B),
        Arguments.of("beside a known tensor", Tensor.concat(1, List.of(V, W, V)), W),
        Arguments.of("narrower and back", W.cast(DataType.DOUBLE).permute(1, 0, 2, 3), W));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("recipes")
  void theParameterComesBack(String name, Tensor recipe, Tensor parameter) {
    Solution s = RecipeSolver.solve(recipe, recipe.evaluated(), n -> n.equals("v"), null);
    assertEquals(List.of(), s.obstacles());
    assertTrue(ScatteredStorage.covers(s.pieces(), parameter.numel()));
    Tensor back = ScatteredStorage.assemble(parameter.recipe().toString(), parameter, s.pieces(), null);
    assertArrayEquals(parameter.dims(), back.dims());
    assertArrayEquals(parameter.toFloats(), back.toFloats(), 1e-5f);
  }

  @Test
  void ofASliceOnlySomeElementsAreKnown() {
    Tensor recipe = B.reshape(3, 4).slice(1, 1, 3).permute(1, 0);
    Solution s = RecipeSolver.solve(recipe, recipe.evaluated(), n -> false, null);
    assertEquals(1, s.pieces().size());
    Piece p = s.pieces().get(0);
    assertArrayEquals(new int[] {1, 2, 5, 6, 9, 10}, p.index().toInts());
    assertArrayEquals(new float[] {B.toFloats()[1], B.toFloats()[2], B.toFloats()[5], B.toFloats()[6], B.toFloats()[9], B.toFloats()[10]},
        p.values().toFloats());
    assertTrue(!ScatteredStorage.covers(s.pieces(), 12));
  }

  @Test
  void twoUnknownsCannotBeToldApart() {
    Tensor recipe = W.times(V);
    Solution s = RecipeSolver.solve(recipe, recipe.evaluated(), n -> false, null);
    assertEquals(List.of(), s.pieces());
    assertEquals(Set.of("w", "v"), s.obstacles().get(0).together());
    assertEquals("variable k holds it combined with v", s.obstacles().get(0).about("w", "k"));
  }

  @Test
  void whatOperatorsComputedIsNotUndone() {
    Tensor recipe = Tensor.evaluated("Exp", List.of(B), DataType.FLOAT, new long[] {2}, Storage.of(ByteBuffer.allocate(8)));
    Solution s = RecipeSolver.solve(recipe, recipe, n -> false, null);
    assertTrue(s.obstacles().get(0).about("b", "k").contains("by running Exp"), s.obstacles().toString());
  }
}
