package dev.tenon.tf.testing;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import java.util.Arrays;
import java.util.Random;

/** Random tensors and the comparison of results. */
public final class Tensors {
  private Tensors() {}

  /** Asymmetric random elements: normal with mean 0.3 for floats, -9…9 (0…9 unsigned) for integers. */
  public static Tensor random(Random random, DataType dtype, long... dims) {
    int n = (int) Arrays.stream(dims).reduce(1, (a, b) -> a * b);
    if (dtype == DataType.STRING) {
      String[] s = new String[n];
      for (int i = 0; i < n; i++) {
        s[i] = "s" + random.nextInt(5);
      }
      return Tensor.ofStrings(Arrays.asList(s), dims);
    }
    if (dtype.isFloat()) {
      double[] v = random.doubles(n).toArray();
      for (int i = 0; i < n; i++) {
        v[i] = random.nextGaussian() * 1.7 + 0.3;
      }
      return Tensor.of(v, dims).cast(dtype).evaluated();
    }
    int low = dtype == DataType.BOOL ? 0 : dtype.isSigned() ? -9 : 0;
    return integers(random, dtype, low, dtype == DataType.BOOL ? 1 : 9, dims);
  }

  /** Random floats in [low, high). */
  public static Tensor uniform(Random random, DataType dtype, double low, double high, long... dims) {
    int n = (int) Arrays.stream(dims).reduce(1, (a, b) -> a * b);
    double[] v = new double[n];
    for (int i = 0; i < n; i++) {
      v[i] = low + random.nextDouble() * (high - low);
    }
    return Tensor.of(v, dims).cast(dtype).evaluated();
  }

  /** Random integers from low to high, both inclusive. */
  public static Tensor integers(Random random, DataType dtype, long low, long high, long... dims) {
    int n = (int) Arrays.stream(dims).reduce(1, (a, b) -> a * b);
    long[] v = new long[n];
    for (int i = 0; i < n; i++) {
      v[i] = low + (long) (random.nextDouble() * (high - low + 1));
    }
    return Tensor.of(v, dims).cast(dtype).evaluated();
  }

  /**
   * How far a result is from the reference: null if it is within tolerance, else one line that says what differs.
   *
   * @param tolerance for floats max|a-b| / max(1e-3, max|reference|), NaN equal to NaN and infinities equal; all else is exact
   */
  public static String difference(Tensor reference, Tensor actual, double tolerance) {
    if (reference.dtype() != actual.dtype()) {
      return "type " + actual + ", expected " + reference;
    }
    if (!Arrays.equals(reference.dims(), actual.dims())) {
      return "shape " + actual + ", expected " + reference;
    }
    if (reference.dtype() == DataType.STRING) {
      return reference.contentEquals(actual) ? null : actual.toStrings() + ", expected " + reference.toStrings();
    }
    if (!reference.dtype().isFloat()) {
      return exact(reference, actual);
    }
    return scaled(reference.toDoubles(), actual.toDoubles(), tolerance);
  }

  private static String exact(Tensor reference, Tensor actual) {
    if (reference.bytes().equals(actual.bytes())) {
      return null;
    }
    double[] a = reference.toDoubles();
    double[] b = actual.toDoubles();
    int different = 0;
    int at = -1;
    for (int i = 0; i < a.length; i++) {
      if (Double.compare(a[i], b[i]) != 0) {
        different++;
        at = at < 0 ? i : at;
      }
    }
    return different + " of " + a.length + " elements differ"
        + (at < 0 ? "" : ", first element " + at + ": " + b[at] + ", expected " + a[at]) + " (" + reference + ")";
  }

  private static String scaled(double[] a, double[] b, double tolerance) {
    double scale = 1e-3;
    for (double v : a) {
      scale = Double.isFinite(v) ? Math.max(scale, Math.abs(v)) : scale;
    }
    double worst = 0;
    int at = -1;
    for (int i = 0; i < a.length; i++) {
      boolean same = Double.compare(a[i], b[i]) == 0 || a[i] == b[i];
      double error = same ? 0 : Double.isFinite(a[i]) && Double.isFinite(b[i]) ? Math.abs(a[i] - b[i]) / scale : Double.POSITIVE_INFINITY;
      if (error > worst) {
        worst = error;
        at = i;
      }
    }
    return worst <= tolerance ? null
        : String.format("scaled error %.3g > %.3g, worst at element %d of %d: %s, expected %s", worst, tolerance, at, a.length, b[at], a[at]);
  }
}
