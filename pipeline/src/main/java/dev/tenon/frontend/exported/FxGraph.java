package dev.tenon.frontend.exported;

import dev.tenon.ir.Dim;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/**
 * The graph of a program, or of an argument of a higher-order operator. Nodes are in the order of execution.
 *
 * @param inputs named values, or constants that the program was specialized on
 * @param outputs of a higher-order operator's graph what it returns; of a program also what it mutates
 * @param tensorValues what the exporter knew of each tensor, by name
 * @param symInts what the exporter knew of each computed integer, by name: a polynomial of symbols, perhaps an anonymous one
 * @param isSingleTensorReturn true if the graph returns a tensor and not a tuple of one
 */
record FxGraph(List<Argument> inputs, List<Argument> outputs, List<FxNode> nodes, Map<String, TensorMeta> tensorValues,
    Map<String, Dim> symInts, boolean isSingleTensorReturn) {
  FxGraph {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    nodes = List.copyOf(nodes);
    tensorValues = Collections.unmodifiableMap(tensorValues);
    symInts = Collections.unmodifiableMap(symInts);
  }
}
