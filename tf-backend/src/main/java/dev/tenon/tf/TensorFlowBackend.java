package dev.tenon.tf;

import dev.tenon.ir.Model;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.tf.emit.Emitters;
import org.tensorflow.Graph;

/**
 * Turns an ONNX model into a TensorFlow graph.
 *
 * <p>The model is expected after the passes: types inferred, functions expanded, layout assigned. What cannot be emitted is
 * reported to the {@link Diagnostics}, all of it in one run; the result is then of no use but for counting.
 */
public final class TensorFlowBackend {
  private final EmitterRegistry registry;

  public TensorFlowBackend() {
    this(Emitters.all());
  }

  /** A backend with other emitters, those of custom operators say. */
  public TensorFlowBackend(EmitterRegistry registry) {
    this.registry = registry;
  }

  public EmitterRegistry registry() {
    return registry;
  }

  public Conversion convert(Model model, BackendOptions options, Diagnostics diagnostics) {
    try (Graph graph = new Graph()) {
      return new GraphEmission(model, options, registry, diagnostics, new Tf(graph)).run();
    }
  }
}
