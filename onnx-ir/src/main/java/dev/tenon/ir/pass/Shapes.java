package dev.tenon.ir.pass;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Model;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostics;
import java.util.List;
import java.util.Optional;

/** What passes want of shape inference: types set on the values, and the elements of small integer values where they are known. */
public interface Shapes {

  /** Sets the types of all values that it can infer and forgets what it knew before. */
  void infer(Model model, Diagnostics diagnostics);

  /** The elements of an integer value as dimensions, row-major; empty if unknown. Valid until the graph changes. */
  Optional<List<Dim>> knownData(Value value);

  /** Leaves the types as they are and knows no elements. */
  static Shapes none() {
    return new Shapes() {
      @Override
      public void infer(Model model, Diagnostics diagnostics) {}

      @Override
      public Optional<List<Dim>> knownData(Value value) {
        return Optional.empty();
      }
    };
  }
}
