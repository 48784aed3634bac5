package dev.tenon.custom;

import dev.tenon.frontend.aten.Schema;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.tf.custom.Body;
import dev.tenon.tf.custom.Declaration;
import dev.tenon.tf.custom.Declaration.Slot;
import dev.tenon.tf.custom.LayoutKind;
import dev.tenon.tf.custom.OperatorBinding;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.Node;

/**
 * {@code ops.yaml}: what the user says of the custom operators of a model. Read strictly: a key that means nothing, a way without what it
 * needs, a value of another kind end with file, line and column.
 *
 * @param file null for rules that come from the command line alone
 * @param rules operator, {@code com.example::SoftThreshold}, to what is said of it
 */
public record OpsFile(Path file, Map<String, OperatorRule> rules) {
  /** Nothing is said. */
  public static final OpsFile NONE = new OpsFile(null, Map.of());
  private static final int MAX_BYTES = 1 << 20;
  private static final String OPERATOR = "[^:\\s]+::[^:\\s]+";
  private static final String OP_NAME = "[A-Z][A-Za-z0-9_]*(>[A-Z][A-Za-z0-9_]*)*";

  public OpsFile {
    rules = new LinkedHashMap<>(rules);
  }

  /** What is said of an operator. */
  public OperatorRule rule(String operator) {
    return rules.getOrDefault(operator, OperatorRule.NONE);
  }

  /** What errors name as the place of a rule. */
  Object place() {
    return file == null ? "--resolve" : file;
  }

  /**
   * The same with what the command line says of an operator.
   *
   * @param how {@code function}, {@code emitter}, {@code stub}, {@code stub:Name}, {@code onnx:file.onnx} or {@code tensorflow:Name}
   * @throws IllegalArgumentException with what was found and expected
   */
  public OpsFile withWay(String operator, String how) {
    requireOperator(operator);
    int colon = how.indexOf(':');
    String label = colon < 0 ? how : how.substring(0, colon);
    String what = colon < 0 ? "" : how.substring(colon + 1);
    Way way = Way.ofLabel(label).orElse(null);
    boolean complete = way != null && switch (way) {
      case ONNX -> Files.isRegularFile(Path.of(what));
      case TENSORFLOW -> what.matches(OP_NAME);
      case STUB -> what.isEmpty() || what.matches(OP_NAME);
      case FUNCTION, EMITTER -> what.isEmpty();
    };
    if (!complete) {
      throw new IllegalArgumentException("found '" + how + "', expected function, onnx:FILE (an ONNX file that is there), emitter, "
          + "tensorflow:NAME, stub or stub:NAME");
    }
    return with(operator, rule(operator).withWay(way, way == Way.ONNX ? Path.of(what).toAbsolutePath() : null, way == Way.ONNX ? ""
        : what));
  }

  /** The same with the layout that the command line says of an operator. */
  public OpsFile withLayout(String operator, String label) {
    requireOperator(operator);
    LayoutKind kind = LayoutKind.ofLabel(label).orElseThrow(
        () -> new IllegalArgumentException("found '" + label + "', expected elementwise, channels-last or opaque"));
    return with(operator, rule(operator).withLayout(kind));
  }

  private static void requireOperator(String operator) {
    if (!operator.matches(OPERATOR)) {
      throw new IllegalArgumentException("found operator '" + operator + "', expected domain and name, com.example::SoftThreshold");
    }
  }

  private OpsFile with(String operator, OperatorRule rule) {
    Map<String, OperatorRule> more = new LinkedHashMap<>(rules);
    more.put(operator, rule);
    return new OpsFile(file, more);
  }

  /**
   * Fails if it speaks of an operator that the model does not have: a typing error that would else go unnoticed.
   *
   * @param custom the model's custom operators
   */
  public void check(Set<String> custom) {
    for (String operator : rules.keySet()) {
      if (!custom.contains(operator)) {
        throw BadInputException.of(place(), "operators", operator, custom.isEmpty() ? "no rule: the model has no custom operators"
            : "one of the model's custom operators: " + String.join(", ", new TreeSet<>(custom)));
      }
    }
  }

  // ---- reading ----

  /** Reads a file. */
  public static OpsFile read(Path file) {
    String text;
    try {
      if (Files.isRegularFile(file) && Files.size(file) > MAX_BYTES) {
        throw BadInputException.of(file, "", Files.size(file) + " bytes", "at most " + MAX_BYTES);
      }
      text = Files.readString(file, StandardCharsets.UTF_8);
    } catch (MalformedInputException e) {
      throw BadInputException.of(file, "", "bytes that are no UTF-8", "YAML");
    } catch (IOException e) {
      throw BadInputException.of(file, "", Files.exists(file) ? "that it cannot be read (" + e.getMessage() + ")" : "no such file", "YAML");
    }
    LoaderOptions options = new LoaderOptions();
    options.setAllowDuplicateKeys(false);
    options.setMaxAliasesForCollections(0);
    Node root;
    try {
      root = new Yaml(new SafeConstructor(options)).compose(new StringReader(text));
    } catch (MarkedYAMLException e) {
      int line = e.getProblemMark() == null ? 1 : e.getProblemMark().getLine() + 1;
      int column = e.getProblemMark() == null ? 1 : e.getProblemMark().getColumn() + 1;
      throw BadInputException.of(file + ":" + line + ":" + column, "", e.getProblem(), "YAML");
    } catch (YAMLException e) {
      throw BadInputException.of(file, "", String.valueOf(e.getMessage()).lines().findFirst().orElse("something else"), "YAML");
    }
    if (root == null) {
      throw BadInputException.of(file, "", "an empty file", "'operators:' and below it an operator a line");
    }
    Map<String, YamlPart> top = new YamlPart(file, "", root).entries("operators");
    Map<String, OperatorRule> rules = new LinkedHashMap<>();
    top.values().forEach(operators -> operators.entries().forEach((operator, part) -> {
      if (!operator.matches(OPERATOR)) {
        throw part.bad("operator " + operator, "domain and name, com.example::SoftThreshold");
      }
      rules.put(operator, rule(part));
    }));
    return new OpsFile(file, rules);
  }

  private static OperatorRule rule(YamlPart part) {
    Map<String, YamlPart> e = part.entries("resolve", "definition", "reference", "op", "schema", "inputs", "outputs", "defaults", "feed",
        "attributes", "layout", "body");
    Way way = e.containsKey("resolve") ? way(e.get("resolve")) : e.containsKey("definition") ? Way.ONNX : null;
    if (way == Way.ONNX && !e.containsKey("definition")) {
      throw part.bad("no definition", "'definition: FILE.onnx', which 'resolve: onnx' needs");
    }
    if (way == Way.TENSORFLOW && !e.containsKey("op")) {
      throw part.bad("no op", "'op: NAME', which 'resolve: tensorflow' needs");
    }
    onlyWith(e, way, "definition", Way.ONNX);
    onlyWith(e, way, "feed", Way.TENSORFLOW);
    onlyWith(e, way, "attributes", Way.TENSORFLOW);
    Schema schema = e.containsKey("schema") ? schema(e.get("schema")) : null;
    List<Slot> inputs = e.containsKey("inputs") ? slots(e.get("inputs")) : List.of();
    List<Slot> outputs = new ArrayList<>();
    List<OperatorRule.OutputType> types = new ArrayList<>();
    if (e.containsKey("outputs")) {
      e.get("outputs").list().forEach(o -> output(o, inputs, outputs, types));
    }
    Map<String, Object> defaults = new LinkedHashMap<>();
    if (e.containsKey("defaults")) {
      e.get("defaults").entries().forEach((name, v) -> defaults.put(name, v.value()));
    }
    String op = e.containsKey("op") ? op(e.get("op")) : "";
    Map<String, Integer> feed = new LinkedHashMap<>();
    if (e.containsKey("feed")) {
      e.get("feed").entries().forEach((name, v) -> feed.put(name, v.position()));
    }
    Map<String, OperatorBinding.Source> attributes = new LinkedHashMap<>();
    if (e.containsKey("attributes")) {
      e.get("attributes").entries().forEach((name, v) -> attributes.put(name, source(v)));
    }
    return new OperatorRule(way, file(e.get("definition")), file(e.get("reference")), new Declaration(op, inputs, outputs, defaults),
        schema, types, feed,
        attributes, e.containsKey("layout") ? layout(e.get("layout")) : null, e.containsKey("body") ? body(e.get("body")) : null);
  }

  private static void onlyWith(Map<String, YamlPart> entries, Way way, String key, Way its) {
    if (entries.containsKey(key) && way != its) {
      throw entries.get(key).bad("'" + key + "' with " + (way == null ? "no 'resolve'" : "'resolve: " + way.label() + "'"),
          "it with 'resolve: "
          + its.label() + "' only");
    }
  }

  private static Way way(YamlPart p) {
    return Way.ofLabel(p.text()).orElseThrow(() -> p.bad("'" + p.text() + "'", "one of function, onnx, emitter, tensorflow, stub"));
  }

  private static LayoutKind layout(YamlPart p) {
    return LayoutKind.ofLabel(p.text()).orElseThrow(() -> p.bad("'" + p.text() + "'", "one of elementwise, channels-last, opaque"));
  }

  private static String op(YamlPart p) {
    if (!p.text().matches(OP_NAME)) {
      throw p.bad("'" + p.text() + "'", "the name of a TensorFlow operator: letters and digits, a capital letter first");
    }
    return p.text();
  }

  private static Schema schema(YamlPart p) {
    try {
      return Schema.parse(p.text());
    } catch (IllegalArgumentException e) {
      throw p.bad("'" + p.text() + "'", "a schema as PyTorch writes it, ns::op(Tensor x, float alpha=1.0) -> Tensor");
    }
  }

  private static Path file(YamlPart p) {
    if (p == null) {
      return null;
    }
    Path parent = p.file().toAbsolutePath().getParent();
    Path file = parent.resolve(p.text());
    if (!Files.isRegularFile(file)) {
      throw p.bad("'" + p.text() + "', and no such file in " + parent, "an ONNX file, its path relative to this one");
    }
    return file;
  }

  private static List<Slot> slots(YamlPart p) {
    List<Slot> slots = new ArrayList<>();
    p.list().forEach(s -> slots.add(slot(s)));
    return slots;
  }

  private static Slot slot(YamlPart p) {
    Slot s = Slot.parse(p.text());
    if (s == null) {
      throw p.bad("'" + p.text() + "'", "a name, 'optional NAME' or 'list NAME'");
    }
    return s;
  }

  private static void output(YamlPart p, List<Slot> inputs, List<Slot> outputs, List<OperatorRule.OutputType> types) {
    if (!p.isMapping()) {
      outputs.add(slot(p));
      types.add(null);
      return;
    }
    Map<String, YamlPart> e = p.entries("name", "type", "shape");
    if (!e.containsKey("name")) {
      throw p.bad("no name", "'name: y', and 'type:' and 'shape:' if the model does not say them");
    }
    outputs.add(slot(e.get("name")));
    DataType dtype = null;
    int typeOf = -1;
    if (e.containsKey("type")) {
      String text = e.get("type").text();
      dtype = DataType.ofLabel(text).orElse(null);
      typeOf = dtype == null ? input(e.get("type"), inputs, "an element type (float32, int64, ...)") : -1;
    }
    int shapeOf = -1;
    List<Dim> dims = null;
    if (e.containsKey("shape") && e.get("shape").isList()) {
      dims = e.get("shape").list().stream().map(OpsFile::dim).toList();
    } else if (e.containsKey("shape")) {
      shapeOf = input(e.get("shape"), inputs, "a list of dimensions");
    }
    types.add(new OperatorRule.OutputType(dtype, typeOf, shapeOf, dims));
  }

  private static Dim dim(YamlPart p) {
    try {
      return p.text().equals("?") ? Dim.unknown() : Dim.parse(p.text());
    } catch (IllegalArgumentException e) {
      throw p.bad("'" + p.text() + "'", "a number, a name, an expression of these like 2*h, or ?");
    }
  }

  /** The position of an input that is named. */
  private static int input(YamlPart p, List<Slot> inputs, String other) {
    for (int i = 0; i < inputs.size(); i++) {
      if (inputs.get(i).name().equals(p.text())) {
        return i;
      }
    }
    throw p.bad("'" + p.text() + "'", other + ", or one of the names in 'inputs:' before it");
  }

  private static OperatorBinding.Source source(YamlPart p) {
    if (!p.isMapping()) {
      return new OperatorBinding.Source(p.text(), null);
    }
    Map<String, YamlPart> e = p.entries("value");
    if (!e.containsKey("value")) {
      throw p.bad("nothing", "'value: 0.5', or the name of an attribute instead");
    }
    return new OperatorBinding.Source(null, e.get("value").value());
  }

  private static Body body(YamlPart p) {
    if (!p.isMapping()) {
      if (p.text().equals("identity")) {
        return Body.IDENTITY;
      }
      throw p.bad("'" + p.text() + "'", "identity, or 'expression: ...' below it");
    }
    Map<String, YamlPart> e = p.entries("expression", "per_channel");
    if (!e.containsKey("expression")) {
      throw p.bad("no expression", "'expression: fmax(x, 0)'");
    }
    Set<String> perChannel = new LinkedHashSet<>();
    if (e.containsKey("per_channel")) {
      e.get("per_channel").list().forEach(n -> perChannel.add(n.text()));
    }
    return Body.expression(e.get("expression").text(), perChannel);
  }
}
