package dev.tenon.tf.export;

import com.google.protobuf.BoolValue;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.proto.SavedObjectGraphOuterClass.FunctionSpec;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedBareConcreteFunction;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedConcreteFunction;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedFunction;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedObject;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedObjectGraph;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedUserObject;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedVariable;
import org.tensorflow.proto.Struct.StructuredValue;
import org.tensorflow.proto.TrackableObjectGraphOuterClass.TrackableObjectGraph;
import org.tensorflow.proto.TrackableObjectGraphOuterClass.TrackableObjectGraph.TrackableObject;
import org.tensorflow.proto.VersionDef;

/**
 * Builds what {@code tf.saved_model.load} turns into Python objects: a module tree after the variables' names, the lists
 * {@code variables}, {@code trainable_variables} and {@code non_trainable_variables} (as Keras' exports have them), the callable,
 * and {@code signatures}.
 *
 * <p>The variable {@code layer1/0/conv1/kernel} is {@code model.layer1[0].conv1.kernel} after loading:
 * <ul>
 *   <li>a part whose children are all numbers is a list; numbers without variables (an activation among convolutions) are empty
 *       objects in it. Very sparse numbers make an object with attributes named by number instead;
 *   <li>a part that Python or TensorFlow needs for itself gets an underscore after it, and so does a part that is a module here
 *       and a variable there ({@code a} and {@code a/b}).
 * </ul>
 * The attribute path is the checkpoint's key as well; the variable's name stays what it is.
 *
 * @see <a href="https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/protobuf/saved_object_graph.proto">saved_object_graph.proto</a>
 */
final class ObjectGraphBuilder {

  private static final String CHECKPOINT_KEY_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE";
  private static final String VARIABLE_VALUE = "VARIABLE_VALUE";

  /** Attributes of the root object that are not modules. */
  private static final Set<String> ROOT_ATTRIBUTES =
      Set.of("variables", "trainable_variables", "non_trainable_variables", "signatures", "serve", "_default_save_signature",
          "graph_debug_info", "tensorflow_version", "tensorflow_git_version");

  /** The attributes of TensorFlow's {@code AutoTrackable} (2.18 to 2.21) that do not begin with two underscores. */
  private static final Set<String> TRACKABLE_ATTRIBUTES = Set.of(
      "_add_trackable_child", "_add_variable_with_custom_getter", "_checkpoint_adapter", "_checkpoint_dependencies",
      "_copy_trackable_to_cpu", "_deferred_dependencies", "_delete_tracking", "_deserialization_dependencies",
      "_deserialize_from_proto", "_export_to_saved_model_graph", "_gather_saveables_for_checkpoint",
      "_handle_deferred_dependencies", "_lookup_dependency", "_maybe_initialize_trackable", "_name_based_attribute_restore",
      "_name_based_restores", "_no_dependency", "_object_identifier", "_preload_simple_restoration", "_restore_from_tensors",
      "_serialize_to_proto", "_serialize_to_tensors", "_setattr_tracking", "_tf_api_names", "_tf_api_names_v1",
      "_track_trackable", "_trackable_children", "_unconditional_checkpoint_dependencies", "_unconditional_dependency_names",
      "_update_uid");

  /** An object in the making. */
  private static final class Node {
    final Map<String, Node> children = new LinkedHashMap<>();
    final SavedObject.Builder proto = SavedObject.newBuilder();
    VariableSpec variable;
    int id = -1;

    static Node userObject(String identifier) {
      Node node = new Node();
      node.proto.setUserObject(SavedUserObject.newBuilder()
          .setIdentifier(identifier)
          .setVersion(VersionDef.newBuilder().setProducer(1).setMinConsumer(1)));
      return node;
    }

    static Node module() {
      return userObject("_generic_user_object");
    }

    static Node list(List<Node> items) {
      Node list = userObject("trackable_list_wrapper");
      for (Node item : items) {
        list.children.put(Integer.toString(list.children.size()), item);
      }
      return list;
    }

    boolean holdsValues() {
      return variable != null || proto.hasUserObject() && !proto.getUserObject().getIdentifier().equals("signature_map");
    }
  }

  private final Node root = Node.module();
  private final List<Node> variables = new ArrayList<>();
  private final Map<String, Node> byName = new LinkedHashMap<>();
  private final Map<String, String> checkpointKeys = new LinkedHashMap<>();

  /** Lays out the module tree; {@link #checkpointKeys()} is known from here on. */
  ObjectGraphBuilder(List<VariableSpec> specs) {
    for (VariableSpec spec : specs) {
      Node node = place(spec);
      variables.add(node);
      byName.put(spec.name(), node);
    }
    for (Map.Entry<String, Node> child : root.children.entrySet()) {
      child.setValue(withLists(child.getValue()));
    }
    Map<Node, String> paths = new LinkedHashMap<>();
    collectPaths(root, "", paths);
    byName.forEach((name, node) -> checkpointKeys.put(name, paths.get(node) + CHECKPOINT_KEY_SUFFIX));
  }

  /** Variable name to key in the checkpoint, in the variables' order. */
  Map<String, String> checkpointKeys() {
    return checkpointKeys;
  }

  private Node place(VariableSpec spec) {
    List<String> parts = new ArrayList<>();
    for (String part : spec.name().split("/")) {
      if (!part.isEmpty()) {
        parts.add(part);
      }
    }
    Node parent = root;
    for (int i = 0; i < parts.size() - 1; i++) {
      String part = attribute(parts.get(i), parent);
      while (parent.children.containsKey(part) && parent.children.get(part).variable != null) {
        part += "_";
      }
      parent = parent.children.computeIfAbsent(part, p -> Node.module());
    }
    String last = attribute(parts.isEmpty() ? "variable" : parts.get(parts.size() - 1), parent);
    while (parent.children.containsKey(last)) {
      last += "_";
    }
    Node node = new Node();
    node.variable = spec;
    node.proto.setVariable(SavedVariable.newBuilder()
        .setDtype(spec.dtype())
        .setShape(DataTypes.shapeProto(spec.shape()))
        .setTrainable(spec.trainable()));
    parent.children.put(last, node);
    return node;
  }

  private String attribute(String part, Node parent) {
    boolean taken = part.startsWith("__") || part.startsWith("_self_") || TRACKABLE_ATTRIBUTES.contains(part)
        || parent == root && ROOT_ATTRIBUTES.contains(part);
    // A double underscore in front makes it special, one after it does not help.
    return !taken ? part : part.startsWith("__") ? "m" + part : part + "_";
  }

  /** The node, or a list in its place where all its children are numbered; the same below it. */
  private static Node withLists(Node node) {
    for (Map.Entry<String, Node> child : node.children.entrySet()) {
      child.setValue(withLists(child.getValue()));
    }
    int last = -1;
    for (String name : node.children.keySet()) {
      if (!name.matches("0|[1-9][0-9]{0,5}")) {
        return node;
      }
      last = Math.max(last, Integer.parseInt(name));
    }
    if (node.children.isEmpty() || last > 8 * node.children.size() + 64) {
      return node;
    }
    List<Node> items = new ArrayList<>();
    for (int i = 0; i <= last; i++) {
      Node item = node.children.get(Integer.toString(i));
      items.add(item != null ? item : Node.module());
    }
    return Node.list(items);
  }

  private static void collectPaths(Node node, String prefix, Map<Node, String> paths) {
    node.children.forEach((name, child) -> {
      // As TensorFlow escapes it, so that .ATTRIBUTES cannot be mistaken.
      String path = prefix + name.replace(".", "..").replace("/", ".S");
      if (paths.putIfAbsent(child, path) == null) {
        collectPaths(child, path + "/", paths);
      }
    });
  }

  /** The two object graphs: of the SavedModel, and of its checkpoint. Their node ids are the same. */
  record Result(SavedObjectGraph saved, TrackableObjectGraph trackable) {}

  /**
   * Adds the callable and the signature.
   *
   * @param function the callable's name in the library
   * @param signatureFunction the signature's, which has the same arguments and results
   * @param captures the variables whose handles are its last arguments
   * @param inputs keys of the signature, in order
   * @param outputs keys of the signature
   * @param legalNames names of the variables after loading
   */
  Result build(
      String function,
      String signatureFunction,
      List<VariableSpec> captures,
      List<SignatureTensor> inputs,
      List<SignatureTensor> outputs,
      Map<String, String> legalNames) {
    byName.forEach((name, node) -> node.proto.getVariableBuilder().setName(legalNames.get(name)));
    List<String> parameters = inputs.stream().map(SignatureTensor::name).toList();
    StructuredValue inputSpecs = StructuredValues.tuple(inputs.stream().map(ObjectGraphBuilder::spec).toList());

    root.children.put("variables", Node.list(variables));
    root.children.put("trainable_variables", Node.list(variables.stream().filter(v -> v.variable.trainable()).toList()));
    root.children.put("non_trainable_variables",
        Node.list(variables.stream().filter(v -> !v.variable.trainable()).toList()));
    Node callable = new Node();
    callable.proto.setFunction(SavedFunction.newBuilder()
        .addConcreteFunctions(function)
        .setFunctionSpec(FunctionSpec.newBuilder()
            .setFullargspec(StructuredValues.fullArgSpec(parameters))
            .setInputSignature(inputSpecs)));
    root.children.put("__call__", callable);
    root.children.put("serve", callable); // the endpoint Keras' TFSMLayer looks for by default
    // Which of the two is the signature when a loaded model is saved again without naming one.
    root.children.put("_default_save_signature", callable);
    Node signature = new Node();
    signature.proto.setBareConcreteFunction(SavedBareConcreteFunction.newBuilder()
        .setConcreteFunctionName(signatureFunction)
        .addAllArgumentKeywords(SignatureWrapper.sorted(inputs).stream().map(SignatureTensor::name).toList())
        // What TensorFlow's loader asserts of a signature: a positional argument only where it cannot be mistaken.
        .setAllowedPositionalArguments(parameters.size() == 1 ? 1 : 0));
    Node signatures = Node.userObject("signature_map");
    signatures.children.put(SavedModelWriter.SIGNATURE_KEY, signature);
    root.children.put("signatures", signatures);

    List<Node> nodes = number();
    StructuredValue byPosition = StructuredValues.tuple(List.of(inputSpecs, StructuredValues.dict(Map.of())));
    StructuredValue byKeyword = StructuredValues.tuple(List.of(StructuredValues.tuple(List.of()), StructuredValues.dict(specs(inputs))));
    SavedConcreteFunction.Builder concrete = SavedConcreteFunction.newBuilder().setOutputSignature(StructuredValues.dict(specs(outputs)));
    captures.forEach(v -> concrete.addBoundInputs(byName.get(v.name()).id));

    SavedObjectGraph.Builder saved = SavedObjectGraph.newBuilder()
        .putConcreteFunctions(function, concrete.setCanonicalizedInputSignature(byPosition).build())
        .putConcreteFunctions(signatureFunction, concrete.setCanonicalizedInputSignature(byKeyword).build());
    TrackableObjectGraph.Builder trackable = TrackableObjectGraph.newBuilder();
    for (Node node : nodes) {
      TrackableObject.Builder object = trackable.addNodesBuilder();
      node.children.forEach((name, child) -> {
        node.proto.addChildrenBuilder().setNodeId(child.id).setLocalName(name);
        object.addChildrenBuilder().setNodeId(child.id).setLocalName(name);
      });
      saved.addNodes(node.proto);
      object.setHasCheckpointValues(BoolValue.of(node.holdsValues()));
      if (node.variable != null) {
        object.addAttributesBuilder()
            .setName(VARIABLE_VALUE)
            .setFullName(legalNames.get(node.variable.name()))
            .setCheckpointKey(checkpointKeys.get(node.variable.name()));
      }
    }
    return new Result(saved.build(), trackable.build());
  }

  private static Map<String, StructuredValue> specs(List<SignatureTensor> tensors) {
    Map<String, StructuredValue> specs = new LinkedHashMap<>();
    tensors.forEach(t -> specs.put(t.name(), spec(t)));
    return specs;
  }

  private static StructuredValue spec(SignatureTensor tensor) {
    return StructuredValues.tensorSpec(tensor.name(), tensor.dtype(), tensor.shape());
  }

  /** Numbers the objects breadth first from the root, which must be 0. */
  private List<Node> number() {
    List<Node> nodes = new ArrayList<>();
    Deque<Node> queue = new ArrayDeque<>(List.of(root));
    root.id = 0;
    int next = 1;
    while (!queue.isEmpty()) {
      Node node = queue.remove();
      nodes.add(node);
      for (Node child : node.children.values()) {
        if (child.id < 0) {
          child.id = next++;
          queue.add(child);
        }
      }
    }
    return nodes;
  }
}
