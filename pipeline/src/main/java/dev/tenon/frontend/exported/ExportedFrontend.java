package dev.tenon.frontend.exported;

import dev.tenon.frontend.ModelSource;
import dev.tenon.ir.Model;
import dev.tenon.ir.Shape;
import dev.tenon.ir.diag.Diagnostic;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.diag.Severity;
import dev.tenon.ir.diag.UnsupportedModelException;
import java.util.List;
import java.util.Map;

/** Reads archives of torch.export. */
public final class ExportedFrontend {
  private ExportedFrontend() {}

  /**
   * Reads a source's file.
   *
   * @param inputShapes shapes that the user gives to inputs, by name
   */
  public static Model read(ModelSource source, Map<String, Shape> inputShapes, Diagnostics diagnostics) {
    throw new UnsupportedModelException(List.of(new Diagnostic(Severity.ERROR, "unsupported-format", "", "",
        source.spec() + ": archives of torch.export are not read yet", "export the model to ONNX with torch.onnx.export")));
  }
}
