package dev.tenon.tf.custom;

import dev.tenon.ir.diag.BadInputException;

/** The names that custom operators get in TensorFlow. */
public final class OperatorNames {
  private OperatorNames() {}

  /**
   * {@code com.example::soft_threshold} is {@code ComExampleSoftThreshold}.
   *
   * @throws BadInputException if no name can be made of it
   */
  public static String of(String operator) {
    return Identifiers.tensorFlowName(operator);
  }

  /** The same, empty where no name can be made. */
  public static String orEmpty(String operator) {
    try {
      return of(operator);
    } catch (BadInputException e) {
      return "";
    }
  }
}
