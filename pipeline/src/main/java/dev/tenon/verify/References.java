package dev.tenon.verify;

import dev.tenon.custom.CustomOptions;
import dev.tenon.custom.Definitions;
import dev.tenon.custom.Resolution;
import dev.tenon.frontend.ModelSource;
import dev.tenon.frontend.SourceFormat;
import dev.tenon.frontend.aten.TorchOperators;
import dev.tenon.frontend.torchscript.ForwardSignature;
import dev.tenon.ir.Model;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.ort.OrtModel;
import dev.tenon.tf.custom.CustomNodes;
import dev.tenon.verify.VerifyReport.Runtime;
import dev.tenon.verify.reference.LibtorchReference;
import dev.tenon.verify.reference.OnnxRuntimeReference;
import dev.tenon.verify.reference.Reference;
import dev.tenon.verify.reference.ReferenceFailure;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * What a source is compared with: ONNX files with ONNX Runtime on the file itself; TorchScript with libtorch, and where libtorch
 * cannot be used, like everything else, with ONNX Runtime on the ONNX model that the frontend made of it.
 */
final class References implements AutoCloseable {
  private final ModelSource source;
  private final SourceFormat format;
  private final Model model;
  private final int threads;
  private final CustomOptions custom;
  /** True if the model has got meanings of operators that the file does not have. */
  private final boolean defined;
  private Reference current;
  /** The frontend's model in ONNX Runtime, where that is not the reference itself; null if it is, or cannot be loaded. */
  private Reference lowering;
  private String remark = "";

  private References(ModelSource source, Model model, VerifyOptions options) {
    this.source = source;
    this.format = SourceFormat.of(source);
    this.model = model;
    this.threads = options.threads();
    this.custom = options.custom();
    Resolution.declare(model, custom.ops());
    this.defined = Definitions.addReferences(model, custom.ops());
  }

  /**
   * Loads the reference of a source.
   *
   * @param model the source as its frontend reads it, unchanged; gets the meanings of custom operators that the user gives
   * @param log is told in a line what takes long, and why it is not the usual reference
   * @throws ReferenceFailure if none can be loaded
   */
  static References open(ModelSource source, Model model, VerifyOptions options, Consumer<String> log) {
    References r = new References(source, model, options);
    if (r.format == SourceFormat.TORCHSCRIPT) {
      try {
        LibtorchReference libtorch = r.libtorch(log);
        r.current = libtorch;
        r.remark = libtorch.remark();
        r.lowering = r.loweringOrNull();
      } catch (ReferenceFailure e) {
        r.fallBack(e);
      }
    } else {
      r.current = r.onnxRuntime(OrtModel.Options.defaults().withThreads(r.threads));
      r.remark = r.defined ? "custom operators mean what the ONNX files given say" : "";
    }
    return r;
  }

  private LibtorchReference libtorch(Consumer<String> log) {
    List<String> outputs = model.graph().outputs().stream().map(Value::name).toList();
    return LibtorchReference.open(source.file(),
        new LibtorchReference.Options(ForwardSignature.of(source), outputs, TorchOperators.of(model).keySet(), threads,
            custom.torchLibraries()), log);
  }

  private Reference onnxRuntime(OrtModel.Options plain) {
    OrtModel.Options options = plain.withCustomOps(custom.ortLibraries());
    try {
      return format == SourceFormat.ONNX && !defined ? OnnxRuntimeReference.open(source.file(), options)
          : OnnxRuntimeReference.open(model, options);
    } catch (ReferenceFailure e) {
      Set<String> unknown = new TreeSet<>();
      CustomNodes.byOperator(model).forEach((operator, uses) -> {
        if (!CustomNodes.hasBody(uses.get(0), model)) {
          unknown.add(operator);
        }
      });
      // Its own message speaks of registered functions and domains.
      throw unknown.isEmpty() || !custom.ortLibraries().isEmpty() ? e : ReferenceFailure.unusable("ONNX Runtime does not know "
          + String.join(", ", unknown) + "; give its library with --ort-library, or its meaning in ONNX with 'reference:' in ops.yaml"
          + (format == SourceFormat.TORCHSCRIPT ? ", or --torch-library for libtorch" : ""), e);
    }
  }

  private Reference loweringOrNull() {
    try {
      return onnxRuntime(OrtModel.Options.reference().withThreads(threads));
    } catch (ReferenceFailure e) {
      return null; // for the mismatch, if there is one, to be blamed on nobody
    }
  }

  private void fallBack(ReferenceFailure why) {
    if (current != null) {
      current.close();
    }
    remark = why.getMessage() + "; compared with ONNX Runtime on the exported model instead, which cannot tell a wrong lowering";
    current = onnxRuntime(OrtModel.Options.defaults().withThreads(threads));
    if (lowering != null) {
      lowering.close();
      lowering = null;
    }
  }

  /** The reference in use. */
  Reference current() {
    return current;
  }

  /** For the report. */
  Runtime runtime() {
    return new Runtime(current.name(), current.version(), remark);
  }

  /**
   * Runs the reference; one that turns out to be of no use for this model is replaced.
   *
   * @throws ReferenceFailure if it refuses these inputs
   */
  Map<String, Tensor> run(Map<String, Tensor> inputs) {
    try {
      return current.run(inputs);
    } catch (ReferenceFailure e) {
      if (!e.isHopeless() || !(current instanceof LibtorchReference)) {
        throw e;
      }
      fallBack(e);
      return current.run(inputs);
    }
  }

  /** Runs the frontend's model; empty if it cannot be run, null if it is the reference itself. */
  Map<String, Tensor> runLowering(Map<String, Tensor> inputs) {
    if (lowering == null) {
      return null;
    }
    try {
      return lowering.run(inputs);
    } catch (ReferenceFailure e) {
      return Map.of();
    }
  }

  /** Runs ONNX Runtime without optimizations; empty if the reference is another, or it cannot be run. */
  Map<String, Tensor> runUnoptimized(Map<String, Tensor> inputs) {
    if (current instanceof LibtorchReference) {
      return Map.of();
    }
    try (Reference plain = onnxRuntime(OrtModel.Options.reference())) {
      return plain.run(inputs);
    } catch (ReferenceFailure e) {
      return Map.of();
    }
  }

  @Override
  public void close() {
    current.close();
    if (lowering != null) {
      lowering.close();
    }
  }
}
