package dev.tenon.verify.reference;

import ai.djl.engine.EngineException;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import dev.tenon.frontend.TemporaryPath;
import dev.tenon.frontend.torchscript.ForwardSignature;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * libtorch on a TorchScript archive, as PyTorch itself would run it: in evaluation mode, without gradients, and without the graph
 * optimizer, whose rewriting would change numbers from one run to the next.
 *
 * <p>Outputs are flattened: the tensors of tuples, lists and dictionaries in order, numbers as tensors without dimensions, and None left
 * out. Inputs are nested as {@code forward} wants them. Close it to free the native memory.
 */
public final class LibtorchReference implements Reference {
  private final ForwardSignature signature;
  private final List<String> outputs;
  private final List<String> unknown;
  private final PtNDManager manager;
  private final LibtorchTensors tensors;
  private final PtSymbolBlock module;

  private LibtorchReference(Options options, PtNDManager manager, LibtorchTensors tensors, PtSymbolBlock module, List<String> unknown) {
    this.signature = options.signature();
    this.outputs = options.outputs();
    this.unknown = unknown;
    this.manager = manager;
    this.tensors = tensors;
    this.module = module;
  }

  /**
   * How to load an archive.
   *
   * @param signature what {@code forward} is called with
   * @param outputs names for what it returns, flattened; empty for {@code output_0}, {@code output_1}, …
   * @param called operators that the model calls, {@code aten::conv2d}: calls of others that libtorch does not know are taken out
   * @param threads threads inside one operator; 0 for as many as libtorch likes
   * @param libraries native libraries that register operators
   */
  public record Options(ForwardSignature signature, List<String> outputs, Set<String> called, int threads, List<Path> libraries) {
    public Options {
      outputs = List.copyOf(outputs);
      libraries = List.copyOf(libraries);
      called = Set.copyOf(called);
    }

    /** Without libraries. */
    public Options(ForwardSignature signature, List<String> outputs, Set<String> called, int threads) {
      this(signature, outputs, called, threads, List.of());
    }

    /** For a {@code forward} of tensors, in one thread. */
    static Options ofTensors(List<String> inputs, List<String> outputs) {
      return new Options(ForwardSignature.ofTensors(inputs), outputs, Set.of(), 1);
    }
  }

  /**
   * Loads an archive.
   *
   * @param log is told in a line what takes long
   * @throws ReferenceFailure if libtorch or the archive cannot be loaded
   */
  public static LibtorchReference open(Path archive, Options options, Consumer<String> log) {
    Libtorch.load(options.threads(), log);
    options.libraries().forEach(Libtorch::loadOperators);
    PtNDManager manager = Libtorch.newManager();
    try {
      List<String> unknown = new ArrayList<>();
      PtSymbolBlock module = load(archive, options, manager, unknown);
      JniUtils.enableInferenceMode(module);
      return new LibtorchReference(options, manager, new LibtorchTensors(manager), module, unknown);
    } catch (EngineException | IllegalArgumentException e) {
      manager.close();
      throw ReferenceFailure.unusable("libtorch cannot load the archive: " + reason(e), e);
    }
  }

  /** Loads an archive, or a copy of it without the calls of operators that are unknown and never made. */
  private static PtSymbolBlock load(Path archive, Options options, PtNDManager manager, List<String> unknown) {
    try {
      return JniUtils.loadModule(manager, archive.toAbsolutePath(), false, new String[0], new String[0], false);
    } catch (EngineException e) {
      String operator = OlderCode.unknownOperator(String.valueOf(e.getMessage()));
      if (operator == null || unknown.contains(operator) || options.called().contains("aten::" + operator)) {
        throw e;
      }
      unknown.add(operator);
      try (TemporaryPath copy = OlderCode.without(operator, archive)) {
        return load(copy.path().resolve("model.pt"), options, manager, unknown);
      } catch (IOException failed) {
        throw new EngineException("no room for a copy of the archive: " + failed.getMessage(), failed);
      }
    }
  }

  /** What had to be done for libtorch to run the model; empty if nothing. */
  public String remark() {
    return unknown.isEmpty() ? "" : "this libtorch does not know " + String.join(", ", unknown) + ", which the model never calls";
  }

  @Override
  public String name() {
    return "libtorch";
  }

  @Override
  public String version() {
    return Libtorch.version();
  }

  @Override
  public Map<String, Tensor> run(Map<String, Tensor> values) {
    // Both settings belong to the thread.
    JniUtils.setGraphExecutorOptimize(false);
    JniUtils.setGradMode(false);
    try (PtNDManager scope = (PtNDManager) manager.newSubManager(); LibtorchArguments arguments = new LibtorchArguments(tensors, scope, values);
        IValue result = IValueUtils.forward(module, arguments.of(signature))) {
      List<Tensor> flat = new ArrayList<>();
      flatten(result, "", scope, flat);
      return named(flat);
    } catch (EngineException | IllegalArgumentException e) {
      throw ReferenceFailure.refused(reason(e), e);
    }
  }

  /** Adds what is in a result. */
  private void flatten(IValue v, String path, PtNDManager scope, List<Tensor> flat) {
    String name = flat.size() < outputs.size() ? outputs.get(flat.size()) : "output_" + flat.size();
    if (v.isTensor()) {
      flat.add(tensors.fromLibtorch(name, v, scope));
    } else if (v.isBoolean()) {
      flat.add(Tensor.scalar(DataType.BOOL, v.toBoolean() ? 1 : 0));
    } else if (v.isLong()) {
      flat.add(Tensor.scalar(v.toLong()));
    } else if (v.isDouble()) {
      flat.add(Tensor.scalar(DataType.DOUBLE, v.toDouble()));
    } else if (v.isTuple()) {
      flattenAll(List.of(v.toIValueTuple()), path, scope, flat);
    } else if (v.isMap()) {
      flattenMap(v.toIValueMap(), path, scope, flat);
    } else if (v.isList() || v.isTensorList() || v.isLongList() || v.isDoubleList() || v.isBooleanList()) {
      flattenAll(List.of(v.toIValueArray()), path, scope, flat);
    } else if (!v.getType().equals("NoneType")) {
      throw ReferenceFailure.unusable("libtorch cannot return " + name + ", a value of type " + v.getType(), null);
    }
  }

  private void flattenAll(List<IValue> parts, String path, PtNDManager scope, List<Tensor> flat) {
    for (IValue part : parts) {
      try (part) {
        flatten(part, path, scope, flat);
      }
    }
  }

  /** DJL loses the order of dictionaries; the graph's outputs are named after the keys and have it. */
  private void flattenMap(Map<String, IValue> map, String path, PtNDManager scope, List<Tensor> flat) {
    List<String> keys = new ArrayList<>(map.keySet());
    keys.sort(Comparator.comparingInt(k -> position(path.isEmpty() ? k : path + "." + k)));
    for (String k : keys) {
      flattenAll(List.of(map.get(k)), path.isEmpty() ? k : path + "." + k, scope, flat);
    }
  }

  private int position(String path) {
    for (int i = 0; i < outputs.size(); i++) {
      String name = outputs.get(i);
      if (name.equals(path) || name.startsWith(path + ".") || name.startsWith(path + "_")) {
        return i;
      }
    }
    return outputs.size();
  }

  private Map<String, Tensor> named(List<Tensor> flat) {
    if (!outputs.isEmpty() && flat.size() != outputs.size()) {
      throw ReferenceFailure.unusable("libtorch returns " + flat.size() + " tensors, the model has " + outputs.size() + " outputs", null);
    }
    Map<String, Tensor> named = new LinkedHashMap<>();
    for (int i = 0; i < flat.size(); i++) {
      named.put(outputs.isEmpty() ? "output_" + i : outputs.get(i), flat.get(i));
    }
    return named;
  }

  /** The error itself, which stands last, after the traceback of the serialized code. */
  private static String reason(RuntimeException e) {
    List<String> lines = String.valueOf(e.getMessage()).lines().map(String::strip).filter(l -> !l.isEmpty()).toList();
    return lines.stream().filter(l -> l.matches("\\w*(Error|Exception): .*")).reduce((a, b) -> b)
        .orElse(lines.isEmpty() ? e.getClass().getSimpleName() : lines.get(0));
  }

  @Override
  public void close() {
    module.close();
    tensors.close();
    manager.close();
  }
}
