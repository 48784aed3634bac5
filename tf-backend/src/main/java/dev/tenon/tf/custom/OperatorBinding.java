package dev.tenon.tf.custom;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How a node of the source becomes an operator of TensorFlow's.
 *
 * @param operator the operator in TensorFlow
 * @param inputs TensorFlow's name of an input to the position of the node's; empty if they come in the same order
 * @param attributes TensorFlow's name of an attribute to where its value comes from; others have the node's attribute of the same name
 */
public record OperatorBinding(String operator, Map<String, Integer> inputs, Map<String, Source> attributes) {

  /** Where an attribute's value comes from: one of the two. */
  public record Source(String attribute, Object constant) {}

  public OperatorBinding {
    inputs = new LinkedHashMap<>(inputs);
    attributes = new LinkedHashMap<>(attributes);
  }

  /** The same inputs and attributes. */
  public static OperatorBinding of(String operator) {
    return new OperatorBinding(operator, Map.of(), Map.of());
  }
}
