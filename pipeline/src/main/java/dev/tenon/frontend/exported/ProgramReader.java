package dev.tenon.frontend.exported;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tenon.ir.Dim;
import dev.tenon.ir.diag.BadInputException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the program of an archive, {@code models/model.json}. The long lists, nodes and tensors, are read element by element, so that
 * memory is bounded by what is kept. Members that this reader does not know are ignored, as PyTorch does.
 */
final class ProgramReader {
  /** The schema's version; a change of it breaks readers. */
  static final int MAJOR = 8;

  /** Nesting is bounded, so that reading may recurse; names and strings have Jackson's own bounds. */
  static final ObjectMapper MAPPER = new ObjectMapper(JsonFactory.builder()
      .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(500).build())
      // Writers before schema version 8.9 wrote infinities as Python does.
      .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
      .build());

  /** Opens the JSON anew each time. */
  @FunctionalInterface
  interface Source {
    InputStream open() throws IOException;
  }

  private final Object file;
  private final String entry;

  // What has been read.
  private List<Argument> inputs;
  private List<Argument> outputs;
  private List<FxNode> nodes;
  private final Map<String, TensorMeta> tensors = new LinkedHashMap<>();
  private final Map<String, Dim> symInts = new LinkedHashMap<>();
  private GraphSignature signature;
  private final Map<String, ExportedProgram.Range> ranges = new LinkedHashMap<>();
  private List<String> forwardArguments = List.of();
  private PytreeSpec inputTree;
  private PytreeSpec outputTree;
  private final Map<String, List<String>> namedTuples = new HashMap<>();
  private String torchVersion = "";
  private List<String> verifiers = List.of();

  private ProgramReader(Object file, String entry) {
    this.file = file;
    this.entry = entry;
  }

  /**
   * Reads a program.
   *
   * @param file the archive, for messages
   * @param entry the entry in it
   * @throws BadInputException if the program is not one, or of another major version
   */
  static ExportedProgram read(Object file, String entry, Source json) {
    ProgramReader reader = new ProgramReader(file, entry);
    // The version comes last in the file, and only it says whether the rest can be understood.
    reader.parse(json, reader::checkVersion);
    reader.parse(json, reader::program);
    return reader.result();
  }

  /** Reads one member whose value is at the parser's current token. */
  @FunctionalInterface
  private interface Members {
    void read(String name, JsonParser p) throws IOException;
  }

  private void parse(Source json, Members members) {
    try (InputStream in = json.open(); JsonParser p = MAPPER.getFactory().createParser(in)) {
      p.nextToken();
      object(p, "$", members);
      if (p.nextToken() != null) {
        throw BadInputException.of(file, entry, "more after the end of the program", "one JSON object");
      }
    } catch (JsonProcessingException e) {
      String where = e.getLocation() == null ? "" : " at line " + e.getLocation().getLineNr() + ", column " + e.getLocation().getColumnNr();
      throw BadInputException.of(file, entry, "no JSON" + where + " (" + Texts.shortened(String.valueOf(e.getOriginalMessage())) + ")", "JSON");
    } catch (IOException e) {
      throw new BadInputException(file + ": " + entry + ": cannot read: " + e.getMessage(), e);
    }
  }

  private void object(JsonParser p, String path, Members members) throws IOException {
    if (p.currentToken() != JsonToken.START_OBJECT) {
      throw part(path, tree(p)).bad("no object", "one");
    }
    while (p.nextToken() == JsonToken.FIELD_NAME) {
      String name = p.currentName();
      p.nextToken();
      members.read(name, p);
    }
  }

  private static JsonNode tree(JsonParser p) throws IOException {
    JsonNode node = MAPPER.readTree(p);
    return node == null ? MAPPER.nullNode() : node;
  }

  private JsonPart part(String path, JsonNode node) {
    return JsonPart.of(file, entry, path, node);
  }

  // ---- the members of the program ----

  private boolean versionSeen;

  private void checkVersion(String name, JsonParser p) throws IOException {
    if (!name.equals("schema_version")) {
      p.skipChildren();
      return;
    }
    versionSeen = true;
    JsonPart version = part("$.schema_version", tree(p));
    long major = version.get("major").integer();
    if (major != MAJOR) {
      throw version.bad("schema version " + major + version.find("minor").map(m -> "." + m.integer()).orElse(""),
          "version " + MAJOR + " (PyTorch 2.6 and later); export the model again with torch.export.save");
    }
  }

  private void program(String name, JsonParser p) throws IOException {
    switch (name) {
      case "graph_module" -> object(p, "$.graph_module", this::graphModule);
      case "range_constraints" -> part("$.range_constraints", tree(p)).members().forEach((symbol, r) ->
          ranges.put(symbol, new ExportedProgram.Range(bound(r, "min_val"), bound(r, "max_val"))));
      case "torch_version" -> torchVersion = part("$.torch_version", tree(p)).text();
      case "verifiers" -> verifiers = part("$.verifiers", tree(p)).elements().stream().map(JsonPart::text).toList();
      default -> p.skipChildren();
    }
  }

  private static Long bound(JsonPart range, String name) {
    return range.find(name).filter(b -> !b.isText()).map(JsonPart::integer).orElse(null);
  }

  private void graphModule(String name, JsonParser p) throws IOException {
    switch (name) {
      case "graph" -> object(p, "$.graph_module.graph", this::graph);
      case "signature" -> signature = SignatureJson.read(part("$.graph_module.signature", tree(p)));
      case "module_call_graph" -> list(p, "$.graph_module.module_call_graph", this::moduleCall);
      case "treespec_namedtuple_fields" -> part("$.graph_module.treespec_namedtuple_fields", tree(p)).members().forEach((type, def) ->
          namedTuples.put(type, def.get("field_names").elements().stream().map(JsonPart::text).toList()));
      default -> p.skipChildren();
    }
  }

  private void graph(String name, JsonParser p) throws IOException {
    String path = "$.graph_module.graph." + name;
    switch (name) {
      case "inputs" -> inputs = GraphJson.arguments(part(path, tree(p)));
      case "outputs" -> outputs = GraphJson.arguments(part(path, tree(p)));
      case "nodes" -> {
        nodes = new ArrayList<>();
        list(p, path, n -> nodes.add(GraphJson.node(n)));
      }
      case "tensor_values" -> object(p, path, (tensor, q) -> tensors.put(tensor, GraphJson.tensorMeta(part(path + "." + tensor, tree(q)))));
      case "sym_int_values" -> object(p, path, (value, q) -> symInts.put(value, GraphJson.symInt(part(path + "." + value, tree(q)), false)));
      default -> p.skipChildren();
    }
  }

  /** Only the model's own call tells something: how arguments and results are nested. */
  private void moduleCall(JsonPart call) {
    if (!call.get("fqn").text().isEmpty()) {
      return;
    }
    call.find("signature").ifPresent(s -> {
      inputTree = s.find("in_spec").filter(t -> !t.text().isEmpty()).map(PytreeJson::read).orElse(null);
      outputTree = s.find("out_spec").filter(t -> !t.text().isEmpty()).map(PytreeJson::read).orElse(null);
      forwardArguments = s.find("forward_arg_names").map(all -> all.elements().stream().map(JsonPart::text).toList()).orElse(List.of());
    });
  }

  /** Reads one element. */
  @FunctionalInterface
  private interface Element {
    void read(JsonPart part);
  }

  private void list(JsonParser p, String path, Element element) throws IOException {
    if (p.currentToken() != JsonToken.START_ARRAY) {
      throw part(path, tree(p)).bad("no list", "one");
    }
    for (int i = 0; p.nextToken() != JsonToken.END_ARRAY; i++) {
      element.read(part(path + "[" + i + "]", tree(p)));
    }
  }

  // ---- the whole ----

  private ExportedProgram result() {
    requireRead(versionSeen ? this : null, "$.schema_version");
    requireRead(inputs, "$.graph_module.graph.inputs");
    requireRead(outputs, "$.graph_module.graph.outputs");
    requireRead(nodes, "$.graph_module.graph.nodes");
    requireRead(signature, "$.graph_module.signature");
    requireSame("inputs", inputs.size(), signature.inputs().size());
    requireSame("outputs", outputs.size(), signature.outputs().size());
    FxGraph graph = new FxGraph(inputs, outputs, nodes, tensors, symInts, false);
    return new ExportedProgram(graph, signature, ranges, forwardArguments, inputTree, outputTree, namedTuples, torchVersion, verifiers);
  }

  private void requireRead(Object value, String path) {
    if (value == null) {
      throw BadInputException.of(file, entry, "no " + path, "one");
    }
  }

  private void requireSame(String what, int graph, int described) {
    if (graph != described) {
      throw BadInputException.of(file, entry + ": $.graph_module.signature", described + " " + what + " described", "the graph's " + graph);
    }
  }
}
