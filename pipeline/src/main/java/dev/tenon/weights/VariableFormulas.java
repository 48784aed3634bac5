package dev.tenon.weights;

import dev.tenon.convert.ConversionRecord;
import dev.tenon.convert.ConversionRecord.Parameter;
import dev.tenon.convert.ConversionRecord.VariableRecord;
import dev.tenon.convert.RecipeJson;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.tf.VariableNames;
import dev.tenon.tf.export.SavedVariableInfo;
import dev.tenon.tf.export.SavedVariables;
import java.io.IOException;
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

/**
 * A SavedModel's variables, each with the formula that makes it: from {@code tenon.json}, from a mapping file, or from both.
 */
public final class VariableFormulas implements AutoCloseable {
  private final SavedVariables saved;
  private final ConversionRecord record;
  private final WeightMapping mapping;
  private final Map<String, Formula> formulas;
  private final Map<String, Tensor> recordedParameters;
  private final Map<String, Parameter> recorded = new HashMap<>();
  private final Set<String> mappedVariables = new HashSet<>();

  private VariableFormulas(SavedVariables saved, ConversionRecord record, WeightMapping mapping) {
    this.saved = saved;
    this.record = record;
    this.mapping = mapping;
    this.formulas = new LinkedHashMap<>();
    this.recordedParameters = new LinkedHashMap<>();
  }

  /**
   * Opens a SavedModel.
   *
   * @param mapping null if there is none; then {@code tenon.json} must be there
   * @throws BadInputException if a file is not what it should be, or names what the SavedModel has not
   */
  public static VariableFormulas open(Path savedModel, WeightMapping mapping) {
    boolean recorded = Files.exists(savedModel.resolve(ConversionRecord.FILE_NAME));
    if (!recorded && mapping == null && Files.exists(savedModel.resolve("saved_model.pb"))) {
      throw BadInputException.of(savedModel, "", "a SavedModel without " + ConversionRecord.FILE_NAME,
          "one that Tenon made, or a mapping file (--map), which 'tenon weights --match CHECKPOINT " + savedModel + "' proposes");
    }
    ConversionRecord record = recorded || mapping == null ? ConversionRecord.read(savedModel) : null;
    SavedVariables saved = openVariables(savedModel);
    VariableFormulas all = new VariableFormulas(saved, record, mapping);
    try {
      all.collect(savedModel.resolve(ConversionRecord.FILE_NAME).toString());
      return all;
    } catch (RuntimeException e) {
      all.close();
      throw e;
    }
  }

  private static SavedVariables openVariables(Path savedModel) {
    try {
      return SavedVariables.open(savedModel);
    } catch (IOException e) {
      throw new BadInputException(e.getMessage(), e);
    }
  }

  /** The variables of any SavedModel. */
  public static List<SavedVariableInfo> variablesOf(Path savedModel) {
    try (SavedVariables saved = openVariables(savedModel)) {
      return saved.variables();
    } catch (IOException e) {
      throw new BadInputException(e.getMessage(), e);
    }
  }

  private void collect(String recordFile) {
    Map<String, SavedVariableInfo> byName = byName();
    if (record != null) {
      record.parameters().forEach(p -> recorded.put(p.name(), p));
      for (VariableRecord v : record.variables()) {
        SavedVariableInfo info = byName.get(v.name());
        if (info == null) {
          throw BadInputException.of(recordFile, "variables", "variable " + v.name() + ", which the SavedModel has not",
              "one of its " + byName.size());
        }
        List<Long> shape = Arrays.stream(info.shape()).boxed().toList();
        if (!shape.equals(v.shape())) {
          throw BadInputException.of(recordFile, "variable " + v.name(), "shape " + v.shape(), shape + ", as the SavedModel has");
        }
        formulas.put(v.name(), Formula.recorded(v.recipe(), recordFile));
        for (Tensor t : RecipeJson.sources(v.recipe(), recordFile)) {
          recordedParameters.putIfAbsent(t.recipe().toString(), t);
        }
      }
    }
    if (mapping != null) {
      mapping.variables().forEach((name, formula) -> {
        if (!byName.containsKey(name)) {
          throw BadInputException.of(mapping.file(), "line for " + name, "a variable that the SavedModel has not",
              "one of its " + byName.size() + ", " + byName.keySet().iterator().next() + " say");
        }
        formulas.put(name, formula);
        mappedVariables.add(name);
      });
      for (String name : mapping.parameters().keySet()) {
        if (!recordedParameters.containsKey(name)) {
          throw BadInputException.of(mapping.file(), "line for " + name, "a parameter that no recipe of the SavedModel reads",
              "one that 'tenon names' lists");
        }
      }
    }
  }

  private Map<String, SavedVariableInfo> byName() {
    Map<String, SavedVariableInfo> byName = new LinkedHashMap<>();
    Set<String> twice = new LinkedHashSet<>();
    for (SavedVariableInfo v : saved.variables()) {
      if (byName.putIfAbsent(v.name(), v) != null) {
        twice.add(v.name());
      }
    }
    if (!twice.isEmpty()) {
      throw BadInputException.of(saved.folder(), "", "two variables named " + twice.iterator().next(), "names that tell variables apart");
    }
    return byName;
  }

  /** All variables, in the SavedModel's order. */
  public List<SavedVariableInfo> variables() {
    return saved.variables();
  }

  /** The values. */
  SavedVariables saved() {
    return saved;
  }

  /** How a variable is made; null if nobody has said so. */
  Formula formula(SavedVariableInfo variable) {
    return formulas.get(variable.name());
  }

  /** The names that a variable's formula reads; empty if it has none. */
  public Set<String> parametersOf(SavedVariableInfo variable) {
    Formula formula = formula(variable);
    return formula == null ? Set.of() : formula.parameters();
  }

  /** True if the mapping file says that the variable is to be left alone. */
  boolean leftAlone(SavedVariableInfo variable) {
    return formulas.containsKey(variable.name()) && formulas.get(variable.name()) == null;
  }

  /** True if the variable's formula is the mapping file's, over the checkpoint's names. */
  boolean isMapped(SavedVariableInfo variable) {
    return mappedVariables.contains(variable.name());
  }

  /** The record of the conversion; null for a SavedModel that Tenon did not make. */
  public ConversionRecord record() {
    return record;
  }

  /** The parameters that recipes of {@code tenon.json} read, by name, with their types and shapes but without elements. */
  Map<String, Tensor> recordedParameters() {
    return recordedParameters;
  }

  /**
   * False for a name of {@code tenon.json} that no state_dict has: a buffer that is not persistent, or a constant that an exporter wrote
   * down, the ones of a norm without a weight.
   */
  boolean isParameter(String name) {
    if (record == null || record.parameters().isEmpty() || !recordedParameters.containsKey(name)) {
      return true;
    }
    Parameter p = recorded.get(name);
    return p != null ? p.persistent() : VariableNames.isModuleName(name);
  }

  /** What the mapping file says of parameters. */
  Map<String, Formula> mappedParameters() {
    return mapping == null ? new HashMap<>() : mapping.parameters();
  }

  /** Parameters of the source in its order: those that {@code tenon.json} lists, and then what else recipes read. */
  List<String> parameterOrder() {
    Set<String> names = new LinkedHashSet<>();
    if (record != null) {
      record.parameters().forEach(p -> names.add(p.name()));
    }
    for (Formula f : formulas.values()) {
      if (f != null) {
        names.addAll(f.parameters());
      }
    }
    return new ArrayList<>(names);
  }

  @Override
  public void close() {
    try {
      saved.close();
    } catch (IOException e) {
      // It was only read.
    }
  }
}
