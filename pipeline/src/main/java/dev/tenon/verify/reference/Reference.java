package dev.tenon.verify.reference;

import dev.tenon.ir.Tensor;
import java.util.Map;

/** A source model loaded in the runtime that it is compared with. */
public interface Reference extends AutoCloseable {

  /** The runtime's name, {@code libtorch} say. */
  String name();

  /** The runtime's version. */
  String version();

  /**
   * Runs the model.
   *
   * @param inputs by the model's names
   * @return outputs by the model's names, in its order
   * @throws ReferenceFailure if the runtime refuses these inputs
   */
  Map<String, Tensor> run(Map<String, Tensor> inputs);

  @Override
  void close();
}
