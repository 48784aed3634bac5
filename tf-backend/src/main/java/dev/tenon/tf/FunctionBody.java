package dev.tenon.tf;

import dev.tenon.ir.Graph;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NameAttrList;

/**
 * A function under construction: the branch of an {@code If}, the body or condition of a {@code While}. Its {@link #tf()} makes
 * operations in it; tensors of the graph around it come in by {@link #capture}, and so do those that a subgraph's nodes read.
 *
 * <p>The arguments of the finished function are whatever {@link #define} is given, so that two functions can be given the same.
 */
public final class FunctionBody implements AutoCloseable {
  private static final List<String> STATEFUL = List.of("Random", "Multinomial", "If", "While");

  private final org.tensorflow.Graph graph = new org.tensorflow.Graph();
  private final GraphEmission emission;

  FunctionBody(GraphEmission outer) {
    this.emission = new GraphEmission(outer, new Tf(graph));
  }

  public Tf tf() {
    return emission.tf();
  }

  /** A new argument. */
  public Output<?> argument(DataType dtype, Shape shape) {
    return tf().placeholder("argument", dtype, shape);
  }

  /** A new argument that will be given what {@code like}, a tensor of the graph around, is an example of. */
  public Output<?> argumentLike(Output<?> like) {
    return argument(like.dataType(), Shape.unknown());
  }

  /**
   * Emits an ONNX subgraph here.
   *
   * @param arguments what its inputs are, in order
   * @return its outputs
   */
  public List<Output<?>> emit(Graph subgraph, List<? extends Output<?>> arguments) {
    return emission.subgraph(subgraph, arguments);
  }

  /** The tensor in here that will be given the tensor {@code outer} of the graph around. */
  public Output<?> capture(Output<?> outer) {
    return emission.capture(outer);
  }

  /** The tensors of the graph around that are needed in here, in order of first need. */
  public Collection<Output<?>> captured() {
    return List.copyOf(emission.captures().keySet());
  }

  /**
   * Finishes the function and adds it to the converted graph's library.
   *
   * @param wish what its name should start with
   * @param arguments placeholders made by {@link #argument} and {@link #capture}, in the order of the function's arguments; all of them
   * @return the value of the attributes that name a function
   */
  public AttrValue define(String wish, List<? extends Output<?>> arguments, List<? extends Output<?>> results) {
    List<Output<?>> distinct = new ArrayList<>();
    for (Output<?> r : results) {
      // An argument handed through, or one tensor twice, needs a node of its own.
      distinct.add(arguments.contains(r) || distinct.contains(r) ? tf().identity(r) : r);
    }
    GraphDef def = graph.toGraphDef();
    String name = emission.define(def, wish, List.copyOf(arguments), distinct);
    return AttrValue.newBuilder().setFunc(NameAttrList.newBuilder().setName(name)).build();
  }

  /** True if running it twice may give different results: random numbers in it. */
  public boolean isStateful() {
    return graph.toGraphDef().getNodeList().stream()
        .anyMatch(n -> STATEFUL.stream().anyMatch(s -> n.getOp().equals(s) || s.equals("Random") && n.getOp().startsWith(s)));
  }

  @Override
  public void close() {
    graph.close();
  }
}
