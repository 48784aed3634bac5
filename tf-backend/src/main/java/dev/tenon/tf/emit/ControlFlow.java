package dev.tenon.tf.emit;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.tf.ElementTypes;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.FunctionBody;
import dev.tenon.tf.Tf;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.DataType;

/** If, Loop and Scan, as TensorFlow's functional If and While. What a subgraph reads from outside becomes an argument. */
final class ControlFlow {
  private ControlFlow() {}

  static void register(EmitterRegistry ops) {
    ops.op("If", 1, ControlFlow::branch);
    ops.op("Loop", 1, ControlFlow::loop);
    ops.op("Scan", 9, ControlFlow::scan);
  }

  private static void branch(EmitContext c) {
    Graph then = c.node().graphAttr("then_branch");
    Graph otherwise = c.node().graphAttr("else_branch");
    if (!onlyTensors(c, then.outputs()) || !onlyTensors(c, otherwise.outputs())) {
      return;
    }
    if (c.isConstant(0)) {
      bindAll(c, c.inline(c.constantLongs(0)[0] != 0 ? then : otherwise, List.of()));
      return;
    }
    try (FunctionBody thenBody = c.newFunction(); FunctionBody elseBody = c.newFunction()) {
      List<Output<?>> thenResults = thenBody.emit(then, List.of());
      List<Output<?>> elseResults = elseBody.emit(otherwise, List.of());
      Set<Output<?>> captured = new LinkedHashSet<>(thenBody.captured());
      captured.addAll(elseBody.captured());
      String name = c.node().label();
      boolean stateful = thenBody.isStateful() || elseBody.isStateful();
      Tf tf = c.tf();
      bindAll(c, tf.op(stateful ? "If" : "StatelessIf").in(scalar(c, 0)).inList(List.copyOf(captured))
          .attr("then_branch", thenBody.define(name + "_then", captured.stream().map(thenBody::capture).toList(), thenResults))
          .attr("else_branch", elseBody.define(name + "_else", captured.stream().map(elseBody::capture).toList(), elseResults))
          .attr("Tout", thenResults.stream().map(Output::dataType).toArray(DataType[]::new))
          .attr("output_shapes", outputShapes(c)).outs());
    }
  }

  private static boolean onlyTensors(EmitContext c, List<Value> values) {
    for (Value v : values) {
      if (v.type() != null && ElementTypes.toTensorFlow(v.dtype()) == DataType.DT_INVALID) {
        c.unsupported("the subgraph's output " + v.name() + " has type " + v.type() + ", expected a tensor", "");
        return false;
      }
    }
    return true;
  }

  private static Shape[] outputShapes(EmitContext c) {
    Shape[] shapes = new Shape[c.node().outputs().size()];
    for (int i = 0; i < shapes.length; i++) {
      Value v = c.node().output(i);
      shapes[i] = v != null && v.shape().hasRank() ? Shape.of(v.shape().toLongs()) : Shape.unknown();
    }
    return shapes;
  }

  private static void bindAll(EmitContext c, List<Output<?>> tensors) {
    for (int i = 0; i < c.node().outputs().size(); i++) {
      c.bind(i, tensors.get(i));
    }
  }

  private static Output<?> scalar(EmitContext c, int i) {
    return c.rank(i) == 0 ? c.in(i) : c.tf().reshape(c.in(i), new long[0]);
  }

  // ---- While ----

  /**
   * A While under construction. Its variables are a counter, its end, a condition, the carried tensors, a list for each tensor
   * that is collected over the rounds, and what the body captures.
   */
  private static final class Rounds {
    private final EmitContext c;
    private final FunctionBody body;
    private final List<Output<?>> initial = new ArrayList<>();
    private final List<Output<?>> arguments = new ArrayList<>();
    private final List<Output<?>> next = new ArrayList<>();

    Rounds(EmitContext c, FunctionBody body) {
      this.c = c;
      this.body = body;
    }

    /** Adds a variable; the argument that holds it in the body. */
    Output<?> variable(Output<?> start) {
      initial.add(start);
      Output<?> argument = body.argument(start.dataType(), Shape.unknown());
      arguments.add(argument);
      return argument;
    }

    /** Adds a list that a tensor of each round is appended to; the argument that holds it in the body. */
    Output<?> list(DataType element) {
      Tf tf = c.tf();
      return variable(tf.op("EmptyTensorList").in(tf.constInt(-1), tf.constInt(-1)).attr("element_dtype", element).out());
    }

    /** Runs it: the variables' last values. */
    List<Output<?>> run() {
      List<Output<?>> captured = List.copyOf(body.captured());
      List<Output<?>> all = new ArrayList<>(initial);
      all.addAll(captured);
      List<Output<?>> bodyArguments = new ArrayList<>(arguments);
      List<Output<?>> bodyResults = new ArrayList<>(next);
      for (Output<?> o : captured) {
        bodyArguments.add(body.capture(o));
        bodyResults.add(body.capture(o));
      }
      Shape[] shapes = new Shape[all.size()];
      java.util.Arrays.fill(shapes, Shape.unknown());
      String name = c.node().label();
      return c.tf().op(body.isStateful() ? "While" : "StatelessWhile").inList(all).attr("cond", condition(all, name + "_cond"))
          .attr("body", body.define(name + "_body", bodyArguments, bodyResults)).attr("output_shapes", shapes).outs();
    }

    /** Goes on while the counter is below its end and the condition holds. */
    private org.tensorflow.proto.AttrValue condition(List<Output<?>> variables, String name) {
      try (FunctionBody f = c.newFunction()) {
        List<Output<?>> args = new ArrayList<>();
        for (Output<?> v : variables) {
          args.add(f.argumentLike(v));
        }
        Output<?> more = f.tf().call("LogicalAnd", f.tf().call("Less", args.get(0), args.get(1)), args.get(2));
        return f.define(name, args, List.of(more));
      }
    }
  }

  private static Output<?> trueScalar(Tf tf) {
    return tf.constant(Tensor.scalar(dev.tenon.ir.DataType.BOOL, 1));
  }

  /** Stacks what was collected, along a new first axis. */
  private static Output<?> stacked(Tf tf, Output<?> list, DataType element, dev.tenon.ir.Shape output) {
    boolean known = output.hasRank() && output.rank() > 0;
    List<Dim> dims = known ? output.subList(1, output.rank()) : List.of();
    Output<?> shape = known ? tf.constInts(dims.stream().mapToInt(d -> (int) d.orMinusOne()).toArray()) : tf.constInt(-1);
    return tf.op("TensorListStack").in(list, shape).attr("element_dtype", element).attr("num_elements", -1L).out();
  }

  private static void loop(EmitContext c) {
    Graph graph = c.node().graphAttr("body");
    int carried = c.inputCount() - 2;
    int collected = graph.outputs().size() - 1 - carried;
    if (!onlyTensors(c, graph.outputs()) || !onlyTensors(c, c.node().inputs().subList(2, c.inputCount()))) {
      return;
    }
    Tf tf = c.tf();
    try (FunctionBody body = c.newFunction()) {
      Rounds w = new Rounds(c, body);
      Output<?> i = w.variable(tf.constLong(0));
      Output<?> end = w.variable(c.has(0) ? scalar(c, 0) : tf.constLong(Long.MAX_VALUE));
      Output<?> condition = w.variable(c.has(1) ? scalar(c, 1) : trueScalar(tf));
      List<Output<?>> inputs = new ArrayList<>(List.of(fitted(body.tf(), i, graph.inputs().get(0)),
          fitted(body.tf(), condition, graph.inputs().get(1))));
      for (int k = 0; k < carried; k++) {
        inputs.add(w.variable(c.in(2 + k)));
      }
      List<DataType> elements = new ArrayList<>();
      List<Output<?>> lists = new ArrayList<>();
      for (int k = 0; k < collected; k++) {
        elements.add(ElementTypes.toTensorFlow(graph.outputs().get(1 + carried + k).dtype()));
        lists.add(w.list(elements.get(k)));
      }
      List<Output<?>> results = body.emit(graph, inputs);
      Tf inner = body.tf();
      w.next.addAll(List.of(inner.add(i, inner.constLong(1)), end, inner.reshape(results.get(0), new long[0])));
      w.next.addAll(results.subList(1, 1 + carried));
      for (int k = 0; k < collected; k++) {
        w.next.add(push(inner, lists.get(k), results.get(1 + carried + k)));
      }
      List<Output<?>> last = w.run();
      for (int k = 0; k < carried; k++) {
        c.bind(k, last.get(3 + k));
      }
      for (int k = 0; k < collected; k++) {
        if (c.node().output(carried + k) != null) {
          c.bind(carried + k, stacked(tf, last.get(3 + carried + k), elements.get(k), c.outputShape(carried + k)));
        }
      }
    }
  }

  /** A scalar in the shape that the body declares for it, which may be [1]. */
  private static Output<?> fitted(Tf tf, Output<?> scalar, Value input) {
    return input.rank() == 1 ? tf.reshape(scalar, 1L) : scalar;
  }

  private static Output<?> push(Tf tf, Output<?> list, Output<?> element) {
    return tf.op("TensorListPushBack").in(list, element).out();
  }

  private static void scan(EmitContext c) {
    Graph graph = c.node().graphAttr("body");
    int scanned = (int) c.node().intAttr("num_scan_inputs", 0);
    int states = c.inputCount() - scanned;
    int collected = graph.outputs().size() - states;
    Tf tf = c.tf();
    long[] inAxes = c.node().intsAttr("scan_input_axes", new long[scanned]);
    long[] inDirections = c.node().intsAttr("scan_input_directions", new long[scanned]);
    long[] outAxes = c.node().intsAttr("scan_output_axes", new long[collected]);
    long[] outDirections = c.node().intsAttr("scan_output_directions", new long[collected]);
    try (FunctionBody body = c.newFunction()) {
      Rounds w = new Rounds(c, body);
      Output<?> i = w.variable(tf.constInt(0));
      int firstAxis = axis(inAxes[0], c.rank(states));
      Output<?> length = w.variable(Slicing.element(tf, tf.shape(c.in(states)), firstAxis));
      Output<?> always = w.variable(trueScalar(tf));
      List<Output<?>> inputs = new ArrayList<>();
      for (int k = 0; k < states; k++) {
        inputs.add(w.variable(c.in(k)));
      }
      Tf inner = body.tf();
      for (int k = 0; k < scanned; k++) {
        Output<?> at = inDirections[k] == 0 ? i : inner.sub(inner.sub(length, i), inner.constInt(1));
        inputs.add(inner.gather(body.capture(c.in(states + k)), at, axis(inAxes[k], c.rank(states + k))));
      }
      List<DataType> elements = new ArrayList<>();
      List<Output<?>> lists = new ArrayList<>();
      for (int k = 0; k < collected; k++) {
        elements.add(ElementTypes.toTensorFlow(graph.outputs().get(states + k).dtype()));
        lists.add(w.list(elements.get(k)));
      }
      List<Output<?>> results = body.emit(graph, inputs);
      w.next.addAll(List.of(inner.add(i, inner.constInt(1)), length, always));
      w.next.addAll(results.subList(0, states));
      for (int k = 0; k < collected; k++) {
        w.next.add(push(inner, lists.get(k), results.get(states + k)));
      }
      List<Output<?>> last = w.run();
      for (int k = 0; k < states; k++) {
        c.bind(k, last.get(3 + k));
      }
      for (int k = 0; k < collected; k++) {
        dev.tenon.ir.Shape out = c.outputShape(states + k);
        int to = axis(outAxes[k], out.rank());
        Output<?> y = stacked(tf, last.get(3 + states + k), elements.get(k), axisFirst(out, to));
        y = outDirections[k] == 0 ? y : tf.call("ReverseV2", y, tf.constInts(0));
        c.bind(states + k, to == 0 ? y : tf.transpose(y, firstTo(out.rank(), to)));
      }
    }
  }

  private static int axis(long axis, int rank) {
    return (int) (axis < 0 ? axis + rank : axis);
  }

  private static dev.tenon.ir.Shape axisFirst(dev.tenon.ir.Shape s, int axis) {
    if (!s.hasRank() || axis == 0) {
      return s;
    }
    List<Dim> dims = new ArrayList<>(s.dims());
    dims.add(0, dims.remove(axis));
    return dev.tenon.ir.Shape.of(dims);
  }

  /** The permutation that takes the first axis to another place. */
  private static int[] firstTo(int rank, int to) {
    int[] perm = new int[rank];
    for (int i = 0; i < rank; i++) {
      perm[i] = i == to ? 0 : i < to ? i + 1 : i;
    }
    return perm;
  }
}
