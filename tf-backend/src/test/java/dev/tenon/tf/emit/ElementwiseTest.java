package dev.tenon.tf.emit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.tf.Conversion;
import dev.tenon.tf.testing.EmitterTester;
import dev.tenon.tf.testing.Tensors;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ElementwiseTest {
  /** One rounding of float32 apart: both sides compute the same expression, perhaps with another vector library. */
  private static final double ROUNDING = 2e-6;

  private static Tensor special(Random r, DataType dtype, long... dims) {
    double[] v = Tensors.random(r, DataType.DOUBLE, dims).toDoubles();
    double[] odd = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 0.0, -0.0};
    for (int i = 0; i < v.length; i += 3) {
      v[i] = odd[r.nextInt(odd.length)];
    }
    return Tensor.of(v, dims).cast(dtype).evaluated();
  }

  @Test
  void parametersAndInputsBroadcast() {
    EmitterTester.op("Add").input(DataType.FLOAT, "n", 3, "n").parameter(Tensors.random(new Random(1), DataType.FLOAT, 3, 1))
        .sizes("n", 1).sizes("n", 3).sizes("n", 0).check(ROUNDING);
    EmitterTester.op("Add").input(DataType.UINT32, "n", 3).input(DataType.UINT32, 3).sizes("n", 2).check(0);
    EmitterTester.op("Mul").input(DataType.INT64, 2, 3).constant(1, 2, 3).check(0);
    EmitterTester.op("Sub").input(DataType.FLOAT, "a", 1, "b").input(DataType.FLOAT, 4, 1).sizes("a", 4, "b", 4).sizes("a", 1, "b", 0)
        .check(ROUNDING);
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT", "DOUBLE", "INT32", "INT64"})
  void arithmeticOfEveryKindOfNumber(DataType t) {
    for (String op : List.of("Add", "Sub", "Mul", "Max", "Min")) {
      EmitterTester.op(op).input(t, "n", 3).input(t, 3).sizes("n", 2).sizes("n", 3).check(ROUNDING);
    }
    EmitterTester.op("Div").input(t, "n", 3).input((r, d) -> Tensors.integers(r, t, 1, 5, d), t, 3).sizes("n", 4).check(ROUNDING);
    for (String op : List.of("Neg", "Abs", "Sign")) {
      EmitterTester.op(op).input(t, "n", 5).sizes("n", 2).check(0);
    }
  }

  @Test
  void integerDivisionTruncatesAndModuloFollowsTheDivisor() {
    Tensor a = Tensor.of(new int[] {7, -7, 7, -7, 0}, 5);
    Tensor b = Tensor.of(new int[] {3, 3, -3, -3, 5}, 5);
    EmitterTester.op("Div").input(a).input(b).expect(Tensor.of(new int[] {2, -2, -2, 2, 0}, 5)).check(0);
    EmitterTester.op("Mod").input(a).input(b).expect(Tensor.of(new int[] {1, 2, -2, -1, 0}, 5)).check(0);
    EmitterTester.op("Mod").attr("fmod", 1).input(a).input(b).expect(Tensor.of(new int[] {1, -1, 1, -1, 0}, 5)).check(0);
    for (DataType t : List.of(DataType.INT8, DataType.INT16, DataType.UINT8, DataType.UINT16, DataType.UINT64)) {
      EmitterTester.op("Mod").attr("fmod", 1).input(t, 7).input((r, d) -> Tensors.integers(r, t, 1, 5, d), t, 7).check(0);
    }
    EmitterTester.op("Mod").attr("fmod", 1).input(DataType.FLOAT16, 7)
        .input((r, d) -> Tensors.uniform(r, DataType.FLOAT16, 1, 3, d), DataType.FLOAT16, 7).check(1e-3);
  }

  @ParameterizedTest
  @ValueSource(doubles = {2, 3, 0.5, -0.5, -1, 1, 1.7})
  void constantExponents(double e) {
    EmitterTester.op("Pow").input((r, d) -> Tensors.uniform(r, DataType.FLOAT, 0.1, 4, d), DataType.FLOAT, "n", 3)
        .constant(Tensor.scalar((float) e)).sizes("n", 2).sizes("n", 0).check(1e-5);
  }

  @Test
  void powersOfMixedTypes() {
    EmitterTester.op("Pow").input(DataType.INT32, 5).input((r, d) -> Tensors.integers(r, DataType.INT64, 0, 4, d), DataType.INT64, 5).check(0);
    EmitterTester.op("Pow").input(DataType.FLOAT, 5).input((r, d) -> Tensors.integers(r, DataType.INT32, -2, 4, d), DataType.INT32, 5).check(1e-5);
    EmitterTester.op("Pow").input(DataType.INT64, 5).constant(2).check(0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Sqrt", "Exp", "Log", "Ceil", "Floor", "Round", "Erf", "Sin", "Cos", "Tan", "Atan", "Sinh", "Cosh", "Asinh",
      "Reciprocal", "Abs", "Neg", "Sign", "Asin", "Acos", "Acosh", "Atanh", "Relu"})
  void functionsOfOneNumberAlsoOutsideTheirDomain(String op) {
    // float32 transcendental functions of different libraries differ in the last bits.
    EmitterTester.op(op).input((r, d) -> op.equals("Relu") ? Tensors.random(r, DataType.FLOAT, d) : special(r, DataType.FLOAT, d), DataType.FLOAT, "n", 7)
        .sizes("n", 5).sizes("n", 0).check(1e-5);
  }

  @Test
  void roundingIsHalfToEven() {
    EmitterTester.op("Round").input(Tensor.of(new float[] {0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 2.4999f}, 6)).check(0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Max", "Min"})
  void extremaPropagateNaN(String op) {
    EmitterTester.op(op).input((r, d) -> special(r, DataType.FLOAT, d), DataType.FLOAT, 4, 9)
        .input((r, d) -> special(r, DataType.FLOAT, d), DataType.FLOAT, 9).check(0);
    for (DataType t : List.of(DataType.UINT64, DataType.INT8, DataType.FLOAT16)) {
      EmitterTester.op(op).input(t, 3, 1).input(t, 4).input(t, 3, 4).check(0);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"Sum", "Mean"})
  void variadicOperatorsBroadcast(String op) {
    EmitterTester.op(op).input(DataType.FLOAT, "n", 1).input(DataType.FLOAT, 3).input(DataType.FLOAT, 2, 1, 3).sizes("n", 4).check(ROUNDING);
    EmitterTester.op(op).input(DataType.FLOAT, "n", 3).input(DataType.FLOAT, "n", 3).input(DataType.FLOAT, "n", 3).sizes("n", 4).check(ROUNDING);
    EmitterTester.op(op).input(DataType.FLOAT, 3).check(0);
  }

  @ParameterizedTest
  @CsvSource({"1,3", "2,4", "-2,4"})
  void theAxisOfOldOpsetsAlignsTheSecondOperand(int axis, int size) {
    // ONNX Runtime starts at opset 7; the meaning then is that of trailing ones.
    Random r = new Random(5);
    Tensor a = Tensors.random(r, DataType.FLOAT, 2, 3, 4, 5);
    Tensor b = Tensors.random(r, DataType.FLOAT, size);
    Tensor sum = a.plus(axis == 1 ? b.reshape(3, 1, 1) : b.reshape(4, 1)).evaluated();
    EmitterTester.op("Add").opset(6).attr("broadcast", 1).attr("axis", axis).input(a).input(b).expect(sum).check(ROUNDING);
    EmitterTester.op("Add").opset(6).attr("broadcast", 1).attr("axis", axis).input(a).parameter(b).expect(sum).check(ROUNDING);
  }

  @Test
  void tenDimensionsThatAlternatelyBroadcast() {
    EmitterTester.op("Add").input(DataType.FLOAT, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1).input(DataType.FLOAT, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2).check(ROUNDING);
  }

  @Test
  void theBiasOfALinearLayerIsABiasAdd() {
    Random r = new Random(3);
    Tensor kernel = Tensor.source("fc.weight", DataType.FLOAT, new long[] {3, 4}, dev.tenon.ir.Storage.of(Tensors.random(r, DataType.FLOAT, 3, 4).bytes()));
    Tensor bias = Tensor.source("fc.bias", DataType.FLOAT, new long[] {4}, dev.tenon.ir.Storage.of(Tensors.random(r, DataType.FLOAT, 4).bytes()));
    EmitterTester t = EmitterTester.graph(g -> {
      Value product = g.newNode("MatMul").inputs(g.inputs().get(0), g.addInitializer("fc.weight", kernel)).output("p").append().output();
      g.addOutput(g.newNode("Add").inputs(g.addInitializer("fc.bias", bias), product).output("y").append().output());
    }).input(DataType.FLOAT, "n", 3).sizes("n", 2).sizes("n", 3);
    Conversion c = t.convert();
    assertTrue(c.graph().getNodeList().stream().anyMatch(n -> n.getOp().equals("BiasAdd")), "no BiasAdd in " + ops(c));
    assertEquals(List.of("fc/bias"), c.variables().stream().map(v -> v.name()).filter(n -> n.endsWith("bias")).toList());
  }

  static List<String> ops(Conversion c) {
    return c.graph().getNodeList().stream().map(n -> n.getOp()).toList();
  }
}
