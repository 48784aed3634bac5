package dev.tenon.custom;

import dev.tenon.frontend.aten.Schema;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.tf.custom.Body;
import dev.tenon.tf.custom.Declaration;
import dev.tenon.tf.custom.LayoutKind;
import dev.tenon.tf.custom.OperatorBinding;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What {@code ops.yaml} says of one operator.
 *
 * @param way how to resolve it; null to take the first way that is there
 * @param definition the ONNX file of {@link Way#ONNX}; null if there is none
 * @param reference the ONNX file whose meaning the result is compared with; null if there is none
 * @param declared name in TensorFlow, inputs, outputs, defaults
 * @param schema PyTorch's schema, which names what TorchScript passes by position; null if there is none
 * @param outputs types of outputs, where the model does not say them; may be empty
 * @param feed of {@link Way#TENSORFLOW}: TensorFlow's name of an input to the position of the node's
 * @param attributes of {@link Way#TENSORFLOW}: TensorFlow's name of an attribute to where its value comes from
 * @param layout what layouts may believe; null if it does not say
 * @param body what a new stub computes; null if it does not say
 */
public record OperatorRule(Way way, Path definition, Path reference, Declaration declared, Schema schema, List<OutputType> outputs,
    Map<String, Integer> feed, Map<String, OperatorBinding.Source> attributes, LayoutKind layout, Body body) {

  /** For operators that it says nothing of. */
  static final OperatorRule NONE = new OperatorRule(null, null, null, Declaration.NONE, null, List.of(), Map.of(), Map.of(), null, null);

  /**
   * The type of an output.
   *
   * @param dtype null if it is that of input {@code typeOf}
   * @param typeOf the position of an input; -1 if none
   * @param shapeOf the position of the input whose shape it has; -1 if none
   * @param dims its dimensions; null if the rank is not said either
   */
  public record OutputType(DataType dtype, int typeOf, int shapeOf, List<Dim> dims) {}

  /** The same, resolved in another way. */
  OperatorRule withWay(Way newWay, Path newDefinition, String op) {
    Declaration named = op.isEmpty() ? declared : new Declaration(op, declared.inputs(), declared.outputs(), declared.defaults());
    return new OperatorRule(newWay, newDefinition == null ? definition : newDefinition, reference, named, schema, outputs, feed, attributes,
        layout, body);
  }

  /** The same with another layout. */
  OperatorRule withLayout(LayoutKind kind) {
    return new OperatorRule(way, definition, reference, declared, schema, outputs, feed, attributes, kind, body);
  }

  public OperatorRule {
    outputs = List.copyOf(outputs);
    feed = new LinkedHashMap<>(feed);
    attributes = new LinkedHashMap<>(attributes);
  }
}
