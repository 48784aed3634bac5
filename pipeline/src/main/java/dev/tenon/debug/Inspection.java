package dev.tenon.debug;

import dev.tenon.convert.ConvertOptions;
import dev.tenon.convert.Converter;
import dev.tenon.convert.Progress;
import dev.tenon.custom.CustomOptions;
import dev.tenon.custom.OpsFile;
import dev.tenon.custom.Resolution;
import dev.tenon.custom.Way;
import dev.tenon.frontend.Frontends;
import dev.tenon.frontend.ModelSource;
import dev.tenon.frontend.ReadOptions;
import dev.tenon.frontend.SourceFormat;
import dev.tenon.frontend.aten.Schema;
import dev.tenon.frontend.aten.Schemas;
import dev.tenon.frontend.aten.TorchOperators;
import dev.tenon.ir.ArgumentNames;
import dev.tenon.ir.Attribute;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostic;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.diag.Severity;
import dev.tenon.ir.shape.ShapeInference;
import dev.tenon.tf.custom.CustomNodes;
import dev.tenon.tf.custom.LayoutKind;
import dev.tenon.tf.custom.OperatorLibrary;
import dev.tenon.tf.custom.OperatorNames;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * What is in a model, and what of it cannot be converted: the two first steps of any conversion. Weights stay in the file.
 *
 * @param format of the file
 * @param model as read, with its types inferred
 * @param fileBytes size of the file, external data not included
 * @param parameters elements of all floating-point constants
 * @param parameterBytes bytes of all constants
 * @param operators operator to how often it is used, subgraphs included, bodies of functions not
 * @param custom every use of an operator that is neither ONNX's nor defined in the model
 * @param customOperators the same by operator, with what could become of each
 * @param unsupported reasons why the model cannot be converted; empty if it can
 */
public record Inspection(SourceFormat format, Model model, long fileBytes, long parameters, long parameterBytes, Map<String, Integer> operators,
    List<CustomNode> custom, List<CustomOperator> customOperators, List<Diagnostic> unsupported) {

  /**
   * A custom operator.
   *
   * @param operator domain and name
   * @param tensorFlowName what a stub of it is called; empty if no name can be made of the operator's
   * @param way what it is resolved by; null if nothing
   * @param ways what it could be resolved by as things are, the first first
   * @param layout what layouts may believe of it; null if nothing is said
   */
  public record CustomOperator(String operator, String tensorFlowName, Way way, List<Way> ways, LayoutKind layout, List<CustomNode> uses) {}

  /**
   * A use of a custom operator.
   *
   * @param operator domain and name
   * @param schema PyTorch's signature of the operator; empty if it is not PyTorch's own
   * @param location module path and source line; empty if unknown
   * @param attributes name to value
   * @param attributeTypes name to type, in ONNX's words
   * @param inputs types of the inputs, in order
   * @param outputs types of the outputs, in order
   */
  public record CustomNode(String operator, String schema, String node, String location, Map<String, String> attributes,
      Map<String, String> attributeTypes, List<String> inputs, List<String> outputs) {}

  /**
   * Reads a model and tries to emit it, without writing anything.
   *
   * @param inputShapes shapes that the user gives to inputs, by name
   * @param given what the user gives for custom operators
   */
  public static Inspection of(ModelSource source, Map<String, Shape> inputShapes, CustomOptions given, Progress progress) {
    Model model = Frontends.read(source, new ReadOptions(inputShapes).withCustomTypes(Resolution.typer(given.ops())), new Diagnostics());
    ShapeInference.infer(model, new Diagnostics());
    List<OperatorLibrary> libraries = OperatorLibrary.loadAll(given.libraries());
    Map<String, Integer> operators = new TreeMap<>();
    model.graph().forEachNode(n -> operators.merge(n.qualifiedOp(), 1, Integer::sum));
    long[] totals = {0, 0};
    model.graph().initializers().forEach(v -> add(v.initializer(), totals));
    model.graph().forEachNode(n -> {
      n.subgraphs().forEach(g -> g.initializers().forEach(v -> add(v.initializer(), totals)));
      // Some exporters keep the weights in nodes.
      if (n.isOp("Constant") && n.attribute("value") != null && n.attribute("value").value() instanceof Tensor t) {
        add(t, totals);
      }
    });
    return new Inspection(SourceFormat.of(source), model, size(source), totals[0], totals[1], operators, customNodes(model),
        customOperators(source, inputShapes, given.ops(), libraries), unsupported(source, inputShapes, given, progress));
  }

  /** PyTorch's operators in the source's program and how often each is called; empty for ONNX. */
  public Map<String, Integer> torchOperators() {
    return TorchOperators.of(model);
  }

  /** The version of PyTorch that wrote the file, where its format says; else empty. */
  public String torchVersion() {
    return format == SourceFormat.EXPORTED_PROGRAM ? model.producerVersion() : "";
  }

  private static long size(ModelSource source) {
    try {
      return Files.size(source.file());
    } catch (IOException e) {
      throw new BadInputException(source.spec() + ": " + e.getMessage(), e);
    }
  }

  private static void add(Tensor t, long[] totals) {
    totals[0] += t.dtype().isFloat() ? t.numel() : 0;
    totals[1] += t.byteSize();
  }

  /** Read once more: resolving changes the model. */
  private static List<CustomOperator> customOperators(ModelSource source, Map<String, Shape> inputShapes, OpsFile ops,
      List<OperatorLibrary> libraries) {
    Model model = Frontends.read(source, new ReadOptions(inputShapes).withCustomTypes(Resolution.typer(ops)), new Diagnostics());
    ShapeInference.infer(model, new Diagnostics());
    Map<String, List<Node>> uses = CustomNodes.byOperator(model);
    uses.values().removeIf(nodes -> CustomNodes.hasBody(nodes.get(0), model) && ops.rule(CustomNodes.operator(nodes.get(0))).way() == null);
    Map<String, List<Way>> ways = new TreeMap<>();
    uses.forEach((operator, nodes) -> ways.put(operator, Resolution.applicable(operator, nodes.get(0), model, ops, libraries)));
    Resolution resolution = Resolution.of(model, ops, libraries);
    List<CustomOperator> all = new ArrayList<>();
    uses.forEach((operator, nodes) -> all.add(new CustomOperator(operator, OperatorNames.orEmpty(operator), resolution.ways().get(operator),
        ways.get(operator), resolution.layouts().get(operator), nodes.stream().map(Inspection::customNode).toList())));
    return all;
  }

  private static List<Diagnostic> unsupported(ModelSource source, Map<String, Shape> inputShapes, CustomOptions given, Progress progress) {
    try {
      return new Converter(ConvertOptions.defaults().withInputShapes(inputShapes).withCustom(given), progress).dryRun(source).errors();
    } catch (BadInputException e) {
      throw e;
    } catch (RuntimeException e) {
      // A model to look at is no less worth looking at because its conversion breaks.
      return List.of(new Diagnostic(Severity.ERROR, "conversion-fails", "", "", "the conversion fails: " + e, "this is a bug of Tenon"));
    }
  }

  /** Every use of an operator that is neither ONNX's nor defined in the model. */
  public static List<CustomNode> customNodes(Model model) {
    List<CustomNode> custom = new ArrayList<>();
    model.graph().forEachNode(n -> {
      if (CustomNodes.isCustom(n) && !CustomNodes.hasBody(n, model)) {
        custom.add(customNode(n));
      }
    });
    return custom;
  }

  private static CustomNode customNode(Node n) {
    Map<String, String> attributes = new LinkedHashMap<>();
    Map<String, String> types = new LinkedHashMap<>();
    n.attributes().forEach(a -> {
      attributes.put(a.name(), text(a));
      types.put(a.name(), a.kind().name().toLowerCase(Locale.ROOT));
    });
    String location = n.provenance().modulePath();
    if (!n.provenance().sourceLine().isEmpty()) {
      location += (location.isEmpty() ? "" : ", ") + n.provenance().sourceLine();
    }
    Schema schema = Schemas.builtin().find(n.domain() + "::" + n.opType(), n.overload());
    return new CustomNode(n.qualifiedOp(), schema == null ? "" : schema.toString(), n.label(), location, attributes, types,
        inputTypes(n), n.outputs().stream().map(Inspection::type).toList());
  }

  /** With the arguments' names, where the source has them. */
  private static List<String> inputTypes(Node n) {
    List<String> names = ArgumentNames.of(n);
    List<String> types = new ArrayList<>();
    for (int i = 0; i < n.inputs().size(); i++) {
      types.add((names.isEmpty() ? "" : names.get(i) + " ") + type(n.input(i)));
    }
    return types;
  }

  private static String type(Value v) {
    return v == null ? "-" : typeText(v);
  }

  /** {@code float32[batch,3,?,?]}: dimensions without a name are question marks. */
  public static String typeText(Value v) {
    return v.type() == null ? "of unknown type" : v.type().toString().replaceAll("\\?\\d+", "?");
  }

  private static String text(Attribute a) {
    Object v = a.value();
    if (v instanceof float[] f) {
      return shortened(Arrays.toString(f));
    } else if (v instanceof long[] l) {
      return shortened(Arrays.toString(l));
    } else if (v instanceof String s) {
      return "\"" + shortened(s) + "\"";
    }
    return v == null ? "reference to " + a.refName() : shortened(String.valueOf(v));
  }

  private static String shortened(String text) {
    return text.length() <= 80 ? text : text.substring(0, 77) + "...";
  }
}
