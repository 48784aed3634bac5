package dev.tenon.ir.testing;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.NodeBuilder;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes small models for tests in few words:
 *
 * <pre>{@code
 * Graphs g = Graphs.opset(18);
 * Value x = g.input("x", "batch", 3, "h", "w");
 * Value y = g.op("Conv", List.of(x, g.weight("w", 8, 3, 3, 3)), Attribute.ofInts("pads", 1, 1, 1, 1));
 * Model model = g.output("y", y).model();
 * }</pre>
 */
public final class Graphs {
  private final Graph graph;
  private final Model model;
  private long seed = 1;

  private Graphs(Graph graph, Model model) {
    this.graph = graph;
    this.model = model;
  }

  /** A new model with this opset of ONNX's own domain. */
  public static Graphs opset(int opset) {
    Graphs g = new Graphs(new Graph("test"), null);
    Model m = new Model(g.graph);
    m.opsetImports().put("", opset);
    return new Graphs(g.graph, m);
  }

  /** A subgraph of this graph, to be given to a node as an attribute. */
  public Graphs subgraph(String name) {
    return new Graphs(new Graph(name, graph), null);
  }

  public Graph graph() {
    return graph;
  }

  /** A float32 input; a dimension is a number, a symbol's name, or null for an unknown one. */
  public Value input(String name, Object... dims) {
    return input(DataType.FLOAT, name, dims);
  }

  public Value input(DataType dtype, String name, Object... dims) {
    return graph.addInput(name, Type.tensor(dtype, shape(dims)));
  }

  /** A shape of numbers, names of symbols, and nulls. */
  public static Shape shape(Object... dims) {
    List<Dim> list = new ArrayList<>();
    for (Object d : dims) {
      list.add(d == null ? Dim.unknown() : d instanceof Number n ? Dim.of(n.longValue()) : Dim.parse(d.toString()));
    }
    return Shape.of(list);
  }

  /** A random float32 parameter, as if it came from a file. */
  public Value weight(String name, long... dims) {
    Tensor t = RandomInputs.floats(seed++, dims);
    return graph.addInitializer(name, Tensor.source(name, t.dtype(), dims, ((dev.tenon.ir.Recipe.Constant) t.recipe()).storage()));
  }

  /** A constant with a fresh name. */
  public Value constant(Tensor t) {
    return graph.newInitializer("c", t);
  }

  public Value initializer(String name, Tensor t) {
    return graph.addInitializer(name, t);
  }

  /** Adds a node with one output and returns that; a null among the inputs ({@code Arrays.asList} takes them) is left out. */
  public Value op(String opType, List<Value> inputs, Attribute... attributes) {
    return node(opType, inputs, 1, attributes).get(0);
  }

  public Value op(String opType, Value input, Attribute... attributes) {
    return op(opType, List.of(input), attributes);
  }

  public Value op(String opType, Value a, Value b, Attribute... attributes) {
    return op(opType, List.of(a, b), attributes);
  }

  /** Adds a node with several outputs. */
  public List<Value> node(String opType, List<Value> inputs, int outputs, Attribute... attributes) {
    NodeBuilder b = graph.newNode(opType).name(opType + "_" + graph.nodeCount()).inputs(inputs).attributes(List.of(attributes));
    for (int i = 0; i < outputs; i++) {
      b.output(opType.toLowerCase(java.util.Locale.ROOT));
    }
    return b.append().outputs();
  }

  /** Makes a value an output of this name. */
  public Graphs output(String name, Value v) {
    if (v.producer() != null && v.graph() == graph && !v.isGraphOutput()) {
      if (!v.name().equals(name)) {
        graph.rename(v, name);
      }
      graph.addOutput(v);
    } else {
      graph.addOutput(graph.newNode("Identity").inputs(v).outputNamed(name, v.type()).append().output());
    }
    return this;
  }

  public Model model() {
    if (model == null) {
      throw new IllegalStateException("a subgraph is no model");
    }
    return model;
  }
}
