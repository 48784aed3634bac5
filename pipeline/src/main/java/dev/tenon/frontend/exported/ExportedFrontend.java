package dev.tenon.frontend.exported;

import dev.tenon.frontend.ModelSource;
import dev.tenon.ir.Model;
import dev.tenon.ir.Shape;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostics;
import java.util.Map;

/**
 * Reads archives of {@code torch.export.save}, {@code .pt2}: the program becomes an ONNX graph, the weights stay in the file. Both the
 * high-level program and the decomposed one ({@code run_decompositions()}) are understood, of PyTorch 2.6 and later.
 */
public final class ExportedFrontend {
  private ExportedFrontend() {}

  /**
   * Reads a source's file. Inputs have the names of the parameters of the model's {@code forward}, outputs those of the keys and fields
   * of its result, parameters their dotted names. What cannot be converted is among the diagnostics, all of it.
   *
   * @param inputShapes shapes that the user gives to inputs, by name; the file has shapes of its own, which the caller narrows afterwards
   * @throws BadInputException if the file is malformed
   */
  public static Model read(ModelSource source, Map<String, Shape> inputShapes, Diagnostics diagnostics) {
    return ProgramLowering.lower(ExportedArchive.open(source.file()), diagnostics);
  }
}
