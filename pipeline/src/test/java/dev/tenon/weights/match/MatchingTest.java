package dev.tenon.weights.match;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.convert.ConvertOptions;
import dev.tenon.convert.Converter;
import dev.tenon.convert.Progress;
import dev.tenon.frontend.ModelSource;
import dev.tenon.weights.PourPlan;
import dev.tenon.weights.PourPlanner;
import dev.tenon.weights.VariableFormulas;
import dev.tenon.weights.WeightFile;
import dev.tenon.weights.WeightFiles;
import dev.tenon.weights.WeightMapping;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model whose exporter has folded its batch norms and lost their names, and the same weights under PyTorch's names. */
class MatchingTest {
  private static final Path MODELS = Path.of(System.getProperty("tenon.root", "..")).resolve("testmodels/onnx");

  @TempDir
  private Path folder;

  private Path convert(String name) {
    Path target = folder.resolve(name);
    try (ModelSource source = ModelSource.ofFile(MODELS.resolve(name))) {
      new Converter(ConvertOptions.defaults(), Progress.NONE).convert(source, target);
    }
    return target;
  }

  @Test
  void foldedWeightsWithoutNamesAreFoundAndTheSame() throws IOException {
    Path model = convert("resnet18_narrow.ts.onnx");
    WeightFile named = WeightFiles.open(MODELS.resolve("resnet18_narrow.ts_bn.onnx"), null, line -> { });
    try (VariableFormulas without = VariableFormulas.open(model, null)) {
      PourPlan plan = PourPlanner.plan(without, named);
      assertTrue(plan.missing().stream().allMatch(PourPlan.Missing::madeUp), plan.missing().toString());
    }
    Path file = folder.resolve("map.json");
    Matching.propose(model, named).write(file);
    try (VariableFormulas mapped = VariableFormulas.open(model, WeightMapping.read(file));
        VariableFormulas own = VariableFormulas.open(model, null)) {
      PourPlan plan = PourPlanner.plan(mapped, named);
      assertTrue(plan.complete(), plan.toString());
      PourPlan original = PourPlanner.plan(own, WeightFiles.open(MODELS.resolve("resnet18_narrow.ts.onnx"), null, line -> { }));
      assertEquals(original.fills().size(), plan.fills().size());
      for (int i = 0; i < plan.fills().size(); i++) {
        assertArrayEquals(original.fills().get(i).tensor().toFloats(), plan.fills().get(i).tensor().toFloats(), 1e-5f,
            plan.fills().get(i).variable().name());
      }
    }
  }

  @Test
  void whatHasItsNameNeedsNoLine() throws IOException {
    Path model = convert("resnet18_narrow.ts_bn.onnx");
    WeightFile named = WeightFiles.open(MODELS.resolve("resnet18_narrow.ts_bn.onnx"), null, line -> { });
    WeightMapping mapping = Matching.propose(model, named);
    assertEquals(List.of(), mapping.entries());
    assertEquals(List.of(), mapping.unusedTensors());
  }
}
