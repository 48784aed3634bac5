package dev.tenon.tf;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Value;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * How a model is emitted.
 *
 * @param freeze weights become constants of the graph instead of variables
 * @param sourceNames variables keep the names that the source has
 * @param knownData what shape inference knows of the elements of integer tensors (shapes, axes), symbolically
 */
public record BackendOptions(boolean freeze, boolean sourceNames, Function<Value, Optional<List<Dim>>> knownData) {

  public static BackendOptions defaults() {
    return new BackendOptions(false, false, v -> Optional.empty());
  }

  public BackendOptions withFreeze(boolean value) {
    return new BackendOptions(value, sourceNames, knownData);
  }

  public BackendOptions withSourceNames(boolean value) {
    return new BackendOptions(freeze, value, knownData);
  }

  public BackendOptions withKnownData(Function<Value, Optional<List<Dim>>> value) {
    return new BackendOptions(freeze, sourceNames, value);
  }
}
