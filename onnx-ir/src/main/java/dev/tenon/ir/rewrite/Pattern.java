package dev.tenon.ir.rewrite;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * What a value must look like, seen from its reader towards its producers. Closed, with seven cases:
 *
 * <ul>
 *   <li>{@link Any}: any value; {@link Absent}: an optional input that is left out
 *   <li>{@link Bind}: a value that a pattern matches, remembered under a {@link Capture}; a capture that occurs twice must bind
 *       the same value twice
 *   <li>{@link Constant}: an initializer (no overridable input) or {@code Constant} whose tensor meets a condition
 *   <li>{@link Op}: the first output of a node of one of some operators, with patterns for its inputs
 *   <li>{@link Product}: a product of factors in any association and order, with a scalar coefficient spread over it anyhow
 *   <li>{@link OneOf}: the first of several patterns that matches
 * </ul>
 */
public sealed interface Pattern {

  record Any() implements Pattern {
    @Override
    public String toString() {
      return "any value";
    }
  }

  record Absent() implements Pattern {
    @Override
    public String toString() {
      return "no value";
    }
  }

  record Bind(Capture capture, Pattern pattern) implements Pattern {
    @Override
    public String toString() {
      return capture.toString();
    }
  }

  /** @param description what the condition asks for, for messages */
  record Constant(String description, Predicate<Tensor> condition) implements Pattern {
    @Override
    public String toString() {
      return description;
    }
  }

  /**
   * A node of ONNX's own domain, or of {@code dev.tenon}, whose first output is the value.
   *
   * @param inputs patterns of the first inputs; inputs beyond are not looked at
   * @param commutative whether the two inputs may come in either order
   * @param condition on the node itself, its attributes say
   */
  record Op(Set<String> opTypes, List<Pattern> inputs, boolean commutative, Predicate<Node> condition) implements Pattern {
    public Op {
      opTypes = new LinkedHashSet<>(opTypes);
      inputs = List.copyOf(inputs);
    }

    /** This pattern with a further condition on the node. */
    public Op where(Predicate<Node> further) {
      return new Op(opTypes, inputs, commutative, condition.and(further));
    }

    @Override
    public String toString() {
      return String.join(" or ", opTypes);
    }
  }

  /**
   * Nested {@code Mul} and {@code Div} by a constant, read as one product {@code coefficient · factor · factor …}: the one-element
   * constants in it multiply up to the coefficient, and the other factors match the patterns in some order. A factor that is itself
   * a product is taken apart only where nothing else reads it.
   *
   * @param coefficient the expected product of the constants
   */
  record Product(double coefficient, List<Pattern> factors) implements Pattern {
    public Product {
      factors = List.copyOf(factors);
    }

    @Override
    public String toString() {
      return "product of " + coefficient + " and " + factors;
    }
  }

  record OneOf(List<Pattern> alternatives) implements Pattern {
    public OneOf {
      alternatives = List.copyOf(alternatives);
    }

    @Override
    public String toString() {
      return alternatives.toString();
    }
  }

  static Pattern any() {
    return new Any();
  }

  static Pattern absent() {
    return new Absent();
  }

  static Pattern bind(Capture capture) {
    return new Bind(capture, any());
  }

  static Pattern bind(Capture capture, Pattern pattern) {
    return new Bind(capture, pattern);
  }

  static Pattern constant() {
    return new Constant("a constant", t -> true);
  }

  static Pattern constant(String description, Predicate<Tensor> condition) {
    return new Constant(description, condition);
  }

  /** A one-element constant of about this value. */
  static Pattern scalar(double value) {
    return new Constant("the constant " + value, t -> isNumeric(t) && t.numel() == 1 && near(t.item(), value, t.dtype()));
  }

  static Op op(String opType, Pattern... inputs) {
    return new Op(Set.of(opType), Arrays.asList(inputs), false, n -> true);
  }

  /** A node of any of these operators. */
  static Op opIn(List<String> opTypes, Pattern... inputs) {
    return new Op(new LinkedHashSet<>(opTypes), Arrays.asList(inputs), false, n -> true);
  }

  /** A node of two inputs that may come in either order. */
  static Op commutative(String opType, Pattern a, Pattern b) {
    return new Op(Set.of(opType), List.of(a, b), true, n -> true);
  }

  static Pattern product(double coefficient, Pattern... factors) {
    return new Product(coefficient, List.of(factors));
  }

  static Pattern oneOf(Pattern... alternatives) {
    return new OneOf(List.of(alternatives));
  }

  /**
   * True if two coefficients are the same but for the rounding of their type: 1e-5 relative for float32 and float64 (exporters
   * write √2 with six digits at worst), 1e-3 for float16, 8e-3 for bfloat16.
   */
  static boolean near(double found, double expected, DataType dtype) {
    double tolerance = dtype == DataType.FLOAT16 ? 1e-3 : dtype == DataType.BFLOAT16 ? 8e-3 : 1e-5;
    return Math.abs(found - expected) <= tolerance * Math.abs(expected);
  }

  private static boolean isNumeric(Tensor t) {
    return t.dtype().isFloat() || t.dtype().isInteger();
  }
}
