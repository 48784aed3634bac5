package dev.tenon.tf.export;

import java.util.List;
import java.util.Objects;
import org.tensorflow.TensorFlow;
import org.tensorflow.proto.GraphDef;

/**
 * What {@link SavedModelWriter} writes: a flat graph, its signature and its variables.
 *
 * @param graph one {@code Placeholder} per input, one {@code VarHandleOp} (with {@code dtype}, {@code shape} and a
 *     {@code shared_name} that is the variable's name) per variable used, and the operators in between. Its function library is
 *     kept
 * @param inputs in the order of positional calls; each one's tensor is a {@code Placeholder}
 * @param outputs in the model's order; two may name the same tensor, and one may name an input
 * @param variables in the order {@code variables} and {@code trainable_variables} list them; may be empty
 * @param tensorflowVersion the version recorded as the one that made the model
 */
public record SavedModelSpec(
    GraphDef graph,
    List<SignatureTensor> inputs,
    List<SignatureTensor> outputs,
    List<VariableSpec> variables,
    String tensorflowVersion) {

  public SavedModelSpec {
    Objects.requireNonNull(graph, "graph");
    Objects.requireNonNull(tensorflowVersion, "tensorflowVersion");
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    variables = List.copyOf(variables);
  }

  /** A model made by the TensorFlow this JVM has loaded. */
  public static SavedModelSpec of(
      GraphDef graph, List<SignatureTensor> inputs, List<SignatureTensor> outputs, List<VariableSpec> variables) {
    return new SavedModelSpec(graph, inputs, outputs, variables, TensorFlow.version());
  }
}
