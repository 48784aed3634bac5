package dev.tenon.convert;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.ir.diag.Diagnostic;
import dev.tenon.ir.layout.ChannelsLast;
import dev.tenon.json.Json;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What a conversion tells the user.
 *
 * @param savedModel the folder
 * @param record what is in {@code tenon.json}
 * @param sourceNodes nodes of the source's graph, subgraphs included
 * @param operations operations of the TensorFlow graph
 * @param layout the choice of layouts, and the transposes it could not avoid
 * @param variableBytes bytes of all variables
 * @param trainable number of trainable variables
 * @param diagnostics warnings and notes
 * @param phases phase to milliseconds
 */
public record ConversionReport(Path savedModel, ConversionRecord record, int sourceNodes, int operations, ChannelsLast.Result layout, long variableBytes,
    int trainable, List<Diagnostic> diagnostics, Map<String, Long> phases) {

  /** For {@code --json}. */
  public ObjectNode toJson() {
    ObjectNode full = record.toJson();
    ObjectNode o = Json.object();
    o.put("saved_model", savedModel.toString());
    o.set("source", full.get("source"));
    o.set("options", full.get("options"));
    o.set("inputs", full.get("inputs"));
    o.set("outputs", full.get("outputs"));
    o.put("source_nodes", sourceNodes).put("operations", operations);
    o.put("transposes", layout.transposesLeft()).set("layout", full.get("layout"));
    o.putObject("variables").put("count", record.variables().size()).put("trainable", trainable).put("bytes", variableBytes);
    ObjectNode times = o.putObject("milliseconds");
    phases.forEach(times::put);
    o.set("diagnostics", diagnostics(diagnostics));
    return o;
  }

  /** Diagnostics as JSON. */
  public static ArrayNode diagnostics(List<Diagnostic> all) {
    ArrayNode a = Json.array();
    for (Diagnostic d : all) {
      a.addObject().put("severity", d.severity().name().toLowerCase(Locale.ROOT)).put("code", d.code()).put("node", d.node())
          .put("location", d.location()).put("message", d.message()).put("hint", d.hint());
    }
    return a;
  }
}
