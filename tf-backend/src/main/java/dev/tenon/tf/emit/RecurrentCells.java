package dev.tenon.tf.emit;

import dev.tenon.tf.EmitContext;
import dev.tenon.tf.ParameterRole;
import dev.tenon.tf.Tf;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Output;

/** The cells of RNN, GRU and LSTM. */
final class RecurrentCells {
  private RecurrentCells() {}

  /** The clip attribute: bounds of what goes into the gates' activations; 0 for none. */
  private static Output<?> clipped(Tf tf, Output<?> x, float clip) {
    return clip <= 0 ? x : tf.call("ClipByValue", x, tf.scalarLike(x, -clip), tf.scalarLike(x, clip));
  }

  private static List<Output<?>> split(Tf tf, Output<?> x, int parts) {
    return Convolutions.split(tf, x, 1, parts);
  }

  /** Columns 0 to {@code first} and the rest. */
  private static List<Output<?>> splitAt(Tf tf, Output<?> x, int first, int rest) {
    return tf.op("SplitV").in(x, tf.constInts(first, rest), tf.constInt(1)).attr("num_split", 2).outs();
  }

  private static List<Output<?>> listOf(Output<?>... present) {
    List<Output<?>> list = new ArrayList<>();
    for (Output<?> p : present) {
      if (p != null) {
        list.add(p);
      }
    }
    return list;
  }

  /** Ht = f(Xt*W + Ht-1*R + Wb + Rb). */
  static RecurrentCell rnn(EmitContext c, int direction, int hidden, List<RecurrentActivation> f) {
    RecurrentWeights w = new RecurrentWeights(c, direction, hidden, 0);
    float clip = c.node().floatAttr("clip", 0);
    return new Cell(w.kernel(1, ParameterRole.KERNEL), w.sumOfBiases(), listOf(w.kernel(2, ParameterRole.RECURRENT_KERNEL)),
        (tf, x, state, in) -> List.of(f.get(0).apply(tf, clipped(tf, tf.add(x, tf.call("MatMul", state.get(0), in.get(0))), clip))));
  }

  /** Gates update z, reset r, hidden h: the standard's order and Keras'. */
  static RecurrentCell gru(EmitContext c, int direction, int hidden, List<RecurrentActivation> f) {
    RecurrentWeights w = new RecurrentWeights(c, direction, hidden, 0, 1, 2);
    float clip = c.node().floatAttr("clip", 0);
    Output<?> kernel = w.kernel(1, ParameterRole.KERNEL);
    if (c.node().intAttr("linear_before_reset", 0) != 0) {
      Output<?> bias = w.bias(false);
      return new Cell(kernel, bias, listOf(w.kernel(2, ParameterRole.RECURRENT_KERNEL), w.bias(true)),
          (tf, x, state, in) -> gruResetAfter(tf, x, state.get(0), in, hidden, f, clip));
    }
    Output<?> bias = w.sumOfBiases();
    List<Output<?>> recurrent = splitAt(c.tf(), w.kernel(2, ParameterRole.RECURRENT_KERNEL), 2 * hidden, hidden);
    return new Cell(kernel, bias, recurrent, (tf, x, state, in) -> {
      Output<?> h = state.get(0);
      List<Output<?>> xs = splitAt(tf, x, 2 * hidden, hidden);
      Output<?> gates = f.get(0).apply(tf, clipped(tf, tf.add(xs.get(0), tf.call("MatMul", h, in.get(0))), clip));
      List<Output<?>> zr = split(tf, gates, 2);
      Output<?> reset = tf.call("MatMul", tf.mul(zr.get(1), h), in.get(1));
      return List.of(blend(tf, zr.get(0), h, f.get(1).apply(tf, clipped(tf, tf.add(xs.get(1), reset), clip))));
    });
  }

  private static List<Output<?>> gruResetAfter(Tf tf, Output<?> x, Output<?> h, List<Output<?>> in, int hidden,
      List<RecurrentActivation> f, float clip) {
    Output<?> projected = tf.call("MatMul", h, in.get(0));
    projected = in.size() > 1 ? tf.call("BiasAdd", projected, in.get(1)) : projected;
    List<Output<?>> xs = splitAt(tf, x, 2 * hidden, hidden);
    List<Output<?>> hs = splitAt(tf, projected, 2 * hidden, hidden);
    List<Output<?>> zr = split(tf, f.get(0).apply(tf, clipped(tf, tf.add(xs.get(0), hs.get(0)), clip)), 2);
    Output<?> candidate = tf.add(xs.get(1), tf.mul(zr.get(1), hs.get(1)));
    return List.of(blend(tf, zr.get(0), h, f.get(1).apply(tf, clipped(tf, candidate, clip))));
  }

  /** (1 - z) * candidate + z * h. */
  private static Output<?> blend(Tf tf, Output<?> z, Output<?> h, Output<?> candidate) {
    return tf.add(candidate, tf.mul(z, tf.sub(h, candidate)));
  }

  /** Gates input i, output o, forget f, cell c in the standard; i, f, c, o in Keras. Peepholes i, o, f. */
  static RecurrentCell lstm(EmitContext c, int direction, int hidden, List<RecurrentActivation> f) {
    RecurrentWeights w = new RecurrentWeights(c, direction, hidden, 0, 2, 3, 1);
    float clip = c.node().floatAttr("clip", 0);
    boolean coupled = c.node().intAttr("input_forget", 0) != 0;
    boolean peepholes = c.has(7);
    Output<?> kernel = w.kernel(1, ParameterRole.KERNEL);
    List<Output<?>> invariants = listOf(w.kernel(2, ParameterRole.RECURRENT_KERNEL), peepholes ? w.peephole(0) : null,
        peepholes ? w.peephole(1) : null, peepholes ? w.peephole(2) : null);
    return new Cell(kernel, w.sumOfBiases(), invariants, (tf, x, state, in) -> {
      Output<?> cell = state.get(1);
      List<Output<?>> gates = split(tf, tf.add(x, tf.call("MatMul", state.get(0), in.get(0))), 4);
      Gate gate = (k, peephole, seen) -> {
        Output<?> g = peepholes && seen != null ? tf.add(gates.get(k), tf.mul(in.get(1 + peephole), seen)) : gates.get(k);
        return clipped(tf, g, clip);
      };
      Output<?> i = f.get(0).apply(tf, gate.of(0, 0, cell));
      Output<?> forget = coupled ? tf.sub(tf.scalarLike(i, 1), i) : f.get(0).apply(tf, gate.of(1, 2, cell));
      Output<?> candidate = f.get(1).apply(tf, gate.of(2, -1, null));
      Output<?> next = tf.add(tf.mul(forget, cell), tf.mul(i, candidate));
      Output<?> o = f.get(0).apply(tf, gate.of(3, 1, next));
      return List.of(tf.mul(o, f.get(2).apply(tf, next)), next);
    });
  }

  /** What goes into the activation of gate k, with the peephole at the cell's state that it sees. */
  private interface Gate {
    Output<?> of(int k, int peephole, Output<?> seen);
  }

  private interface Step {
    List<Output<?>> emit(Tf tf, Output<?> x, List<Output<?>> state, List<Output<?>> invariants);
  }

  private record Cell(Output<?> kernel, Output<?> bias, List<Output<?>> invariants, Step step) implements RecurrentCell {
    @Override
    public List<Output<?>> step(Tf tf, Output<?> x, List<Output<?>> state, List<Output<?>> in) {
      return step.emit(tf, x, state, in);
    }
  }
}
