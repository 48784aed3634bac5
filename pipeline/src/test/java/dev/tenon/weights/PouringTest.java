package dev.tenon.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.convert.ConversionRecord;
import dev.tenon.convert.ConvertOptions;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Model;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.io.OnnxReader;
import dev.tenon.ir.io.OnnxWriter;
import dev.tenon.weights.PourPlan.Missing;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Checkpoints poured into a ResNet whose batch norms are folded into its convolutions. */
class PouringTest {
  private static final Path MODEL = Conversions.fixture("resnet18_narrow.ts_bn.onnx");

  @TempDir
  private Path folder;
  private Path model;

  @BeforeEach
  void convert() {
    model = Conversions.convert(MODEL, folder.resolve("model"), UnaryOperator.identity());
  }

  private PourPlan plan(WeightFile checkpoint) {
    try (VariableFormulas formulas = VariableFormulas.open(model, null)) {
      return PourPlanner.plan(formulas, checkpoint);
    }
  }

  private void pour(WeightFile checkpoint) {
    try (VariableFormulas formulas = VariableFormulas.open(model, null)) {
      new Pouring(formulas, PourPlanner.plan(formulas, checkpoint), checkpoint).inPlace();
    }
  }

  private static WeightFile file(Map<String, Tensor> tensors) {
    return new WeightFile("w.safetensors", "0123", tensors);
  }

  /** What converting a model with these weights would have given. */
  private Map<String, float[]> converted(Map<String, Tensor> tensors) throws IOException {
    Path onnx = folder.resolve("other.onnx");
    Model m = OnnxReader.read(MODEL);
    m.graph().initializers().stream().filter(v -> tensors.containsKey(v.name())).toList()
        .forEach(v -> m.graph().setInitializer(v, tensors.get(v.name())));
    OnnxWriter.write(m, onnx);
    return Conversions.values(Conversions.convert(onnx, folder.resolve("other"), UnaryOperator.identity()));
  }

  private static void assertSame(Map<String, float[]> expected, Map<String, float[]> actual) {
    assertEquals(expected.keySet(), actual.keySet());
    expected.forEach((name, values) -> assertArrayEquals(values, actual.get(name), name));
  }

  @Test
  void theOriginalCheckpointGivesTheOriginalBytes() throws IOException {
    Map<String, String> before = Conversions.files(model);
    WeightFile original = WeightFiles.open(MODEL, null, line -> { });
    assertTrue(plan(original).complete());
    pour(original);
    Map<String, String> after = Conversions.files(model);
    assertEquals(before.keySet(), after.keySet(), "no files left over");
    before.keySet().stream().filter(f -> !f.equals("tenon.json")).forEach(f -> assertEquals(before.get(f), after.get(f), f));
    assertEquals("resnet18_narrow.ts_bn.onnx", ConversionRecord.read(model).weights().file());
  }

  @Test
  void otherWeightsGiveWhatConvertingThemWouldHave() throws IOException {
    Map<String, Tensor> other = Conversions.otherWeights(MODEL, 5);
    pour(WeightFiles.open(Conversions.write(folder.resolve("w.safetensors"), other), null, line -> { }));
    assertSame(converted(other), Conversions.values(model));
    ConversionRecord record = ConversionRecord.read(model);
    assertEquals("w.safetensors", record.weights().file());
    assertEquals(64, record.weights().sha256().length());
    assertEquals(List.of(), record.weights().kept());
    assertEquals("resnet18_narrow.ts_bn.onnx", record.source().file(), "where the graph is from stays");
  }

  @Test
  void anotherFolderIsMadeWholeAndTheFirstStays() throws IOException {
    Map<String, String> before = Conversions.files(model);
    Map<String, Tensor> other = Conversions.otherWeights(MODEL, 6);
    WeightFile checkpoint = file(other);
    Path target = folder.resolve("made/of/other");
    try (VariableFormulas formulas = VariableFormulas.open(model, null)) {
      new Pouring(formulas, PourPlanner.plan(formulas, checkpoint), checkpoint).into(target, false);
    }
    assertEquals(before, Conversions.files(model));
    Map<String, String> made = Conversions.files(target);
    assertEquals(before.keySet(), made.keySet());
    assertEquals(before.get("saved_model.pb"), made.get("saved_model.pb"));
    pour(checkpoint);
    assertEquals(made, Conversions.files(model), "in place or not, the same bytes");
  }

  @Test
  void whatIsMissingUnexpectedAndOfAnotherShapeIsListed() {
    Map<String, Tensor> tensors = new LinkedHashMap<>(Conversions.otherWeights(MODEL, 7));
    tensors.remove("bn1.running_var");
    Tensor bias = tensors.remove("fc.bias");
    tensors.put("fc.bias", bias.slice(0, 0, 9));
    tensors.put("head.extra", bias);
    tensors.put("bn1.num_batches_tracked", Tensor.scalar(3));
    PourPlan plan = plan(file(tensors));
    assertFalse(plan.complete());
    assertEquals(List.of("bn1.running_var"), plan.missing().stream().map(Missing::name).toList());
    assertEquals("float32[64]", plan.missing().get(0).type());
    assertEquals(List.of("head.extra"), plan.unexpected());
    assertEquals("float32[9]", plan.mismatched().get(0).found());
    assertEquals("float32[10]", plan.mismatched().get(0).expected());
    assertEquals(List.of("conv1/kernel", "conv1/bias", "fc/bias"), plan.kept().stream().map(PourPlan.Kept::variable).toList());
    assertEquals(41, plan.fills().size());
  }

  @Test
  void partlyPouredVariablesAreFilledOrKept() throws IOException {
    Map<String, float[]> before = Conversions.values(model);
    Map<String, Tensor> other = Conversions.otherWeights(MODEL, 8);
    Map<String, float[]> all = converted(other);
    Map<String, Tensor> tensors = new LinkedHashMap<>(other);
    tensors.remove("bn1.bias");
    pour(file(tensors));
    Map<String, float[]> expected = new TreeMap<>(all);
    expected.put("conv1/bias", before.get("conv1/bias"));
    assertSame(expected, Conversions.values(model));
    assertEquals(List.of("conv1/bias"), ConversionRecord.read(model).weights().kept());
  }

  @Test
  void otherFloatingPointTypesAreConvertedAndSaid() throws IOException {
    Map<String, Tensor> other = Conversions.otherWeights(MODEL, 9);
    Map<String, Tensor> halves = new LinkedHashMap<>();
    other.forEach((name, t) -> halves.put(name, t.cast(name.contains("bn") ? DataType.BFLOAT16 : DataType.FLOAT16)));
    PourPlan plan = plan(file(halves));
    assertTrue(plan.complete());
    assertEquals(other.size(), plan.casts().size());
    pour(file(halves));
    Map<String, Tensor> widened = new LinkedHashMap<>();
    halves.forEach((name, t) -> widened.put(name, t.cast(DataType.FLOAT)));
    assertSame(converted(widened), Conversions.values(model));
    Map<String, Tensor> integers = new LinkedHashMap<>(other);
    integers.put("fc.bias", other.get("fc.bias").cast(DataType.INT32));
    assertEquals("int32[10]", plan(file(integers)).mismatched().get(0).found());
  }

  @Test
  void prefixesAreStrippedAddedAndProposed() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    Conversions.otherWeights(MODEL, 10).forEach((name, t) -> tensors.put("module." + name, t));
    WeightFile checkpoint = file(tensors);
    assertTrue(plan(checkpoint).hint().contains("--strip-prefix module."), plan(checkpoint).hint());
    assertTrue(plan(checkpoint.renamed("module.", "")).complete());
    assertEquals("the model's names begin with 'net.': try --prefix net.",
        PrefixHint.of(List.of("net.a.weight", "net.a.bias"), List.of("a.weight", "a.bias", "other")));
    assertEquals("", PrefixHint.of(List.of("net.a.weight", "b", "c"), List.of("a.weight")), "one of three proves nothing");
  }

  @Test
  void constantsOfTheGraphAreRefusedUnlessTheyAreTheSame() {
    UnaryOperator<ConvertOptions> freeze = o -> o.withFreeze(true);
    model = Conversions.convert(MODEL, folder.resolve("frozen"), freeze);
    PourPlan same = plan(WeightFiles.open(MODEL, null, line -> { }));
    assertEquals(List.of(), same.stale());
    PourPlan other = plan(file(Conversions.otherWeights(MODEL, 11)));
    assertFalse(other.complete());
    assertTrue(other.stale().stream().anyMatch(s -> s.name().equals("layer1.0.conv1.weight")), other.stale().toString());
  }
}
