package dev.tenon.ir.pass;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Model;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.testing.Graphs;
import java.lang.management.ManagementFactory;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The pipeline's time grows linearly with the graph. */
class ScalingTest {

  /** Blocks of what exporters write: Conv + BatchNormalization + GELU written out + a residual, and constants everywhere. */
  private static Model model(int nodes) {
    Graphs g = Graphs.opset(17);
    Value x = g.input("x", "n", 4, 5, 5);
    Value hub = g.op("Relu", x);
    for (int block = 0; g.graph().nodeCount() < nodes; block++) {
      Value y = g.op("Conv", x, g.weight("w" + block, 4, 4, 1, 1));
      y = g.op("BatchNormalization", List.of(y, g.weight("g" + block, 4), g.weight("b" + block, 4), g.weight("m" + block, 4),
          g.constant(Tensor.of(new float[] {1, 2, 3, 4}, 4))));
      Value erf = g.op("Erf", g.op("Div", y, g.op("Constant", List.of(), Attribute.ofTensor("value", Tensor.scalar(1.41421356f)))));
      Value sum = g.op("Add", erf, g.op("Constant", List.of(), Attribute.ofTensor("value", Tensor.scalar(1f))));
      y = g.op("Mul", g.op("Mul", y, sum), g.op("Constant", List.of(), Attribute.ofTensor("value", Tensor.scalar(0.5f))));
      Value bias = g.op("Tanh", g.op("Transpose", g.weight("t" + block, 1, 4, 1, 1), Attribute.ofInts("perm", 0, 1, 3, 2)));
      y = g.op("Add", g.op("Identity", y), bias);
      // Everything reads one value, whose list of uses must not be walked again and again.
      x = g.op("Add", g.op("Add", y, x), g.op("Identity", hub));
    }
    return g.output("y", x).model();
  }

  private static double seconds(int nodes) {
    Model m = model(nodes);
    PassContext context = new PassContext(m, new Diagnostics(), new InferredShapes());
    StringBuilder parts = new StringBuilder();
    long start = cpuTime();
    new PassManager(Passes.all()).listener((i, p, r, model, time) -> {
      if (time.toMillis() > 200) {
        parts.append(' ').append(p.name()).append(' ').append(time.toMillis()).append(" ms");
      }
    }).run(context);
    double seconds = (cpuTime() - start) / 1e9;
    System.out.printf("%d nodes -> %d in %.2f s%s%n", nodes, context.nodeCount(), seconds, parts);
    return seconds;
  }

  /** This thread's own time: the clock on the wall would measure who else is at work. */
  private static long cpuTime() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }

  @Test
  void fiftyThousandNodesTakeTenTimesFiveThousand() {
    seconds(2_000);
    double small = seconds(5_000);
    seconds(10_000);
    double large = seconds(50_000);
    // Linear would be 10; a quadratic step shows as 100. Half a second is for the caches and compilers that are still cold.
    assertTrue(large < 25 * (small + 0.5), () -> "5,000 nodes: " + small + " s, 50,000 nodes: " + large + " s");
  }
}
