package dev.tenon.verify;

import dev.tenon.convert.ConversionRecord;
import dev.tenon.frontend.Frontends;
import dev.tenon.frontend.ModelSource;
import dev.tenon.frontend.ReadOptions;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Model;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.ort.OrtFailure;
import dev.tenon.ir.ort.OrtModel;
import dev.tenon.verify.VerifyReport.OutputResult;
import dev.tenon.verify.VerifyReport.Trial;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.tensorflow.exceptions.TensorFlowException;

/**
 * Runs a source in ONNX Runtime and its SavedModel in TensorFlow on the same inputs, and compares.
 *
 * <p>Sizes that the model leaves open are chosen (see {@link SizePlan}); one that ONNX Runtime itself refuses is skipped and
 * reported as skipped.
 */
public final class Verifier implements AutoCloseable {
  /** How many sizes are run: of models whose shapes are dynamic, of those where only the batch is. */
  private static final int SIZES = 3;
  /** How many candidates are tried before giving up on finding so many. */
  private static final int MAX_ATTEMPTS = 18;
  /** Latency is the median of at most so many runs, in about so much time. */
  private static final int MAX_RUNS = 9;
  private static final long RUN_NANOS = 300_000_000L;

  private final VerifyOptions options;
  private final ModelSource source;
  private final Path savedModel;
  private final Model model;
  private final ConversionRecord record;
  private final TensorFlowModel tensorFlow;
  private final Map<String, Value> inputs = new LinkedHashMap<>();
  private OrtModel onnxRuntime;

  /**
   * Loads both.
   *
   * @param savedModel a folder that {@code tenon convert} wrote
   * @throws BadInputException if one of them cannot be loaded, or the SavedModel was not made of this source
   */
  public Verifier(ModelSource source, Path savedModel, VerifyOptions options) {
    this.options = options;
    this.source = source;
    this.savedModel = savedModel;
    this.record = ConversionRecord.read(savedModel);
    this.model = Frontends.read(source, ReadOptions.defaults(), new Diagnostics());
    for (Value v : model.graph().inputs()) {
      if (!v.isInitializer()) {
        inputs.put(v.name(), v);
      }
    }
    List<String> recorded = record.inputs().stream().map(ConversionRecord.Port::onnx).toList();
    if (!recorded.containsAll(inputs.keySet())) {
      throw BadInputException.of(savedModel, "inputs", recorded.toString(), inputs.keySet() + " as " + source.spec() + " has");
    }
    this.tensorFlow = TensorFlowModel.load(savedModel, options.threads());
  }

  /** True if the SavedModel was converted from this very file. */
  public boolean sameSource() {
    return record.source().sha256().equals(source.sha256());
  }

  /** Runs all sizes, and the layers if asked for. */
  public VerifyReport run() {
    try {
      onnxRuntime = OrtModel.open(source.file(), OrtModel.Options.defaults().withThreads(options.threads()));
    } catch (OrtFailure e) {
      return new VerifyReport(options.tolerance(), List.of(), null, "not verified: " + TensorFlowModel.firstLine(e));
    }
    String odd = inputs.values().stream().filter(v -> !(v.type() instanceof Type.TensorType)).map(Value::name).findFirst().orElse("");
    if (!odd.isEmpty()) {
      return new VerifyReport(options.tolerance(), List.of(), null, "not verified: input " + odd + " is no tensor");
    }
    SizePlan plan = plan();
    List<Map<String, long[]>> candidates = options.sizes().isEmpty() ? plan.candidates() : completed(plan);
    int wanted = options.sizes().isEmpty() ? plan.isStatic() ? 1 : SIZES : candidates.size();
    List<Trial> trials = new ArrayList<>();
    Map<String, Tensor> firstInputs = null;
    int ran = 0;
    for (int i = 0; i < candidates.size() && i < MAX_ATTEMPTS && ran < wanted; i++) {
      Map<String, Tensor> values = generate(candidates.get(i), i);
      Trial trial = trial(candidates.get(i), values);
      if (trial.skipped().isEmpty()) {
        ran++;
        firstInputs = firstInputs == null || !trial.ok() ? values : firstInputs;
      }
      trials.add(trial);
    }
    LayerReport layers = null;
    if (options.layers() && firstInputs != null) {
      layers = new LayerComparison(model, savedModel, record, options).run(firstInputs);
    }
    return new VerifyReport(options.tolerance(), trials, layers, ran == 0 ? "no size found that ONNX Runtime accepts; give one with --sizes" : "");
  }

  // ---- sizes ----

  private SizePlan plan() {
    List<SizePlan.Input> list = new ArrayList<>();
    Map<String, long[]> signature = tensorFlow.inputShapes();
    // A dimension that the conversion fixed is fixed in all inputs that share its symbol.
    Map<String, Dim> fixed = new LinkedHashMap<>();
    inputs.forEach((name, v) -> {
      long[] dims = signature.get(tensorFlowName(name));
      for (int i = 0; dims != null && i < Math.min(dims.length, v.rank()); i++) {
        if (dims[i] >= 0 && v.shape().dim(i).isSymbol()) {
          fixed.put(v.shape().dim(i).toString(), Dim.of(dims[i]));
        }
      }
    });
    inputs.forEach((name, v) -> {
      Shape shape = v.shape().hasRank() ? Shape.of(v.shape().dims().stream().map(d -> d.substitute(fixed::get)).toList()) : v.shape();
      list.add(new SizePlan.Input(name, v.dtype(), shape));
    });
    return new SizePlan(list);
  }

  /** The sizes the user gave, with those of inputs that are static added. */
  private List<Map<String, long[]>> completed(SizePlan plan) {
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

  private Trial trial(Map<String, long[]> sizes, Map<String, Tensor> values) {
    Map<String, Tensor> reference;
    try {
      reference = onnxRuntime.run(values);
    } catch (OrtFailure e) {
      return Trial.skipped(sizes, shortened(TensorFlowModel.firstLine(e)));
    }
    Map<String, Tensor> renamed = new LinkedHashMap<>();
    values.forEach((name, t) -> renamed.put(tensorFlowName(name), t));
    Map<String, Tensor> actual;
    try {
      actual = tensorFlow.run(renamed);
    } catch (TensorFlowException | IllegalArgumentException e) {
      TensorComparison failed = TensorComparison.failed("TensorFlow cannot run it: " + TensorFlowModel.firstLine(e));
      List<OutputResult> all = reference.keySet().stream().map(n -> new OutputResult(n, failed, options.tolerance(), Double.NaN)).toList();
      return new Trial(sizes, "", all, Double.NaN, Double.NaN);
    }
    List<OutputResult> outputs = compare(values, reference, actual);
    return new Trial(sizes, "", outputs, median(() -> onnxRuntime.run(values)), median(() -> tensorFlow.run(renamed)));
  }

  private List<OutputResult> compare(Map<String, Tensor> values, Map<String, Tensor> reference, Map<String, Tensor> actual) {
    List<OutputResult> outputs = new ArrayList<>();
    Map<String, Tensor> plain = null;
    for (ConversionRecord.Port port : record.outputs()) {
      Tensor r = reference.get(port.onnx());
      Tensor a = actual.get(port.tensorFlow());
      if (r == null || a == null) {
        outputs.add(new OutputResult(port.onnx(), TensorComparison.failed(r == null ? "ONNX Runtime gives none" : "the SavedModel has none"),
            options.tolerance(), Double.NaN));
        continue;
      }
      double tolerance = TensorComparison.toleranceOf(r.dtype(), options.tolerance());
      TensorComparison error = TensorComparison.of(r, a);
      double unoptimized = Double.NaN;
      if (!error.within(tolerance)) {
        // ONNX Runtime's optimizations change numbers too; perhaps it is they that differ.
        plain = plain == null ? unoptimized(values) : plain;
        unoptimized = plain.containsKey(port.onnx()) ? TensorComparison.of(plain.get(port.onnx()), a).scaled() : Double.NaN;
      }
      outputs.add(new OutputResult(port.onnx(), error, tolerance, unoptimized));
    }
    return outputs;
  }

  private Map<String, Tensor> unoptimized(Map<String, Tensor> values) {
    try (OrtModel plain = OrtModel.open(source.file(), OrtModel.Options.reference())) {
      return plain.run(values);
    } catch (OrtFailure e) {
      return Map.of();
    }
  }

  private String tensorFlowName(String onnx) {
    return record.inputs().stream().filter(p -> p.onnx().equals(onnx)).map(ConversionRecord.Port::tensorFlow).findFirst().orElse(onnx);
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
    String plain = text.replaceFirst("^ONNX Runtime cannot run the model on .*?: (Error code - )?", "");
    return plain.length() <= 160 ? plain : plain.substring(0, 157) + "...";
  }

  @Override
  public void close() {
    tensorFlow.close();
    if (onnxRuntime != null) {
      onnxRuntime.close();
    }
  }
}
