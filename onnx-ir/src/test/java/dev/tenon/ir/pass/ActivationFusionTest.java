package dev.tenon.ir.pass;

import static dev.tenon.ir.testing.RuleTester.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Model;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.testing.Graphs;
import dev.tenon.ir.testing.RandomInputs;
import java.util.List;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;

class ActivationFusionTest {
  private static final float ROOT_HALF = (float) Math.sqrt(0.5);

  private static Graphs graph(int opset, BiFunction<Graphs, Value, Value> f) {
    Graphs g = Graphs.opset(opset);
    return g.output("y", f.apply(g, g.input("x", "n", 5)));
  }

  private static Value c(Graphs g, double value) {
    return g.constant(Tensor.scalar((float) value));
  }

  private static Value erf(Graphs g, Value x) {
    return g.op("Erf", g.op("Div", x, c(g, 1.4142135381698608)));
  }

  private static Value onePlus(Graphs g, Value v) {
    return g.op("Add", v, c(g, 1));
  }

  // ---- GELU ----

  @Test
  void geluOfTheTorchScriptExporter() {
    assertThat(ActivationFusion.GELU_ERF).on(graph(20, (g, x) -> g.op("Mul", g.op("Mul", x, onePlus(g, erf(g, x))), c(g, 0.5)))).fires("Gelu");
  }

  @Test
  void geluOfTheDynamoExporter() {
    assertThat(ActivationFusion.GELU_ERF).on(graph(20, (g, x) -> g.op("Mul", x, g.op("Mul", c(g, 0.5), onePlus(g, erf(g, x)))))).fires("Gelu");
  }

  @Test
  void geluWithAProductByTheRootOfAHalf() {
    assertThat(ActivationFusion.GELU_ERF).on(graph(20, (g, x) -> g.op("Mul", g.op("Mul", c(g, 0.5), x),
        g.op("Add", c(g, 1), g.op("Erf", g.op("Mul", c(g, ROOT_HALF), x)))))).fires("Gelu");
  }

  @Test
  void geluWithTheHalfMultipliedOut() {
    assertThat(ActivationFusion.GELU_ERF).on(graph(20, (g, x) -> g.op("Mul", x,
        g.op("Add", g.op("Mul", erf(g, x), c(g, 0.5)), c(g, 0.5))))).fires("Gelu");
  }

  @Test
  void geluDividedByTwo() {
    assertThat(ActivationFusion.GELU_ERF).on(graph(20, (g, x) -> g.op("Div", g.op("Mul", onePlus(g, erf(g, x)), x), c(g, 2)))).fires("Gelu");
  }

  @Test
  void beforeOpset20GeluIsAnOperatorOfOurOwn() {
    for (int opset : new int[] {11, 13, 17}) {
      Model m = assertThat(ActivationFusion.GELU_ERF)
          .on(graph(opset, (g, x) -> g.op("Mul", g.op("Mul", x, onePlus(g, erf(g, x))), c(g, 0.5)))).fires("dev.tenon::Gelu");
      assertEquals("none", m.graph().firstNode().stringAttr("approximate", ""));
      assertEquals(1, m.functions().size());
    }
  }

  @Test
  void twoKindsOfGeluAreTwoFunctions() {
    Graphs g = graph(14, (h, x) -> {
      Value first = h.op("Mul", h.op("Mul", x, onePlus(h, erf(h, x))), c(h, 0.5));
      first.setType(x.type());
      Value cube = h.op("Pow", first, c(h, 3));
      Value tanh = h.op("Tanh", h.op("Mul", c(h, Math.sqrt(2 / Math.PI)), h.op("Add", first, h.op("Mul", cube, c(h, 0.044715)))));
      return h.op("Mul", h.op("Mul", c(h, 0.5), first), onePlus(h, tanh));
    });
    Model m = assertThat(new ActivationFusion()).on(g).fires("dev.tenon::Gelu", "dev.tenon::Gelu");
    assertEquals(2, m.functions().size());
  }

  @Test
  void tanhGeluWithACubeOfProducts() {
    assertThat(ActivationFusion.GELU_TANH).on(graph(20, (g, x) -> {
      Value cube = g.op("Mul", x, g.op("Mul", x, x));
      Value tanh = g.op("Tanh", g.op("Mul", c(g, 0.7978845834732056), g.op("Add", x, g.op("Mul", c(g, 0.044714998453855515), cube))));
      return g.op("Mul", c(g, 0.5), g.op("Mul", x, g.op("Add", c(g, 1), tanh)));
    })).fires("Gelu");
  }

  @Test
  void tanhGeluWithXTakenOut() {
    assertThat(ActivationFusion.GELU_TANH).on(graph(20, (g, x) -> {
      Value square = g.op("Mul", x, x);
      Value inner = g.op("Mul", g.op("Mul", x, c(g, 0.7978845834732056)), onePlus(g, g.op("Mul", square, c(g, 0.044715))));
      return g.op("Mul", g.op("Mul", x, c(g, 0.5)), onePlus(g, g.op("Tanh", inner)));
    })).fires("Gelu");
  }

  @Test
  void geluOfHalfPrecision() {
    Graphs g = Graphs.opset(20);
    Value x = g.input(DataType.FLOAT16, "x", "n", 5);
    DataType half = DataType.FLOAT16;
    Value erf = g.op("Erf", g.op("Div", x, g.constant(Tensor.scalar(half, Math.sqrt(2)))));
    Value sum = g.op("Add", erf, g.constant(Tensor.scalar(half, 1)));
    g.output("y", g.op("Mul", g.op("Mul", x, sum), g.constant(Tensor.scalar(half, 0.5))));
    // 2^-11 for each of the roundings that are left out.
    assertThat(ActivationFusion.GELU_ERF).on(g).within(2e-3).fires("Gelu");
  }

  @Test
  void aHalfElsewhereIsNoGelu() {
    assertThat(ActivationFusion.GELU_ERF).on(graph(20, (g, x) ->
        g.op("Mul", x, onePlus(g, g.op("Mul", c(g, 0.5), erf(g, x)))))).doesNotFire("expected the constant 0.5");
  }

  @Test
  void erfOfAnotherValueIsNoGelu() {
    Graphs g = Graphs.opset(20);
    Value x = g.input("x", "n", 5);
    Value z = g.input("z", "n", 5);
    g.output("y", g.op("Mul", g.op("Mul", x, onePlus(g, erf(g, z))), c(g, 0.5)));
    assertThat(ActivationFusion.GELU_ERF).on(g).doesNotFire("is not the same as x");
  }

  @Test
  void anErfThatIsReadElsewhereKeepsThePattern() {
    Graphs g = Graphs.opset(20);
    Value x = g.input("x", "n", 5);
    Value erf = erf(g, x);
    g.output("y", g.op("Mul", g.op("Mul", x, onePlus(g, erf)), c(g, 0.5)));
    g.output("z", g.op("Neg", erf));
    assertThat(ActivationFusion.GELU_ERF).on(g).doesNotFire("is also read by");
  }

  @Test
  void aConstantThatBroadcastsIsNoCoefficient() {
    assertThat(ActivationFusion.GELU_ERF).on(graph(20, (g, x) -> g.op("Mul", g.op("Mul", x, onePlus(g, erf(g, x))),
        g.constant(Tensor.of(new float[] {0.5f}, 1, 1, 1))))).doesNotFire("may change the shape");
  }

  @Test
  void scalarsOfSeveralShapesAreCoefficients() {
    assertThat(ActivationFusion.GELU_ERF).on(graph(20, (g, x) -> g.op("Mul", g.op("Mul", x, onePlus(g, erf(g, x))),
        g.constant(Tensor.of(new float[] {0.5f}, 1, 1))))).fires("Gelu");
  }

  // ---- SiLU, HardSwish, HardSigmoid, Mish ----

  @Test
  void siluInBothOrders() {
    for (boolean first : new boolean[] {true, false}) {
      BiFunction<Graphs, Value, Value> silu = (g, x) -> first ? g.op("Mul", x, g.op("Sigmoid", x)) : g.op("Mul", g.op("Sigmoid", x), x);
      assertThat(ActivationFusion.SILU).on(graph(13, silu)).fires("dev.tenon::Swish");
    }
  }

  @Test
  void gatedLinearUnitIsNoSilu() {
    Graphs g = Graphs.opset(13);
    g.output("y", g.op("Mul", g.input("x", "n", 5), g.op("Sigmoid", g.input("z", "n", 5))));
    assertThat(ActivationFusion.SILU).on(g).doesNotFire("is not the same as x");
  }

  @Test
  void siluOfAProductKeepsTheProduct() {
    Graphs g = Graphs.opset(13);
    Value x = g.op("Mul", g.input("a", "n", 5), g.input("b", "n", 5));
    x.setType(g.graph().inputs().get(0).type());
    g.output("y", g.op("Mul", x, g.op("Sigmoid", x)));
    assertThat(ActivationFusion.SILU).on(g).fires("Mul", "dev.tenon::Swish");
  }

  @Test
  void infinitiesAndNaNPassThroughSilu() {
    Tensor special = Tensor.of(new float[] {Float.NaN, Float.POSITIVE_INFINITY, 1, -1, 0}, 1, 5);
    assertThat(ActivationFusion.SILU).on(graph(13, (g, x) -> g.op("Mul", x, g.op("Sigmoid", x))))
        .inputs(RandomInputs.seeded(1).given("x", special)).fires("dev.tenon::Swish");
  }

  private static Value relu6(Graphs g, Value x) {
    return g.op("Clip", List.of(g.op("Add", x, c(g, 3)), c(g, 0), c(g, 6)));
  }

  @Test
  void hardSwishInAllAssociations() {
    List<BiFunction<Graphs, Value, Value>> forms = List.of(
        (g, x) -> g.op("Div", g.op("Mul", x, relu6(g, x)), c(g, 6)),
        (g, x) -> g.op("Mul", x, g.op("Div", relu6(g, x), c(g, 6))),
        (g, x) -> g.op("Mul", g.op("Mul", relu6(g, x), c(g, 1 / 6.0)), x),
        (g, x) -> g.op("Mul", g.op("Mul", x, c(g, 1 / 6.0)), relu6(g, x)));
    for (BiFunction<Graphs, Value, Value> f : forms) {
      assertThat(ActivationFusion.HARD_SWISH).on(graph(14, f)).fires("HardSwish");
      assertThat(ActivationFusion.HARD_SWISH).on(graph(12, f)).fires("dev.tenon::HardSwish");
    }
  }

  @Test
  void hardSwishWithClipAttributes() {
    assertThat(ActivationFusion.HARD_SWISH).on(graph(10, (g, x) -> g.op("Div", g.op("Mul", x, g.op("Clip",
        g.op("Add", x, c(g, 3)), Attribute.ofFloat("min", 0), Attribute.ofFloat("max", 6))), c(g, 6)))).fires("dev.tenon::HardSwish");
  }

  @Test
  void hardSwishOfHardSigmoid() {
    assertThat(ActivationFusion.HARD_SWISH_OF_HARD_SIGMOID).on(graph(13, (g, x) ->
        g.op("Mul", x, g.op("HardSigmoid", x, Attribute.ofFloat("alpha", 1 / 6f))))).fires("dev.tenon::HardSwish");
  }

  @Test
  void hardSigmoidOfDefaultSlopeIsNoHardSwish() {
    assertThat(ActivationFusion.HARD_SWISH_OF_HARD_SIGMOID).on(graph(14, (g, x) -> g.op("Mul", x, g.op("HardSigmoid", x)))).doesNotFire("");
  }

  @Test
  void clipToOtherBoundsIsNoHardSwish() {
    assertThat(ActivationFusion.HARD_SWISH).on(graph(14, (g, x) -> g.op("Div", g.op("Mul", x,
        g.op("Clip", List.of(g.op("Add", x, c(g, 3)), c(g, 0), c(g, 5)))), c(g, 6)))).doesNotFire("Clip is not from 0 to 6");
  }

  @Test
  void hardSigmoidWhereXIsNotMultipliedIn() {
    assertThat(new ActivationFusion()).on(graph(13, (g, x) -> g.op("Div", relu6(g, x), c(g, 6)))).fires("HardSigmoid");
    assertThat(new ActivationFusion()).on(graph(14, (g, x) -> g.op("Mul", x, g.op("Div", relu6(g, x), c(g, 6))))).fires("HardSwish");
  }

  @Test
  void mishAndSoftplus() {
    BiFunction<Graphs, Value, Value> mish = (g, x) -> g.op("Mul", x, g.op("Tanh", g.op("Log", g.op("Add", g.op("Exp", x), c(g, 1)))));
    assertThat(new ActivationFusion()).on(graph(18, mish)).fires("Mish");
    assertThat(new ActivationFusion()).on(graph(13, mish)).fires("dev.tenon::Mish");
  }

  @Test
  void integersAreNoActivations() {
    Graphs g = Graphs.opset(20);
    g.output("y", g.op("Softplus", g.input("x", "n")));
    assertThat(new ActivationFusion()).on(g).doesNotFire("");
  }
}
