package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.aten.LoweringException;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.OnnxNode;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Decisions. One that is known takes its arm; an arm that only raises an exception is left out, since a converted model has none; else
 * both arms become bodies of an {@code If}, and what they leave behind its outputs.
 */
final class Branches {
  private static final String VALUE = "<value>";

  private final Interpreter in;

  Branches(Interpreter in) {
    this.in = in;
  }

  void execute(Ast.If s, Frame frame) {
    boolean thenRaises = raises(s.then());
    boolean otherwiseRaises = raises(s.otherwise());
    TorchValue condition = in.evaluator().truth(in.evaluator().evaluate(s.condition(), frame));
    if (condition instanceof TorchScalar c && c.isConstant()) {
      in.execute(c.toBoolean() ? s.then() : s.otherwise(), frame);
    } else if (thenRaises != otherwiseRaises) {
      in.demands().look(s.condition(), !thenRaises, frame, in);
      in.execute(thenRaises ? s.otherwise() : s.then(), frame);
    } else if (condition instanceof TorchScalar c) {
      merged(c, () -> in.execute(s.then(), frame), () -> in.execute(s.otherwise(), frame), frame);
    } else {
      undecided(condition);
      in.execute(s.otherwise(), frame);
    }
  }

  private void undecided(TorchValue condition) {
    if (condition instanceof Values.Unknown u) {
      in.used(u);
    } else {
      in.unsupported(new LoweringException("a decision on " + Values.describe(condition)));
    }
  }

  /** The value of {@code a if condition else b}, where the condition is only known at run time. */
  TorchValue choose(TorchValue condition, Ast.Ternary t, Frame frame) {
    if (!(condition instanceof TorchScalar c)) {
      return condition;
    }
    merged(c, () -> frame.variables.put(VALUE, in.evaluator().evaluate(t.then(), frame)),
        () -> frame.variables.put(VALUE, in.evaluator().evaluate(t.otherwise(), frame)), frame);
    return frame.variables.remove(VALUE);
  }

  /** True if a block ends in an exception whatever happens in it. */
  private static boolean raises(List<Ast.Stmt> block) {
    for (Ast.Stmt s : block) {
      if (s instanceof Ast.Raise || s instanceof Ast.ExprStmt e && e.value() instanceof Ast.Call c
          && "ops.prim.RaiseException".equals(Ast.dotted(c.callee()))) {
        return true;
      }
      if (s instanceof Ast.If i && raises(i.then()) && raises(i.otherwise())) {
        return true;
      }
    }
    return false;
  }

  // ---- decisions at run time ----

  private void merged(TorchScalar condition, Runnable then, Runnable otherwise, Frame frame) {
    Value decision = condition.scalar(in.onnx());
    Body a = Body.run(in, frame, "then", then);
    Body b = Body.run(in, frame, "else", otherwise);
    if (a.raised != null || b.raised != null) {
      a.discard();
      b.discard();
      if (a.raised != null && b.raised != null) {
        throw a.raised;
      }
      (a.raised != null ? otherwise : then).run();
      return;
    }
    Join join = new Join(decision, a, b, frame);
    join.plan();
    Boolean usual = in.numbers().ifNotEmpty(condition);
    if (join.merge.ranksDiffer() && usual != null) {
      // boxes if there are any, else nothing of another rank: the model is made for there being some.
      join.giveUp();
      in.assumed("something here is not empty; if it is when the model runs, results differ from PyTorch's");
      (usual ? then : otherwise).run();
      return;
    }
    join.apply();
  }

  /** One {@code If}: merges what its bodies leave behind, adds the node, and carries its outputs back to where they belong. */
  private final class Join {
    private final Onnx onnx = in.onnx();
    private final Graph outer = onnx.graph();
    private final Value decision;
    private final Body a;
    private final Body b;
    private final Frame frame;
    private final Merge merge;
    private final Map<String, Merge.Plan> variables = new LinkedHashMap<>();
    private final Map<TorchTensor, Merge.Plan> tensors = new LinkedHashMap<>();
    private final Map<TorchValue, Map<Object, Merge.Plan>> containers = new IdentityHashMap<>();
    private Merge.Plan result;

    Join(Value decision, Body a, Body b, Frame frame) {
      this.decision = decision;
      this.a = a;
      this.b = b;
      this.frame = frame;
      this.merge = new Merge(onnx, a.graph, b.graph);
    }

    void plan() {
      planVariables();
      planTensors();
      planContainers();
      if (a.result != null && b.result != null) {
        result = plan(a.result, b.result);
      } else if (a.result != null || b.result != null) {
        throw in.bad("a return in one arm of a decision at run time", "none, as in code that PyTorch printed");
      }
      onnx.resume(outer);
    }

    void giveUp() {
      a.discard();
      b.discard();
    }

    void apply() {
      List<Value> outputs = node();
      variables.forEach((name, plan) -> frame.variables.put(name, plan.apply(outputs)));
      tensors.forEach((t, plan) -> in.aten().write(t, ((TorchTensor) plan.apply(outputs)).value()));
      containers.forEach((container, plans) -> {
        Map<Object, TorchValue> slots = new LinkedHashMap<>();
        plans.forEach((k, plan) -> slots.put(k, plan.apply(outputs)));
        in.journal().beforeChange(container);
        Journal.restore(container, Leaves.content(container, slots));
      });
      if (result != null) {
        frame.result = result.apply(outputs);
      }
    }

    private Merge.Plan plan(Body.Left x, Body.Left y) {
      return x.original() == y.original() ? outputs -> x.original() : merge.merge(x.frozen(), y.frozen());
    }

    /** Names that only one arm assigns, and that were not there before, are its own. */
    private void planVariables() {
      Set<String> names = new LinkedHashSet<>(a.variables.keySet());
      names.addAll(b.variables.keySet());
      for (String name : names) {
        Body.Left x = left(a, name);
        Body.Left y = left(b, name);
        if (x != null && y != null) {
          variables.put(name, plan(x, y));
        }
      }
    }

    private Body.Left left(Body arm, String name) {
      Body.Left left = arm.variables.get(name);
      TorchValue before = frame.variables.get(name);
      onnx.resume(outer);
      return left != null || before == null ? left : Body.Left.of(before);
    }

    private void planTensors() {
      Set<TorchTensor> all = new LinkedHashSet<>(a.written.keySet());
      all.addAll(b.written.keySet());
      for (TorchTensor t : all) {
        Value x = a.written.getOrDefault(t, t.value());
        Value y = b.written.getOrDefault(t, t.value());
        tensors.put(t, merge.merge(TorchTensor.of(x), TorchTensor.of(y)));
      }
    }

    private void planContainers() {
      Set<TorchValue> all = Collections.newSetFromMap(new IdentityHashMap<>());
      all.addAll(a.containers.keySet());
      all.addAll(b.containers.keySet());
      for (TorchValue container : all) {
        Map<Object, Body.Left> x = slots(a, container);
        Map<Object, Body.Left> y = slots(b, container);
        Map<Object, Merge.Plan> plans = new LinkedHashMap<>();
        if (!x.keySet().equals(y.keySet())) {
          Values.Unknown unknown = in.unsupported(new LoweringException("a container of which only the running model decides what it holds"));
          x.keySet().forEach(k -> plans.put(k, outputs -> unknown));
        } else {
          x.forEach((k, v) -> plans.put(k, plan(v, y.get(k))));
        }
        containers.put(container, plans);
      }
    }

    private Map<Object, Body.Left> slots(Body arm, TorchValue container) {
      Map<Object, Body.Left> slots = arm.containers.get(container);
      onnx.resume(outer);
      if (slots == null) {
        Map<Object, Body.Left> now = new LinkedHashMap<>();
        Leaves.slots(Journal.content(container)).forEach((k, v) -> now.put(k, Body.Left.of(v)));
        return now;
      }
      return slots;
    }

    private List<Value> node() {
      int count = merge.types().size();
      if (count == 0) {
        giveUp();
        return List.of();
      }
      List<Value> outputs = new ArrayList<>();
      merge.thenOutputs().forEach(a.graph::addOutput);
      merge.otherwiseOutputs().forEach(b.graph::addOutput);
      OnnxNode node = onnx.node("If").in(decision).attr("then_branch", a.graph).attr("else_branch", b.graph);
      merge.types().forEach(node::hint);
      outputs.addAll(node.outs(count));
      return outputs;
    }
  }
}
