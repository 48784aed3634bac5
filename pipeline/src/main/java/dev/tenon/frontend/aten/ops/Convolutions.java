package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.OnnxNode;
import dev.tenon.frontend.aten.TorchString;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Convolutions in one, two and three dimensions, and their transposes. Inputs may lack the batch dimension. */
public final class Convolutions {
  private Convolutions() {}

  public static void register(AtenOps ops) {
    ops.op("conv1d conv2d conv3d", c -> convolution(c, "input", false));
    ops.op("conv_transpose1d conv_transpose2d conv_transpose3d", c -> convolution(c, "input", true));
    ops.op("convolution _convolution", c -> convolution(c, "input", c.bool("transposed")));
  }

  private static TorchValue convolution(AtenCall c, String input, boolean transposed) {
    Onnx o = c.onnx();
    Value w = c.tensor("weight");
    int n = o.rank(w) - 2;
    int rank = c.rank(input, batchOf(transposed ? Dim.of(w.shape().dim(0).orMinusOne())
        : w.shape().dim(1).times(Dim.of(c.integer("groups"))), n));
    Value x = c.tensor(input);
    boolean batched = rank == n + 2;
    OnnxNode node = o.node(transposed ? "ConvTranspose" : "Conv").in(batched ? x : o.unsqueeze(x, 0), w, c.tensorOrNull("bias"))
        .attr("strides", c.ints("stride", n)).attr("dilations", c.ints("dilation", n)).attr("group", c.integer("groups"));
    if (c.get("padding") instanceof TorchString padding) {
      // "same" puts the odd element behind, as SAME_UPPER does; the stride is 1.
      node.attr("pads", padding.text().equals("same") ? samePads(c, w, n) : new long[2 * n]);
    } else {
      long[] p = c.ints("padding", n);
      long[] pads = Arrays.copyOf(p, 2 * n);
      System.arraycopy(p, 0, pads, n, n);
      node.attr("pads", pads);
    }
    if (transposed) {
      node.attr("output_padding", c.ints("output_padding", n));
    }
    Value y = node.out();
    return c.result(batched ? y : o.squeeze(y, 0));
  }

  private static Shape batchOf(Dim channels, int n) {
    List<Dim> dims = new ArrayList<>(List.of(Dim.unknown(), channels));
    for (int i = 0; i < n; i++) {
      dims.add(Dim.unknown());
    }
    return Shape.of(dims);
  }

  private static long[] samePads(AtenCall c, Value w, int n) {
    long[] dilations = c.ints("dilation", n);
    long[] pads = new long[2 * n];
    for (int i = 0; i < n; i++) {
      long total = dilations[i] * (w.shape().dim(i + 2).constant() - 1);
      pads[i] = total / 2;
      pads[n + i] = total - total / 2;
    }
    return pads;
  }
}
