package dev.tenon.frontend;

import dev.tenon.ir.Model;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.io.OnnxReader;

/** Reads {@code .onnx} models: the graph with its weights left in the file. */
public final class OnnxFrontend {
  private OnnxFrontend() {}

  /**
   * Reads a source's file. Every value remembers the name it has there.
   *
   * @throws BadInputException naming the source as the user did
   */
  public static Model read(ModelSource source, Diagnostics diagnostics) {
    Model model;
    try {
      model = OnnxReader.read(source.file(), new OnnxReader.Options(null, diagnostics));
    } catch (BadInputException e) {
      String message = e.getMessage().replace(source.file().toString(), source.spec());
      throw message.equals(e.getMessage()) ? e : new BadInputException(message, e);
    }
    model.graph().recordOrigins();
    return model;
  }
}
