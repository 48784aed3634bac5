package dev.tenon.verify;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tenon.convert.ConversionRecord;
import dev.tenon.custom.Resolution;
import dev.tenon.frontend.Frontends;
import dev.tenon.frontend.ModelSource;
import dev.tenon.frontend.ReadOptions;
import dev.tenon.frontend.SourceFormat;
import dev.tenon.frontend.exported.SampleInputs;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Model;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.tf.custom.OperatorLibrary;
import dev.tenon.verify.VerifyReport.Runtime;
import dev.tenon.verify.VerifyReport.Trial;
import dev.tenon.verify.reference.ReferenceFailure;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.tensorflow.exceptions.TensorFlowException;

/** Runs a source in its {@linkplain References reference} and its SavedModel in TensorFlow on the same inputs, and compares. */
public final class Verifier implements AutoCloseable {
  private final VerifyOptions options;
  private final ModelSource source;
  private final Path savedModel;
  private final Consumer<String> log;
  private final Model model;
  private final ConversionRecord record;
  private final TensorFlowModel tensorFlow;
  private final Map<String, Value> inputs;

  /**
   * Loads both.
   *
   * @param savedModel a folder that {@code tenon convert} wrote
   * @param log is told in a line what takes long
   * @throws BadInputException if one of them cannot be loaded, or the SavedModel was not made of this source
   */
  public Verifier(ModelSource source, Path savedModel, VerifyOptions options, Consumer<String> log) {
    this.options = options;
    this.source = source;
    this.savedModel = savedModel;
    this.log = log;
    this.record = ConversionRecord.read(savedModel);
    this.model = Frontends.read(source, readOptions(source, record).withCustomTypes(Resolution.typer(options.custom().ops())),
        new Diagnostics());
    this.inputs = inputs(model);
    List<String> recorded = record.inputs().stream().map(ConversionRecord.Port::onnx).toList();
    if (!recorded.containsAll(inputs.keySet())) {
      throw BadInputException.of(savedModel, "inputs", recorded.toString(), inputs.keySet() + " as " + source.spec() + " has");
    }
    loadLibraries();
    this.tensorFlow = TensorFlowModel.load(savedModel, options.threads());
  }

  /** Loads the libraries that the SavedModel needs. */
  private void loadLibraries() {
    List<OperatorLibrary> loaded = OperatorLibrary.loadAll(options.custom().libraries());
    for (ConversionRecord.Library needed : record.libraries()) {
      Set<String> missing = new TreeSet<>(needed.operators());
      loaded.forEach(l -> missing.removeAll(l.operatorNames()));
      if (!missing.isEmpty()) {
        throw BadInputException.of(savedModel, "libraries", "that it needs the operators " + String.join(", ", missing) + " of "
            + needed.file()
            + (loaded.isEmpty() ? "" : ", which are in none of the libraries given"), "that library (SHA-256 " + needed.sha256()
            + ") with --op-library");
      }
      if (loaded.stream().noneMatch(l -> l.sha256().equals(needed.sha256()))) {
        log.accept("warning: " + savedModel + " was converted with another build of " + needed.file() + " (SHA-256 " + needed.sha256()
            + ")");
      }
    }
  }

  /** TorchScript is read with the shapes it was converted with; other formats have shapes of their own. */
  private static ReadOptions readOptions(ModelSource source, ConversionRecord record) {
    if (SourceFormat.of(source) != SourceFormat.TORCHSCRIPT) {
      return ReadOptions.defaults();
    }
    Map<String, Shape> shapes = new LinkedHashMap<>();
    record.options().path("inputs").properties().forEach(f -> {
      List<Dim> dims = new ArrayList<>();
      for (JsonNode d : f.getValue()) {
        dims.add(Dim.parse(d.asText()));
      }
      shapes.put(f.getKey(), Shape.of(dims));
    });
    return new ReadOptions(shapes);
  }

  static Map<String, Value> inputs(Model model) {
    Map<String, Value> inputs = new LinkedHashMap<>();
    for (Value v : model.graph().inputs()) {
      if (!v.isInitializer()) {
        inputs.put(v.name(), v);
      }
    }
    return inputs;
  }

  /** The inputs that a source carries; empty if its format has none. */
  static Map<String, Tensor> recordedInputs(ModelSource source, Model model) {
    return SourceFormat.of(source) == SourceFormat.EXPORTED_PROGRAM ? SampleInputs.of(source, model) : Map.of();
  }

  /** True if the SavedModel was converted from this very file. */
  public boolean sameSource() {
    return record.source().sha256().equals(source.sha256());
  }

  /** Runs all sizes, and the layers if asked for. */
  public VerifyReport run() {
    References references;
    try {
      references = References.open(source, model, options, log);
    } catch (ReferenceFailure e) {
      return notVerified(new Runtime("none", "", e.getMessage()), e.getMessage());
    }
    try (references) {
      String odd = inputs.values().stream().filter(v -> !(v.type() instanceof Type.TensorType)).map(Value::name).findFirst().orElse("");
      if (!odd.isEmpty()) {
        return notVerified(references.runtime(), "input " + odd + " is no tensor");
      }
      Trials trials = new Trials(options, inputs, plan()).withRecorded(recordedInputs(source, model));
      List<String> outputs = record.outputs().stream().map(ConversionRecord.Port::onnx).toList();
      List<Trial> ran = trials.run(references, new SavedModel(), outputs);
      LayerReport layers = null;
      if (options.layers() && trials.tellingInputs() != null) {
        layers = new LayerComparison(model, savedModel, record, options).run(trials.tellingInputs());
      }
      Runtime runtime = references.runtime();
      boolean none = ran.stream().noneMatch(t -> t.skipped().isEmpty());
      String note = none ? "no size found that " + runtime.name() + " accepts; give one with --sizes" : "";
      return new VerifyReport(options.tolerance(), runtime, SavedModel.NAME, ran, layers, note);
    }
  }

  private VerifyReport notVerified(Runtime runtime, String why) {
    return new VerifyReport(options.tolerance(), runtime, SavedModel.NAME, List.of(), null, "not verified: " + why);
  }

  private SizePlan plan() {
    List<SizePlan.Input> list = new ArrayList<>();
    Map<String, long[]> signature = tensorFlow.inputShapes();
    // A dimension that the conversion fixed is fixed in all inputs that share its symbol.
    Map<String, Dim> fixed = new LinkedHashMap<>();
    inputs.forEach((name, v) -> {
      ConversionRecord.Port port = record.inputs().stream().filter(p -> p.onnx().equals(name)).findFirst().orElseThrow();
      long[] dims = signature.get(port.tensorFlow());
      for (int i = 0; dims != null && i < Math.min(dims.length, v.rank()); i++) {
        Dim dim = v.shape().dim(port.perm().isEmpty() ? i : port.perm().get(i));
        if (dims[i] >= 0 && dim.isSymbol()) {
          fixed.put(dim.toString(), Dim.of(dims[i]));
        }
      }
    });
    inputs.forEach((name, v) -> {
      Shape shape = v.shape().hasRank() ? Shape.of(v.shape().dims().stream().map(d -> d.substitute(fixed::get)).toList()) : v.shape();
      list.add(new SizePlan.Input(name, v.dtype(), shape));
    });
    return new SizePlan(list);
  }

  /** The SavedModel, by the source's names. */
  private final class SavedModel implements Subject {
    private static final String NAME = "TensorFlow";

    @Override
    public String name() {
      return NAME;
    }

    @Override
    public Map<String, Tensor> run(Map<String, Tensor> values) {
      Map<String, Tensor> renamed = new LinkedHashMap<>();
      for (ConversionRecord.Port port : record.inputs()) {
        if (values.containsKey(port.onnx())) {
          renamed.put(port.tensorFlow(), port.toTensorFlow(values.get(port.onnx())));
        }
      }
      Map<String, Tensor> results;
      try {
        results = tensorFlow.run(renamed);
      } catch (TensorFlowException | IllegalArgumentException e) {
        throw new SubjectFailure(e);
      }
      Map<String, Tensor> outputs = new LinkedHashMap<>();
      for (ConversionRecord.Port port : record.outputs()) {
        if (results.containsKey(port.tensorFlow())) {
          outputs.put(port.onnx(), port.fromTensorFlow(results.get(port.tensorFlow())));
        }
      }
      return outputs;
    }
  }

  @Override
  public void close() {
    tensorFlow.close();
  }
}
