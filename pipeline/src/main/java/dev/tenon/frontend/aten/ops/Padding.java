package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Padding by a constant, by reflection, by repeating the edge, and in a circle. PyTorch lists pairs of widths from the last axis on;
 * negative widths cut off.
 */
public final class Padding {
  private static final String[] MODES = {"reflect", "edge", "wrap", "constant"};

  private Padding() {}

  public static void register(AtenOps ops) {
    ops.op("constant_pad_nd", c -> pad(c, "pad", "constant"));
    ops.op("pad", c -> pad(c, "pad", switch (c.string("mode")) {
      case "replicate" -> "edge";
      case "circular" -> "wrap";
      default -> c.string("mode");
    }));
    ops.op("_pad_enum", c -> pad(c, "pad", MODES[(int) c.integer("mode")])).op("_pad_circular", c -> pad(c, "pad", "wrap"));
    ops.op("reflection_pad1d reflection_pad2d reflection_pad3d", c -> pad(c, "padding", "reflect"));
    ops.op("replication_pad1d replication_pad2d replication_pad3d", c -> pad(c, "padding", "edge"));
  }

  private static TorchValue pad(AtenCall c, String parameter, String mode) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    int rank = c.rank("self");
    List<TorchScalar> widths = c.numbers(parameter);
    if (widths.size() > 2 * rank || widths.size() % 2 != 0) {
      throw c.unsupported(widths.size() + " widths of padding for a tensor of rank " + rank);
    }
    TorchScalar[] pads = new TorchScalar[2 * rank];
    Arrays.fill(pads, TorchScalar.of(0));
    for (int i = 0; i < widths.size() / 2; i++) {
      pads[rank - 1 - i] = widths.get(2 * i);
      pads[2 * rank - 1 - i] = widths.get(2 * i + 1);
    }
    x = cut(o, x, pads, rank);
    if (Arrays.stream(pads).allMatch(p -> p.is(0))) {
      return c.result(x);
    }
    TorchScalar value = !mode.equals("constant") || c.isNone("value") ? TorchScalar.of(0) : c.scalar("value");
    // Zero is ONNX's default, for every type.
    Value with = mode.equals("constant") && !value.is(0) ? value.scalar(o, x.dtype()) : null;
    return c.result(o.node("Pad").in(x, o.vector(Arrays.asList(pads)), with).attr("mode", mode).out());
  }

  /** Cuts off where widths are negative, and sets these to zero. */
  private static Value cut(Onnx o, Value x, TorchScalar[] pads, int rank) {
    List<Long> axes = new ArrayList<>();
    List<Long> starts = new ArrayList<>();
    List<Long> ends = new ArrayList<>();
    for (int i = 0; i < rank; i++) {
      long before = negative(pads, i);
      long behind = negative(pads, rank + i);
      if (before < 0 || behind < 0) {
        axes.add((long) i);
        starts.add(-before);
        ends.add(behind < 0 ? behind : Long.MAX_VALUE);
      }
    }
    return axes.isEmpty() ? x : o.op("Slice", x, vector(o, starts), vector(o, ends), vector(o, axes));
  }

  private static long negative(TorchScalar[] pads, int i) {
    long width = pads[i].isConstant() ? Math.min(0, pads[i].toLong()) : 0;
    if (width < 0) {
      pads[i] = TorchScalar.of(0);
    }
    return width;
  }

  private static Value vector(Onnx o, List<Long> values) {
    return o.vector(values.stream().mapToLong(Long::longValue).toArray());
  }
}
