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
    return new PytreeSpec(type, part.find("context").map(PytreeJson::context).orElse(""), children);
  }

  /** JSON as text; a dictionary with a factory for what is missing has its keys in an object. */
  private static String context(JsonPart context) {
    return context.isText() ? context.text() : context.find("dict_context").map(JsonPart::json).orElse("");
  }

  /**
   * The keys in the context of a dictionary, a JSON list, or of a dataclass, a list of the fields and a list of those that are None;
   * empty for any other.
   */
  static List<String> keys(String context) {
    try {
      JsonNode node = ProgramReader.MAPPER.readTree(context);
      if (node == null || !node.isArray()) {
        return List.of();
      }
      List<String> keys = new ArrayList<>();
      for (JsonNode k : node.path(0).isArray() ? node.get(0) : node) {
        keys.add(k.asText());
      }
      return keys;
    } catch (JsonProcessingException e) {
      return List.of();
    }
  }
}
