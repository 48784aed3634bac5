package dev.tenon.verify.reference;

import ai.djl.engine.EngineException;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import dev.tenon.frontend.torchscript.ForwardSignature;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
  private final PtNDManager manager;
  private final LibtorchTensors tensors;
  private final PtSymbolBlock module;

  private LibtorchReference(ForwardSignature signature, List<String> outputs, PtNDManager manager, LibtorchTensors tensors,
      PtSymbolBlock module) {
    this.signature = signature;
    this.outputs = List.copyOf(outputs);
    this.manager = manager;
    this.tensors = tensors;
    this.module = module;
  }

  /**
   * Loads an archive.
   *
   * @param signature what {@code forward} is called with
   * @param outputs names for what it returns, flattened; empty for {@code output_0}, {@code output_1}, …
   * @param threads threads inside one operator; 0 for as many as libtorch likes
   * @param log is told in a line what takes long
   * @throws ReferenceFailure if libtorch or the archive cannot be loaded
   */
  public static LibtorchReference open(Path archive, ForwardSignature signature, List<String> outputs, int threads,
      Consumer<String> log) {
    Libtorch.load(threads, log);
    PtNDManager manager = Libtorch.newManager();
    try {
      PtSymbolBlock module = JniUtils.loadModule(manager, archive.toAbsolutePath(), false, new String[0], new String[0], false);
      JniUtils.enableInferenceMode(module);
      return new LibtorchReference(signature, outputs, manager, new LibtorchTensors(manager), module);
    } catch (EngineException | IllegalArgumentException e) {
      manager.close();
      throw ReferenceFailure.unusable("libtorch cannot load the archive: " + reason(e), e);
    }
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
