package dev.tenon.weights.match;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Parameters that share a path, on one side.
 *
 * @param path without the last parts; {@code conv2_block1_1_conv}, {@code layer1.0.conv1}
 * @param position among the layers of its side
 */
record Layer(String path, int position, List<Part> parts) {

  /** The part with most elements, which decides what the layer can be matched with. */
  Part largest() {
    return parts.stream().max(Comparator.comparingLong(Part::numel)).orElseThrow();
  }

  boolean has(Role role) {
    return parts.stream().anyMatch(p -> p.role() == role);
  }

  Part part(Role role) {
    return parts.stream().filter(p -> p.role() == role).findFirst().orElse(null);
  }

  /** Groups parameters by path in the order they first appear. */
  static final class Builder {
    private final Map<String, List<Part>> byPath = new LinkedHashMap<>();

    /**
     * Adds a parameter.
     *
     * @param recipe null for the name itself
     */
    void add(String name, String recipe, long[] shape) {
      int cut = Math.max(name.lastIndexOf('/'), name.lastIndexOf('.'));
      String leaf = name.substring(cut + 1);
      Role role = Role.of(leaf, shape.length);
      // What is no usual part of a layer (a class token, a bias table) is matched on its own.
      // Both directions of an LSTM, several layers in one module: kernel, kernel_1, kernel_l1_reverse.
      String path = role == Role.OTHER || cut < 0 ? name : name.substring(0, cut) + Role.ending(leaf);
      add(path, new Part(role, leaf, recipe == null ? name : recipe, shape, false));
    }

    /** Adds a part to the layer of this path. */
    void add(String path, Part part) {
      byPath.computeIfAbsent(path, p -> new ArrayList<>()).add(part);
    }

    List<Layer> build() {
      List<Layer> layers = new ArrayList<>();
      byPath.forEach((path, parts) -> {
        boolean norm = parts.stream().anyMatch(p -> p.role() == Role.GAMMA || p.role() == Role.MEAN);
        List<Part> all = parts.stream()
            .map(p -> norm && p.role() == Role.BIAS ? new Part(Role.BETA, p.leaf(), p.recipe(), p.shape(), p.arranged()) : p).toList();
        layers.add(new Layer(path, layers.size(), all));
      });
      return layers;
    }
  }
}
