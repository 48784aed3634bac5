package dev.tenon.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.io.OnnxWriter;
import dev.tenon.weights.Recovery.Found;
import dev.tenon.weights.Recovery.Lost;
import dev.tenon.weights.Recovery.Origin;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Variables, changed as training would, written back under PyTorch's names. */
class RecoveryTest {
  private static final Path RESNET = Conversions.fixture("resnet18_narrow.ts_bn.onnx");

  @TempDir
  private Path folder;

  private static WeightFile parameters(Path model) {
    return WeightFiles.open(model, null, line -> { });
  }

  private static Recovery recover(Path model, WeightFile base) {
    try (VariableFormulas formulas = VariableFormulas.open(model, null)) {
      Recovery r = RecoverySolver.recover(formulas, base);
      r.found().forEach(f -> f.tensor().bytes()); // files may be closed from here on
      return r;
    }
  }

  /** Recovers, and writes a file as the command does. */
  private WeightFile written(Path model, WeightFile base) {
    try (VariableFormulas formulas = VariableFormulas.open(model, null)) {
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      RecoverySolver.recover(formulas, base).found().forEach(f -> tensors.put(f.name(), f.tensor()));
      return WeightFiles.open(Conversions.write(folder.resolve("out.safetensors"), tensors), null, line -> { });
    }
  }

  private static void pour(Path model, WeightFile checkpoint) {
    try (VariableFormulas formulas = VariableFormulas.open(model, null)) {
      PourPlan plan = PourPlanner.plan(formulas, checkpoint);
      assertTrue(plan.complete(), plan.toString());
      new Pouring(formulas, plan, checkpoint).inPlace();
    }
  }

  private static void assertClose(Map<String, float[]> expected, Map<String, float[]> actual, float tolerance) {
    assertEquals(expected.keySet(), actual.keySet());
    expected.forEach((name, values) -> assertArrayEquals(values, actual.get(name), tolerance, name));
  }

  @Test
  void batchNormsOfTheirOwnComeBackToTheBit() throws IOException {
    Path model = Conversions.convert(RESNET, folder.resolve("model"), o -> o.withPasses("-fold-batch-norm"));
    Conversions.train(model, 1);
    Map<String, float[]> trained = Conversions.values(model);
    WeightFile out = written(model, null);
    WeightFile source = parameters(RESNET);
    assertEquals(source.tensors().keySet(), out.tensors().keySet());
    source.tensors().forEach((name, t) -> assertEquals(t.toString(), out.tensors().get(name).toString(), name));
    Path fresh = Conversions.convert(RESNET, folder.resolve("fresh"), o -> o.withPasses("-fold-batch-norm"));
    pour(fresh, out);
    assertClose(trained, Conversions.values(fresh), 0);
  }

  @Test
  void foldedBatchNormsNeedABase() throws IOException {
    Path model = Conversions.convert(RESNET, folder.resolve("model"), UnaryOperator.identity());
    Conversions.train(model, 2);
    Map<String, float[]> trained = Conversions.values(model);
    Recovery without = recover(model, null);
    assertEquals(List.of("fc.weight", "fc.bias"), without.found().stream().map(Found::name).toList());
    Lost lost = without.lost().get(0);
    assertEquals("conv1.weight", lost.name());
    assertEquals("variable conv1/kernel holds it combined with bn1.weight, bn1.running_var", lost.reason());

    WeightFile base = parameters(RESNET);
    Recovery with = recover(model, base);
    assertEquals(List.of(), with.lost());
    assertEquals(base.tensors().keySet().stream().toList(), with.found().stream().map(Found::name).toList(), "the base's order");
    for (Found f : with.found()) {
      boolean statistics = f.name().matches(".*(bn\\d|downsample\\.1)\\.(weight|running_mean|running_var)");
      assertEquals(statistics ? Origin.BASE : Origin.VARIABLES, f.origin(), f.name());
    }
    Path fresh = Conversions.convert(RESNET, folder.resolve("fresh"), UnaryOperator.identity());
    pour(fresh, written(model, base));
    assertClose(trained, Conversions.values(fresh), 1e-5f);
  }

  @Test
  void aChannelWhoseScaleIsZeroIsTheBases() throws IOException {
    Map<String, Tensor> zeroed = new LinkedHashMap<>(parameters(RESNET).tensors());
    float[] gamma = zeroed.get("bn1.weight").toFloats();
    gamma[3] = 0;
    zeroed.put("bn1.weight", Tensor.of(gamma, gamma.length));
    WeightFile base = new WeightFile("base", "", zeroed);
    Path model = Conversions.convert(RESNET, folder.resolve("model"), UnaryOperator.identity());
    pour(model, base);
    Recovery r = recover(model, base);
    assertEquals(List.of(), r.lost());
    Found conv = r.found().stream().filter(f -> f.name().equals("conv1.weight")).findFirst().orElseThrow();
    assertArrayEquals(zeroed.get("conv1.weight").toFloats(), conv.tensor().toFloats(), 1e-5f);
  }

  @Test
  void aSumThatCannotBeSplitIsAllInOne() throws IOException {
    Path source = Conversions.fixture("lstm_classifier.ts.onnx");
    Path model = Conversions.convert(source, folder.resolve("model"), UnaryOperator.identity());
    Conversions.train(model, 3);
    Map<String, float[]> trained = Conversions.values(model);
    Recovery r = recover(model, null);
    assertEquals(List.of(), r.lost());
    assertEquals(2, r.count(Origin.ZERO), "the two layers' biases, of both directions");
    Path fresh = Conversions.convert(source, folder.resolve("fresh"), UnaryOperator.identity());
    pour(fresh, written(model, null));
    assertClose(trained, Conversions.values(fresh), 0);
  }

  @Test
  void withABaseTheOtherHalfOfASumIsTheBases() throws IOException {
    Path source = Conversions.fixture("lstm_classifier.ts.onnx");
    Path model = Conversions.convert(source, folder.resolve("model"), UnaryOperator.identity());
    Conversions.train(model, 4);
    Map<String, float[]> trained = Conversions.values(model);
    WeightFile base = parameters(source);
    WeightFile out = written(model, base);
    String bias = out.tensors().keySet().stream().filter(n -> out.tensors().get(n).rank() == 2 && out.tensors().get(n).dim(1) == 192)
        .findFirst().orElseThrow();
    float[] hidden = out.tensors().get(bias).slice(1, 96, 192).toFloats();
    assertArrayEquals(base.tensors().get(bias).slice(1, 96, 192).toFloats(), hidden);
    Path fresh = Conversions.convert(source, folder.resolve("fresh"), UnaryOperator.identity());
    pour(fresh, out);
    assertClose(trained, Conversions.values(fresh), 1e-6f);
  }

  /** One parameter in two arrangements: x W, then W again as PyTorch's linear layers have it. */
  private Path shared() {
    Graph g = new Graph("shared");
    Value x = g.addInput("x", Type.tensor(DataType.FLOAT, Shape.of(2, 3)));
    Value w = g.addInitializer("shared.weight", Tensor.of(new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9}, 3, 3));
    Value a = g.newNode("MatMul").inputs(x, w).name("/a/MatMul").append().output();
    Value b = g.newNode("Gemm").inputs(a, w).attr("transB", 1).name("/b/Gemm").append().output();
    g.addOutput(b);
    Model m = new Model(g);
    m.opsetImports().put("", 17);
    m.setIrVersion(8);
    Path file = folder.resolve("shared.onnx");
    OnnxWriter.write(m, file);
    return file;
  }

  @Test
  void twoVariablesOfOneParameterMustAgree() throws IOException {
    Path source = shared();
    Path model = Conversions.convert(source, folder.resolve("model"), UnaryOperator.identity());
    Map<String, float[]> values = Conversions.values(model);
    assertEquals(2, values.size(), values.keySet().toString());
    Recovery tied = recover(model, null);
    assertEquals(List.of(), tied.lost());
    assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9}, tied.found().get(0).tensor().toFloats());

    Conversions.train(model, 5);
    Recovery apart = recover(model, null);
    assertEquals(List.of(), apart.found());
    assertEquals(1, apart.lost().size());
    String reason = apart.lost().get(0).reason();
    assertTrue(reason.contains("do not agree any more") && values.keySet().stream().allMatch(reason::contains), reason);
  }

  @Test
  void aBaseOfAnotherModelIsRefused() {
    Path model = Conversions.convert(RESNET, folder.resolve("model"), UnaryOperator.identity());
    Map<String, Tensor> other = new LinkedHashMap<>(parameters(RESNET).tensors());
    other.put("bn1.weight", Tensor.of(new float[7], 7));
    String message = assertThrows(BadInputException.class,
        () -> recover(model, new WeightFile("base.pth", "", other))).getMessage();
    assertEquals("base.pth: bn1.weight: found float32[7], expected float32[64], as the model has", message);
  }
}
