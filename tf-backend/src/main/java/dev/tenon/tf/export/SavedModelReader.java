package dev.tenon.tf.export;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedConcreteFunction;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;

/**
 * Reads a TensorFlow 2 SavedModel: its signature, its variables, and the signature's function as a flat graph.
 *
 * <p>Made for what {@link SavedModelWriter} writes; models that Python's TensorFlow or Keras saved are read too as long as the
 * signature's function uses variables only (no tables, assets or captured tensors). What a call inside the function does is not
 * unfolded. A file that is not what it should be ends in a {@link SavedModelException} or a {@link TensorBundleException}.
 */
public final class SavedModelReader implements AutoCloseable {

  private final Path dir;
  private final MetaGraphDef metaGraph;
  private final TensorBundleReader checkpoint;
  private final FunctionDef function;
  private final List<SignatureTensor> inputs;
  private final List<SignatureTensor> outputs;
  private final Map<Integer, SavedVariableInfo> variablesById;

  private SavedModelReader(Path dir, MetaGraphDef metaGraph, TensorBundleReader checkpoint) throws IOException {
    this.dir = dir;
    this.metaGraph = metaGraph;
    this.checkpoint = checkpoint;
    Map<String, NodeDef> nodes = new HashMap<>();
    metaGraph.getGraphDef().getNodeList().forEach(node -> nodes.put(node.getName(), node));
    SignatureDef signature = metaGraph.getSignatureDefMap().get(SavedModelWriter.SIGNATURE_KEY);
    if (signature == null) {
      throw bad("signatures " + metaGraph.getSignatureDefMap().keySet(), SavedModelWriter.SIGNATURE_KEY + " among them");
    }
    NodeDef call = call(signature, nodes);
    this.function = function(call);
    this.inputs = inputs(signature, call);
    this.outputs = outputs(signature, call);
    this.variablesById = SavedVariables.find(dir, metaGraph, checkpoint);
  }

  /**
   * Opens a SavedModel.
   *
   * @param dir the folder with {@code saved_model.pb}
   */
  public static SavedModelReader open(Path dir) throws IOException {
    MetaGraphDef metaGraph = SavedVariables.metaGraph(dir);
    TensorBundleReader checkpoint = TensorBundleReader.open(checkpointPrefix(dir));
    try {
      return new SavedModelReader(dir, metaGraph, checkpoint);
    } catch (IOException | RuntimeException e) {
      checkpoint.close();
      throw e;
    }
  }

  /** Where a SavedModel's checkpoint is, for {@link TensorBundleReader#open}. */
  public static Path checkpointPrefix(Path dir) {
    return dir.resolve("variables").resolve("variables");
  }

  /** The node of the main graph that all outputs come from. */
  private NodeDef call(SignatureDef signature, Map<String, NodeDef> nodes) throws SavedModelException {
    NodeDef call = null;
    for (TensorInfo output : signature.getOutputsMap().values()) {
      NodeDef node = nodes.get(TensorName.parse(output.getName()).node());
      boolean isCall = node != null && node.getOp().endsWith("PartitionedCall");
      if (!isCall || call != null && node != call) {
        throw bad("output " + output.getName(), "the outputs of a single function call");
      }
      call = node;
    }
    if (call == null) {
      throw bad("a signature without outputs", "one or more");
    }
    return call;
  }

  private FunctionDef function(NodeDef call) throws SavedModelException {
    String name = call.getAttrOrDefault("f", AttrValue.getDefaultInstance()).getFunc().getName();
    for (FunctionDef candidate : metaGraph.getGraphDef().getLibrary().getFunctionList()) {
      if (candidate.getSignature().getName().equals(name)) {
        return candidate;
      }
    }
    throw bad("a call of function " + name, "a function of the library");
  }

  /** The signature's inputs in the order of the call's. */
  private List<SignatureTensor> inputs(SignatureDef signature, NodeDef call) throws SavedModelException {
    List<SignatureTensor> result = new ArrayList<>();
    for (String argument : call.getInputList()) {
      String node = TensorName.parse(argument).node();
      for (Map.Entry<String, TensorInfo> input : signature.getInputsMap().entrySet()) {
        if (TensorName.parse(input.getValue().getName()).node().equals(node)) {
          result.add(tensor(input.getKey(), input.getValue()));
        }
      }
    }
    if (result.size() != signature.getInputsCount()) {
      throw bad("inputs " + signature.getInputsMap().keySet(), "each to be an argument of " + call.getName());
    }
    return List.copyOf(result);
  }

  /** The signature's outputs in the model's order, where the writer noted it, or the function's. */
  private List<SignatureTensor> outputs(SignatureDef signature, NodeDef call) throws SavedModelException {
    List<String> order = call.getAttrOrDefault(SavedModelWriter.OUTPUT_ORDER_ATTR, AttrValue.getDefaultInstance())
        .getList().getSList().stream().map(s -> s.toStringUtf8()).toList();
    List<SignatureTensor> result = new ArrayList<>();
    for (Map.Entry<String, TensorInfo> output : signature.getOutputsMap().entrySet()) {
      SignatureTensor tensor = tensor(output.getKey(), output.getValue());
      if (outputIndex(tensor) >= function.getSignature().getOutputArgCount()) {
        throw bad("output " + tensor.tensor(), "one of the " + function.getSignature().getOutputArgCount()
            + " of function " + function.getSignature().getName());
      }
      result.add(tensor);
    }
    Map<SignatureTensor, Integer> rank = new HashMap<>();
    for (SignatureTensor tensor : result) {
      int noted = order.indexOf(tensor.name());
      rank.put(tensor, noted >= 0 ? noted : order.size() + outputIndex(tensor));
    }
    result.sort(Comparator.comparing(rank::get));
    return List.copyOf(result);
  }

  private static int outputIndex(SignatureTensor output) throws SavedModelException {
    return TensorName.parse(output.tensor()).index();
  }

  private static SignatureTensor tensor(String key, TensorInfo info) {
    return new SignatureTensor(key, info.getName(), info.getDtype(), info.getTensorShape());
  }

  /** The signature's inputs, in the order of positional calls; {@link SignatureTensor#tensor} is a node of the main graph. */
  public List<SignatureTensor> inputs() {
    return inputs;
  }

  /** The signature's outputs, in the model's order. */
  public List<SignatureTensor> outputs() {
    return outputs;
  }

  /** All variables, in the order {@code variables} lists them. */
  public List<SavedVariableInfo> variables() {
    return List.copyOf(variablesById.values());
  }

  /** The values of the variables. */
  public TensorBundleReader checkpoint() {
    return checkpoint;
  }

  /** The graph as it was saved, with signatures, library and object graph. */
  public MetaGraphDef metaGraph() {
    return metaGraph;
  }

  /** The signature's function as a flat graph, to look at tensors inside it. */
  public InlinedGraph inlined() throws SavedModelException {
    SavedConcreteFunction concrete =
        metaGraph.getObjectGraphDef().getConcreteFunctionsMap().get(function.getSignature().getName());
    if (concrete == null) {
      throw bad("no object for function " + function.getSignature().getName(), "one of the object graph");
    }
    List<SavedVariableInfo> captures = new ArrayList<>();
    for (int id : concrete.getBoundInputsList()) {
      SavedVariableInfo variable = variablesById.get(id);
      if (variable == null) {
        throw bad("function " + function.getSignature().getName() + " capturing object " + id
            + ", which is no variable", "variables only");
      }
      captures.add(variable);
    }
    Map<String, Integer> order = new LinkedHashMap<>();
    for (SignatureTensor output : outputs) {
      order.put(output.name(), outputIndex(output));
    }
    OpDefs ops = new OpDefs(metaGraph.getGraphDef().getLibrary().getFunctionList());
    return new FunctionInliner(function, ops)
        .inline(metaGraph.getGraphDef(), inputs, captures, order, checkpointPrefix(dir));
  }

  @Override
  public void close() throws IOException {
    checkpoint.close();
  }

  private SavedModelException bad(String found, String expected) {
    return new SavedModelException(dir + ": found " + found + ", expected " + expected);
  }
}
