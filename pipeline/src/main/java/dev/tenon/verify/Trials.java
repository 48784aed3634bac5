package dev.tenon.verify;

import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.verify.Subject.SubjectFailure;
import dev.tenon.verify.VerifyReport.OutputResult;
import dev.tenon.verify.VerifyReport.Trial;
import dev.tenon.verify.reference.ReferenceFailure;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Runs a source and what was made of it on the same inputs, at several sizes, and compares.
 *
 * <p>Sizes that the model leaves open are chosen (see {@link SizePlan}); one that the reference itself refuses is skipped and
 * reported as skipped.
 */
final class Trials {
  /** How many sizes are run of a model whose shapes are dynamic. */
  private static final int SIZES = 3;
  /** How many candidates are tried before giving up on finding so many. */
  private static final int MAX_ATTEMPTS = 18;
  /** Latency is the median of at most so many runs, in about so much time. */
  private static final int MAX_RUNS = 9;
  private static final long RUN_NANOS = 300_000_000L;
  private static final int MAX_REASON = 160;

  private final VerifyOptions options;
  private final Map<String, Value> inputs;
  private final SizePlan plan;
  private Map<String, Tensor> recorded = Map.of();
  private Map<String, Tensor> telling;

  /**
   * Trials of a model.
   *
   * @param inputs by name: what they mean decides the data
   */
  Trials(VerifyOptions options, Map<String, Value> inputs, SizePlan plan) {
    this.options = options;
    this.inputs = inputs;
    this.plan = plan;
  }

  /** Adds inputs that the source itself carries: tried first, unless the user says which sizes to try. */
  Trials withRecorded(Map<String, Tensor> inputsOfSource) {
    recorded = inputsOfSource;
    return this;
  }

  /**
   * Runs all sizes.
   *
   * @param outputs names of the source's outputs, in order
   */
  List<Trial> run(References references, Subject subject, List<String> outputs) {
    List<Map<String, long[]>> candidates = options.sizes().isEmpty() ? plan.candidates() : completed();
    int wanted = options.sizes().isEmpty() ? plan.isStatic() ? 1 : SIZES : candidates.size();
    List<Trial> trials = new ArrayList<>();
    if (options.sizes().isEmpty() && !recorded.isEmpty() && plan.allows(dims(recorded))) {
      Trial trial = trial(dims(recorded), recorded, references, subject, outputs).withRecordedInputs();
      telling = trial.skipped().isEmpty() ? recorded : null;
      trials.add(trial);
    }
    int ran = 0;
    for (int i = 0; i < candidates.size() && i < MAX_ATTEMPTS && ran < wanted; i++) {
      Map<String, Tensor> values = generate(candidates.get(i), i);
      Trial trial = trial(candidates.get(i), values, references, subject, outputs);
      if (trial.skipped().isEmpty()) {
        ran++;
        telling = telling == null || !trial.ok() ? values : telling;
      }
      trials.add(trial);
    }
    return trials;
  }

  /** The inputs of the last size that failed, or else of the first; null if none was run. */
  Map<String, Tensor> tellingInputs() {
    return telling;
  }

  // ---- sizes ----

  private static Map<String, long[]> dims(Map<String, Tensor> values) {
    Map<String, long[]> dims = new LinkedHashMap<>();
    values.forEach((name, t) -> dims.put(name, t.dims()));
    return dims;
  }

  /** The sizes the user gave, with those of inputs that are static added. */
  private List<Map<String, long[]>> completed() {
    List<Map<String, long[]>> all = new ArrayList<>();
    for (Map<String, long[]> given : options.sizes()) {
      for (String name : given.keySet()) {
        if (!inputs.containsKey(name)) {
          throw BadInputException.of("--sizes", "", "input " + name, "one of " + inputs.keySet());
        }
      }
      Map<String, long[]> sizes = new LinkedHashMap<>(plan.candidates().get(0));
      sizes.putAll(given);
      all.add(sizes);
    }
    return all;
  }

  private Map<String, Tensor> generate(Map<String, long[]> sizes, int trial) {
    InputGenerator generator = new InputGenerator(options.seed() + trial, options.low(), options.high());
    Map<String, Tensor> values = new LinkedHashMap<>();
    sizes.forEach((name, dims) ->
        values.put(name, generator.generate(InputKind.of(inputs.get(name)), inputs.get(name).dtype(), dims)));
    return values;
  }

  // ---- one size ----

  private Trial trial(Map<String, long[]> sizes, Map<String, Tensor> values, References references, Subject subject,
      List<String> names) {
    Map<String, Tensor> reference;
    try {
      reference = references.run(values);
    } catch (ReferenceFailure e) {
      return Trial.skipped(sizes, shortened(e.getMessage()));
    }
    Map<String, Tensor> lowered = references.runLowering(values);
    Map<String, Tensor> actual;
    try {
      actual = subject.run(values);
    } catch (SubjectFailure e) {
      TensorComparison failed = TensorComparison.failed(subject.name() + " cannot run it: " + e.getMessage());
      return new Trial(sizes, "", names.stream().map(n -> new OutputResult(n, failed, options.tolerance(), Double.NaN,
          lowering(n, reference, lowered))).toList(), Double.NaN, Double.NaN);
    }
    List<OutputResult> results = new ArrayList<>();
    for (String name : names) {
      results.add(compare(name, reference, lowered, actual, () -> references.runUnoptimized(values), references.current().name()));
    }
    return new Trial(sizes, "", results, median(() -> references.run(values)), median(() -> subject.run(values)));
  }

  private OutputResult compare(String name, Map<String, Tensor> reference, Map<String, Tensor> lowered, Map<String, Tensor> actual,
      Supplier<Map<String, Tensor>> unoptimized, String referenceName) {
    Tensor r = reference.get(name);
    Tensor a = actual.get(name);
    TensorComparison lowering = lowering(name, reference, lowered);
    if (r == null || a == null) {
      return new OutputResult(name, TensorComparison.failed(r == null ? referenceName + " gives none" : "there is none"),
          options.tolerance(), Double.NaN, lowering);
    }
    double tolerance = TensorComparison.toleranceOf(r.dtype(), options.tolerance());
    TensorComparison error = TensorComparison.of(r, a);
    double plain = Double.NaN;
    if (!error.within(tolerance)) {
      // ONNX Runtime's optimizations change numbers too; perhaps it is they that differ.
      Tensor u = unoptimized.get().get(name);
      plain = u == null ? Double.NaN : TensorComparison.of(u, a).scaled();
    }
    return new OutputResult(name, error, tolerance, plain, lowering);
  }

  /** Null where the lowering is the reference itself. */
  private static TensorComparison lowering(String name, Map<String, Tensor> reference, Map<String, Tensor> lowered) {
    if (lowered == null || !reference.containsKey(name)) {
      return null;
    }
    return lowered.containsKey(name) ? TensorComparison.of(reference.get(name), lowered.get(name))
        : TensorComparison.failed("ONNX Runtime cannot run the exported model");
  }

  /** Milliseconds of a run; the first, cold, is not counted. */
  private double median(Supplier<?> run) {
    if (!options.latency()) {
      return Double.NaN;
    }
    long began = System.nanoTime();
    run.get();
    double[] times = new double[MAX_RUNS];
    int n = 0;
    do {
      long start = System.nanoTime();
      run.get();
      times[n++] = (System.nanoTime() - start) / 1e6;
    } while (n < MAX_RUNS && System.nanoTime() - began < RUN_NANOS);
    double[] sorted = Arrays.copyOf(times, n);
    Arrays.sort(sorted);
    return sorted[n / 2];
  }

  private static String shortened(String text) {
    return text.length() <= MAX_REASON ? text : text.substring(0, MAX_REASON - 3) + "...";
  }
}
