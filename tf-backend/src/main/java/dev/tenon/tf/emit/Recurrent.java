package dev.tenon.tf.emit;

import dev.tenon.ir.Tensor;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.Tf;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/**
 * RNN, GRU and LSTM as loops over the sequence.
 *
 * <p>The input is projected for the whole sequence at once, in one matrix product before the loop. A layer backwards reads and
 * writes the steps from the last to the first, so nothing is reversed; where sequences end earlier than others, their state stays
 * as it is beyond their ends, which serves both directions. (TensorFlow's BlockLSTMV2, measured, is no faster than the loop and
 * two to four times slower in training.)
 */
final class Recurrent {
  private final EmitContext c;
  private final Tf tf;
  private final boolean batchFirst;
  private final int hidden;
  private final int directions;
  private final String direction;
  private final int states;
  /** [time, batch, input]. */
  private final Output<?> x;
  private final Sizes sizes;
  private final Sizes.Size time;
  private final Sizes.Size batch;
  private final DataType dtype;

  /** Makes the cell of a direction. */
  private interface Cells {
    RecurrentCell of(EmitContext c, int direction, int hidden, List<RecurrentActivation> activations);
  }

  static void register(EmitterRegistry ops) {
    ops.op("RNN", 1, c -> new Recurrent(c, 1).emit(RecurrentCells::rnn, "Tanh"));
    ops.op("GRU", 1, c -> new Recurrent(c, 1).emit(RecurrentCells::gru, "Sigmoid", "Tanh"));
    ops.op("LSTM", 1, c -> new Recurrent(c, 2).emit(RecurrentCells::lstm, "Sigmoid", "Tanh", "Tanh"));
  }

  private Recurrent(EmitContext c, int states) {
    this.c = c;
    this.tf = c.tf();
    this.states = states;
    batchFirst = c.node().intAttr("layout", 0) != 0;
    hidden = (int) c.node().intAttr("hidden_size",
        c.shape(2).hasRank() && c.shape(2).dim(2).isConstant() ? c.shape(2).dim(2).constant() : 0);
    direction = c.node().stringAttr("direction", "forward");
    directions = direction.equals("bidirectional") ? 2 : 1;
    if (hidden <= 0 || !List.of("forward", "reverse", "bidirectional").contains(direction)) {
      throw new IllegalArgumentException("found hidden_size " + hidden + " and direction " + direction
          + ", expected a positive size and one of forward, reverse, bidirectional");
    }
    dtype = c.in(0).dataType();
    x = batchFirst ? tf.transpose(c.in(0), 1, 0, 2) : c.in(0);
    sizes = new Sizes(tf);
    time = sizes.of(c.in(0), c.shape(0), batchFirst ? 1 : 0);
    batch = sizes.of(c.in(0), c.shape(0), batchFirst ? 0 : 1);
  }

  private void emit(Cells cells, String... defaultActivations) {
    List<RecurrentActivation> activations = RecurrentActivation.of(c.node(), directions, defaultActivations);
    List<Output<?>> ys = new ArrayList<>();
    List<List<Output<?>>> last = new ArrayList<>();
    for (int d = 0; d < directions; d++) {
      int n = defaultActivations.length;
      RecurrentCell cell = cells.of(c, d, hidden, activations.subList(d * n, d * n + n));
      List<Output<?>> result = run(cell, d, d == 1 || direction.equals("reverse"));
      last.add(result.subList(0, states));
      ys.addAll(result.subList(states, result.size()));
    }
    if (c.wants(0)) {
      c.bind(0, sequence(ys));
    }
    for (int s = 0; s < states; s++) {
      if (c.wants(1 + s)) {
        List<Output<?>> state = new ArrayList<>();
        for (List<Output<?>> l : last) {
          state.add(l.get(s));
        }
        c.bind(1 + s, stack(state, batchFirst ? 1 : 0));
      }
    }
  }

  /** Y, [time, directions, batch, hidden] or [batch, time, directions, hidden], of a [time, batch, hidden] a direction. */
  private Output<?> sequence(List<Output<?>> ys) {
    if (!batchFirst) {
      return stack(ys, 1);
    }
    return directions == 1 ? tf.expandDims(tf.transpose(ys.get(0), 1, 0, 2), 2) : tf.transpose(tf.pack(ys, 2), 1, 0, 2, 3);
  }

  private Output<?> stack(List<Output<?>> parts, int axis) {
    return directions == 1 ? tf.expandDims(parts.get(0), axis) : tf.pack(parts, axis);
  }

  /** The states after the last step, and the outputs of all steps, [time, batch, hidden], if they are wanted. */
  private List<Output<?>> run(RecurrentCell cell, int d, boolean reverse) {
    int width = (int) cell.kernel().shape().get(1);
    Output<?> steps = projected(cell, width);
    Output<?> lens = sequenceLengths();
    List<Output<?>> carried = new ArrayList<>();
    for (int s = 0; s < states; s++) {
      carried.add(initialState(5 + s, d));
    }
    if (c.wants(0)) {
      carried.add(TensorLists.reserve(tf, tf.constInts((int) batch.known(), hidden), time.scalar(), dtype));
    }
    Output<?> list = TensorLists.of(tf, steps, tf.constInts((int) batch.known(), width));
    Output<?> end = reverse ? tf.sub(time.scalar(), tf.constInt(1)) : null;
    String name = c.node().label().replace(" -> ", "_") + (directions == 1 ? "_while" : reverse ? "_backward_while" : "_forward_while");
    List<Output<?>> after = new ArrayList<>(CountedLoop.run(c, name, time.scalar(), carried, (body, i, now) -> {
      Tf t = body.tf();
      Output<?> at = reverse ? t.sub(body.capture(end), i) : i;
      Output<?> step = TensorLists.get(t, body.capture(list), at, t.constInts((int) batch.known(), width), dtype);
      List<Output<?>> own = new ArrayList<>();
      cell.invariants().forEach(v -> own.add(body.capture(v)));
      List<Output<?>> next = new ArrayList<>(cell.step(t, step, now.subList(0, states), own));
      Output<?> y = next.get(0);
      if (lens != null) {
        Output<?> live = t.expandDims(t.call("Less", at, body.capture(lens)), 1);
        for (int s = 0; s < states; s++) {
          next.set(s, t.select(live, next.get(s), now.get(s)));
        }
        y = t.select(live, y, t.scalarLike(y, 0));
      }
      if (c.wants(0)) {
        next.add(TensorLists.set(t, now.get(states), at, y));
      }
      return next;
    }));
    if (c.wants(0)) {
      after.set(states, TensorLists.stack(tf, after.get(states), stateShape(), dtype));
    }
    return after;
  }

  /** The input's part of all gates at all steps, [time, batch, gates * hidden]. */
  private Output<?> projected(RecurrentCell cell, int width) {
    Output<?> y = tf.call("MatMul", tf.reshape(x, -1, cell.kernel().shape().get(0)), cell.kernel());
    y = cell.bias() == null ? y : tf.call("BiasAdd", y, cell.bias());
    return sizes.reshape(y, time, batch, sizes.of(width));
  }

  /** The lengths of the batch's sequences, [batch]; null if all are as long as the input. */
  private Output<?> sequenceLengths() {
    if (!c.has(4)) {
      return null;
    }
    boolean full = c.isConstant(4) && Arrays.stream(c.constantLongs(4)).allMatch(n -> n == time.known());
    return full ? null : tf.cast(c.in(4), DataType.DT_INT32);
  }

  private Output<?> initialState(int input, int d) {
    Tensor constant = c.constant(input);
    boolean zero = constant != null && Arrays.stream(constant.toDoubles()).allMatch(v -> v == 0);
    if (c.has(input) && !zero) {
      return new RecurrentWeights(c, d, hidden).state(input, batchFirst, directions == 1);
    }
    return tf.call("Fill", stateShape(), tf.scalar(dtype, 0));
  }

  /** [batch, hidden], an int32 vector. */
  private Output<?> stateShape() {
    return sizes.vector(batch, sizes.of(hidden));
  }
}
