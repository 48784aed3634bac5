package dev.tenon.ir;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.function.Consumer;

/**
 * An ONNX graph: inputs, initializers, nodes in an order of execution, outputs. The only class that changes the connections
 * between nodes and values, so that {@link Value#uses()}, {@link Value#producer()} and the lists here always agree.
 *
 * <p>A subgraph (the body of {@code If}, {@code Loop}, {@code Scan}) has a parent and may read the values of the graphs around
 * it. Names are unique over a graph and all its subgraphs.
 */
public final class Graph {
  private final Names names;
  private final Graph parent;
  private final List<Value> inputs = new ArrayList<>();
  private final List<Value> outputs = new ArrayList<>();
  private final Map<String, Value> initializers = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private String name;
  private String docString = "";
  private Node owner;
  private Node first;
  private Node last;
  private int nodeCount;

  public Graph(String name) {
    this(name, null);
  }

  /** A subgraph of {@code parent}, which may be null. */
  public Graph(String name, Graph parent) {
    this.name = name;
    this.parent = parent;
    this.names = parent == null ? new Names() : parent.names;
  }

  public String name() {
    return name;
  }

  public void setName(String name) {
    this.name = name;
  }

  /** The graph around this one, null at the top. */
  public Graph parent() {
    return parent;
  }

  /** The node whose attribute this graph is, null at the top. */
  public Node owner() {
    return owner;
  }

  void attachTo(Node node) {
    this.owner = node;
  }

  public String docString() {
    return docString;
  }

  public void setDocString(String docString) {
    this.docString = docString;
  }

  /** The {@code metadata_props}; mutable. */
  public Map<String, String> metadata() {
    return metadata;
  }

  // ---- inputs, outputs, initializers ----

  public List<Value> inputs() {
    return Collections.unmodifiableList(inputs);
  }

  public List<Value> outputs() {
    return Collections.unmodifiableList(outputs);
  }

  /** The values with constant elements, in order; some may be inputs too. */
  public Collection<Value> initializers() {
    return Collections.unmodifiableCollection(initializers.values());
  }

  /** Adds an input with exactly this name, which must not be in use. */
  public Value addInput(String inputName, Type type) {
    Value v = newValue(inputName, null, type);
    v.graphInput = true;
    inputs.add(v);
    return v;
  }

  /** Takes an input away; it must be unused. */
  public void removeInput(Value v) {
    requireUnused(v, "input");
    v.graphInput = false;
    inputs.remove(v);
    if (v.initializer == null) {
      names.release(v.name);
    }
  }

  public void addOutput(Value v) {
    v.graphOutputs++;
    outputs.add(v);
  }

  public void setOutput(int i, Value v) {
    outputs.get(i).graphOutputs--;
    v.graphOutputs++;
    outputs.set(i, v);
  }

  public void removeOutput(int i) {
    outputs.remove(i).graphOutputs--;
  }

  /** Adds a constant with exactly this name, which must not be in use. */
  public Value addInitializer(String initializerName, Tensor tensor) {
    Value v = newValue(initializerName, null, tensor.type());
    setInitializer(v, tensor);
    return v;
  }

  /** Adds a constant with a fresh name that starts with this prefix. */
  public Value newInitializer(String prefix, Tensor tensor) {
    Value v = newValue(null, prefix, tensor.type());
    setInitializer(v, tensor);
    return v;
  }

  /** Gives an input its default, or an initializer new elements. */
  public void setInitializer(Value v, Tensor tensor) {
    if (v.producer != null) {
      throw new IllegalStateException(v + " has a producer and cannot be an initializer");
    }
    v.initializer = tensor;
    v.setType(tensor.type());
    initializers.put(v.name, v);
  }

  /** Takes an unused constant away. */
  public void removeInitializer(Value v) {
    if (!v.graphInput) {
      requireUnused(v, "initializer");
      names.release(v.name);
    }
    initializers.remove(v.name);
    v.initializer = null;
  }

  private static void requireUnused(Value v, String what) {
    if (!v.isUnused()) {
      throw new IllegalStateException(what + " " + v + " is still used by "
          + (v.uses.isEmpty() ? "the graph's outputs" : v.uses.iterator().next().node().label()));
    }
  }

  // ---- names ----

  /** A value name that nothing in this graph or its relatives has. */
  public String freshName(String prefix) {
    String fresh = names.fresh(prefix);
    names.release(fresh);
    return fresh;
  }

  Value newValue(String exact, String prefix, Type type) {
    if (exact != null && !names.claim(exact)) {
      throw new IllegalArgumentException("the name '" + exact + "' is in use already");
    }
    return new Value(this, exact != null ? exact : names.fresh(prefix), type);
  }

  /** Gives a value another name, which must not be in use. */
  public void rename(Value v, String newName) {
    if (v.name.equals(newName)) {
      return;
    }
    if (!names.claim(newName)) {
      throw new IllegalArgumentException("the name '" + newName + "' is in use already");
    }
    names.release(v.name);
    if (v.initializer != null) {
      v.graph().initializers.remove(v.name);
      v.graph().initializers.put(newName, v);
    }
    v.name = newName;
  }

  /** Exchanges the names of two values. */
  public void swapNames(Value a, Value b) {
    String nameOfA = a.name;
    String nameOfB = b.name;
    String temporary = freshName(nameOfA);
    rename(a, temporary);
    rename(b, nameOfA);
    rename(a, nameOfB);
  }

  // ---- nodes ----

  /** Starts a new node of ONNX's own domain (see {@link NodeBuilder#domain}). */
  public NodeBuilder newNode(String opType) {
    return new NodeBuilder(this, opType);
  }

  public int nodeCount() {
    return nodeCount;
  }

  public Node firstNode() {
    return first;
  }

  public Node lastNode() {
    return last;
  }

  /** The nodes in order of execution. The current node may be removed, and nodes inserted anywhere, while iterating. */
  public Iterable<Node> nodes() {
    return () -> new Iterator<>() {
      private Node upcoming = first;
      private Node current;

      @Override
      public boolean hasNext() {
        // Nodes removed meanwhile keep their links, so the way on is still found.
        while (upcoming != null && upcoming.removed) {
          upcoming = upcoming.next;
        }
        if (upcoming == null && current != null && !current.removed && current.next != null) {
          upcoming = current.next;
        }
        return upcoming != null;
      }

      @Override
      public Node next() {
        if (!hasNext()) {
          throw new NoSuchElementException();
        }
        current = upcoming;
        upcoming = current.next;
        return current;
      }
    };
  }

  /** The nodes as a list, a snapshot. */
  public List<Node> nodeList() {
    List<Node> list = new ArrayList<>(nodeCount);
    nodes().forEach(list::add);
    return list;
  }

  /** Calls back for every node here and in all subgraphs, the owner before its bodies. */
  public void forEachNode(Consumer<Node> action) {
    for (Node n : nodes()) {
      action.accept(n);
      for (Graph g : n.subgraphs()) {
        g.forEachNode(action);
      }
    }
  }

  Node insert(Node node, Node before) {
    node.next = before;
    node.previous = before == null ? last : before.previous;
    if (node.previous == null) {
      first = node;
    } else {
      node.previous.next = node;
    }
    if (before == null) {
      last = node;
    } else {
      before.previous = node;
    }
    nodeCount++;
    return node;
  }

  private void unlink(Node node) {
    if (node.previous == null) {
      first = node.next;
    } else {
      node.previous.next = node.next;
    }
    if (node.next == null) {
      last = node.previous;
    } else {
      node.next.previous = node.previous;
    }
    nodeCount--;
  }

  /** Moves a node to another place in the order: before the anchor, or to the end where that is null. */
  public void moveBefore(Node node, Node anchor) {
    if (node == anchor) {
      return;
    }
    unlink(node);
    insert(node, anchor);
  }

  void addNodeInput(Node node, Value v) {
    node.inputs.add(v);
    if (v != null) {
      v.uses.add(new Use(node, node.inputs.size() - 1));
    }
  }

  void addNodeOutput(Node node, Value v) {
    node.outputs.add(v);
    if (v != null) {
      v.producer = node;
      v.outputIndex = node.outputs.size() - 1;
    }
  }

  /** Appends an input to a node. */
  public void addInput(Node node, Value v) {
    addNodeInput(node, v);
  }

  /** Appends an output with a fresh name to a node. */
  public Value addOutput(Node node, String prefix, Type type) {
    Value v = newValue(null, prefix, type);
    addNodeOutput(node, v);
    return v;
  }

  /** Makes input i of a node read another value, or nothing (null). */
  public void setInput(Node node, int i, Value v) {
    while (node.inputs.size() <= i) {
      node.inputs.add(null);
    }
    Value old = node.inputs.get(i);
    if (old != null) {
      old.uses.remove(new Use(node, i));
    }
    node.inputs.set(i, v);
    if (v != null) {
      v.uses.add(new Use(node, i));
    }
  }

  /** Shortens a node's inputs to the first {@code count}. */
  public void truncateInputs(Node node, int count) {
    while (node.inputs.size() > count) {
      int i = node.inputs.size() - 1;
      setInput(node, i, null);
      node.inputs.remove(i);
    }
  }

  /** Leaves out an unused output of a node. */
  public void dropOutput(Node node, int i) {
    Value v = node.outputs.get(i);
    if (v != null) {
      requireUnused(v, "output");
      names.release(v.name);
      v.producer = null;
      v.outputIndex = -1;
      node.outputs.set(i, null);
    }
    while (!node.outputs.isEmpty() && node.outputs.get(node.outputs.size() - 1) == null) {
      node.outputs.remove(node.outputs.size() - 1);
    }
  }

  /**
   * Makes everything that reads {@code old} read {@code replacement} instead, the outputs of graphs included. A graph's output
   * keeps its name: the replacement takes it over, or, where it cannot (it is an input, a constant, or an output itself), an
   * {@code Identity} node carries the name. The replacement has the same elements, so it inherits the {@link Value#origin}.
   */
  public void replaceAllUses(Value old, Value replacement) {
    if (old == replacement) {
      return;
    }
    if (replacement.origin() == null) {
      replacement.setOrigin(old.origin());
    }
    for (Use use : List.copyOf(old.uses)) {
      use.node().graph().setInput(use.node(), use.index(), replacement);
    }
    if (old.graphOutputs > 0) {
      old.graph().replaceOutput(old, replacement);
    }
  }

  private void replaceOutput(Value old, Value replacement) {
    Value carrier = replacement;
    boolean free = replacement.graph() == this && replacement.producer != null && replacement.graphOutputs == 0;
    if (free) {
      swapNames(old, replacement);
    } else {
      Node identity = newNode("Identity").inputs(replacement).output(old.name, old.type())
          .provenance(old.producer == null ? Provenance.NONE : old.producer.provenance()).append();
      carrier = identity.output();
      swapNames(old, carrier);
    }
    if (carrier.type() == null) {
      carrier.setType(old.type());
    }
    for (int i = 0; i < outputs.size(); i++) {
      if (outputs.get(i) == old) {
        setOutput(i, carrier);
      }
    }
  }

  /** Takes a node away; its outputs must be unused. */
  public void remove(Node node) {
    if (node.graph() != this || node.removed) {
      throw new IllegalStateException(node.label() + " is not in graph " + name);
    }
    for (Value v : node.outputs) {
      if (v != null) {
        requireUnused(v, "output");
      }
    }
    for (int i = 0; i < node.inputs.size(); i++) {
      Value v = node.inputs.get(i);
      if (v != null) {
        v.uses.remove(new Use(node, i));
      }
    }
    for (Graph g : node.subgraphs()) {
      g.dissolveIfOwnedBy(node);
    }
    for (Value v : node.outputs) {
      if (v != null) {
        names.release(v.name);
        v.producer = null;
        v.outputIndex = -1;
      }
    }
    unlink(node);
    node.removed = true;
  }

  /** Dissolves a subgraph that leaves the model, but not one that was handed on to another node meanwhile. */
  void dissolveIfOwnedBy(Node node) {
    if (owner == node) {
      dissolve();
    }
  }

  /** Forgets everything inside, so that values of outer graphs are no longer used from here and names are free again. */
  private void dissolve() {
    while (!outputs.isEmpty()) {
      removeOutput(outputs.size() - 1);
    }
    for (Node n = last; n != null; n = last) {
      remove(n);
    }
    for (Value v : inputs) {
      names.release(v.name);
    }
    for (Value v : initializers.values()) {
      names.release(v.name);
    }
  }

  /** Marks every value here and in subgraphs as its own origin: what a frontend does before the first pass. */
  public void recordOrigins() {
    inputs.forEach(v -> v.setOrigin(Value.Origin.of(v.name)));
    forEachNode(n -> {
      for (Value v : n.outputs) {
        if (v != null) {
          v.setOrigin(Value.Origin.of(v.name));
        }
      }
    });
  }

  // ---- order ----

  /**
   * Puts the nodes into an order in which each comes after the producers of what it (or a subgraph of it) reads, keeping the
   * present order where it can.
   *
   * @return the nodes on a cycle, in their order around it; empty if all is well. On a cycle nothing is changed.
   */
  public List<Node> sortTopologically() {
    Map<Node, Integer> pending = new IdentityHashMap<>();
    Map<Node, List<Node>> consumers = new IdentityHashMap<>();
    for (Node n : nodes()) {
      Map<Node, Boolean> producers = new IdentityHashMap<>();
      collectProducers(n, producers);
      pending.put(n, producers.size());
      for (Node p : producers.keySet()) {
        consumers.computeIfAbsent(p, k -> new ArrayList<>()).add(n);
      }
    }
    // A queue by present position keeps the order stable.
    Map<Node, Integer> position = new HashMap<>();
    for (Node n : nodes()) {
      position.put(n, position.size());
    }
    java.util.PriorityQueue<Node> ready = new java.util.PriorityQueue<>((a, b) -> position.get(a) - position.get(b));
    pending.forEach((n, count) -> {
      if (count == 0) {
        ready.add(n);
      }
    });
    List<Node> order = new ArrayList<>(nodeCount);
    while (!ready.isEmpty()) {
      Node n = ready.poll();
      order.add(n);
      for (Node c : consumers.getOrDefault(n, List.of())) {
        int left = pending.merge(c, -1, Integer::sum);
        if (left == 0) {
          ready.add(c);
        }
      }
    }
    if (order.size() < nodeCount) {
      return findCycle(pending);
    }
    first = null;
    last = null;
    nodeCount = 0;
    for (Node n : order) {
      insert(n, null);
    }
    return List.of();
  }

  /** The nodes of this graph whose outputs {@code n} reads, directly or from a subgraph. */
  private void collectProducers(Node n, Map<Node, Boolean> into) {
    for (Value v : n.inputs) {
      if (v != null && v.producer != null && v.graph() == this) {
        into.put(v.producer, true);
      }
    }
    for (Graph g : n.subgraphs()) {
      g.forEachNode(inner -> {
        for (Value v : inner.inputs) {
          if (v != null && v.producer != null && v.graph() == this) {
            into.put(v.producer, true);
          }
        }
      });
      for (Value v : g.outputs) {
        if (v.producer != null && v.graph() == this) {
          into.put(v.producer, true);
        }
      }
    }
  }

  private List<Node> findCycle(Map<Node, Integer> pending) {
    Node at = null;
    for (Node n : nodes()) {
      if (pending.get(n) > 0) {
        at = n;
        break;
      }
    }
    // Every pending node waits for another pending one: walking back must come round.
    Map<Node, Integer> seen = new IdentityHashMap<>();
    Deque<Node> way = new ArrayDeque<>();
    while (at != null && !seen.containsKey(at)) {
      seen.put(at, seen.size());
      way.push(at);
      // In the order of the inputs, so that the same graph gives the same cycle.
      Map<Node, Boolean> producers = new LinkedHashMap<>();
      collectProducers(at, producers);
      at = producers.keySet().stream().filter(p -> pending.get(p) > 0).findFirst().orElse(null);
    }
    List<Node> cycle = new ArrayList<>();
    for (Node n : way) {
      cycle.add(n);
      if (n == at) {
        break;
      }
    }
    return cycle;
  }

  @Override
  public String toString() {
    return "graph " + name + " (" + nodeCount + " nodes)";
  }
}
