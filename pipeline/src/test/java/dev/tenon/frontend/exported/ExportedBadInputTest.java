package dev.tenon.frontend.exported;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.frontend.ModelSource;
import dev.tenon.ir.Model;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostics;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A bad archive ends in one line that says what is wrong and where. */
class ExportedBadInputTest {
  @TempDir
  private Path folder;

  private Model read(Pt2Builder archive, Diagnostics diagnostics) {
    return ExportedFrontend.read(ModelSource.ofFile(archive.write(folder.resolve("net.pt2"))), Map.of(), diagnostics);
  }

  private void assertRefused(Pt2Builder archive, String... words) {
    BadInputException e = assertThrows(BadInputException.class, () -> read(archive, new Diagnostics()));
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
    assertTrue(e.getMessage().contains("net.pt2"), e.getMessage());
    assertTrue(e.getMessage().length() < 700, e.getMessage());
    for (String w : words) {
      assertTrue(e.getMessage().contains(w), "expected '" + w + "' in: " + e.getMessage());
    }
  }

  private void assertProgramRefused(String program, String... words) {
    assertRefused(Pt2Builder.small().with(Pt2Builder.PROGRAM, program), words);
  }

  @Test
  void wholeArchivesAreRead() {
    assertEquals("Relu", read(Pt2Builder.small(), new Diagnostics()).graph().firstNode().opType());
    assertEquals("fc.w", read(Pt2Builder.withWeight(), new Diagnostics()).graph().initializers().iterator().next().name());
  }

  // ---- archives ----

  @Test
  void truncatedArchive() throws Exception {
    byte[] whole = Pt2Builder.small().bytes();
    for (int length : new int[] {whole.length - 1, whole.length / 2, 30}) {
      Path file = Files.write(folder.resolve("net.pt2"), Arrays.copyOf(whole, length));
      assertThrows(BadInputException.class, () -> ExportedFrontend.read(ModelSource.ofFile(file), Map.of(), new Diagnostics()));
    }
  }

  @Test
  void archiveWithoutProgram() {
    assertRefused(Pt2Builder.small().without(Pt2Builder.PROGRAM), "no models/*.json");
    assertRefused(Pt2Builder.small().without(Pt2Builder.PROGRAM).with("net/models/a.json", "{}").with("net/models/b.json", "{}"), "2 programs");
  }

  @Test
  void truncatedProgram() {
    String small = ProgramJson.small();
    assertProgramRefused(small.substring(0, small.length() / 2), "models/model.json", "no JSON");
    assertProgramRefused("", "models/model.json");
  }

  @Test
  void wrongSchemaVersion() {
    assertProgramRefused(ProgramJson.small().replace("\"major\": 8", "\"major\": 9"), "schema version 9.20", "torch.export.save");
  }

  // ---- weights ----

  @Test
  void missingStorage() {
    assertRefused(Pt2Builder.withWeight().without("net/data/weights/weight_0"), "fc.w", "weight_0", "lacks");
  }

  @Test
  void missingWeight() {
    assertRefused(Pt2Builder.withWeight().without(Pt2Builder.WEIGHTS_CONFIG), "fc.w", "not among the stored tensors");
    assertRefused(Pt2Builder.withWeight().with(Pt2Builder.WEIGHTS_CONFIG, "{\"config\": {}}"), "fc.w");
  }

  @Test
  void storageShorterThanItsTensor() {
    assertRefused(Pt2Builder.withWeight().with("net/data/weights/weight_0", new byte[31]), "fc.w", "31 bytes");
  }

  @Test
  void absurdWindows() {
    for (String config : new String[] {Pt2Builder.config("4", "2", "4611686018427387904", "1", "0"),
        Pt2Builder.config("4", "2", "-1", "1", "0"), Pt2Builder.config("4", "2", "2", "1", "1"),
        Pt2Builder.config("4000000000", "4000000000", "0", "0", "0"), Pt2Builder.config("9223372036854775807", "2", "1", "1", "0"),
        Pt2Builder.config("4", "2", "2", "1", "9223372036854775807"), Pt2Builder.config("-4", "2", "2", "1", "0")}) {
      assertRefused(Pt2Builder.withWeight().with(Pt2Builder.WEIGHTS_CONFIG, config), "model_weights_config.json", "fc.w");
    }
  }

  @Test
  void malformedConfig() {
    String config = Pt2Builder.config("4", "2", "2", "1", "0");
    assertRefused(Pt2Builder.withWeight().with(Pt2Builder.WEIGHTS_CONFIG, config.substring(0, 100)), "model_weights_config.json", "no JSON");
    assertRefused(Pt2Builder.withWeight().with(Pt2Builder.WEIGHTS_CONFIG, "[]"), "model_weights_config.json", "an object");
    assertRefused(Pt2Builder.withWeight().with(Pt2Builder.WEIGHTS_CONFIG, config.replace("\"dtype\": 7", "\"dtype\": 99")), "element type 99");
    assertRefused(Pt2Builder.withWeight().with(Pt2Builder.WEIGHTS_CONFIG, config.replace("\"layout\": 7", "\"layout\": 1")), "sparse");
    assertRefused(Pt2Builder.withWeight().with(Pt2Builder.WEIGHTS_CONFIG, config.replace("{\"as_int\": 4}", "{\"as_expr\": {}}")), "as_expr");
    assertRefused(Pt2Builder.withWeight().with(Pt2Builder.WEIGHTS_CONFIG, config.replace("\"weight_0\"", "\"../../weight_0\"")), "lacks");
  }

  @Test
  void pickleThatIsNone() {
    Pt2Builder archive = Pt2Builder.withWeight();
    String config = archive.text(Pt2Builder.WEIGHTS_CONFIG).replace("\"use_pickle\": false", "\"use_pickle\": true");
    assertRefused(archive.with(Pt2Builder.WEIGHTS_CONFIG, config), "weight_0");
  }

  // ---- graphs ----

  @Test
  void unknownNames() {
    String node = ProgramJson.node("relu", "torch.ops.aten.relu.default", ProgramJson.input("self", ProgramJson.tensor("y")), ProgramJson.tensor("relu"));
    assertProgramRefused(ProgramJson.program(ProgramJson.graph(node, "relu"), ProgramJson.signature("relu")), "relu", "'y'", "nothing before");
    assertProgramRefused(ProgramJson.program(ProgramJson.graph(ProgramJson.relu(), "z"), ProgramJson.signature("z")), "output 0", "'z'");
  }

  @Test
  void nodesInACircle() {
    String a = ProgramJson.node("a", "torch.ops.aten.relu.default", ProgramJson.input("self", ProgramJson.tensor("b")), ProgramJson.tensor("a"));
    String b = ProgramJson.node("b", "torch.ops.aten.relu.default", ProgramJson.input("self", ProgramJson.tensor("a")), ProgramJson.tensor("b"));
    assertProgramRefused(ProgramJson.program(ProgramJson.graph(a + ", " + b, "b"), ProgramJson.signature("b")), "'b'", "nothing before");
  }

  @Test
  void inputsThatNobodyDescribes() {
    assertProgramRefused(ProgramJson.small().replace("\"tensor_values\": {\"x\"", "\"tensor_values\": {\"y\""), "input x", "tensor_values");
    String twice = ProgramJson.small().replace("\"inputs\": [" + ProgramJson.X + "]", "\"inputs\": [" + ProgramJson.X + ", " + ProgramJson.X + "]")
        .replace("\"input_specs\": [", "\"input_specs\": [{\"user_input\": {\"arg\": " + ProgramJson.X + "}}, ");
    assertProgramRefused(twice, "input x", "second");
  }

  @Test
  void noOutputs() {
    assertProgramRefused(ProgramJson.small().replace("\"outputs\": [" + ProgramJson.tensor("relu") + "], \"nodes\"", "\"outputs\": [], \"nodes\"")
        .replace("\"output_specs\": [{\"user_output\": {\"arg\": " + ProgramJson.tensor("relu") + "}}]", "\"output_specs\": []"), "outputs");
  }

  @Test
  void higherOrderOperatorsWithTheWrongArguments() {
    for (String inputs : new String[] {"", ProgramJson.input("", ProgramJson.X), ProgramJson.input("", "{\"as_bool\": true}") + ", "
        + ProgramJson.input("", ProgramJson.X)}) {
      String node = ProgramJson.node("relu", "torch.ops.higher_order.cond", inputs, ProgramJson.tensor("relu"));
      assertProgramRefused(ProgramJson.program(ProgramJson.graph(node, "relu"), ProgramJson.signature("relu")), "relu", "expected");
    }
  }

  @Test
  void contradictoryArgumentsAreReportedWithTheirNode() {
    String node = ProgramJson.node("view", "torch.ops.aten.permute.default", ProgramJson.input("self", ProgramJson.X) + ", "
        + ProgramJson.input("dims", "{\"as_ints\": [0, 0, 7]}"), ProgramJson.tensor("view"));
    Diagnostics diagnostics = new Diagnostics();
    read(Pt2Builder.small().with(Pt2Builder.PROGRAM, ProgramJson.program(ProgramJson.graph(node, "view"), ProgramJson.signature("view"))), diagnostics);
    assertEquals("view", diagnostics.errors().get(0).node());
  }

  @Test
  void complexNumbersAreReportedWithTheirNode() {
    String node = ProgramJson.node("mul", "torch.ops.aten.mul.Tensor", ProgramJson.input("self", ProgramJson.X) + ", "
        + ProgramJson.input("other", "{\"as_float\": 0.5}"), ProgramJson.tensor("mul"));
    String program = ProgramJson.program(ProgramJson.graph(node, "mul"), ProgramJson.signature("mul")).replace("\"dtype\": 7", "\"dtype\": 10");
    Diagnostics diagnostics = new Diagnostics();
    read(Pt2Builder.small().with(Pt2Builder.PROGRAM, program), diagnostics);
    assertEquals("mul", diagnostics.errors().get(0).node());
  }

  @Test
  void hugeExpressionsAreUnknownSizes() {
    String deep = "Add(".repeat(5_000) + "Integer(1)" + ")".repeat(5_000);
    Model model = read(Pt2Builder.small().with(Pt2Builder.PROGRAM,
        ProgramJson.small().replace("Symbol('s0', positive=True, integer=True)", deep)), new Diagnostics());
    assertTrue(model.graph().inputs().get(0).shape().dim(0).isAnonymous());
  }
}
