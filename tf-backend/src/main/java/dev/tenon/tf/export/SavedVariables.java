package dev.tenon.tf.export;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnsafeByteOperations;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.SavedModel;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedObject;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedObjectGraph;
import org.tensorflow.proto.SavedObjectGraphOuterClass.SavedVariable;
import org.tensorflow.proto.TrackableObjectGraphOuterClass.TrackableObjectGraph;
import org.tensorflow.proto.TrackableObjectGraphOuterClass.TrackableObjectGraph.TrackableObject;
import org.tensorflow.proto.TrackableObjectGraphOuterClass.TrackableObjectGraph.TrackableObject.ObjectReference;

/**
 * The variables of a TensorFlow 2 SavedModel and their values, whoever saved it, and whatever its graph holds.
 *
 * <p>Which value in the checkpoint is a variable's is found as TensorFlow finds it: {@code saved_model.pb} and the checkpoint each
 * hold a graph of objects, and the two are walked side by side from their roots. So a checkpoint that Python's
 * {@code tf.train.Checkpoint} has written over {@code variables/} is read too. Where that does not lead to a variable, its name does.
 */
public final class SavedVariables implements AutoCloseable {

  private final Path dir;
  private final TensorBundleReader checkpoint;
  private final List<SavedVariableInfo> variables;
  /** Name to checkpoint keys of other variables of that name, type and shape that no function reads. */
  private final Map<String, List<String>> copies = new HashMap<>();

  private SavedVariables(Path dir, TensorBundleReader checkpoint, SavedObjectGraph saved) throws IOException {
    this.dir = dir;
    this.checkpoint = checkpoint;
    Map<Integer, SavedVariableInfo> byId = new Finder(dir, saved, checkpoint).find();
    Set<Integer> read = new HashSet<>();
    saved.getConcreteFunctionsMap().values().forEach(f -> read.addAll(f.getBoundInputsList()));
    Map<String, SavedVariableInfo> readByName = new HashMap<>();
    byId.forEach((id, v) -> {
      if (read.contains(id)) {
        readByName.putIfAbsent(v.name(), v);
      }
    });
    this.variables = new ArrayList<>();
    byId.forEach((id, v) -> {
      SavedVariableInfo original = readByName.get(v.name());
      if (!read.contains(id) && original != null && original.dtype() == v.dtype() && Arrays.equals(original.shape(), v.shape())) {
        copies.computeIfAbsent(v.name(), n -> new ArrayList<>()).add(v.checkpointKey());
      } else {
        variables.add(v);
      }
    });
  }

  /**
   * Opens the variables of a SavedModel.
   *
   * @param dir the folder with {@code saved_model.pb}
   * @throws SavedModelException or {@link TensorBundleException} where a file is not what it should be
   */
  public static SavedVariables open(Path dir) throws IOException {
    MetaGraphDef metaGraph = metaGraph(dir);
    TensorBundleReader checkpoint = TensorBundleReader.open(SavedModelReader.checkpointPrefix(dir));
    try {
      return new SavedVariables(dir, checkpoint, metaGraph.getObjectGraphDef());
    } catch (IOException | RuntimeException e) {
      checkpoint.close();
      throw e;
    }
  }

  /** The variables of a graph that is read already, by their objects' numbers; those of the root's list first, in its order. */
  static Map<Integer, SavedVariableInfo> find(Path dir, MetaGraphDef metaGraph, TensorBundleReader checkpoint) throws IOException {
    return new Finder(dir, metaGraph.getObjectGraphDef(), checkpoint).find();
  }

  /** All variables, in the order the root's {@code variables} lists them, where there is such a list. */
  public List<SavedVariableInfo> variables() {
    return List.copyOf(variables);
  }

  /**
   * The keys of a variable's copies in the checkpoint. Keras' exports keep each variable twice: one that functions read, and one of the
   * model that was exported.
   */
  public List<String> copies(SavedVariableInfo variable) {
    return copies.getOrDefault(variable.name(), List.of());
  }

  /** The values. */
  public TensorBundleReader checkpoint() {
    return checkpoint;
  }

  /** The SavedModel's folder. */
  public Path folder() {
    return dir;
  }

  @Override
  public void close() throws IOException {
    checkpoint.close();
  }

  /** The graph for serving in {@code saved_model.pb}. */
  static MetaGraphDef metaGraph(Path dir) throws IOException {
    Path file = dir.resolve("saved_model.pb");
    if (!Files.isRegularFile(file)) {
      throw new SavedModelException(dir + ": found no saved_model.pb, expected a SavedModel's folder");
    }
    long size = Files.size(file);
    if (size > Integer.MAX_VALUE) {
      throw new SavedModelException(file + ": found " + size + " bytes, expected less than 2 GB");
    }
    SavedModel model;
    try (MappedFile mapped = MappedFile.open(file)) {
      ByteBuffer bytes = mapped.map(0, size);
      // Constants of a frozen model stay in the file: strings of bytes are views of the mapping.
      CodedInputStream in = UnsafeByteOperations.unsafeWrap(bytes).newCodedInput();
      in.enableAliasing(true);
      model = SavedModel.parseFrom(in);
    } catch (InvalidProtocolBufferException e) {
      throw new SavedModelException(file + ": found bytes that do not parse, expected a SavedModel (" + e.getMessage() + ")", e);
    }
    for (MetaGraphDef metaGraph : model.getMetaGraphsList()) {
      if (metaGraph.getMetaInfoDef().getTagsList().contains("serve")) {
        if (metaGraph.getObjectGraphDef().getNodesCount() == 0) {
          throw new SavedModelException(file + ": found a model of TensorFlow 1, expected one with an object graph");
        }
        return metaGraph;
      }
    }
    throw new SavedModelException(file + ": found no graph tagged serve, expected one");
  }

  /** Walks the two object graphs. */
  private static final class Finder {
    private final Path dir;
    private final SavedObjectGraph saved;
    private final TensorBundleReader checkpoint;
    private final TrackableObjectGraph trackable;

    Finder(Path dir, SavedObjectGraph saved, TensorBundleReader checkpoint) throws IOException {
      this.dir = dir;
      this.saved = saved;
      this.checkpoint = checkpoint;
      try {
        this.trackable = TrackableObjectGraph.parseFrom(checkpoint.string(SavedModelWriter.OBJECT_GRAPH_KEY));
      } catch (InvalidProtocolBufferException e) {
        throw bad(SavedModelWriter.OBJECT_GRAPH_KEY + " of the checkpoint that does not parse", "a TrackableObjectGraph");
      }
      if (trackable.getNodesCount() == 0) {
        throw bad("a checkpoint without objects", "one with " + saved.getNodesCount() + ", as saved_model.pb has");
      }
    }

    Map<Integer, SavedVariableInfo> find() throws IOException {
      Map<Integer, Integer> counterparts = counterparts();
      Map<String, String> keysByName = keysByName();
      Map<Integer, SavedVariableInfo> result = new LinkedHashMap<>();
      for (int id : variableIds()) {
        SavedVariable variable = saved.getNodes(id).getVariable();
        TrackableObject counterpart = counterparts.containsKey(id) ? trackable.getNodes(counterparts.get(id)) : null;
        String key = counterpart != null && counterpart.getAttributesCount() == 1 ? counterpart.getAttributes(0).getCheckpointKey()
            : keysByName.get(variable.getName());
        if (key == null) {
          throw bad("no value of variable " + variable.getName() + " in the checkpoint", "one (variables/ may be another model's)");
        }
        TensorBundleReader.Entry entry = checkpoint.entry(key);
        SavedVariableInfo info = new SavedVariableInfo(
            variable.getName(), variable.getDtype(), DataTypes.dims(variable.getShape()), variable.getTrainable(), key);
        if (entry.dtype() != info.dtype() || !Arrays.equals(entry.shape(), info.shape())) {
          throw bad("checkpoint entry " + entry, info.toString());
        }
        result.put(id, info);
      }
      return result;
    }

    /** Object of {@code saved_model.pb} to object of the checkpoint, as far as children's names lead. */
    private Map<Integer, Integer> counterparts() throws SavedModelException {
      Map<Integer, Integer> found = new HashMap<>(Map.of(0, 0));
      Deque<Integer> open = new ArrayDeque<>(List.of(0));
      while (!open.isEmpty()) {
        int id = open.remove();
        Map<String, Integer> children = new HashMap<>();
        for (ObjectReference child : trackable.getNodes(found.get(id)).getChildrenList()) {
          if (child.getNodeId() < 0 || child.getNodeId() >= trackable.getNodesCount()) {
            throw bad("object " + child.getNodeId() + " in the checkpoint", "one of its " + trackable.getNodesCount());
          }
          children.put(child.getLocalName(), child.getNodeId());
        }
        for (ObjectReference child : object(id).getChildrenList()) {
          Integer counterpart = children.get(child.getLocalName());
          object(child.getNodeId());
          if (counterpart != null && found.putIfAbsent(child.getNodeId(), counterpart) == null) {
            open.add(child.getNodeId());
          }
        }
      }
      return found;
    }

    private Map<String, String> keysByName() {
      Map<String, String> keys = new HashMap<>();
      Set<String> twice = new LinkedHashSet<>();
      for (TrackableObject object : trackable.getNodesList()) {
        for (TrackableObject.SerializedTensor value : object.getAttributesList()) {
          if (!value.getFullName().isEmpty() && keys.putIfAbsent(value.getFullName(), value.getCheckpointKey()) != null) {
            twice.add(value.getFullName());
          }
        }
      }
      keys.keySet().removeAll(twice);
      return keys;
    }

    /** Numbers of the variables' objects: those of the root's list first, in its order. */
    private List<Integer> variableIds() throws SavedModelException {
      Set<Integer> ids = new LinkedHashSet<>();
      for (ObjectReference child : saved.getNodes(0).getChildrenList()) {
        if (child.getLocalName().equals("variables")) {
          object(child.getNodeId()).getChildrenList().forEach(item -> ids.add(item.getNodeId()));
        }
      }
      for (int id = 0; id < saved.getNodesCount(); id++) {
        ids.add(id);
      }
      List<Integer> result = new ArrayList<>();
      for (int id : ids) {
        if (object(id).hasVariable()) {
          result.add(id);
        }
      }
      return result;
    }

    private SavedObject object(int id) throws SavedModelException {
      if (id < 0 || id >= saved.getNodesCount()) {
        throw bad("object " + id, "one of the " + saved.getNodesCount() + " of the object graph");
      }
      return saved.getNodes(id);
    }

    private SavedModelException bad(String found, String expected) {
      return new SavedModelException(dir + ": found " + found + ", expected " + expected);
    }
  }
}
