package dev.tenon.tf.emit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.tf.Conversion;
import dev.tenon.tf.testing.EmitterTester;
import dev.tenon.tf.testing.Tensors;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ControlFlowTest {

  private static Tensor bool(boolean b) {
    return Tensor.scalar(DataType.BOOL, b ? 1 : 0);
  }

  private static Tensor parameter(String name, long... dims) {
    return Tensor.source(name, DataType.FLOAT, dims, Storage.of(Tensors.random(new Random(7), DataType.FLOAT, dims).bytes()));
  }

  /** y = cond ? x + w : -x, where w is a parameter of the main graph. */
  private static void branches(Graph g) {
    Value x = g.inputs().get(1);
    Value w = g.addInitializer("layer.weight", parameter("layer.weight", 3));
    Graph then = new Graph("then", g);
    then.addOutput(then.newNode("Add").inputs(x, w).output("sum").append().output());
    Graph otherwise = new Graph("else", g);
    otherwise.addOutput(otherwise.newNode("Neg").inputs(x).output("negative").append().output());
    g.addOutput(g.newNode("If").inputs(g.inputs().get(0)).attribute(Attribute.ofGraph("then_branch", then))
        .attribute(Attribute.ofGraph("else_branch", otherwise)).output("y").append().output());
  }

  @Test
  void branchesReadValuesAndParametersFromOutside() {
    for (boolean b : new boolean[] {true, false}) {
      EmitterTester t = EmitterTester.graph(ControlFlowTest::branches).input(bool(b)).input(DataType.FLOAT, "n", 3).sizes("n", 2).sizes("n", 3);
      t.check(1e-6);
      Conversion c = t.convert();
      assertEquals(1, c.variables().size());
      assertEquals(2, c.graph().getLibrary().getFunctionCount());
    }
  }

  @Test
  void aBranchInsideABranchCapturesThroughBoth() {
    EmitterTester.graph(g -> {
      Value x = g.inputs().get(1);
      Value outer = g.newNode("Exp").inputs(x).output("e").append().output();
      Graph then = new Graph("then", g);
      Graph deepThen = new Graph("deepThen", then);
      deepThen.addOutput(deepThen.newNode("Mul").inputs(outer, x).output("m").append().output());
      Graph deepElse = new Graph("deepElse", then);
      deepElse.addOutput(deepElse.newNode("Sub").inputs(outer, x).output("s").append().output());
      then.addOutput(then.newNode("If").inputs(g.inputs().get(2)).attribute(Attribute.ofGraph("then_branch", deepThen))
          .attribute(Attribute.ofGraph("else_branch", deepElse)).output("inner").append().output());
      Graph otherwise = new Graph("else", g);
      otherwise.addOutput(otherwise.newNode("Identity").inputs(x).output("same").append().output());
      g.addOutput(g.newNode("If").inputs(g.inputs().get(0)).attribute(Attribute.ofGraph("then_branch", then))
          .attribute(Attribute.ofGraph("else_branch", otherwise)).output("y").append().output());
    }).input(bool(true)).input(DataType.FLOAT, "n", 3).input(bool(false)).sizes("n", 2).check(1e-6);
  }

  @Test
  void aConstantConditionLeavesOneBranchInline() {
    Conversion c = EmitterTester.graph(g -> {
      Value x = g.inputs().get(0);
      Graph then = new Graph("then", g);
      then.addOutput(then.newNode("Exp").inputs(x).output("a").append().output());
      Graph otherwise = new Graph("else", g);
      otherwise.addOutput(otherwise.newNode("Neg").inputs(x).output("b").append().output());
      g.addOutput(g.newNode("If").inputs(g.addInitializer("yes", bool(true))).attribute(Attribute.ofGraph("then_branch", then))
          .attribute(Attribute.ofGraph("else_branch", otherwise)).output("y").append().output());
    }).input(DataType.FLOAT, 3).convert();
    assertFalse(ElementwiseTest.ops(c).contains("StatelessIf"));
    assertEquals(0, c.graph().getLibrary().getFunctionCount());
  }

  /** s = s * w + x while s < 50, at most `trips` times; collects s. */
  private static void loop(Graph g) {
    Value trips = g.inputs().get(0);
    Value x = g.inputs().get(1);
    Value w = g.addInitializer("cell.weight", parameter("cell.weight", 3));
    Graph body = new Graph("body", g);
    body.addInput("i", Type.tensor(DataType.INT64, Shape.SCALAR));
    body.addInput("go", Type.tensor(DataType.BOOL, Shape.SCALAR));
    Value s = body.addInput("s", Type.tensor(DataType.FLOAT, x.shape()));
    Value scaled = body.newNode("Mul").inputs(s, w).output("scaled").append().output();
    Value next = body.newNode("Add").inputs(scaled, x).output("next").append().output();
    Value max = body.newNode("ReduceMax").inputs(next).attr("keepdims", 0).output("max").append().output();
    Value more = body.newNode("Less").inputs(max, body.newInitializer("limit", Tensor.scalar(50f))).output("more").append().output();
    body.addOutput(more);
    body.addOutput(next);
    body.addOutput(body.newNode("Identity").inputs(next).output("collected").append().output());
    g.newNode("Loop").inputs(trips, null, x).attribute(Attribute.ofGraph("body", body)).output("last").output("all").append().outputs()
        .forEach(g::addOutput);
  }

  @Test
  void loopsCarryCollectAndStop() {
    for (long trips : new long[] {1, 4, 100}) {
      EmitterTester.graph(ControlFlowTest::loop).input(Tensor.scalar(trips))
          .input((r, d) -> Tensors.uniform(r, DataType.FLOAT, 2, 3, d), DataType.FLOAT, 2, 3).check(1e-5);
    }
    EmitterTester.graph(ControlFlowTest::loop).input(Tensor.scalar(0L)).input(DataType.FLOAT, 2, 3).check(0);
  }

  @Test
  void scansWalkAlongAnyAxisInBothDirections() {
    for (long reverse : new long[] {0, 1}) {
      EmitterTester.graph(g -> {
        Graph body = new Graph("body", g);
        Value s = body.addInput("s", Type.tensor(DataType.FLOAT, Shape.of(2)));
        Value x = body.addInput("x", Type.tensor(DataType.FLOAT, Shape.of(2)));
        Value sum = body.newNode("Add").inputs(s, x).output("sum").append().output();
        body.addOutput(sum);
        body.addOutput(body.newNode("Exp").inputs(x).output("each").append().output());
        g.newNode("Scan").inputs(g.inputs().get(0), g.inputs().get(1)).attribute(Attribute.ofGraph("body", body)).attr("num_scan_inputs", 1)
            .attribute(Attribute.ofInts("scan_input_axes", 1)).attribute(Attribute.ofInts("scan_input_directions", reverse))
            .attribute(Attribute.ofInts("scan_output_axes", -1)).attribute(Attribute.ofInts("scan_output_directions", reverse))
            .output("total").output("all").append().outputs().forEach(g::addOutput);
      }).input(DataType.FLOAT, 2).input(DataType.FLOAT, 2, "t").sizes("t", 5).sizes("t", 1).check(1e-6);
    }
  }
}
