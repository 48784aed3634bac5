package dev.tenon.tf.emit;

import dev.tenon.tf.EmitContext;
import dev.tenon.tf.FunctionBody;
import dev.tenon.tf.Tf;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.AttrValue;

/**
 * A loop of a number of turns that is known before the first, as a {@code StatelessWhile} that can be trained through.
 *
 * <p>Its variables begin with the counter and the number of turns, as {@code tf.while_loop} lays them out: TensorFlow's Python
 * finds them there when it differentiates the loop, and fails, even forwards under a gradient tape, where they are not. What the
 * body captures follows the carried tensors, and no turn changes it.
 */
final class CountedLoop {
  private CountedLoop() {}

  /** One turn. */
  @FunctionalInterface
  interface Turn {
    /**
     * Emits the turn into the body, by {@link FunctionBody#tf}.
     *
     * @param i the number of the turn from 0, int32
     * @param carried the carried tensors as the last turn left them
     * @return the carried tensors after this turn, of the same types and shapes
     */
    List<Output<?>> emit(FunctionBody body, Output<?> i, List<Output<?>> carried);
  }

  /**
   * Runs the loop.
   *
   * @param name what its functions' names start with
   * @param turns an int32 scalar
   * @param carried the carried tensors before the first turn
   * @return the carried tensors after the last turn
   */
  static List<Output<?>> run(EmitContext c, String name, Output<?> turns, List<? extends Output<?>> carried, Turn turn) {
    Tf tf = c.tf();
    List<Output<?>> variables = new ArrayList<>(List.of(tf.constInt(0), turns));
    variables.addAll(carried);
    try (FunctionBody body = c.newFunction(); FunctionBody condition = c.newFunction()) {
      List<Output<?>> arguments = arguments(body, variables);
      Tf inner = body.tf();
      List<Output<?>> next = new ArrayList<>(List.of(inner.add(arguments.get(0), inner.constInt(1)), arguments.get(1)));
      next.addAll(turn.emit(body, arguments.get(0), List.copyOf(arguments.subList(2, arguments.size()))));
      for (Output<?> captured : body.captured()) {
        variables.add(captured);
        arguments.add(body.capture(captured));
        next.add(body.capture(captured));
      }
      List<Output<?>> tested = arguments(condition, variables);
      AttrValue less = condition.define(name + "_cond", tested, List.of(condition.tf().call("Less", tested.get(0), tested.get(1))));
      return tf.op("StatelessWhile").inList(variables).attr("cond", less).attr("body", body.define(name + "_body", arguments, next))
          .attr("output_shapes", variables.stream().map(Output::shape).toArray(Shape[]::new)).attr("parallel_iterations", 10)
          // Runs within the graph instead of by a call for each turn: four times as fast for a small LSTM.
          .attr("_lower_using_switch_merge", true).outs().subList(2, 2 + carried.size());
    }
  }

  private static List<Output<?>> arguments(FunctionBody body, List<Output<?>> like) {
    List<Output<?>> arguments = new ArrayList<>();
    like.forEach(v -> arguments.add(body.argument(v.dataType(), v.shape())));
    return arguments;
  }
}
