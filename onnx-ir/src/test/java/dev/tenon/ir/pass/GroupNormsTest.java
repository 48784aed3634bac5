package dev.tenon.ir.pass;

import static dev.tenon.ir.testing.RuleTester.assertThat;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.testing.Graphs;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class GroupNormsTest {
  private static Graphs groupNorm(int opset, boolean plain, Object height) {
    Graphs g = Graphs.opset(opset);
    Value x = g.op("Neg", g.input("x", "n", 6, height, 4));
    Value flat = g.op("Reshape", x, g.constant(Tensor.vector(0, 3, -1)));
    float[] ones = new float[3];
    Arrays.fill(ones, 1);
    Value scale = plain ? g.constant(Tensor.of(ones, 3)) : g.weight("scale", 3);
    Value bias = plain ? g.constant(Tensor.of(new float[3], 3)) : g.weight("bias", 3);
    Value n = g.op("InstanceNormalization", List.of(flat, scale, bias), Attribute.ofFloat("epsilon", 1e-3f));
    Value back = g.op("Reshape", n, g.op("Shape", x));
    return g.output("y", g.op("Mul", back, g.weight("w", 6, 1, 1)));
  }

  @Test
  void anInstanceNormOfReshapedChannelsBecomesReductionsThatKeepChannelsAndSpaceApart() {
    String[] reductions = {"Neg", "Shape", "Reshape", "ReduceMean", "ReduceMean", "Sub", "Mul", "ReduceMean", "ReduceMean", "Add", "Sqrt", "Div", "Reshape", "Mul"};
    assertThat(GroupNorms.GROUP_NORM).shapes(new InferredShapes()).on(groupNorm(13, true, "h")).fires(reductions);
    assertThat(GroupNorms.GROUP_NORM).shapes(new InferredShapes()).on(groupNorm(18, true, 4)).fires(reductions);
  }

  @Test
  void scaleAndBiasOfGroupsAreKept() {
    assertThat(GroupNorms.GROUP_NORM).shapes(new InferredShapes()).on(groupNorm(17, false, "h")).fires("Neg", "Shape", "Reshape", "ReduceMean", "ReduceMean",
        "Sub", "Mul", "ReduceMean", "ReduceMean", "Add", "Sqrt", "Div", "Mul", "Add", "Reshape", "Mul");
  }
}
