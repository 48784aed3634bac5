package dev.tenon.frontend.exported;

import dev.tenon.frontend.aten.Onnx;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostic;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.diag.Severity;
import java.util.ArrayList;
import java.util.List;

/**
 * Holds what was inferred of a result against what the file says of it. Where nothing was inferred the file's word is taken; where the
 * two contradict each other a warning says so and the inferred type stays, for it is what ONNX will compute.
 */
final class TypeHints {
  private final Diagnostics diagnostics;

  TypeHints(Diagnostics diagnostics) {
    this.diagnostics = diagnostics;
  }

  /**
   * Compares and completes a value's type.
   *
   * @param name the value's name in the program
   * @param said what the file says; null if nothing
   */
  void check(Onnx onnx, String name, Value v, Type.TensorType said) {
    if (said == null || v.producer() == null) {
      return;
    }
    DataType dtype = v.dtype();
    if (dtype == DataType.UNDEFINED) {
      dtype = said.dtype();
    } else if (dtype != said.dtype()) {
      warn(onnx, "torch-type-mismatch", name + " is " + dtype + " here and " + said.dtype() + " in the file");
    }
    Shape shape = shape(onnx, name, v.shape(), said.shape());
    if (dtype != v.dtype() || !shape.equals(v.shape())) {
      v.setType(Type.tensor(dtype, shape));
      onnx.inference().visitInput(v);
    }
  }

  private Shape shape(Onnx onnx, String name, Shape inferred, Shape said) {
    if (!inferred.hasRank()) {
      return said;
    }
    if (inferred.rank() != said.rank()) {
      warn(onnx, "torch-shape-mismatch", name + " is of shape " + inferred + " here and " + said + " in the file");
      return inferred;
    }
    List<Dim> dims = new ArrayList<>();
    boolean contradicted = false;
    for (int i = 0; i < said.rank(); i++) {
      Dim ours = inferred.dim(i);
      contradicted |= ours.provablyDiffers(said.dim(i));
      dims.add(ours.isAnonymous() ? said.dim(i) : ours);
    }
    if (contradicted) {
      warn(onnx, "torch-shape-mismatch", name + " is of shape " + inferred + " here and " + said + " in the file");
      return inferred;
    }
    return Shape.of(dims);
  }

  private void warn(Onnx onnx, String code, String message) {
    diagnostics.add(new Diagnostic(Severity.WARNING, code, String.join(", ", onnx.provenance().sources()), onnx.provenance().modulePath(),
        message, ""));
  }
}
