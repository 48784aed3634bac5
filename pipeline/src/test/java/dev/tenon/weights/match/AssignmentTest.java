package dev.tenon.weights.match;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AssignmentTest {

  @Test
  void theSumCountsNotTheLargestPair() {
    assertArrayEquals(new int[] {1, 0}, Assignment.solve(new double[][] {{10, 9}, {8, 1}}));
  }

  @Test
  void pairsThatAreNotToBeAreNotMade() {
    assertArrayEquals(new int[] {-1, 0}, Assignment.solve(new double[][] {{0, 0}, {1, 0}}));
    assertArrayEquals(new int[] {-1, -1}, Assignment.solve(new double[][] {{}, {}}));
    assertArrayEquals(new int[0], Assignment.solve(new double[0][]));
  }

  /** Against all permutations, rows and columns unequal in number, some pairs impossible. */
  @Test
  void noOtherMatchingIsWorthMore() {
    Random random = new Random(11);
    for (int trial = 0; trial < 500; trial++) {
      double[][] value = new double[1 + random.nextInt(6)][1 + random.nextInt(6)];
      for (double[] row : value) {
        for (int j = 0; j < row.length; j++) {
          row[j] = random.nextInt(4) == 0 ? 0 : random.nextInt(20);
        }
      }
      int[] result = Assignment.solve(value);
      double sum = 0;
      Set<Integer> columns = new HashSet<>();
      for (int i = 0; i < result.length; i++) {
        if (result[i] >= 0) {
          assertTrue(columns.add(result[i]), "a column twice");
          assertTrue(value[i][result[i]] > 0);
          sum += value[i][result[i]];
        }
      }
      assertEquals(best(value, 0, 0), sum, 1e-9);
    }
  }

  private static double best(double[][] value, int row, int taken) {
    if (row == value.length) {
      return 0;
    }
    double best = best(value, row + 1, taken);
    for (int j = 0; j < value[row].length; j++) {
      if ((taken & 1 << j) == 0) {
        best = Math.max(best, value[row][j] + best(value, row + 1, taken | 1 << j));
      }
    }
    return best;
  }
}
