package dev.tenon.ir.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.Model;
import dev.tenon.ir.testing.Equivalence;
import dev.tenon.ir.testing.Fixtures;
import dev.tenon.ir.testing.RandomInputs;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Reading what was written gives the same graph, the same bytes, and the same numbers in ONNX Runtime. */
class RoundTripTest {
  @TempDir
  Path folder;

  @TestFactory
  List<DynamicTest> everyFixtureSurvivesWritingAndReading() {
    List<DynamicTest> tests = new ArrayList<>();
    for (Path file : Fixtures.allOnnx()) {
      tests.add(DynamicTest.dynamicTest(Fixtures.root().relativize(file).toString(), () -> {
        Model model = OnnxReader.read(file);
        byte[] once = OnnxWriter.toBytes(model);
        Model again = OnnxReader.read(ByteBuffer.wrap(once), "again");
        assertEquals(GraphText.of(model), GraphText.of(again));
        assertArrayEquals(once, OnnxWriter.toBytes(again), "the same model gives the same bytes");
        assertEquals(provenance(model), provenance(again));
      }));
    }
    assertTrue(tests.size() >= 50, "fixtures found: " + tests.size());
    return tests;
  }

  private static List<String> provenance(Model m) {
    List<String> all = new ArrayList<>();
    m.graph().forEachNode(n -> all.add(n.name() + " " + n.provenance() + n.metadata()));
    return all;
  }

  @Test
  void theNumbersStayTheSame() {
    for (String name : List.of("resnet18_narrow.ts.onnx", "mobilenet_v3_narrow.dynamo.onnx", "lstm_classifier.ts.onnx", "norms.ts_bn.onnx")) {
      Path file = Fixtures.onnx(name);
      Model before = OnnxReader.read(file);
      Path inline = folder.resolve("inline.onnx");
      Path external = folder.resolve("external.onnx");
      OnnxWriter.write(before, inline);
      OnnxWriter.write(before, external, OnnxWriter.Options.defaults().withWeights(OnnxWriter.Weights.EXTERNAL));
      List<RandomInputs> inputs = List.of(RandomInputs.seeded(1).size("batch", 1).size("height", 64).size("width", 48),
          RandomInputs.seeded(2).size("batch", 3).size("height", 40).size("width", 72));
      // The same graph in the same runtime: every bit must be the same.
      Equivalence.assertSameOutputs(before, OnnxReader.read(inline), 0, inputs);
      Equivalence.assertSameOutputs(before, OnnxReader.read(external), 0, inputs);
    }
  }
}
