package dev.tenon.ir.function;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.pass.GraphChecker;
import dev.tenon.ir.testing.Equivalence;
import dev.tenon.ir.testing.Graphs;
import dev.tenon.ir.testing.Models;
import dev.tenon.ir.testing.RandomInputs;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each operator in ONNX Runtime against its body. */
class OnnxFunctionsTest {
  /** One rounding of exp and log more than a kernel of its own. */
  private static final double TOLERANCE = 2e-6;
  private static final Map<String, Integer> SINCE = Map.of("HardSwish", 14, "Mish", 18, "Swish", 24, "GreaterOrEqual", 12, "LessOrEqual", 12,
      "Celu", 12, "ThresholdedRelu", 10);

  record Case(String op, int opset, List<Attribute> attributes) {}

  static Stream<Case> cases() {
    List<Case> all = new ArrayList<>();
    for (String op : OnnxFunctions.operators()) {
      for (int opset : new int[] {9, 12, 13, 17, 18, 21, 24}) {
        if (opset >= SINCE.getOrDefault(op, 9)) {
          all.add(new Case(op, opset, List.of()));
          all.addAll(variants(op, opset));
        }
      }
    }
    return all.stream();
  }

  private static List<Case> variants(String op, int opset) {
    Attribute alpha = Attribute.ofFloat("alpha", 0.6f);
    return switch (op) {
      case "Celu", "Elu", "LeakyRelu", "ThresholdedRelu", "Swish" -> List.of(new Case(op, opset, List.of(alpha)));
      case "HardSigmoid" -> List.of(new Case(op, opset, List.of(alpha, Attribute.ofFloat("beta", 0.1f))));
      case "Selu" -> List.of(new Case(op, opset, List.of(alpha, Attribute.ofFloat("gamma", 2))));
      case "Shrink" -> List.of(new Case(op, opset, List.of(Attribute.ofFloat("lambd", 0.8f), Attribute.ofFloat("bias", 0.3f))));
      case "MeanVarianceNormalization" -> List.of(new Case(op, opset, List.of(Attribute.ofInts("axes", 1, 3))));
      case "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare" -> opset < 18
          ? List.of(new Case(op, opset, List.of(Attribute.ofInts("axes", 1, -1), Attribute.ofInt("keepdims", 0))))
          : List.of(new Case(op, opset, List.of(Attribute.ofInt("keepdims", 0))));
      default -> List.of();
    };
  }

  @ParameterizedTest
  @MethodSource("cases")
  void bodyComputesTheSame(Case c) {
    Graphs g = Graphs.opset(c.opset);
    Value x = g.input("x", "n", 3, 4, 4);
    List<Value> inputs = new ArrayList<>(List.of(x));
    if (c.op.endsWith("OrEqual")) {
      inputs.add(g.input("z", "n", 3, 4, 4));
    } else if (c.op.equals("PRelu")) {
      inputs.add(g.weight("slope", 3, 1, 1));
    } else if (c.op.equals("ReduceLogSum")) {
      inputs.set(0, g.op("Exp", x));
      inputs.get(0).setType(x.type());
    }
    if (c.op.startsWith("Reduce") && c.opset >= 18 && !c.attributes.isEmpty()) {
      inputs.add(g.constant(Tensor.vector(-1, 1)));
    }
    g.output("y", g.op(c.op, inputs, c.attributes.toArray(Attribute[]::new)));
    Model before = g.model();
    Model after = Models.copy(before);
    Node n = after.graph().lastNode();
    assertTrue(OnnxFunctions.expand(n, c.opset));
    new GraphChecker(after).check("expansion");
    assertFalse(after.graph().nodeList().stream().anyMatch(k -> k.isOp(c.op)));
    Equivalence.assertSameOutputs(before, after, TOLERANCE, List.of(RandomInputs.seeded(1).size("n", 2), RandomInputs.seeded(2).size("n", 1)));
  }

  @Test
  void specialValuesPassThroughAsInTheKernels() {
    Tensor special = Tensor.of(new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 0, 100, -100}, 6);
    for (String op : List.of("Elu", "Selu", "Softplus", "Softsign", "LeakyRelu", "HardSigmoid", "Relu")) {
      Graphs g = Graphs.opset(17);
      g.output("y", g.op(op, g.input("x", 6)));
      Model after = Models.copy(g.model());
      assertTrue(OnnxFunctions.expand(after.graph().lastNode(), 17));
      if (op.equals("Softsign")) {
        // inf / inf is NaN in the definition; the kernel agrees.
        special = Tensor.of(new float[] {Float.NaN, 0, 100, -100, 1e30f, -1e30f}, 6);
      }
      Equivalence.assertSameOutputs(g.model(), after, TOLERANCE, List.of(RandomInputs.seeded(1).given("x", special)));
    }
  }

  @Test
  void constantsHaveTheTypeOfTheInput() {
    Graphs g = Graphs.opset(17);
    g.output("y", g.op("Relu", g.input(DataType.DOUBLE, "x", 6)));
    Model after = Models.copy(g.model());
    assertTrue(OnnxFunctions.expand(after.graph().lastNode(), 17));
    Equivalence.assertSameOutputs(g.model(), after, 1e-14, List.of(RandomInputs.seeded(1)));
  }

  @Test
  void operatorsWithoutAFixedBodyHaveNone() {
    Graphs g = Graphs.opset(17);
    Value y = g.op("Conv", g.input("x", 1, 2, 3, 3), g.weight("w", 1, 2, 1, 1));
    assertEquals(java.util.Optional.empty(), OnnxFunctions.bodyOf(y.producer(), 17));
  }
}
