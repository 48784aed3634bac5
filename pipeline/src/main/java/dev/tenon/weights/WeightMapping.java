package dev.tenon.weights;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A mapping file: which tensors of a checkpoint a variable, or a parameter that {@code tenon.json} names, is made of. Proposed by
 * {@code tenon weights --match}, edited by people, applied by {@code tenon weights --map}.
 *
 * @param file what messages call it
 * @param entries one for each target
 * @param unusedTensors names of tensors of the checkpoint that nothing is made of; for the reader's information
 */
public record WeightMapping(String file, List<Entry> entries, List<String> unusedTensors) {
  private static final int FORMAT = 1;
  private static final Set<String> FIELDS = Set.of("variable", "parameter", "from", "shape", "confidence", "reason");

  /**
   * A line.
   *
   * @param variable the target, a variable of the SavedModel; or null
   * @param parameter the target, a parameter that the recipes of {@code tenon.json} read; or null
   * @param from a recipe over the checkpoint's names, see {@link RecipeText}; null for a variable that is to keep its value
   * @param shape of the target, for the reader
   * @param confidence from 0 to 1, for the reader
   * @param reason why it was proposed, for the reader
   */
  public record Entry(String variable, String parameter, String from, List<Long> shape, double confidence, String reason) {
    /** The name of the target. */
    public String target() {
      return variable != null ? variable : parameter;
    }
  }

  /** Writes the file. */
  public void write(Path path) throws IOException {
    Files.writeString(path, Json.text(toJson()));
  }

  /** The file's contents. */
  public ObjectNode toJson() {
    ObjectNode o = Json.object().put("format", FORMAT);
    ArrayNode lines = o.putArray("mapping");
    for (Entry e : entries) {
      ObjectNode line = lines.addObject().put(e.variable != null ? "variable" : "parameter", e.target()).put("from", e.from);
      line.set("shape", Json.numbers(e.shape.stream().mapToLong(Long::longValue).toArray()));
      line.put("confidence", Math.round(e.confidence * 100) / 100.0).put("reason", e.reason);
    }
    o.set("unused_tensors", Json.strings(unusedTensors));
    return o;
  }

  /**
   * Reads a mapping file.
   *
   * @throws BadInputException if it is none, has two lines for one target, or a recipe that cannot be read
   */
  public static WeightMapping read(Path path) {
    String file = path.toString();
    ObjectNode o = Json.read(path);
    if (o.path("format").asInt() != FORMAT || !o.path("mapping").isArray()) {
      throw BadInputException.of(file, "", "no list 'mapping' of format " + FORMAT, "what 'tenon weights --match' writes");
    }
    Map<String, Entry> entries = new LinkedHashMap<>();
    int n = 0;
    for (JsonNode line : o.get("mapping")) {
      String place = "mapping line " + ++n;
      Entry e = entry(line, file, place);
      if (e.from != null) {
        RecipeText.parse(e.from, file, place);
      }
      if (entries.putIfAbsent((e.variable != null ? "v " : "p ") + e.target(), e) != null) {
        throw BadInputException.of(file, place, "a second line for " + e.target(), "one line for each target");
      }
    }
    List<String> unused = new ArrayList<>();
    o.path("unused_tensors").forEach(u -> unused.add(u.asText()));
    return new WeightMapping(file, List.copyOf(entries.values()), unused);
  }

  private static Entry entry(JsonNode line, String file, String place) {
    line.fieldNames().forEachRemaining(f -> {
      if (!FIELDS.contains(f)) {
        throw BadInputException.of(file, place, "a field '" + f + "'", "variable or parameter, and from");
      }
    });
    boolean variable = line.path("variable").isTextual();
    if (!line.isObject() || variable == line.path("parameter").isTextual()) {
      throw BadInputException.of(file, place, variable ? "a variable and a parameter" : "no target", "a variable or a parameter");
    }
    if (!line.path("from").isTextual() && !line.path("from").isNull()) {
      throw BadInputException.of(file, place, "no text 'from'", "a recipe, or null to leave the variable as it is");
    }
    if (!variable && line.get("from").isNull()) {
      throw BadInputException.of(file, place, "no recipe for parameter " + line.get("parameter").asText(), "one, or no such line");
    }
    List<Long> shape = new ArrayList<>();
    line.path("shape").forEach(d -> shape.add(d.asLong()));
    return new Entry(variable ? line.get("variable").asText() : null, variable ? null : line.get("parameter").asText(),
        line.get("from").isNull() ? null : line.get("from").asText(), shape, line.path("confidence").asDouble(), line.path("reason").asText());
  }

  /** The recipes for variables. */
  Map<String, Formula> variables() {
    return formulas(true);
  }

  /** The recipes for parameters of {@code tenon.json}. */
  Map<String, Formula> parameters() {
    return formulas(false);
  }

  private Map<String, Formula> formulas(boolean ofVariables) {
    Map<String, Formula> all = new LinkedHashMap<>();
    for (Entry e : entries) {
      if ((e.variable != null) == ofVariables) {
        all.put(e.target(), e.from == null ? null : RecipeText.parse(e.from, file, "line for " + e.target()));
      }
    }
    return all;
  }
}
