package dev.tenon.ir.layout;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * What the layout may change at the model's inputs and outputs, and what it is told about custom operators.
 *
 * @param io for the inputs and outputs that are not named
 * @param named name of an input or output to its layout
 * @param elementwise custom operators, as {@code domain::Name}, that compute element by element on inputs of one shape
 */
public record LayoutOptions(Io io, Map<String, Io> named, Set<String> elementwise) {
  /** How an input or output is stored. */
  public enum Io {
    /** As in the source. */
    SOURCE,
    /** With the channels last: images if not named, whatever has three to five dimensions if named. */
    NHWC
  }

  public LayoutOptions {
    named = new LinkedHashMap<>(named);
    elementwise = Set.copyOf(elementwise);
  }

  /** Inputs and outputs as in the source. */
  public static LayoutOptions defaults() {
    return new LayoutOptions(Io.SOURCE, Map.of(), Set.of());
  }

  public LayoutOptions withIo(Io value) {
    return new LayoutOptions(value, named, elementwise);
  }

  public LayoutOptions withNamed(Map<String, Io> value) {
    return new LayoutOptions(io, value, elementwise);
  }

  public LayoutOptions withElementwise(Set<String> value) {
    return new LayoutOptions(io, named, value);
  }

  Io of(String name) {
    return named.getOrDefault(name, io);
  }
}
