package dev.tenon.custom;

import dev.tenon.ir.diag.BadInputException;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;

/** A part of a YAML file that knows where it is: what is wrong with it is said with file, line and column. */
record YamlPart(Path file, String path, Node node) {

  BadInputException bad(String found, String expected) {
    int line = node.getStartMark() == null ? 1 : node.getStartMark().getLine() + 1;
    int column = node.getStartMark() == null ? 1 : node.getStartMark().getColumn() + 1;
    return BadInputException.of(file + ":" + line + ":" + column, path, found, expected);
  }

  /** The text of what stands here, for messages. */
  private String found() {
    return node instanceof ScalarNode s ? "'" + s.getValue() + "'" : node instanceof SequenceNode ? "a list" : "a mapping";
  }

  // ---- mappings ----

  /** The entries of a mapping, in order. */
  Map<String, YamlPart> entries() {
    if (!(node instanceof MappingNode m)) {
      throw bad(found(), "a mapping, 'name: value' a line");
    }
    Map<String, YamlPart> entries = new LinkedHashMap<>();
    for (NodeTuple t : m.getValue()) {
      if (!(t.getKeyNode() instanceof ScalarNode key)) {
        throw new YamlPart(file, path, t.getKeyNode()).bad("a key that is no name", "a name");
      }
      String name = key.getValue();
      YamlPart value = new YamlPart(file, path.isEmpty() ? name : path + "." + name, t.getValueNode());
      if (entries.put(name, value) != null) {
        throw new YamlPart(file, value.path, key).bad("the key " + name + " twice", "it once");
      }
    }
    return entries;
  }

  /** The entries of a mapping that may have these keys and no others. */
  Map<String, YamlPart> entries(String... allowed) {
    Map<String, YamlPart> entries = entries();
    entries.forEach((name, part) -> {
      if (!Arrays.asList(allowed).contains(name)) {
        throw part.bad("the key " + name, "one of " + String.join(", ", allowed));
      }
    });
    return entries;
  }

  boolean isMapping() {
    return node instanceof MappingNode;
  }

  boolean isList() {
    return node instanceof SequenceNode;
  }

  List<YamlPart> list() {
    if (!(node instanceof SequenceNode s)) {
      throw bad(found(), "a list, [a, b] say");
    }
    List<YamlPart> parts = new ArrayList<>();
    for (int i = 0; i < s.getValue().size(); i++) {
      parts.add(new YamlPart(file, path + "[" + i + "]", s.getValue().get(i)));
    }
    return parts;
  }

  // ---- values ----

  String text() {
    if (node instanceof ScalarNode s && !s.getTag().equals(Tag.NULL)) {
      return s.getValue();
    }
    throw bad(node instanceof ScalarNode ? "nothing" : found(), "a text");
  }

  int position() {
    if (node instanceof ScalarNode s && s.getValue().matches("\\d{1,4}")) {
      return Integer.parseInt(s.getValue());
    }
    throw bad(found(), "the position of an input, counted from 0");
  }

  /** A number, text, boolean, or list of these. */
  Object value() {
    if (node instanceof SequenceNode) {
      return list().stream().map(YamlPart::value).toList();
    }
    String text = text();
    Tag tag = node.getTag();
    try {
      if (tag.equals(Tag.INT)) {
        return new BigInteger(text.replace("_", "")).longValueExact();
      } else if (tag.equals(Tag.FLOAT)) {
        return text.matches("[-+]?\\.(inf|Inf|INF)") ? (text.startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY)
            : text.matches("\\.(nan|NaN|NAN)") ? Double.NaN : Double.parseDouble(text.replace("_", ""));
      }
    } catch (ArithmeticException | NumberFormatException e) {
      throw bad(found(), "a decimal number of at most 64 bits");
    }
    return tag.equals(Tag.BOOL) ? (Object) text.toLowerCase(Locale.ROOT).matches("true|yes|on") : text;
  }
}
