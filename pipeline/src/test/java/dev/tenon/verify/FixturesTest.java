package dev.tenon.verify;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tenon.convert.ConvertOptions;
import dev.tenon.convert.Converter;
import dev.tenon.convert.Progress;
import dev.tenon.frontend.ModelSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every model of {@code testmodels/models.json} converts, and agrees with ONNX Runtime at every size of the manifest. The tolerance
 * is the project's own bound, a scaled error of 1e-4.
 */
class FixturesTest {
  @TempDir
  private static Path folder;

  @TestFactory
  Stream<DynamicTest> everyFixtureConvertsAndAgrees() throws IOException {
    Path manifest = Path.of(System.getProperty("tenon.root", "..")).resolve("testmodels").resolve("models.json");
    JsonNode models = new ObjectMapper().readTree(Files.readAllBytes(manifest));
    return StreamSupport.stream(models.spliterator(), false)
        .map(m -> DynamicTest.dynamicTest(m.path("name").asText(), () -> convertAndCompare(m, manifest.getParent())));
  }

  private static void convertAndCompare(JsonNode entry, Path root) {
    String spec = entry.path("source").asText();
    Path out = folder.resolve(entry.path("name").asText());
    try (ModelSource source = ModelSource.resolve(spec.startsWith("maven:") ? spec : root.resolve(spec).toString(), line -> { })) {
      new Converter(ConvertOptions.defaults(), Progress.NONE).convert(source, out);
      VerifyOptions options = VerifyOptions.defaults().withSizes(sizes(entry)).withLatency(false);
      try (Verifier verifier = new Verifier(source, out, options, line -> { })) {
        VerifyReport report = verifier.run();
        for (VerifyReport.Trial t : report.trials()) {
          assertTrue(t.skipped().isEmpty(), t.sizeText() + " skipped: " + t.skipped());
          for (VerifyReport.OutputResult o : t.outputs()) {
            assertTrue(o.ok(), o.name() + " at " + t.sizeText() + ": " + o.error());
          }
        }
        assertTrue(report.ok(), report.note());
        assertFalse(report.trials().isEmpty());
      }
    }
  }

  private static List<Map<String, long[]>> sizes(JsonNode entry) {
    List<Map<String, long[]>> trials = new ArrayList<>();
    entry.path("inputs").fields().forEachRemaining(input -> {
      JsonNode sizes = input.getValue().path("sizes");
      for (int i = 0; i < sizes.size(); i++) {
        if (trials.size() <= i) {
          trials.add(new LinkedHashMap<>());
        }
        trials.get(i).put(input.getKey(), StreamSupport.stream(sizes.get(i).spliterator(), false).mapToLong(JsonNode::asLong).toArray());
      }
    });
    return trials;
  }
}
