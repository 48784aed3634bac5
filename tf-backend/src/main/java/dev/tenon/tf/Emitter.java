package dev.tenon.tf;

/**
 * Emits the TensorFlow operations of one ONNX operator. Reads like the operator's definition in the standard: attributes first,
 * with the standard's defaults, then the TensorFlow ops, then {@code c.bind(0, y)}.
 */
@FunctionalInterface
public interface Emitter {
  void emit(EmitContext c);
}
