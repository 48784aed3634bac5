package dev.tenon.tf.export;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;

/**
 * Turns a flat graph into a function for a graph's library: the body of a loop, or a branch.
 *
 * <p>Arguments and results are called {@code arg0}, {@code arg1}, … and {@code result0}, {@code result1}, …; the graph must have no
 * such node. Functions that the graph itself has in its library are not part of the result. No attribute is set on the function:
 * Python's loader rejects those that it does not know.
 */
public final class LibraryFunction {
  private final Map<String, NodeDef> nodes = new LinkedHashMap<>();
  private final Map<String, String> arguments = new HashMap<>();
  private final Map<String, List<OpDefs.Output>> outputsOf = new HashMap<>();
  private final OpDefs ops;

  private LibraryFunction(GraphDef graph) {
    ops = new OpDefs(graph.getLibrary().getFunctionList());
    graph.getNodeList().forEach(n -> nodes.put(n.getName(), n));
  }

  /**
   * The function.
   *
   * @param placeholders the nodes that are the arguments, in order
   * @param results the tensors that it returns, {@code node:index}; may be arguments
   * @param types their element types
   */
  public static FunctionDef of(String name, GraphDef graph, List<String> placeholders, List<String> results,
      List<DataType> types) {
    try {
      return new LibraryFunction(graph).build(name, placeholders, results, types);
    } catch (SavedModelException e) {
      throw new IllegalStateException("function " + name + ": " + e.getMessage(), e);
    }
  }

  private FunctionDef build(String name, List<String> placeholders, List<String> results, List<DataType> types)
      throws SavedModelException {
    FunctionDef.Builder function = FunctionDef.newBuilder();
    OpDef.Builder signature = function.getSignatureBuilder().setName(name);
    for (int i = 0; i < placeholders.size(); i++) {
      NodeDef node = nodes.remove(placeholders.get(i));
      AttrValue shape = node.getAttrOrDefault("shape", AttrValue.getDefaultInstance());
      arguments.put(node.getName(), "arg" + i);
      signature.addInputArgBuilder().setName("arg" + i).setType(node.getAttrOrThrow("dtype").getType());
      function.putArgAttr(i, FunctionDef.ArgAttrs.newBuilder()
          .putAttr("_output_shapes", Attrs.ofShapes(List.of(shape.getShape()))).build());
    }
    for (NodeDef node : nodes.values()) {
      List<String> inputs = new ArrayList<>();
      for (String input : node.getInputList()) {
        TensorName tensor = TensorName.parse(input);
        if (!tensor.isControl()) {
          inputs.add(reference(tensor));
        } else if (!arguments.containsKey(tensor.node())) {
          inputs.add(input);
        }
      }
      function.addNodeDef(node.toBuilder().clearInput().addAllInput(inputs));
      signature.setIsStateful(signature.getIsStateful() || ops.of(node).getIsStateful());
    }
    for (int i = 0; i < results.size(); i++) {
      TensorName tensor = TensorName.parse(results.get(i));
      signature.addOutputArgBuilder().setName("result" + i).setType(types.get(i));
      function.putRet("result" + i, reference(tensor));
    }
    return function.build();
  }

  private String reference(TensorName tensor) throws SavedModelException {
    String argument = arguments.get(tensor.node());
    if (argument != null) {
      return argument;
    }
    List<OpDefs.Output> outputs = outputsOf.get(tensor.node());
    if (outputs == null) {
      outputs = ops.outputs(nodes.get(tensor.node()));
      outputsOf.put(tensor.node(), outputs);
    }
    int index = tensor.index();
    for (OpDefs.Output output : outputs) {
      if (index < output.count()) {
        return tensor.node() + ":" + output.name() + ":" + index;
      }
      index -= output.count();
    }
    throw new IllegalArgumentException(tensor.node() + " has no output " + tensor.index());
  }
}
