package dev.tenon.frontend.exported;

import dev.tenon.frontend.aten.LoweringException;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.OnnxNode;
import dev.tenon.frontend.aten.TorchDtype;
import dev.tenon.frontend.aten.TorchList;
import dev.tenon.frontend.aten.TorchNone;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchTuple;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Provenance;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * Operators that take graphs: {@code cond} is {@code If}, {@code while_loop} is {@code Loop}, {@code scan} and {@code map} are
 * {@code Scan}; those that only set something for a region are inlined. The graphs read what they close over as arguments, whose
 * values ONNX's bodies see anyway.
 */
final class HigherOrderOps {
  private final GraphLowering lowering;
  private final FxNode node;
  private final Onnx onnx;
  private final List<TorchValue> arguments = new ArrayList<>();

  HigherOrderOps(GraphLowering lowering, FxNode node) {
    this.lowering = lowering;
    this.node = node;
    this.onnx = lowering.context().aten().onnx();
    node.inputs().forEach(i -> arguments.add(lowering.scope().value(i.argument(), node.label())));
  }

  TorchValue call(String name) {
    return switch (name) {
      case "cond" -> cond();
      case "while_loop" -> whileLoop();
      case "scan" -> scan(list(1), list(2), list(3));
      case "map_impl", "map" -> scan(List.of(), list(1), list(2));
      case "wrap_with_autocast" -> autocast();
      case "wrap_with_set_grad_enabled", "wrap", "tag_activation_checkpoint", "wrap_activation_checkpoint", "strict_mode", "invoke_subgraph",
          "hints_wrapper", "run_const_graph" -> region(lowering.autocast());
      default -> throw new LoweringException("the higher-order operator " + name + " has no ONNX form yet");
    };
  }

  // ---- arguments ----

  private TorchValue argument(int i) {
    if (i >= arguments.size()) {
      throw lowering.scope().bad(node.label(), arguments.size() + " arguments", "at least " + (i + 1));
    }
    return arguments.get(i);
  }

  private FxScope.GraphValue graph(int i) {
    if (argument(i) instanceof FxScope.GraphValue g) {
      return g;
    }
    throw lowering.scope().bad(node.label(), "no graph as argument " + i, "one");
  }

  /** A list argument; a missing one is empty. */
  private List<TorchValue> list(int i) {
    if (i >= arguments.size() || arguments.get(i) == TorchNone.NONE) {
      return List.of();
    }
    if (arguments.get(i) instanceof TorchList l) {
      return l.elements();
    }
    throw lowering.scope().bad(node.label(), "no list as argument " + i, "one");
  }

  // ---- regions ----

  private TorchValue autocast() {
    boolean enabled = !(argument(2) instanceof TorchScalar s) || s.toBoolean();
    boolean cpu = argument(0).toString().contains("cpu");
    DataType dtype = argument(1) instanceof TorchDtype d ? d.dtype() : DataType.BFLOAT16;
    // The program was traced where it ran: regions for other devices had no effect.
    return region(!cpu ? lowering.autocast() : enabled ? new Autocast(dtype) : Autocast.NONE);
  }

  /** The first graph among the arguments, run in place on what follows it. */
  private TorchValue region(Autocast cast) {
    int at = 0;
    while (at < arguments.size() && !(arguments.get(at) instanceof FxScope.GraphValue)) {
      at++;
    }
    FxGraph body = graph(at).graph();
    List<TorchValue> given = new ArrayList<>();
    for (TorchValue v : arguments.subList(at + 1, arguments.size())) {
      if (v instanceof TorchList l) {
        given.addAll(l.elements());
      } else if (v instanceof TorchTensor || v instanceof TorchScalar) {
        given.add(v);
      }
    }
    // Behind the arguments there may be settings.
    List<TorchValue> used = given.size() > body.inputs().size() ? given.subList(0, body.inputs().size()) : given;
    return new TorchTuple(lowering.inline(body, used, cast, node.label()));
  }

  // ---- cond ----

  private TorchValue cond() {
    TorchValue predicate = argument(0);
    List<TorchValue> operands = list(3);
    if (predicate instanceof TorchScalar s && s.isConstant()) {
      return new TorchTuple(lowering.inline(graph(s.toBoolean() ? 1 : 2).graph(), operands, lowering.autocast(), node.label()));
    }
    if (!(predicate instanceof TorchScalar || predicate instanceof TorchTensor)) {
      throw lowering.scope().bad(node.label(), "the condition " + predicate, "a tensor or a truth value");
    }
    Value condition = onnx.cast(single(predicate), DataType.BOOL);
    int mark = lowering.context().aten().mark();
    List<TorchValue> shape = new ArrayList<>();
    Graph then = branch(graph(1), operands, shape);
    Graph otherwise = branch(graph(2), operands, new ArrayList<>());
    refuseWrites(mark, operands);
    if (then.outputs().size() != otherwise.outputs().size()) {
      throw lowering.scope().bad(node.label(), "branches of " + then.outputs().size() + " and " + otherwise.outputs().size() + " results",
          "as many of both");
    }
    if (then.outputs().isEmpty()) {
      return new TorchTuple(List.of());
    }
    OnnxNode made = onnx.node("If").in(condition).attr("then_branch", then).attr("else_branch", otherwise);
    return results(made, then.outputs().size(), shape);
  }

  private Graph branch(FxScope.GraphValue g, List<TorchValue> operands, List<TorchValue> results) {
    Provenance from = onnx.provenance();
    Graph body = onnx.begin(g.name());
    try {
      GraphLowering inner = lowering.inner(g.graph(), operands, lowering.autocast(), node.label());
      inner.run();
      onnx.at(from, node.label());
      results.addAll(inner.results());
      for (TorchValue v : results) {
        if (v != TorchNone.NONE) {
          giveBack(body, single(v));
        }
      }
    } finally {
      onnx.end();
      onnx.at(from, node.label());
    }
    return body;
  }

  /** The values of a node in the places of what the body returns; None stays None. */
  private TorchValue results(OnnxNode made, int count, List<TorchValue> inBody) {
    List<Type> hints = new ArrayList<>();
    node.outputs().forEach(o -> {
      if (o != Argument.None.NONE) {
        hints.add(o instanceof Argument.Tensor t ? lowering.hint(t.name()) : null);
      }
    });
    hints.stream().limit(count).forEach(made::hint);
    List<Value> values = made.outs(count);
    List<TorchValue> all = new ArrayList<>();
    int next = 0;
    for (TorchValue v : inBody) {
      all.add(v == TorchNone.NONE ? v : like(v, values.get(next++)));
    }
    return new TorchTuple(all);
  }

  /** A value of the graph as what another one is, tensor or number. */
  private TorchValue like(TorchValue example, Value v) {
    return example instanceof TorchScalar s ? onnx.number(s.kind(), v) : TorchTensor.of(v);
  }

  /** Tensor or number as a value. */
  private Value single(TorchValue v) {
    if (v instanceof TorchTensor t) {
      return t.value();
    } else if (v instanceof TorchScalar s) {
      return s.scalar(onnx);
    }
    throw new LoweringException(node.target() + ": " + v + " is neither tensor nor number");
  }

  /** Adds an output to a body: a value of its own, as ONNX wants it. */
  private void giveBack(Graph body, Value v) {
    body.addOutput(v.graph() != body || v.producer() == null || v.isGraphOutput() ? onnx.op("Identity", v) : v);
  }

  private void refuseWrites(int mark, List<TorchValue> operands) {
    for (TorchTensor written : lowering.context().aten().writtenSince(mark).keySet()) {
      if (operands.stream().anyMatch(o -> o instanceof TorchTensor t && t.root() == written)) {
        throw new LoweringException(node.target() + ": a branch or body writes to a tensor from outside", "return the new tensor instead");
      }
    }
  }

  // ---- loops ----

  private TorchValue whileLoop() {
    FxScope.GraphValue condition = graph(0);
    FxScope.GraphValue bodyGraph = graph(1);
    List<TorchValue> carried = list(2);
    List<TorchValue> additional = list(3);
    Provenance from = onnx.provenance();
    Value first = condition(condition, carried, additional);
    List<Value> initial = carried.stream().map(this::single).toList();
    int mark = lowering.context().aten().mark();
    Graph body = onnx.begin(bodyGraph.name());
    List<TorchValue> next = new ArrayList<>();
    try {
      input(body, "iteration", Type.tensor(DataType.INT64, Shape.SCALAR));
      input(body, "go_on", Type.tensor(DataType.BOOL, Shape.SCALAR));
      List<TorchValue> inside = new ArrayList<>();
      for (int i = 0; i < carried.size(); i++) {
        inside.add(like(carried.get(i), input(body, inputName(bodyGraph.graph(), i), carriedType(bodyGraph.graph(), i, initial.get(i)))));
      }
      GraphLowering inner = lowering.inner(bodyGraph.graph(), joined(inside, additional), lowering.autocast(), node.label());
      inner.run();
      onnx.at(from, node.label());
      next.addAll(inner.results());
      requireAsMany("the body's results", next.size(), carried.size());
      giveBack(body, condition(condition, next, additional));
      for (int i = 0; i < next.size(); i++) {
        giveBack(body, onnx.cast(single(next.get(i)), initial.get(i).dtype()));
      }
    } finally {
      onnx.end();
      onnx.at(from, node.label());
    }
    refuseWrites(mark, joined(carried, additional));
    OnnxNode made = onnx.node("Loop").in(null, first).in(initial).attr("body", body);
    return results(made, carried.size(), carried);
  }

  private Value condition(FxScope.GraphValue g, List<TorchValue> carried, List<TorchValue> additional) {
    List<TorchValue> results = lowering.inline(g.graph(), joined(carried, additional), lowering.autocast(), node.label());
    requireAsMany("the condition's results", results.size(), 1);
    Value v = onnx.cast(single(results.get(0)), DataType.BOOL);
    return v.rank() > 0 ? onnx.op("Squeeze", v) : v;
  }

  /** A tensor that goes around keeps its rank; its sizes are those before the loop where the file says so of the body as well. */
  private Type carriedType(FxGraph body, int i, Value initial) {
    Argument input = i < body.inputs().size() ? body.inputs().get(i) : Argument.None.NONE;
    TensorMeta meta = input instanceof Argument.Tensor t ? body.tensorValues().get(t.name()) : null;
    if (meta == null || meta.sizes().size() != initial.rank()) {
      return initial.rank() == 0 ? initial.type() : Type.tensor(initial.dtype(), meta == null ? Shape.unknown() : lowering.context().symbols().shape(meta));
    }
    Shape said = lowering.context().symbols().shape(meta);
    List<Dim> dims = new ArrayList<>();
    for (int d = 0; d < said.rank(); d++) {
      dims.add(said.dim(d).equals(initial.shape().dim(d)) ? said.dim(d) : Dim.unknown());
    }
    return Type.tensor(initial.dtype(), Shape.of(dims));
  }

  private static String inputName(FxGraph body, int i) {
    Argument input = i < body.inputs().size() ? body.inputs().get(i) : Argument.None.NONE;
    return input instanceof Argument.Tensor t ? t.name() : input instanceof Argument.Symbolic s ? s.name() : "carried";
  }

  private Value input(Graph body, String name, Type type) {
    Value v = body.addInput(body.freshName(name), type);
    onnx.inference().visitInput(v);
    return v;
  }

  private static List<TorchValue> joined(List<TorchValue> a, List<TorchValue> b) {
    List<TorchValue> all = new ArrayList<>(a);
    all.addAll(b);
    return all;
  }

  private void requireAsMany(String what, int found, int expected) {
    if (found != expected) {
      throw lowering.scope().bad(node.label(), what + ": " + found, "" + expected);
    }
  }

  /** Runs the graph for each element of {@code xs} along axis 0; its results are the new states, and then elements of what comes out. */
  private TorchValue scan(List<TorchValue> states, List<TorchValue> xs, List<TorchValue> additional) {
    FxScope.GraphValue g = graph(0);
    Provenance from = onnx.provenance();
    List<Value> initial = states.stream().map(this::single).toList();
    List<Value> sequences = xs.stream().map(this::single).toList();
    int mark = lowering.context().aten().mark();
    Graph body = onnx.begin(g.name());
    List<TorchValue> results = new ArrayList<>();
    try {
      List<TorchValue> inside = new ArrayList<>();
      for (int i = 0; i < initial.size(); i++) {
        inside.add(like(states.get(i), input(body, inputName(g.graph(), i), initial.get(i).type())));
      }
      for (int i = 0; i < sequences.size(); i++) {
        Value x = sequences.get(i);
        Shape element = x.rank() < 1 ? Shape.unknown() : Shape.of(x.shape().dims().subList(1, x.rank()));
        inside.add(TorchTensor.of(input(body, inputName(g.graph(), initial.size() + i), Type.tensor(x.dtype(), element))));
      }
      GraphLowering inner = lowering.inner(g.graph(), joined(inside, additional), lowering.autocast(), node.label());
      inner.run();
      onnx.at(from, node.label());
      results.addAll(inner.results());
      if (results.size() < states.size() || xs.isEmpty()) {
        throw lowering.scope().bad(node.label(), results.size() + " results and " + xs.size() + " sequences", "a result for each of the "
            + states.size() + " states, and a sequence");
      }
      for (int i = 0; i < results.size(); i++) {
        if (results.get(i) != TorchNone.NONE) {
          Value v = single(results.get(i));
          giveBack(body, i < initial.size() ? onnx.cast(v, initial.get(i).dtype()) : v);
        }
      }
    } finally {
      onnx.end();
      onnx.at(from, node.label());
    }
    refuseWrites(mark, joined(joined(states, xs), additional));
    OnnxNode made = onnx.node("Scan").in(initial).in(sequences).attr("num_scan_inputs", sequences.size()).attr("body", body);
    // A number that comes out of each run is a vector of them.
    List<TorchValue> kinds = new ArrayList<>(states);
    results.subList(states.size(), results.size()).forEach(r -> kinds.add(r == TorchNone.NONE ? r : xs.get(0)));
    return results(made, body.outputs().size(), kinds);
  }
}
