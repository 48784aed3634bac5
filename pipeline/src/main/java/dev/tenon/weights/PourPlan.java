package dev.tenon.weights;

import dev.tenon.convert.ConversionRecord.Parameter;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.VariableNames;
import dev.tenon.tf.export.SavedVariableInfo;
import java.util.List;

/**
 * What pouring a checkpoint into a SavedModel's variables would do. {@link PourPlanner} makes it; nothing is written yet.
 *
 * @param fills variables that get new values
 * @param kept variables that keep the values they have
 * @param missing parameters that the checkpoint has not
 * @param mismatched tensors of another type or shape than the parameter they would be
 * @param stale parameters with other values than those that are constants of the graph, which pouring cannot change
 * @param unexpected tensors that nothing is made of
 * @param casts tensors whose elements are converted to another floating-point type
 * @param hint what to try if names do not match; empty if there is nothing to say
 */
public record PourPlan(List<Fill> fills, List<Kept> kept, List<Missing> missing, List<Mismatch> mismatched, List<Stale> stale,
    List<String> unexpected, List<CastNote> casts, String hint) {

  /** A variable and its new value. */
  public record Fill(SavedVariableInfo variable, Tensor tensor) {}

  /**
   * A variable that is left as it is.
   *
   * @param wanted true if somebody has asked for that
   */
  public record Kept(String variable, String reason, boolean wanted) {}

  /**
   * A parameter without a tensor.
   *
   * @param type its type and shape
   * @param note what to know about it; may be empty
   */
  public record Missing(String name, String type, String note) {
    /** True for a name that no state_dict has: PyTorch's ONNX exporters made it up. */
    public boolean madeUp() {
      return !VariableNames.isModuleName(name);
    }
  }

  /** A tensor that does not fit. */
  public record Mismatch(String name, String found, String expected) {}

  /** A parameter, or a variable, that cannot be refreshed. */
  public record Stale(String name, String reason) {
    static Stale of(Parameter p) {
      return new Stale(p.name(), "its values are constants of the graph");
    }
  }

  /** A conversion of element types. */
  public record CastNote(String name, String from, String to) {}

  /** True if every variable is filled, or left alone on purpose, and every tensor of the checkpoint is used. */
  public boolean complete() {
    return missing.isEmpty() && mismatched.isEmpty() && stale.isEmpty() && unexpected.isEmpty() && kept.stream().allMatch(Kept::wanted);
  }
}
