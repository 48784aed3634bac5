package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.Promotion;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** Tensors put together, repeated, and turned about. */
public final class Joining {
  private static final TorchScalar TO_THE_END = TorchScalar.of(Long.MAX_VALUE);

  private Joining() {}

  public static void register(AtenOps ops) {
    ops.op("cat concat concatenate", c -> c.result(cat(c, c.list("tensors"), c.integer("dim")))).op("stack _stack", Joining::stack);
    ops.op("hstack", c -> sideBySide(c, 1, 1)).op("vstack row_stack", c -> sideBySide(c, 2, 0)).op("dstack", c -> sideBySide(c, 3, 2));
    ops.op("column_stack", Joining::columnStack).op("block_diag", Joining::blockDiag);
    ops.op("meshgrid", Joining::meshgrid).op("cartesian_prod", Joining::cartesianProduct).op("broadcast_tensors", Joining::broadcastTensors);
    ops.op("repeat", c -> c.result(repeated(c, c.numbers("repeats")))).op("tile", c -> c.result(repeated(c, c.numbers("dims"))));
    ops.op("repeat_interleave", Joining::repeatInterleave);
    ops.op("pad_sequence", Joining::padSequence);
    ops.op("flip", c -> c.result(flipped(c, c.axes("dims", c.rank("self")))));
    ops.op("fliplr", c -> c.result(flipped(c, 1))).op("flipud", c -> c.result(flipped(c, 0)));
    ops.op("roll", Joining::roll).op("rot90", Joining::rot90);
  }

  // ---- side by side ----

  private static Value cat(AtenCall c, List<TorchValue> tensors, long dim) {
    Onnx o = c.onnx();
    List<Value> parts = new ArrayList<>();
    for (TorchValue v : tensors) {
      Value part = ((TorchTensor) v).value();
      // An empty vector fits everything, by an old custom.
      if (tensors.size() == 1 || o.rank(part) != 1 || !part.shape().dim(0).is(0)) {
        parts.add(part);
      }
    }
    DataType t = Promotion.of(tensors);
    if (parts.isEmpty()) {
      return o.cast(((TorchTensor) tensors.get(0)).value(), t);
    }
    int axis = c.axis(dim, o.rank(parts.get(0)));
    return o.concat(axis, parts.stream().map(p -> o.cast(p, t)).toList());
  }

  private static TorchValue stack(AtenCall c) {
    Onnx o = c.onnx();
    List<Value> tensors = c.tensors("tensors");
    DataType t = Promotion.of(c.list("tensors"));
    int axis = c.axis(c.integer("dim"), o.rank(tensors.get(0)) + 1);
    return c.result(o.concat(axis, tensors.stream().map(v -> o.unsqueeze(o.cast(v, t), axis)).toList()));
  }

  /** Of tensors made to have at least this rank. */
  private static TorchValue sideBySide(AtenCall c, int rank, int axis) {
    Onnx o = c.onnx();
    List<TorchValue> parts = new ArrayList<>();
    c.tensors("tensors").forEach(v -> parts.add(TorchTensor.of(Views.atLeast(o, v, rank))));
    boolean vectors = rank == 1 && parts.stream().allMatch(p -> ((TorchTensor) p).rank() == 1);
    return c.result(cat(c, parts, vectors ? 0 : axis));
  }

  private static TorchValue columnStack(AtenCall c) {
    Onnx o = c.onnx();
    List<TorchValue> parts = new ArrayList<>();
    c.tensors("tensors").forEach(v -> parts.add(TorchTensor.of(o.rank(v) <= 1 ? o.reshape(v, -1, 1) : v)));
    return c.result(cat(c, parts, 1));
  }

  private static TorchValue blockDiag(AtenCall c) {
    Onnx o = c.onnx();
    DataType t = Promotion.of(c.list("tensors"));
    List<Value> blocks = c.tensors("tensors").stream().map(v -> o.cast(Views.atLeast(o, v, 2), t)).toList();
    TorchScalar before = TorchScalar.of(0L);
    TorchScalar total = TorchScalar.of(0L);
    for (Value b : blocks) {
      total = o.plus(total, o.size(b, 1));
    }
    DataType wide = Kernels.typeFor("Pad", t);
    List<Value> rows = new ArrayList<>();
    for (Value b : blocks) {
      TorchScalar after = o.minus(o.minus(total, before), o.size(b, 1));
      TorchScalar zero = TorchScalar.of(0L);
      rows.add(o.cast(o.op("Pad", o.cast(b, wide), o.vector(List.of(zero, before, zero, after))), t));
      before = o.plus(before, o.size(b, 1));
    }
    return c.result(o.concat(0, rows));
  }

  /** Sequences, the time axis first, made as long as the longest. */
  private static TorchValue padSequence(AtenCall c) {
    Onnx o = c.onnx();
    List<Value> sequences = c.tensors("sequences");
    TorchScalar longest = sequences.stream().map(v -> o.size(v, 0)).reduce((a, b) -> larger(o, a, b)).orElseThrow();
    boolean left = c.has("padding_side") && c.string("padding_side").equals("left");
    boolean batchFirst = c.bool("batch_first");
    List<Value> padded = new ArrayList<>();
    for (Value v : sequences) {
      List<TorchScalar> pads = new ArrayList<>(Collections.nCopies(2 * o.rank(v), TorchScalar.of(0L)));
      pads.set(left ? 0 : v.rank(), o.minus(longest, o.size(v, 0)));
      DataType wide = Kernels.typeFor("Pad", v.dtype());
      Value fill = o.scalar(wide, c.number("padding_value"));
      Value full = pads.stream().allMatch(p -> p.is(0)) ? v : o.cast(o.op("Pad", o.cast(v, wide), o.vector(pads), fill), v.dtype());
      padded.add(o.unsqueeze(full, batchFirst ? 0 : 1));
    }
    return c.result(o.concat(batchFirst ? 0 : 1, padded));
  }

  // ---- grids ----

  private static TorchValue meshgrid(AtenCall c) {
    boolean swapped = c.has("indexing") && c.string("indexing").equals("xy");
    return c.resultList(grids(c.onnx(), c.tensors("tensors"), swapped));
  }

  private static List<Value> grids(Onnx o, List<Value> vectors, boolean swapped) {
    int n = vectors.size();
    List<TorchScalar> sizes = new ArrayList<>();
    for (Value v : vectors) {
      sizes.add(o.rank(v) == 0 ? TorchScalar.of(1L) : o.size(v, 0));
    }
    if (swapped && n > 1) {
      Collections.swap(sizes, 0, 1);
    }
    List<Value> all = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      long[] shape = new long[n];
      Arrays.fill(shape, 1);
      shape[swapped && i < 2 && n > 1 ? 1 - i : i] = -1;
      all.add(o.expand(o.reshape(vectors.get(i), shape), sizes));
    }
    return all;
  }

  private static TorchValue cartesianProduct(AtenCall c) {
    Onnx o = c.onnx();
    List<Value> vectors = c.tensors("tensors");
    if (vectors.size() == 1) {
      return c.result(vectors.get(0));
    }
    return c.result(o.concat(1, grids(o, vectors, false).stream().map(g -> o.reshape(g, -1, 1)).toList()));
  }

  private static TorchValue broadcastTensors(AtenCall c) {
    Onnx o = c.onnx();
    List<Value> tensors = c.tensors("tensors");
    int rank = tensors.stream().mapToInt(o::rank).max().orElse(0);
    List<TorchScalar> sizes = new ArrayList<>();
    for (int i = 0; i < rank; i++) {
      sizes.add(commonSize(o, tensors, i - rank));
    }
    return c.resultList(tensors.stream().map(v -> o.expand(v, sizes)).toList());
  }

  /** The size that an axis, counted from the end, has after broadcasting. */
  static TorchScalar commonSize(Onnx o, List<Value> tensors, int fromEnd) {
    TorchScalar size = TorchScalar.of(1L);
    for (Value v : tensors) {
      if (v.rank() + fromEnd < 0) {
        continue;
      }
      Dim d = v.shape().dim(v.rank() + fromEnd);
      // What is not known may be one; what is known and is not one decides.
      if (!d.is(1) && !(size.isConstant() && !size.is(1))) {
        size = d.isConstant() || size.is(1) || size.dim().equals(d) ? o.size(v, fromEnd) : larger(o, size, o.size(v, fromEnd));
      }
    }
    return size;
  }

  private static TorchScalar larger(Onnx o, TorchScalar a, TorchScalar b) {
    Dim known = a.dim().max(b.dim());
    return known.isConstant() ? TorchScalar.of(known.constant()) : o.integer(o.op("Max", a.vector(o), b.vector(o)), known);
  }

  // ---- repetition ----

  /** Repeated along each axis; with more numbers than axes there are new axes in front, with fewer the last axes are meant. */
  private static Value repeated(AtenCall c, List<TorchScalar> times) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    List<TorchScalar> all = new ArrayList<>(times);
    while (all.size() < c.rank("self")) {
      all.add(0, TorchScalar.of(1L));
    }
    long[] axes = new long[all.size() - x.rank()];
    Arrays.setAll(axes, i -> i);
    Value y = o.unsqueeze(x, axes);
    return all.stream().allMatch(t -> t.is(1)) ? y : o.op("Tile", y, o.vector(all));
  }

  private static TorchValue repeatInterleave(AtenCall c) {
    Onnx o = c.onnx();
    if (!c.has("self")) {
      return c.result(placesRepeated(o, c.tensor("repeats")));
    }
    Value x = c.tensor("self");
    boolean flat = c.isNone("dim");
    int axis = flat ? 0 : c.axis("dim", c.rank("self"));
    Value y = flat || x.rank() == 0 ? o.reshape(x, -1) : x;
    if (c.get("repeats") instanceof TorchTensor t && !(t.rank() == 0 || t.rank() == 1 && t.shape().dim(0).is(1))) {
      return c.result(o.gather(y, placesRepeated(o, t.value()), axis));
    }
    TorchScalar times = c.get("repeats") instanceof TorchTensor t ? o.number(TorchScalar.Kind.INT, o.reshape(t.value(), List.of())) : c.scalar("repeats");
    List<TorchScalar> sizes = new ArrayList<>(o.sizes(y));
    List<TorchScalar> result = new ArrayList<>(sizes);
    result.set(axis, o.times(sizes.get(axis), times));
    sizes.add(axis + 1, times);
    return c.result(o.reshape(o.expand(o.unsqueeze(y, axis + 1), sizes), result));
  }

  /** Each place as often as its number says: the count of partial sums that are not above the position. */
  private static Value placesRepeated(Onnx o, Value repeats) {
    Value counts = o.cast(repeats, DataType.INT64);
    Value ends = o.op("CumSum", counts, o.scalar(DataType.INT64, 0L));
    Value total = o.reduce("ReduceSum", counts, false);
    Value positions = o.op("Range", o.scalar(DataType.INT64, 0L), total, o.scalar(DataType.INT64, 1L));
    Value passed = o.op("LessOrEqual", o.unsqueeze(ends, 0), o.unsqueeze(positions, 1));
    return o.reduce("ReduceSum", o.cast(passed, DataType.INT64), false, 1);
  }

  // ---- turned about ----

  private static Value flipped(AtenCall c, int... axes) {
    return flipped(c.onnx(), c.tensor("self"), axes);
  }

  private static Value flipped(Onnx o, Value x, int... axes) {
    if (axes.length == 0 || o.rank(x) == 0) {
      return x;
    }
    long[] starts = new long[axes.length];
    long[] ends = new long[axes.length];
    Arrays.fill(starts, -1);
    Arrays.fill(ends, Long.MIN_VALUE);
    return o.op("Slice", x, o.vector(starts), o.vector(ends), o.vector(Arrays.stream(axes).asLongStream().toArray()), o.vector(starts));
  }

  private static TorchValue roll(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    List<TorchScalar> shifts = c.numbers("shifts");
    int[] dims = c.axes("dims", c.rank("self"));
    if (dims.length == 0) {
      Value rolled = rolled(o, o.reshape(x, -1), 0, shifts.get(0));
      return c.result(o.reshape(rolled, o.sizes(x)));
    }
    Value y = x;
    for (int i = 0; i < dims.length; i++) {
      y = x.rank() == 0 ? y : rolled(o, y, dims[i], shifts.get(i));
    }
    return c.result(y);
  }

  private static Value rolled(Onnx o, Value x, int axis, TorchScalar shift) {
    TorchScalar size = o.size(x, axis);
    TorchScalar start;
    if (size.isConstant() && shift.isConstant()) {
      if (size.toLong() == 0) {
        return x;
      }
      start = TorchScalar.of(Math.floorMod(-shift.toLong(), size.toLong()));
      if (start.is(0)) {
        return x;
      }
    } else if (shift.is(0)) {
      return x;
    } else {
      // (-shift) mod size, as ONNX's Mod has the sign of the divisor.
      Value back = o.op("Neg", shift.vector(o));
      start = o.integer(o.op("Mod", back, size.vector(o)), Dim.unknown());
    }
    return o.concat(axis, List.of(o.slice(x, axis, start, TO_THE_END, 1), o.slice(x, axis, TorchScalar.of(0L), start, 1)));
  }

  private static TorchValue rot90(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    int rank = c.rank("self");
    int[] dims = c.axes("dims", rank);
    int[] perm = new int[rank];
    Arrays.setAll(perm, i -> i);
    perm[dims[0]] = dims[1];
    perm[dims[1]] = dims[0];
    return c.result(switch ((int) Math.floorMod(c.integer("k"), 4L)) {
      case 1 -> o.transpose(flipped(o, x, dims[1]), perm);
      case 2 -> flipped(o, x, dims);
      case 3 -> o.transpose(flipped(o, x, dims[0]), perm);
      default -> x;
    });
  }
}
