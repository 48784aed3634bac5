package dev.tenon.frontend.exported;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/** Reads {@code [1, {"type": …, "context": …, "children_spec": […]}]}, which programs hold as strings. */
final class PytreeJson {
  private PytreeJson() {}

  /** The tree in a string of the program. */
  static PytreeSpec read(JsonPart part) {
    JsonNode node;
    try {
      node = ProgramReader.MAPPER.readTree(part.text());
    } catch (JsonProcessingException e) {
      throw part.bad("text that is no JSON", "a tree specification");
    }
    JsonPart whole = JsonPart.of(part.file(), part.place(), "$", node);
    List<JsonPart> elements = whole.elements();
    if (elements.size() != 2) {
      throw whole.bad(elements.size() + " elements", "a version and a tree");
    }
    elements.get(0).integer(1, 1);
    return tree(elements.get(1));
  }

  // The depth is bounded by that of the JSON.
  private static PytreeSpec tree(JsonPart part) {
    String type = part.find("type").map(JsonPart::text).orElse("");
    if (type.isEmpty()) {
      return PytreeSpec.LEAF;
    }
    List<PytreeSpec> children = new ArrayList<>();
    for (JsonPart c : part.get("children_spec").elements()) {
      children.add(tree(c));
    }
    return new PytreeSpec(type, part.find("context").filter(JsonPart::isText).map(JsonPart::text).orElse(""), children);
  }

  /** The strings and numbers of a context that is a JSON list, the keys of a dictionary; empty for any other. */
  static List<String> keys(String context) {
    try {
      JsonNode node = ProgramReader.MAPPER.readTree(context);
      if (node == null || !node.isArray()) {
        return List.of();
      }
      List<String> keys = new ArrayList<>();
      for (JsonNode k : node) {
        keys.add(k.asText());
      }
      return keys;
    } catch (JsonProcessingException e) {
      return List.of();
    }
  }
}
