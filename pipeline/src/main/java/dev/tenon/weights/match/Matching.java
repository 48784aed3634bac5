package dev.tenon.weights.match;

import dev.tenon.convert.ConversionRecord;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.ElementTypes;
import dev.tenon.tf.export.SavedVariableInfo;
import dev.tenon.weights.PourPlan;
import dev.tenon.weights.PourPlan.Kept;
import dev.tenon.weights.PourPlanner;
import dev.tenon.weights.RecipeText;
import dev.tenon.weights.VariableFormulas;
import dev.tenon.weights.WeightFile;
import dev.tenon.weights.WeightMapping;
import dev.tenon.weights.WeightMapping.Entry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Proposes which tensors of a checkpoint the variables of a SavedModel are made of. */
public final class Matching {
  private final List<SavedVariableInfo> variables;
  private final Map<String, Tensor> tensors;

  private Matching(List<SavedVariableInfo> variables, Map<String, Tensor> tensors) {
    this.variables = variables;
    this.tensors = tensors;
  }

  /**
   * Proposes a mapping. Of a model that Tenon made only the variables are in question whose parameters the checkpoint does not have
   * under the names of {@code tenon.json}.
   */
  public static WeightMapping propose(Path savedModel, WeightFile checkpoint) {
    if (!Files.exists(savedModel.resolve(ConversionRecord.FILE_NAME))) {
      return new Matching(VariableFormulas.variablesOf(savedModel), new LinkedHashMap<>(checkpoint.tensors())).propose();
    }
    try (VariableFormulas model = VariableFormulas.open(savedModel, null)) {
      PourPlan plan = PourPlanner.plan(model, checkpoint);
      Set<String> open = new HashSet<>();
      plan.kept().stream().filter(k -> !k.wanted()).map(Kept::variable).forEach(open::add);
      Map<String, Tensor> left = new LinkedHashMap<>(checkpoint.tensors());
      plan.fills().forEach(f -> model.parametersOf(f.variable()).forEach(left::remove));
      return new Matching(model.variables().stream().filter(v -> open.contains(v.name())).toList(), left).propose();
    }
  }

  private WeightMapping propose() {
    Layer.Builder builder = new Layer.Builder();
    Map<String, SavedVariableInfo> byName = new LinkedHashMap<>();
    for (SavedVariableInfo v : variables) {
      if (ElementTypes.toOnnx(v.dtype()).isFloat()) {
        builder.add(v.name(), null, v.shape());
        byName.put(v.name(), v);
      }
    }
    List<Layer> wanted = builder.build();
    Map<String, Tensor> floats = new LinkedHashMap<>(tensors);
    floats.values().removeIf(t -> !t.dtype().isFloat());
    List<LayerMatch> matches = LayerMatcher.match(wanted, TorchLayers.of(floats, wanted));
    Map<String, Entry> entries = new HashMap<>();
    Set<String> used = new LinkedHashSet<>();
    for (LayerMatch m : matches) {
      m.fit().parts().forEach((part, arrangement) -> {
        String reason = arrangement.words() + "; " + m.reason();
        double confidence = arrangement.doubt() ? Math.min(m.confidence(), 0.5) : m.confidence();
        entries.put(part.recipe(), entry(byName.get(part.recipe()), arrangement.recipe(), confidence, reason));
        used.addAll(RecipeText.names(arrangement.recipe()));
      });
    }
    List<Entry> lines = new ArrayList<>();
    for (SavedVariableInfo v : variables) {
      lines.add(entries.getOrDefault(v.name(), entry(v, null, 0, "nothing of the checkpoint fits it")));
    }
    return new WeightMapping("", lines, tensors.keySet().stream()
        .filter(n -> !used.contains(n) && !PourPlanner.isStepCounter(n)).toList());
  }

  private static Entry entry(SavedVariableInfo v, String from, double confidence, String reason) {
    return new Entry(v.name(), null, from, Arrays.stream(v.shape()).boxed().toList(), confidence, reason);
  }
}
