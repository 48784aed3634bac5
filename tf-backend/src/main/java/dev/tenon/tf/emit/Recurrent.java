package dev.tenon.tf.emit;

import dev.tenon.ir.Tensor;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.FunctionBody;
import dev.tenon.tf.ParameterRole;
import dev.tenon.tf.Tf;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.DataType;

/**
 * RNN, GRU and LSTM. The products with the input are made for all steps at once; then the steps follow each other: in
 * TensorFlow's BlockLSTMV2 where it computes the same, unrolled where they are few, else in a While, through which gradients flow
 * too. Kernels are stored [in, gates × units], as Keras stores them, with ONNX's order of gates but for BlockLSTMV2's.
 */
final class Recurrent {
  /** Sequences up to this length are unrolled. */
  private static final long UNROLLED = 8;

  private final EmitContext c;
  private final Tf tf;
  private final RecurrentCell cell;
  private final boolean batchFirst;
  private final long units;
  private final String direction;
  private Output<?> x;

  private Recurrent(EmitContext c, RecurrentCell cell) {
    this.c = c;
    this.tf = c.tf();
    this.cell = cell;
    this.batchFirst = c.node().intAttr("layout", 0) == 1;
    this.direction = c.node().stringAttr("direction", "forward");
    long hidden = c.node().intAttr("hidden_size", -1);
    this.units = hidden > 0 ? hidden : c.shape(2).dim(2).constant();
  }

  static void register(EmitterRegistry ops) {
    ops.op("RNN", 1, c -> new Recurrent(c, RecurrentCell.rnn(c)).emit());
    ops.op("GRU", 1, c -> new Recurrent(c, RecurrentCell.gru(c)).emit());
    ops.op("LSTM", 1, c -> new Recurrent(c, RecurrentCell.lstm(c)).emit());
  }

  /** What one direction gives: all steps' outputs [steps, batch, units] and the last states [batch, units]. */
  private record Pass(Output<?> y, List<Output<?>> states) {}

  private void emit() {
    x = batchFirst ? tf.transpose(c.in(0), 1, 0, 2) : c.in(0);
    List<Pass> passes = new ArrayList<>();
    int count = direction.equals("bidirectional") ? 2 : 1;
    for (int d = 0; d < count; d++) {
      cell.setDirection(d);
      boolean backward = direction.equals("reverse") || d == 1;
      Output<?> steps = backward ? reversed(x) : x;
      Pass p = pass(steps, d);
      passes.add(backward ? new Pass(reversed(p.y), p.states) : p);
    }
    if (c.wants(0)) {
      Output<?> y = stack(passes.stream().<Output<?>>map(Pass::y).toList(), 1);
      c.bind(0, batchFirst ? tf.transpose(y, 2, 0, 1, 3) : y);
    }
    for (int s = 0; s < cell.states(); s++) {
      int state = s;
      if (c.wants(s + 1)) {
        c.bind(s + 1, stack(passes.stream().<Output<?>>map(p -> p.states.get(state)).toList(), batchFirst ? 1 : 0));
      }
    }
  }

  private Output<?> stack(List<Output<?>> parts, int axis) {
    return parts.size() == 1 ? tf.expandDims(parts.get(0), axis) : tf.pack(parts, axis);
  }

  private Output<?> lengths() {
    return c.has(4) ? tf.cast(c.in(4), DataType.DT_INT32) : null;
  }

  /** Backwards in time; of shorter sequences only their own steps. */
  private Output<?> reversed(Output<?> steps) {
    return c.has(4) ? tf.op("ReverseSequence").in(steps, lengths()).attr("seq_dim", 0).attr("batch_dim", 1).out()
        : tf.call("ReverseV2", steps, tf.constInts(0));
  }

  // ---- parameters of one direction ----

  private Output<?> ofDirection(int input, int d, ParameterRole role, boolean transpose) {
    if (c.isConstant(input)) {
      return c.parameter(input, role, t -> direction(t, d, transpose));
    }
    Output<?> part = tf.gather(c.in(input), tf.constInt(d), 0);
    return transpose ? tf.transpose(part, 1, 0) : part;
  }

  private static Tensor direction(Tensor t, int d, boolean transpose) {
    Tensor part = t.slice(0, d, d + 1).reshape(Arrays.copyOfRange(t.dims(), 1, t.rank()));
    return transpose ? part.permute(1, 0) : part;
  }

  /** The biases of input and state, which are added wherever the two products are. */
  private Output<?> bias(int d) {
    if (!c.has(3)) {
      return null;
    }
    long n = cell.gates() * units;
    if (c.isConstant(3)) {
      return c.parameter(3, ParameterRole.BIAS, t -> summed(direction(t, d, false), n));
    }
    Output<?> both = ofDirection(3, d, ParameterRole.BIAS, false);
    List<Output<?>> halves = Convolutions.split(tf, both, 0, 2);
    return tf.add(halves.get(0), halves.get(1));
  }

  private static Tensor summed(Tensor both, long n) {
    return both.slice(0, 0, n).plus(both.slice(0, n, 2 * n));
  }

  private Output<?> initial(int input, int d, Output<?> steps) {
    if (c.has(input)) {
      return tf.gather(c.in(input), tf.constInt(d), batchFirst ? 1 : 0);
    }
    long batch = c.shape(0).hasRank() ? c.shape(0).dim(batchFirst ? 0 : 1).orMinusOne() : -1;
    Output<?> size = batch >= 0 ? tf.constInts((int) batch, (int) units)
        : tf.concat(List.of(tf.call("Slice", tf.shape(steps), tf.constInts(1), tf.constInts(1)), tf.constInts((int) units)), 0);
    return tf.call("Fill", size, tf.scalarLike(steps, 0));
  }

  // ---- one direction ----

  private Pass pass(Output<?> steps, int d) {
    List<Output<?>> states = new ArrayList<>(List.of(initial(5, d, steps)));
    if (cell.states() == 2) {
      states.add(initial(6, d, steps));
    }
    boolean kernel = steps.dataType() == DataType.DT_FLOAT || steps.dataType() == DataType.DT_HALF;
    if (cell.isPlainLstm() && kernel && !c.has(4) && !c.has(7) && c.isConstant(1) && c.isConstant(2) && (!c.has(3) || c.isConstant(3))) {
      return blockLstm(steps, states, d);
    }
    Output<?> w = ofDirection(1, d, ParameterRole.KERNEL, true);
    Output<?> r = ofDirection(2, d, ParameterRole.RECURRENT_KERNEL, true);
    Output<?> inputBias = null;
    Output<?> stateBias = null;
    if (c.has(3) && cell.separatesBiases()) {
      long n = cell.gates() * units;
      inputBias = c.isConstant(3) ? c.parameter(3, ParameterRole.BIAS, t -> direction(t, d, false).slice(0, 0, n))
          : Convolutions.split(tf, ofDirection(3, d, ParameterRole.BIAS, false), 0, 2).get(0);
      stateBias = c.isConstant(3) ? c.parameter(3, ParameterRole.RECURRENT_BIAS, t -> direction(t, d, false).slice(0, n, 2 * n))
          : Convolutions.split(tf, ofDirection(3, d, ParameterRole.BIAS, false), 0, 2).get(1);
    } else if (c.has(3)) {
      inputBias = bias(d);
    }
    Output<?> peepholes = c.has(7) ? ofDirection(7, d, ParameterRole.OTHER, false) : null;
    Output<?> products = inputProducts(steps, w, inputBias);
    RecurrentCell.Parameters p = new RecurrentCell.Parameters(r, stateBias, peepholes, lengths());
    long length = c.shape(0).hasRank() ? c.shape(0).dim(batchFirst ? 1 : 0).orMinusOne() : -1;
    return length > 0 && length <= UNROLLED ? unrolled(products, states, p, (int) length) : looped(products, states, p);
  }

  /** [steps, batch, in] times [in, gates × units], plus bias. */
  private Output<?> inputProducts(Output<?> steps, Output<?> w, Output<?> bias) {
    long in = c.shape(0).hasRank() && c.shape(0).dim(2).isConstant() ? c.shape(0).dim(2).constant() : c.shape(1).dim(2).orMinusOne();
    Output<?> y = tf.call("MatMul", tf.reshape(steps, -1, in), w);
    y = bias == null ? y : tf.call("BiasAdd", y, bias);
    long n = cell.gates() * units;
    long length = c.shape(0).hasRank() ? c.shape(0).dim(batchFirst ? 1 : 0).orMinusOne() : -1;
    long batch = c.shape(0).hasRank() ? c.shape(0).dim(batchFirst ? 0 : 1).orMinusOne() : -1;
    if (length > 0 || batch > 0) {
      return tf.reshape(y, length > 0 ? length : -1, batch > 0 ? batch : -1, n);
    }
    Output<?> lead = tf.call("Slice", tf.shape(steps), tf.constInts(0), tf.constInts(2));
    return tf.reshape(y, tf.concat(List.of(lead, tf.constInts((int) n)), 0));
  }

  private Pass unrolled(Output<?> products, List<Output<?>> initial, RecurrentCell.Parameters p, int length) {
    List<Output<?>> now = tf.op("Unpack").in(products).attr("num", length).attr("axis", 0).outs();
    List<Output<?>> states = initial;
    List<Output<?>> ys = new ArrayList<>();
    for (int t = 0; t < length; t++) {
      RecurrentCell.Step step = cell.masked(tf, p, now.get(t), states, tf.constInt(t));
      states = step.states();
      ys.add(step.y());
    }
    return new Pass(tf.pack(ys, 0), states);
  }

  /** A While whose first two variables are a counter and its end, as TensorFlow's gradient of While expects. */
  private Pass looped(Output<?> products, List<Output<?>> initial, RecurrentCell.Parameters p) {
    DataType type = products.dataType();
    Output<?> length = tf.reshape(tf.call("Slice", tf.shape(products), tf.constInts(0), tf.constInts(1)));
    Output<?> list = tf.op("TensorListReserve").in(tf.constInts(-1, (int) units), length).attr("element_dtype", type).out();
    List<Output<?>> start = new ArrayList<>(List.of(tf.constInt(0), length, list));
    start.addAll(initial);
    try (FunctionBody body = c.newFunction(); FunctionBody condition = c.newFunction()) {
      Tf in = body.tf();
      List<Output<?>> arguments = new ArrayList<>();
      for (Output<?> v : start) {
        boolean state = arguments.size() >= 3;
        arguments.add(state ? body.argument(type, Shape.of(-1, units)) : arguments.size() < 2 ? body.argument(DataType.DT_INT32, Shape.of())
            : body.argumentLike(v));
      }
      Output<?> t = arguments.get(0);
      Output<?> now = in.gather(body.capture(products), t, 0);
      RecurrentCell.Step step = cell.masked(in, p.inside(body::capture), now, arguments.subList(3, arguments.size()), t);
      List<Output<?>> results = new ArrayList<>(List.of(in.add(t, in.constInt(1)), arguments.get(1),
          in.call("TensorListSetItem", arguments.get(2), t, step.y())));
      results.addAll(step.states());
      for (Output<?> o : body.captured()) {
        start.add(o);
        arguments.add(body.capture(o));
        results.add(body.capture(o));
      }
      List<Output<?>> conditionArguments = new ArrayList<>();
      start.forEach(v -> conditionArguments.add(condition.argumentLike(v)));
      Output<?> more = condition.tf().call("Less", conditionArguments.get(0), conditionArguments.get(1));
      Shape[] shapes = new Shape[start.size()];
      Arrays.fill(shapes, Shape.unknown());
      for (int i = 0; i < 2; i++) {
        shapes[i] = Shape.of();
      }
      for (int i = 3; i < 3 + initial.size(); i++) {
        shapes[i] = Shape.of(-1, units);
      }
      String name = c.node().label();
      List<Output<?>> last = tf.op("StatelessWhile").inList(start).attr("cond", condition.define(name + "_cond", conditionArguments, List.of(more)))
          .attr("body", body.define(name + "_body", arguments, results)).attr("output_shapes", shapes).outs();
      Output<?> y = tf.op("TensorListStack").in(last.get(2), tf.constInts(-1, (int) units)).attr("element_dtype", type)
          .attr("num_elements", -1L).out();
      return new Pass(y, last.subList(3, 3 + initial.size()));
    }
  }

  // ---- BlockLSTMV2 ----

  /** ONNX's order of gates (input, output, forget, cell) to BlockLSTMV2's (input, forget, cell, output), along axis 0. */
  private Tensor reordered(Tensor t) {
    List<Tensor> gates = new ArrayList<>();
    for (int gate : new int[] {0, 2, 3, 1}) {
      gates.add(t.slice(0, gate * units, (gate + 1) * units));
    }
    return Tensor.concat(0, gates);
  }

  private Pass blockLstm(Output<?> steps, List<Output<?>> states, int d) {
    DataType type = steps.dataType();
    Output<?> w = c.parameter(1, ParameterRole.KERNEL, t -> reordered(direction(t, d, false)).permute(1, 0));
    Output<?> r = c.parameter(2, ParameterRole.RECURRENT_KERNEL, t -> reordered(direction(t, d, false)).permute(1, 0));
    Output<?> b = c.has(3) ? c.parameter(3, ParameterRole.BIAS, t -> reordered(summed(direction(t, d, false), 4 * units)))
        : tf.call("Fill", tf.constInts((int) (4 * units)), tf.scalar(type, 0));
    Output<?> none = tf.call("Fill", tf.constInts((int) units), tf.scalar(type, 0));
    long known = c.shape(0).hasRank() ? c.shape(0).dim(batchFirst ? 1 : 0).orMinusOne() : -1;
    Output<?> length = known >= 0 ? tf.constLong(known)
        : tf.reshape(tf.call("Slice", tf.shape64(steps), tf.constInts(0), tf.constInts(1)));
    List<Output<?>> out = tf.op("BlockLSTMV2").in(length, steps, states.get(1), states.get(0), tf.concat(List.of(w, r), 0), none, none, none, b)
        .attr("cell_clip", 0f).attr("use_peephole", false).outs();
    return new Pass(out.get(6), List.of(last(out.get(6)), last(out.get(1))));
  }

  private Output<?> last(Output<?> steps) {
    return tf.op("StridedSlice").in(steps, tf.constInts(-1), tf.constInts(0), tf.constInts(1)).attr("end_mask", 1).attr("shrink_axis_mask", 1)
        .out();
  }
}
