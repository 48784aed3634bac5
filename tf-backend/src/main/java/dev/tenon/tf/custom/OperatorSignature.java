package dev.tenon.tf.custom;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The signature under which a custom operator is registered with TensorFlow, and what is known of its shapes.
 *
 * @param operator the source's name for it, {@code com.example::SoftThreshold}
 * @param name TensorFlow's
 * @param inputs in order
 * @param outputs in order
 * @param attributes in order of their first use
 * @param types type attribute ({@code T}) to the element types that it may be; those of several ports at once
 * @param uses how many places use it
 */
public record OperatorSignature(String operator, String name, List<Port> inputs, List<Port> outputs, List<Parameter> attributes,
    Map<String, Set<DataType>> types, int uses) {

  /** How many tensors an input or output may be. */
  public enum Arity {
    /** One. */
    SINGLE,
    /** One or none; in TensorFlow a list of at most one. */
    OPTIONAL,
    /** Any number; in TensorFlow a list. */
    VARIADIC
  }

  /**
   * An input or output.
   *
   * @param name in TensorFlow and in C
   * @param dtype the element type; null if {@code type} says it
   * @param type a type attribute; empty if the element type is fixed. Of a variadic port whose tensors have several types, the
   *     attribute that lists them
   * @param mixed true for a variadic port whose tensors have several types
   * @param shape in words, {@code [batch,3,h,w]}, of all uses
   * @param rule of an output: how its shape follows; null of an input
   */
  public record Port(String name, Arity arity, DataType dtype, String type, boolean mixed, String shape, ShapeRule rule) {
    public boolean isList() {
      return arity != Arity.SINGLE;
    }
  }

  /** How an output's shape follows from the inputs'. */
  public sealed interface ShapeRule {
    /** It is the shape of an input, whatever that is. */
    record Like(int input) implements ShapeRule {}

    /** The rank is known. */
    record Dims(List<DimRule> dims) implements ShapeRule {}

    /** Nothing is known. */
    record Unknown() implements ShapeRule {}
  }

  /**
   * A dimension of an output.
   *
   * @param input the input whose axis {@code axis} it equals; -1 if it equals none
   * @param value the number that it always is; -1 if it is none
   * @param text what the model calls it
   */
  public record DimRule(int input, int axis, long value, String text) {}

  /**
   * An attribute.
   *
   * @param name in TensorFlow and in C
   * @param source in the source
   * @param byDefault a value as {@link Attribute#value} has them, or null if there is none
   * @param leftOut true if some use leaves it out, and nobody has said what it is then
   * @param seen the values it has, in words, at most a few
   */
  public record Parameter(String name, String source, Attribute.Kind kind, Object byDefault, boolean leftOut, List<String> seen) {}

  /** What C calls it, and its files: {@code com_example_soft_threshold}. */
  public String prefix() {
    return Identifiers.snakeCase(name);
  }

  /** The name of the attribute that says how many tensors a list has. */
  public static String lengthOf(Port p) {
    return "n_" + p.name();
  }
}
