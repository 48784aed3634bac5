package dev.tenon.convert;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.custom.Way;
import dev.tenon.frontend.ModelSource;
import dev.tenon.frontend.SourceFormat;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Model;
import dev.tenon.ir.Provenance;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostic;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.diag.UnsupportedModelException;
import dev.tenon.ir.layout.ChannelsLast;
import dev.tenon.ir.layout.ChannelsLastOps;
import dev.tenon.json.Json;
import dev.tenon.tf.Conversion;
import dev.tenon.tf.ElementTypes;
import dev.tenon.tf.Variable;
import dev.tenon.tf.custom.OperatorLibrary;
import dev.tenon.tf.export.SavedModelNames;
import dev.tenon.tf.export.SavedModelSpec;
import dev.tenon.tf.export.SavedModelWriter;
import dev.tenon.tf.export.TensorData;
import dev.tenon.tf.export.VariableSpec;
import java.io.IOException;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * Converts a model into a SavedModel on disk, whole or not at all.
 *
 * <pre>{@code
 * try (ModelSource source = ModelSource.resolve("resnet.onnx", System.err::println)) {
 *   ConversionReport report = new Converter(ConvertOptions.defaults(), Progress.NONE).convert(source, Path.of("resnet"));
 * }
 * }</pre>
 */
public final class Converter {
  /** Room for {@code saved_model.pb} and {@code tenon.json} beside the variables. */
  private static final long SPARE_BYTES = 16 << 20;

  private final ConvertOptions options;
  private final Progress progress;

  public Converter(ConvertOptions options, Progress progress) {
    this.options = options;
    this.progress = progress;
  }

  /**
   * Converts.
   *
   * @param target the folder to be made
   * @throws BadInputException if the source is malformed or the target cannot be written
   * @throws UnsupportedModelException with all reasons, if the model holds what cannot be converted
   */
  public ConversionReport convert(ModelSource source, Path target) {
    Phases phases = new Phases(progress);
    try (OutputFolder folder = OutputFolder.prepare(target, options.force())) {
      // The native library takes longest; meanwhile the model is read.
      CompletableFuture<String> tensorFlow = CompletableFuture.supplyAsync(Versions::tensorFlow);
      CompletableFuture<String> digest = CompletableFuture.supplyAsync(source::sha256);
      Compilation c = Compilation.of(source, options, phases);
      List<Diagnostic> errors = c.diagnostics().errors();
      if (!errors.isEmpty()) {
        throw new UnsupportedModelException(errors);
      }
      phases.begin("write");
      tensorFlow.join();
      ConversionRecord record = write(c, source, join(digest), folder);
      folder.keep();
      phases.stop();
      progress.end();
      return report(c, record, source, target, phases);
    } catch (IOException e) {
      throw new BadInputException(target + ": cannot write: " + e.getMessage(), e);
    }
  }

  private static String join(CompletableFuture<String> digest) {
    try {
      return digest.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException r ? r : e;
    }
  }

  /** Compiles without writing: the errors among the findings are what {@link #convert} would refuse. */
  public Diagnostics dryRun(ModelSource source) {
    Diagnostics diagnostics = Compilation.of(source, options, new Phases(progress)).diagnostics();
    progress.end();
    return diagnostics;
  }

  private ConversionRecord write(Compilation c, ModelSource source, String sha256, OutputFolder folder) throws IOException {
    Conversion conversion = c.conversion();
    long bytes = conversion.variables().stream().mapToLong(v -> v.tensor().byteSize()).sum();
    folder.requireSpace(bytes + SPARE_BYTES);
    Written written = new Written(bytes);
    List<VariableSpec> variables = new ArrayList<>();
    for (Variable v : conversion.variables()) {
      Tensor t = v.tensor();
      variables.add(new VariableSpec(v.name(), ElementTypes.toTensorFlow(t.dtype()), t.dims(), v.trainable(), written.data(t)));
    }
    SavedModelSpec spec = SavedModelSpec.of(conversion.graph(), conversion.inputs(), conversion.outputs(), variables);
    SavedModelNames names = SavedModelWriter.write(spec, folder.path());
    ConversionRecord record = record(c, source, sha256, names);
    record.write(folder.path());
    return record;
  }

  /** Counts the bytes of variables as they are written. */
  private final class Written {
    private final long whole;
    private long part;

    Written(long whole) {
      this.whole = whole;
    }

    TensorData data(Tensor t) {
      return new TensorData() {
        @Override
        public long byteSize() {
          return t.byteSize();
        }

        @Override
        public void writeTo(WritableByteChannel out) throws IOException {
          t.writeTo(out);
          part += t.byteSize();
          progress.done(part, whole);
        }
      };
    }
  }

  // ---- the record ----

  private ConversionRecord record(Compilation c, ModelSource source, String sha256, SavedModelNames names) throws IOException {
    Model model = c.model();
    // What a TorchScript archive was written with, it does not say.
    String producer = c.format() == SourceFormat.TORCHSCRIPT ? "" : (model.producerName() + " " + model.producerVersion()).trim();
    String torch = c.format() == SourceFormat.EXPORTED_PROGRAM ? model.producerVersion() : "";
    ConversionRecord.Source from = new ConversionRecord.Source(source.isFile() ? source.fileName() : source.spec(),
        c.format().label(), torch, sha256, Files.size(source.file()), producer, model.irVersion(), new TreeMap<>(onlyStandard(model)));
    List<ConversionRecord.VariableRecord> variables = new ArrayList<>();
    for (Variable v : c.conversion().variables()) {
      List<Long> shape = Arrays.stream(v.tensor().dims()).boxed().toList();
      variables.add(new ConversionRecord.VariableRecord(names.variables().get(v.name()), names.checkpointKeys().get(v.name()),
          v.tensor().dtype().label(), shape, v.trainable(), RecipeJson.toJson(v.tensor())));
    }
    Map<String, String> versions = new LinkedHashMap<>();
    versions.put("tensorflow", Versions.tensorFlow());
    versions.put("onnxruntime", Versions.onnxRuntime());
    return new ConversionRecord(Versions.tenon(), from, optionsJson(c), ports(model.graph().inputs(), names.inputs(), c.layout()),
        ports(model.graph().outputs(), names.outputs(), c.layout()), c.parameters().records(c.conversion()), null, variables,
        c.conversion().tensors(), LayoutReport.toJson(c.layout()), nodes(c.conversion()), libraries(c),
        ConversionReport.diagnostics(c.diagnostics().all().stream().map(Converter::withoutCounters).toList()), versions);
  }

  /** Opsets as the source imports them: the layout's own domain is no part of it. */
  private static Map<String, Integer> onlyStandard(Model model) {
    Map<String, Integer> opsets = new LinkedHashMap<>(model.opsetImports());
    opsets.remove(ChannelsLastOps.DOMAIN);
    return opsets;
  }

  /** The libraries whose operators the graph uses. */
  private static List<ConversionRecord.Library> libraries(Compilation c) {
    Set<String> used = new HashSet<>();
    c.conversion().graph().getNodeList().forEach(n -> used.add(n.getOp()));
    c.conversion().graph().getLibrary().getFunctionList().forEach(f -> f.getNodeDefList().forEach(n -> used.add(n.getOp())));
    List<ConversionRecord.Library> libraries = new ArrayList<>();
    for (OperatorLibrary l : c.libraries()) {
      List<String> operators = l.operatorNames().stream().filter(used::contains).toList();
      if (!operators.isEmpty()) {
        libraries.add(new ConversionRecord.Library(l.file().getFileName().toString(), l.sha256(), operators));
      }
    }
    return libraries;
  }

  private ObjectNode optionsJson(Compilation c) {
    ObjectNode o = Json.object();
    o.put("names", options.sourceNames() ? "source" : "framework").put("freeze", options.freeze()).put("passes", options.passes());
    o.put("io_layout", options.layout().text());
    ObjectNode inputs = o.putObject("inputs");
    options.inputShapes().forEach((name, shape) -> inputs.set(name, Json.strings(dims(shape))));
    // The model's own functions are no choice of anybody's.
    Map<String, Way> chosen = new TreeMap<>(c.custom().ways());
    chosen.values().removeIf(Way.FUNCTION::equals);
    if (!chosen.isEmpty()) {
      ObjectNode operators = o.putObject("operators");
      chosen.forEach((operator, way) -> {
        ObjectNode how = operators.putObject(operator).put("resolve", way.label());
        if (c.custom().layouts().containsKey(operator)) {
          how.put("layout", c.custom().layouts().get(operator).label());
        }
      });
    }
    return o;
  }

  private static List<ConversionRecord.Port> ports(Collection<Value> values, Map<String, String> names, ChannelsLast.Result layout) {
    return values.stream().filter(v -> names.containsKey(v.name())).map(v -> new ConversionRecord.Port(v.name(), names.get(v.name()),
        v.dtype().label(), v.shape().hasRank() ? dims(v.shape()) : null, layout.perms().getOrDefault(v.name(), List.of()))).toList();
  }

  private static List<String> dims(Shape shape) {
    return shape.dims().stream().map(Converter::text).toList();
  }

  private static String text(Dim d) {
    return withoutCounters(d.toString());
  }

  /** Anonymous dimensions are numbered through the life of a process; a record must not depend on that. */
  static String withoutCounters(String text) {
    return text.replaceAll("\\?\\d+", "?");
  }

  private static Diagnostic withoutCounters(Diagnostic d) {
    return new Diagnostic(d.severity(), d.code(), d.node(), d.location(), withoutCounters(d.message()), d.hint());
  }

  private static ObjectNode nodes(Conversion conversion) {
    ObjectNode all = Json.object();
    for (Map.Entry<String, Provenance> e : conversion.provenance().entrySet()) {
      Provenance p = e.getValue();
      if (p.sources().isEmpty() && p.modulePath().isEmpty()) {
        continue;
      }
      ObjectNode o = all.putObject(e.getKey());
      o.set("sources", Json.strings(p.sources()));
      if (!p.modulePath().isEmpty()) {
        o.put("module", p.modulePath());
      }
      if (!p.sourceLine().isEmpty()) {
        o.put("line", p.sourceLine());
      }
    }
    return all;
  }

  private ConversionReport report(Compilation c, ConversionRecord record, ModelSource source, Path target, Phases phases) {
    long bytes = c.conversion().variables().stream().mapToLong(v -> v.tensor().byteSize()).sum();
    int trainable = (int) c.conversion().variables().stream().filter(Variable::trainable).count();
    return new ConversionReport(target, record, c.sourceNodes(), c.conversion().graph().getNodeCount(), c.layout(), bytes,
        trainable, c.diagnostics().all(), phases.millis());
  }
}
