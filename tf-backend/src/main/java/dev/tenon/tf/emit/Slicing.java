package dev.tenon.tf.emit;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Value;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.Tf;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** Operators that cut tensors apart and put them together: Slice, Split, Concat. */
final class Slicing {
  private Slicing() {}

  static void register(EmitterRegistry ops) {
    ops.op("Slice", 1, Slicing::slice);
    ops.op("Split", 1, Slicing::split);
    ops.op("Concat", 1, Slicing::concat);
  }

  private static void concat(EmitContext c) {
    int axis = (int) c.node().intAttr("axis", 1);
    if (isStack(c.node())) {
      c.bind(0, c.tf().op("Pack").inList(c.ins()).attr("axis", axis).out());
      return;
    }
    c.bind(0, c.tf().concat(c.ins(), axis));
  }

  /** True if every input is put in along an axis of its own, which only this Concat reads: one Pack says all that. */
  static boolean isStack(Node concat) {
    if (!concat.isOp("Concat") || concat.output().rank() < 1) {
      return false;
    }
    for (Value v : concat.inputs()) {
      Node n = v == null ? null : v.producer();
      long[] axes = n == null || !n.isOp("Unsqueeze") || n.graph() != concat.graph() || n.input(0).constant() != null || v.isGraphOutput()
          || v.uses().size() != 1 ? null : axes(n);
      if (axes == null || axes.length != 1 || fromFront(axes[0], concat) != fromFront(concat.intAttr("axis", 1), concat)) {
        return false;
      }
    }
    return !concat.inputs().isEmpty();
  }

  private static long[] axes(Node unsqueeze) {
    return unsqueeze.hasAttr("axes") ? unsqueeze.intsAttr("axes", null)
        : unsqueeze.input(1) == null || unsqueeze.input(1).constant() == null ? null : unsqueeze.input(1).constant().toLongs();
  }

  private static long fromFront(long axis, Node concat) {
    return axis < 0 ? axis + concat.output().rank() : axis;
  }

  /** Element i of a vector, as a scalar. */
  static Output<?> element(Tf tf, Output<?> vector, int i) {
    return tf.op("StridedSlice").in(vector, tf.constInts(i), tf.constInts(i + 1), tf.constInts(1)).attr("shrink_axis_mask", 1L).out();
  }

  // ---- Slice ----

  /** The bounds of one axis; null where they are known only at run time. */
  private record Bounds(Long start, Long end, Long step) {}

  private static void slice(EmitContext c) {
    boolean attributes = c.opset() < 10;
    long[] starts = attributes ? c.node().intsAttr("starts", null) : c.constantLongs(1);
    long[] ends = attributes ? c.node().intsAttr("ends", null) : c.constantLongs(2);
    long[] axes = attributes ? c.node().intsAttr("axes", null) : c.constantLongs(3);
    long[] steps = attributes ? null : c.constantLongs(4);
    boolean stepsKnown = attributes || !c.has(4) || steps != null;
    boolean axesKnown = attributes || !c.has(3) || axes != null;
    int count = count(c, starts, ends, axes);
    if (axesKnown && axes == null && count >= 0) {
      axes = LongStream.range(0, count).toArray();
    }
    boolean negativeNeedsRank = axes != null && Arrays.stream(axes).anyMatch(a -> a < 0);
    if (!axesKnown || axes == null || !stepsKnown || negativeNeedsRank && c.rank(0) < 0) {
      scattered(c);
      return;
    }
    Bounds[] bounds = new Bounds[axes.length];
    for (int i = 0; i < axes.length; i++) {
      bounds[i] = new Bounds(starts != null ? (Long) starts[i] : known(c, 1, i), ends != null ? (Long) ends[i] : known(c, 2, i),
          steps == null ? 1 : steps[i]);
      axes[i] = axes[i] < 0 ? axes[i] + c.rank(0) : axes[i];
    }
    strided(c, axes, bounds);
  }

  private static Long known(EmitContext c, int input, int i) {
    List<Dim> data = c.knownData(input).orElse(null);
    return data != null && data.get(i).isConstant() ? (Long) data.get(i).constant() : null;
  }

  private static int count(EmitContext c, long[]... lists) {
    for (long[] l : lists) {
      if (l != null) {
        return l.length;
      }
    }
    return c.shape(1).hasRank() && c.shape(1).dim(0).isConstant() ? (int) c.shape(1).dim(0).constant() : -1;
  }

  /** A StridedSlice over the leading axes up to the last one that is cut; masks say where an axis' whole range is meant. */
  private static void strided(EmitContext c, long[] axes, Bounds[] bounds) {
    Tf tf = c.tf();
    int length = (int) Arrays.stream(axes).max().orElse(-1) + 1;
    List<Output<?>> begin = new ArrayList<>();
    List<Output<?>> end = new ArrayList<>();
    long[] beginKnown = new long[length];
    long[] endKnown = new long[length];
    int[] strides = new int[length];
    Arrays.fill(strides, 1);
    long beginMask = (1L << length) - 1;
    long endMask = (1L << length) - 1;
    boolean whole = true;
    for (int a = 0; a < length; a++) {
      begin.add(null);
      end.add(null);
    }
    for (int i = 0; i < axes.length; i++) {
      int a = (int) axes[i];
      Bounds b = bounds[i];
      strides[a] = Math.toIntExact(clamped(b.step));
      boolean fromStart = b.start != null && (b.step > 0 ? b.start == 0 || b.start <= -Integer.MAX_VALUE : b.start >= Integer.MAX_VALUE);
      boolean toEnd = b.end != null && (b.step > 0 ? reachesEnd(c.shape(0), a, b.end) : b.end <= -Integer.MAX_VALUE);
      beginMask &= fromStart ? -1L : ~(1L << a);
      endMask &= toEnd ? -1L : ~(1L << a);
      whole &= fromStart && toEnd && b.step == 1;
      beginKnown[a] = b.start == null || fromStart ? 0 : clamped(b.start);
      endKnown[a] = b.end == null || toEnd ? 0 : clamped(b.end);
      if (b.start == null) {
        begin.set(a, element(tf, c.in(1), i));
      }
      if (b.end == null) {
        end.set(a, element(tf, c.in(2), i));
      }
    }
    if (whole) {
      c.bind(0, c.in(0));
      return;
    }
    DataType index = indexType(begin, end);
    c.bind(0, tf.op("StridedSlice")
        .in(c.in(0), vector(tf, begin, beginKnown, index), vector(tf, end, endKnown, index),
            tf.cast(tf.constInts(strides), index))
        .attr("begin_mask", beginMask).attr("end_mask", endMask).out());
  }

  private static boolean reachesEnd(Shape s, int axis, long end) {
    return end >= Integer.MAX_VALUE || s.hasRank() && s.dim(axis).isConstant() && end >= s.dim(axis).constant();
  }

  private static DataType indexType(List<Output<?>> begin, List<Output<?>> end) {
    for (List<Output<?>> list : List.of(begin, end)) {
      for (Output<?> o : list) {
        if (o != null) {
          return o.dataType() == DataType.DT_INT32 ? DataType.DT_INT32 : DataType.DT_INT64;
        }
      }
    }
    return DataType.DT_INT32;
  }

  private static Output<?> vector(Tf tf, List<Output<?>> dynamic, long[] known, DataType type) {
    if (dynamic.stream().allMatch(o -> o == null)) {
      return type == DataType.DT_INT64 ? tf.constLongs(known) : tf.constInts(Arrays.stream(known).mapToInt(v -> (int) v).toArray());
    }
    List<Output<?>> parts = new ArrayList<>();
    for (int i = 0; i < known.length; i++) {
      parts.add(dynamic.get(i) != null ? tf.cast(dynamic.get(i), type)
          : type == DataType.DT_INT64 ? tf.constLong(known[i]) : tf.constInt((int) known[i]));
    }
    return tf.pack(parts, 0);
  }

  private static long clamped(long v) {
    return Math.max(-Integer.MAX_VALUE, Math.min(Integer.MAX_VALUE, v));
  }

  /** All bounds, and perhaps the axes, at run time: whole ranges, into which the node's bounds are scattered. */
  private static void scattered(EmitContext c) {
    int rank = c.rank(0);
    if (rank < 0) {
      c.unsupported("axes or steps are known only at run time, and the input's rank is unknown", "");
      return;
    }
    Tf tf = c.tf();
    DataType type = c.in(1).dataType();
    Output<?> starts = c.in(1);
    Output<?> ends = c.in(2);
    Output<?> steps = c.has(4) ? tf.cast(c.in(4), type) : tf.call("OnesLike", starts);
    Output<?> n = tf.op("Size").in(starts).attr("out_type", DataType.DT_INT32).out();
    Output<?> axes = c.has(3) ? tf.cast(c.in(3), DataType.DT_INT32) : tf.call("Range", tf.constInt(0), n, tf.constInt(1));
    Output<?> index = tf.expandDims(tf.call("FloorMod", axes, tf.constInt(rank)), 1);
    long most = type == DataType.DT_INT32 ? Integer.MAX_VALUE : Long.MAX_VALUE;
    Output<?> begin = scatter(tf, fill(tf, type, rank, 0), index, starts);
    Output<?> end = scatter(tf, fill(tf, type, rank, most), index, ends);
    Output<?> strides = scatter(tf, fill(tf, type, rank, 1), index, steps);
    c.bind(0, tf.op("StridedSlice").in(c.in(0), begin, end, strides).out());
  }

  private static Output<?> fill(Tf tf, DataType type, int n, long value) {
    long[] v = new long[n];
    Arrays.fill(v, value);
    return type == DataType.DT_INT32 ? tf.constInts(Arrays.stream(v).mapToInt(x -> (int) x).toArray()) : tf.constLongs(v);
  }

  private static Output<?> scatter(Tf tf, Output<?> into, Output<?> index, Output<?> values) {
    return tf.call("TensorScatterUpdate", into, index, values);
  }

  // ---- Split ----

  private static void split(EmitContext c) {
    int axis = Reductions.axis(c, 0);
    int parts = c.node().outputs().size();
    Tf tf = c.tf();
    long[] sizes = c.intsAttrOrInput("split", 1);
    Dim dim = c.rank(0) >= 0 ? c.shape(0).dim(axis) : Dim.unknown();
    if (sizes == null && c.has(1)) {
      bindAll(c, tf.op("SplitV").in(c.in(0), c.in(1), tf.constInt(axis)).attr("num_split", parts).outs());
      return;
    }
    if (sizes == null && dim.isConstant()) {
      sizes = evenly(dim.constant(), parts);
    }
    if (parts == 1) {
      c.bind(0, c.in(0));
    } else if (sizes == null && c.node().hasAttr("num_outputs")) {
      // The last part is smaller if the size does not divide.
      Output<?> size = element(tf, tf.shape(c.in(0)), axis);
      Output<?> each = tf.call("FloorDiv", tf.add(size, tf.constInt(parts - 1)), tf.constInt(parts));
      List<Output<?>> all = new ArrayList<>(java.util.Collections.nCopies(parts - 1, each));
      all.add(tf.constInt(-1));
      bindAll(c, tf.op("SplitV").in(c.in(0), tf.pack(all, 0), tf.constInt(axis)).attr("num_split", parts).outs());
    } else if (sizes == null || dim.isConstant() && Arrays.stream(sizes).distinct().count() == 1) {
      bindAll(c, tf.op("Split").in(tf.constInt(axis), c.in(0)).attr("num_split", parts).outs());
    } else {
      bindAll(c, tf.op("SplitV").in(c.in(0), tf.constShape(sizes), tf.constInt(axis)).attr("num_split", parts).outs());
    }
  }

  private static long[] evenly(long size, int parts) {
    long each = (size + parts - 1) / parts;
    long[] sizes = new long[parts];
    for (int i = 0; i < parts; i++) {
      sizes[i] = Math.max(0, Math.min(each, size - i * each));
    }
    return sizes;
  }

  private static void bindAll(EmitContext c, List<Output<?>> outputs) {
    for (int i = 0; i < outputs.size(); i++) {
      c.bind(i, outputs.get(i));
    }
  }
}
