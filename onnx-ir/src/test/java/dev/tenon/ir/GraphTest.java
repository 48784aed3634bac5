package dev.tenon.ir;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.testing.Graphs;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The graph's lists, uses and names agree after every change. */
class GraphTest {
  private final Graphs g = Graphs.opset(17);
  private final Graph graph = g.graph();

  private List<String> ops() {
    return graph.nodeList().stream().map(Node::opType).toList();
  }

  /** Checks the connections from both ends. */
  private static void assertConsistent(Graph graph) {
    List<String> names = new ArrayList<>();
    graph.inputs().forEach(v -> names.add(v.name()));
    graph.initializers().stream().filter(v -> !v.isGraphInput()).forEach(v -> names.add(v.name()));
    int count = 0;
    Node before = null;
    for (Node n : graph.nodes()) {
      assertSame(before, n.previous());
      before = n;
      count++;
      for (int i = 0; i < n.inputs().size(); i++) {
        assertTrue(n.input(i) == null || n.input(i).uses().contains(new Use(n, i)), n + " input " + i);
      }
      for (int i = 0; i < n.outputs().size(); i++) {
        Value v = n.output(i);
        if (v != null) {
          names.add(v.name());
          assertSame(n, v.producer());
          assertEquals(i, v.outputIndex());
          for (Use u : v.uses()) {
            assertSame(v, u.node().input(u.index()));
            assertTrue(!u.node().isRemoved(), v + " used by a removed node");
          }
        }
      }
    }
    assertSame(before, graph.lastNode());
    assertEquals(graph.nodeCount(), count);
    assertEquals(names.size(), names.stream().distinct().count(), names.toString());
  }

  @Test
  void replacingAValueMovesItsUsesAndTheOutputsName() {
    Value x = g.input("x", 2);
    Value a = g.op("Abs", x);
    Value b = g.op("Neg", a);
    g.output("y", b);
    Value c = g.op("Exp", a);
    graph.replaceAllUses(b, c);
    assertEquals("y", graph.outputs().get(0).name());
    assertSame(c, graph.outputs().get(0));
    graph.remove(b.producer() == null ? graph.firstNode() : b.producer());
    assertEquals(List.of("Abs", "Exp"), ops());
    assertConsistent(graph);
  }

  @Test
  void anOutputReplacedByAnInputOrConstantKeepsItsNameThroughAnIdentity() {
    Value x = g.input("x", 2);
    Value a = g.op("Abs", x);
    g.output("y", a);
    graph.replaceAllUses(a, x);
    assertEquals("y", graph.outputs().get(0).name());
    assertEquals("x", x.name());
    assertEquals("Identity", graph.outputs().get(0).producer().opType());
    graph.remove(a.producer());
    assertConsistent(graph);
  }

  @Test
  void twoOutputsMayBecomeOneValueAndKeepBothNames() {
    Value x = g.input("x", 2);
    Value a = g.op("Abs", x);
    Value b = g.op("Abs", x);
    g.output("p", a).output("q", b);
    graph.replaceAllUses(b, a);
    graph.remove(b.producer());
    assertEquals(List.of("p", "q"), graph.outputs().stream().map(Value::name).toList());
    assertConsistent(graph);
  }

  @Test
  void whatIsUsedCannotBeRemoved() {
    Value x = g.input("x", 2);
    Value w = g.weight("w", 2);
    Value a = g.op("Add", x, w);
    g.output("y", a);
    assertThrows(IllegalStateException.class, () -> graph.remove(a.producer()));
    assertThrows(IllegalStateException.class, () -> graph.removeInitializer(w));
    assertThrows(IllegalStateException.class, () -> graph.removeInput(x));
    graph.removeOutput(0);
    graph.remove(a.producer());
    graph.removeInitializer(w);
    graph.removeInput(x);
    assertEquals("w", graph.addInput("w", null).name(), "the name is free again");
    assertThrows(IllegalStateException.class, () -> graph.remove(a.producer() == null ? newRemoved() : a.producer()));
  }

  private Node newRemoved() {
    Node n = graph.newNode("Gone").noOutput().append();
    graph.remove(n);
    return n;
  }

  @Test
  void namesAreUniqueOverSubgraphs() {
    Value x = g.input("x", 2);
    Graphs sub = g.subgraph("body");
    Value inner = sub.op("Abs", x);
    Value outer = g.op("Abs", x);
    assertTrue(!inner.name().equals(outer.name()));
    assertThrows(IllegalArgumentException.class, () -> sub.graph().addInput("x", null));
    assertThrows(IllegalArgumentException.class, () -> graph.rename(outer, inner.name()));
    graph.swapNames(inner, outer);
    assertEquals("abs_1", inner.name());
    assertEquals("abs", outer.name());
  }

  @Test
  void aRemovedOrReplacedSubgraphReleasesWhatItUsed() {
    Value x = g.input("x", 2);
    Value cond = g.input(DataType.BOOL, "cond");
    Graphs one = g.subgraph("one");
    one.output("o", one.op("Abs", x));
    Graphs two = g.subgraph("two");
    two.output("t", two.op("Neg", x));
    Node branching = g.op("If", cond, Attribute.ofGraph("then_branch", one.graph()), Attribute.ofGraph("else_branch", two.graph())).producer();
    assertEquals(2, x.uses().size());
    branching.removeAttribute("else_branch");
    assertEquals(1, x.uses().size());
    Graphs three = g.subgraph("three");
    three.output("t", three.op("Exp", x));
    branching.setAttribute(Attribute.ofGraph("then_branch", three.graph()));
    assertEquals(List.of("Exp"), x.uses().stream().map(u -> u.node().opType()).toList());
    graph.remove(branching);
    assertTrue(x.isUnused() && cond.isUnused());
  }

  @Test
  void aSubgraphHandedOnToAnotherNodeSurvivesTheFirst() {
    Value x = g.input("x", 2);
    Value cond = g.input(DataType.BOOL, "cond");
    Graphs body = g.subgraph("body");
    body.output("o", body.op("Abs", x));
    Node first = g.op("If", cond, Attribute.ofGraph("then_branch", body.graph())).producer();
    Node second = g.op("If", cond, first.attribute("then_branch")).producer();
    graph.remove(first);
    assertSame(second, body.graph().owner());
    assertEquals(1, body.graph().nodeCount());
    assertEquals(1, x.uses().size());
  }

  @Test
  void nodesCanBeRemovedAndInsertedWhileIterating() {
    Value v = g.input("x", 2);
    for (int i = 0; i < 5; i++) {
      v = g.op("Abs", v);
    }
    g.output("y", v);
    int seen = 0;
    for (Node n : graph.nodes()) {
      seen++;
      graph.newNode("Before").noOutput().insertBefore(n);
      Node replacement = graph.newNode("Neg").inputs(n.input(0)).output("r").insertAfter(n);
      graph.replaceAllUses(n.output(), replacement.output());
      graph.remove(n);
    }
    assertEquals(5, seen);
    assertEquals(10, graph.nodeCount());
    assertEquals("y", graph.outputs().get(0).name());
    assertConsistent(graph);
  }

  @Test
  void movingANodeKeepsTheListWhole() {
    Value x = g.input("x", 2);
    List<Node> n = new ArrayList<>();
    for (String op : List.of("Abs", "Neg", "Exp")) {
      n.add(g.op(op, x).producer());
    }
    graph.moveBefore(n.get(2), n.get(0));
    assertEquals(List.of("Exp", "Abs", "Neg"), ops());
    graph.moveBefore(n.get(2), null);
    assertEquals(List.of("Abs", "Neg", "Exp"), ops());
    graph.moveBefore(n.get(1), n.get(1));
    graph.moveBefore(n.get(1), n.get(2));
    assertEquals(List.of("Abs", "Neg", "Exp"), ops());
    assertConsistent(graph);
  }

  @Test
  void inputsAndOutputsOfNodesCanBeLeftOutAndShortened() {
    Value x = g.input("x", 2);
    Node n = graph.newNode("Custom").inputs(x, null, x).output("a").output("b").output("c").append();
    graph.setInput(n, 4, x);
    assertEquals(5, n.inputs().size());
    assertNull(n.input(3));
    graph.truncateInputs(n, 1);
    assertEquals(1, x.uses().size());
    graph.addOutput(n.output(1));
    assertThrows(IllegalStateException.class, () -> graph.dropOutput(n, 1));
    graph.dropOutput(n, 2);
    graph.dropOutput(n, 0);
    assertEquals("Custom(x) -> -, b", n.toString());
    assertNull(n.output(7));
    assertConsistent(graph);
  }

  @Test
  void sortingIsStableAndAShuffledGraphComesBackInAnOrderOfExecution() {
    Random r = new Random(5);
    List<Value> values = new ArrayList<>(List.of(g.input("x", 2)));
    for (int i = 0; i < 60; i++) {
      values.add(g.op("Add", values.get(r.nextInt(values.size())), values.get(r.nextInt(values.size()))));
    }
    List<Node> sorted = graph.nodeList();
    assertEquals(List.of(), graph.sortTopologically());
    assertEquals(sorted, graph.nodeList(), "a graph in order stays as it is");
    for (int i = 0; i < 200; i++) {
      List<Node> now = graph.nodeList();
      graph.moveBefore(now.get(r.nextInt(60)), now.get(r.nextInt(60)));
    }
    assertEquals(List.of(), graph.sortTopologically());
    List<Node> seen = new ArrayList<>();
    for (Node n : graph.nodes()) {
      n.inputs().forEach(v -> assertTrue(v.producer() == null || seen.contains(v.producer())));
      seen.add(n);
    }
    assertConsistent(graph);
  }

  @Test
  void aCycleIsReportedInItsOrderAndChangesNothing() {
    Value x = g.input("x", 2);
    Node a = g.op("Add", x, x).producer();
    Node b = g.op("Neg", a.output()).producer();
    Node c = g.op("Abs", b.output()).producer();
    g.op("Exp", c.output());
    graph.setInput(a, 1, c.output());
    List<Node> cycle = graph.sortTopologically();
    assertEquals(3, cycle.size());
    for (int i = 0; i < 3; i++) {
      assertTrue(cycle.get((i + 1) % 3).inputs().contains(cycle.get(i).output()), cycle.toString());
    }
    assertEquals(List.of("Add", "Neg", "Abs", "Exp"), ops());
  }
}
