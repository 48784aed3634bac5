package dev.tenon.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.frontend.checkpoint.Checkpoint;
import dev.tenon.frontend.checkpoint.SafetensorsWriter;
import dev.tenon.ir.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code tenon weights} from end to end: what it says, what it writes, and how it refuses. */
class WeightsTest {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  @TempDir
  private Path folder;
  private Path source;
  private Path model;

  @BeforeEach
  void convert() {
    source = TinyModels.convolutions(folder.resolve("tiny.onnx"));
    model = folder.resolve("model");
    CommandRun run = CommandRun.of("convert", source, "-o", model, "--no-verify");
    assertEquals(0, run.code(), run.err());
  }

  /** The parameters of the model with another seed. */
  private Map<String, Tensor> weights() {
    Map<String, Tensor> all = new LinkedHashMap<>();
    all.put("stem.conv.weight", TinyModels.random(1, 5, 3, 3, 3));
    all.put("stem.conv.bias", TinyModels.random(2, 5));
    all.put("head.conv.weight", TinyModels.random(3, 2, 5, 3, 3));
    all.put("head.conv.bias", TinyModels.random(4, 2));
    return all;
  }

  private Path checkpoint(Consumer<Map<String, Tensor>> change) {
    Map<String, Tensor> all = weights();
    change.accept(all);
    Path file = folder.resolve("epoch.safetensors");
    SafetensorsWriter.write(file, all, Map.of());
    return file;
  }

  private static Map<String, String> files(Path folder) throws IOException {
    Map<String, String> all = new TreeMap<>();
    try (Stream<Path> walk = Files.walk(folder)) {
      for (Path p : walk.filter(Files::isRegularFile).toList()) {
        all.put(folder.relativize(p).toString(), HexFormat.of().formatHex(Files.readAllBytes(p)));
      }
    }
    return all;
  }

  /** Runs a command that must fail with one line on standard error and change nothing. */
  private CommandRun assertRefused(int code, String words, Object... arguments) throws IOException {
    Map<String, String> before = files(model);
    CommandRun run = CommandRun.of(arguments);
    assertEquals(code, run.code(), run.err() + run.out());
    assertEquals(1, run.errorLines().size(), run.err());
    assertTrue(run.err().contains(words), "expected '" + words + "' in: " + run.err());
    assertEquals(before, files(model), "nothing is changed");
    return run;
  }

  @Test
  void poursAndTheResultComputesWithTheNewWeights() {
    Path file = checkpoint(all -> { });
    CommandRun run = CommandRun.of("weights", model, "--from", file);
    assertEquals(0, run.code(), run.err());
    assertEquals("4 variables of " + model + " filled from epoch.safetensors, 232 elements\n", run.out().replace("\r", ""));
    Path out = folder.resolve("out.safetensors");
    assertEquals(0, CommandRun.of("weights", "--to-torch", model, "-o", out).code());
    Map<String, Tensor> back = Checkpoint.open(out).tensors();
    weights().forEach((name, t) -> assertTrue(t.contentEquals(back.get(name)), name));
    assertEquals("pt", Checkpoint.open(out).metadata().get("format"));
  }

  @Test
  void jsonSaysTheSame() throws IOException {
    Path file = checkpoint(all -> all.put("extra", all.get("stem.conv.bias")));
    CommandRun run = CommandRun.of("weights", model, "--from", file, "--partial", "--json");
    assertEquals(0, run.code(), run.err());
    JsonNode o = MAPPER.readTree(run.out());
    assertEquals(4, o.get("filled").size());
    assertEquals("[\"extra\"]", o.get("unexpected").toString());
    assertEquals(64, o.get("sha256").asText().length());
    assertFalse(o.get("complete").asBoolean());
    assertEquals(model.toString(), o.get("saved_model").asText());
  }

  @Test
  void nothingIsChangedUnlessAllFits() throws IOException {
    Path file = checkpoint(all -> {
      all.remove("head.conv.bias");
      all.put("head.conv.weight", TinyModels.random(3, 2, 5, 1, 1));
      all.put("tail.weight", TinyModels.random(3, 2));
    });
    CommandRun run = assertRefused(ExitCodes.BAD_INPUT, "nothing was changed: 1 missing, 1 unexpected, 1 of another type or shape; "
        + "--partial fills the 2 variables that can be", "weights", model, "--from", file);
    for (String line : new String[] {"head.conv.bias  float32[2]", "tail.weight  float32[2]",
        "head.conv.weight  float32[2,5,1,1]  expected float32[2,5,3,3]"}) {
      assertTrue(run.out().contains(line), line + " in " + run.out());
    }
    CommandRun partial = CommandRun.of("weights", model, "--from", file, "--partial");
    assertEquals(0, partial.code(), partial.err());
    assertTrue(partial.out().startsWith("2 variables of "), partial.out());
    assertTrue(partial.out().contains("head/conv/bias    not there or not fitting: head.conv.bias"), partial.out());
  }

  @Test
  void constantsOfTheGraphAreNamed() throws IOException {
    model = folder.resolve("frozen");
    CommandRun.of("convert", source, "-o", model, "--no-verify", "--freeze");
    CommandRun run = assertRefused(ExitCodes.BAD_INPUT, "cannot be refreshed without converting again", "weights", model, "--from",
        checkpoint(all -> { }));
    assertTrue(run.out().contains("stem.conv.weight  its values are constants of the graph"), run.out());
  }

  @Test
  void aFileThatIsThereIsNotReplaced() throws IOException {
    Path file = checkpoint(all -> { });
    assertRefused(ExitCodes.BAD_INPUT, "a file that is there already", "weights", model, "--to-torch", "-o", file);
    assertRefused(ExitCodes.BAD_INPUT, "a folder that is not empty", "weights", model, "--from", file, "-o", model);
    assertRefused(ExitCodes.BAD_INPUT, "a place inside of", "weights", model, "--from", file, "-o", model.resolve("assets/new"));
    assertEquals(0, CommandRun.of("weights", model, "--to-torch", "-o", file, "--force").code());
  }

  @Test
  void usageIsExplained() throws IOException {
    assertRefused(ExitCodes.USAGE, "--from", "weights", model);
    assertRefused(ExitCodes.USAGE, "needs a file to write", "weights", model, "--to-torch");
    assertRefused(ExitCodes.USAGE, "--base goes with --to-torch", "weights", model, "--from", source, "--base", source);
    assertTrue(CommandRun.of("weights", "--help").out().contains("Pour this checkpoint into the variables."));
  }

  // ---- bad input ----

  @Test
  void damagedVariablesAreRefused() throws IOException {
    Path file = checkpoint(all -> { });
    Path data = model.resolve("variables/variables.data-00000-of-00001");
    byte[] bytes = Files.readAllBytes(data);
    Files.write(data, Arrays.copyOf(bytes, 100));
    assertRefused(ExitCodes.BAD_INPUT, "truncated", "weights", model, "--from", file);
    assertRefused(ExitCodes.BAD_INPUT, "truncated", "weights", model, "--to-torch", "-o", folder.resolve("x.safetensors"));
    bytes[10] ^= 1;
    Files.write(data, bytes);
    assertRefused(ExitCodes.BAD_INPUT, "checksum", "weights", model, "--to-torch", "-o", folder.resolve("x.safetensors"));
    Files.write(model.resolve("variables/variables.index"), new byte[60]);
    assertRefused(ExitCodes.BAD_INPUT, "magic number", "weights", model, "--from", file);
    Files.delete(model.resolve("variables/variables.index"));
    assertRefused(ExitCodes.BAD_INPUT, "expected a checkpoint index", "weights", model, "--from", file);
  }

  @Test
  void variablesOfAnotherModelAreRefused() throws IOException {
    Path other = folder.resolve("other");
    Path fixture = Path.of(System.getProperty("tenon.root", ".."), "testmodels/onnx/gru_classifier.ts.onnx");
    CommandRun.of("convert", fixture, "-o", other, "--no-verify");
    for (String name : new String[] {"variables.index", "variables.data-00000-of-00001"}) {
      Files.copy(other.resolve("variables").resolve(name), model.resolve("variables").resolve(name), StandardCopyOption.REPLACE_EXISTING);
    }
    assertRefused(ExitCodes.BAD_INPUT, "expected stem/conv/kernel float[3, 3, 3, 5]", "weights", model, "--from", checkpoint(all -> { }));
  }

  private void edit(Consumer<ObjectNode> change) throws IOException {
    Path file = model.resolve("tenon.json");
    ObjectNode o = (ObjectNode) MAPPER.readTree(Files.readAllBytes(file));
    change.accept(o);
    Files.write(file, MAPPER.writeValueAsBytes(o));
  }

  private static ObjectNode recipe(ObjectNode record) {
    return (ObjectNode) record.at("/variables/0/recipe");
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "/format|2|expected 1",
      "/variables/0/name|\"nobody\"|variable nobody, which the SavedModel has not",
      "/variables/0/shape|[1,2]|shape [1, 2]",
      "/variables/0/recipe/perm|[0,1,2,9]|is no permutation",
      "/variables/0/recipe/op|\"explode\"|op 'explode'",
      "/variables/0/recipe/shape|[3,3,3,-5]|-5 in 'shape'",
      "/variables/0/recipe/input/shape|[5,3,3,4611686018427387904]|less than 2^63",
      "/variables/0/recipe/input/dtype|\"float99\"|element type 'float99'",
      "/variables/0/recipe/input/op|\"slice\"|recipe step slice: found no input",
      "/variables/0/recipe|[]|expected a JSON object",
      "/parameters/0/use|\"perhaps\"|use \"perhaps\""})
  void anEditedRecordIsRefused(String pointer, String value, String words) throws IOException {
    JsonNode replacement = MAPPER.readTree(value);
    int slash = pointer.lastIndexOf('/');
    edit(o -> {
      JsonNode parent = o.at(pointer.substring(0, slash));
      ((ObjectNode) parent).set(pointer.substring(slash + 1), replacement);
    });
    assertRefused(ExitCodes.BAD_INPUT, words, "weights", model, "--from", checkpoint(all -> { }));
  }

  @Test
  void recipesOfAbsurdDepthAreRefused() throws IOException {
    edit(o -> {
      ObjectNode deep = recipe(o).deepCopy();
      for (int i = 0; i < 400; i++) {
        ObjectNode next = MAPPER.createObjectNode().put("op", "negate").put("dtype", "float32");
        next.set("shape", deep.get("shape"));
        next.set("input", deep);
        deep = next;
      }
      ((ObjectNode) o.at("/variables/0")).set("recipe", deep);
    });
    assertRefused(ExitCodes.BAD_INPUT, "deep", "weights", model, "--from", checkpoint(all -> { }));
    Files.writeString(model.resolve("tenon.json"), "{\"a\":".repeat(5000) + "1" + "}".repeat(5000));
    assertRefused(ExitCodes.BAD_INPUT, "tenon.json", "weights", model, "--from", checkpoint(all -> { }));
  }

  private Path mapping(String lines) throws IOException {
    return Files.writeString(folder.resolve("map.json"), "{\"format\": 1, \"mapping\": [" + lines + "]}");
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
      "{\"variable\":\"nobody\",\"from\":\"x\"}|line for nobody: found a variable that the SavedModel has not",
      "{\"parameter\":\"nobody\",\"from\":\"x\"}|line for nobody: found a parameter that no recipe",
      "{\"variable\":\"head/conv/bias\",\"from\":\"a\"},{\"variable\":\"head/conv/bias\",\"from\":\"b\"}|a second line for head/conv/bias",
      "{\"variable\":\"head/conv/bias\",\"from\":\"permute(a\"}|mapping line 1: recipe permute(a: found its end",
      "{\"variable\":\"head/conv/bias\",\"from\":7}|no text 'from'",
      "{\"from\":\"a\"}|no target",
      "{\"variable\":\"head/conv/bias\",\"from\":\"a\",\"colour\":\"red\"}|a field 'colour'",
      "{\"parameter\":\"head.conv.bias\",\"from\":null}|no recipe for parameter head.conv.bias",
      "{\"variable\":\"head/conv/bias\",\"from\":\"permute(head.conv.bias, 1 0)\"}|a step that does not fit its tensors"})
  void aWrongMappingFileIsRefused(String lines, String words) throws IOException {
    assertRefused(ExitCodes.BAD_INPUT, words, "weights", model, "--from", checkpoint(all -> { }), "--map", mapping(lines));
  }

  @Test
  void namesThatTheCheckpointHasNotAreMissing() throws IOException {
    Path map = mapping("{\"variable\":\"head/conv/bias\",\"from\":\"(head.conv.bias + other)\"}");
    CommandRun run = assertRefused(ExitCodes.BAD_INPUT, "1 missing", "weights", model, "--from", checkpoint(all -> { }), "--map", map);
    assertTrue(run.out().contains("other") && run.out().contains("the mapping file names it"), run.out());
  }

  @Test
  void mappingsReplaceRecipesAndNames() throws IOException {
    Path file = checkpoint(all -> {
      all.put("renamed", all.remove("stem.conv.bias").reshape(5, 1).evaluated());
      all.put("half", all.remove("head.conv.bias"));
    });
    Path map = mapping("{\"parameter\":\"stem.conv.bias\",\"from\":\"reshape(renamed, 5)\"},"
        + "{\"variable\":\"head/conv/bias\",\"from\":\"((half + half) * 0.5)\",\"confidence\":1,\"reason\":\"because\"}");
    CommandRun run = CommandRun.of("weights", model, "--from", file, "--map", map);
    assertEquals(0, run.code(), run.err() + run.out());
    Path out = folder.resolve("out.safetensors");
    assertEquals(0, CommandRun.of("weights", model, "--to-torch", "-o", out).code());
    assertTrue(weights().get("stem.conv.bias").contentEquals(Checkpoint.open(out).tensors().get("stem.conv.bias")));
    assertTrue(weights().get("head.conv.bias").contentEquals(Checkpoint.open(out).tensors().get("head.conv.bias")));
  }

  @Test
  void foldersThatAreNoModelsAreRefused() throws IOException {
    Path empty = Files.createDirectory(folder.resolve("empty"));
    Path file = checkpoint(all -> { });
    assertRefused(ExitCodes.BAD_INPUT, "no tenon.json", "weights", empty, "--from", file);
    assertRefused(ExitCodes.BAD_INPUT, "no such folder", "weights", folder.resolve("none"), "--from", file);
    assertRefused(ExitCodes.BAD_INPUT, "no such file", "weights", model, "--from", folder.resolve("none.pth"));
    Path foreign = Files.createDirectory(folder.resolve("foreign"));
    Files.copy(model.resolve("saved_model.pb"), foreign.resolve("saved_model.pb"));
    assertRefused(ExitCodes.BAD_INPUT, "'tenon weights --match CHECKPOINT", "weights", foreign, "--from", file);
    assertRefused(ExitCodes.BAD_INPUT, "no list 'mapping'", "weights", model, "--from", file, "--map",
        Files.writeString(folder.resolve("m.json"), "{}"));
  }

  @Test
  void recordsOfEarlierVersionsAreRead() throws IOException {
    edit(o -> o.remove("parameters"));
    assertEquals(0, CommandRun.of("weights", model, "--from", checkpoint(all -> { })).code());
    edit(o -> assertEquals(0, ((ArrayNode) o.get("parameters")).size()));
  }
}
