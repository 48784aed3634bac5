package dev.tenon.tf.export;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;
import org.tensorflow.proto.ResourceHandleProto;

/**
 * Turns a flat graph into a function: the inputs' placeholders and the variables' handles become arguments, every other node a
 * node of the body, under its own name.
 *
 * <p>A body refers to tensors as {@code node:output_argument:index} instead of {@code node:index}, so the definition of every
 * operator is needed. Cases:
 * <ul>
 *   <li>a handle of the same variable twice is one argument; a variable the graph never reads is none;
 *   <li>an output that is an argument passes through an {@code Identity};
 *   <li>a control dependency on an argument is dropped, since arguments are there from the start;
 *   <li>a node with side effects is a control output, so that no loader prunes it.
 * </ul>
 *
 * @see <a href="https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/function.proto">function.proto</a>
 */
final class FunctionBuilder {

  /**
   * The function made.
   *
   * @param def its definition
   * @param captures the variables that are its last arguments, in order
   * @param outputOrder for each output of the function, which of the spec's outputs it is
   */
  record Result(FunctionDef def, List<VariableSpec> captures, List<Integer> outputOrder) {}

  /** Stateful operators that change nothing outside: free to be pruned when their outputs are not used. */
  private static final Set<String> NO_SIDE_EFFECT = Set.of(
      "ReadVariableOp", "ResourceGather", "ResourceGatherNd", "VariableShape", "VarIsInitializedOp",
      "RandomUniform", "RandomUniformInt", "RandomStandardNormal", "TruncatedNormal", "ParameterizedTruncatedNormal",
      "RandomShuffle", "RandomGamma", "RandomPoisson", "RandomPoissonV2", "Multinomial");

  private final SavedModelSpec spec;
  private final SavedModelNames names;
  private final OpDefs ops;
  private final Map<String, NodeDef> nodes = new LinkedHashMap<>();
  /** Node that is no longer one to the argument that replaces it. */
  private final Map<String, String> arguments = new HashMap<>();
  private final Map<String, List<OpDefs.Output>> outputsOf = new HashMap<>();
  private final List<VariableSpec> captures = new ArrayList<>();
  private final FunctionDef.Builder function = FunctionDef.newBuilder();
  private final OpDef.Builder signature = function.getSignatureBuilder();

  FunctionBuilder(SavedModelSpec spec, SavedModelNames names, OpDefs ops) {
    this.spec = spec;
    this.names = names;
    this.ops = ops;
  }

  Result build(String functionName) throws SavedModelException {
    signature.setName(functionName);
    for (NodeDef node : spec.graph().getNodeList()) {
      if (nodes.put(node.getName(), node) != null) {
        throw new IllegalArgumentException("Two nodes are named " + node.getName());
      }
    }
    Map<String, VariableSpec> handles = variableHandles();
    List<NodeDef> placeholders = placeholders();
    placeholders.forEach(node -> nodes.remove(node.getName()));
    handles.keySet().forEach(nodes::remove);
    UniqueNames scope = new UniqueNames(nodes.keySet());
    for (int i = 0; i < placeholders.size(); i++) {
      addInput(spec.inputs().get(i), placeholders.get(i), scope);
    }
    addHandles(handles, scope);
    for (NodeDef node : nodes.values()) {
      addNode(node);
    }
    List<Integer> order = addOutputs(scope);
    return new Result(function.build(), List.copyOf(captures), order);
  }

  private List<NodeDef> placeholders() throws SavedModelException {
    Map<String, NodeDef> free = new LinkedHashMap<>();
    nodes.values().stream().filter(n -> n.getOp().equals("Placeholder")).forEach(n -> free.put(n.getName(), n));
    List<NodeDef> result = new ArrayList<>();
    for (SignatureTensor input : spec.inputs()) {
      NodeDef node = free.remove(TensorName.parse(input.tensor()).node());
      if (node == null) {
        throw new IllegalArgumentException(
            "Input " + input.name() + ": " + input.tensor() + " is not a Placeholder of the graph, or is another input's");
      }
      DataType dtype = node.getAttrOrDefault("dtype", AttrValue.getDefaultInstance()).getType();
      if (dtype != input.dtype()) {
        throw new IllegalArgumentException(
            "Input " + input.name() + " is " + input.dtype() + ", but its Placeholder is " + dtype);
      }
      result.add(node);
    }
    if (!free.isEmpty()) {
      throw new IllegalArgumentException("Placeholders that are no input of the signature: " + free.keySet());
    }
    return result;
  }

  /** Node name of every VarHandleOp to its variable, in the graph's order. */
  private Map<String, VariableSpec> variableHandles() {
    Map<String, VariableSpec> byName = new HashMap<>();
    for (VariableSpec variable : spec.variables()) {
      if (byName.put(variable.name(), variable) != null) {
        throw new IllegalArgumentException("Two variables are named " + variable.name());
      }
    }
    Map<String, VariableSpec> handles = new LinkedHashMap<>();
    for (NodeDef node : nodes.values()) {
      if (node.getOp().equals("VarHandleOp")) {
        String shared = node.getAttrOrDefault("shared_name", AttrValue.getDefaultInstance()).getS().toStringUtf8();
        String name = shared.isEmpty() ? node.getName() : shared;
        VariableSpec variable = byName.get(name);
        if (variable == null) {
          throw new IllegalArgumentException("Node " + node.getName() + " is a handle of variable " + name
              + ", which is not among the " + byName.size() + " variables given");
        }
        DataType dtype = node.getAttrOrDefault("dtype", AttrValue.getDefaultInstance()).getType();
        if (dtype != variable.dtype()) {
          throw new IllegalArgumentException("Variable " + name + " is " + variable.dtype() + ", but its handle is " + dtype);
        }
        handles.put(node.getName(), variable);
      }
    }
    return handles;
  }

  private void addInput(SignatureTensor input, NodeDef placeholder, UniqueNames scope) {
    String key = names.inputs().get(input.name());
    String argument = scope.unique(UniqueNames.argument(key));
    arguments.put(placeholder.getName(), argument);
    int position = signature.getInputArgCount();
    signature.addInputArgBuilder().setName(argument).setType(input.dtype());
    function.putArgAttr(position, FunctionDef.ArgAttrs.newBuilder()
        .putAttr("_user_specified_name", Attrs.of(key))
        .putAttr("_output_shapes", Attrs.ofShapes(List.of(input.shape())))
        .build());
  }

  private void addHandles(Map<String, VariableSpec> handles, UniqueNames scope) {
    Map<String, String> argumentOfVariable = new HashMap<>();
    Set<String> used = handles.values().stream().map(VariableSpec::name).collect(Collectors.toSet());
    // In the variables' order, whatever the graph's: it is the order of TFSMLayer's weights.
    for (VariableSpec variable : spec.variables()) {
      if (used.contains(variable.name())) {
        String argument = scope.unique(UniqueNames.argument(variable.name()));
        argumentOfVariable.put(variable.name(), argument);
        captures.add(variable);
        int position = signature.getInputArgCount();
        signature.addInputArgBuilder()
            .setName(argument)
            .setType(DataType.DT_RESOURCE)
            .addHandleData(ResourceHandleProto.DtypeAndShape.newBuilder()
                .setDtype(variable.dtype())
                .setShape(DataTypes.shapeProto(variable.shape())));
        function.putArgAttr(position,
            FunctionDef.ArgAttrs.newBuilder()
                .putAttr("_user_specified_name", Attrs.of(names.variables().get(variable.name())))
                .build());
      }
    }
    handles.forEach((node, variable) -> arguments.put(node, argumentOfVariable.get(variable.name())));
  }

  private void addNode(NodeDef node) throws SavedModelException {
    NodeDef.Builder copy = node.toBuilder().clearInput();
    for (String input : node.getInputList()) {
      TensorName tensor = TensorName.parse(input);
      if (!tensor.isControl()) {
        copy.addInput(reference(tensor, "Node " + node.getName()));
      } else if (!arguments.containsKey(tensor.node())) {
        copy.addInput(input);
      }
    }
    dropColocationWithArguments(copy);
    function.addNodeDef(copy);
    if (ops.of(node).getIsStateful()) {
      signature.setIsStateful(true);
      if (!NO_SIDE_EFFECT.contains(node.getOp())) {
        signature.addControlOutput(node.getName());
        function.putControlRet(node.getName(), node.getName());
      }
    }
  }

  private void dropColocationWithArguments(NodeDef.Builder node) {
    AttrValue colocation = node.getAttrMap().get("_class");
    if (colocation != null) {
      AttrValue.ListValue.Builder kept = AttrValue.ListValue.newBuilder();
      for (ByteString location : colocation.getList().getSList()) {
        String text = location.toStringUtf8();
        if (!text.startsWith("loc:@") || nodes.containsKey(text.substring("loc:@".length()))) {
          kept.addS(location);
        }
      }
      node.putAttr("_class", AttrValue.newBuilder().setList(kept).build());
    }
  }

  /** A tensor of the graph in the notation of a function's body. */
  private String reference(TensorName tensor, String user) throws SavedModelException {
    String argument = arguments.get(tensor.node());
    if (argument != null) {
      return argument;
    }
    NodeDef node = nodes.get(tensor.node());
    if (node == null) {
      throw new IllegalArgumentException(user + " takes a tensor of " + tensor.node() + ", which is no node of the graph");
    }
    List<OpDefs.Output> outputs = outputsOf.get(tensor.node());
    if (outputs == null) {
      outputs = ops.outputs(node);
      outputsOf.put(tensor.node(), outputs);
    }
    int index = tensor.index();
    for (OpDefs.Output output : outputs) {
      if (index < output.count()) {
        return tensor.node() + ":" + output.name() + ":" + index;
      }
      index -= output.count();
    }
    throw new IllegalArgumentException(user + " takes output " + tensor.index() + " of " + tensor.node() + ", an "
        + node.getOp() + " with " + outputs.stream().mapToInt(OpDefs.Output::count).sum() + " outputs");
  }

  /** Adds the outputs in ascending order of their keys: Python's loader packs a dictionary in that order. */
  private List<Integer> addOutputs(UniqueNames nodeScope) throws SavedModelException {
    Map<String, Integer> sorted = new TreeMap<>();
    for (int i = 0; i < spec.outputs().size(); i++) {
      sorted.put(names.outputs().get(spec.outputs().get(i).name()), i);
    }
    UniqueNames scope = new UniqueNames();
    signature.getInputArgList().forEach(arg -> scope.unique(arg.getName()));
    for (Map.Entry<String, Integer> entry : sorted.entrySet()) {
      SignatureTensor output = spec.outputs().get(entry.getValue());
      TensorName tensor = TensorName.parse(output.tensor());
      String value = reference(tensor, "Output " + output.name());
      if (arguments.containsKey(tensor.node())) {
        String node = nodeScope.unique(UniqueNames.node(entry.getKey()));
        function.addNodeDefBuilder()
            .setName(node)
            .setOp("Identity")
            .addInput(value)
            .putAttr("T", Attrs.of(output.dtype()));
        value = node + ":output:0";
      }
      String argument = scope.unique(UniqueNames.argument(entry.getKey()));
      signature.addOutputArgBuilder().setName(argument).setType(output.dtype());
      function.putRet(argument, value);
    }
    return List.copyOf(sorted.values());
  }
}
