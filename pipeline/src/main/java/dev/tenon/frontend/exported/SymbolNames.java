package dev.tenon.frontend.exported;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import java.util.ArrayList;
import java.util.List;

/**
 * What the symbols of a program are called in the model. Exported programs lose the user's names; the one certain thing is that a
 * symbol which is alone on axis 0 of the inputs is the batch.
 */
final class SymbolNames {
  private static final String BATCH = "batch";

  /** The symbol that is the batch; null if none is. */
  private final String batch;

  private SymbolNames(String batch) {
    this.batch = batch;
  }

  static SymbolNames of(ExportedProgram program) {
    String first = null;
    for (GraphSignature.Input input : program.signature().inputs()) {
      TensorMeta meta = input instanceof GraphSignature.Input.User u && u.argument() instanceof Argument.Tensor t
          ? program.graph().tensorValues().get(t.name()) : null;
      if (meta == null || meta.sizes().isEmpty() || meta.sizes().get(0).isConstant()) {
        continue;
      }
      Dim d = meta.sizes().get(0);
      if (!d.isSymbol() || d.isAnonymous() || first != null && !first.equals(d.toString())) {
        return new SymbolNames(null);
      }
      first = d.toString();
    }
    return new SymbolNames(program.ranges().containsKey(BATCH) ? null : first);
  }

  Dim rename(Dim d) {
    return d.isConstant() || batch == null ? d : d.substitute(s -> s.equals(batch) ? Dim.symbol(BATCH) : null);
  }

  Shape shape(TensorMeta meta) {
    List<Dim> dims = new ArrayList<>();
    for (Dim d : meta.sizes()) {
      dims.add(rename(d));
    }
    return Shape.of(dims);
  }
}
