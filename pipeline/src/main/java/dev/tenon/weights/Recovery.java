package dev.tenon.weights;

import dev.tenon.ir.Tensor;
import java.util.List;

/**
 * A model's parameters as its variables tell them. {@link RecoverySolver} finds them.
 *
 * @param found in the order the source had them
 * @param lost parameters that the variables do not tell, with the reason
 * @param leftOut parameters that are no variables: constants of the graph, and what the model does not use
 */
public record Recovery(List<Found> found, List<Lost> lost, List<String> leftOut) {

  /** Where a parameter's value is from. */
  public enum Origin {
    /** From variables alone. */
    VARIABLES,
    /** From the checkpoint that was given as a base. */
    BASE,
    /** A part of a sum whose parts are not known: all of it is in another parameter, and this one is zero. */
    ZERO
  }

  /** A parameter with its elements, which are computed when they are read. */
  public record Found(String name, Tensor tensor, Origin origin) {}

  /** A parameter without. */
  public record Lost(String name, String reason) {}

  /** How many parameters have this origin. */
  public long count(Origin origin) {
    return found.stream().filter(f -> f.origin() == origin).count();
  }
}
