package dev.tenon.tf.export;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.proto.CollectionDef;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.SaverDef;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;

/**
 * Builds what loaders of the session kind use (TensorFlow-Java, TensorFlow Serving, the C++ API): the variables' handles, a
 * placeholder per input, the call of the function, and the nodes that restore and save the variables.
 */
final class MainGraphBuilder {

  private static final String INIT_OP = "NoOp";
  private static final String INIT_OP_SIGNATURE = "__saved_model_init_op";
  private static final String FILENAME = "saver_filename";

  private final GraphDef.Builder graph;
  private final MetaGraphDef.Builder metaGraph;
  private final UniqueNames scope = new UniqueNames();
  private final Map<String, String> handleOfVariable = new HashMap<>();

  /**
   * @param metaGraph receives the signatures and the saver
   * @param graph receives the nodes; its library and versions are the caller's
   */
  MainGraphBuilder(MetaGraphDef.Builder metaGraph, GraphDef.Builder graph) {
    this.metaGraph = metaGraph;
    this.graph = graph;
  }

  /** Adds a handle for each variable. First of all, so that the nodes have these names. */
  void addVariables(List<VariableSpec> variables, Map<String, String> legalNames) {
    for (VariableSpec variable : variables) {
      String node = scope.unique(legalNames.get(variable.name()));
      handleOfVariable.put(variable.name(), node);
      graph.addNode(Attrs.variableHandle(node, node, variable.dtype(), DataTypes.shapeProto(variable.shape())));
    }
  }

  /**
   * Adds placeholders, the call and the signature.
   *
   * @param inputs keys of the signature, in the function's order
   * @param outputs keys of the signature, in the model's order
   */
  void addCall(FunctionBuilder.Result function, List<SignatureTensor> inputs, List<SignatureTensor> outputs) {
    FunctionDef def = function.def();
    SignatureDef.Builder signature =
        SignatureDef.newBuilder().setMethodName("tensorflow/serving/predict");
    String op = def.getSignature().getIsStateful() ? "StatefulPartitionedCall" : "PartitionedCall";
    NodeDef.Builder call = Attrs.node(scope.unique(op), op);
    List<DataType> types = new ArrayList<>();
    for (SignatureTensor input : inputs) {
      String node = scope.unique(SavedModelWriter.SIGNATURE_KEY + "_" + input.name());
      graph.addNode(Attrs.placeholder(node, input.dtype(), input.shape()));
      call.addInput(node);
      types.add(input.dtype());
      signature.putInputs(input.name(), info(input, node + ":0"));
    }
    for (VariableSpec variable : function.captures()) {
      call.addInput(handleOfVariable.get(variable.name()));
      types.add(DataType.DT_RESOURCE);
    }
    List<SignatureTensor> ordered = function.outputOrder().stream().map(outputs::get).toList();
    for (int i = 0; i < ordered.size(); i++) {
      signature.putOutputs(ordered.get(i).name(), info(ordered.get(i), call.getName() + ":" + i));
    }
    call.putAttr("f", Attrs.ofFunction(def.getSignature().getName()))
        .putAttr("Tin", Attrs.ofTypes(types))
        .putAttr("Tout", Attrs.ofTypes(ordered.stream().map(SignatureTensor::dtype).toList()))
        .putAttr("_output_shapes", Attrs.ofShapes(ordered.stream().map(SignatureTensor::shape).toList()))
        .putAttr(SavedModelWriter.OUTPUT_ORDER_ATTR, Attrs.ofStrings(outputs.stream().map(SignatureTensor::name).toList()));
    graph.addNode(call);
    metaGraph.putSignatureDef(SavedModelWriter.SIGNATURE_KEY, signature.build());
  }

  /** Adds the initialisation op that loaders run after restoring: nothing to do, but expected. */
  void addInitOp() {
    String node = scope.unique(INIT_OP);
    graph.addNode(Attrs.node(node, "NoOp"));
    metaGraph.putSignatureDef(INIT_OP_SIGNATURE, SignatureDef.newBuilder()
        .putOutputs(INIT_OP_SIGNATURE,
            TensorInfo.newBuilder().setName(node).setTensorShape(DataTypes.unknownRank()).build())
        .build());
    metaGraph.putCollectionDef("saved_model_main_op", CollectionDef.newBuilder()
        .setNodeList(CollectionDef.NodeList.newBuilder().addValue(node))
        .build());
  }

  /**
   * Adds restoring and saving.
   *
   * @param objectGraph saved along with the variables, so that what a session saves loads in TensorFlow 2 as well
   */
  void addSaver(List<VariableSpec> variables, Map<String, String> checkpointKeys, ByteString objectGraph) {
    String filename = scope.unique(FILENAME);
    graph.addNode(Attrs.placeholder(filename, DataType.DT_STRING, DataTypes.shapeProto()));
    String restoreAll = addRestore(graph, scope, "restore", filename, variables.stream()
        .map(v -> new RestoredVariable(handleOfVariable.get(v.name()), v.dtype(), checkpointKeys.get(v.name())))
        .toList());

    List<ByteString> keys = new ArrayList<>();
    List<DataType> types = new ArrayList<>();
    List<String> values = new ArrayList<>();
    for (VariableSpec variable : variables) {
      String read = scope.unique("save/read/" + handleOfVariable.get(variable.name()));
      graph.addNode(Attrs.node(read, "ReadVariableOp", handleOfVariable.get(variable.name()))
          .putAttr("dtype", Attrs.of(variable.dtype())));
      keys.add(ByteString.copyFromUtf8(checkpointKeys.get(variable.name())));
      types.add(variable.dtype());
      values.add(read);
    }
    String graphConst = scope.unique("save/object_graph");
    graph.addNode(Attrs.string(graphConst, objectGraph));
    keys.add(ByteString.copyFromUtf8(SavedModelWriter.OBJECT_GRAPH_KEY));
    types.add(DataType.DT_STRING);
    values.add(graphConst);
    String names = scope.unique("save/tensor_names");
    String slices = scope.unique("save/shape_and_slices");
    String save = scope.unique("save/SaveV2");
    String saved = scope.unique("save/filename");
    graph.addNode(Attrs.strings(names, keys));
    graph.addNode(Attrs.strings(slices, Collections.nCopies(keys.size(), ByteString.EMPTY)));
    graph.addNode(Attrs.node(save, "SaveV2", filename, names, slices)
        .addAllInput(values)
        .putAttr("dtypes", Attrs.ofTypes(types)));
    graph.addNode(Attrs.node(saved, "Identity", filename, "^" + save).putAttr("T", Attrs.of(DataType.DT_STRING)));
    metaGraph.setSaverDef(SaverDef.newBuilder()
        .setFilenameTensorName(filename + ":0")
        .setSaveTensorName(saved + ":0")
        .setRestoreOpName(restoreAll)
        .setVersion(SaverDef.CheckpointFormatVersion.V2));
  }

  /**
   * A variable to be given its value from a checkpoint.
   *
   * @param handle the node with its handle
   * @param dtype its element type
   * @param key its name in the checkpoint
   */
  record RestoredVariable(String handle, DataType dtype, String key) {}

  /**
   * Adds nodes that assign every variable its value from the checkpoint.
   *
   * @param prefix what the nodes' names begin with
   * @param filename node with the checkpoint's prefix
   * @return the node to run
   */
  static String addRestore(
      GraphDef.Builder graph, UniqueNames scope, String prefix, String filename, List<RestoredVariable> variables) {
    NodeDef.Builder all = Attrs.node(scope.unique(prefix + "/all"), "NoOp");
    if (!variables.isEmpty()) { // RestoreV2 wants at least one
      String names = scope.unique(prefix + "/tensor_names");
      String slices = scope.unique(prefix + "/shape_and_slices");
      String restore = scope.unique(prefix + "/RestoreV2");
      graph.addNode(
          Attrs.strings(names, variables.stream().map(v -> ByteString.copyFromUtf8(v.key())).toList()));
      graph.addNode(Attrs.strings(slices, Collections.nCopies(variables.size(), ByteString.EMPTY)));
      graph.addNode(Attrs.node(restore, "RestoreV2", filename, names, slices)
          .putAttr("dtypes", Attrs.ofTypes(variables.stream().map(RestoredVariable::dtype).toList())));
      for (int i = 0; i < variables.size(); i++) {
        RestoredVariable variable = variables.get(i);
        String assign = scope.unique(prefix + "/assign/" + variable.handle());
        graph.addNode(Attrs.node(assign, "AssignVariableOp", variable.handle(), restore + (i == 0 ? "" : ":" + i))
            .putAttr("dtype", Attrs.of(variable.dtype())));
        all.addInput("^" + assign);
      }
    }
    graph.addNode(all);
    return all.getName();
  }

  private static TensorInfo info(SignatureTensor tensor, String name) {
    return TensorInfo.newBuilder().setName(name).setDtype(tensor.dtype()).setTensorShape(tensor.shape()).build();
  }
}
