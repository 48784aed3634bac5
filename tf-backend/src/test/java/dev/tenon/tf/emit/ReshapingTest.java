package dev.tenon.tf.emit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.tf.Conversion;
import dev.tenon.tf.testing.EmitterTester;
import dev.tenon.tf.testing.Tensors;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ReshapingTest {

  @Test
  void zerosAndMinusOne() {
    EmitterTester.op("Reshape").input(DataType.FLOAT, "n", 4, 6).constant(0, -1, 3).sizes("n", 2).sizes("n", 4).sizes("n", 1).check(0);
    EmitterTester.op("Reshape").input(DataType.FLOAT, "n", "t", 6).constant(0, 0, 2, 3).sizes("n", 2, "t", 5).sizes("n", 5, "t", 5).check(0);
    EmitterTester.op("Reshape").input(DataType.FLOAT, "n", "t", 6).constant(0, -1, 2, 3).sizes("n", 2, "t", 5).check(0);
    EmitterTester.op("Reshape").input(DataType.FLOAT, "n", "t", 6).constant(-1, 6).sizes("n", 2, "t", 5).sizes("n", 0, "t", 5).check(0);
    EmitterTester.op("Reshape").attr("allowzero", 1).input(DataType.FLOAT, 0, 3).constant(3, 0).check(0);
    EmitterTester.op("Reshape").input(DataType.INT64, 1).constant(Tensor.vector()).check(0);
  }

  @Test
  void targetsKnownOnlyAtRunTime() {
    EmitterTester.op("Reshape").input(DataType.FLOAT, "n", 4, 6).input(Tensor.vector(0, 2, -1)).sizes("n", 2).check(0);
    EmitterTester.op("Reshape").input(DataType.FLOAT, 2, 12).dynamicInput(Tensor.vector(0, 3, 4)).check(0);
    EmitterTester.op("Reshape").input(DataType.FLOAT, 3, 4, 2).input(Tensor.vector(-1, 0)).check(0);
  }

  @Test
  void shapeArithmeticOfTheExporterIsLeftOut() {
    // x.view(x.size(0), x.size(1), 2, 3) as exporters write it: Shape, Gather, Concat, Reshape.
    EmitterTester t = EmitterTester.graph(g -> {
      Value x = g.inputs().get(0);
      Value shape = g.newNode("Shape").inputs(x).output("s").append().output();
      Value head = g.newNode("Slice").inputs(shape, g.addInitializer("b", Tensor.vector(0)), g.addInitializer("e", Tensor.vector(2)))
          .output("h").append().output();
      Value target = g.newNode("Concat").inputs(head, g.addInitializer("tail", Tensor.vector(2, 3))).attr("axis", 0).output("t").append().output();
      g.addOutput(g.newNode("Reshape").inputs(x, target).output("y").append().output());
    }).input(DataType.FLOAT, "n", 4, 6).sizes("n", 3).sizes("n", 4);
    t.check(0);
    Conversion c = t.convert();
    String target = c.graph().getNodeList().stream().filter(n -> n.getOp().equals("Reshape")).findFirst().orElseThrow().getInput(1);
    assertEquals("Const", c.graph().getNodeList().stream().filter(n -> n.getName().equals(target)).findFirst().orElseThrow().getOp());
  }

  @Test
  void flattening() {
    for (long axis : new long[] {0, 1, 2, 3, -1}) {
      EmitterTester.op("Flatten").attr("axis", axis).input(DataType.FLOAT, "n", 3, "m").sizes("n", 2, "m", 5).sizes("n", 3, "m", 3).check(0);
    }
    EmitterTester.op("Flatten").input(DataType.FLOAT, 0, 3, 2).check(0);
  }

  @Test
  void axesOfSizeOneComeAndGo() {
    EmitterTester.op("Squeeze").input(DataType.FLOAT, 1, "n", 1, 3).constant(0, -2).sizes("n", 2).sizes("n", 1).check(0);
    EmitterTester.op("Squeeze").opset(11).ints("axes", 0).input(DataType.FLOAT, 1, 3, 1).check(0);
    EmitterTester.op("Squeeze").input(DataType.FLOAT, 1, 3, 1).check(0);
    EmitterTester.op("Unsqueeze").input(DataType.FLOAT, "n", 3).constant(-1, 0).sizes("n", 2).check(0);
    EmitterTester.op("Unsqueeze").input(DataType.FLOAT, "n", "m").constant(1, 3).sizes("n", 2, "m", 3).check(0);
    EmitterTester.op("Unsqueeze").opset(11).ints("axes", 1).input(DataType.FLOAT, 2, 3).check(0);
    EmitterTester.op("Unsqueeze").input(DataType.FLOAT, 2, 3).input(Tensor.vector(1)).check(0);
    EmitterTester.op("Unsqueeze").input(DataType.FLOAT, 2, 3).input(Tensor.vector(-1, 0)).check(0);
    EmitterTester.op("Squeeze").input(DataType.FLOAT, 1, 3, 1, 2).input(Tensor.vector(-2, 0)).check(0);
  }

  @Test
  void transposedParametersAreTransposedAtConversion() {
    EmitterTester.op("Transpose").input(DataType.FLOAT, "n", 2, 3).sizes("n", 4).check(0);
    EmitterTester.op("Transpose").ints("perm", 1, 0, 2).input(DataType.UINT16, "n", "n", 2).sizes("n", 3).check(0);
    Conversion c = EmitterTester.op("Transpose").ints("perm", 1, 0).parameter(Tensors.random(new Random(1), DataType.FLOAT, 3, 4)).convert();
    assertFalse(ElementwiseTest.ops(c).contains("Transpose"), ElementwiseTest.ops(c).toString());
  }

  @Test
  void expansionBroadcastsBothWays() {
    EmitterTester.op("Expand").input(DataType.FLOAT, 3, 1).constant(2, 1, 4).check(0);
    EmitterTester.op("Expand").input(DataType.FLOAT, "n", 3).constant(2, 1, 1).sizes("n", 4).sizes("n", 1).check(0);
    EmitterTester.op("Expand").input(DataType.BOOL, 1, 3).input(Tensor.vector(5, 1)).check(0);
    EmitterTester.op("Expand").input(DataType.INT64, 2, 3).dynamicInput(Tensor.vector(4, 1, 3)).check(0);
  }

  @Test
  void tiles() {
    EmitterTester.op("Tile").input(DataType.FLOAT, "n", 3).constant(2, 1).sizes("n", 2).check(0);
    EmitterTester.op("Tile").input(DataType.INT32, 2, 3).input(Tensor.vector(0, 2)).check(0);
  }

  @Test
  void shapesAndSizes() {
    EmitterTester.op("Shape").attr("start", -2).attr("end", -1).input(DataType.FLOAT, "n", 3, "m").sizes("n", 2, "m", 5).check(0);
    EmitterTester.op("Shape").attr("end", 2).input(DataType.FLOAT, "n", 3, "m").sizes("n", 2, "m", 5).check(0);
    EmitterTester.op("Size").input(DataType.FLOAT, "n", 3).sizes("n", 2).sizes("n", 0).check(0);
  }

  @Test
  void filledAndCountedTensors() {
    for (DataType t : List.of(DataType.FLOAT, DataType.INT64, DataType.BOOL, DataType.INT8)) {
      EmitterTester.op("ConstantOfShape").attr("value", Tensor.of(new long[] {1}, 1).cast(t).evaluated()).input(Tensor.vector(2, 3)).check(0);
    }
    EmitterTester.op("ConstantOfShape").constant(2, 0).check(0);
    EmitterTester.op("Range").input(Tensor.scalar(2L)).input(Tensor.scalar(11L)).input(Tensor.scalar(3L)).check(0);
    EmitterTester.op("Range").input(Tensor.scalar(1f)).input(Tensor.scalar(-2f)).input(Tensor.scalar(-0.5f)).check(1e-6);
    for (long k : new long[] {-1, 0, 2}) {
      EmitterTester.op("EyeLike").attr("k", k).attr("dtype", 7).input(DataType.FLOAT, "n", "m").sizes("n", 3, "m", 4).sizes("n", 4, "m", 4).check(0);
    }
  }

  @Test
  void triangles() {
    for (long upper : new long[] {0, 1}) {
      for (long k : new long[] {-5, -1, 0, 1, 2, 9}) {
        EmitterTester.op("Trilu").attr("upper", upper).input(DataType.FLOAT, 2, "n", "m").constant(Tensor.scalar(k))
            .sizes("n", 3, "m", 5).sizes("n", 4, "m", 4).check(0);
        EmitterTester.op("Trilu").attr("upper", upper).input(DataType.INT64, 3, 4).input(Tensor.scalar(k)).check(0);
      }
    }
    float inf = Float.NEGATIVE_INFINITY;
    EmitterTester.op("Trilu").input(Tensor.of(new float[] {inf, inf, inf, inf}, 2, 2)).constant(Tensor.scalar(1L)).check(0);
  }

  @Test
  void constantsInAllForms() {
    for (Attribute a : List.of(Attribute.ofFloat("value_float", 2.5f), Attribute.ofFloats("value_floats", 1, 2), Attribute.ofInt("value_int", 3),
        Attribute.ofInts("value_ints", 4, 5), Attribute.ofTensor("value", Tensor.of(new float[] {1, 2}, 2, 1)))) {
      EmitterTester.op("Constant").attribute(a).check(0);
    }
  }

  @Test
  void frozenTransposesThatKeepTheLastAxisGatherRows() {
    long[][] perms = {{0, 2, 1, 3, 4}, {2, 0, 3, 1, 4}, {0, 2, 3, 1, 4}, {1, 0, 2, 3, 4}, {3, 2, 1, 0, 4}, {0, 1, 3, 2, 4}, {0, 1, 2, 4, 3}};
    Object[][] shapes = {{2, 3, 4, 5, 16}, {"b", 3, 4, 5, 16}, {"b", "t", 4, 5, 16}, {"b", 3, 4, "t", 16}, {"b", 3, "t", 5, 16}, {3, 3, 3, 3, 3}};
    for (long[] perm : perms) {
      for (Object[] shape : shapes) {
        EmitterTester.op("Transpose").input(DataType.FLOAT, shape).ints("perm", perm).optimizedAndFrozen().sizes("b", 2, "t", 6)
            .sizes("b", 1, "t", 1).sizes("b", 3, "t", 0).check(0);
      }
    }
    EmitterTester heads = EmitterTester.op("Transpose").input(DataType.FLOAT, "b", 5, 3, 16).ints("perm", 0, 2, 1, 3);
    assertTrue(heads.convert().graph().getNodeList().stream().anyMatch(n -> n.getOp().equals("Transpose")));
    assertTrue(heads.optimizedAndFrozen().convert().graph().getNodeList().stream().noneMatch(n -> n.getOp().equals("Transpose")));
  }
}
