package dev.tenon.frontend;

import dev.tenon.frontend.exported.ExportedFrontend;
import dev.tenon.frontend.torchscript.TorchScriptFrontend;
import dev.tenon.ir.Model;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.shape.ShapeInference;

/** Reads models of all formats, each with the frontend that its file asks for. */
public final class Frontends {
  private Frontends() {}

  /**
   * Reads a source. Weights stay in the file; what is well-formed but cannot be converted is among the diagnostics. Every value
   * remembers the name it has in the model as read.
   *
   * @throws BadInputException naming the source as the user did, if the file is malformed, or holds no graph
   */
  public static Model read(ModelSource source, ReadOptions options, Diagnostics diagnostics) {
    Model model;
    try {
      model = read(source, SourceFormat.of(source), options, diagnostics);
    } catch (BadInputException e) {
      // A model out of a Maven artifact is read from a copy, whose place means nothing to the user.
      String message = e.getMessage().replace(source.file().toString(), source.spec());
      throw message.equals(e.getMessage()) ? e : new BadInputException(message, e);
    }
    model.graph().recordOrigins();
    options.inputShapes().forEach((name, shape) -> ShapeInference.setInputShape(model, name, shape));
    return model;
  }

  private static Model read(ModelSource source, SourceFormat format, ReadOptions options, Diagnostics diagnostics) {
    return switch (format) {
      case ONNX -> OnnxFrontend.read(source, diagnostics);
      case EXPORTED_PROGRAM -> ExportedFrontend.read(source, options.inputShapes(), diagnostics);
      case TORCHSCRIPT -> TorchScriptFrontend.read(source, options, diagnostics);
      case CHECKPOINT -> throw BadInputException.of(source.spec(), "", "a checkpoint, which holds weights but no graph",
          "a model: write one with torch.export.save(torch.export.export(model, args), 'model.pt2'), or pour the checkpoint into a "
              + "converted model with 'tenon weights'");
    };
  }
}
