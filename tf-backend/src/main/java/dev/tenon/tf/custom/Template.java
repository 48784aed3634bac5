package dev.tenon.tf.custom;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A text with places {@code @LIKE_THIS@} to be filled in. A line that is nothing but a place filled with nothing goes away. */
final class Template {
  private static final Pattern PLACE = Pattern.compile("@([A-Z_]+)@");

  private final String name;
  private final Map<String, String> places = new LinkedHashMap<>();

  private Template(String name) {
    this.name = name;
  }

  /** A resource beside this class. */
  static Template of(String resource) {
    return new Template(resource);
  }

  Template fill(String place, String text) {
    places.put(place, text);
    return this;
  }

  Template fill(String place, List<String> lines) {
    return fill(place, String.join("\n", lines));
  }

  String text() {
    StringBuilder out = new StringBuilder();
    for (String line : resource(name).split("\n", -1)) {
      Matcher whole = PLACE.matcher(line);
      if (whole.matches() && value(whole.group(1)).isEmpty()) {
        continue;
      }
      out.append(PLACE.matcher(line).replaceAll(m -> Matcher.quoteReplacement(value(m.group(1))))).append('\n');
    }
    return out.substring(0, out.length() - 1);
  }

  private String value(String place) {
    String v = places.get(place);
    if (v == null) {
      throw new IllegalStateException(name + " asks for " + place);
    }
    return v;
  }

  static String resource(String name) {
    try (InputStream in = Template.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
