package dev.tenon.tf.emit;

import dev.tenon.ir.Tensor;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.ParameterRole;
import dev.tenon.tf.Tf;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.tensorflow.Output;

/**
 * The parameters of one direction of a recurrent operator, arranged as Keras has them: kernels [in, gates * hidden], gates in
 * Keras' order. At conversion where they are constant, else at run time.
 *
 * @param direction 0 or 1
 * @param order gate k of the result is gate {@code order[k]} of ONNX
 */
record RecurrentWeights(EmitContext c, int direction, int hidden, int... order) {

  /** W (input 1) or R (input 2), [directions, gates * hidden, in], as [in, gates * hidden]. */
  Output<?> kernel(int input, ParameterRole role) {
    if (c.isConstant(input)) {
      return c.parameter(input, role, t -> gates(direction(t), 0, 0).permute(1, 0));
    }
    Tf tf = c.tf();
    return tf.transpose(gates(direction(c.in(input)), 0), 1, 0);
  }

  /** The sum of both halves of B (input 3), [directions, 2 * gates * hidden], as [gates * hidden]; null if it is left out. */
  Output<?> sumOfBiases() {
    if (!c.has(3)) {
      return null;
    }
    if (c.isConstant(3)) {
      return c.parameter(3, ParameterRole.BIAS, t -> gates(direction(t), 0, 0).plus(gates(direction(t), order.length, 0)));
    }
    Output<?> b = direction(c.in(3));
    return c.tf().add(gates(b, 0), gates(b, order.length));
  }

  /** One half of B, [gates * hidden]; null if it is left out. */
  Output<?> bias(boolean recurrent) {
    if (!c.has(3)) {
      return null;
    }
    int from = recurrent ? order.length : 0;
    return c.isConstant(3)
        ? c.parameter(3, recurrent ? ParameterRole.RECURRENT_BIAS : ParameterRole.BIAS, t -> gates(direction(t), from, 0))
        : gates(direction(c.in(3)), from);
  }

  /** Part {@code gate} of P (input 7), [directions, 3 * hidden], as [hidden]. */
  Output<?> peephole(int gate) {
    if (c.isConstant(7)) {
      return c.parameter(7, ParameterRole.OTHER, t -> direction(t).slice(0, (long) gate * hidden, (gate + 1L) * hidden));
    }
    return part(direction(c.in(7)), gate, 1);
  }

  /** Row {@code direction} of an initial state, [directions, batch, hidden], or in layout 1 [batch, directions, hidden]. */
  Output<?> state(int input, boolean batchFirst, boolean onlyDirection) {
    Tf tf = c.tf();
    int axis = batchFirst ? 1 : 0;
    return onlyDirection ? tf.squeeze(c.in(input), axis) : tf.gather(c.in(input), tf.constInt(direction), axis);
  }

  private Tensor direction(Tensor t) {
    long[] dims = t.dims();
    return t.slice(0, direction, direction + 1L).reshape(Arrays.copyOfRange(dims, 1, dims.length));
  }

  private Output<?> direction(Output<?> t) {
    return c.shape(1).hasRank() && c.shape(1).dim(0).is(1) ? c.tf().squeeze(t, 0)
        : c.tf().gather(t, c.tf().constInt(direction), 0);
  }

  /** The gates in Keras' order, neighbours in one piece. */
  private Tensor gates(Tensor t, int from, int axis) {
    List<Tensor> parts = new ArrayList<>();
    for (int[] run : runs()) {
      parts.add(t.slice(axis, (long) (from + run[0]) * hidden, (long) (from + run[0] + run[1]) * hidden));
    }
    return Tensor.concat(axis, parts);
  }

  private Output<?> gates(Output<?> t, int from) {
    List<Output<?>> parts = new ArrayList<>();
    for (int[] run : runs()) {
      parts.add(part(t, from + run[0], run[1]));
    }
    return c.tf().concat(parts, 0);
  }

  /** Gates {@code from} to {@code from + count} of the first axis. */
  private Output<?> part(Output<?> t, int from, int count) {
    Tf tf = c.tf();
    return tf.op("StridedSlice").in(t, tf.constInts(from * hidden), tf.constInts((from + count) * hidden), tf.constInts(1)).out();
  }

  /** The order as runs of neighbours, {first, count}. */
  private List<int[]> runs() {
    List<int[]> runs = new ArrayList<>();
    for (int gate : order) {
      int[] last = runs.isEmpty() ? null : runs.get(runs.size() - 1);
      if (last != null && last[0] + last[1] == gate) {
        last[1]++;
      } else {
        runs.add(new int[] {gate, 1});
      }
    }
    return runs;
  }
}
