package dev.tenon.ir.pass;

import dev.tenon.ir.Model;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.ort.OrtModel;
import java.util.Map;

/** Runs the models of {@link ConstantEvaluator} in ONNX Runtime, as written and on one thread, so that the result is always the same. */
final class OnnxRuntimeRunner {
  private OnnxRuntimeRunner() {}

  static Map<String, Tensor> run(Model model) {
    try (OrtModel m = OrtModel.open(model, OrtModel.Options.reference())) {
      return m.run(Map.of());
    }
  }
}
