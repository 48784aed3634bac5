package dev.tenon.ir.pass;

import static dev.tenon.ir.testing.RuleTester.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Model;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.testing.Graphs;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class NormalizationFusionTest {

  private static Value mean(Graphs g, int opset, Value x, long... axes) {
    List<Value> inputs = new ArrayList<>(List.of(x));
    if (opset >= 18) {
      inputs.add(g.constant(Tensor.vector(axes)));
      return g.op("ReduceMean", inputs);
    }
    return g.op("ReduceMean", inputs, Attribute.ofInts("axes", axes));
  }

  private static Value epsilon(Graphs g, long... dims) {
    return g.constant(Tensor.of(new float[] {1e-5f}, dims));
  }

  private static Value normalized(Graphs g, int opset, Value x, boolean multiply, long... axes) {
    Value d = g.op("Sub", x, mean(g, opset, x, axes));
    Value square = multiply ? g.op("Mul", d, d) : g.op("Pow", d, g.constant(Tensor.scalar(2f)));
    Value deviation = g.op("Sqrt", g.op("Add", mean(g, opset, square, axes), epsilon(g)));
    return multiply ? g.op("Mul", d, g.op("Reciprocal", deviation)) : g.op("Div", d, deviation);
  }

  private static Graphs layerNorm(int opset, boolean multiply, long[] parameterDims, long... axes) {
    Graphs g = Graphs.opset(opset);
    Value y = normalized(g, opset, g.input("x", "n", 4, 4, 4), multiply, axes);
    y = g.op("Mul", g.weight("gamma", parameterDims), y);
    return g.output("y", g.op("Add", y, g.weight("beta", parameterDims)));
  }

  @Test
  void layerNormOverTheLastAxis() {
    assertThat(new NormalizationFusion()).on(layerNorm(17, false, new long[] {4}, -1)).fires("LayerNormalization");
    assertThat(new NormalizationFusion()).on(layerNorm(18, true, new long[] {4}, 3)).fires("LayerNormalization");
  }

  @Test
  void layerNormOverSeveralAxes() {
    Model m = assertThat(new NormalizationFusion()).on(layerNorm(17, false, new long[] {4, 4}, 3, 2)).fires("LayerNormalization");
    assertEquals(-2, m.graph().firstNode().intAttr("axis", 0));
    assertThat(new NormalizationFusion()).on(layerNorm(17, true, new long[] {1, 4, 4, 4}, -3, -2, -1)).fires("LayerNormalization");
  }

  @Test
  void beforeOpset17LayerNormIsAnOperatorOfOurOwn() {
    for (int opset : new int[] {11, 13, 16}) {
      assertThat(new NormalizationFusion()).on(layerNorm(opset, false, new long[] {4}, -1)).fires("dev.tenon::LayerNormalization");
    }
  }

  @Test
  void channelsFirstNormIsNotFusedThoughAllDimensionsAreEqual() {
    assertThat(new NormalizationFusion()).on(layerNorm(17, false, new long[] {4, 1, 1}, 1)).doesNotFire("");
    assertThat(new NormalizationFusion()).on(layerNorm(17, false, new long[] {4, 1}, 1, 3)).doesNotFire("");
    assertThat(new NormalizationFusion()).on(layerNorm(17, false, new long[] {4}, 2)).doesNotFire("");
    assertThat(NormalizationFusion.LAYER_NORM).on(layerNorm(17, false, new long[] {4}, 2)).doesNotFire("not over the last axes");
  }

  @Test
  void scaleOverAnotherAxisIsNotTaken() {
    assertThat(NormalizationFusion.LAYER_NORM).on(layerNorm(17, false, new long[] {4, 1}, -1)).doesNotFire("do not have the shape");
    assertThat(NormalizationFusion.LAYER_NORM).on(layerNorm(17, false, new long[] {1}, -1)).doesNotFire("do not have the shape");
  }

  @Test
  void normWithoutParametersGetsAScaleOfOnes() {
    Graphs g = Graphs.opset(17);
    g.output("y", normalized(g, 17, g.input("x", "n", 3, 5), false, -1));
    assertThat(new NormalizationFusion()).on(g).fires("LayerNormalization");
  }

  @Test
  void normWithScaleAloneHasNoBias() {
    Graphs g = Graphs.opset(17);
    g.output("y", g.op("Mul", normalized(g, 17, g.input("x", "n", 3, 5), true, -1), g.weight("gamma", 5)));
    Model m = assertThat(new NormalizationFusion()).on(g).fires("LayerNormalization");
    assertEquals(2, m.graph().firstNode().inputs().size());
  }

  @Test
  void epsilonOfOneElementCountsWhateverItsRankBelowTwo() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n", 3, 5);
    Value d = g.op("Sub", x, mean(g, 17, x, -1));
    Value deviation = g.op("Sqrt", g.op("Add", epsilon(g, 1), mean(g, 17, g.op("Mul", d, d), -1)));
    g.output("y", g.op("Mul", g.op("Div", d, deviation), g.weight("gamma", 5)));
    assertThat(new NormalizationFusion()).on(g).fires("LayerNormalization");
  }

  @Test
  void meansOverDifferentAxesAreNotFused() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n", 5, 5);
    Value d = g.op("Sub", x, mean(g, 17, x, -1));
    Value deviation = g.op("Sqrt", g.op("Add", mean(g, 17, g.op("Mul", d, d), -2, -1), epsilon(g)));
    g.output("y", g.op("Mul", g.op("Div", d, deviation), g.weight("gamma", 5)));
    assertThat(NormalizationFusion.LAYER_NORM_WITHOUT_BIAS).on(g).doesNotFire("different axes");
  }

  @Test
  void varianceThatIsReadElsewhereKeepsThePattern() {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n", 5);
    Value d = g.op("Sub", x, mean(g, 17, x, -1));
    Value variance = mean(g, 17, g.op("Mul", d, d), -1);
    g.output("y", g.op("Mul", g.op("Div", d, g.op("Sqrt", g.op("Add", variance, epsilon(g)))), g.weight("gamma", 5)));
    g.output("v", variance);
    assertThat(NormalizationFusion.LAYER_NORM_WITHOUT_BIAS).on(g).doesNotFire("is an output of the graph");
  }

  @Test
  void rmsNorm() {
    for (int opset : new int[] {13, 18, 23}) {
      Graphs g = Graphs.opset(opset);
      Value x = g.input("x", "n", 3, 5);
      Value root = g.op("Sqrt", g.op("Add", mean(g, opset, g.op("Pow", x, g.constant(Tensor.scalar(2f))), -1), epsilon(g)));
      g.output("y", g.op("Mul", g.weight("gamma", 5), g.op("Mul", x, g.op("Reciprocal", root))));
      assertThat(new NormalizationFusion()).on(g).fires(opset < 23 ? "dev.tenon::RMSNormalization" : "RMSNormalization");
    }
  }
}
