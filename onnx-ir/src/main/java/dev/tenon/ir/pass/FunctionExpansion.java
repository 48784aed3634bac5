package dev.tenon.ir.pass;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Function;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.function.FunctionOpsets;
import dev.tenon.ir.function.Inliner;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Puts the bodies of model-local functions in place of their calls, nested ones too: attributes are resolved to the call's or the
 * function's defaults, optional inputs and outputs may be left out, names are made unique, and the nodes get the provenance of the
 * call. Functions of {@code dev.tenon} stay calls: they stand for operators that the backend knows.
 *
 * <p>A body may be written for another opset than the model. Operators that mean the same in both are taken over as they are; if there
 * are others, the call stays and a diagnostic says which ({@code function-opset}).
 */
public final class FunctionExpansion implements Pass {
  /** Functions that call functions that … in a few lines of file can make a model of any size. */
  private static final int MAX_NODES = 5_000_000;

  @Override
  public String name() {
    return "expand-functions";
  }

  @Override
  public String description() {
    return "put the bodies of model-local functions in place of their calls";
  }

  @Override
  public PassResult run(PassContext context) {
    Model model = context.model();
    if (model.functions().isEmpty()) {
      return PassResult.UNCHANGED;
    }
    refuseRecursion(model);
    Set<Function> reported = new HashSet<>();
    int expanded = 0;
    Deque<Node> calls = new ArrayDeque<>();
    model.graph().forEachNode(n -> addCall(n, model, calls));
    int nodes = context.nodeCount();
    Set<String> names = Inliner.nodeNames(model.graph());
    while (!calls.isEmpty()) {
      Node call = calls.pop();
      Function f = model.functions().get(Function.Id.of(call));
      Set<String> changed = FunctionOpsets.changedOperators(f, model);
      if (!changed.isEmpty()) {
        if (reported.add(f)) {
          context.diagnostics().error("function-opset", call, "function " + f.domain() + "::" + f.name() + " is written for opset "
              + f.opsetImports().getOrDefault("", 1) + " and the model for " + model.opset() + ", and between them the meaning of "
              + String.join(", ", changed) + " changed", "export the model with functions inlined");
        }
        continue;
      }
      Node before = call.previous();
      Graph g = call.graph();
      expand(call, f, model, names);
      expanded++;
      for (Node n = before == null ? g.firstNode() : before.next(); n != null && n != call.next(); n = n.next()) {
        nodes++;
        addCall(n, model, calls);
        n.subgraphs().forEach(sub -> sub.forEachNode(inner -> addCall(inner, model, calls)));
      }
      if (nodes > MAX_NODES) {
        throw BadInputException.of(file(model), "function " + f.name(), "more than " + MAX_NODES + " nodes after expansion", "fewer");
      }
    }
    return PassResult.of("expanded-calls", expanded);
  }

  private static Object file(Model model) {
    return model.source() == null ? "model" : model.source();
  }

  private static void addCall(Node n, Model model, Deque<Node> calls) {
    if (!PassContext.isTenonOperator(n) && model.functions().containsKey(Function.Id.of(n))) {
      calls.push(n);
    }
  }

  private static void refuseRecursion(Model model) {
    Set<Function.Id> done = new HashSet<>();
    for (Function f : model.functions().values()) {
      visit(f, model, new LinkedHashSet<>(), done);
    }
  }

  private static void visit(Function f, Model model, Set<Function.Id> open, Set<Function.Id> done) {
    if (done.contains(f.id())) {
      return;
    }
    if (!open.add(f.id())) {
      throw BadInputException.of(file(model), "function " + f.name(), "a function that calls itself: "
          + String.join(" → ", open.stream().map(Function.Id::name).toList()) + " → " + f.name(), "functions without recursion");
    }
    f.body().forEachNode(n -> {
      Function called = model.functions().get(Function.Id.of(n));
      if (called != null) {
        visit(called, model, open, done);
      }
    });
    open.remove(f.id());
    done.add(f.id());
  }

  private static void expand(Node call, Function f, Model model, Set<String> names) {
    Graph g = call.graph();
    String prefix = call.name().isEmpty() ? call.output().name() : call.name();
    Inliner inliner = new Inliner(a -> resolve(a, call, f), call.provenance(), prefix, names);
    List<Value> results = inliner.inline(f.body(), call.inputs(), call);
    f.opsetImports().forEach((domain, version) -> model.opsetImports().putIfAbsent(domain, version));
    List<Value> outputs = new ArrayList<>(call.outputs());
    for (int i = 0; i < outputs.size(); i++) {
      if (outputs.get(i) == null) {
        continue;
      }
      Value result = i < results.size() ? results.get(i) : null;
      if (result == null) {
        throw BadInputException.of(file(model), call.label(), "a use of output " + i + ", which function " + f.name()
            + " takes from an input that is left out", "all inputs that used outputs need");
      }
      if (result.type() == null) {
        result.setType(outputs.get(i).type());
      }
      g.replaceAllUses(outputs.get(i), result);
    }
    g.remove(call);
  }

  private static Attribute resolve(Attribute a, Node call, Function f) {
    if (!a.isReference()) {
      return a;
    }
    Attribute given = call.attribute(a.refName());
    Map<String, Attribute> defaults = f.attributeDefaults();
    Attribute value = given != null ? given : defaults.get(a.refName());
    // An attribute that neither the call nor the function gives is left to the operator's own default.
    return value == null ? null : value.withName(a.name());
  }
}
