package dev.tenon.tf.testing;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Model;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** The types of the values of a test's model. */
final class TestTypes {
  private TestTypes() {}

  /** Gives every node's output the type that ONNX Runtime infers. */
  static void infer(Model m) {
    try (Reference r = new Reference(m, true)) {
      Map<String, Type> types = r.outputTypes();
      for (var n : m.graph().nodes()) {
        for (Value v : n.outputs()) {
          if (v != null && types.containsKey(v.name())) {
            v.setType(types.get(v.name()));
          }
        }
      }
    }
  }

  static Function<Value, Optional<List<Dim>>> knownData(Model m) {
    return v -> Optional.empty();
  }
}
