package dev.tenon.tf.custom;

import dev.tenon.ir.Node;
import dev.tenon.tf.EmitContext;

/**
 * An emitter for a custom operator, found by {@link java.util.ServiceLoader} on the class path: for those who embed Tenon.
 *
 * <pre>{@code
 * public final class SoftThreshold implements CustomOperator {
 *   public String operator() { return "com.example::SoftThreshold"; }
 *   public void infer(Node n) { n.output().setType(n.input(0).type()); }
 *   public void emit(EmitContext c) { … c.bind(0, y); }
 * }
 * }</pre>
 *
 * named in {@code META-INF/services/dev.tenon.tf.custom.CustomOperator}.
 */
public interface CustomOperator {

  /** Domain and name, {@code com.example::SoftThreshold}. */
  String operator();

  /** What layouts may believe of it. */
  default LayoutKind layout() {
    return LayoutKind.OPAQUE;
  }

  /** Sets the types of the outputs, where the model does not say them; called before shapes are inferred. */
  default void infer(Node node) {}

  /** Emits a node, as an {@link dev.tenon.tf.Emitter} does. */
  void emit(EmitContext c);
}
