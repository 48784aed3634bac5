package dev.tenon.ir;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A model-local ONNX function: an operator defined by a graph of other operators.
 *
 * @param attributeNames attributes without a default
 * @param attributeDefaults attributes with their defaults
 * @param opsetImports the opsets of the body
 * @param body the definition; its inputs and outputs are the function's, in order
 */
public record Function(String domain, String name, String overload, List<String> attributeNames,
    Map<String, Attribute> attributeDefaults, Map<String, Integer> opsetImports, Graph body, String docString) {

  /** What a node calls a function by. */
  public record Id(String domain, String name, String overload) {
    public static Id of(Node node) {
      return new Id(node.domain(), node.opType(), node.overload());
    }
  }

  public Function {
    domain = domain.equals("ai.onnx") ? Node.ONNX_DOMAIN : domain;
    attributeNames = List.copyOf(attributeNames);
    attributeDefaults = new LinkedHashMap<>(attributeDefaults);
    opsetImports = new LinkedHashMap<>(opsetImports);
  }

  public Id id() {
    return new Id(domain, name, overload);
  }
}
