package dev.tenon.weights;

import dev.tenon.convert.ConversionRecord.Parameter;
import dev.tenon.convert.SourceParameters;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.tf.ElementTypes;
import dev.tenon.tf.export.SavedVariableInfo;
import dev.tenon.weights.PourPlan.CastNote;
import dev.tenon.weights.PourPlan.Fill;
import dev.tenon.weights.PourPlan.Kept;
import dev.tenon.weights.PourPlan.Mismatch;
import dev.tenon.weights.PourPlan.Missing;
import dev.tenon.weights.PourPlan.Stale;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Finds for each variable the tensors of a checkpoint that it is made of, and for each tensor what is made of it. Types and shapes are
 * compared; elements are read only of what the graph holds as constants.
 */
public final class PourPlanner {
  private static final String STEP_COUNTER = "num_batches_tracked";

  private final VariableFormulas model;
  private final WeightFile checkpoint;
  private final Map<String, Formula> mapped;
  /** Parameter to the tensor that stands for it; null for one that has none. */
  private final Map<String, Tensor> resolved = new HashMap<>();
  private final Set<String> used = new LinkedHashSet<>();
  private final List<Fill> fills = new ArrayList<>();
  private final List<Kept> kept = new ArrayList<>();
  private final List<Missing> missing = new ArrayList<>();
  private final List<Mismatch> mismatched = new ArrayList<>();
  private final List<Stale> stale = new ArrayList<>();
  private final Map<String, CastNote> casts = new LinkedHashMap<>();
  /** A tied parameter to the other names of it. */
  private final Map<String, String> aliases = new HashMap<>();

  private PourPlanner(VariableFormulas model, WeightFile checkpoint) {
    this.model = model;
    this.checkpoint = checkpoint;
    this.mapped = model.mappedParameters();
    for (Parameter p : parameters()) {
      if (!p.sameAs().isEmpty()) {
        aliases.put(p.sameAs(), p.name());
      }
    }
  }

  /**
   * Plans.
   *
   * @throws BadInputException if a recipe of a mapping file does not fit the tensors it names
   */
  public static PourPlan plan(VariableFormulas model, WeightFile checkpoint) {
    return new PourPlanner(model, checkpoint).run();
  }

  /** True for the name of what counts training steps; no output depends on it. */
  public static boolean isStepCounter(String name) {
    return name.equals(STEP_COUNTER) || name.endsWith("." + STEP_COUNTER);
  }

  private List<Parameter> parameters() {
    return model.record() == null ? List.of() : model.record().parameters();
  }

  private PourPlan run() {
    model.variables().forEach(this::variable);
    parameters().forEach(this::parameterBesideVariables);
    List<String> unexpected = checkpoint.tensors().keySet().stream()
        .filter(n -> !used.contains(n) && !isStepCounter(n)).toList();
    return new PourPlan(List.copyOf(fills), List.copyOf(kept), List.copyOf(missing), List.copyOf(mismatched), List.copyOf(stale), unexpected,
        List.copyOf(casts.values()), PrefixHint.of(missing.stream().map(Missing::name).toList(), unexpected));
  }

  // ---- variables ----

  private void variable(SavedVariableInfo v) {
    Formula formula = model.formula(v);
    if (formula == null) {
      kept.add(model.leftAlone(v) ? new Kept(v.name(), "the mapping file leaves it alone", true)
          : new Kept(v.name(), "no recipe says what it is made of", false));
      return;
    }
    if (!formula.baked().isEmpty()) {
      formula.parameters().forEach(this::markUsed);
      String reason = String.join("; ", new LinkedHashSet<>(formula.baked()));
      stale.add(new Stale(v.name(), reason));
      kept.add(new Kept(v.name(), reason, false));
      return;
    }
    boolean direct = model.isMapped(v);
    if (!direct && !formula.parameters().isEmpty() && formula.parameters().stream().noneMatch(model::isParameter)) {
      kept.add(new Kept(v.name(), "it holds a constant of the model, no parameter", true));
      return;
    }
    List<String> absent = new ArrayList<>();
    for (String name : formula.parameters()) {
      if ((direct ? direct(name) : recorded(name)) == null) {
        absent.add(name);
      }
    }
    if (!absent.isEmpty()) {
      kept.add(new Kept(v.name(), "not there or not fitting: " + String.join(", ", absent), false));
      return;
    }
    fill(v, formula.apply(direct ? checkpoint.tensors()::get : resolved::get));
  }

  private void fill(SavedVariableInfo v, Tensor t) {
    DataType dtype = ElementTypes.toOnnx(v.dtype());
    boolean castable = t.dtype().isFloat() && dtype.isFloat();
    if (!Arrays.equals(t.dims(), v.shape()) || t.dtype() != dtype && !castable) {
      mismatched.add(new Mismatch(v.name() + " (variable)", t.toString(), dtype + Arrays.toString(v.shape()).replace(" ", "")));
      kept.add(new Kept(v.name(), "what it would be filled with has another type or shape", false));
      return;
    }
    if (t.dtype() != dtype) {
      casts.put(v.name(), new CastNote(v.name(), t.dtype().label(), dtype.label()));
    }
    fills.add(new Fill(v, t.cast(dtype)));
  }

  /** A tensor of the checkpoint that a mapping file names. */
  private Tensor direct(String name) {
    Tensor t = checkpoint.tensors().get(name);
    if (t == null) {
      missing(name, "", "the mapping file names it");
      return null;
    }
    used.add(name);
    return t;
  }

  private void missing(String name, String type, String note) {
    if (missing.stream().noneMatch(m -> m.name().equals(name))) {
      missing.add(new Missing(name, type, note));
    }
  }

  // ---- parameters of tenon.json ----

  private Tensor recorded(String name) {
    if (!resolved.containsKey(name)) {
      resolved.put(name, resolve(name));
    }
    return resolved.get(name);
  }

  private Tensor resolve(String name) {
    Tensor expected = model.recordedParameters().get(name);
    Tensor t = find(name);
    String bias = name + "_bias";
    if (t != null && name.endsWith(".weight") && model.recordedParameters().containsKey(bias) && find(bias) == null) {
      // PyTorch's newer exporter folds batch norms itself, and keeps the convolution's name for the product.
      missing(name, expected.toString(), "the exporter folded a batch norm into it before Tenon saw it, and the checkpoint holds it unfolded; "
          + "export with optimize=False");
      used.add(name);
      return null;
    }
    if (t == null) {
      if (missing.stream().noneMatch(m -> m.name().equals(name))) {
        missing(name, expected.toString(), "");
      }
      return null;
    }
    boolean castable = t.dtype().isFloat() && expected.dtype().isFloat();
    if (!Arrays.equals(t.dims(), expected.dims()) || t.dtype() != expected.dtype() && !castable) {
      mismatched.add(new Mismatch(name, t.toString(), expected.toString()));
      return null;
    }
    if (t.dtype() != expected.dtype()) {
      casts.put(name, new CastNote(name, t.dtype().label(), expected.dtype().label()));
    }
    return t.cast(expected.dtype());
  }

  /** The tensor that stands for a parameter: what a mapping file says, the one of its name, or the one of a tied name. */
  private Tensor find(String name) {
    Formula formula = mapped.get(name);
    if (formula != null) {
      boolean all = true;
      for (String n : formula.parameters()) {
        all &= direct(n) != null;
      }
      return all ? formula.apply(checkpoint.tensors()::get) : null;
    }
    String there = checkpoint.tensors().containsKey(name) ? name : aliases.get(name);
    markUsed(there);
    return there == null ? null : checkpoint.tensors().get(there);
  }

  private void markUsed(String name) {
    if (checkpoint.tensors().containsKey(name)) {
      used.add(name);
    }
  }

  /** What no variable is made of, and what the graph holds: to be compared with what the checkpoint has. */
  private void parameterBesideVariables(Parameter p) {
    Tensor t = checkpoint.tensors().get(p.name());
    if (t == null) {
      return;
    }
    used.add(p.name());
    try {
      if (p.use().inGraph()) {
        DataType dtype = DataType.ofLabel(p.dtype()).orElse(t.dtype());
        boolean comparable = t.dtype() == dtype || t.dtype().isFloat() && dtype.isFloat();
        if (!comparable || !SourceParameters.sha256(t.cast(dtype)).equals(p.sha256())) {
          stale.add(Stale.of(p));
        }
      }
    } catch (IOException e) {
      throw new BadInputException(checkpoint.file() + ": cannot read " + p.name() + ": " + e.getMessage(), e);
    }
    Tensor twin = p.sameAs().isEmpty() ? null : checkpoint.tensors().get(p.sameAs());
    if (twin != null && !twin.contentEquals(t)) {
      mismatched.add(new Mismatch(p.name(), "other values than " + p.sameAs(), "the same: the model has one weight for both"));
    }
  }
}
