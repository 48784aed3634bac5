package dev.tenon.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What layouts are told of a custom operator between two convolutions decides how many transposes are left around it. */
class OperatorLayoutTest {
  @TempDir
  Path folder;

  @ParameterizedTest
  @CsvSource({"opaque,4", "elementwise,2", "channels-last,2"})
  void layoutsPassThroughWhatIsDeclared(String layout, int transposes) throws IOException {
    Path model = TinyModels.leakyBetweenConvolutions(folder.resolve("model.onnx"));
    TinyModels.leaky(folder.resolve("leaky.onnx"));
    Path ops = Files.writeString(folder.resolve("ops.yaml"),
        "operators: {tests::Leak: {resolve: tensorflow, op: LeakyRelu, reference: leaky.onnx}}");
    CommandRun run = CommandRun.of("convert", model, "-o", folder.resolve("out"), "--ops", ops, "--op-layout", "tests::Leak=" + layout,
        "--json");
    assertEquals(0, run.code(), run.out() + run.err());
    JsonNode o = new ObjectMapper().readTree(run.out());
    assertEquals(transposes, o.at("/transposes").asInt());
    assertEquals(layout, o.at("/options/operators/tests::Leak/layout").asText());
  }
}
