package dev.tenon.ir.testing;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Model;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.ort.OrtModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Compares what two models compute: both run in ONNX Runtime, on one thread and without optimization, on the same random inputs
 * at several sizes.
 *
 * <p>The error of an output is its largest absolute difference, divided by the largest magnitude of the expected output (at
 * least 1e-3, so that an output of zeros does not make everything infinite). Scaling by the whole output and not by each
 * element is what float32 sums deserve: an element near zero is the difference of large ones. Integer, bool and string outputs
 * must be equal; NaN and infinities must be in the same places.
 */
public final class Equivalence {
  /** Float32 rounding through a deep network whose sums are done in another order: some 1e-6, with a margin for depth. */
  public static final double DEFAULT_TOLERANCE = 1e-5;
  private static final double LEAST_SCALE = 1e-3;

  private Equivalence() {}

  /** Compares at each of the given sizes of the symbols of the inputs, with seeds 1, 2, …. */
  @SafeVarargs
  public static void assertSameOutputs(Model before, Model after, Map<String, Long>... sizes) {
    List<RandomInputs> inputs = new ArrayList<>();
    for (Map<String, Long> s : sizes) {
      inputs.add(RandomInputs.seeded(inputs.size() + 1).sizes(s));
    }
    if (inputs.isEmpty()) {
      inputs.add(RandomInputs.seeded(1));
    }
    assertSameOutputs(before, after, DEFAULT_TOLERANCE, inputs);
  }

  /** Compares on each of the inputs; fails with the names and errors of all outputs that differ. */
  public static void assertSameOutputs(Model before, Model after, double tolerance, List<RandomInputs> inputs) {
    try (OrtModel a = OrtModel.open(before, OrtModel.Options.reference()); OrtModel b = OrtModel.open(after, OrtModel.Options.reference())) {
      for (RandomInputs in : inputs) {
        Map<String, Tensor> feeds = in.forModel(before);
        assertSame(a.run(feeds), b.run(feeds), tolerance, "on " + feeds);
      }
    }
  }

  /**
   * Runs a model, changes it in place, and runs it again on the same inputs.
   *
   * @param change a pass, say
   */
  public static void assertUnchangedBy(Consumer<Model> change, Model model, double tolerance, List<RandomInputs> inputs) {
    List<Map<String, Tensor>> feeds = inputs.stream().map(i -> i.forModel(model)).toList();
    List<Map<String, Tensor>> expected = runAll(model, feeds);
    change.accept(model);
    List<Map<String, Tensor>> found = runAll(model, feeds);
    for (int i = 0; i < feeds.size(); i++) {
      assertSame(expected.get(i), found.get(i), tolerance, "on " + feeds.get(i));
    }
  }

  private static List<Map<String, Tensor>> runAll(Model model, List<Map<String, Tensor>> feeds) {
    try (OrtModel m = OrtModel.open(model, OrtModel.Options.reference())) {
      return feeds.stream().map(m::run).toList();
    }
  }

  /** Compares outputs by name and fails with one message for all that differ. */
  public static void assertSame(Map<String, Tensor> expected, Map<String, Tensor> found, double tolerance, String where) {
    if (!new ArrayList<>(expected.keySet()).equals(new ArrayList<>(found.keySet()))) {
      throw new AssertionError("outputs " + found.keySet() + ", expected " + expected.keySet() + " " + where);
    }
    List<String> problems = new ArrayList<>();
    expected.forEach((name, e) -> {
      String problem = difference(e, found.get(name), tolerance);
      if (!problem.isEmpty()) {
        problems.add("output " + name + ": " + problem);
      }
    });
    if (!problems.isEmpty()) {
      throw new AssertionError(String.join("\n", problems) + "\n" + where);
    }
  }

  /** What is different, in words; empty if the tensors agree. */
  public static String difference(Tensor expected, Tensor found, double tolerance) {
    if (expected.dtype() != found.dtype() || !Arrays.equals(expected.dims(), found.dims())) {
      return "found " + found + ", expected " + expected;
    }
    if (expected.dtype() == DataType.STRING) {
      return expected.toStrings().equals(found.toStrings()) ? "" : "found " + found.toStrings() + ", expected " + expected.toStrings();
    }
    if (!expected.dtype().isFloat()) {
      return expected.contentEquals(found) ? "" : "integers differ: " + firstDifference(expected.toDoubles(), found.toDoubles());
    }
    double[] e = expected.toDoubles();
    double[] f = found.toDoubles();
    double scale = LEAST_SCALE;
    double worst = 0;
    int at = 0;
    for (int i = 0; i < e.length; i++) {
      if (!Double.isFinite(e[i]) || !Double.isFinite(f[i])) {
        if (Double.compare(e[i], f[i]) != 0) {
          return "found " + f[i] + " at " + i + ", expected " + e[i];
        }
        continue;
      }
      scale = Math.max(scale, Math.abs(e[i]));
      if (Math.abs(e[i] - f[i]) > worst) {
        worst = Math.abs(e[i] - f[i]);
        at = i;
      }
    }
    return worst <= tolerance * scale ? "" : String.format(Locale.ROOT,
        "max abs error %.3g, scaled %.3g (tolerance %.3g) at %d: found %.9g, expected %.9g", worst, worst / scale, tolerance, at, f[at], e[at]);
  }

  private static String firstDifference(double[] e, double[] f) {
    for (int i = 0; i < e.length; i++) {
      if (e[i] != f[i]) {
        return "found " + f[i] + " at " + i + ", expected " + e[i];
      }
    }
    return "in bits beyond double";
  }
}
