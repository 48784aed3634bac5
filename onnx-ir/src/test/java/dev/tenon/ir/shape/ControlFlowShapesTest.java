package dev.tenon.ir.shape;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.testing.Graphs;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class ControlFlowShapesTest {
  private final Graphs g = Graphs.opset(17);
  private final Value x = g.input("x", "n", 3);
  private final Diagnostics diagnostics = new Diagnostics();

  private void infer() {
    ShapeInference.infer(g.model(), diagnostics);
    assertEquals(List.of(), diagnostics.all());
  }

  private Graphs branch(String name, long... rows) {
    Graphs b = g.subgraph(name);
    Value part = rows.length == 0 ? x : b.op("Slice", List.of(x, b.constant(Tensor.vector(0)), b.constant(Tensor.vector(rows))));
    return b.output(name + "_out", b.op("Relu", part));
  }

  private Value ifNode(Value condition, Graphs then, Graphs otherwise) {
    return g.op("If", condition, Attribute.ofGraph("then_branch", then.graph()), Attribute.ofGraph("else_branch", otherwise.graph()));
  }

  @Test
  void dimensionsOfUnequalBranchesAreUnknown() {
    Value y = ifNode(g.input(DataType.BOOL, "c"), branch("a"), branch("b", 2));
    infer();
    assertTrue(y.shape().dim(0).isAnonymous(), y.toString());
    assertEquals(Dim.of(3), y.shape().dim(1));
  }

  @Test
  void aConditionOnAShapeTakesOneBranch() {
    // "if x.size(1) == 3", which the exporter leaves in the graph.
    Value size = g.op("Gather", g.op("Shape", x), g.constant(Tensor.scalar(1)));
    Value y = ifNode(g.op("Equal", size, g.constant(Tensor.scalar(3))), branch("a"), branch("b", 0));
    infer();
    assertEquals("[n,3]", y.shape().toString());
  }

  /** A loop over x whose body is made of the carried value. */
  private List<Value> loop(Value trips, Value condition, Value carried, int outputs, java.util.function.BiFunction<Graphs, Value, List<Value>> body) {
    Graphs b = g.subgraph("body");
    b.graph().addInput("iteration", null);
    Value goesOn = b.graph().addInput("goes_on", null);
    Value v = b.graph().addInput("carried", null);
    List<Value> results = body.apply(b, v);
    b.output("goes_on_out", b.op("Identity", goesOn));
    for (int i = 0; i < results.size(); i++) {
      b.output("result" + i, results.get(i));
    }
    return g.node("Loop", Arrays.asList(trips, condition, carried), outputs, Attribute.ofGraph("body", b.graph()));
  }

  @Test
  void carriedShapesThatDoNotChangeAreExactAndScansHaveTheTripCount() {
    Value trips = g.op("Gather", g.op("Shape", x), g.constant(Tensor.scalar(0)));
    List<Value> y = loop(trips, null, x, 2, (b, v) -> {
      Value next = b.op("Relu", v);
      return List.of(next, b.op("ReduceMax", next, ints("axes", 0), Attribute.ofInt("keepdims", 0)));
    });
    infer();
    assertEquals("[n,3]", y.get(0).shape().toString());
    assertEquals("[n,3]", y.get(1).shape().toString());
  }

  private static Attribute ints(String name, long... values) {
    return Attribute.ofInts(name, values);
  }

  @Test
  void carriedShapesThatGrowAreUnknownWhereTheyGrow() {
    List<Value> y = loop(g.input(DataType.INT64, "trips"), null, x, 1,
        (b, v) -> List.of(b.op("Concat", v, x, Attribute.ofInt("axis", 0))));
    infer();
    assertTrue(y.get(0).shape().dim(0).isAnonymous(), y.toString());
    assertEquals(Dim.of(3), y.get(0).shape().dim(1));
  }

  @Test
  void growingFromAnUnknownSizeIsNotTheSameSize() {
    Value some = g.op("Transpose", g.op("NonZero", x));
    List<Value> y = loop(g.input(DataType.INT64, "trips"), null, some, 1,
        (b, v) -> List.of(b.op("Concat", v, v, Attribute.ofInt("axis", 0))));
    infer();
    assertEquals(2, y.get(0).shape().rank());
    assertTrue(!y.get(0).shape().dim(0).equals(some.shape().dim(0)), some + " " + y);
  }

  @Test
  void aConditionThatMayEndTheLoopLeavesTheCountOpen() {
    List<Value> y = loop(g.constant(Tensor.scalar(5)), g.input(DataType.BOOL, "go"), x, 2, (b, v) -> List.of(b.op("Relu", v), v));
    infer();
    assertTrue(y.get(1).shape().dim(0).isAnonymous(), y.toString());
    assertEquals("[n,3]", Shape.of(y.get(1).shape().subList(1, 3)).toString());
  }

  @Test
  void scanTakesAxesAwayAndPutsThemBack() {
    Graphs b = g.subgraph("body");
    Value state = b.graph().addInput("state", null);
    Value row = b.graph().addInput("row", null);
    Value sum = b.op("Add", state, row);
    b.output("state_out", sum).output("row_out", b.op("Unsqueeze", sum, b.constant(Tensor.vector(0))));
    Value start = g.input("start", "n");
    List<Value> y = g.node("Scan", List.of(start, x), 2, Attribute.ofGraph("body", b.graph()), Attribute.ofInt("num_scan_inputs", 1),
        ints("scan_input_axes", 1), ints("scan_output_axes", -1));
    infer();
    assertEquals("[n]", y.get(0).shape().toString());
    assertEquals("[1,n,3]", y.get(1).shape().toString());
  }

  @Test
  void elementsOfASplitSequenceHaveTheirOwnSizes() {
    Value parts = g.op("SplitToSequence", x, g.constant(Tensor.vector(1, 2)), Attribute.ofInt("axis", 1));
    Value second = g.op("SequenceAt", parts, g.constant(Tensor.scalar(-1)));
    Value some = g.op("SequenceAt", parts, g.input(DataType.INT64, "i"));
    Value count = g.op("SequenceLength", parts);
    Value stacked = g.op("ConcatFromSequence", parts, Attribute.ofInt("axis", 1));
    infer();
    assertEquals("[n,2]", second.shape().toString());
    assertTrue(some.shape().dim(1).isAnonymous(), some.toString());
    assertEquals("[n,3]", stacked.shape().toString());
    assertEquals(Type.tensor(DataType.INT64, Shape.SCALAR), count.type());
  }
}
