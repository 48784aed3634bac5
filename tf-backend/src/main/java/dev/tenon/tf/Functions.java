package dev.tenon.tf;

import dev.tenon.tf.export.LibraryFunction;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import org.tensorflow.Graph;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NameAttrList;
import org.tensorflow.proto.TensorShapeProto;

/**
 * Functions in a graph's library, and the loops and branches that call them.
 *
 * <p>A body is built in a graph of its own through the same facade; it sees only its arguments, so whatever it needs from outside
 * must be passed to it. The names are made from the scope, the same in every run.
 */
public final class Functions {
  private Functions() {}

  /**
   * An argument of a function.
   *
   * @param shape what is known of it whenever the function is called; a loop's variable must keep it from turn to turn
   */
  public record Argument(DataType dtype, Shape shape) {

    /** One of the type and the shape that a tensor has. */
    public static Argument like(Output<?> tensor) {
      return new Argument(tensor.dataType(), tensor.shape());
    }

    public static List<Argument> like(List<? extends Output<?>> tensors) {
      List<Argument> arguments = new ArrayList<>();
      tensors.forEach(t -> arguments.add(like(t)));
      return arguments;
    }
  }

  /** One turn of a counted loop. */
  @FunctionalInterface
  public interface Turn {
    /**
     * Emits the turn.
     *
     * @param tf the facade of the body's graph
     * @param i the number of the turn from 0, int32
     * @param carried the loop's variables as the last turn left them
     * @param invariant what was passed from outside
     * @return the loop's variables after this turn, of the same types
     */
    List<Output<?>> emit(Tf tf, Output<?> i, List<Output<?>> carried, List<Output<?>> invariant);
  }

  /**
   * Defines a function in the library of a facade's graph.
   *
   * @param word the last part of its name
   * @param body gives the results for the arguments, with the facade it is given
   * @return the function's name
   */
  public static String define(Tf tf, String word, List<Argument> arguments, BiFunction<Tf, List<Output<?>>, List<Output<?>>> body) {
    String name = tf.uniqueFunctionName(word);
    try (Graph graph = new Graph()) {
      Tf inner = tf.forFunctionBody(graph);
      List<Output<?>> placeholders = new ArrayList<>();
      for (int i = 0; i < arguments.size(); i++) {
        placeholders.add(inner.placeholder("arg" + i, arguments.get(i).dtype(), arguments.get(i).shape()));
      }
      List<Output<?>> results = body.apply(inner, List.copyOf(placeholders));
      GraphDef def = graph.toGraphDef();
      FunctionDef function = LibraryFunction.of(name, def, placeholders.stream().map(p -> p.op().name()).toList(),
          results.stream().map(GraphEmission::nameOf).toList(), results.stream().map(Output::dataType).toList());
      GraphDef.Builder library = GraphDef.newBuilder().setVersions(def.getVersions()).setLibrary(def.getLibrary());
      library.getLibraryBuilder().addFunction(function);
      tf.graph().importGraphDef(library.build());
    }
    return name;
  }

  /** The attribute value that refers to a function. */
  public static AttrValue reference(String function) {
    return AttrValue.newBuilder().setFunc(NameAttrList.newBuilder().setName(function)).build();
  }

  /**
   * A loop of a number of turns that is known before the first, a {@code StatelessWhile}.
   *
   * <p>Its variables begin with the counter and the number of turns, as {@code tf.while_loop} lays them out: TensorFlow's Python
   * finds them there when it differentiates the loop, and fails, even forwards under a gradient tape, where they are not. Tensors
   * that the turns read are passed as variables which no turn changes.
   *
   * @param turns an int32 scalar
   * @param carried the variables before the first turn
   * @return the variables after the last turn
   */
  public static List<Output<?>> loop(Tf tf, String word, Output<?> turns, List<? extends Output<?>> carried,
      List<? extends Output<?>> invariant, Turn turn) {
    List<Output<?>> variables = new ArrayList<>(List.of(tf.constInt(0), turns));
    variables.addAll(carried);
    variables.addAll(invariant);
    List<Argument> arguments = Argument.like(variables);
    String condition = define(tf, word + "_cond", arguments, (t, a) -> List.of(t.call("Less", a.get(0), a.get(1))));
    String body = define(tf, word + "_body", arguments, (t, a) -> {
      List<Output<?>> next = new ArrayList<>(List.of(t.add(a.get(0), t.constInt(1)), a.get(1)));
      int end = 2 + carried.size();
      next.addAll(turn.emit(t, a.get(0), a.subList(2, end), a.subList(end, a.size())));
      next.addAll(a.subList(end, a.size()));
      return next;
    });
    List<Output<?>> after = loop(tf, condition, body, variables, arguments);
    return after.subList(2, 2 + carried.size());
  }

  /** A {@code StatelessWhile} over functions whose arguments are all its variables. */
  public static List<Output<?>> loop(Tf tf, String condition, String body, List<? extends Output<?>> variables,
      List<Argument> arguments) {
    AttrValue.Builder shapes = AttrValue.newBuilder();
    arguments.forEach(a -> shapes.getListBuilder().addShape(shapeProto(a.shape())));
    return tf.op("StatelessWhile").inList(variables).attr("cond", reference(condition)).attr("body", reference(body))
        .attr("output_shapes", shapes.build()).attr("parallel_iterations", 10)
        // Executed within the surrounding graph instead of by a call for each turn.
        .attr("_lower_using_switch_merge", true).outs();
  }

  private static TensorShapeProto shapeProto(Shape s) {
    if (s.isUnknown()) {
      return TensorShapeProto.newBuilder().setUnknownRank(true).build();
    }
    TensorShapeProto.Builder b = TensorShapeProto.newBuilder();
    for (long d : s.asArray()) {
      b.addDim(TensorShapeProto.Dim.newBuilder().setSize(d));
    }
    return b.build();
  }
}
