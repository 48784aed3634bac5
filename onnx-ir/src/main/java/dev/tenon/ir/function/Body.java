package dev.tenon.ir.function;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Function;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.NodeBuilder;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Writes the body of a function as expressions: {@code b.mul(x, b.op("Sigmoid", x))}. Hides what differs between opsets (axes and
 * bounds as attributes or inputs) and the element type of constants.
 */
final class Body {
  private final Graph graph;
  private final DataType type;
  private final int opset;

  /**
   * @param type of the constants
   * @param opset that the body is written in, 7 or later
   */
  Body(String name, DataType type, int opset) {
    this.graph = new Graph(name);
    this.type = type == DataType.UNDEFINED ? DataType.FLOAT : type;
    this.opset = opset;
  }

  int opset() {
    return opset;
  }

  DataType type() {
    return type;
  }

  Value input(String name) {
    return graph.addInput(name, null);
  }

  Value op(String opType, Value... inputs) {
    return node(opType, List.of(), inputs);
  }

  Value node(String opType, List<Attribute> attributes, Value... inputs) {
    NodeBuilder b = graph.newNode(opType).inputs(inputs).attributes(attributes);
    return b.output(opType.toLowerCase(Locale.ROOT)).append().output();
  }

  /** A scalar of the body's type; a function has no initializers, so a Constant node. */
  Value scalar(double value) {
    return constant(Tensor.scalar(type, value));
  }

  Value constant(Tensor t) {
    return node("Constant", List.of(Attribute.ofTensor("value", t)));
  }

  Value ints(long... values) {
    return constant(Tensor.vector(values));
  }

  Value add(Value a, Value b) {
    return op("Add", a, b);
  }

  Value sub(Value a, Value b) {
    return op("Sub", a, b);
  }

  Value mul(Value a, Value b) {
    return op("Mul", a, b);
  }

  Value div(Value a, Value b) {
    return op("Div", a, b);
  }

  Value times(double factor, Value x) {
    return mul(scalar(factor), x);
  }

  Value where(Value condition, Value a, Value b) {
    return op("Where", condition, a, b);
  }

  Value less(Value a, Value b) {
    return op("Less", a, b);
  }

  Value greater(Value a, Value b) {
    return op("Greater", a, b);
  }

  /** {@code min(x, 0)}; Min broadcasts from opset 8 on and knows NaN as its input does. */
  Value negativePart(Value x) {
    return op("Min", x, scalar(0));
  }

  Value positivePart(Value x) {
    return op("Max", x, scalar(0));
  }

  /** A reduction with axes; null for all of them. The axes are an input from opset 18 on, of ReduceSum from 13. */
  Value reduce(String opType, Value x, long[] axes, boolean keepDims) {
    List<Attribute> attributes = new ArrayList<>(List.of(Attribute.ofInt("keepdims", keepDims ? 1 : 0)));
    int since = opType.equals("ReduceSum") ? 13 : 18;
    if (axes == null) {
      return node(opType, attributes, x);
    }
    if (opset < since) {
      attributes.add(Attribute.ofInts("axes", axes));
      return node(opType, attributes, x);
    }
    return node(opType, attributes, x, ints(axes));
  }

  /** The function. */
  Function function(String domain, String name, String overload, List<String> attributeNames, Value... results) {
    Arrays.stream(results).forEach(graph::addOutput);
    return new Function(domain, name, overload, attributeNames, Map.of(), Map.of(Node.ONNX_DOMAIN, opset), graph, "");
  }

  static List<String> names(List<Attribute> attributes) {
    return attributes.stream().map(Attribute::name).collect(Collectors.toList());
  }
}
