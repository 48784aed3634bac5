package dev.tenon.ir.shape;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Function;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostics;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * One run of the inference over a model: walks the graphs in their order, and holds what is known of values beside their types.
 *
 * <p>The bodies of functions are walked once per call, with types held aside (a value in a body has no one type); the bodies of loops
 * are walked until their types no longer change.
 */
final class Engine {
  /** Keep hostile models from expanding functions, or loops inside loops, without end. */
  private static final int MAX_DEPTH = 40;
  private static final int MAX_BODY_NODES = 2_000_000;
  private static final int MAX_OPAQUE_ELEMENTS = 16;

  /** The surroundings of a walk: the main graph, or one call of a function. */
  static final class Frame {
    /** The types of the values in a function's body; null outside functions, where values have their own. */
    private final Map<Value, Type> types;
    private final Map<String, Attribute> attributes;
    private final Map<String, Integer> opsets;

    private Frame(Map<Value, Type> types, Map<String, Attribute> attributes, Map<String, Integer> opsets) {
      this.types = types;
      this.attributes = attributes;
      this.opsets = opsets;
    }

    /** The attribute with references to the function's attributes resolved; null if it has no value. */
    Attribute resolve(Attribute a) {
      return a == null || !a.isReference() ? a : attributes.get(a.refName());
    }

    int opset(String domain) {
      return opsets.getOrDefault(domain, 1);
    }

    Type type(Value v) {
      return types == null || !types.containsKey(v) ? v.type() : types.get(v);
    }

    private void setType(Value v, Type t) {
      if (types == null) {
        v.setType(t);
      } else {
        types.put(v, t);
      }
    }
  }

  private record Warning(String code, Node node, String message) {}

  private final Model model;
  private final Registry registry;
  private final Frame main;
  private final Map<Value, Data> data = new IdentityHashMap<>();
  /** The types of the elements of sequences, one by one, where their number is known. */
  private final Map<Value, List<Type>> sequences = new IdentityHashMap<>();
  /** Dimensions of values of the model: not negative, whatever their terms. */
  private final Set<Dim> sizes = new HashSet<>();
  /** The declared types of values in subgraphs, which may be walked more than once. */
  private final Map<Value, Type> declared = new IdentityHashMap<>();
  private Set<Warning> warnings = new LinkedHashSet<>();
  private int depth;
  private int loops;
  private int bodyNodes;

  Engine(Model model, Registry registry) {
    this.model = model;
    this.registry = registry;
    Map<String, Integer> opsets = new HashMap<>(model.opsetImports());
    opsets.put(Node.ONNX_DOMAIN, model.opset());
    this.main = new Frame(null, Map.of(), opsets);
  }

  void run(Diagnostics diagnostics) {
    Graph g = model.graph();
    for (Value v : g.inputs()) {
      if (v.type() == null && v.isInitializer()) {
        v.setType(v.initializer().type());
      }
      rememberSizes(v.type());
    }
    walk(g, main);
    report(diagnostics);
  }

  /** Hands over the warnings so far, once. */
  void report(Diagnostics diagnostics) {
    for (Warning w : warnings) {
      diagnostics.warning(w.code, w.node, w.message, "");
    }
    warnings.clear();
  }

  /** Infers a single node of the main graph or a subgraph of it. */
  void visitMain(Node n) {
    visit(n, main);
  }

  private void walk(Graph g, Frame frame) {
    for (Node n : g.nodes()) {
      if (depth > 0 && ++bodyNodes > MAX_BODY_NODES) {
        return;
      }
      visit(n, frame);
    }
  }

  private void visit(Node n, Frame frame) {
    for (Value v : n.outputs()) {
      if (v != null) {
        data.remove(v);
        sequences.remove(v);
        forget(v, frame);
      }
    }
    Function f = model.functions().isEmpty() ? null : model.functions().get(Function.Id.of(n));
    Registry.Rule rule = f != null ? null : registry.find(n.domain(), n.opType(), frame.opset(n.domain()));
    NodeContext c = new NodeContext(this, frame, n);
    try {
      if (f != null) {
        call(f, c);
      } else if (rule != null) {
        rule.infer(c);
      }
    } catch (InvalidNodeException e) {
      warn("invalid-node", n, n.qualifiedOp() + ": " + e.getMessage());
    }
  }

  /** Puts a value back to its declared type, before a node (of a body walked repeatedly) sets it. */
  private void forget(Value v, Frame frame) {
    if (frame.types != null) {
      frame.types.remove(v);
    } else if (v.graph().parent() != null) {
      if (declared.containsKey(v)) {
        v.setType(declared.get(v));
      } else {
        declared.put(v, v.type());
      }
    }
  }

  /** Sets the type of a node's result; the value's type so far is its declared one. */
  void setOutput(Value v, Type result, Node n, Frame frame) {
    Type inferred = withoutNegative(v, result, n);
    Type hint = frame.types == null ? v.type() : null;
    String contradiction = Types.contradiction(inferred, hint);
    if (!contradiction.isEmpty()) {
      warn("shape-mismatch", n, "output " + v.name() + ": " + contradiction);
    }
    Type t = Types.complete(inferred, hint, Types.Trust.NAMES);
    frame.setType(v, t);
    rememberSizes(t);
  }

  /** A model that makes a negative dimension cannot run; what follows from it should not confuse. */
  private Type withoutNegative(Value v, Type t, Node n) {
    if (!(t instanceof Type.TensorType x) || !x.shape().hasRank()) {
      return t;
    }
    for (Dim d : x.shape().dims()) {
      if (d.isConstant() && d.constant() < 0) {
        warn("invalid-node", n, n.qualifiedOp() + ": output " + v.name() + " has the shape " + x.shape());
        List<Dim> dims = x.shape().dims().stream().map(e -> e.isConstant() && e.constant() < 0 ? Dim.unknown() : e).toList();
        return Type.tensor(x.dtype(), Shape.of(dims));
      }
    }
    return t;
  }

  void rememberSizes(Type t) {
    if (t instanceof Type.TensorType tensor && tensor.shape().hasRank()) {
      for (Dim d : tensor.shape().dims()) {
        if (!d.isConstant()) {
          sizes.add(d);
        }
      }
    } else if (t instanceof Type.SequenceType s) {
      rememberSizes(s.element());
    }
  }

  /** True if the dimension is not negative in any valid run. */
  boolean isNonNegative(Dim d) {
    return d.isConstant() ? d.constant() >= 0 : sizes.contains(d) || d.isAtLeast(0);
  }

  void warn(String code, Node n, String message) {
    warnings.add(new Warning(code, n, message));
  }

  // ---- elements ----

  /** The known elements of a value; null if nothing is known. */
  Data data(Value v) {
    if (v == null) {
      return null;
    }
    if (data.containsKey(v)) {
      return data.get(v);
    }
    // Of an initializer that is an input too a caller may give other elements.
    Tensor constant = v.isGraphInput() ? null : v.initializer();
    Data d = constant == null ? null : Data.of(constant);
    if (d != null) {
      data.put(v, d);
    }
    return d;
  }

  void setData(Value v, Data d) {
    data.put(v, d);
  }

  /**
   * The known elements of a value, or, for a short integer vector or scalar of which nothing is known, unknown numbers that stay
   * the same whenever they are asked for; null if it is neither.
   */
  Data dataOrUnknowns(Value v, Frame frame) {
    Data known = data(v);
    if (known != null || v == null || !(frame.type(v) instanceof Type.TensorType t) || !Data.isFollowed(t.dtype()) || !t.dtype().isInteger()
        || !t.shape().isStatic() || t.shape().rank() > 1) {
      return known;
    }
    long n = Data.count(t.shape().toLongs());
    if (n < 0 || n > MAX_OPAQUE_ELEMENTS) {
      return null;
    }
    Datum[] unknowns = new Datum[(int) n];
    for (int i = 0; i < n; i++) {
      unknowns[i] = Datum.of(Dim.unknownInteger());
    }
    Data d = new Data(t.shape().toLongs(), unknowns);
    data.put(v, d);
    return d;
  }

  List<Type> sequence(Value v) {
    return sequences.get(v);
  }

  void setSequence(Value v, List<Type> elements) {
    sequences.put(v, elements);
  }

  // ---- bodies ----

  /** Walks a subgraph with these types of its inputs, and gives those of its outputs (null where unknown). */
  List<Type> body(Graph body, List<Type> inputs, Frame frame) {
    if (depth >= MAX_DEPTH || bodyNodes > MAX_BODY_NODES) {
      return unknown(body.outputs().size());
    }
    for (int i = 0; i < body.inputs().size(); i++) {
      Value v = body.inputs().get(i);
      data.remove(v);
      sequences.remove(v);
      forget(v, frame);
      Type t = Types.complete(i < inputs.size() ? inputs.get(i) : null, frame.type(v), Types.Trust.RANK);
      frame.setType(v, t);
      rememberSizes(t);
    }
    depth++;
    walk(body, frame);
    depth--;
    List<Type> types = new ArrayList<>();
    for (Value v : body.outputs()) {
      types.add(frame.type(v));
    }
    return types;
  }

  /** Counts the loops that the walk is in, this one included. */
  int enterLoop() {
    return ++loops;
  }

  void leaveLoop() {
    loops--;
  }

  /** Keeps the warnings of what follows aside, until one of the next two methods is called with the result. */
  Set<Warning> hold() {
    Set<Warning> outer = warnings;
    warnings = new LinkedHashSet<>();
    return outer;
  }

  void keep(Set<Warning> outer) {
    outer.addAll(warnings);
    warnings = outer;
  }

  void discard(Set<Warning> outer) {
    warnings = outer;
  }

  private static List<Type> unknown(int n) {
    List<Type> types = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      types.add(null);
    }
    return types;
  }

  private void call(Function f, NodeContext c) {
    if (depth >= MAX_DEPTH) {
      return;
    }
    Map<String, Attribute> attributes = new HashMap<>(f.attributeDefaults());
    for (Attribute a : c.node().attributes()) {
      Attribute resolved = c.frame().resolve(a);
      if (resolved != null) {
        attributes.put(a.name(), resolved);
      }
    }
    Map<String, Integer> opsets = new HashMap<>(main.opsets);
    opsets.putAll(f.opsetImports());
    Frame inner = new Frame(new IdentityHashMap<>(), attributes, opsets);
    List<Value> formal = f.body().inputs();
    for (int i = 0; i < formal.size(); i++) {
      Value actual = c.input(i);
      Value v = formal.get(i);
      inner.types.put(v, actual == null ? null : c.type(i));
      copyKnown(actual, v);
    }
    depth++;
    walk(f.body(), inner);
    depth--;
    for (int i = 0; i < Math.min(f.body().outputs().size(), c.outputCount()); i++) {
      Value result = f.body().outputs().get(i);
      if (c.node().output(i) != null) {
        c.output(i, inner.type(result));
        copyKnown(result, c.node().output(i));
      }
    }
  }

  private void copyKnown(Value from, Value to) {
    data.remove(to);
    sequences.remove(to);
    Data d = data(from);
    if (d != null) {
      data.put(to, d);
    }
    List<Type> elements = from == null ? null : sequences.get(from);
    if (elements != null) {
      sequences.put(to, elements);
    }
  }
}
