package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.OnnxNode;
import dev.tenon.frontend.aten.TorchString;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
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
    ops.op("convolution _convolution convolution_overrideable", c -> convolution(c, "input", c.bool("transposed")));
    ops.op("_convolution_mode", c -> convolution(c, "input", false));
    ops.op("_conv_depthwise2d conv_depthwise3d", c -> convolution(c, "self", false)).op("conv_tbc", Convolutions::timeBatchChannels);
  }

  private static TorchValue convolution(AtenCall c, String input, boolean transposed) {
    Onnx o = c.onnx();
    Value w = c.tensor("weight");
    int n = o.rank(w) - 2;
    boolean counted = !c.has("groups") || c.scalar("groups").isConstant();
    // A depthwise convolution has a filter, or several, for each channel.
    long groups = !c.has("groups") ? knownSize(c, c.tensor(input).shape().dim(c.rank(input) - n - 1)) : counted ? c.integer("groups") : 0;
    Dim channels = transposed ? w.shape().dim(0) : counted ? w.shape().dim(1).times(groups) : Dim.unknown();
    int rank = c.rank(input, batchOf(channels, n));
    if (n < 1 || n > 3 || rank != n + 1 && rank != n + 2) {
      throw c.unsupported("a convolution of a tensor of rank " + rank + " with a weight of rank " + (n + 2));
    }
    boolean batched = rank == n + 2;
    DataType type = Kernels.typeFor("Conv", c.dtypeOf(input));
    Value x = batched ? c.tensor(input, type) : o.unsqueeze(c.tensor(input, type), 0);
    Value weight = o.cast(w, type);
    Value bias = c.isNone("bias") ? null : c.tensor("bias", type);
    Value y = counted ? node(c, transposed, x, weight, bias, groups)
        : RuntimeGroups.convolve(c, x, weight, bias, (xs, ws, biases, each) -> node(c, transposed, xs, ws, biases, each));
    y = o.cast(y, c.dtypeOf(input));
    return c.result(batched ? y : o.squeeze(y, 0));
  }

  private static Value node(AtenCall c, boolean transposed, Value x, Value w, Value bias, long groups) {
    int n = w.rank() - 2;
    OnnxNode node = c.onnx().node(transposed ? "ConvTranspose" : "Conv").in(x, w, bias)
        .attr("strides", c.ints("stride", n)).attr("dilations", c.ints("dilation", n)).attr("group", groups);
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
    return node.out();
  }

  /** A convolution over time, the first axis, with the channels last; the weight is [kernel, in, out]. */
  private static TorchValue timeBatchChannels(AtenCall c) {
    Onnx o = c.onnx();
    long pad = c.integer("pad");
    Value y = o.node("Conv").in(o.transpose(c.tensor("self"), 1, 2, 0), o.transpose(c.tensor("weight"), 2, 1, 0), c.tensor("bias"))
        .attr("pads", new long[] {pad, pad}).out();
    return c.result(o.transpose(y, 2, 0, 1));
  }

  private static long knownSize(AtenCall c, Dim d) {
    if (!d.isConstant()) {
      throw c.unsupported("a kernel or a number of channels that is not known at conversion time");
    }
    return d.constant();
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
      long total = dilations[i] * (knownSize(c, w.shape().dim(i + 2)) - 1);
      pads[i] = total / 2;
      pads[n + i] = total - total / 2;
    }
    return pads;
  }
}
