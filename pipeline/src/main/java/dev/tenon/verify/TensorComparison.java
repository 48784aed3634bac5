package dev.tenon.verify;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import java.util.Arrays;
import java.util.List;

/**
 * How far a tensor is from its reference.
 *
 * @param problem why the two cannot be compared as numbers (another type or shape, NaN in other places); empty if they can
 * @param maxAbsolute greatest difference of two elements
 * @param scaled {@code maxAbsolute / max(1e-3, max|reference|)}: relative to the tensor's magnitude, and absolute where that is small
 * @param cosine one minus the cosine of the angle between the two as vectors; blind to scale, sensitive to direction
 */
public record TensorComparison(String problem, double maxAbsolute, double scaled, double cosine) {
  /** Below this magnitude of the reference an error counts as absolute. */
  private static final double SMALLEST_SCALE = 1e-3;

  /** A failure that has no figures. */
  public static TensorComparison failed(String problem) {
    return new TensorComparison(problem, Double.NaN, Double.NaN, Double.NaN);
  }

  /** True if the two can be compared and differ by at most this much, scaled. */
  public boolean within(double tolerance) {
    return problem.isEmpty() && scaled <= tolerance;
  }

  /**
   * The tolerance that an element type allows: the given one, but not less than about ten roundings of a half-precision type,
   * which two correct implementations differ by as soon as they add in another order.
   */
  public static double toleranceOf(DataType dtype, double tolerance) {
    return switch (dtype) {
      case FLOAT16 -> Math.max(tolerance, 5e-3);
      case BFLOAT16 -> Math.max(tolerance, 4e-2);
      default -> tolerance;
    };
  }

  /** Compares all elements. Integers, booleans and strings must be equal; NaN and the infinities must be in the same places. */
  public static TensorComparison of(Tensor reference, Tensor actual) {
    if (reference.dtype() != actual.dtype()) {
      return failed("has type " + actual.dtype() + ", expected " + reference.dtype());
    }
    if (!Arrays.equals(reference.dims(), actual.dims())) {
      return failed("has shape " + Arrays.toString(actual.dims()) + ", expected " + Arrays.toString(reference.dims()));
    }
    if (reference.dtype() == DataType.STRING) {
      return strings(reference.toStrings(), actual.toStrings());
    }
    boolean exact = !reference.dtype().isFloat();
    return compare(reference.toDoubles(), actual.toDoubles(), exact);
  }

  private static TensorComparison strings(List<String> reference, List<String> actual) {
    for (int i = 0; i < reference.size(); i++) {
      if (!reference.get(i).equals(actual.get(i))) {
        return failed("element " + i + " is '" + actual.get(i) + "', expected '" + reference.get(i) + "'");
      }
    }
    return new TensorComparison("", 0, 0, 0);
  }

  private static TensorComparison compare(double[] reference, double[] actual, boolean exact) {
    double max = 0;
    double scale = 0;
    double dot = 0;
    double normR = 0;
    double normA = 0;
    long different = 0;
    for (int i = 0; i < reference.length; i++) {
      double r = reference[i];
      double a = actual[i];
      if (!Double.isFinite(r) || !Double.isFinite(a)) {
        if (Double.compare(r, a) != 0) {
          return failed("element " + i + " of " + reference.length + " is " + a + ", expected " + r);
        }
        continue;
      }
      double d = Math.abs(r - a);
      different += d > 0 ? 1 : 0;
      max = Math.max(max, d);
      scale = Math.max(scale, Math.abs(r));
      dot += r * a;
      normR += r * r;
      normA += a * a;
    }
    double scaled = max / Math.max(SMALLEST_SCALE, scale);
    double cosine = normR == 0 && normA == 0 ? 0 : normR == 0 || normA == 0 ? 1
        : Math.max(0, 1 - dot / (Math.sqrt(normR) * Math.sqrt(normA)));
    String problem = exact && different > 0 ? different + " of " + reference.length + " elements differ" : "";
    return new TensorComparison(problem, max, scaled, cosine);
  }
}
