package dev.tenon.ir.pass;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Model;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.shape.ShapeInference;
import java.util.List;
import java.util.Optional;

/** {@link Shapes} by {@link ShapeInference}. What inference finds wrong is reported once, by whoever runs it first on the model. */
public final class InferredShapes implements Shapes {
  private ShapeInference.Result result;

  @Override
  public void infer(Model model, Diagnostics diagnostics) {
    // Inference runs again and again over the same model: the first run alone reports.
    result = ShapeInference.infer(model, result == null ? diagnostics : new Diagnostics());
  }

  @Override
  public Optional<List<Dim>> knownData(Value value) {
    return result == null ? Optional.empty() : result.knownData(value);
  }
}
