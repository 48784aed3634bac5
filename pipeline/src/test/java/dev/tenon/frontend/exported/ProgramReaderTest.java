package dev.tenon.frontend.exported;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.diag.BadInputException;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Programs become records, and what is malformed is named with its place. */
class ProgramReaderTest {

  private static ExportedProgram read(String json) {
    return ProgramReader.read("net.pt2", "models/model.json", () -> new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8)));
  }

  private static void assertRefused(String json, String... words) {
    BadInputException e = assertThrows(BadInputException.class, () -> read(json));
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
    assertTrue(e.getMessage().startsWith("net.pt2: models/model.json: "), e.getMessage());
    assertTrue(e.getMessage().length() < 600, e.getMessage());
    for (String w : words) {
      assertTrue(e.getMessage().contains(w), "expected '" + w + "' in: " + e.getMessage());
    }
  }

  private static Argument argument(String json) {
    ExportedProgram p = read(ProgramJson.program(ProgramJson.graph(
        ProgramJson.node("relu", "t", ProgramJson.input("a", json), ProgramJson.tensor("relu")), "relu"), ProgramJson.signature("relu")));
    return p.graph().nodes().get(0).inputs().get(0).argument();
  }

  @Test
  void smallProgram() {
    ExportedProgram p = read(ProgramJson.small());
    assertEquals("2.13.0", p.torchVersion());
    assertEquals(List.of("x"), p.forwardArguments());
    assertEquals(new ExportedProgram.Range(1L, null), p.ranges().get("s0"));
    assertTrue(p.inputTree().isLeaf());
    assertEquals(List.of(new GraphSignature.Input.User(new Argument.Tensor("x"))), p.signature().inputs());
    TensorMeta meta = p.graph().tensorValues().get("x");
    assertEquals(DataType.FLOAT, meta.dtype());
    assertEquals(List.of(Dim.symbol("s0"), Dim.of(4)), meta.sizes());
  }

  @Test
  void nodesRememberModuleAndSourceLine() {
    FxNode node = read(ProgramJson.small()).graph().nodes().get(0);
    assertEquals("relu", node.name());
    assertEquals("torch.ops.aten.relu.default", node.target());
    assertEquals("blocks.slice(None, 2, None).0", node.modulePath());
    assertEquals("torch.nn.ReLU", node.moduleClass());
    assertEquals("/src/net.py:7", node.sourceLine());
  }

  @Test
  void allKindsOfArguments() {
    assertEquals(Argument.None.NONE, argument("{\"as_none\": true}"));
    assertEquals(new Argument.Float(Double.NEGATIVE_INFINITY), argument("{\"as_float\": \"-Infinity\"}"));
    assertEquals(new Argument.Float(Double.POSITIVE_INFINITY), argument("{\"as_float\": Infinity}"));
    assertEquals(new Argument.Float(1), argument("{\"as_float\": 1}"));
    assertEquals(new Argument.Int(Long.MAX_VALUE), argument("{\"as_int\": 9223372036854775807}"));
    assertEquals(new Argument.Symbolic(Argument.SymbolicKind.INT, "n"), argument("{\"as_sym_int\": {\"as_name\": \"n\"}}"));
    assertEquals(new Argument.Int(3), argument("{\"as_sym_int\": {\"as_int\": 3}}"));
    assertEquals(new Argument.Sequence(List.of(new Argument.Symbolic(Argument.SymbolicKind.INT, "n"), new Argument.Int(-1))),
        argument("{\"as_sym_ints\": [{\"as_name\": \"n\"}, {\"as_int\": -1}]}"));
    assertEquals(new Argument.Sequence(List.of(Argument.None.NONE, new Argument.Tensor("i"))),
        argument("{\"as_optional_tensors\": [{\"as_none\": true}, {\"as_tensor\": {\"name\": \"i\"}}]}"));
    assertEquals(new Argument.Device("cuda:1"), argument("{\"as_device\": {\"type\": \"cuda\", \"index\": 1}}"));
    assertEquals(new Argument.Operator("torch.ops.aten.relu_.default"), argument("{\"as_operator\": \"torch.ops.aten.relu_.default\"}"));
    assertEquals(new Argument.Complex(0, 1), argument("{\"as_complex\": {\"real\": 0, \"imag\": 1.0}}"));
    assertEquals(new Argument.Sequence(List.of(new Argument.Sequence(List.of(new Argument.Int(1))))), argument("{\"as_int_lists\": [[1]]}"));
    assertEquals(new Argument.Unknown("as_something_new"), argument("{\"as_something_new\": {}}"));
    Argument graph = argument("{\"as_graph\": {\"name\": \"true_graph_0\", \"graph\": " + ProgramJson.graph(ProgramJson.relu(), "relu") + "}}");
    assertEquals("relu", ((Argument.Subgraph) graph).graph().nodes().get(0).name());
  }

  @Test
  void unknownMembersAreIgnored() {
    assertEquals(1, read(ProgramJson.small().replaceFirst("\\{", "{\"new_member\": {\"a\": [1, {}]}, ")).graph().nodes().size());
  }

  @Test
  void otherSchemaVersionsAreRefusedBeforeAnythingElse() {
    assertRefused(ProgramJson.small().replace("\"major\": 8", "\"major\": 7").replace("\"nodes\"", "\"knots\""), "$.schema_version", "7.20",
        "version 8");
    assertRefused("{}", "$.schema_version");
  }

  @Test
  void truncatedOrNoJson() {
    String whole = ProgramJson.small();
    for (int length : new int[] {0, 1, 10, whole.length() / 3, whole.length() / 2, whole.length() - 1}) {
      assertThrows(BadInputException.class, () -> read(whole.substring(0, length)), whole.substring(0, length));
    }
    assertRefused(whole.substring(0, whole.length() / 2), "no JSON");
    assertRefused(whole + "{}", "after the end");
    assertRefused("[]", "no object");
    assertRefused("not json", "no JSON");
  }

  @Test
  void malformedPartsAreNamedByTheirPath() {
    String small = ProgramJson.small();
    assertRefused(small.replace("\"target\": \"torch.ops.aten.relu.default\"", "\"target\": 5"), "$.graph_module.graph.nodes[0].target", "found 5");
    assertRefused(small.replace("\"kind\": 1", "\"kind\": \"one\""), "$.graph_module.graph.nodes[0].inputs[0].kind");
    assertRefused(small.replace("{\"name\": \"self\", ", "{"), "$.graph_module.graph.nodes[0].inputs[0]", "no \"name\"");
    assertRefused(small.replace("\"dtype\": 7", "\"dtype\": null"), "$.graph_module.graph.tensor_values.x.dtype");
    assertRefused(small.replace("{\"as_int\": 4}", "{\"as_int\": -4}"), "$.graph_module.graph.tensor_values.x.sizes[1]", "-4");
    assertRefused(small.replace("{\"as_int\": 4}", "{\"as_int\": 99999999999999999999}"), "sizes[1]");
    assertRefused(small.replace("[1, {", "[2, {"), "$.graph_module.module_call_graph[0].signature.in_spec", "2");
    assertRefused(small.replace("\"input_specs\": [", "\"input_specs\": [{\"token\": {}}, "), "signature", "2 inputs");
    assertRefused(small.replace("\"nodes\": [", "\"nodes\": 1e9, \"n\": ["), "$.graph_module.graph.nodes", "no list");
    assertRefused(small.replace("\"as_tensor\": {\"name\": \"x\"}", "\"as_tensor\": {\"name\": \"x\"}, \"as_int\": 1"), "2 members");
  }

  @Test
  void nestingIsBounded() {
    String graph = ProgramJson.graph(ProgramJson.relu(), "relu");
    for (int i = 0; i < 200; i++) {
      graph = ProgramJson.graph(ProgramJson.node("relu", "c", ProgramJson.input("", "{\"as_graph\": {\"name\": \"g\", \"graph\": " + graph + "}}"),
          ProgramJson.tensor("relu")), "relu");
      if (i == 30) {
        assertRefused(ProgramJson.program(graph, ProgramJson.signature("relu")), "nested deeper");
      }
    }
    assertRefused(ProgramJson.program(graph, ProgramJson.signature("relu")), "nest");
    assertRefused("[".repeat(100_000), "nest");
    String deepTree = "{\\\"type\\\": \\\"t\\\", \\\"children_spec\\\": [".repeat(1_000);
    assertRefused(ProgramJson.small().replace("[1, {", "[1, " + deepTree + "{"), "in_spec");
  }

  @Test
  void longTextsAreShortenedAndControlCharactersStayOut() {
    assertRefused(ProgramJson.small().replace("\"dtype\": 7", "\"dtype\": \"" + "x\\u0007\\n".repeat(5_000) + "\""), "dtype");
    assertRefused(ProgramJson.small().replace("\"x\": {\"dtype\": 7", "\"" + "y".repeat(30_000) + "\": {\"dtype\": null"), "dtype");
  }
}
