package dev.tenon.json;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.ir.diag.BadInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Iterator;
import java.util.Locale;
import java.util.Map;

/** Makes, prints and reads JSON trees. */
public final class Json {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private Json() {}

  public static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  public static ArrayNode array() {
    return JsonNodeFactory.instance.arrayNode();
  }

  public static ArrayNode strings(Collection<String> values) {
    ArrayNode a = array();
    values.forEach(a::add);
    return a;
  }

  public static ArrayNode numbers(long... values) {
    ArrayNode a = array();
    for (long v : values) {
      a.add(v);
    }
    return a;
  }

  /** A number with four significant digits, or null for NaN and infinities, which JSON has not. */
  public static void putRounded(ObjectNode o, String field, double value) {
    if (Double.isFinite(value)) {
      o.put(field, Double.parseDouble(String.format(Locale.ROOT, "%.3e", value)));
    } else {
      o.putNull(field);
    }
  }

  /** One line. */
  public static String line(JsonNode node) {
    try {
      return MAPPER.writeValueAsString(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** For people and for diffs: the fields of the top on lines of their own, and the elements of their lists and objects too. */
  public static String text(ObjectNode top) {
    StringBuilder b = new StringBuilder("{");
    String separator = "\n";
    Iterator<Map.Entry<String, JsonNode>> fields = top.fields();
    while (fields.hasNext()) {
      Map.Entry<String, JsonNode> f = fields.next();
      b.append(separator).append("  ").append(quoted(f.getKey())).append(": ");
      appendInner(b, f.getValue());
      separator = ",\n";
    }
    return b.append("\n}\n").toString();
  }

  private static void appendInner(StringBuilder b, JsonNode node) {
    boolean nested = node.isArray() && node.size() > 0 && node.get(0).isContainerNode();
    if (nested) {
      String separator = "[\n    ";
      for (JsonNode e : node) {
        b.append(separator).append(line(e));
        separator = ",\n    ";
      }
      b.append("\n  ]");
    } else if (node.isObject() && node.size() > 0) {
      String separator = "{\n    ";
      Iterator<Map.Entry<String, JsonNode>> fields = node.fields();
      while (fields.hasNext()) {
        Map.Entry<String, JsonNode> f = fields.next();
        b.append(separator).append(quoted(f.getKey())).append(": ").append(line(f.getValue()));
        separator = ",\n    ";
      }
      b.append("\n  }");
    } else {
      b.append(line(node));
    }
  }

  private static String quoted(String text) {
    return line(JsonNodeFactory.instance.textNode(text));
  }

  /** Reads a file that must hold one JSON object. */
  public static ObjectNode read(Path file) {
    try {
      JsonNode node = MAPPER.readTree(Files.readAllBytes(file));
      if (node instanceof ObjectNode o) {
        return o;
      }
      throw BadInputException.of(file, "", "no JSON object", "one");
    } catch (JsonProcessingException e) {
      throw BadInputException.of(file, "line " + (e.getLocation() == null ? "?" : e.getLocation().getLineNr()), "text that is no JSON", "JSON");
    } catch (IOException e) {
      throw new BadInputException(file + ": cannot read: " + e.getMessage(), e);
    }
  }
}
