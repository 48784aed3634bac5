package dev.tenon.frontend.exported;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tenon.frontend.ConversionSteps;
import dev.tenon.frontend.Frontends;
import dev.tenon.frontend.ModelSource;
import dev.tenon.frontend.ReadOptions;
import dev.tenon.frontend.checkpoint.SafetensorsReader;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostic;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.ort.OrtModel;
import dev.tenon.ir.testing.Fixtures;
import dev.tenon.verify.TensorComparison;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The committed archives, high-level and decomposed, give in ONNX Runtime what PyTorch gave when they were made. */
class ExportedFixturesTest {
  /** Float32 through some dozen layers whose sums are done in another order; the figure that the project promises. */
  private static final double TOLERANCE = 1e-4;

  private static final Path MODELS = Fixtures.root().resolve("testmodels");
  private static final Map<String, String> NOT_CONVERTED = notConverted();

  private static Map<String, String> notConverted() {
    Map<String, String> reasons = new LinkedHashMap<>();
    try (var in = ExportedFixturesTest.class.getResourceAsStream("not-converted.txt")) {
      new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().filter(l -> !l.startsWith("#") && !l.isBlank())
          .forEach(l -> reasons.put(l.substring(0, l.indexOf(':')), l.substring(l.indexOf(':') + 2)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return reasons;
  }

  static List<String> archives() {
    List<String> all = new ArrayList<>();
    for (String folder : new String[] {"torch", "programs"}) {
      try (Stream<Path> files = Files.walk(MODELS.resolve(folder), 2)) {
        files.filter(f -> f.toString().endsWith(".pt2")).map(f -> MODELS.relativize(f).toString().replace('\\', '/')).sorted().forEach(all::add);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return all;
  }

  @ParameterizedTest
  @MethodSource("archives")
  void givesWhatPyTorchGives(String name) throws IOException {
    Path file = MODELS.resolve(name);
    Diagnostics diagnostics = new Diagnostics();
    Model model = Frontends.read(ModelSource.ofFile(file), ReadOptions.defaults(), diagnostics);
    Set<String> custom = new TreeSet<>();
    model.graph().forEachNode(n -> {
      if (!n.domain().isEmpty()) {
        custom.add(n.qualifiedOp());
      }
    });
    if (NOT_CONVERTED.containsKey(name)) {
      assertTrue(diagnostics.hasErrors() || !custom.isEmpty(), name + " converts now: take it off the list not-converted.txt");
      return;
    }
    assertEquals(List.of(), diagnostics.errors());
    assertEquals(Set.of(), custom);
    assertEquals(List.of(), contradictions(diagnostics), "types and shapes are those that the file says");
    checkCases(model, file, name);
    ConversionSteps.apply(model);
    checkCases(model, file, name + " after passes and layout");
  }

  private static void checkCases(Model model, Path file, String what) throws IOException {
    try (OrtModel ort = OrtModel.open(model, OrtModel.Options.reference())) {
      for (int i : cases(file)) {
        Path values = file.resolveSibling("case" + i + ".safetensors");
        check(model, ort, SafetensorsReader.open(values).tensors(), what + " on " + values.getFileName());
      }
    }
  }

  private static List<Diagnostic> contradictions(Diagnostics diagnostics) {
    return diagnostics.all().stream().filter(d -> d.code().contains("mismatch") || d.code().equals("invalid-node")).toList();
  }

  /** The cases that the program was exported for; those of other sizes are for TorchScript. */
  private static List<Integer> cases(Path file) throws IOException {
    Path manifest = file.getParent().resolveSibling("models.json");
    if (Files.exists(manifest)) {
      for (JsonNode m : new ObjectMapper().readTree(manifest.toFile())) {
        JsonNode cases = m.path("files").path(file.getFileName().toString());
        if (m.path("name").asText().equals(file.getParent().getFileName().toString()) && cases.isArray()) {
          List<Integer> all = new ArrayList<>();
          cases.forEach(c -> all.add(c.asInt()));
          return all;
        }
      }
    }
    return List.of(0, 1);
  }

  private static void check(Model model, OrtModel ort, Map<String, Tensor> recorded, String what) {
    Deque<String> given = ordered(recorded, "input.");
    Map<String, Tensor> feeds = new LinkedHashMap<>();
    for (Value input : model.graph().inputs()) {
      // Recorded arguments that the program was specialized on are no inputs.
      while (!given.isEmpty() && !fits(recorded.get(given.peek()), input)) {
        given.pop();
      }
      assertTrue(!given.isEmpty(), what + ": nothing recorded for input " + input);
      feeds.put(input.name(), recorded.get(given.pop()));
    }
    Map<String, Tensor> actual = ort.run(feeds);
    Deque<String> expected = ordered(recorded, "output.");
    for (Value output : model.graph().outputs()) {
      Tensor a = actual.get(output.name());
      // Numbers among the results are outputs, but not always recorded.
      if (a.rank() == 0 && (expected.isEmpty() || !fits(recorded.get(expected.peek()), output))) {
        continue;
      }
      assertTrue(!expected.isEmpty(), what + ": nothing recorded for output " + output);
      String key = expected.pop();
      TensorComparison c = TensorComparison.of(recorded.get(key), a);
      double tolerance = TensorComparison.toleranceOf(a.dtype(), TOLERANCE);
      assertTrue(c.problem().isEmpty() && c.scaled() <= tolerance, what + ": " + key + ": " + c);
    }
    assertTrue(expected.isEmpty(), what + ": no output for " + expected);
  }

  private static boolean fits(Tensor t, Value v) {
    return t.dtype() == v.dtype() && t.rank() == v.rank();
  }

  private static Deque<String> ordered(Map<String, Tensor> recorded, String prefix) {
    return recorded.keySet().stream().filter(k -> k.startsWith(prefix))
        .sorted(Comparator.comparingInt((String k) -> Integer.parseInt(k.split("\\.")[1]))).collect(Collectors.toCollection(ArrayDeque::new));
  }

  @ParameterizedTest
  @MethodSource("archives")
  void parametersKeepTheirNamesAndNodesTheirOrigin(String name) {
    Model model = ExportedFrontend.read(ModelSource.ofFile(MODELS.resolve(name)), Map.of(), new Diagnostics());
    Set<String> stored = new TreeSet<>(ExportedArchive.open(MODELS.resolve(name)).weights().keySet());
    stored.addAll(ExportedArchive.open(MODELS.resolve(name)).constants().keySet());
    for (Value v : model.graph().initializers()) {
      if (v.initializer().recipe() instanceof dev.tenon.ir.Recipe.Source s) {
        assertTrue(stored.contains(s.name()), s.name() + " is the name of a stored tensor");
        assertEquals(s.name(), v.name());
      }
    }
    for (Node n : model.graph().nodes()) {
      assertEquals(1, n.provenance().sources().size(), n.label());
    }
  }
}
