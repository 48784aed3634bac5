package dev.tenon.convert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.convert.ConversionRecord.VariableRecord;
import dev.tenon.frontend.ModelSource;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.io.OnnxWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Each row of the table in docs/names.md, read from there, against a model with that module. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class NamingTableTest {
  private static final Path DOC = Path.of(System.getProperty("tenon.root", "..")).resolve("docs/names.md");

  @TempDir
  private Path folder;
  private final Map<String, Map<String, String>> converted = new HashMap<>();

  static Stream<Arguments> rows() throws IOException {
    List<Arguments> rows = new ArrayList<>();
    for (String line : Files.readAllLines(DOC)) {
      if (line.startsWith("| `")) {
        String[] cells = line.split("\\s*\\|\\s*");
        rows.add(Arguments.of(cells[1].replace("`", ""), cells[2], cells[3].replace("`", ""), cells[4].replace("`", "")));
      }
    }
    assertTrue(rows.size() > 20, "the table has gone from " + DOC);
    return rows.stream();
  }

  @ParameterizedTest(name = "{1}: {0}")
  @MethodSource("rows")
  void theRowHolds(String parameters, String module, String variable, String recipe) {
    Map<String, String> recipes = converted.computeIfAbsent(module, this::convert);
    assertEquals(recipe, recipes.get(variable), "of " + recipes);
    for (String p : parameters.split(", ")) {
      assertTrue(recipe.contains(p), recipe + " is made of " + p);
    }
  }

  /** Variable to recipe. */
  private Map<String, String> convert(String module) {
    Graph g = new Graph("g");
    g.addOutput(build(g, module));
    Model m = new Model(g);
    m.opsetImports().put("", 21);
    m.setIrVersion(10);
    Path file = folder.resolve(module.replaceAll("\\W", "") + ".onnx");
    OnnxWriter.write(m, file);
    Path target = folder.resolve(module.replaceAll("\\W", ""));
    ConversionRecord record;
    try (ModelSource source = ModelSource.ofFile(file)) {
      record = new Converter(ConvertOptions.defaults(), Progress.NONE).convert(source, target).record();
    }
    Map<String, String> recipes = new LinkedHashMap<>();
    for (VariableRecord v : record.variables()) {
      Map<String, Tensor> sources = new HashMap<>();
      RecipeJson.sources(v.recipe(), "test").forEach(t -> sources.put(t.recipe().toString(), t));
      recipes.put(v.name(), RecipeJson.fromJson(v.recipe(), sources::get, "test").recipe().toString());
    }
    return recipes;
  }

  private static Value input(Graph g, long... dims) {
    return g.addInput("x", Type.tensor(DataType.FLOAT, Shape.of(dims)));
  }

  private static Value parameter(Graph g, String leaf, long... dims) {
    Random r = new Random(leaf.hashCode());
    int n = 1;
    for (long d : dims) {
      n *= (int) d;
    }
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = 0.5f + r.nextFloat();
    }
    return g.addInitializer("a.b." + leaf, Tensor.of(values, dims));
  }

  private static Value build(Graph g, String module) {
    return switch (module) {
      case "Conv2d" -> convolution(g, "Conv", 1, new long[] {5, 4, 3, 3}, 5, 1, 4, 8, 8);
      case "Conv1d" -> convolution(g, "Conv", 1, new long[] {5, 4, 3}, 5, 1, 4, 8);
      case "Conv2d, depthwise" -> convolution(g, "Conv", 4, new long[] {4, 1, 3, 3}, 4, 1, 4, 8, 8);
      case "ConvTranspose2d" -> convolution(g, "ConvTranspose", 1, new long[] {4, 5, 3, 3}, 5, 1, 4, 8, 8);
      case "Linear" -> g.newNode("Gemm").inputs(input(g, 2, 4), parameter(g, "weight", 3, 4), parameter(g, "bias", 3)).attr("transB", 1)
          .append().output();
      case "BatchNorm2d" -> g.newNode("BatchNormalization").inputs(input(g, 1, 4, 8, 8), parameter(g, "weight", 4), parameter(g, "bias", 4),
          parameter(g, "running_mean", 4), parameter(g, "running_var", 4)).append().output();
      case "LayerNorm" -> g.newNode("LayerNormalization").inputs(input(g, 2, 4), parameter(g, "weight", 4), parameter(g, "bias", 4))
          .append().output();
      case "GroupNorm" -> g.newNode("GroupNormalization").inputs(input(g, 1, 4, 8, 8), parameter(g, "weight", 4), parameter(g, "bias", 4))
          .attr("num_groups", 2).append().output();
      case "Embedding" -> g.newNode("Gather").inputs(parameter(g, "weight", 9, 4),
          g.addInput("x", Type.tensor(DataType.INT64, Shape.of(2, 3)))).append().output();
      case "LSTM" -> recurrent(g, "LSTM", new long[] {0, 3, 1, 2});
      case "GRU" -> recurrent(g, "GRU", new long[] {1, 0, 2});
      case "MultiheadAttention" -> projections(g);
      default -> throw new IllegalArgumentException("no model for the row of " + module);
    };
  }

  private static Value convolution(Graph g, String op, long groups, long[] kernel, long out, long... input) {
    return g.newNode(op).inputs(input(g, input), parameter(g, "weight", kernel), parameter(g, "bias", out)).attr("group", groups)
        .append().output();
  }

  private static Value projections(Graph g) {
    Value x = input(g, 2, 5, 4);
    Value w = g.newNode("Transpose").inputs(parameter(g, "in_proj_weight", 12, 4)).attr("perm", new long[] {1, 0}).append().output();
    Value y = g.newNode("MatMul").inputs(x, w).append().output();
    return g.newNode("Add").inputs(y, parameter(g, "in_proj_bias", 12)).append().output();
  }

  /** As PyTorch's exporters write it: gates put into ONNX's order, and a first dimension for directions. */
  private static Value recurrent(Graph g, String op, long[] order) {
    long rows = 3L * order.length;
    Value w = direction(g, gates(g, parameter(g, "weight_ih_l0", rows, 4), order));
    Value r = direction(g, gates(g, parameter(g, "weight_hh_l0", rows, 3), order));
    Value b = direction(g, g.newNode("Concat").inputs(gates(g, parameter(g, "bias_ih_l0", rows), order),
        gates(g, parameter(g, "bias_hh_l0", rows), order)).attr("axis", 0).append().output());
    var node = g.newNode(op).inputs(input(g, 5, 2, 4), w, r, b).attr("hidden_size", 3);
    return (op.equals("GRU") ? node.attr("linear_before_reset", 1) : node).append().output();
  }

  private static Value gates(Graph g, Value v, long[] order) {
    List<Value> parts = new ArrayList<>();
    for (long gate : order) {
      parts.add(g.newNode("Slice").inputs(v, vector(g, 3 * gate), vector(g, 3 * gate + 3), vector(g, 0)).append().output());
    }
    return g.newNode("Concat").inputs(parts.toArray(new Value[0])).attr("axis", 0).append().output();
  }

  private static Value direction(Graph g, Value v) {
    return g.newNode("Unsqueeze").inputs(v, vector(g, 0)).append().output();
  }

  private static Value vector(Graph g, long value) {
    return g.newInitializer("const", Tensor.vector(value));
  }
}
