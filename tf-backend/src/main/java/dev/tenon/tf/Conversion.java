package dev.tenon.tf;

import dev.tenon.ir.Provenance;
import dev.tenon.tf.export.SignatureTensor;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.proto.GraphDef;

/**
 * What emission made of a model: all that a SavedModel needs.
 *
 * @param graph flat graph with a {@code Placeholder} an input and a {@code VarHandleOp} a variable
 * @param tensors which source value is which tensor
 * @param provenance node of {@code graph} to where it comes from
 * @param constantSources source parameters whose elements are in constants of {@code graph}
 */
public record Conversion(GraphDef graph, List<SignatureTensor> inputs, List<SignatureTensor> outputs, List<Variable> variables,
    List<TensorMapping> tensors, Map<String, Provenance> provenance, Set<String> constantSources) {}
