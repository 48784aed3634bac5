package dev.tenon.weights.match;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * How a layer of a checkpoint would fill a layer of variables.
 *
 * @param parts variable to the tensor arranged for it
 * @param coverage from 0 to 1: how many parts of both are in it
 */
record LayerFit(Map<Part, Arrangement> parts, double coverage) {

  /** A fit of the largest parts at least. */
  static Optional<LayerFit> of(Layer variables, Layer tensors) {
    Map<Part, Arrangement> parts = new LinkedHashMap<>();
    Part largest = variables.largest();
    for (Part v : variables.parts()) {
      for (Part t : tensors.parts()) {
        Optional<Arrangement> a = Arrangement.of(t, v);
        if (a.isPresent() && (v.role() != Role.OTHER || variables.parts().size() == 1)) {
          parts.putIfAbsent(v, a.get());
        }
      }
    }
    if (!parts.containsKey(largest)) {
      return Optional.empty();
    }
    long rolesOfTensors = tensors.parts().stream().map(Part::role).distinct().count();
    return Optional.of(new LayerFit(parts, (double) parts.size() / Math.max(variables.parts().size(), rolesOfTensors)));
  }
}
