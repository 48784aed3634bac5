package dev.tenon.ir.ort;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import ai.onnxruntime.TensorInfo;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Model;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.io.OnnxReader;
import dev.tenon.ir.io.OnnxWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A model loaded in ONNX Runtime: opened from a file or from a {@link Model} in memory, and run on tensors of the IR.
 *
 * <p>Element types are those of ONNX Runtime's Java interface: float16, bfloat16, float32, float64, int8 to int64, uint8, bool
 * and string. Runs may come from several threads; {@link #close} frees the native memory.
 */
public final class OrtModel implements AutoCloseable {
  /** A model of more bytes than this goes through a file: ONNX Runtime would copy it from Java's heap. */
  private static final long MAX_IN_MEMORY = 256L << 20;

  private final OrtSession session;
  /** Closing them unloads the libraries of custom operators, whose code the session runs. */
  private final SessionOptions sessionOptions;
  private final Path temporaryFolder;
  private final Map<String, Type> inputs;
  private final Map<String, Type> outputs;

  private OrtModel(OrtSession session, SessionOptions sessionOptions, Path temporaryFolder) throws OrtException {
    this.session = session;
    this.sessionOptions = sessionOptions;
    this.temporaryFolder = temporaryFolder;
    this.inputs = types(session.getInputInfo());
    this.outputs = types(session.getOutputInfo());
  }

  /**
   * How to load and run.
   *
   * @param threads threads inside one operator; 0 lets ONNX Runtime choose
   * @param optimize whether ONNX Runtime may rewrite the graph; off for a reference that computes what is written
   * @param extraOutputs names of values of the main graph that shall be outputs too
   * @param customOpLibraries native libraries with custom operators
   */
  public record Options(int threads, boolean optimize, List<String> extraOutputs, List<Path> customOpLibraries) {
    public Options {
      extraOutputs = List.copyOf(extraOutputs);
      customOpLibraries = List.copyOf(customOpLibraries);
    }

    /** As many threads as ONNX Runtime likes, all optimizations. */
    public static Options defaults() {
      return new Options(0, true, List.of(), List.of());
    }

    /** One thread and no optimization: the same numbers every time. */
    public static Options reference() {
      return new Options(1, false, List.of(), List.of());
    }

    public Options withThreads(int n) {
      return new Options(n, optimize, extraOutputs, customOpLibraries);
    }

    public Options withExtraOutputs(List<String> names) {
      return new Options(threads, optimize, names, customOpLibraries);
    }

    public Options withCustomOps(List<Path> libraries) {
      return new Options(threads, optimize, extraOutputs, libraries);
    }
  }

  public static OrtModel open(Path file) {
    return open(file, Options.defaults());
  }

  /** Opens a file as it is, or, where extra outputs are wanted, a copy of it that has them. */
  public static OrtModel open(Path file, Options options) {
    if (!options.extraOutputs().isEmpty()) {
      return open(OnnxReader.read(file), options);
    }
    SessionOptions s = new SessionOptions();
    try {
      configure(s, options);
      return new OrtModel(environment().createSession(file.toString(), s), s, null);
    } catch (OrtException e) {
      s.close();
      throw new OrtFailure(file + ": ONNX Runtime cannot load it: " + e.getMessage(), e);
    }
  }

  public static OrtModel open(Model model) {
    return open(model, Options.defaults());
  }

  /** Opens the model in its present state; later changes of it have no effect here. */
  public static OrtModel open(Model model, Options options) {
    OnnxWriter.Options how = OnnxWriter.Options.defaults().withExtraOutputs(options.extraOutputs());
    Path folder = null;
    SessionOptions s = new SessionOptions();
    try {
      configure(s, options);
      if (OnnxWriter.inlineBytes(model) <= MAX_IN_MEMORY) {
        return new OrtModel(environment().createSession(OnnxWriter.toBytes(model, how), s), s, null);
      }
      folder = Files.createTempDirectory("tenon-ort");
      Path file = folder.resolve("model.onnx");
      OnnxWriter.write(model, file, how);
      return new OrtModel(environment().createSession(file.toString(), s), s, folder);
    } catch (OrtException e) {
      s.close();
      delete(folder);
      throw new OrtFailure("ONNX Runtime cannot load the model" + (model.source() == null ? "" : " of " + model.source()) + ": "
          + e.getMessage(), e);
    } catch (IOException e) {
      s.close();
      delete(folder);
      throw new UncheckedIOException(e);
    } catch (RuntimeException e) {
      s.close();
      delete(folder);
      throw e;
    }
  }

  private static OrtEnvironment environment() {
    return OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
  }

  private static void configure(SessionOptions s, Options options) throws OrtException {
    s.setOptimizationLevel(options.optimize() ? OptLevel.ALL_OPT : OptLevel.NO_OPT);
    s.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
    if (options.threads() > 0) {
      s.setIntraOpNumThreads(options.threads());
      s.setInterOpNumThreads(options.threads());
    }
    for (Path library : options.customOpLibraries()) {
      s.registerCustomOpLibrary(library.toString());
    }
  }

  // ---- what goes in and out ----

  /** The inputs by name, in order, without those that have a default. A type that is no tensor's is null. */
  public Map<String, Type> inputs() {
    return inputs;
  }

  /** The outputs by name, in order. A type that is no tensor's is null. */
  public Map<String, Type> outputs() {
    return outputs;
  }

  private static Map<String, Type> types(Map<String, NodeInfo> infos) {
    Map<String, Type> types = new LinkedHashMap<>();
    infos.forEach((name, info) -> types.put(name, info.getInfo() instanceof TensorInfo t ? type(t) : null));
    return Collections.unmodifiableMap(types);
  }

  private static Type type(TensorInfo info) {
    long[] shape = info.getShape();
    String[] names = info.getDimensionNames();
    List<Dim> dims = new ArrayList<>();
    for (int i = 0; i < shape.length; i++) {
      boolean named = names != null && i < names.length && !names[i].isEmpty();
      dims.add(shape[i] >= 0 ? Dim.of(shape[i]) : named ? Dim.parse(names[i]) : Dim.unknown());
    }
    return Type.tensor(OrtTensors.dtype(info), Shape.of(dims));
  }

  // ---- running ----

  /**
   * Runs the model.
   *
   * @param values a tensor for each input by name; inputs with defaults may be missing
   * @return the outputs by name, in order, in memory of their own. A sequence gives one tensor per element, {@code name[0]} …;
   *     an optional that is empty gives nothing
   */
  public Map<String, Tensor> run(Map<String, Tensor> values) {
    Map<String, OnnxTensor> feeds = new LinkedHashMap<>();
    try {
      for (Map.Entry<String, Tensor> e : values.entrySet()) {
        feeds.put(e.getKey(), OrtTensors.toOrt(environment(), e.getValue()));
      }
      try (OrtSession.Result result = session.run(feeds)) {
        Map<String, Tensor> out = new LinkedHashMap<>();
        for (Map.Entry<String, OnnxValue> e : result) {
          OrtTensors.collect(e.getKey(), e.getValue(), out);
        }
        return out;
      }
    } catch (OrtException e) {
      throw new OrtFailure("ONNX Runtime cannot run the model on " + values + ": " + e.getMessage(), e);
    } finally {
      feeds.values().forEach(OnnxTensor::close);
    }
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException e) {
      throw new OrtFailure("closing the session: " + e.getMessage(), e);
    } finally {
      sessionOptions.close();
      delete(temporaryFolder);
    }
  }

  private static void delete(Path folder) {
    if (folder == null) {
      return;
    }
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path p : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(p);
      }
    } catch (IOException e) {
      // It is in the system's folder for temporary files: somebody else clears it in the end.
    }
  }
}
