package dev.tenon.ir.pass;

import static dev.tenon.ir.testing.RuleTester.assertThat;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.testing.Graphs;
import org.junit.jupiter.api.Test;

class ProductScalesTest {

  /** The scores of an attention, as PyTorch's exporters write them. */
  private static Graphs scores(Tensor keyScale, boolean readElsewhere) {
    Graphs g = Graphs.opset(17);
    Value q = g.op("Mul", g.input("q", "n", 2, "t", 4), g.constant(Tensor.scalar(0.5f)));
    Value k = g.op("Transpose", g.input("k", "n", 2, "t", 4), Attribute.ofInts("perm", 0, 1, 3, 2));
    Value scaled = g.op("Mul", g.constant(keyScale), k);
    if (readElsewhere) {
      g.output("scaled", scaled);
    }
    return g.output("y", g.op("MatMul", q, scaled));
  }

  @Test
  void scalesOfBothFactorsAreOne() {
    assertThat(new ProductScales()).shapes(new InferredShapes()).on(scores(Tensor.scalar(0.25f), false)).fires("Transpose", "Mul", "MatMul");
    assertThat(new ProductScales()).shapes(new InferredShapes()).on(scores(Tensor.of(new float[] {0.25f}, 1), false)).fires("Transpose", "Mul", "MatMul");
  }

  @Test
  void otherFactorsStay() {
    assertThat(ProductScales.BOTH_FACTORS).on(scores(Tensor.of(new float[] {1, 2}, 2, 1, 1), false)).doesNotFire("not both multiplied by a scalar");
    assertThat(ProductScales.BOTH_FACTORS).on(scores(Tensor.scalar(0.25f), true)).doesNotFire("is an output of the graph");
    assertThat(ProductScales.BOTH_FACTORS).on(scores(Tensor.scalar(Float.POSITIVE_INFINITY), false)).doesNotFire("not both multiplied");
  }
}
