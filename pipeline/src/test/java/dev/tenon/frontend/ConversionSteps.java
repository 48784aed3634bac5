package dev.tenon.frontend;

import dev.tenon.ir.Model;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.layout.ChannelsLast;
import dev.tenon.ir.pass.InferredShapes;
import dev.tenon.ir.pass.PassContext;
import dev.tenon.ir.pass.PassManager;

/** The steps of a conversion between reading and emission, for tests that run their result in ONNX Runtime. */
public final class ConversionSteps {
  private ConversionSteps() {}

  /** Passes and layout. */
  public static void apply(Model model) {
    InferredShapes shapes = new InferredShapes();
    shapes.infer(model, new Diagnostics());
    PassManager.of("default").run(new PassContext(model, new Diagnostics(), shapes));
    shapes.infer(model, new Diagnostics());
    ChannelsLast.run(model);
  }
}
