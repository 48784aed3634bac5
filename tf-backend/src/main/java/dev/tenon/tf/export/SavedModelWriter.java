package dev.tenon.tf.export;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;
import org.tensorflow.proto.OpList;
import org.tensorflow.proto.SavedModel;

/**
 * Writes a TensorFlow 2 SavedModel; the package's description says what it is made of.
 *
 * <p>The same spec gives the same bytes. Variables are streamed one at a time, in the spec's order.
 */
public final class SavedModelWriter {

  /** The one signature's key. */
  public static final String SIGNATURE_KEY = "serving_default";

  static final String FUNCTION = "__inference_call_0";
  static final String SIGNATURE_FUNCTION = "__inference_signature_wrapper_1";
  static final String OBJECT_GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH";
  /**
   * Attribute of the main graph's call with the outputs in the model's order. A signature is a map, and the function's own
   * outputs must be sorted, so this is the only place left for it. (Attributes of the function would make Python's loader fail.)
   */
  static final String OUTPUT_ORDER_ATTR = "_tenon_output_order";
  /** Of a protobuf message; a little under 2 GB, for the parts that are not counted. */
  static final long MAX_PROTO_BYTES = Integer.MAX_VALUE - (1 << 20);

  private static final long SAVED_MODEL_SCHEMA_VERSION = 1;
  private static final int MIN_CONSUMER = 12; // the oldest GraphDef readers that know functions with resources

  private SavedModelWriter() {}

  /**
   * Writes {@code saved_model.pb}, {@code variables/} and an empty {@code assets/}.
   *
   * @param dir an existing, empty folder. After an exception it holds a part of the model and is of no use
   * @return the names the model got, legal and unique
   * @throws IllegalArgumentException if the spec contradicts itself: a placeholder that is no input, a handle without a
   *     variable, an output that no node makes, a name given twice
   * @throws SavedModelTooLargeException if the graph would pass 2 GB
   * @throws SavedModelException if the graph uses an unknown operator
   */
  public static SavedModelNames write(SavedModelSpec spec, Path dir) throws IOException {
    checkEmpty(dir);
    checkSize(spec.graph());
    ObjectGraphBuilder objects = new ObjectGraphBuilder(spec.variables());
    SavedModelNames names = new SavedModelNames(
        UniqueNames.legalise(spec.inputs().stream().map(SignatureTensor::name).toList(), UniqueNames::parameter),
        UniqueNames.legalise(spec.outputs().stream().map(SignatureTensor::name).toList(), UniqueNames::output),
        UniqueNames.legalise(spec.variables().stream().map(VariableSpec::name).toList(), UniqueNames::node),
        objects.checkpointKeys());
    List<SignatureTensor> inputs = renamed(spec.inputs(), names.inputs());
    List<SignatureTensor> outputs = renamed(spec.outputs(), names.outputs());

    List<FunctionDef> library = sortedLibrary(spec.graph());
    OpDefs ops = new OpDefs(library);
    UniqueNames functionNames = new UniqueNames(library.stream().map(f -> f.getSignature().getName()).toList());
    FunctionBuilder.Result function = new FunctionBuilder(spec, names, ops).build(functionNames.unique(FUNCTION));
    FunctionDef wrapper = SignatureWrapper.of(function.def(), functionNames.unique(SIGNATURE_FUNCTION), inputs);
    ObjectGraphBuilder.Result objectGraph = objects.build(function.def().getSignature().getName(), wrapper.getSignature().getName(),
        function.captures(), inputs, outputs, names.variables());
    ByteString trackable = objectGraph.trackable().toByteString();

    SavedModel.Builder savedModel = SavedModel.newBuilder().setSavedModelSchemaVersion(SAVED_MODEL_SCHEMA_VERSION);
    MetaGraphDef.Builder metaGraph = savedModel.addMetaGraphsBuilder().setObjectGraphDef(objectGraph.saved());
    GraphDef.Builder graph = metaGraph.getGraphDefBuilder().setVersions(spec.graph().getVersions());
    graph.getVersionsBuilder().setMinConsumer(Math.max(MIN_CONSUMER, spec.graph().getVersions().getMinConsumer()));
    graph.getLibraryBuilder()
        .addFunction(function.def())
        .addFunction(wrapper)
        .addAllFunction(library)
        .addAllGradient(spec.graph().getLibrary().getGradientList())
        .addAllRegisteredGradients(spec.graph().getLibrary().getRegisteredGradientsList());
    MainGraphBuilder main = new MainGraphBuilder(metaGraph, graph);
    main.addVariables(spec.variables(), names.variables());
    main.addCall(function, inputs, outputs);
    main.addInitOp();
    main.addSaver(spec.variables(), names.checkpointKeys(), trackable);
    metaGraph.getMetaInfoDefBuilder()
        .addTags("serve")
        .setTensorflowVersion(spec.tensorflowVersion())
        .setStrippedOpList(usedOps(graph, ops));

    writeProto(savedModel.build(), dir.resolve("saved_model.pb"));
    Files.createDirectory(dir.resolve("assets"));
    writeVariables(spec.variables(), names.checkpointKeys(), trackable, Files.createDirectory(dir.resolve("variables")));
    return names;
  }

  private static void checkEmpty(Path dir) throws IOException {
    if (!Files.isDirectory(dir)) {
      throw new NotDirectoryException(dir.toString());
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(dir)) {
      for (Path file : files) {
        throw new SavedModelException(dir + ": found " + file.getFileName() + ", expected an empty folder");
      }
    }
  }

  /** The sum over nodes in 64 bits: asking the whole graph for its size would overflow silently. */
  private static void checkSize(GraphDef graph) throws SavedModelTooLargeException {
    List<NodeDef> nodes = new ArrayList<>(graph.getNodeList());
    graph.getLibrary().getFunctionList().forEach(function -> nodes.addAll(function.getNodeDefList()));
    long total = 0;
    String largestNode = "none";
    long largest = 0;
    for (NodeDef node : nodes) {
      long size = node.getSerializedSize();
      total += size + 16; // its tag and length, and longer names of its inputs
      if (size > largest) {
        largest = size;
        largestNode = node.getName();
      }
    }
    if (total > MAX_PROTO_BYTES) {
      throw new SavedModelTooLargeException(total, largestNode, largest);
    }
  }

  /** TensorFlow hands out the library in the order of a hash table. */
  private static List<FunctionDef> sortedLibrary(GraphDef graph) {
    List<FunctionDef> functions = new ArrayList<>(graph.getLibrary().getFunctionList());
    functions.sort(Comparator.comparing(f -> f.getSignature().getName()));
    return functions;
  }

  private static List<SignatureTensor> renamed(List<SignatureTensor> tensors, Map<String, String> names) {
    return tensors.stream()
        .map(t -> new SignatureTensor(names.get(t.name()), t.tensor(), t.dtype(), t.shape()))
        .toList();
  }

  /** The definitions of the operators used: an older TensorFlow drops attributes it does not know if they have their default. */
  private static OpList usedOps(GraphDef.Builder graph, OpDefs ops) throws SavedModelException {
    Map<String, OpDef> used = new TreeMap<>();
    List<NodeDef> nodes = new ArrayList<>(graph.getNodeList());
    List<String> functions = new ArrayList<>();
    for (FunctionDef function : graph.getLibrary().getFunctionList()) {
      functions.add(function.getSignature().getName());
      nodes.addAll(function.getNodeDefList());
    }
    for (NodeDef node : nodes) {
      if (!used.containsKey(node.getOp()) && !functions.contains(node.getOp())) {
        used.put(node.getOp(), ops.of(node));
      }
    }
    return OpList.newBuilder().addAllOp(used.values()).build();
  }

  private static void writeProto(SavedModel model, Path file) throws IOException {
    try (OutputStream out = Files.newOutputStream(file, StandardOpenOption.CREATE_NEW)) {
      CodedOutputStream coded = CodedOutputStream.newInstance(out, 1 << 16);
      coded.useDeterministicSerialization(); // sorts maps
      model.writeTo(coded);
      coded.flush();
    }
  }

  private static void writeVariables(
      List<VariableSpec> variables, Map<String, String> checkpointKeys, ByteString trackable, Path dir) throws IOException {
    try (TensorBundleWriter bundle = new TensorBundleWriter(dir.resolve("variables"))) {
      for (VariableSpec variable : variables) {
        bundle.add(checkpointKeys.get(variable.name()), variable.dtype(), variable.shape(), variable.data());
      }
      bundle.addString(OBJECT_GRAPH_KEY, trackable.toByteArray());
      bundle.finish();
    }
  }
}
