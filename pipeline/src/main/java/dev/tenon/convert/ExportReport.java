package dev.tenon.convert;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.frontend.SourceFormat;
import dev.tenon.ir.Model;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostic;
import dev.tenon.json.Json;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * What an export tells the user.
 *
 * @param file the ONNX model
 * @param data its external data; null if there is none
 * @param model as it was written
 * @param format what it was read from
 * @param sourceNodes nodes as read, subgraphs included
 * @param nodes nodes as written, subgraphs included
 * @param bytes of both files together
 * @param diagnostics warnings and notes
 * @param phases phase to milliseconds
 */
public record ExportReport(Path file, Path data, Model model, SourceFormat format, int sourceNodes, int nodes, long bytes,
    List<Diagnostic> diagnostics, Map<String, Long> phases) {

  /** For {@code --json}. */
  public ObjectNode toJson() {
    ObjectNode o = Json.object();
    o.put("onnx", file.toString());
    if (data != null) {
      o.put("external_data", data.toString());
    }
    o.put("bytes", bytes).put("format", format.label()).put("ir_version", model.irVersion());
    ObjectNode opsets = o.putObject("opsets");
    model.opsetImports().forEach((domain, version) -> opsets.put(domain.isEmpty() ? "ai.onnx" : domain, version));
    o.set("inputs", ports(model.graph().inputs()));
    o.set("outputs", ports(model.graph().outputs()));
    o.put("source_nodes", sourceNodes).put("nodes", nodes).put("initializers", model.graph().initializers().size());
    ObjectNode times = o.putObject("milliseconds");
    phases.forEach(times::put);
    o.set("diagnostics", ConversionReport.diagnostics(diagnostics));
    return o;
  }

  private static ArrayNode ports(Collection<Value> values) {
    ArrayNode a = Json.array();
    for (Value v : values) {
      if (!v.isInitializer()) {
        a.addObject().put("name", v.name()).put("type", String.valueOf(v.type()).replaceAll("\\?\\d+", "?"));
      }
    }
    return a;
  }
}
