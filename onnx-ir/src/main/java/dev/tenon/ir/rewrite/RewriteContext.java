package dev.tenon.ir.rewrite;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Model;
import dev.tenon.ir.Value;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * What a rule may ask about the model around a match.
 *
 * @param knownData the elements of a small integer value, where shape inference knows them symbolically
 */
public record RewriteContext(Model model, Function<Value, Optional<List<Dim>>> knownData) {
  public static RewriteContext of(Model model) {
    return new RewriteContext(model, v -> Optional.empty());
  }

  public int opset() {
    return model.opset();
  }
}
