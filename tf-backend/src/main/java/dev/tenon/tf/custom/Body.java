package dev.tenon.tf.custom;

import java.util.Set;

/**
 * What a new kernel computes.
 *
 * @param expression of {@link Form#EXPRESSION}: C, with the names of inputs and of attributes that are numbers
 * @param perChannel the inputs that have one element for each channel, axis 1 of the result
 */
public record Body(Form form, String expression, Set<String> perChannel) {
  /** An error that says that it is not written yet. */
  public static final Body NONE = new Body(Form.NONE, "", Set.of());
  /** The first input. */
  public static final Body IDENTITY = new Body(Form.IDENTITY, "", Set.of());

  /** The kinds of first versions. */
  public enum Form {
    NONE, IDENTITY, EXPRESSION
  }

  public Body {
    perChannel = Set.copyOf(perChannel);
  }

  /** An expression of the elements, which are broadcast as in NumPy. */
  public static Body expression(String expression, Set<String> perChannel) {
    return new Body(Form.EXPRESSION, expression, perChannel);
  }
}
