package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.aten.Aten;
import dev.tenon.frontend.aten.LoweringException;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchDict;
import dev.tenon.frontend.aten.TorchList;
import dev.tenon.frontend.aten.TorchNone;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchString;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostic;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.diag.Severity;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Runs TorchScript abstractly: statements here, expressions in {@link Evaluator}, decisions that are only made when the model runs in
 * {@link Branches} and {@link Loops}. What can be computed is; operators on tensors become nodes. Calls are inlined.
 *
 * <p>Code is untrusted: the number of statements, nodes and nested calls is bounded.
 */
final class Interpreter {
  private static final long MAX_STATEMENTS = 20_000_000;
  private static final int MAX_NODES = 1_000_000;
  private static final int MAX_CALLS = 200;

  private final Aten aten;
  private final Diagnostics diagnostics;
  private final CodeBase code;
  private final ModuleTree modules;
  private final InputDemands demands;
  private final Journal journal = new Journal();
  private final Scalars scalars;
  private final Numbers numbers;
  private final Evaluator evaluator;
  private final Operators operators;
  private final Branches branches;
  private final Loops loops;
  private Frame frame;
  private long statements;
  private int calls;

  Interpreter(Aten aten, Diagnostics diagnostics, CodeBase code, ModuleTree modules, InputDemands demands, Operators operators) {
    this.aten = aten;
    this.diagnostics = diagnostics;
    this.code = code;
    this.modules = modules;
    this.demands = demands;
    this.scalars = new Scalars(aten.onnx());
    this.numbers = new Numbers(aten.onnx());
    this.operators = operators;
    this.evaluator = new Evaluator(this, operators);
    this.branches = new Branches(this);
    this.loops = new Loops(this);
  }

  Aten aten() {
    return aten;
  }

  Onnx onnx() {
    return aten.onnx();
  }

  CodeBase code() {
    return code;
  }

  ModuleTree modules() {
    return modules;
  }

  InputDemands demands() {
    return demands;
  }

  Journal journal() {
    return journal;
  }

  Scalars scalars() {
    return scalars;
  }

  Numbers numbers() {
    return numbers;
  }

  Evaluator evaluator() {
    return evaluator;
  }

  Operators operators() {
    return operators;
  }

  Branches branches() {
    return branches;
  }

  /** The call in progress; null before the first. */
  Frame frame() {
    return frame;
  }

  /** Calls an operator from within a built-in function. */
  TorchValue operator(String name, List<TorchValue> positional) {
    return operators.call(this, name, positional, Map.of(), frame.at, 1);
  }

  /** Code that is not as PyTorch prints it. */
  BadInputException bad(String found, String expected) {
    return Ast.error(code.label(), frame.unit.entry(), frame.at, found, expected);
  }

  /** Reports what cannot be converted at the present place, and gives the value that stands for its result. */
  Values.Unknown unsupported(LoweringException e) {
    operators.place(this, frame.at, "");
    aten.report(e);
    return new Values.Unknown(e.getMessage(), true);
  }

  /** Tells the user what has been taken for granted at the present place. */
  void assumed(String what) {
    diagnostics.add(new Diagnostic(Severity.WARNING, "assumed", "", operators.location(frame), "the conversion assumes that " + what, ""));
  }

  /** Tells the user of an unknown value that is used now, unless that has been done. */
  Values.Unknown used(Values.Unknown v) {
    return v.reported() ? v : unsupported(new LoweringException(v.why()));
  }

  // ---- calls ----

  /** Calls a function or method. */
  TorchValue call(Values.Callable f, List<TorchValue> positional, Map<String, TorchValue> named, Ast.Position at) {
    String path = f.self() != null && f.self().path() != null ? f.self().path() : frame == null ? "" : frame.modulePath;
    List<TorchValue> all = new ArrayList<>();
    if (f.self() != null) {
      all.add(f.self());
    }
    all.addAll(positional);
    return run(f.def(), new Frame(f.unit(), path, null, at), all, named);
  }

  /** Calls a function that was defined inside another. */
  TorchValue call(Values.Closure f, List<TorchValue> positional, Ast.Position at) {
    return run(f.def(), new Frame(f.around().unit, f.around().modulePath, f.around(), at), positional, Map.of());
  }

  private TorchValue run(Ast.FunctionDef f, Frame callee, List<TorchValue> positional, Map<String, TorchValue> named) {
    Frame caller = frame;
    calls++;
    try {
      if (calls > MAX_CALLS) {
        throw bad("calls nested more than " + MAX_CALLS + " deep", "fewer");
      }
      if (caller == null) {
        frame = callee;
      }
      bind(f, callee, positional, named);
      frame = callee;
      execute(f.body(), callee);
      return callee.result == null ? TorchNone.NONE : callee.result;
    } finally {
      frame = caller;
      calls--;
    }
  }

  private void bind(Ast.FunctionDef f, Frame callee, List<TorchValue> positional, Map<String, TorchValue> named) {
    if (positional.size() > f.params().size()) {
      throw bad(positional.size() + " arguments for " + f.name(), "at most " + f.params().size());
    }
    int used = 0;
    for (int i = 0; i < f.params().size(); i++) {
      Ast.Param p = f.params().get(i);
      TorchValue v = i < positional.size() ? positional.get(i) : named.get(p.name());
      if (i >= positional.size() && v != null) {
        used++;
      }
      if (v == null && p.defaultValue() != null) {
        v = evaluator.evaluate(p.defaultValue(), callee);
      }
      if (v == null) {
        throw bad("no argument '" + p.name() + "' for " + f.name(), "one");
      }
      callee.variables.put(p.name(), v);
    }
    if (used < named.size()) {
      throw bad("the arguments " + named.keySet() + " for " + f.name(), "names of parameters that are not given by position");
    }
  }

  // ---- statements ----

  /** Runs statements until the end or a {@code return}, which sets the frame's result. */
  void execute(List<Ast.Stmt> body, Frame in) {
    for (Ast.Stmt s : body) {
      if (in.result != null) {
        return;
      }
      in.at = s.at();
      statements++;
      if (statements > MAX_STATEMENTS) {
        throw bad("more than " + MAX_STATEMENTS + " statements to run", "fewer; is there an endless loop?");
      }
      if (onnx().nodeCount() > MAX_NODES) {
        throw bad("more than " + MAX_NODES + " nodes", "fewer; is there a long loop?");
      }
      execute(s, in);
    }
  }

  private void execute(Ast.Stmt s, Frame in) {
    if (s instanceof Ast.Assign a) {
      assign(a, in);
    } else if (s instanceof Ast.ExprStmt e) {
      evaluator.evaluate(e.value(), in);
    } else if (s instanceof Ast.If i) {
      branches.execute(i, in);
    } else if (s instanceof Ast.While w) {
      loops.execute(w, in);
    } else if (s instanceof Ast.For f) {
      loops.execute(f, in);
    } else if (s instanceof Ast.With w) {
      with(w, in);
    } else if (s instanceof Ast.Return r) {
      in.result = r.value() == null ? TorchNone.NONE : evaluator.evaluate(r.value(), in);
    } else if (s instanceof Ast.Raise r) {
      throw new RaiseSignal("an exception");
    } else if (s instanceof Ast.Assert a) {
      if (evaluator.evaluate(a.condition(), in) instanceof TorchScalar t && t.isConstant() && !t.toBoolean()) {
        throw new RaiseSignal("AssertionError");
      }
    } else if (s instanceof Ast.NestedDef d) {
      in.variables.put(d.function().name(), new Values.Closure(d.function(), in));
    }
  }

  /** Contexts of PyTorch ({@code no_grad}, {@code autocast}, profilers) do not change what is computed here. */
  private void with(Ast.With w, Frame in) {
    TorchValue context = evaluator.evaluate(w.context(), in);
    if (w.target() instanceof Ast.Name n) {
      in.variables.put(n.id(), context);
    }
    execute(w.body(), in);
  }

  private void assign(Ast.Assign a, Frame in) {
    int expected = a.unpack() ? a.targets().size() : 1;
    TorchValue v = evaluator.evaluate(a.value(), in, expected);
    if (!a.unpack()) {
      assign(a.targets().get(0), v, in);
      return;
    }
    List<TorchValue> elements = unpacked(v, expected);
    for (int i = 0; i < expected; i++) {
      assign(a.targets().get(i), elements.get(i), in);
    }
  }

  private List<TorchValue> unpacked(TorchValue v, int expected) {
    List<TorchValue> elements = Values.elements(v);
    if (v instanceof Values.Unknown || v instanceof Values.Uninitialized || elements == null && v instanceof TorchTensor && expected > 0) {
      List<TorchValue> all = new ArrayList<>();
      for (int i = 0; i < expected; i++) {
        // An operator that is not known has been reported; its first result stands for all.
        all.add(v);
      }
      return all;
    }
    if (elements == null || elements.size() != expected) {
      throw elements == null ? bad(Values.describe(v), "a tuple of " + expected)
          : new RaiseSignal("expected " + expected + " values, got " + elements.size());
    }
    return elements;
  }

  private void assign(Ast.Expr target, TorchValue v, Frame in) {
    if (target instanceof Ast.Name n) {
      in.variables.put(n.id(), v);
    } else if (target instanceof Ast.Attr attribute) {
      TorchValue object = evaluator.evaluate(attribute.object(), in);
      if (!(object instanceof Instance instance)) {
        throw bad("an attribute of " + Values.describe(object), "of an object");
      }
      journal.beforeChange(instance);
      instance.attributes().put(attribute.name(), v);
    } else if (target instanceof Ast.Subscript s) {
      setItem(evaluator.evaluate(s.object(), in), evaluator.evaluate(s.index(), in), v);
    }
  }

  // ---- elements ----

  /** A position in a list made non-negative. */
  static int position(long i, int size) {
    long at = i < 0 ? i + size : i;
    if (at < 0 || at >= size) {
      throw new RaiseSignal("IndexError: list index " + i + " out of range for " + size + " elements");
    }
    return (int) at;
  }

  /** {@code object[index]}. */
  TorchValue item(TorchValue object, TorchValue index) {
    if (object instanceof Values.Unknown || index instanceof Values.Unknown) {
      return object instanceof Values.Unknown ? object : index;
    }
    if (object instanceof TorchDict d) {
      TorchValue v = d.entries().get(index);
      if (v == null) {
        throw new RaiseSignal("KeyError: " + Values.describe(index));
      }
      return v;
    }
    if (object instanceof RuntimeList l && index instanceof TorchScalar at) {
      return l.get(onnx(), at);
    }
    if (object instanceof TorchTensor) {
      return operator("aten::select", List.of(object, TorchScalar.of(0), index));
    }
    if (!(index instanceof TorchScalar i)) {
      throw bad(Values.describe(index) + " as an index", "an integer");
    }
    if (!i.isConstant()) {
      return unsupported(new LoweringException("an element of a list at a position that is only known at run time"));
    }
    if (object instanceof TorchString s) {
      int at = position(i.toLong(), s.text().length());
      return new TorchString(s.text().substring(at, at + 1));
    }
    List<TorchValue> elements = Values.elements(object);
    if (elements == null) {
      throw bad("an element of " + Values.describe(object), "of a list, tuple, dict or string");
    }
    return elements.get(position(i.toLong(), elements.size()));
  }

  /** {@code object[index] = v}. */
  void setItem(TorchValue object, TorchValue index, TorchValue v) {
    if (object instanceof TorchDict d) {
      journal.beforeChange(d);
      d.entries().put(index, v);
    } else if (object instanceof TorchList l && index instanceof TorchScalar i && i.isConstant()) {
      journal.beforeChange(l);
      l.elements().set(position(i.toLong(), l.elements().size()), v);
    } else if (!(object instanceof Values.Unknown)) {
      unsupported(new LoweringException("an element set in " + Values.describe(object) + " at " + Values.describe(index)));
    }
  }

  // ---- equality ----

  /** Python's {@code ==}, where both are no tensors. */
  TorchScalar equal(TorchValue x, TorchValue y) {
    if (x instanceof TorchScalar a && y instanceof TorchScalar b) {
      return numbers.compare("eq", a, b);
    }
    if (x instanceof TorchTensor t && y instanceof TorchScalar s || x instanceof TorchScalar s2 && y instanceof TorchTensor) {
      TorchValue r = operator("aten::eq", x instanceof TorchTensor ? List.of(x, y) : List.of(y, x));
      return r instanceof TorchTensor e ? numbers.to(TorchScalar.Kind.BOOL, scalars.natural(e)) : TorchScalar.of(false);
    }
    List<TorchValue> a = Values.elements(x);
    List<TorchValue> b = Values.elements(y);
    if (a == null || b == null) {
      return TorchScalar.of(x instanceof TorchDict d && y instanceof TorchDict e ? d.entries().equals(e.entries()) : x.equals(y));
    }
    if (a.size() != b.size()) {
      return TorchScalar.of(false);
    }
    TorchScalar all = TorchScalar.of(true);
    for (int i = 0; i < a.size() && !all.equals(TorchScalar.of(false)); i++) {
      all = numbers.logic(true, all, equal(a.get(i), b.get(i)));
    }
    return all;
  }
}
