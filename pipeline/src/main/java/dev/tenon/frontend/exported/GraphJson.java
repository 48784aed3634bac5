package dev.tenon.frontend.exported;

import dev.tenon.frontend.archive.ScalarType;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.io.ModulePaths;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** Reads the parts of a graph: nodes, arguments, and what was known of tensors. */
final class GraphJson {
  /** How deep graphs of higher-order operators may be nested; each is lowered within the one around it. */
  private static final int DEEPEST = 24;
  /** PyTorch itself has no tensors of more dimensions. */
  private static final int MOST_DIMENSIONS = 64;

  private GraphJson() {}

  // ---- graphs and nodes ----

  /** A graph inside an argument. */
  private static FxGraph graph(JsonPart part, int depth) {
    if (depth > DEEPEST) {
      throw part.bad("graphs nested deeper than " + DEEPEST, "fewer");
    }
    List<FxNode> nodes = new ArrayList<>();
    for (JsonPart n : part.get("nodes").elements()) {
      nodes.add(node(n, depth));
    }
    Map<String, TensorMeta> tensors = new LinkedHashMap<>();
    part.get("tensor_values").members().forEach((name, meta) -> tensors.put(name, tensorMeta(meta)));
    Map<String, Dim> symInts = new LinkedHashMap<>();
    part.find("sym_int_values").ifPresent(all -> all.members().forEach((name, value) -> symInts.put(name, symInt(value, false))));
    boolean single = part.find("is_single_tensor_return").map(JsonPart::flag).orElse(false);
    return new FxGraph(arguments(part.get("inputs"), depth), arguments(part.get("outputs"), depth), nodes, tensors, symInts, single);
  }

  static FxNode node(JsonPart part) {
    return node(part, 0);
  }

  private static FxNode node(JsonPart part, int depth) {
    String name = part.find("name").map(JsonPart::text).orElse("");
    List<FxNode.NamedArgument> inputs = new ArrayList<>();
    for (JsonPart i : part.get("inputs").elements()) {
      boolean keyword = i.find("kind").map(k -> k.integer(0, 2) == 2).orElse(false);
      inputs.add(new FxNode.NamedArgument(i.get("name").text(), argument(i.get("arg"), depth), keyword));
    }
    Optional<JsonPart> metadata = part.find("metadata");
    String[] module = metadata.flatMap(m -> m.find("nn_module_stack")).filter(JsonPart::isText).map(m -> module(m.text()))
        .orElse(new String[] {"", ""});
    String line = metadata.flatMap(m -> m.find("stack_trace")).filter(JsonPart::isText)
        .map(t -> ModulePaths.sourceLine(Map.of(ModulePaths.STACK_TRACE, t.text()))).orElse("");
    return new FxNode(name, part.get("target").text(), inputs, arguments(part.get("outputs"), depth), module[0], module[1], line);
  }

  /**
   * Path and class of the innermost module of {@code key,path,class;key,path,class}. A path may have commas in parentheses:
   * {@code blocks.slice(None, 2, None).1}.
   */
  private static String[] module(String stack) {
    String innermost = stack.substring(stack.lastIndexOf(';') + 1);
    List<String> parts = new ArrayList<>();
    int open = 0;
    int start = 0;
    for (int i = 0; i < innermost.length(); i++) {
      char c = innermost.charAt(i);
      if (c == '(' || c == '[') {
        open++;
      } else if (c == ')' || c == ']') {
        open--;
      } else if (c == ',' && open == 0) {
        parts.add(innermost.substring(start, i));
        start = i + 1;
      }
    }
    parts.add(innermost.substring(start));
    if (parts.size() != 3 || parts.get(1).startsWith("_empty_nn_module_stack")) {
      return new String[] {"", ""};
    }
    // A module that is called more than once has the number of the call behind its path.
    String path = parts.get(1).replaceFirst("@\\d+$", "");
    if (path.startsWith("L['self']")) {
      path = path.substring("L['self']".length());
    } else if (path.equals("L__self__")) {
      path = "";
    }
    return new String[] {path.startsWith(".") ? path.substring(1) : path, parts.get(2)};
  }

  // ---- arguments ----

  static List<Argument> arguments(JsonPart list) {
    return arguments(list, 0);
  }

  private static List<Argument> arguments(JsonPart list, int depth) {
    List<Argument> all = new ArrayList<>();
    for (JsonPart a : list.elements()) {
      all.add(argument(a, depth));
    }
    return all;
  }

  static Argument argument(JsonPart part) {
    return argument(part, 0);
  }

  private static Argument argument(JsonPart part, int depth) {
    Map.Entry<String, JsonPart> choice = part.choice();
    JsonPart value = choice.getValue();
    switch (choice.getKey()) {
      case "as_graph":
        return new Argument.Subgraph(value.get("name").text(), graph(value.get("graph"), depth + 1));
      case "as_string_to_argument":
        Map<String, Argument> entries = new LinkedHashMap<>();
        value.members().forEach((key, a) -> entries.put(key, argument(a, depth + 1)));
        return new Argument.Dictionary(entries);
      default:
        Argument leaf = leaf(choice.getKey(), value);
        return leaf != null ? leaf : list(choice.getKey(), value);
    }
  }

  /** An argument that is no list; null for kinds that are none. */
  private static Argument leaf(String kind, JsonPart value) {
    return switch (kind) {
      case "as_none" -> Argument.None.NONE;
      case "as_tensor" -> new Argument.Tensor(value.get("name").text());
      case "as_int" -> new Argument.Int(value.integer());
      case "as_float" -> new Argument.Float(value.number());
      case "as_bool" -> new Argument.Bool(value.flag());
      case "as_string" -> new Argument.Text(value.text());
      case "as_complex" -> new Argument.Complex(value.get("real").number(), value.get("imag").number());
      case "as_sym_int" -> symbolic(value, Argument.SymbolicKind.INT);
      case "as_sym_float" -> symbolic(value, Argument.SymbolicKind.FLOAT);
      case "as_sym_bool" -> symbolic(value, Argument.SymbolicKind.BOOL);
      case "as_optional_tensor" -> optionalTensor(value);
      case "as_scalar_type" -> new Argument.ScalarType(value.integer(0, 1000));
      case "as_memory_format" -> new Argument.MemoryFormat(value.integer(0, 1000));
      case "as_layout" -> new Argument.Layout(value.integer(0, 1000));
      case "as_device" -> new Argument.Device(value.get("type").text() + value.find("index").map(i -> ":" + i.integer()).orElse(""));
      case "as_operator" -> new Argument.Operator(value.text());
      case "as_custom_obj" -> new Argument.CustomObject(value.get("name").text(), value.find("class_fqn").map(JsonPart::text).orElse(""));
      default -> null;
    };
  }

  private static Argument list(String kind, JsonPart value) {
    return switch (kind) {
      case "as_tensors" -> sequence(value, e -> new Argument.Tensor(e.get("name").text()));
      case "as_optional_tensors" -> sequence(value, GraphJson::optionalTensor);
      case "as_nested_tensors" -> sequence(value, inner -> sequence(inner, e -> new Argument.Tensor(e.get("name").text())));
      case "as_ints" -> sequence(value, e -> new Argument.Int(e.integer()));
      case "as_floats" -> sequence(value, e -> new Argument.Float(e.number()));
      case "as_bools" -> sequence(value, e -> new Argument.Bool(e.flag()));
      case "as_strings" -> sequence(value, e -> new Argument.Text(e.text()));
      case "as_int_lists" -> sequence(value, inner -> sequence(inner, e -> new Argument.Int(e.integer())));
      case "as_float_lists" -> sequence(value, inner -> sequence(inner, e -> new Argument.Float(e.number())));
      case "as_sym_ints" -> sequence(value, e -> symbolic(e, Argument.SymbolicKind.INT));
      case "as_sym_floats" -> sequence(value, e -> symbolic(e, Argument.SymbolicKind.FLOAT));
      case "as_sym_bools" -> sequence(value, e -> symbolic(e, Argument.SymbolicKind.BOOL));
      default -> new Argument.Unknown(kind);
    };
  }

  private static Argument.Sequence sequence(JsonPart list, Function<JsonPart, Argument> element) {
    List<Argument> all = new ArrayList<>();
    for (JsonPart e : list.elements()) {
      all.add(element.apply(e));
    }
    return new Argument.Sequence(all);
  }

  /** A named value, or a constant in a list of both. */
  private static Argument symbolic(JsonPart part, Argument.SymbolicKind kind) {
    Map.Entry<String, JsonPart> choice = part.choice();
    JsonPart value = choice.getValue();
    return switch (choice.getKey()) {
      case "as_name" -> new Argument.Symbolic(kind, value.text());
      case "as_int" -> new Argument.Int(value.integer());
      case "as_float" -> new Argument.Float(value.number());
      case "as_bool" -> new Argument.Bool(value.flag());
      default -> throw part.bad("the kind \"" + Texts.shortened(choice.getKey()) + "\"", "as_name or a constant");
    };
  }

  private static Argument optionalTensor(JsonPart part) {
    Map.Entry<String, JsonPart> choice = part.choice();
    return switch (choice.getKey()) {
      case "as_tensor" -> new Argument.Tensor(choice.getValue().get("name").text());
      case "as_none" -> Argument.None.NONE;
      default -> throw part.bad("the kind \"" + Texts.shortened(choice.getKey()) + "\"", "as_tensor or as_none");
    };
  }

  // ---- tensors and sizes ----

  static TensorMeta tensorMeta(JsonPart part) {
    DataType dtype = ScalarType.ofExported(part.get("dtype").integer(0, 1000)).flatMap(ScalarType::dtype).orElse(DataType.UNDEFINED);
    boolean strided = part.get("layout").integer(0, 1000) == 7;
    return new TensorMeta(dtype, dims(part.get("sizes")), dims(part.get("strides")), symInt(part.get("storage_offset"), true), strided);
  }

  private static List<Dim> dims(JsonPart list) {
    List<JsonPart> elements = list.elements();
    if (elements.size() > MOST_DIMENSIONS) {
      throw list.bad(elements.size() + " dimensions", "at most " + MOST_DIMENSIONS);
    }
    return elements.stream().map(e -> symInt(e, true)).toList();
  }

  /** A number or an expression of symbols; what cannot be understood is unknown. */
  static Dim symInt(JsonPart part, boolean isSize) {
    Map.Entry<String, JsonPart> choice = part.choice();
    if (choice.getKey().equals("as_int")) {
      long value = choice.getValue().integer();
      if (isSize && value < 0) {
        throw part.bad("the size " + value, "one that is not negative");
      }
      return Dim.of(value);
    }
    if (!choice.getKey().equals("as_expr")) {
      throw part.bad("the kind \"" + Texts.shortened(choice.getKey()) + "\"", "as_int or as_expr");
    }
    return SymbolicExpressions.parse(choice.getValue().get("expr_str").text())
        .orElseGet(() -> isSize ? Dim.unknown() : Dim.unknownInteger());
  }
}
