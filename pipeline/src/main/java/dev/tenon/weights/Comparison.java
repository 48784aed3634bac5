package dev.tenon.weights;

import dev.tenon.ir.Tensor;

/** How far two tensors are apart. */
final class Comparison {
  private static final double SMALLEST_SCALE = 1e-3;

  private Comparison() {}

  /** The largest difference of two elements, over the largest magnitude of {@code b}; infinite if one is not a number and the other is. */
  static double scaledError(Tensor a, Tensor b) {
    if (a.bytes().equals(b.bytes())) {
      return 0;
    }
    double[] x = a.toDoubles();
    double[] y = b.toDoubles();
    double difference = 0;
    double scale = SMALLEST_SCALE;
    for (int i = 0; i < x.length; i++) {
      double d = Double.compare(x[i], y[i]) == 0 ? 0 : Math.abs(x[i] - y[i]);
      difference = Math.max(difference, Double.isNaN(d) ? Double.POSITIVE_INFINITY : d);
      scale = Math.max(scale, Double.isFinite(y[i]) ? Math.abs(y[i]) : 0);
    }
    return difference / scale;
  }
}
