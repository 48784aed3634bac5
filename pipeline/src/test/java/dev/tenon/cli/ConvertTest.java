package dev.tenon.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands on small models, from end to end. */
class ConvertTest {
  @TempDir
  private Path folder;
  private Path model;
  private Path out;

  @BeforeEach
  void writeModel() {
    model = TinyModels.convolutions(folder.resolve("tiny.onnx"));
    out = folder.resolve("out");
  }

  private CommandRun convert(Object... more) {
    Object[] all = Stream.concat(Stream.of("convert", model, "-o", out), Stream.of(more)).toArray();
    CommandRun run = CommandRun.of(all);
    assertEquals(0, run.code(), run.err() + run.out());
    return run;
  }

  private static List<Path> tree(Path root) throws IOException {
    try (Stream<Path> all = Files.walk(root)) {
      return all.filter(Files::isRegularFile).map(root::relativize).sorted().toList();
    }
  }

  @Test
  void convertsVerifiesAndReports() {
    CommandRun run = convert();
    assertTrue(run.out().contains("image float32[batch,3,height,width]"), run.out());
    assertTrue(run.out().contains("4, 4 trainable"), run.out());
    assertTrue(run.out().contains("agrees with ONNX Runtime at 3 sizes"), run.out());
    assertTrue(run.out().contains("2x3x64x96") && run.out().contains("3x3x96x64"), "unequal heights and widths: " + run.out());
    assertEquals("", run.err());
  }

  @Test
  void jsonIsOneDocumentAndNothingElse() throws IOException {
    CommandRun run = convert("--json");
    JsonNode o = new ObjectMapper().readTree(run.out());
    assertEquals("map", o.at("/outputs/0/onnx").asText());
    assertEquals(4, o.at("/variables/trainable").asInt());
    assertTrue(o.at("/verification/ok").asBoolean());
    assertTrue(o.at("/verification/worst_scaled_error").asDouble() < 1e-4);
    assertEquals("", run.err());
  }

  @Test
  void sameInputSameBytes() throws IOException {
    convert("--no-verify");
    Path second = folder.resolve("second");
    assertEquals(0, CommandRun.of("convert", model, "-o", second, "--no-verify").code());
    assertEquals(tree(out), tree(second));
    for (Path p : tree(out)) {
      assertArrayEquals(Files.readAllBytes(out.resolve(p)), Files.readAllBytes(second.resolve(p)), p.toString());
    }
    String record = Files.readString(out.resolve("tenon.json"));
    assertFalse(record.contains(folder.toString()), "no places in the record");
  }

  @Test
  void imagesComeAndGoChannelsLastIfAskedTo() throws IOException {
    CommandRun run = convert("--io-layout", "nhwc", "--json");
    assertEquals(0, run.code(), run.err());
    JsonNode o = new ObjectMapper().readTree(run.out());
    assertEquals("[\"batch\",\"height\",\"width\",3]", o.path("inputs").get(0).path("shape").toString());
    assertEquals("[0,2,3,1]", o.path("outputs").get(0).path("perm").toString());
    assertEquals(0, o.path("layout").path("transposes").size());
    assertEquals(0, o.path("layout").path("moved_bytes").asLong());
    CommandRun layers = CommandRun.of("verify", model, out, "--layers");
    assertEquals(0, layers.code(), layers.err());
  }

  @Test
  void oneOutputComesChannelsLastByName() throws IOException {
    CommandRun run = convert("--io-layout", "map=nhwc", "--json");
    assertEquals(0, run.code(), run.err());
    JsonNode o = new ObjectMapper().readTree(run.out());
    assertTrue(o.path("inputs").get(0).path("perm").isMissingNode());
    assertEquals("[0,2,3,1]", o.path("outputs").get(0).path("perm").toString());
    JsonNode left = o.path("layout").path("transposes");
    assertEquals(1, left.size());
    assertEquals("the input is stored as in the source", left.get(0).path("reason").asText());
  }

  @Test
  void layoutIsSummedUpInALineAndExplainedIfAskedFor() {
    CommandRun run = convert("--verbose");
    assertTrue(run.out().contains("2 operators channels-last, 2 transposes left"), run.out());
    assertTrue(run.out().contains("the fewest bytes there can be"), run.out());
    assertTrue(run.out().contains("the output is stored as in the source"), run.out());
  }

  @Test
  void aLayoutForNothingIsRefused() {
    assertEquals(ExitCodes.USAGE, CommandRun.of("convert", model, "-o", out, "--io-layout", "nchw").code());
    CommandRun run = CommandRun.of("convert", model, "-o", out, "--io-layout", "images=nhwc");
    assertEquals(ExitCodes.BAD_INPUT, run.code());
    assertTrue(run.err().contains("--io-layout: found images, expected an input or output of the model: [image, map]"), run.err());
  }

  @Test
  void namesListsVariablesBesideTheirParameters() {
    convert("--no-verify");
    CommandRun names = CommandRun.of("names", out);
    assertEquals(0, names.code());
    assertTrue(names.out().startsWith("PyTorch"), names.out());
    assertTrue(names.out().replaceAll(" +", " ").contains(
        "stem.conv.weight [5,3,3,3] stem/conv/kernel [3,3,3,5] yes permute(stem.conv.weight, 2 3 1 0)"), names.out());
    assertTrue(names.out().contains("4 variables, 4 trainable"), names.out());
  }

  @Test
  void sourceNamesAndFixedShapes() throws IOException {
    convert("--names", "source", "--input", "image:1,3,32,48", "--json");
    JsonNode record = new ObjectMapper().readTree(Files.readAllBytes(out.resolve("tenon.json")));
    assertEquals("stem.conv.weight", record.at("/variables/0/name").asText());
    assertEquals("[1,3,32,48]", record.at("/inputs/0/shape").toString());
    assertEquals("[1,2,32,48]", record.at("/outputs/0/shape").toString());
  }

  @Test
  void frozenModelHasNoVariables() {
    CommandRun run = convert("--freeze");
    assertTrue(run.out().contains("none, weights are constants"), run.out());
    assertTrue(CommandRun.of("names", out).out().contains("no variables"));
  }

  @Test
  void forceReplacesAnEarlierResultWhole() throws IOException {
    convert("--freeze", "--no-verify");
    convert("--force", "--no-verify");
    assertTrue(CommandRun.of("names", out).out().contains("4 variables"));
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(List.of("out", "tiny.onnx"), files.map(p -> p.getFileName().toString()).sorted().toList(), "no temporary folders left");
    }
  }

  @Test
  void dumpsTheModelAfterEachPass() throws IOException {
    Path dump = folder.resolve("dump");
    convert("--no-verify", "--dump-passes", dump);
    List<String> names = tree(dump).stream().map(Path::toString).toList();
    assertTrue(names.contains("00-read.onnx") && names.contains("00-read.txt"), names.toString());
    assertTrue(names.stream().anyMatch(n -> n.endsWith("-layout.onnx")), names.toString());
  }

  @Test
  void layersAreComparedAndAllAgree() {
    convert("--no-verify");
    CommandRun run = CommandRun.of("verify", model, out, "--layers");
    assertEquals(0, run.code(), run.err());
    assertTrue(run.out().contains("none diverges"), run.out());
  }

  @Test
  void mismatchIsCodeSixAndNamesTheFirstNodeThatDiverges() {
    convert("--no-verify");
    Path other = TinyModels.convolutions(folder.resolve("other.onnx"), 77);
    CommandRun run = CommandRun.of("verify", other, out, "--layers");
    assertEquals(ExitCodes.MISMATCH, run.code(), run.out() + run.err());
    assertTrue(run.out().contains("MISMATCH"), run.out());
    assertTrue(run.out().contains("the first that diverges is\n  /head/conv/Conv (head.conv): Conv, value map"), run.out());
    assertTrue(run.err().contains("was made of another file"), run.err());
    assertTrue(run.err().contains("differs from ONNX Runtime"), run.err());
  }

  @Test
  void damagedVariablesAreBadInput() throws IOException {
    convert("--no-verify");
    Path data = out.resolve("variables/variables.data-00000-of-00001");
    byte[] bytes = Files.readAllBytes(data);
    bytes[5] ^= 1;
    Files.write(data, bytes);
    CommandRun run = CommandRun.of("verify", model, out);
    assertEquals(ExitCodes.BAD_INPUT, run.code(), run.out() + run.err());
    assertEquals(1, run.errorLines().size(), run.err());
  }

  @Test
  void verifiesAtTheSizesGiven() throws IOException {
    convert("--no-verify");
    CommandRun run = CommandRun.of("verify", model, out, "--json", "--sizes", "image:1,3,1,1", "--sizes", "image:4,3,9,5");
    assertEquals(0, run.code(), run.err());
    JsonNode o = new ObjectMapper().readTree(run.out());
    assertEquals("[4,3,9,5]", o.at("/trials/1/sizes/image").toString());
    assertEquals(2, o.at("/trials").size());
  }

  @Test
  void sizeThatOnnxRuntimeRefusesIsNoAgreement() {
    convert("--no-verify");
    CommandRun run = CommandRun.of("verify", model, out, "--sizes", "image:1,4,8,8");
    assertEquals(ExitCodes.MISMATCH, run.code());
    assertTrue(run.out().contains("skipped"), run.out());
  }

  @Test
  void inspectSaysWhatIsInside() {
    CommandRun run = CommandRun.of("inspect", model);
    assertEquals(0, run.code(), run.err());
    assertTrue(run.out().contains("ONNX opset 17, IR version 8, by tests 1"), run.out());
    assertTrue(run.out().contains("232, 928 B"), "135+5+90+2 parameters: " + run.out());
    assertTrue(run.out().contains("2  Conv"), run.out());
    assertTrue(run.out().contains("Everything in this model can be converted."), run.out());
  }

  @Test
  void inspectShowsCustomOperatorsWithTheirPlaces() throws IOException {
    Path custom = TinyModels.custom(folder.resolve("custom.onnx"));
    CommandRun run = CommandRun.of("inspect", custom);
    assertEquals(0, run.code(), "a look is no failure");
    assertTrue(run.out().contains("custom operator com.acme::Blur, 1 use"), run.out());
    assertTrue(run.out().contains("resolved by nothing"), run.out());
    assertTrue(run.out().contains("at /encoder/blur/Blur (encoder.blur)"), run.out());
    assertTrue(run.out().contains("float32[batch,4] -> float32[batch,4]"), run.out());
    assertTrue(run.out().contains("radius int = 3"), run.out());
    assertTrue(run.out().contains("This model cannot be converted: 2 reasons at 2 places."), run.out());
    assertEquals(ExitCodes.UNSUPPORTED, CommandRun.of("inspect", custom, "--strict").code());
    JsonNode o = new ObjectMapper().readTree(CommandRun.of("inspect", custom, "--json").out());
    assertEquals(2, o.at("/custom").size());
    assertEquals("ComAcmeBlur", o.at("/custom_operators/0/tensorflow_name").asText());
    assertEquals(List.of("onnx", "tensorflow", "stub"), texts(o.at("/custom_operators/0/ways")));
    assertEquals("int", o.at("/custom_operators/0/uses/0/attribute_types/radius").asText());
    assertFalse(o.at("/convertible").asBoolean());
  }

  private static List<String> texts(JsonNode list) {
    List<String> texts = new ArrayList<>();
    list.forEach(e -> texts.add(e.asText()));
    return texts;
  }

  @Test
  void batchGoesOnAfterABadModel() throws IOException {
    Path models = Files.createDirectory(folder.resolve("models"));
    TinyModels.convolutions(models.resolve("good.onnx"));
    Files.writeString(models.resolve("bad.onnx"), "not a model");
    Path results = folder.resolve("results");
    CommandRun run = CommandRun.of("batch", models, "-o", results, "-j", "2");
    assertEquals(ExitCodes.BATCH, run.code(), run.err());
    assertTrue(run.out().contains("1 of 2 models ok"), run.out());
    assertTrue(Files.exists(results.resolve("good/saved_model.pb")));
    assertTrue(Files.readString(results.resolve("bad/tenon-batch.json")).contains("bad-input"));
    assertEquals(2, Files.readAllLines(results.resolve("summary.jsonl")).size());
    // Mended and resumed, only the bad one is done again.
    TinyModels.convolutions(models.resolve("bad.onnx"));
    CommandRun again = CommandRun.of("batch", models, "-o", results, "--resume");
    assertEquals(0, again.code(), again.out() + again.err());
    assertTrue(again.err().contains("good: done before"), again.err());
    assertTrue(again.out().contains("2 of 2 models ok"), again.out());
  }

  @Test
  void versionNamesTheRuntimes() {
    CommandRun run = CommandRun.of("--version");
    assertEquals(0, run.code());
    assertTrue(run.out().matches("(?s)tenon \\d.*TensorFlow 2\\..*ONNX Runtime 1\\..*Java \\d.*"), run.out());
  }
}
