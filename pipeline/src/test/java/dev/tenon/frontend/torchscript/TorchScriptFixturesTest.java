package dev.tenon.frontend.torchscript;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tenon.frontend.ConversionSteps;
import dev.tenon.frontend.ModelSource;
import dev.tenon.frontend.checkpoint.SafetensorsReader;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Model;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.ort.OrtModel;
import dev.tenon.ir.testing.Fixtures;
import dev.tenon.verify.TensorComparison;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The committed archives of TorchScript, traced, scripted and frozen, give in ONNX Runtime what PyTorch gave when they were made. */
class TorchScriptFixturesTest {
  /** Float32 through some dozen layers whose sums are done in another order; the figure that the project promises. */
  private static final double TOLERANCE = 1e-4;
  private static final Path MODELS = Fixtures.root().resolve("testmodels");

  // ---- small modules, testmodels/torchscript ----

  static List<String> modules() {
    try (Stream<Path> files = Files.list(MODELS.resolve("torchscript"))) {
      return files.map(f -> f.getFileName().toString()).filter(f -> f.endsWith(".pt")).map(f -> f.substring(0, f.length() - 3)).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @ParameterizedTest
  @MethodSource("modules")
  void smallModulesGiveWhatPyTorchGives(String name) {
    SafetensorsReader recorded = SafetensorsReader.open(MODELS.resolve("torchscript").resolve(name + ".safetensors"));
    Map<String, Shape> shapes = new LinkedHashMap<>();
    recorded.metadata().forEach((input, dims) -> {
      if (!input.isEmpty()) {
        shapes.put(input, Shape.of(Stream.of(dims.split(",")).map(Dim::parse).toList()));
      }
    });
    Model model = converted(MODELS.resolve("torchscript").resolve(name + ".pt"), shapes);
    try (OrtModel ort = OrtModel.open(model, OrtModel.Options.reference())) {
      int i = 0;
      for (; recorded.tensors().containsKey(i + ".out0"); i++) {
        check(model, ort, ordered(recorded.tensors(), i + ".in"), ordered(recorded.tensors(), i + ".out"), name + " on case " + i);
      }
      assertTrue(i > 0, "cases for " + name);
    }
  }

  private static List<Tensor> ordered(Map<String, Tensor> recorded, String prefix) {
    return IntStream.iterate(0, j -> recorded.containsKey(prefix + j), j -> j + 1).mapToObj(j -> recorded.get(prefix + j)).toList();
  }

  // ---- architectures, testmodels/torch ----

  static List<String> architectures() throws IOException {
    List<String> all = new ArrayList<>();
    for (JsonNode m : manifest()) {
      m.path("files").fieldNames().forEachRemaining(f -> {
        if (f.endsWith(".pt")) {
          all.add(m.path("name").asText() + "/" + f);
        }
      });
    }
    return all;
  }

  private static JsonNode manifest() throws IOException {
    return new ObjectMapper().readTree(MODELS.resolve("torch/models.json").toFile());
  }

  @ParameterizedTest
  @MethodSource("architectures")
  void architecturesGiveWhatPyTorchGives(String name) throws IOException {
    Path file = MODELS.resolve("torch").resolve(name);
    JsonNode entry = null;
    for (JsonNode m : manifest()) {
      entry = m.path("name").asText().equals(file.getParent().getFileName().toString()) ? m : entry;
    }
    List<Integer> cases = new ArrayList<>();
    entry.path("files").path(file.getFileName().toString()).forEach(c -> cases.add(c.asInt()));
    // Traced code has names of its own for the inputs.
    List<String> names = TorchScriptFrontend.read(ModelSource.ofFile(file), shapes(entry, cases), new Diagnostics()).graph().inputs().stream()
        .map(Value::name).toList();
    Map<String, Shape> shapes = new LinkedHashMap<>();
    shapes(entry, cases).values().forEach(s -> shapes.put(names.get(shapes.size()), s));
    Model model = converted(file, shapes);
    checkCases(model, file, cases, name);
    ConversionSteps.apply(model);
    checkCases(model, file, cases, name + " after passes and layout");
  }

  private static void checkCases(Model model, Path file, List<Integer> cases, String what) {
    try (OrtModel ort = OrtModel.open(model, OrtModel.Options.reference())) {
      for (int c : cases) {
        Map<String, Tensor> recorded = SafetensorsReader.open(file.resolveSibling("case" + c + ".safetensors")).tensors();
        check(model, ort, numbered(recorded, "input."), numbered(recorded, "output."), what + " on case " + c);
      }
    }
  }

  /** The shapes that a user would give: sizes that differ between the cases are open, those that are always the same are one symbol. */
  private static Map<String, Shape> shapes(JsonNode entry, List<Integer> cases) {
    Map<List<Long>, Dim> symbols = new HashMap<>();
    Map<String, Shape> shapes = new LinkedHashMap<>();
    for (JsonNode input : entry.path("inputs")) {
      String name = input.path("name").asText();
      List<JsonNode> sizes = cases.stream().map(c -> entry.path("cases").path(c).path("inputs").path(name)).toList();
      List<Dim> dims = new ArrayList<>();
      for (int axis = 0; axis < sizes.get(0).size(); axis++) {
        int a = axis;
        List<Long> values = sizes.stream().map(s -> s.path(a).asLong()).toList();
        dims.add(values.stream().distinct().count() == 1 ? Dim.of(values.get(0))
            : symbols.computeIfAbsent(values, v -> Dim.symbol(symbols.isEmpty() ? "batch" : "size" + symbols.size())));
      }
      shapes.put(name, Shape.of(dims));
    }
    return shapes;
  }

  private static List<Tensor> numbered(Map<String, Tensor> recorded, String prefix) {
    return recorded.keySet().stream().filter(k -> k.startsWith(prefix)).sorted(Comparator.comparingInt(k -> Integer.parseInt(k.split("\\.")[1])))
        .map(recorded::get).toList();
  }

  // ---- both ----

  private static Model converted(Path file, Map<String, Shape> shapes) {
    Diagnostics diagnostics = new Diagnostics();
    Model model = TorchScriptFrontend.read(ModelSource.ofFile(file), shapes, diagnostics);
    Set<String> custom = new TreeSet<>();
    model.graph().forEachNode(n -> {
      if (!n.domain().isEmpty()) {
        custom.add(n.qualifiedOp());
      }
      assertFalse(n.provenance().sources().isEmpty(), "nodes know what they come from");
    });
    assertEquals(List.of(), diagnostics.errors());
    assertEquals(Set.of(), custom);
    return model;
  }

  private static void check(Model model, OrtModel ort, List<Tensor> inputs, List<Tensor> outputs, String what) {
    Map<String, Tensor> feeds = new LinkedHashMap<>();
    List<Value> wanted = model.graph().inputs();
    assertEquals(wanted.size(), inputs.size(), what + ": inputs");
    for (int i = 0; i < inputs.size(); i++) {
      feeds.put(wanted.get(i).name(), inputs.get(i));
    }
    Map<String, Tensor> actual = ort.run(feeds);
    List<Value> given = model.graph().outputs();
    assertEquals(outputs.size(), given.size(), what + ": outputs");
    for (int i = 0; i < outputs.size(); i++) {
      TensorComparison c = TensorComparison.of(outputs.get(i), actual.get(given.get(i).name()));
      double tolerance = TensorComparison.toleranceOf(outputs.get(i).dtype(), TOLERANCE);
      assertTrue(c.problem().isEmpty() && c.scaled() <= tolerance, what + ": " + given.get(i).name() + ": " + c);
    }
  }
}
