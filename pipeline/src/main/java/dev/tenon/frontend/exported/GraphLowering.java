package dev.tenon.frontend.exported;

import dev.tenon.frontend.aten.LoweringException;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchList;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchTuple;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Provenance;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Lowers the nodes of one graph, in order, each from the values in the graph's scope. */
final class GraphLowering {
  /** Operators that only check or declare something. */
  private static final Set<String> NO_EFFECT = Set.of("_assert_scalar", "_assert_async", "_assert_tensor_metadata", "sym_constrain_range",
      "sym_constrain_range_for_size", "_functional_assert_async", "_functional_assert_scalar", "_print", "_functional_sym_constrain_range",
      "_functional_sym_constrain_range_for_size");

  private final LoweringContext context;
  private final Onnx onnx;
  private final FxGraph graph;
  private final FxScope scope;
  /** Where the node that the graph belongs to is from; for nodes that do not know it themselves. */
  private final Provenance outer;
  private final Autocast autocast;

  GraphLowering(LoweringContext context, FxGraph graph, FxScope scope, Provenance outer, Autocast autocast) {
    this.context = context;
    this.onnx = context.aten().onnx();
    this.graph = graph;
    this.scope = scope;
    this.outer = outer;
    this.autocast = autocast;
  }

  LoweringContext context() {
    return context;
  }

  FxScope scope() {
    return scope;
  }

  FxGraph graph() {
    return graph;
  }

  Autocast autocast() {
    return autocast;
  }

  void run() {
    for (FxNode node : graph.nodes()) {
      lower(node);
    }
  }

  /** The values that the graph returns. */
  List<TorchValue> results() {
    List<TorchValue> all = new ArrayList<>();
    graph.outputs().forEach(o -> all.add(scope.value(o, "the outputs")));
    return all;
  }

  /** Runs another graph in place on these values, as if its nodes were here. */
  List<TorchValue> inline(FxGraph other, List<TorchValue> arguments, Autocast cast, String reader) {
    GraphLowering inner = inner(other, arguments, cast, reader);
    Provenance from = onnx.provenance();
    inner.run();
    onnx.at(from, reader);
    return inner.results();
  }

  /** A lowering of another graph, its inputs bound to values of this one. */
  GraphLowering inner(FxGraph other, List<TorchValue> arguments, Autocast cast, String reader) {
    if (other.inputs().size() != arguments.size()) {
      throw scope.bad(reader, arguments.size() + " values for the graph of " + other.inputs().size() + " inputs", "one for each");
    }
    FxScope inside = scope.empty();
    for (int i = 0; i < arguments.size(); i++) {
      Argument input = other.inputs().get(i);
      if (input instanceof Argument.Tensor t) {
        inside.define(t.name(), arguments.get(i));
      } else if (input instanceof Argument.Symbolic s) {
        inside.define(s.name(), arguments.get(i));
      }
    }
    return new GraphLowering(context, other, inside, onnx.provenance(), cast);
  }

  // ---- one node ----

  private void lower(FxNode node) {
    Targets target = Targets.of(node.target());
    if (NO_EFFECT.contains(target.name())) {
      node.outputs().forEach(o -> absent(o, node.label() + " has no result in ONNX"));
      return;
    }
    String module = node.modulePath().isEmpty() ? outer.modulePath() : node.modulePath();
    String line = node.sourceLine().isEmpty() ? outer.sourceLine() : node.sourceLine();
    onnx.at(new Provenance(List.of(node.label()), module, line), node.label());
    try {
      bind(node, call(node, target));
    } catch (LoweringException e) {
      context.aten().report(e);
      node.outputs().forEach(o -> standIn(node, target, o));
    } catch (BadInputException e) {
      throw e;
    } catch (RuntimeException e) {
      // Arguments that contradict each other, or types that nobody computes in: the file is not what PyTorch writes, or a lowering has a
      // case too few.
      context.aten().report(new LoweringException(node.target() + " cannot be lowered with these arguments: " + Texts.shortened(String.valueOf(e))));
      node.outputs().forEach(o -> standIn(node, target, o));
    }
  }

  private TorchValue call(FxNode node, Targets target) {
    if (target.isHigherOrder()) {
      return new HigherOrderOps(this, node).call(target.name());
    }
    if (SymbolicOps.handles(target)) {
      List<TorchValue> arguments = new ArrayList<>();
      node.inputs().forEach(i -> arguments.add(scope.value(i.argument(), node.label())));
      return SymbolicOps.call(onnx, target, arguments);
    }
    Map<String, TorchValue> arguments = new LinkedHashMap<>();
    node.inputs().forEach(i -> arguments.put(i.name(), scope.value(i.argument(), node.label())));
    autocast.cast(onnx, target, arguments);
    List<Type> types = new ArrayList<>();
    node.outputs().forEach(o -> addTypes(o, types));
    String namespace = target.isFunction() ? "torch" : target.namespace();
    return context.aten().call(namespace + "::" + target.name(), target.overload(), List.of(), arguments, types);
  }

  private void addTypes(Argument output, List<Type> types) {
    if (output instanceof Argument.Tensor t) {
      types.add(hint(t.name()));
    } else if (output instanceof Argument.Sequence s) {
      s.elements().forEach(e -> addTypes(e, types));
    } else {
      types.add(null);
    }
  }

  /** What the file says of a tensor; null if nothing. */
  Type.TensorType hint(String name) {
    TensorMeta meta = graph.tensorValues().get(name);
    return meta == null || meta.dtype() == DataType.UNDEFINED ? null : Type.tensor(meta.dtype(), context.symbols().shape(meta));
  }

  // ---- results ----

  private void bind(FxNode node, TorchValue result) {
    List<Argument> outputs = node.outputs();
    if (outputs.size() == 1 && !(outputs.get(0) instanceof Argument.Sequence && result instanceof TorchTuple)) {
      bind(node, outputs.get(0), result instanceof TorchTuple t && t.elements().size() == 1 ? t.get(0) : result);
      return;
    }
    if (outputs.size() == 1) {
      bind(node, outputs.get(0), new TorchList(((TorchTuple) result).elements()));
      return;
    }
    List<TorchValue> values = result instanceof TorchTuple t ? t.elements() : result instanceof TorchList l ? l.elements() : List.of(result);
    for (int i = 0; i < outputs.size(); i++) {
      if (i < values.size()) {
        bind(node, outputs.get(i), values.get(i));
      } else {
        absent(outputs.get(i), node.target() + ": result " + i + " has no ONNX form yet");
      }
    }
  }

  private void bind(FxNode node, Argument output, TorchValue value) {
    if (value instanceof FxScope.Absent a) {
      absent(output, a.why());
    } else if (output instanceof Argument.Tensor t) {
      TorchTensor tensor = value instanceof TorchScalar s ? TorchTensor.of(s.scalar(onnx, s.defaultDtype())) : tensor(node, value);
      context.types().check(onnx, t.name(), tensor.value(), hint(t.name()));
      context.name(onnx, tensor.value(), t.name());
      scope.define(t.name(), tensor);
    } else if (output instanceof Argument.Symbolic s) {
      scope.define(s.name(), number(s, value));
    } else if (output instanceof Argument.Sequence s) {
      List<TorchValue> values = value instanceof TorchList l ? l.elements() : value instanceof TorchTuple t ? t.elements() : List.of(value);
      for (int i = 0; i < s.elements().size(); i++) {
        if (i < values.size()) {
          bind(node, s.elements().get(i), values.get(i));
        } else {
          absent(s.elements().get(i), node.target() + " gives " + values.size() + " results, the file names " + s.elements().size());
        }
      }
    }
  }

  /** A number, and where nothing is known of it, its symbol in the file. */
  private TorchValue number(Argument.Symbolic symbol, TorchValue value) {
    TorchValue number = value instanceof TorchTensor t ? onnx.number(kind(symbol.kind()), t.value()) : value;
    Dim said = graph.symInts().get(symbol.name());
    boolean unknown = number instanceof TorchScalar s && !s.isConstant() && s.dim() != null && s.dim().isAnonymous();
    return unknown && said != null && context.isSize(said) ? onnx.integer(((TorchScalar) number).scalar(onnx), context.symbols().rename(said))
        : number;
  }

  private static TorchTensor tensor(FxNode node, TorchValue value) {
    if (value instanceof TorchTensor t) {
      return t;
    }
    throw new LoweringException(node.target() + " gives no tensor");
  }

  static TorchScalar.Kind kind(Argument.SymbolicKind kind) {
    return switch (kind) {
      case INT -> TorchScalar.Kind.INT;
      case FLOAT -> TorchScalar.Kind.FLOAT;
      case BOOL -> TorchScalar.Kind.BOOL;
    };
  }

  private void absent(Argument output, String why) {
    if (output instanceof Argument.Tensor t) {
      scope.define(t.name(), new FxScope.Absent(why));
    } else if (output instanceof Argument.Symbolic s) {
      scope.define(s.name(), new FxScope.Absent(why));
    } else if (output instanceof Argument.Sequence s) {
      s.elements().forEach(e -> absent(e, why));
    }
  }

  /** Something of the right type in place of what could not be lowered, so that the rest can be looked at too. */
  private void standIn(FxNode node, Targets target, Argument output) {
    if (output instanceof Argument.Tensor t) {
      Value v = onnx.node(target.name()).domain(target.isFunction() ? "torch" : target.namespace()).hint(hint(t.name())).out();
      scope.define(t.name(), TorchTensor.of(v));
    } else if (output instanceof Argument.Symbolic s) {
      Type scalar = Type.tensor(s.kind() == Argument.SymbolicKind.INT ? DataType.INT64 : s.kind() == Argument.SymbolicKind.FLOAT
          ? DataType.DOUBLE : DataType.BOOL, Shape.SCALAR);
      scope.define(s.name(), onnx.number(kind(s.kind()), onnx.node(target.name()).domain("torch").hint(scalar).out()));
    } else if (output instanceof Argument.Sequence s) {
      s.elements().forEach(e -> standIn(node, target, e));
    }
  }
}
