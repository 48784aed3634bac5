package dev.tenon.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tenon.ir.Value;
import dev.tenon.ir.io.OnnxReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code tenon export} on a small ONNX model: what is written, and where. */
class ExportTest {
  @TempDir
  private Path folder;
  private Path model;
  private Path out;

  @BeforeEach
  void writeModel() {
    model = TinyModels.convolutions(folder.resolve("tiny.onnx"));
    out = folder.resolve("out.onnx");
  }

  private CommandRun export(Object... more) {
    return CommandRun.of(Stream.concat(Stream.of("export", model, "-o", out), Stream.of(more)).toArray());
  }

  private static Set<String> parameters(Path file) {
    return OnnxReader.read(file).graph().initializers().stream().filter(v -> v.dtype().isFloat()).map(Value::name).collect(Collectors.toSet());
  }

  private Set<String> operators() {
    Set<String> all = new HashSet<>();
    OnnxReader.read(out).graph().forEachNode(n -> all.add(n.qualifiedOp()));
    return all;
  }

  @Test
  void parametersKeepTheirNamesAndTheResultIsVerified() {
    CommandRun run = export();
    assertEquals(0, run.code(), run.err() + run.out());
    assertTrue(run.out().contains("agrees with ONNX Runtime at 3 sizes"), run.out());
    assertEquals("", run.err());
    assertEquals(parameters(model), parameters(out));
  }

  @Test
  void jsonSaysWhatWasWritten() throws IOException {
    JsonNode o = new ObjectMapper().readTree(export("--json", "--external").out());
    assertEquals("onnx", o.path("format").asText());
    assertEquals("ONNX Runtime", o.at("/verification/reference/name").asText());
    assertTrue(o.at("/verification/ok").asBoolean(), o.toPrettyString());
    assertTrue(o.has("custom") && o.at("/opsets/ai.onnx").asInt() > 0);
  }

  @Test
  void existingFilesAreReplacedOnlyWithForce() throws IOException {
    Files.writeString(out, "mine");
    CommandRun run = export();
    assertEquals(ExitCodes.BAD_INPUT, run.code());
    assertTrue(run.errorLines().get(0).contains("--force"), run.err());
    assertEquals("mine", Files.readString(out));
    assertEquals(0, export("--force", "--no-verify").code());
    assertTrue(Files.size(out) > 100);
  }

  @Test
  void sourceIsNeverReplaced() throws IOException {
    byte[] before = Files.readAllBytes(model);
    CommandRun run = CommandRun.of("export", model, "-o", model, "--force");
    assertEquals(ExitCodes.BAD_INPUT, run.code());
    assertTrue(run.errorLines().get(0).contains("the source itself"), run.err());
    assertArrayEquals(before, Files.readAllBytes(model));
  }

  @Test
  void customOperatorsStayNodes() {
    Path custom = TinyModels.custom(folder.resolve("custom.onnx"));
    CommandRun run = CommandRun.of("export", custom, "-o", out);
    assertEquals(0, run.code(), run.err());
    assertTrue(run.out().contains("com.acme::Blur"), run.out());
    assertTrue(run.err().contains("not verified"), run.err());
    assertEquals(Set.of("com.acme::Blur", "Relu", "com.acme::Sharpen"), operators());
  }

  @Test
  void badPassesAreAUsageErrorAndNothingIsWritten() {
    assertEquals(ExitCodes.USAGE, export("--passes", "no-such-pass").code());
    assertFalse(Files.exists(out));
  }

  @Test
  void passesOfConvertCanBeAdded() {
    assertEquals(0, export("--passes", "+fold-batch-norm,+fuse-convolution").code());
    assertEquals(Set.of("Conv", "Relu"), operators());
  }

  @Test
  void nothingIsLeftOfAFailure() throws IOException {
    Path empty = Files.write(folder.resolve("empty.onnx"), new byte[0]);
    CommandRun run = CommandRun.of("export", empty, "-o", folder.resolve("made").resolve("out.onnx"));
    assertEquals(ExitCodes.BAD_INPUT, run.code());
    assertFalse(Files.exists(folder.resolve("made")));
    assertEquals(List.of(), Stream.of(folder.toFile().list()).filter(n -> n.endsWith(".tmp")).toList());
  }
}
