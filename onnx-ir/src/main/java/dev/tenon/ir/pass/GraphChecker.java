package dev.tenon.ir.pass;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Function;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.SparseTensor;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Use;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.ConversionException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Checks the invariants of a model's graphs, in linear time:
 *
 * <ul>
 *   <li>uses and inputs, producers and outputs agree, also the counts of graph outputs
 *   <li>each value has one origin: a graph input, an initializer, or one output of one node; names are unique, those of nodes too
 *   <li>a node reads only values that are defined before it, in its graph or around it; nothing dangles
 *   <li>an attribute's value is of its kind; references occur in functions only; a subgraph knows its owner and its parent
 *   <li>every domain in use is imported, every {@code dev.tenon} operator has its function
 * </ul>
 */
public final class GraphChecker {
  private static final int MAX_PROBLEMS = 5;

  private final Model model;
  private final List<String> problems = new ArrayList<>();
  /** How often each value is read and is an output, counted over all graphs. */
  private final Map<Value, Integer> reads = new IdentityHashMap<>();
  private final Map<Value, Integer> outputs = new IdentityHashMap<>();
  private final Map<String, Value> names = new HashMap<>();
  private boolean inFunction;


  public GraphChecker(Model model) {
    this.model = model;
  }

  /**
   * @param after what ran last, for the message
   * @throws ConversionException with the first problems
   */
  public void check(String after) {
    List<String> found = problems();
    if (!found.isEmpty()) {
      throw new ConversionException("after " + after + " the graph is broken: " + String.join("; ", found));
    }
  }

  /** The first few problems, empty if there are none. */
  public List<String> problems() {
    problems.clear();
    checkScope(model.graph(), new HashSet<>());
    checkOutputs();
    for (Function f : model.functions().values()) {
      inFunction = true;
      names.clear();
      reads.clear();
      outputs.clear();
      checkScope(f.body(), new HashSet<>());
      inFunction = false;
    }
    return List.copyOf(problems);
  }

  private void problem(String text) {
    if (problems.size() < MAX_PROBLEMS) {
      problems.add(text);
    }
  }

  private void checkScope(Graph g, Set<Value> visible) {
    List<Value> defined = new ArrayList<>();
    for (Value v : g.inputs()) {
      define(v, g, visible, defined);
      if (!v.isGraphInput() || v.producer() != null) {
        problem("input %" + v.name() + " has a producer or is not marked as an input");
      }
    }
    for (Value v : g.initializers()) {
      if (!v.isGraphInput()) {
        define(v, g, visible, defined);
      }
      if (v.initializer() == null || v.producer() != null) {
        problem("initializer %" + v.name() + " has no tensor, or a producer");
      }
    }
    Set<String> nodeNames = new HashSet<>();
    for (Node n : g.nodes()) {
      checkNode(n, g, visible, defined);
      if (!inFunction && !n.name().isEmpty() && !nodeNames.add(n.name())) {
        problem("two nodes have the name '" + n.name() + "'");
      }
    }
    for (Value v : g.outputs()) {
      if (!visible.contains(v)) {
        problem("output %" + v.name() + " of graph " + g.name() + " is defined nowhere");
      }
      outputs.merge(v, 1, Integer::sum);
    }
    for (Value v : defined) {
      int count = reads.getOrDefault(v, 0);
      if (v.uses().size() != count) {
        problem("%" + v.name() + " is read " + count + " times but lists " + v.uses().size() + " uses");
      }
      visible.remove(v);
    }
  }

  private void define(Value v, Graph g, Set<Value> visible, List<Value> defined) {
    if (v.graph() != g) {
      problem("%" + v.name() + " belongs to another graph than " + g.name());
    }
    if (!visible.add(v)) {
      problem("%" + v.name() + " is defined twice");
      return;
    }
    Value other = names.putIfAbsent(v.name(), v);
    if (other != null && other != v) {
      problem("two values have the name '" + v.name() + "'");
    }
    defined.add(v);
  }

  private void checkNode(Node n, Graph g, Set<Value> visible, List<Value> defined) {
    if (n.graph() != g || n.isRemoved()) {
      problem(n.label() + " is removed, or belongs to another graph");
    }
    for (int i = 0; i < n.inputs().size(); i++) {
      Value v = n.input(i);
      if (v == null) {
        continue;
      }
      reads.merge(v, 1, Integer::sum);
      if (!visible.contains(v)) {
        problem(n.label() + " reads %" + v.name() + ", which is not defined before it");
      }
      if (!v.uses().contains(new Use(n, i))) {
        problem(n.label() + " reads %" + v.name() + ", which does not list that use");
      }
    }
    checkAttributes(n, g);
    for (Graph sub : n.subgraphs()) {
      checkScope(sub, visible);
    }
    for (int i = 0; i < n.outputs().size(); i++) {
      Value v = n.output(i);
      if (v == null) {
        continue;
      }
      if (v.producer() != n || v.outputIndex() != i || v.initializer() != null || v.isGraphInput()) {
        problem("output %" + v.name() + " of " + n.label() + " has another origin");
      }
      define(v, g, visible, defined);
    }
    checkDomain(n);
  }

  private void checkDomain(Node n) {
    if (!inFunction && !n.domain().isEmpty() && !model.opsetImports().containsKey(n.domain())) {
      problem("the domain '" + n.domain() + "' of " + n.label() + " is not imported");
    }
    if (PassContext.isTenonOperator(n) && !model.functions().containsKey(Function.Id.of(n))) {
      problem(n.label() + " has no function that says what it means");
    }
  }

  private void checkAttributes(Node n, Graph g) {
    for (Attribute a : n.attributes()) {
      if (a.isReference()) {
        if (!inFunction) {
          problem("attribute " + a.name() + " of " + n.label() + " is a reference outside a function");
        }
        continue;
      }
      if (!hasItsKind(a)) {
        problem("attribute " + a.name() + " of " + n.label() + " is not of its kind " + a.kind());
        continue;
      }
      for (Graph sub : a.graphs()) {
        if (sub.owner() != n || sub.parent() != g) {
          problem("subgraph " + sub.name() + " of " + n.label() + " has another owner or parent");
        }
      }
    }
  }

  private static boolean hasItsKind(Attribute a) {
    Object v = a.value();
    return switch (a.kind()) {
      case FLOAT -> v instanceof Float;
      case INT -> v instanceof Long;
      case STRING -> v instanceof String;
      case TENSOR -> v instanceof Tensor;
      case GRAPH -> v instanceof Graph;
      case SPARSE_TENSOR -> v instanceof SparseTensor;
      case TYPE -> v instanceof Type;
      case FLOATS -> v instanceof float[];
      case INTS -> v instanceof long[];
      case STRINGS, TENSORS, GRAPHS, SPARSE_TENSORS, TYPES -> v instanceof List;
      case UNDEFINED -> false;
    };
  }

  private void checkOutputs() {
    for (Value v : outputs.keySet()) {
      if (!v.isGraphOutput()) {
        problem("output %" + v.name() + " is not marked as one");
      }
    }
    for (Value v : names.values()) {
      if (v.isGraphOutput() && !outputs.containsKey(v)) {
        problem("%" + v.name() + " is marked as an output but is none");
      }
    }
  }
}
