package dev.tenon.ir.io;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Provenance;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.testing.Graphs;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class GraphTextTest {

  @Test
  void aGraphIsPrintedOneLineANode() {
    Graphs g = Graphs.opset(18);
    Value x = g.input("x", "batch", 3, "h", null);
    Value cond = g.input(DataType.BOOL, "cond");
    Value w = g.weight("conv.weight", 8, 3, 3, 3);
    Value scaled = g.initializer("scaled", w.initializer().permute(2, 3, 1, 0).times(Tensor.scalar(0.1f)));
    Value y = g.op("Conv", Arrays.asList(x, w, null), Attribute.ofInts("pads", 1, 1, 1, 1), Attribute.ofString("auto_pad", "NOTSET"));
    y.producer().setProvenance(new Provenance(List.of("Conv_0"), "layer1.0.conv", ""));
    Graphs then = g.subgraph("then");
    then.output("t", then.op("Clip", Arrays.asList(y, null, g.constant(Tensor.scalar(6f)))));
    Graphs other = g.subgraph("else");
    other.output("e", other.op("Add", y, other.initializer("axes", Tensor.vector(-1, 2))));
    Value z = g.op("If", cond, Attribute.ofGraph("then_branch", then.graph()), Attribute.ofGraph("else_branch", other.graph()));
    Node custom = g.graph().newNode("Blur").domain("com.acme").inputs(z, scaled).outputNamed("blurred", null).noOutput()
        .attr("alpha", 0.1f).append();
    Model m = g.output("out", custom.output()).model();
    assertEquals("""
        model ir 10, opset 18
        graph test
          input %x:float32[batch,3,h,?]
          input %cond:bool[]
          const %conv.weight:float32[8,3,3,3] = conv.weight
          const %scaled:float32[3,3,3,8] = (permute(conv.weight, 2 3 1 0) * 0.1)
          const %c:float32[] = 6.0
          %conv = Conv(%x, %conv.weight, -) {auto_pad="NOTSET", pads=[1,1,1,1]}  # layer1.0.conv
          %if = If(%cond)
            else_branch: else
              const %axes:int64[2] = [-1,2]
              %e = Add(%conv, %axes{[-1,2]})
              output %e
            then_branch: then
              %t = Clip(%conv, -, %c{6.0})
              output %t
          %out, _ = com.acme::Blur(%if, %scaled{(permute(conv.weight, 2 3 1 0) * 0.1)}) {alpha=0.1}
          output %out
        """, GraphText.of(m));
  }
}
