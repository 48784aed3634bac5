package dev.tenon.ir.pass;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.Model;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.io.OnnxReader;
import dev.tenon.ir.testing.Equivalence;
import dev.tenon.ir.testing.Fixtures;
import dev.tenon.ir.testing.Manifest;
import dev.tenon.ir.testing.RandomInputs;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
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

  private static Map<String, Integer> operatorsOf(String fixture) {
    Model m = OnnxReader.read(Fixtures.onnx(fixture));
    new PassManager(Passes.all()).run(context(m));
    Map<String, Integer> ops = new TreeMap<>();
    m.graph().forEachNode(n -> ops.merge(n.qualifiedOp(), 1, Integer::sum));
    return ops;
  }

  @Test
  void residualNetworkIsConvolutionsReluAndAdds() {
    Map<String, Integer> expected = Map.of("Add", 8, "Conv", 21, "Flatten", 1, "Gemm", 1, "GlobalAveragePool", 1, "MaxPool", 1, "Relu", 17);
    assertEquals(new TreeMap<>(expected), operatorsOf("resnet18_narrow.ts_bn.onnx"));
    assertEquals(new TreeMap<>(expected), operatorsOf("resnet18_narrow.ts.onnx"));
  }

  @Test
  void mobileNetworkIsFusedAtAnOpsetWithoutHardSwish() {
    assertEquals(new TreeMap<>(Map.of("Add", 2, "Conv", 22, "Flatten", 1, "Gemm", 2, "GlobalAveragePool", 4, "HardSigmoid", 3, "Mul", 3,
        "Relu", 8, "dev.tenon::HardSwish", 7)), operatorsOf("mobilenet_v3_narrow.ts_bn.onnx"));
  }

  @Test
  void convNeXtOfOpset13HasItsNormsAndActivationsBack() {
    assertEquals(new TreeMap<>(Map.of("Add", 15, "Conv", 9, "Flatten", 1, "Gemm", 1, "GlobalAveragePool", 1, "MatMul", 10, "Mul", 5,
        "Transpose", 20, "dev.tenon::Gelu", 5, "dev.tenon::LayerNormalization", 10)), operatorsOf("convnext_narrow.ts.onnx"));
  }

  @Test
  void everyStateOfTheModelCanBeDumpedAndReadBack(@TempDir Path folder) throws Exception {
    Model m = OnnxReader.read(Fixtures.onnx("norms.ts_opset13.onnx"));
    new PassManager(Passes.all()).listener(new PassDumps(folder)).run(context(m));
    List<Path> dumps;
    try (Stream<Path> files = Files.list(folder)) {
      dumps = files.filter(f -> f.toString().endsWith(".onnx")).sorted().toList();
    }
    assertTrue(dumps.size() > 5, dumps::toString);
    Model before = OnnxReader.read(Fixtures.onnx("norms.ts_opset13.onnx"));
    for (Path dump : dumps) {
      Equivalence.assertSameOutputs(before, OnnxReader.read(dump), Equivalence.DEFAULT_TOLERANCE,
          Manifest.inputs(Fixtures.onnx("norms.ts_opset13.onnx")));
    }
  }
}
