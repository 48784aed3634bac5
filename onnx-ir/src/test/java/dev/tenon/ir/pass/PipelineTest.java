package dev.tenon.ir.pass;

import dev.tenon.ir.Model;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.io.OnnxReader;
import dev.tenon.ir.testing.Equivalence;
import dev.tenon.ir.testing.Fixtures;
import dev.tenon.ir.testing.Manifest;
import dev.tenon.ir.testing.RandomInputs;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The whole default pipeline on real exported models: fewer operators, the same numbers. */
class PipelineTest {

  static Stream<Path> models() {
    return Fixtures.allOnnx().stream();
  }

  static PassContext context(Model m) {
    return new PassContext(m, new Diagnostics(), new InferredShapes());
  }

  @ParameterizedTest
  @MethodSource("models")
  void keepsTheNumbersOfRealModels(Path file) {
    Model before = OnnxReader.read(file);
    Model after = OnnxReader.read(file);
    PassContext context = context(after);
    int nodes = context.nodeCount();
    Map<String, PassResult> results = new PassManager(Passes.all()).run(context);
    Map<String, Map<String, Integer>> counts = new LinkedHashMap<>();
    results.forEach((name, r) -> {
      if (r.changed()) {
        counts.put(name, new TreeMap<>(r.counts()));
      }
    });
    System.out.println(file.getFileName() + ": " + nodes + " -> " + context.nodeCount() + " " + counts);
    List<RandomInputs> inputs = Manifest.inputs(file);
    inputs = inputs.isEmpty() ? List.of(RandomInputs.seeded(1)) : inputs;
    Equivalence.assertSameOutputs(before, after, Equivalence.DEFAULT_TOLERANCE, inputs);
  }
}
