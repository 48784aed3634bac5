package dev.tenon.tf.export;

import com.google.protobuf.ByteString;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;

/**
 * Turns a function back into a flat graph, as {@link FunctionBuilder} made it from one: arguments become placeholders and
 * variables' handles, and {@code node:output_argument:index} becomes {@code node:index}.
 */
final class FunctionInliner {

  private final FunctionDef function;
  private final OpDefs ops;
  private final Map<String, NodeDef> nodes = new LinkedHashMap<>();
  /** Argument to the node that stands for it. */
  private final Map<String, String> arguments = new HashMap<>();
  private final Map<String, List<OpDefs.Output>> outputsOf = new HashMap<>();
  private final GraphDef.Builder graph = GraphDef.newBuilder();

  FunctionInliner(FunctionDef function, OpDefs ops) {
    this.function = function;
    this.ops = ops;
  }

  /**
   * @param library the graph with the function and those it calls
   * @param inputs the signature's inputs in the function's order
   * @param captures the variables that are its further arguments
   * @param outputs for each output in the signature's order, its key and which output of the function it is
   * @param checkpoint prefix of the checkpoint
   */
  InlinedGraph inline(
      GraphDef library,
      List<SignatureTensor> inputs,
      List<SavedVariableInfo> captures,
      Map<String, Integer> outputs,
      Path checkpoint)
      throws SavedModelException {
    OpDef signature = function.getSignature();
    if (signature.getInputArgCount() != inputs.size() + captures.size()) {
      throw bad(signature.getInputArgCount() + " arguments",
          inputs.size() + " inputs and " + captures.size() + " variables");
    }
    graph.setVersions(library.getVersions());
    graph.setLibrary(library.getLibrary());
    function.getNodeDefList().forEach(node -> nodes.put(node.getName(), node));
    UniqueNames scope = new UniqueNames(nodes.keySet());

    Map<String, String> placeholders = new LinkedHashMap<>();
    for (int i = 0; i < inputs.size(); i++) {
      SignatureTensor input = inputs.get(i);
      String node = scope.unique(UniqueNames.node(input.name()));
      arguments.put(signature.getInputArg(i).getName(), node);
      graph.addNode(Attrs.placeholder(node, input.dtype(), input.shape()));
      placeholders.put(input.name(), node + ":0");
    }
    List<InlinedGraph.Variable> variables = new ArrayList<>();
    List<MainGraphBuilder.RestoredVariable> restored = new ArrayList<>();
    for (int i = 0; i < captures.size(); i++) {
      SavedVariableInfo variable = captures.get(i);
      String node = scope.unique(UniqueNames.node(variable.name()));
      arguments.put(signature.getInputArg(inputs.size() + i).getName(), node);
      // Shared under the node's name: two variables of a Keras model may have the same one.
      graph.addNode(Attrs.variableHandle(node, node, variable.dtype(), DataTypes.shapeProto(variable.shape())));
      variables.add(new InlinedGraph.Variable(variable.name(), node, variable.checkpointKey()));
      restored.add(new MainGraphBuilder.RestoredVariable(node, variable.dtype(), variable.checkpointKey()));
    }
    for (NodeDef node : function.getNodeDefList()) {
      NodeDef.Builder copy = node.toBuilder().clearInput();
      for (String input : node.getInputList()) {
        copy.addInput(input.startsWith("^") ? "^" + controlNode(input.substring(1)) : tensor(input, node.getName()));
      }
      graph.addNode(copy);
    }
    Map<String, String> fetches = new LinkedHashMap<>();
    for (Map.Entry<String, Integer> output : outputs.entrySet()) {
      String argument = signature.getOutputArg(output.getValue()).getName();
      String value = function.getRetMap().get(argument);
      if (value == null) {
        throw bad("no value for output " + argument, "one for each");
      }
      fetches.put(output.getKey(), withIndex(tensor(value, "output " + argument)));
    }
    String filename = scope.unique("restore/filename");
    graph.addNode(Attrs.string(filename, ByteString.copyFromUtf8(checkpoint.toAbsolutePath().toString())));
    String restoreOp = MainGraphBuilder.addRestore(graph, scope, "restore", filename, restored);
    return new InlinedGraph(graph.build(), placeholders, fetches, List.copyOf(variables), restoreOp);
  }

  private String controlNode(String name) {
    return arguments.getOrDefault(name, name);
  }

  private static String withIndex(String tensor) {
    return tensor.indexOf(':') < 0 ? tensor + ":0" : tensor;
  }

  /** A tensor of the function in a GraphDef's notation. */
  private String tensor(String reference, String user) throws SavedModelException {
    String argument = arguments.get(reference);
    if (argument != null) {
      return argument;
    }
    String[] parts = reference.split(":", -1);
    NodeDef node = nodes.get(parts[0]);
    if (node == null || parts.length < 2 || parts.length > 3) {
      throw bad(user + " taking " + reference, "an argument or node:output:index of one of its nodes");
    }
    List<OpDefs.Output> outputs = outputsOf.get(parts[0]);
    if (outputs == null) {
      outputs = ops.outputs(node);
      outputsOf.put(parts[0], outputs);
    }
    int index = 0;
    for (OpDefs.Output output : outputs) {
      if (output.name().equals(parts[1])) {
        int within = -1;
        try {
          within = parts.length == 2 ? 0 : Integer.parseInt(parts[2]);
        } catch (NumberFormatException e) {
          // said below
        }
        if (within < 0 || within >= output.count()) {
          throw bad(user + " taking " + reference, "an index below " + output.count());
        }
        return index + within == 0 ? parts[0] : parts[0] + ":" + (index + within);
      }
      index += output.count();
    }
    throw bad(user + " taking " + reference, "one of the outputs of " + node.getOp());
  }

  private SavedModelException bad(String found, String expected) {
    return new SavedModelException(
        "Function " + function.getSignature().getName() + ": found " + found + ", expected " + expected);
  }
}
