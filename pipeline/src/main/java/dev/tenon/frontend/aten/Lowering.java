package dev.tenon.frontend.aten;

/**
 * The ONNX form of a PyTorch operator. Reads the arguments by the names in the operator's {@link Schema}, adds nodes through
 * {@link AtenCall#onnx}, and returns the result: a {@link TorchTensor}, a {@link TorchTuple} of several, a {@link TorchList}, a
 * {@link TorchScalar}.
 */
@FunctionalInterface
public interface Lowering {
  /**
   * Lowers one call.
   *
   * @throws LoweringException if these arguments cannot be expressed; nodes added before that are dead code
   */
  TorchValue lower(AtenCall c);
}
