package dev.tenon.verify;

import dev.tenon.ir.Tensor;
import java.util.Map;

/** What is compared with a reference: a SavedModel, or an exported ONNX model. */
interface Subject {

  /** The runtime's name, for the report. */
  String name();

  /**
   * Runs it.
   *
   * @param inputs by the source's names
   * @return outputs by the source's names
   * @throws SubjectFailure if it cannot be run on these inputs
   */
  Map<String, Tensor> run(Map<String, Tensor> inputs);

  /** It cannot be run on these inputs; the message says why in a line. */
  final class SubjectFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    SubjectFailure(Throwable cause) {
      super(String.valueOf(cause.getMessage()).lines().findFirst().orElse(cause.getClass().getSimpleName()), cause);
    }
  }
}
