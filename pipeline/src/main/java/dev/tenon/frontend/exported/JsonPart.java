package dev.tenon.frontend.exported;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tenon.ir.diag.BadInputException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A part of an untrusted JSON document that knows where it is: whoever asks it for something that it is not gets a
 * {@link BadInputException} with the file, the entry and the path inside, {@code $.graph.nodes[3].inputs}.
 */
final class JsonPart {
  private static final int LONGEST_PATH = 240;

  private final Document document;
  private final JsonPart parent;
  private final Object key;
  private final JsonNode node;

  /** What all parts have in common: the archive and the entry in it. */
  private record Document(Object file, String entry) {}

  private JsonPart(Document document, JsonPart parent, Object key, JsonNode node) {
    this.document = document;
    this.parent = parent;
    this.key = key;
    this.node = node;
  }

  /** The whole of an entry, or a piece that was read on its own. */
  static JsonPart of(Object file, String entry, String path, JsonNode node) {
    return new JsonPart(new Document(file, entry), null, path, node);
  }

  /** The file that this is in, for messages. */
  Object file() {
    return document.file;
  }

  /** The entry and the path in it. */
  String place() {
    return (document.entry.isEmpty() ? "" : document.entry + ": ") + path();
  }

  private String path() {
    List<JsonPart> chain = new ArrayList<>();
    for (JsonPart p = this; p != null; p = p.parent) {
      chain.add(0, p);
    }
    StringBuilder b = new StringBuilder();
    for (JsonPart p : chain) {
      if (p.key instanceof Integer i) {
        b.append('[').append(i).append(']');
      } else {
        b.append(b.length() == 0 ? "" : ".").append(Texts.shortened(p.key.toString()));
      }
    }
    if (b.length() > LONGEST_PATH) {
      b.replace(LONGEST_PATH / 2, b.length() - LONGEST_PATH / 2, "…");
    }
    return b.toString();
  }

  BadInputException bad(String found, String expected) {
    return BadInputException.of(document.file, place(), found, expected);
  }

  private BadInputException bad(String expected) {
    String found = switch (node.getNodeType()) {
      case OBJECT -> "an object";
      case ARRAY -> "a list";
      case STRING -> "the string \"" + Texts.shortened(node.textValue()) + "\"";
      default -> Texts.shortened(node.asText());
    };
    return bad(found, expected);
  }

  // ---- objects ----

  /** A member that must be there. */
  JsonPart get(String name) {
    JsonNode child = object().get(name);
    if (child == null) {
      throw bad("no \"" + name + "\"", "one");
    }
    return new JsonPart(document, this, name, child);
  }

  /** A member that may be missing or null. */
  Optional<JsonPart> find(String name) {
    JsonNode child = object().get(name);
    return child == null || child.isNull() ? Optional.empty() : Optional.of(new JsonPart(document, this, name, child));
  }

  private JsonNode object() {
    if (!node.isObject()) {
      throw bad("an object");
    }
    return node;
  }

  Map<String, JsonPart> members() {
    Map<String, JsonPart> all = new LinkedHashMap<>();
    Iterator<Map.Entry<String, JsonNode>> fields = object().fields();
    while (fields.hasNext()) {
      Map.Entry<String, JsonNode> f = fields.next();
      all.put(f.getKey(), new JsonPart(document, this, f.getKey(), f.getValue()));
    }
    return all;
  }

  /** The only member of a one-key object, which is how the format writes a choice. */
  Map.Entry<String, JsonPart> choice() {
    if (!node.isObject() || node.size() != 1) {
      throw node.isObject() ? bad("an object of " + node.size() + " members", "one member that names its kind") : bad("an object of one member");
    }
    return members().entrySet().iterator().next();
  }

  // ---- lists and leaves ----

  List<JsonPart> elements() {
    if (!node.isArray()) {
      throw bad("a list");
    }
    List<JsonPart> all = new ArrayList<>(node.size());
    for (int i = 0; i < node.size(); i++) {
      all.add(new JsonPart(document, this, i, node.get(i)));
    }
    return all;
  }

  boolean isText() {
    return node.isTextual();
  }

  boolean isNull() {
    return node.isNull();
  }

  /** This part as JSON again. */
  String json() {
    return node.toString();
  }

  String text() {
    if (!node.isTextual()) {
      throw bad("a string");
    }
    return node.textValue();
  }

  long integer() {
    if (!node.isIntegralNumber() || !node.canConvertToLong()) {
      throw bad("an integer of 64 bits");
    }
    return node.longValue();
  }

  /** A number that must be in a range, both ends included. */
  int integer(int min, int max) {
    long value = integer();
    if (value < min || value > max) {
      throw bad("an integer from " + min + " to " + max);
    }
    return (int) value;
  }

  boolean flag() {
    if (!node.isBoolean()) {
      throw bad("true or false");
    }
    return node.booleanValue();
  }

  /** A floating-point number; those that JSON has not are strings. */
  double number() {
    if (node.isNumber()) {
      return node.doubleValue();
    }
    if (node.isTextual()) {
      switch (node.textValue()) {
        case "Infinity":
          return Double.POSITIVE_INFINITY;
        case "-Infinity":
          return Double.NEGATIVE_INFINITY;
        case "NaN":
          return Double.NaN;
        default:
          break;
      }
    }
    throw bad("a number");
  }
}
