package dev.tenon.cli;

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
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands on models in PyTorch's own formats. */
class TorchSourcesTest {
  private static final Path MODELS = Path.of(System.getProperty("tenon.root", "..")).resolve("testmodels").resolve("torch");

  @TempDir
  private Path folder;

  private static JsonNode json(CommandRun run) throws IOException {
    assertEquals(0, run.code(), run.err());
    return new ObjectMapper().readTree(run.out());
  }

  @Test
  void torchScriptIsConvertedAndComparedWithLibtorch() throws IOException {
    Path out = folder.resolve("model");
    JsonNode o = json(CommandRun.of("convert", MODELS.resolve("resnet18/traced.pt"), "-o", out, "--json"));
    assertEquals("libtorch", o.at("/verification/reference/name").asText());
    assertTrue(o.at("/verification/reference/version").asText().startsWith("2."), o.toString());
    assertTrue(o.at("/verification/ok").asBoolean());
    assertTrue(o.at("/verification/trials/0").has("libtorch_ms") && o.at("/verification/trials/0").has("tensorflow_ms"));
    assertTrue(o.at("/verification/trials/0/outputs/0/lowering_scaled_error").asDouble(1) < 1e-4);
    assertEquals("torchscript", new ObjectMapper().readTree(Files.readAllBytes(out.resolve("tenon.json"))).at("/source/format").asText());
    CommandRun verify = CommandRun.of("verify", MODELS.resolve("resnet18/traced.pt"), out, "--layers");
    assertEquals(0, verify.code(), verify.err());
    assertTrue(verify.out().contains("agrees with libtorch at 3 sizes") && verify.out().contains("none diverges"), verify.out());
  }

  @Test
  void exportedProgramsAreComparedWithOnnxRuntimeOnTheirLowering() throws IOException {
    Path out = folder.resolve("model");
    JsonNode o = json(CommandRun.of("convert", MODELS.resolve("resnet18/model.pt2"), "-o", out, "--json"));
    assertEquals("ONNX Runtime", o.at("/verification/reference/name").asText());
    assertEquals("exported-program", o.at("/source/format").asText());
    assertTrue(o.at("/source/torch").asText().startsWith("2."), o.at("/source").toString());
    assertEquals(3, o.at("/verification/trials").size(), "the fixture was exported with zeros, which tell nothing");
  }

  @Test
  void theInputsThatAProgramWasExportedWithAreTriedFirst() throws IOException {
    JsonNode o = json(CommandRun.of("convert", MODELS.resolve("gpt2/model.pt2"), "-o", folder.resolve("gpt2"), "--json"));
    assertTrue(o.at("/verification/trials/0/recorded_inputs").asBoolean(), o.at("/verification/trials/0").toString());
    assertTrue(o.at("/verification/ok").asBoolean());
  }

  @Test
  void bothFormatsExportToOnnxWithTheParametersOfTheModel() throws IOException {
    Set<String> first = null;
    for (String file : new String[] {"model.pt2", "traced.pt"}) {
      Path out = folder.resolve(file + ".onnx");
      JsonNode o = json(CommandRun.of("export", MODELS.resolve("resnet18").resolve(file), "-o", out, "--json"));
      assertTrue(o.at("/opsets/ai.onnx").asInt() >= 20);
      assertTrue(o.at("/verification/ok").asBoolean());
      assertEquals("tenon", OnnxReader.read(out).producerName());
      Set<String> names = OnnxReader.read(out).graph().initializers().stream().filter(v -> v.dtype().isFloat()).map(Value::name)
          .collect(Collectors.toSet());
      assertTrue(names.contains("layer1.0.conv1.weight") && names.contains("fc.bias"), names.toString());
      assertTrue(first == null || first.equals(names), names + " and " + first);
      first = names;
    }
  }

  @Test
  void inspectShowsTheFormatAndTheOperatorsOfTheSource() throws IOException {
    JsonNode o = json(CommandRun.of("inspect", MODELS.resolve("custom_op/model.pt2"), "--json"));
    assertEquals("exported-program", o.path("format").asText());
    assertTrue(o.path("torch").asText().startsWith("2."));
    assertEquals(2, o.at("/torch_operators/tenon_demo::scaled_shift").asInt(), o.path("torch_operators").toString());
    assertTrue(o.at("/custom/0/location").asText().contains(".py:"), "names the line: " + o.at("/custom/0"));
    CommandRun text = CommandRun.of("inspect", MODELS.resolve("resnet18/scripted.pt"));
    assertTrue(text.out().contains("TorchScript") && text.out().contains("21  aten::conv2d"), text.out());
  }

  @Test
  void customOperatorsAreExportedAsNodes() throws IOException {
    Path out = folder.resolve("custom.onnx");
    CommandRun run = CommandRun.of("export", MODELS.resolve("custom_op/model.pt2"), "-o", out);
    assertEquals(0, run.code(), run.err());
    assertTrue(run.out().contains("tenon_demo::scaled_shift at 2 places"), run.out());
    assertTrue(run.err().contains("not verified"), run.err());
    assertEquals(ExitCodes.UNSUPPORTED, CommandRun.of("convert", MODELS.resolve("custom_op/model.pt2"), "-o", folder.resolve("no")).code());
    assertFalse(Files.exists(folder.resolve("no")));
  }

  @Test
  void checkpointIsNoModel() throws IOException {
    Path checkpoint = Files.write(folder.resolve("weights.pth"), new byte[] {(byte) 0x80, 2, (byte) 0x8a, 10});
    CommandRun run = CommandRun.of("convert", checkpoint, "-o", folder.resolve("out"));
    assertEquals(ExitCodes.BAD_INPUT, run.code());
    assertEquals(1, run.errorLines().size(), run.err());
    assertTrue(run.err().contains("torch.export.save") && run.err().contains("tenon weights"), run.err());
  }
}
