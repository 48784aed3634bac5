package dev.tenon.tf.runtime;

import dev.tenon.ir.Tensor;
import dev.tenon.tf.Conversion;
import dev.tenon.tf.Variable;
import dev.tenon.tf.export.SignatureTensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;

/**
 * Runs a converted graph in this process, by the names of its signature.
 *
 * <pre>{@code
 * try (GraphRunner runner = GraphRunner.open(conversion)) {
 *   Map<String, Tensor> outputs = runner.run(Map.of("x", image));
 * }
 * }</pre>
 *
 * Not thread-safe. The variables' elements are copied into TensorFlow one by one, so that memory beside TensorFlow's own stays
 * bounded by the largest.
 */
public final class GraphRunner implements AutoCloseable {
  private static final String INIT = "tenon_initialize/";

  private final Map<String, String> inputs = new LinkedHashMap<>();
  private final Map<String, String> outputs = new LinkedHashMap<>();
  private final NativeSession session;

  /**
   * How a graph is run.
   *
   * @param threads threads for one operation and for operations side by side; 0 for as many as TensorFlow likes
   * @param optimize whether TensorFlow's graph optimizers (Grappler) run
   */
  public record Options(int threads, boolean optimize) {
    public static final Options DEFAULT = new Options(0, true);
  }

  private GraphRunner(Conversion c, Options options) {
    c.inputs().forEach(s -> inputs.put(s.name(), s.tensor()));
    c.outputs().forEach(s -> outputs.put(s.name(), s.tensor()));
    session = new NativeSession(withAssignments(c), options);
    try {
      for (int i = 0; i < c.variables().size(); i++) {
        session.run(Map.of(INIT + "value_" + i + ":0", c.variables().get(i).tensor()), List.of(), List.of(INIT + "assign_" + i));
      }
    } catch (RuntimeException e) {
      session.close();
      throw e;
    }
  }

  public static GraphRunner open(Conversion conversion) {
    return new GraphRunner(conversion, Options.DEFAULT);
  }

  public static GraphRunner open(Conversion conversion, Options options) {
    return new GraphRunner(conversion, options);
  }

  /** The graph with a placeholder and an assignment for each variable. */
  private static GraphDef withAssignments(Conversion c) {
    Map<String, NodeDef> handles = new HashMap<>();
    for (NodeDef n : c.graph().getNodeList()) {
      if (n.getOp().equals("VarHandleOp")) {
        handles.put(n.getAttrOrThrow("shared_name").getS().toStringUtf8(), n);
      }
    }
    GraphDef.Builder graph = c.graph().toBuilder();
    int i = 0;
    for (Variable v : c.variables()) {
      NodeDef handle = handles.get(v.name());
      if (handle == null) {
        throw new IllegalArgumentException("the graph has no VarHandleOp for variable " + v.name());
      }
      AttrValue dtype = handle.getAttrOrThrow("dtype");
      String value = INIT + "value_" + i;
      graph.addNode(NodeDef.newBuilder().setName(value).setOp("Placeholder").putAttr("dtype", dtype)
          .putAttr("shape", handle.getAttrOrThrow("shape")));
      graph.addNode(NodeDef.newBuilder().setName(INIT + "assign_" + i).setOp("AssignVariableOp").addInput(handle.getName())
          .addInput(value).putAttr("dtype", dtype));
      i++;
    }
    return graph.build();
  }

  public List<String> inputNames() {
    return List.copyOf(inputs.keySet());
  }

  public List<String> outputNames() {
    return List.copyOf(outputs.keySet());
  }

  /** The outputs of the signature, in its order, for inputs by its names. */
  public Map<String, Tensor> run(Map<String, Tensor> byName) {
    List<Tensor> values = fetch(byName, List.copyOf(outputs.values()));
    Map<String, Tensor> result = new LinkedHashMap<>();
    int i = 0;
    for (String name : outputs.keySet()) {
      result.put(name, values.get(i++));
    }
    return result;
  }

  /**
   * Any tensors of the graph for inputs of the signature.
   *
   * @param tensors {@code node:index}, as a {@code TensorMapping} or {@link SignatureTensor} says
   */
  public List<Tensor> fetch(Map<String, Tensor> byName, List<String> tensors) {
    Map<String, Tensor> feeds = new LinkedHashMap<>();
    inputs.forEach((name, tensor) -> {
      if (!byName.containsKey(name)) {
        throw new IllegalArgumentException("input " + name + " is missing; given are " + byName.keySet());
      }
      feeds.put(tensor, byName.get(name));
    });
    for (String name : byName.keySet()) {
      if (!inputs.containsKey(name)) {
        throw new IllegalArgumentException("there is no input " + name + "; the inputs are " + inputs.keySet());
      }
    }
    return session.run(feeds, new ArrayList<>(tensors), List.of());
  }

  @Override
  public void close() {
    session.close();
  }
}
