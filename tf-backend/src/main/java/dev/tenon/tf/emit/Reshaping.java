package dev.tenon.tf.emit;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.ParameterRole;
import dev.tenon.tf.Tf;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/**
 * Operators that keep the elements and change the shape. What inference knows of the result makes the target shape a constant with
 * at most one -1 wherever it can, so that no shape arithmetic is left at run time.
 */
final class Reshaping {
  private Reshaping() {}

  static void register(EmitterRegistry ops) {
    ops.op("Reshape", 1, Reshaping::reshape);
    ops.op("Flatten", 1, Reshaping::flatten);
    ops.op("Squeeze", 1, Reshaping::squeeze);
    ops.op("Unsqueeze", 1, Reshaping::unsqueeze);
    ops.op("Transpose", 1, Reshaping::transpose);
    ops.op("Expand", 8, Reshaping::expand);
    ops.op("Tile", 1, Reshaping::tile);
  }

  private static void reshape(EmitContext c) {
    Tf tf = c.tf();
    if (c.opset() < 5) {
      bindReshape(c, c.node().intsAttr("shape", new long[0]), false);
      return;
    }
    boolean allowZero = c.node().intAttr("allowzero", 0) != 0;
    long[] target = c.constantLongs(1);
    if (target != null || c.outputShape(0).hasRank() && constantTarget(c) != null) {
      bindReshape(c, target, allowZero);
      return;
    }
    Output<?> shape = c.in(1);
    boolean noZero = allowZero || c.knownData(1).map(d -> d.stream().noneMatch(x -> x.is(0))).orElse(false);
    c.bind(0, tf.reshape(c.in(0), noZero ? shape : zerosCopied(c, shape)));
  }

  /** Reshapes to a target whose elements are known (null: only the output's shape is). */
  private static void bindReshape(EmitContext c, long[] target, boolean allowZero) {
    Tf tf = c.tf();
    if (c.isConstant(0) && c.outputShape(0).isStatic()) {
      c.bind(0, c.parameter(0, ParameterRole.OTHER, t -> t.reshape(c.outputShape(0).toLongs())));
      return;
    }
    if (c.outputShape(0).hasRank() && c.outputShape(0).equals(c.shape(0))) {
      c.bind(0, c.in(0));
      return;
    }
    Output<?> constant = constantTarget(c);
    if (constant == null && target != null) {
      constant = ofTarget(c, target, allowZero);
    }
    c.bind(0, tf.reshape(c.in(0), constant));
  }

  /**
   * The shape of output 0 as inference has it: a constant if at most one dimension is dynamic, else the dynamic ones are taken
   * from the axes of input 0 that have the same size. Null if that is not enough.
   */
  static Output<?> constantTarget(EmitContext c) {
    Shape out = c.outputShape(0);
    if (!out.hasRank() || out.rank() == 0 && !c.shape(0).hasRank()) {
      return out.hasRank() ? c.tf().constShape() : null;
    }
    List<Integer> dynamic = new ArrayList<>();
    for (int i = 0; i < out.rank(); i++) {
      if (!out.dim(i).isConstant()) {
        dynamic.add(i);
      }
    }
    boolean empty = out.dims().stream().anyMatch(d -> d.is(0));
    if (dynamic.isEmpty() || dynamic.size() == 1 && !empty) {
      return c.tf().constShape(out.toLongs());
    }
    return empty || !c.shape(0).hasRank() ? null : partlyCopied(c, out, dynamic);
  }

  private static Output<?> partlyCopied(EmitContext c, Shape out, List<Integer> dynamic) {
    int[] copied = new int[out.rank()];
    Arrays.fill(copied, -1);
    int free = 0;
    for (int i : dynamic) {
      for (int j = 0; j < c.shape(0).rank(); j++) {
        if (c.shape(0).dim(j).equals(out.dim(i)) && (copied[i] < 0 || j == i)) {
          copied[i] = j;
        }
      }
      free += copied[i] < 0 ? 1 : 0;
    }
    if (free > 1) {
      return null;
    }
    if (free == 0) {
      // The last dynamic dimension needs no copy: it is what is left.
      copied[dynamic.get(dynamic.size() - 1)] = -1;
    }
    return shapeOf(c, out.toLongs(), copied);
  }

  /** A shape vector of known numbers and of sizes of input 0's axes ({@code copied[i]}, where it is not negative). */
  private static Output<?> shapeOf(EmitContext c, long[] dims, int[] copied) {
    Tf tf = c.tf();
    Output<?> in = tf.shape(c.in(0));
    List<Output<?>> parts = new ArrayList<>();
    for (int i = 0; i < dims.length; i++) {
      parts.add(copied[i] >= 0 ? Slicing.element(tf, in, copied[i]) : tf.constInt(Math.toIntExact(dims[i])));
    }
    return tf.pack(parts, 0);
  }

  /** The target as the node has it, 0 standing for the input's dimension unless {@code allowZero}. */
  private static Output<?> ofTarget(EmitContext c, long[] target, boolean allowZero) {
    int[] copied = new int[target.length];
    Arrays.fill(copied, -1);
    long[] dims = target.clone();
    boolean any = false;
    for (int i = 0; i < dims.length; i++) {
      if (dims[i] == 0 && !allowZero) {
        if (c.rank(0) >= 0 && c.shape(0).dim(i).isConstant()) {
          dims[i] = c.shape(0).dim(i).constant();
        } else {
          copied[i] = i;
          any = true;
        }
      }
    }
    return any ? shapeOf(c, dims, copied) : c.tf().constShape(dims);
  }

  /** A target known only at run time, with 0 replaced by the input's dimension. */
  private static Output<?> zerosCopied(EmitContext c, Output<?> target) {
    Tf tf = c.tf();
    Output<?> shape = tf.shape64(c.in(0));
    int length = c.shape(1).hasRank() && c.shape(1).dim(0).isConstant() ? (int) c.shape(1).dim(0).constant() : -1;
    Output<?> fitted;
    if (length >= 0 && length == c.rank(0)) {
      fitted = shape;
    } else {
      // Zeros copy by position, so the input's shape is cut or filled to the target's length.
      Output<?> n = tf.op("Size").in(target).attr("out_type", DataType.DT_INT32).out();
      Output<?> padded = tf.call("Pad", shape, tf.pack(List.of(tf.pack(List.of(tf.constInt(0), n), 0)), 0));
      fitted = tf.call("Slice", padded, tf.constInts(0), tf.pack(List.of(n), 0));
    }
    return tf.select(tf.call("Equal", target, tf.constLong(0)), fitted, target);
  }

  private static void flatten(EmitContext c) {
    Tf tf = c.tf();
    Output<?> x = c.in(0);
    int axis = (int) c.node().intAttr("axis", 1);
    axis = axis < 0 ? axis + c.rank(0) : axis;
    Shape s = c.shape(0);
    if (s.hasRank() && s.rank() == 2 && axis == 1) {
      c.bind(0, x);
      return;
    }
    Dim before = axis == 0 ? Dim.ONE : s.hasRank() ? Shape.of(s.subList(0, axis)).numel() : Dim.unknown();
    Dim behind = s.hasRank() ? Shape.of(s.subList(axis, s.rank())).numel() : Dim.unknown();
    if (before.isConstant() && behind.isConstant()) {
      c.bind(0, tf.reshape(x, before.constant(), behind.constant()));
    } else if (before.isConstant() && !before.is(0)) {
      c.bind(0, tf.reshape(x, before.constant(), -1));
    } else if (behind.isConstant() && !behind.is(0)) {
      c.bind(0, tf.reshape(x, -1, behind.constant()));
    } else {
      Output<?> head = tf.call("Slice", tf.shape(x), tf.constInts(0), tf.constInts(axis));
      Output<?> rows = tf.reduce("Prod", head, true, 0);
      c.bind(0, tf.reshape(x, tf.concat(List.of(rows, behind.is(0) ? tf.constInts(0) : tf.constInts(-1)), 0)));
    }
  }

  private static void squeeze(EmitContext c) {
    long[] axes = c.intsAttrOrInput("axes", 1);
    if (axes == null && c.has(1)) {
      Output<?> target = constantTarget(c);
      c.bind(0, c.tf().reshape(c.in(0), target != null ? target : withoutAxes(c)));
      return;
    }
    if (axes == null && c.outputShape(0).hasRank() && c.shape(0).hasRank()) {
      // Without axes all of size one go; the static ones are meant where inference has decided so.
      axes = LongStream.range(0, c.rank(0)).filter(i -> c.shape(0).dim((int) i).is(1)).toArray();
    }
    if (axes != null && axes.length == 0) {
      c.bind(0, c.in(0));
      return;
    }
    long[] known = axes == null ? new long[0] : axes;
    if (c.isConstant(0) && c.outputShape(0).isStatic()) {
      c.bind(0, c.parameter(0, ParameterRole.OTHER, t -> t.reshape(c.outputShape(0).toLongs())));
    } else {
      c.bind(0, c.tf().squeeze(c.in(0), known));
    }
  }

  private static void unsqueeze(EmitContext c) {
    Tf tf = c.tf();
    long[] axes = c.intsAttrOrInput("axes", 1);
    if (axes == null) {
      Output<?> target = constantTarget(c);
      boolean single = c.shape(1).hasRank() && c.shape(1).numel().is(1);
      if (target != null || single) {
        c.bind(0, target != null ? tf.reshape(c.in(0), target) : tf.call("ExpandDims", c.in(0), tf.reshape(c.in(1), new long[0])));
      } else {
        c.bind(0, tf.reshape(c.in(0), withAxes(c)));
      }
      return;
    }
    if (c.isConstant(0)) {
      c.bind(0, c.parameter(0, ParameterRole.OTHER, t -> t.reshape(withOnes(t.dims(), axes))));
      return;
    }
    Output<?> target = axes.length > 1 ? constantTarget(c) : null;
    if (target != null) {
      c.bind(0, tf.reshape(c.in(0), target));
      return;
    }
    Node reader = c.follower();
    if (reader != null && Slicing.isStack(reader)) {
      // The reader packs what is in front of the new axis.
      c.bind(0, c.in(0));
      return;
    }
    int rank = c.rank(0) + axes.length;
    Output<?> y = c.in(0);
    long[] sorted = Arrays.stream(axes).map(a -> a < 0 && c.rank(0) >= 0 ? a + rank : a).sorted().toArray();
    for (long a : sorted) {
      y = tf.expandDims(y, (int) a);
    }
    c.bind(0, y);
  }

  /** The positions of 0 … rank - 1 that are not among the axes of input 1. */
  private static Output<?> others(EmitContext c, Output<?> rank) {
    Tf tf = c.tf();
    Output<?> axes = tf.call("FloorMod", tf.cast(tf.reshape(c.in(1), -1L), DataType.DT_INT32), rank);
    Output<?> marks = tf.call("ScatterNd", tf.expandDims(axes, 1), tf.call("OnesLike", axes), tf.expandDims(rank, 0));
    return tf.squeeze(tf.call("Where", tf.call("Equal", marks, tf.constInt(0))), 1);
  }

  /** The input's shape without axes that are known only at run time. */
  private static Output<?> withoutAxes(EmitContext c) {
    return c.tf().gather(c.tf().shape(c.in(0)), others(c, c.tf().call("Rank", c.in(0))), 0);
  }

  /** The input's shape with axes of size one put in that are known only at run time. */
  private static Output<?> withAxes(EmitContext c) {
    Tf tf = c.tf();
    Output<?> count = tf.op("Size").in(c.in(1)).attr("out_type", DataType.DT_INT32).out();
    Output<?> rank = tf.add(tf.call("Rank", c.in(0)), count);
    Output<?> ones = tf.call("Fill", tf.expandDims(rank, 0), tf.constInt(1));
    return tf.call("TensorScatterUpdate", ones, tf.expandDims(others(c, rank), 1), tf.shape(c.in(0)));
  }

  private static long[] withOnes(long[] dims, long[] axes) {
    int rank = dims.length + axes.length;
    boolean[] one = new boolean[rank];
    for (long a : axes) {
      one[(int) (a < 0 ? a + rank : a)] = true;
    }
    long[] result = new long[rank];
    int at = 0;
    for (int i = 0; i < rank; i++) {
      result[i] = one[i] ? 1 : dims[at++];
    }
    return result;
  }

  private static void transpose(EmitContext c) {
    long[] attr = c.node().intsAttr("perm", null);
    Tf tf = c.tf();
    if (attr == null && c.rank(0) < 0) {
      Output<?> rank = tf.call("Rank", c.in(0));
      c.bind(0, tf.call("Transpose", c.in(0), tf.call("Range", tf.sub(rank, tf.constInt(1)), tf.constInt(-1), tf.constInt(-1))));
      return;
    }
    int[] perm = attr == null ? IntStream.range(0, c.rank(0)).map(i -> c.rank(0) - 1 - i).toArray()
        : Arrays.stream(attr).mapToInt(p -> (int) (p < 0 ? p + attr.length : p)).toArray();
    boolean identity = IntStream.range(0, perm.length).allMatch(i -> perm[i] == i);
    Output<?> rows = identity || c.rank(0) < 0 ? null : RowTranspose.of(c, perm);
    c.bind(0, identity ? c.in(0) : rows != null ? rows : c.permuted(0, ParameterRole.OTHER, perm));
  }

  /** Broadcasts both ways: a size of one in the shape keeps the input's dimension. */
  private static void expand(EmitContext c) {
    Tf tf = c.tf();
    Shape out = c.outputShape(0);
    if (out.hasRank() && out.equals(c.shape(0)) && out.dims().stream().noneMatch(Dim::isAnonymous)) {
      c.bind(0, c.in(0));
      return;
    }
    if (out.isStatic()) {
      c.bind(0, tf.call("BroadcastTo", c.in(0), tf.constShape(out.toLongs())));
      return;
    }
    Output<?> shape = c.in(1);
    boolean covers = c.shape(0).hasRank() && c.shape(0).dims().stream().allMatch(d -> d.is(1)) && c.shape(1).hasRank()
        && c.shape(1).dim(0).isConstant() && c.shape(1).dim(0).constant() >= c.rank(0);
    Output<?> target = covers ? shape : tf.call("BroadcastArgs", tf.shape64(c.in(0)), shape);
    c.bind(0, tf.call("BroadcastTo", c.in(0), target));
  }

  private static void tile(EmitContext c) {
    Tf tf = c.tf();
    if (c.opset() < 6) {
      // Opset 1: a number of tiles and one axis.
      Output<?>[] multiples = new Output<?>[c.rank(0)];
      Arrays.fill(multiples, tf.constInt(1));
      multiples[(int) c.constantLongs(2)[0]] = tf.cast(tf.reshape(c.in(1), new long[0]), DataType.DT_INT32);
      c.bind(0, tf.call("Tile", c.in(0), tf.pack(List.of(multiples), 0)));
      return;
    }
    Tensor repeats = c.constant(1);
    if (repeats != null && Arrays.stream(repeats.toLongs()).allMatch(r -> r == 1)) {
      c.bind(0, c.in(0));
      return;
    }
    c.bind(0, tf.call("Tile", c.in(0), repeats == null ? c.in(1) : tf.constShape(repeats.toLongs())));
  }
}
