package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** Views told by strides in memory, and sliding windows. Memory is taken for row-major: what ONNX has, and PyTorch mostly. */
public final class Strided {
  private Strided() {}

  public static void register(AtenOps ops) {
    ops.op("as_strided as_strided_copy", Strided::asStrided).view("as_strided", (c, base, written, i) -> scatter(c, base, written));
    ops.op("as_strided_scatter", c -> c.result(scatter(c, c.tensor("self"), c.tensor("src"))));
    ops.op("unfold unfold_copy", Strided::unfold);
  }

  // ---- as_strided ----

  private static TorchValue asStrided(AtenCall c) {
    Onnx o = c.onnx();
    List<TorchScalar> sizes = c.numbers("size");
    List<TorchScalar> strides = c.numbers("stride");
    TorchTensor self = (TorchTensor) c.get("self");
    boolean fromStart = c.isNone("storage_offset") || c.scalar("storage_offset").is(0);
    if (fromStart && sameShape(self, sizes) && isRowMajor(o, sizes, strides)) {
      return c.result(self.value());
    }
    Value memory = memory(c, self);
    int[] order = order(sizes, strides);
    List<TorchScalar> stored = Arrays.stream(order).mapToObj(sizes::get).toList();
    TorchScalar count = sizes.stream().reduce(TorchScalar.of(1L), o::times);
    if (fromStart && count.dim().equals(memory.shape().numel())
        && isRowMajor(o, stored, Arrays.stream(order).mapToObj(strides::get).toList())) {
      return c.result(o.transpose(o.reshape(memory, stored), inverse(order)));
    }
    return c.result(o.gather(o.reshape(memory, -1), places(c, sizes, strides), 0));
  }

  private static boolean sameShape(TorchTensor x, List<TorchScalar> sizes) {
    return x.rank() == sizes.size() && IntStream.range(0, sizes.size()).allMatch(i -> x.shape().dim(i).equals(sizes.get(i).dim()));
  }

  /** The tensor whose row-major elements are what strides count in. */
  private static Value memory(AtenCall c, TorchTensor self) {
    TorchTensor root = self.root();
    if (self == root || self.isContiguous()) {
      // A place given counts from the start of all memory, else from the view's own start.
      return c.isNone("storage_offset") ? self.value() : root.value();
    }
    if (self.shape().hasRank() && self.shape().numel().equals(root.shape().numel())) {
      return root.value();
    }
    throw c.unsupported("strides in the memory of a view whose place in it is not known");
  }

  /** Axes by descending stride, as long as all strides are known. */
  private static int[] order(List<TorchScalar> sizes, List<TorchScalar> strides) {
    int[] all = IntStream.range(0, sizes.size()).toArray();
    if (!strides.stream().allMatch(TorchScalar::isConstant)) {
      return all;
    }
    return Arrays.stream(all).boxed().sorted(Comparator.comparingLong((Integer i) -> -strides.get(i).toLong())).mapToInt(Integer::intValue).toArray();
  }

  private static int[] inverse(int[] perm) {
    int[] inverse = new int[perm.length];
    for (int i = 0; i < perm.length; i++) {
      inverse[perm[i]] = i;
    }
    return inverse;
  }

  /** True if the strides are those of a row-major tensor of these sizes; the stride along an axis of size one does not matter. */
  private static boolean isRowMajor(Onnx o, List<TorchScalar> sizes, List<TorchScalar> strides) {
    TorchScalar expected = TorchScalar.of(1L);
    for (int i = sizes.size() - 1; i >= 0; i--) {
      if (sizes.get(i).is(1)) {
        continue;
      }
      if (!strides.get(i).dim().equals(expected.dim())) {
        return false;
      }
      expected = o.times(expected, sizes.get(i));
    }
    return true;
  }

  /** Where each element is in memory: sums of index times stride. */
  private static Value places(AtenCall c, List<TorchScalar> sizes, List<TorchScalar> strides) {
    Onnx o = c.onnx();
    int rank = sizes.size();
    Value sum = (c.isNone("storage_offset") ? TorchScalar.of(0L) : c.scalar("storage_offset")).scalar(o);
    for (int i = 0; i < rank; i++) {
      long[] shape = new long[rank];
      Arrays.fill(shape, 1);
      shape[i] = -1;
      Value along = o.mul(Filling.range(o, sizes.get(i)), strides.get(i).scalar(o));
      sum = o.add(sum, o.reshape(along, shape));
    }
    return sum;
  }

  private static Value scatter(AtenCall c, Value base, Value written) {
    Onnx o = c.onnx();
    Value places = o.reshape(places(c, c.numbers("size"), c.numbers("stride")), -1);
    Value flat = o.node("ScatterElements").in(o.reshape(base, -1), places, o.reshape(o.cast(written, base.dtype()), -1)).attr("axis", 0).out();
    return o.reshape(flat, o.sizes(base));
  }

  // ---- windows ----

  /** Windows of an axis, {@code step} apart; their elements are a new last axis. */
  private static TorchValue unfold(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    int rank = c.rank("self");
    if (rank == 0) {
      return c.result(o.unsqueeze(x, 0));
    }
    int axis = c.axis("dimension", rank);
    long size = c.integer("size");
    long step = c.integer("step");
    TorchScalar length = o.size(x, axis);
    TorchScalar count = o.plus(o.floorDiv(o.minus(length, TorchScalar.of(size)), TorchScalar.of(step)), TorchScalar.of(1L));
    Value windows;
    if (step == size && length.isConstant() && length.toLong() % size == 0) {
      List<TorchScalar> sizes = new ArrayList<>(o.sizes(x));
      sizes.set(axis, count);
      sizes.add(axis + 1, TorchScalar.of(size));
      windows = o.reshape(x, sizes);
    } else {
      Value starts = o.mul(Filling.range(o, count), o.scalar(DataType.INT64, step));
      Value places = o.add(o.unsqueeze(starts, 1), o.unsqueeze(Filling.range(o, TorchScalar.of(size)), 0));
      windows = o.gather(x, places, axis);
    }
    int[] perm = new int[rank + 1];
    for (int i = 0; i < rank; i++) {
      perm[i] = i <= axis ? i : i + 1;
    }
    perm[rank] = axis + 1;
    return c.result(o.transpose(windows, perm));
  }
}
