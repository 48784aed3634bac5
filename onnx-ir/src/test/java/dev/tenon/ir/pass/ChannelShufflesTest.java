package dev.tenon.ir.pass;

import static dev.tenon.ir.testing.RuleTester.assertThat;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.testing.Graphs;
import java.util.List;
import org.junit.jupiter.api.Test;

class ChannelShufflesTest {
  private static Graphs shuffled(int opset, int height, int parts, int groups) {
    Graphs g = Graphs.opset(opset);
    Value x = g.input("x", 2, 6, height, 6);
    Value[] all = new Value[parts];
    for (int i = 0; i < parts; i++) {
      all[i] = g.op(i == 0 ? "Relu" : "Tanh", i < 2 ? x : g.op("Neg", x));
    }
    Value whole = g.op("Concat", List.of(all), Attribute.ofInt("axis", 1));
    int channels = 6 * parts;
    Value split = g.op("Reshape", whole, g.constant(Tensor.vector(2, groups, channels / groups, height, 6)));
    Value swapped = g.op("Transpose", split, Attribute.ofInts("perm", 0, 2, 1, 3, 4));
    return g.output("y", g.op("Reshape", swapped, g.constant(Tensor.vector(2, channels, height, 6))));
  }

  @Test
  void whatIsConcatenatedAndShuffledIsStacked() {
    assertThat(ChannelShuffles.SHUFFLE).shapes(new InferredShapes()).on(shuffled(17, 6, 2, 2)).fires("Relu", "Tanh", "Unsqueeze", "Unsqueeze", "Concat", "Reshape");
    assertThat(ChannelShuffles.SHUFFLE).shapes(new InferredShapes()).on(shuffled(12, 5, 2, 2)).fires("Relu", "Tanh", "Unsqueeze", "Unsqueeze", "Concat", "Reshape");
  }

  @Test
  void otherGroupsThanThePartsStay() {
    assertThat(ChannelShuffles.SHUFFLE).shapes(new InferredShapes()).on(shuffled(17, 6, 2, 3)).doesNotFire("does not split the channels into the concatenated parts");
  }

  @Test
  void largeMapsKeepTheirTranspose() {
    assertThat(ChannelShuffles.SHUFFLE).shapes(new InferredShapes()).on(shuffled(17, 4000, 2, 2)).doesNotFire("so large that a transpose is faster");
  }
}
