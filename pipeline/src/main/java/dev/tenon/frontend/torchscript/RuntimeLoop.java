package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.aten.LoweringException;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.OnnxNode;
import dev.tenon.frontend.aten.Promotion;
import dev.tenon.frontend.aten.TorchList;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchScalar.Kind;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A loop that becomes an ONNX {@code Loop}. What the body changes (variables, tensors that are written to, elements of lists, attributes of
 * objects) is carried from round to round. What that is, and how its types vary, is found by interpreting the body again until nothing new
 * turns up.
 */
final class RuntimeLoop {
  private static final int MAX_ATTEMPTS = 20;
  /** Stands in a list for all that rounds before have added to it. */
  private static final Values.Unknown EARLIER = new Values.Unknown("an element that a loop whose number of rounds is only known at run time "
      + "has added to a list, read inside the loop", false);

  /** Something that the loop carries, with the types of the tensors and numbers in it, as general as has turned out to be needed. */
  private record Carried(TorchValue initial, List<Type> types) {
  }

  /** An element of a list, entry of a dictionary or attribute of an object. */
  private record Slot(TorchValue container, Object key) {
    @Override
    public boolean equals(Object o) {
      return o instanceof Slot s && s.container == container && s.key.equals(key);
    }

    @Override
    public int hashCode() {
      return System.identityHashCode(container) * 31 + key.hashCode();
    }
  }

  private final Interpreter in;
  private final Onnx onnx;
  private final Frame frame;
  private final List<Ast.Stmt> code;
  /** By the name of a variable, the tensor, or the slot. */
  private final Map<Object, Carried> carried = new LinkedHashMap<>();
  /** Lists that each round adds an element to, with what they held before the loop. */
  private final Map<TorchList, List<TorchValue>> growing = new IdentityHashMap<>();
  /** In the present attempt: the element that a round adds. */
  private final Map<TorchList, TorchValue> added = new IdentityHashMap<>();
  /** In the present attempt: the carried values at the beginning of a round. */
  private final Map<Object, TorchValue> entering = new HashMap<>();
  private Value round;
  private Value again;
  private TorchScalar goesOn;

  RuntimeLoop(Interpreter in, Frame frame, List<Ast.Stmt> code) {
    this.in = in;
    this.onnx = in.onnx();
    this.frame = frame;
    this.code = code;
  }

  /** A {@code for} over a range of this many numbers. */
  void repeat(TorchScalar count, String variable) {
    loop(count, null, null, variable);
  }

  /** A {@code while}, whose condition has been evaluated once. */
  void repeatWhile(TorchScalar first, Ast.Expr condition) {
    loop(null, first, condition, null);
  }

  private void loop(TorchScalar count, TorchScalar first, Ast.Expr condition, String variable) {
    for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      goesOn = null;
      Body body = Body.run(in, frame, "loop", () -> round(condition, variable));
      String problem = body.raised != null ? "its body raises '" + body.raised.getMessage() + "'" : body.result != null ? "it returns"
          : condition != null && goesOn == null ? "its condition is not known" : learn(body, variable);
      if (problem == null) {
        emit(body, count, first);
        return;
      }
      body.discard();
      if (!problem.isEmpty()) {
        giveUp(problem);
        return;
      }
    }
    giveUp("what it changes cannot be told");
  }

  private void giveUp(String why) {
    Values.Unknown unknown = in.unsupported(new LoweringException("a loop whose number of rounds is only known at run time: " + why));
    for (Object key : carried.keySet()) {
      if (key instanceof String name) {
        frame.variables.put(name, unknown);
      }
    }
  }

  // ---- one round ----

  private void round(Ast.Expr condition, String variable) {
    round = input("round", Type.tensor(DataType.INT64, Shape.SCALAR));
    again = input("again", Type.tensor(DataType.BOOL, Shape.SCALAR));
    entering.clear();
    carried.forEach((key, c) -> {
      TorchValue now = rebuilt(c, c.types.stream().map(t -> input("carried", t)).toList());
      entering.put(key, now);
      put(key, now);
    });
    growing.keySet().forEach(l -> {
      in.journal().beforeChange(l);
      Journal.restore(l, new ArrayList<>(List.of(EARLIER)));
    });
    if (variable != null) {
      frame.variables.put(variable, onnx.number(Kind.INT, round));
    }
    in.execute(code, frame);
    if (condition != null && in.evaluator().truth(in.evaluator().evaluate(condition, frame)) instanceof TorchScalar c) {
      goesOn = c;
    }
  }

  private Value input(String name, Type type) {
    Graph body = onnx.graph();
    Value v = body.addInput(body.freshName(name), type);
    onnx.inference().visitInput(v);
    return v;
  }

  /** A carried value made of these tensors. */
  private TorchValue rebuilt(Carried c, List<Value> values) {
    List<TorchValue> leaves = new ArrayList<>();
    List<TorchValue> initial = Leaves.of(c.initial);
    for (int i = 0; i < values.size(); i++) {
      Value v = values.get(i);
      leaves.add(initial.get(i) instanceof TorchScalar ? onnx.number(kind(v.dtype()), v) : TorchTensor.of(v));
    }
    return Leaves.rebuild(c.initial, leaves.iterator());
  }

  private static Kind kind(DataType t) {
    return t == DataType.BOOL ? Kind.BOOL : t.isFloat() ? Kind.FLOAT : Kind.INT;
  }

  /** Sets a variable, a tensor's elements, or what a slot holds. */
  private void put(Object key, TorchValue v) {
    if (key instanceof String name) {
      frame.variables.put(name, v);
    } else if (key instanceof TorchTensor t) {
      in.aten().write(t, ((TorchTensor) v).value());
    } else {
      Slot s = (Slot) key;
      in.journal().beforeChange(s.container);
      Map<Object, TorchValue> slots = Leaves.slots(Journal.content(s.container));
      slots.put(s.key, v);
      Journal.restore(s.container, Leaves.content(s.container, slots));
    }
  }

  // ---- what a round changes ----

  /** Compares what a round leaves with what it began with: null if all is known, empty to try again, else what is wrong. */
  private String learn(Body body, String variable) {
    int known = carried.size();
    int knownLists = growing.size();
    boolean moreGeneral = false;
    added.clear();
    for (Map.Entry<TorchValue, Map<Object, Body.Left>> e : Map.copyOf(body.containers).entrySet()) {
      if (e.getKey() instanceof TorchList l && grows(l, List.copyOf(e.getValue().values()))) {
        body.containers.remove(l);
      }
    }
    for (Map.Entry<Object, Body.Left> e : leftBy(body, variable).entrySet()) {
      TorchValue before = before(e.getKey());
      Carried c = carried.get(e.getKey());
      if (before == null) {
        return "a list or dictionary grows or shrinks in it";
      } else if (c == null) {
        if (!same(before, e.getValue().original())) {
          carry(e.getKey(), before, e.getValue().frozen());
        }
      } else {
        List<TorchValue> now = Leaves.of(e.getValue().frozen());
        if (now.size() != c.types.size() || e.getValue().frozen().getClass() != c.initial.getClass()) {
          return Values.describe(c.initial) + " becomes " + Values.describe(e.getValue().frozen()) + " in it";
        }
        for (int i = 0; i < now.size(); i++) {
          Type general = general(c.types.get(i), typeOf(now.get(i)));
          moreGeneral |= !general.equals(c.types.set(i, general));
        }
      }
    }
    return moreGeneral || carried.size() > known || growing.size() > knownLists ? "" : null;
  }

  /** True if a round only adds to the end of a list. */
  private boolean grows(TorchList l, List<Body.Left> now) {
    List<TorchValue> before = growing.containsKey(l) ? List.of(EARLIER) : l.elements();
    if (now.size() != before.size() + 1 || !Leaves.isLeaf(now.get(before.size()).frozen())) {
      return false;
    }
    for (int i = 0; i < before.size(); i++) {
      if (now.get(i).original() != before.get(i)) {
        return false;
      }
    }
    growing.putIfAbsent(l, List.copyOf(l.elements()));
    added.put(l, now.get(before.size()).frozen());
    return true;
  }

  /** Everything that was there before the loop and that a round has changed. */
  private Map<Object, Body.Left> leftBy(Body body, String variable) {
    Map<Object, Body.Left> left = new LinkedHashMap<>();
    body.variables.forEach((name, v) -> {
      if (frame.variables.containsKey(name) && !name.equals(variable)) {
        left.put(name, v);
      }
    });
    body.written.forEach((t, v) -> left.put(t, Body.Left.of(TorchTensor.of(v))));
    body.containers.forEach((container, slots) -> {
      slots.forEach((k, v) -> left.put(new Slot(container, k), v));
      Leaves.slots(Journal.content(container)).keySet().stream().filter(k -> !slots.containsKey(k))
          .forEach(k -> left.put(new Slot(container, new Object()), null));
    });
    return left;
  }

  /** What a variable, tensor or slot holds outside the loop; null if there is no such slot. */
  private TorchValue before(Object key) {
    if (key instanceof String name) {
      return frame.variables.get(name);
    } else if (key instanceof TorchTensor t) {
      return TorchTensor.of(t.value());
    }
    return Leaves.slots(Journal.content(((Slot) key).container)).get(((Slot) key).key);
  }

  private static boolean same(TorchValue before, TorchValue after) {
    return before == after || !(before instanceof TorchTensor) && before.equals(after);
  }

  private void carry(Object key, TorchValue before, TorchValue after) {
    TorchValue initial = before instanceof Values.Uninitialized ? Leaves.map(after, leaf -> Merge.filler(onnx, leaf)) : before;
    List<Type> types = new ArrayList<>(Leaves.of(initial).stream().map(this::typeOf).toList());
    carried.put(key, new Carried(initial, types));
  }

  private Type typeOf(TorchValue leaf) {
    return leaf instanceof TorchTensor t ? Type.tensor(t.dtype(), t.shape()) : Type.tensor(((TorchScalar) leaf).dtype(), Shape.SCALAR);
  }

  private static Type general(Type a, Type b) {
    Type.TensorType x = (Type.TensorType) a;
    Type.TensorType y = (Type.TensorType) b;
    Shape shape = x.shape().equals(y.shape()) ? x.shape() : Merge.common(x.shape(), y.shape());
    // A dimension that is unknown already stays the unknown that it is.
    return x.dtype() == y.dtype() && sameButUnknown(x.shape(), shape) ? x : Type.tensor(Promotion.join(x.dtype(), y.dtype()), shape);
  }

  private static boolean sameButUnknown(Shape old, Shape general) {
    if (old.hasRank() != general.hasRank()) {
      return false;
    }
    for (int i = 0; old.hasRank() && i < old.rank(); i++) {
      if (!old.dim(i).equals(general.dim(i)) && !old.dim(i).isAnonymous()) {
        return false;
      }
    }
    return true;
  }

  // ---- the node ----

  private void emit(Body body, TorchScalar count, TorchScalar first) {
    Graph outer = onnx.graph();
    onnx.resume(body.graph);
    List<Value> outputs = new ArrayList<>();
    outputs.add(Merge.exported(onnx, body.graph, outputs, goesOn == null ? again : goesOn.scalar(onnx)));
    Map<Object, Body.Left> left = leftBy(body, null);
    carried.forEach((key, c) -> {
      TorchValue after = left.containsKey(key) ? left.get(key).frozen() : entering.get(key);
      List<TorchValue> leaves = Leaves.of(after);
      for (int i = 0; i < leaves.size(); i++) {
        onnx.resume(body.graph);
        outputs.add(Merge.exported(onnx, body.graph, outputs, elements(leaves.get(i), c.types.get(i))));
      }
    });
    List<TorchList> lists = List.copyOf(growing.keySet());
    for (TorchList l : lists) {
      onnx.resume(body.graph);
      TorchValue element = added.get(l);
      Value v = element instanceof TorchTensor t ? t.value() : ((TorchScalar) element).scalar(onnx);
      outputs.add(Merge.exported(onnx, body.graph, outputs, v));
    }
    onnx.resume(outer);
    if (outputs.size() == 1) {
      body.discard();
      return;
    }
    List<Type> stacked = outputs.subList(outputs.size() - lists.size(), outputs.size()).stream().map(RuntimeLoop::stacked).toList();
    outputs.forEach(body.graph::addOutput);
    OnnxNode node = onnx.node("Loop").in(count == null ? null : count.scalar(onnx),
        // Without anything carried it would be the last input, and Loop wants two.
        first == null ? onnx.scalar(DataType.BOOL, 1) : first.scalar(onnx));
    carried.values().forEach(c -> {
      List<TorchValue> leaves = Leaves.of(c.initial);
      for (int i = 0; i < leaves.size(); i++) {
        node.in(elements(leaves.get(i), c.types.get(i)));
        node.hint(c.types.get(i));
      }
    });
    stacked.forEach(node::hint);
    List<Value> results = node.attr("body", body.graph).outs(outputs.size() - 1);
    int[] next = new int[1];
    carried.forEach((key, c) -> put(key, rebuilt(c, results.subList(next[0], next[0] += c.types.size()))));
    for (TorchList l : lists) {
      Kind kind = added.get(l) instanceof TorchScalar s ? s.kind() : null;
      collected(l, new RuntimeList(results.get(next[0]++), kind).after(onnx, growing.get(l)));
    }
  }

  private static Type stacked(Value element) {
    List<Dim> dims = new ArrayList<>(List.of(Dim.unknown()));
    if (element.shape().hasRank()) {
      dims.addAll(element.shape().dims());
    }
    return Type.tensor(element.dtype(), element.shape().hasRank() ? Shape.of(dims) : Shape.unknown());
  }

  /** Puts a list of a length known at run time in place of the list that the loop added to. */
  private void collected(TorchList l, RuntimeList all) {
    frame.variables.replaceAll((name, v) -> v == l ? all : v);
    in.journal().beforeChange(l);
    Journal.restore(l, new ArrayList<>(List.of(EARLIER)));
  }

  private Value elements(TorchValue leaf, Type type) {
    DataType dtype = ((Type.TensorType) type).dtype();
    return leaf instanceof TorchTensor t ? onnx.cast(t.value(), dtype) : ((TorchScalar) leaf).scalar(onnx, dtype);
  }
}
