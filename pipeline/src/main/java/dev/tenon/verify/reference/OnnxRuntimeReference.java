package dev.tenon.verify.reference;

import dev.tenon.convert.Versions;
import dev.tenon.ir.Model;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.ort.OrtFailure;
import dev.tenon.ir.ort.OrtModel;
import java.nio.file.Path;
import java.util.Map;

/** ONNX Runtime on an ONNX file, or on a model in memory: what a frontend made of another format. */
public final class OnnxRuntimeReference implements Reference {
  private final OrtModel model;

  private OnnxRuntimeReference(OrtModel model) {
    this.model = model;
  }

  /**
   * Loads a file as it is.
   *
   * @throws ReferenceFailure if ONNX Runtime cannot load it
   */
  public static OnnxRuntimeReference open(Path file, OrtModel.Options options) {
    try {
      return new OnnxRuntimeReference(OrtModel.open(file, options));
    } catch (OrtFailure e) {
      throw ReferenceFailure.unusable(firstLine(e), e);
    }
  }

  /**
   * Loads a model in its present state.
   *
   * @throws ReferenceFailure if ONNX Runtime cannot load it
   */
  public static OnnxRuntimeReference open(Model model, OrtModel.Options options) {
    try {
      return new OnnxRuntimeReference(OrtModel.open(model, options));
    } catch (OrtFailure e) {
      throw ReferenceFailure.unusable(firstLine(e), e);
    }
  }

  @Override
  public String name() {
    return "ONNX Runtime";
  }

  @Override
  public String version() {
    return Versions.onnxRuntime();
  }

  @Override
  public Map<String, Tensor> run(Map<String, Tensor> inputs) {
    try {
      return model.run(inputs);
    } catch (OrtFailure e) {
      throw ReferenceFailure.refused(firstLine(e).replaceFirst("^ONNX Runtime cannot run the model on .*?: (Error code - )?", ""), e);
    }
  }

  private static String firstLine(Throwable e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse(e.getClass().getSimpleName());
  }

  @Override
  public void close() {
    model.close();
  }
}
