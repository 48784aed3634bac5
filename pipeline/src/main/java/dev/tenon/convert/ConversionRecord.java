package dev.tenon.convert;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.frontend.SourceFormat;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.layout.Permutations;
import dev.tenon.json.Json;
import dev.tenon.tf.TensorMapping;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * {@code tenon.json}: what was converted, how, and what became of each of its parts. Written beside {@code saved_model.pb}; the
 * same conversion writes the same bytes, so there are no times and no places in it.
 *
 * @param tenon the version that converted
 * @param source the model's file
 * @param options the options that change the result
 * @param inputs in order
 * @param outputs in order
 * @param parameters of the source, in its order
 * @param weights where the variables' values come from, if not from the source; else null
 * @param variables in the order TensorFlow lists them
 * @param tensors values of the source that a tensor of the SavedModel's function holds, in order of execution
 * @param layout what {@link LayoutReport} says of the transposes that are left
 * @param nodes node of the SavedModel's function to where it comes from
 * @param libraries the libraries of TensorFlow operators without which the SavedModel cannot be loaded
 * @param diagnostics what there was to say
 * @param versions name of a runtime to its version
 */
public record ConversionRecord(String tenon, Source source, ObjectNode options, List<Port> inputs, List<Port> outputs,
    List<Parameter> parameters, Weights weights, List<VariableRecord> variables, List<TensorMapping> tensors, ObjectNode layout, ObjectNode nodes,
    List<Library> libraries, ArrayNode diagnostics, Map<String, String> versions) {

  /** The file's name beside {@code saved_model.pb}. */
  public static final String FILE_NAME = "tenon.json";
  private static final int FORMAT = 1;

  /**
   * The model's file.
   *
   * @param file its last name, or Maven coordinates
   * @param format the label of a {@link dev.tenon.frontend.SourceFormat}
   * @param torch the version of PyTorch that wrote it, where the format says; else empty
   * @param sha256 of the file without external data, in hexadecimal
   */
  public record Source(String file, String format, String torch, String sha256, long bytes, String producer, long irVersion,
      Map<String, Integer> opsets) {}

  /** What became of a parameter. */
  public enum Use {
    /** Variables are made of it. */
    VARIABLE,
    /** Its elements are in constants of the graph. */
    CONSTANT,
    /** Both. */
    BOTH,
    /** The model's outputs do not depend on it, or it equals another. */
    NONE;

    String label() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** True if changing it would need another graph. */
    public boolean inGraph() {
      return this == CONSTANT || this == BOTH;
    }
  }

  /**
   * A parameter or buffer of the source.
   *
   * @param sha256 of its elements (little-endian, row-major) if they are in the graph, in hexadecimal; else empty
   * @param sameAs another parameter with the same elements that stands for it (tied weights), or empty
   * @param persistent false for a buffer or constant that the source's state_dict does not hold
   */
  public record Parameter(String name, String dtype, List<Long> shape, Use use, String sha256, String sameAs, boolean persistent) {}

  /**
   * The checkpoint that was poured into the variables.
   *
   * @param file its last name
   * @param sha256 of the file, in hexadecimal
   * @param kept variables that kept the values they had
   */
  public record Weights(String file, String sha256, List<String> kept) {}

  /**
   * An input or output.
   *
   * @param onnx its name in the source
   * @param tensorFlow its name in the signature
   * @param shape numbers, and names of what is dynamic ({@code ?} without one); null if the rank is unknown
   * @param perm dimension i in TensorFlow is dimension {@code perm[i]} of the source; empty if the layout is the source's
   */
  public record Port(String onnx, String tensorFlow, String dtype, List<String> shape, List<Integer> perm) {
    /** A tensor in the source's layout as TensorFlow takes it. */
    public Tensor toTensorFlow(Tensor t) {
      return perm.size() == t.rank() ? permuted(t, perm.stream().mapToInt(i -> i).toArray()) : t;
    }

    /** A tensor from TensorFlow in the source's layout. */
    public Tensor fromTensorFlow(Tensor t) {
      return perm.size() == t.rank() ? permuted(t, Permutations.inverse(perm.stream().mapToInt(i -> i).toArray())) : t;
    }

    private static Tensor permuted(Tensor t, int[] perm) {
      return t.permute(perm).evaluated();
    }
  }

  /**
   * A variable.
   *
   * @param name its name in TensorFlow
   * @param checkpointKey its name in the checkpoint
   * @param recipe how its elements come from the source's parameters, see {@link RecipeJson}
   */
  public record VariableRecord(String name, String checkpointKey, String dtype, List<Long> shape, boolean trainable, ObjectNode recipe) {}

  /**
   * A library of TensorFlow operators.
   *
   * @param file its last name
   * @param sha256 of the file, in hexadecimal
   * @param operators that it registers with TensorFlow and the SavedModel uses
   */
  public record Library(String file, String sha256, List<String> operators) {}

  // ---- writing ----

  /** The whole record as JSON. */
  public ObjectNode toJson() {
    ObjectNode o = Json.object();
    o.put("format", FORMAT);
    o.put("tenon", tenon);
    ObjectNode s = o.putObject("source");
    s.put("file", source.file).put("format", source.format);
    if (!source.torch.isEmpty()) {
      s.put("torch", source.torch);
    }
    s.put("sha256", source.sha256).put("bytes", source.bytes).put("producer", source.producer);
    s.put("ir_version", source.irVersion);
    ObjectNode opsets = s.putObject("opsets");
    source.opsets.forEach((domain, version) -> opsets.put(domain.isEmpty() ? "ai.onnx" : domain, version));
    o.set("options", options);
    o.set("inputs", ports(inputs));
    o.set("outputs", ports(outputs));
    o.set("parameters", parametersJson());
    if (weights != null) {
      ObjectNode w = o.putObject("weights").put("file", weights.file).put("sha256", weights.sha256);
      w.set("kept", Json.strings(weights.kept));
    }
    ArrayNode vs = o.putArray("variables");
    for (VariableRecord v : variables) {
      ObjectNode n = vs.addObject();
      n.put("name", v.name).put("checkpoint_key", v.checkpointKey).put("dtype", v.dtype);
      n.set("shape", Json.numbers(v.shape.stream().mapToLong(Long::longValue).toArray()));
      n.put("trainable", v.trainable).set("recipe", v.recipe);
    }
    ArrayNode ts = o.putArray("tensors");
    for (TensorMapping t : tensors) {
      ObjectNode n = ts.addObject().put("value", t.value()).put("tensor", t.tensor());
      if (!t.perm().isEmpty()) {
        n.set("perm", Json.numbers(t.perm().stream().mapToLong(Integer::longValue).toArray()));
      }
    }
    o.set("layout", layout);
    o.set("nodes", nodes);
    if (!libraries.isEmpty()) {
      ArrayNode ls = o.putArray("libraries");
      libraries.forEach(l -> ls.addObject().put("file", l.file).put("sha256", l.sha256).set("operators", Json.strings(l.operators)));
    }
    o.set("diagnostics", diagnostics);
    ObjectNode v = o.putObject("versions");
    versions.forEach(v::put);
    return o;
  }

  private ArrayNode parametersJson() {
    ArrayNode a = Json.array();
    for (Parameter p : parameters) {
      ObjectNode n = a.addObject().put("name", p.name).put("dtype", p.dtype);
      n.set("shape", Json.numbers(p.shape.stream().mapToLong(Long::longValue).toArray()));
      n.put("use", p.use.label());
      if (!p.sha256.isEmpty()) {
        n.put("sha256", p.sha256);
      }
      if (!p.sameAs.isEmpty()) {
        n.put("same_as", p.sameAs);
      }
      if (!p.persistent) {
        n.put("persistent", false);
      }
    }
    return a;
  }

  private static ArrayNode ports(List<Port> ports) {
    ArrayNode a = Json.array();
    for (Port p : ports) {
      ObjectNode n = a.addObject().put("onnx", p.onnx).put("tensorflow", p.tensorFlow).put("dtype", p.dtype);
      if (p.shape == null) {
        n.putNull("shape");
        continue;
      }
      if (!p.perm.isEmpty()) {
        n.set("perm", Json.numbers(p.perm.stream().mapToLong(Integer::longValue).toArray()));
      }
      ArrayNode dims = n.putArray("shape");
      for (String d : p.shape) {
        if (d.matches("\\d+")) {
          dims.add(Long.parseLong(d));
        } else {
          dims.add(d);
        }
      }
    }
    return a;
  }

  /** The same, with variables from another checkpoint. */
  public ConversionRecord withWeights(Weights poured) {
    return new ConversionRecord(tenon, source, options, inputs, outputs, parameters, poured, variables, tensors, layout, nodes, libraries,
        diagnostics, versions);
  }

  public void write(Path folder) throws IOException {
    Files.writeString(folder.resolve(FILE_NAME), Json.text(toJson()));
  }

  // ---- reading ----

  /** Reads the record of a SavedModel that Tenon wrote. */
  public static ConversionRecord read(Path savedModel) {
    Path file = savedModel.resolve(FILE_NAME);
    if (!Files.isRegularFile(file)) {
      throw BadInputException.of(savedModel, "", Files.exists(savedModel.resolve("saved_model.pb")) ? "a SavedModel without " + FILE_NAME
          : Files.isDirectory(savedModel) ? "no " + FILE_NAME : "no such folder", "a folder that 'tenon convert' wrote");
    }
    ObjectNode o = Json.read(file);
    if (o.path("format").asInt() != FORMAT) {
      throw BadInputException.of(file, "format", o.path("format").toString(), String.valueOf(FORMAT));
    }
    JsonNode s = o.path("source");
    Map<String, Integer> opsets = new LinkedHashMap<>();
    s.path("opsets").fields().forEachRemaining(f -> opsets.put(f.getKey().equals("ai.onnx") ? "" : f.getKey(), f.getValue().asInt()));
    Source source = new Source(s.path("file").asText(), s.path("format").asText(SourceFormat.ONNX.label()),
        s.path("torch").asText(), s.path("sha256").asText(), s.path("bytes").asLong(), s.path("producer").asText(),
        s.path("ir_version").asLong(), opsets);
    List<Parameter> parameters = new ArrayList<>();
    for (JsonNode p : o.path("parameters")) {
      parameters.add(new Parameter(p.path("name").asText(), p.path("dtype").asText(), longs(p.path("shape")), use(p.path("use"), file),
          p.path("sha256").asText(), p.path("same_as").asText(), p.path("persistent").asBoolean(true)));
    }
    JsonNode w = o.path("weights");
    List<String> kept = new ArrayList<>();
    w.path("kept").forEach(k -> kept.add(k.asText()));
    Weights weights = w.isObject() ? new Weights(w.path("file").asText(), w.path("sha256").asText(), kept) : null;
    List<VariableRecord> variables = new ArrayList<>();
    for (JsonNode v : o.path("variables")) {
      variables.add(new VariableRecord(v.path("name").asText(), v.path("checkpoint_key").asText(), v.path("dtype").asText(),
          longs(v.path("shape")), v.path("trainable").asBoolean(), object(v.path("recipe"), file)));
    }
    List<TensorMapping> tensors = new ArrayList<>();
    for (JsonNode t : o.path("tensors")) {
      tensors.add(new TensorMapping(t.path("value").asText(), t.path("tensor").asText(),
          longs(t.path("perm")).stream().map(Math::toIntExact).toList()));
    }
    List<Library> libraries = new ArrayList<>();
    for (JsonNode l : o.path("libraries")) {
      List<String> operators = new ArrayList<>();
      l.path("operators").forEach(op -> operators.add(op.asText()));
      libraries.add(new Library(l.path("file").asText(), l.path("sha256").asText(), operators));
    }
    Map<String, String> versions = new LinkedHashMap<>();
    o.path("versions").fields().forEachRemaining(f -> versions.put(f.getKey(), f.getValue().asText()));
    return new ConversionRecord(o.path("tenon").asText(), source, object(o.path("options"), file), readPorts(o.path("inputs")),
        readPorts(o.path("outputs")), parameters, weights, variables, tensors, o.path("layout") instanceof ObjectNode l ? l : Json.object(),
        object(o.path("nodes"), file), libraries,
        o.path("diagnostics") instanceof ArrayNode a ? a : Json.array(), versions);
  }

  private static Use use(JsonNode n, Path file) {
    for (Use u : Use.values()) {
      if (u.label().equals(n.asText())) {
        return u;
      }
    }
    throw BadInputException.of(file, "parameters", "use " + n, "variable, constant, both or none");
  }

  private static ObjectNode object(JsonNode n, Path file) {
    if (n instanceof ObjectNode o) {
      return o;
    }
    throw BadInputException.of(file, "", n.isMissingNode() ? "a part missing" : n.getNodeType().toString(), "a JSON object");
  }

  private static List<Port> readPorts(JsonNode list) {
    List<Port> ports = new ArrayList<>();
    for (JsonNode p : list) {
      List<String> shape = null;
      if (p.path("shape").isArray()) {
        shape = new ArrayList<>();
        for (JsonNode d : p.path("shape")) {
          shape.add(d.asText());
        }
      }
      ports.add(new Port(p.path("onnx").asText(), p.path("tensorflow").asText(), p.path("dtype").asText(), shape,
          longs(p.path("perm")).stream().map(Math::toIntExact).toList()));
    }
    return ports;
  }

  private static List<Long> longs(JsonNode list) {
    List<Long> values = new ArrayList<>();
    list.forEach(e -> values.add(e.asLong()));
    return values;
  }
}
