package dev.tenon.weights.match;

import java.util.Arrays;

/**
 * The assignment problem: a matching of rows and columns with the greatest total value, by the Hungarian method in the form that
 * augments along shortest paths (Jonker and Volgenant, "A Shortest Augmenting Path Algorithm for Dense and Sparse Linear
 * Assignment Problems", Computing 38, 1987), O(n³). Written out here because it is forty lines: a graph library would be
 * a dependency of megabytes, and wants an object for every pair.
 */
final class Assignment {
  private Assignment() {}

  /**
   * Solves.
   *
   * @param value of each pair; 0 or less for pairs that are not to be
   * @return row to column, or -1 where a row stays alone
   */
  static int[] solve(double[][] value) {
    int rows = value.length;
    int columns = rows == 0 ? 0 : value[0].length;
    int n = Math.max(rows, columns);
    double[] rowPotential = new double[n + 1];
    double[] columnPotential = new double[n + 1];
    int[] rowOf = new int[n + 1];
    int[] previous = new int[n + 1];
    for (int row = 1; row <= n; row++) {
      rowOf[0] = row;
      int column = 0;
      double[] slack = new double[n + 1];
      Arrays.fill(slack, Double.POSITIVE_INFINITY);
      boolean[] done = new boolean[n + 1];
      do {
        done[column] = true;
        int next = 0;
        double step = Double.POSITIVE_INFINITY;
        for (int j = 1; j <= n; j++) {
          if (!done[j]) {
            double reduced = cost(value, rowOf[column] - 1, j - 1) - rowPotential[rowOf[column]] - columnPotential[j];
            if (reduced < slack[j]) {
              slack[j] = reduced;
              previous[j] = column;
            }
            if (slack[j] < step) {
              step = slack[j];
              next = j;
            }
          }
        }
        for (int j = 0; j <= n; j++) {
          if (done[j]) {
            rowPotential[rowOf[j]] += step;
            columnPotential[j] -= step;
          } else {
            slack[j] -= step;
          }
        }
        column = next;
      } while (rowOf[column] != 0);
      while (column != 0) {
        rowOf[column] = rowOf[previous[column]];
        column = previous[column];
      }
    }
    int[] result = new int[rows];
    Arrays.fill(result, -1);
    for (int j = 1; j <= columns; j++) {
      int row = rowOf[j] - 1;
      if (row < rows && value[row][j - 1] > 0) {
        result[row] = j - 1;
      }
    }
    return result;
  }

  private static double cost(double[][] value, int row, int column) {
    return row < value.length && column < value[row].length ? -Math.max(value[row][column], 0) : 0;
  }
}
