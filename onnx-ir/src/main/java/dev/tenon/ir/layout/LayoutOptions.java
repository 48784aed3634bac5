package dev.tenon.ir.layout;

import java.util.LinkedHashMap;
import java.util.Locale;
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

  /**
   * Reads {@code nhwc}, {@code input=nhwc,mask=source}, or both ways together.
   *
   * @throws IllegalArgumentException with what was found and what was expected
   */
  public static LayoutOptions parse(String text) {
    Io io = Io.SOURCE;
    Map<String, Io> named = new LinkedHashMap<>();
    for (String part : text.split(",", -1)) {
      // Names may hold an equals sign themselves.
      int at = part.lastIndexOf('=');
      if (at < 0) {
        io = io(part, text);
      } else if (at == 0) {
        throw new IllegalArgumentException("found '" + text + "', expected source, nhwc, or NAME=nhwc");
      } else {
        named.put(part.substring(0, at), io(part.substring(at + 1), text));
      }
    }
    return defaults().withIo(io).withNamed(named);
  }

  private static Io io(String word, String text) {
    for (Io io : Io.values()) {
      if (io.name().equalsIgnoreCase(word)) {
        return io;
      }
    }
    throw new IllegalArgumentException("found '" + text + "', expected source, nhwc, or NAME=nhwc");
  }

  /** What {@link #parse} reads. */
  public String text() {
    StringBuilder b = new StringBuilder(io.name().toLowerCase(Locale.ROOT));
    named.forEach((name, layout) -> b.append(',').append(name).append('=').append(layout.name().toLowerCase(Locale.ROOT)));
    return b.toString();
  }

  Io of(String name) {
    return named.getOrDefault(name, io);
  }
}
