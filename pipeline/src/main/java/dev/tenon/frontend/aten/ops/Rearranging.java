package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.List;

/** Elements moved between channels and space: pixel and channel shuffles, and windows unfolded to columns and folded back. */
public final class Rearranging {
  private Rearranging() {}

  public static void register(AtenOps ops) {
    ops.op("pixel_shuffle", Rearranging::pixelShuffle).op("pixel_unshuffle", Rearranging::pixelUnshuffle);
    ops.op("channel_shuffle native_channel_shuffle", Rearranging::channelShuffle);
    ops.op("im2col", Rearranging::unfold).op("col2im", Rearranging::fold);
  }

  /** Channels, blocks of r by r first, to space. */
  private static TorchValue pixelShuffle(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    int rank = c.rank("self");
    long r = c.integer("upscale_factor");
    List<TorchScalar> leading = o.sizes(x).subList(0, rank - 3);
    Value y = o.node("DepthToSpace").in(images(o, x, rank)).attr("blocksize", r).attr("mode", "CRD").out();
    return c.result(rank == 4 ? y : o.reshape(y, withLeading(leading, o.sizes(y))));
  }

  /** The inverse; ONNX's SpaceToDepth has the blocks last. */
  private static TorchValue pixelUnshuffle(AtenCall c) {
    Onnx o = c.onnx();
    int rank = c.rank("self");
    TorchScalar r = TorchScalar.of(c.integer("downscale_factor"));
    List<TorchScalar> s = o.sizes(c.tensor("self"));
    List<TorchScalar> leading = s.subList(0, rank - 3);
    TorchScalar channels = s.get(rank - 3);
    TorchScalar height = o.floorDiv(s.get(rank - 2), r);
    TorchScalar width = o.floorDiv(s.get(rank - 1), r);
    Value blocks = o.reshape(c.tensor("self"), List.of(TorchScalar.of(-1), channels, height, r, width, r));
    Value moved = o.transpose(blocks, 0, 1, 3, 5, 2, 4);
    TorchScalar all = o.times(channels, TorchScalar.of(r.toLong() * r.toLong()));
    return c.result(o.reshape(moved, withLeading(leading, List.of(TorchScalar.of(-1), all, height, width))));
  }

  /** Any number of leading axes as one. */
  private static Value images(Onnx o, Value x, int rank) {
    List<TorchScalar> sizes = new ArrayList<>(List.of(TorchScalar.of(-1)));
    sizes.addAll(o.sizes(x).subList(rank - 3, rank));
    return rank == 4 ? x : rank == 3 ? o.unsqueeze(x, 0) : o.reshape(x, sizes);
  }

  private static List<TorchScalar> withLeading(List<TorchScalar> leading, List<TorchScalar> image) {
    List<TorchScalar> all = new ArrayList<>(leading);
    all.addAll(image.subList(1, image.size()));
    return all;
  }

  private static TorchValue channelShuffle(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    int rank = c.rank("self");
    List<TorchScalar> sizes = o.sizes(x);
    TorchScalar groups = TorchScalar.of(c.integer("groups"));
    List<TorchScalar> split = new ArrayList<>(sizes);
    split.set(1, groups);
    split.add(2, o.floorDiv(sizes.get(1), groups));
    int[] perm = new int[rank + 1];
    for (int i = 0; i <= rank; i++) {
      perm[i] = i == 1 ? 2 : i == 2 ? 1 : i;
    }
    return c.result(o.reshape(o.transpose(o.reshape(x, split), perm), sizes));
  }

  /** Windows to columns: rows and columns are gathered by their positions in each window. */
  private static TorchValue unfold(AtenCall c) {
    Onnx o = c.onnx();
    int rank = c.rank("self");
    Value x = rank == 3 ? o.unsqueeze(c.tensor("self"), 0) : c.tensor("self");
    long[] padding = c.ints("padding", 2);
    if (padding[0] != 0 || padding[1] != 0) {
      x = o.op("Pad", x, o.vector(0, 0, padding[0], padding[1], 0, 0, padding[0], padding[1]));
    }
    List<TorchScalar> s = o.sizes(x);
    Value rows = positions(c, s.get(2), 0);
    Value columns = positions(c, s.get(3), 1);
    Value windows = o.gather(o.gather(x, rows, 2), columns, 4);
    TorchScalar depth = o.times(s.get(1), TorchScalar.of(c.ints("kernel_size", 2)[0] * c.ints("kernel_size", 2)[1]));
    TorchScalar count = o.times(o.size(rows, 1), o.size(columns, 1));
    Value y = o.reshape(o.transpose(windows, 0, 1, 2, 4, 3, 5), List.of(s.get(0), depth, count));
    return c.result(rank == 3 ? o.squeeze(y, 0) : y);
  }

  /** The positions along an axis, [kernel, windows]. */
  private static Value positions(AtenCall c, TorchScalar size, int i) {
    Onnx o = c.onnx();
    long kernel = c.ints("kernel_size", 2)[i];
    long dilation = c.ints("dilation", 2)[i];
    long stride = c.ints("stride", 2)[i];
    // The first elements of windows: from zero as long as the last element is inside.
    TorchScalar end = o.plus(size, TorchScalar.of(-dilation * (kernel - 1)));
    Value starts = o.op("Range", o.scalar(DataType.INT64, 0L), end.scalar(o), o.scalar(DataType.INT64, stride));
    long[] offsets = new long[(int) kernel];
    for (int k = 0; k < kernel; k++) {
      offsets[k] = k * dilation;
    }
    return o.add(o.unsqueeze(o.vector(offsets), 1), starts);
  }

  private static TorchValue fold(AtenCall c) {
    Onnx o = c.onnx();
    int rank = c.rank("self");
    Value x = rank == 2 ? o.unsqueeze(c.tensor("self"), 0) : c.tensor("self");
    long[] p = c.ints("padding", 2);
    Value y = o.node("Col2Im").in(x, o.vector(c.numbers("output_size")), o.vector(c.ints("kernel_size", 2)))
        .attr("dilations", c.ints("dilation", 2)).attr("pads", new long[] {p[0], p[1], p[0], p[1]}).attr("strides", c.ints("stride", 2)).out();
    return c.result(rank == 2 ? o.squeeze(y, 0) : y);
  }
}
