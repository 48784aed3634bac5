package dev.tenon.tf.emit;

import dev.tenon.ir.Dim;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.Tf;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** Operators whose number of results depends on the data: Unique and NonMaxSuppression. */
final class Selection {
  /** Batch items times classes that are suppressed one by one. */
  private static final long MAX_UNROLLED = 512;

  private Selection() {}

  static void register(EmitterRegistry ops) {
    ops.op("Unique", 11, Selection::unique);
    ops.op("NonMaxSuppression", 10, Selection::nonMaxSuppression);
  }

  private static void unique(EmitContext c) {
    Tf tf = c.tf();
    boolean flat = !c.node().hasAttr("axis");
    int axis = flat ? 0 : Reductions.axis(c, 0);
    boolean sorted = c.node().intAttr("sorted", 1) != 0;
    if (sorted && c.in(0).dataType() == DataType.DT_STRING) {
      c.unsupported("TensorFlow cannot sort strings", "with sorted=0 the strings come in order of first occurrence");
      return;
    }
    Output<?> x = flat ? tf.reshape(c.in(0), -1L) : c.in(0);
    List<Output<?>> u = tf.op("UniqueWithCountsV2").in(x, tf.constInts(axis)).attr("out_idx", DataType.DT_INT64).outs();
    Output<?> values = u.get(0);
    Output<?> inverse = u.get(1);
    Output<?> counts = u.get(2);
    Output<?> number = Slicing.element(tf, tf.shape64(counts), 0);
    Output<?> all = Slicing.element(tf, tf.shape64(inverse), 0);
    Output<?> first = tf.call("UnsortedSegmentMin", tf.call("Range", tf.constLong(0), all, tf.constLong(1)), inverse,
        tf.cast(number, DataType.DT_INT32));
    if (sorted) {
      Output<?> order = flat ? ascending(tf, values) : lexicographic(c, values, axis);
      values = tf.gather(values, order, axis);
      first = tf.gather(first, order, 0);
      counts = tf.gather(counts, order, 0);
      inverse = tf.gather(tf.call("InvertPermutation", order), inverse, 0);
    }
    c.bind(0, values);
    c.bind(1, first);
    c.bind(2, tf.cast(inverse, DataType.DT_INT64));
    c.bind(3, counts);
  }

  /** The permutation that sorts a vector of different values. */
  private static Output<?> ascending(Tf tf, Output<?> vector) {
    Output<?> x = vector.dataType() == DataType.DT_BOOL ? tf.cast(vector, DataType.DT_INT32) : vector;
    Output<?> descending = tf.call(Kernels.isFloat(x.dataType()) ? "Neg" : "Invert", x);
    return tf.op("TopKV2").in(descending, Slicing.element(tf, tf.shape(x), 0)).attr("index_type", DataType.DT_INT64).outs().get(1);
  }

  /**
   * The permutation that sorts the slices along an axis, which are all different, by their first different element: the place of
   * a slice is the number of slices that are less.
   */
  private static Output<?> lexicographic(EmitContext c, Output<?> values, int axis) {
    Tf tf = c.tf();
    int rank = c.rank(0);
    int[] perm = new int[rank];
    perm[0] = axis;
    for (int i = 1, a = 0; i < rank; a++) {
      if (a != axis) {
        perm[i++] = a;
      }
    }
    Output<?> slices = axis == 0 ? values : tf.transpose(values, perm);
    Output<?> n = Slicing.element(tf, tf.shape(slices), 0);
    Output<?> rows = tf.reshape(slices, tf.pack(List.of(n, tf.constInt(-1)), 0));
    Output<?> a = tf.expandDims(rows, 1);
    Output<?> b = tf.expandDims(rows, 0);
    Output<?> differ = tf.cast(tf.call("NotEqual", a, b), DataType.DT_INT32);
    Output<?> at = tf.op("ArgMax").in(differ, tf.constInt(2)).attr("output_type", DataType.DT_INT64).out();
    Output<?> less = tf.cast(tf.call("Less", b, a), DataType.DT_INT32);
    Output<?> decided = tf.op("GatherV2").in(less, tf.expandDims(at, 2), tf.constInt(2)).attr("batch_dims", 2L).out();
    Output<?> place = tf.cast(tf.reduce("Sum", tf.squeeze(decided, 2), false, 1), DataType.DT_INT64);
    return tf.call("InvertPermutation", place);
  }

  private static void nonMaxSuppression(EmitContext c) {
    Tf tf = c.tf();
    Dim batches = c.rank(0) == 3 ? c.shape(0).dim(0) : Dim.unknown();
    Dim classes = c.rank(1) == 3 ? c.shape(1).dim(1) : Dim.unknown();
    if (!batches.isConstant() || !classes.isConstant() || batches.constant() * classes.constant() > MAX_UNROLLED) {
      c.unsupported("batch size and number of classes are " + batches + " and " + classes + ", expected known numbers of at most "
          + MAX_UNROLLED + " together", "export with a fixed batch size");
      return;
    }
    if (!c.has(2) || c.isConstant(2) && c.constantLongs(2)[0] <= 0) {
      c.bind(0, tf.constant(dev.tenon.ir.Tensor.of(new long[0], 0, 3)));
      return;
    }
    Output<?> most = c.isConstant(2) ? tf.constInt((int) Math.min(Integer.MAX_VALUE, c.constantLongs(2)[0]))
        : tf.cast(tf.call("Minimum", tf.reshape(c.in(2), new long[0]), tf.constLong(Integer.MAX_VALUE)), DataType.DT_INT32);
    Output<?> overlap = c.has(3) ? tf.reshape(c.in(3), new long[0]) : tf.scalar(DataType.DT_FLOAT, 0);
    Output<?> score = c.has(4) ? tf.reshape(c.in(4), new long[0]) : tf.scalar(DataType.DT_FLOAT, Double.NEGATIVE_INFINITY);
    Output<?> boxes = c.node().intAttr("center_point_box", 0) != 0 ? corners(tf, c.in(0)) : c.in(0);
    List<Output<?>> boxesOf = tf.op("Unpack").in(boxes).attr("num", batches.constant()).attr("axis", 0L).outs();
    List<Output<?>> scoresOf = tf.op("Unpack").in(c.in(1)).attr("num", batches.constant()).attr("axis", 0L).outs();
    List<Output<?>> found = new ArrayList<>();
    for (int b = 0; b < batches.constant(); b++) {
      List<Output<?>> byClass = tf.op("Unpack").in(scoresOf.get(b)).attr("num", classes.constant()).attr("axis", 0L).outs();
      for (int k = 0; k < classes.constant(); k++) {
        Output<?> kept = tf.call("NonMaxSuppressionV3", boxesOf.get(b), byClass.get(k), most, overlap, score);
        // Rows of batch, class, box: a column of boxes behind two constant columns.
        Output<?> column = tf.expandDims(tf.cast(kept, DataType.DT_INT64), 1);
        found.add(tf.add(tf.mul(column, tf.constLongs(0, 0, 1)), tf.constLongs(b, k, 0)));
      }
    }
    c.bind(0, tf.concat(found, 0));
  }

  /** [x, y, width, height] with the centre first, as [y1, x1, y2, x2]. */
  private static Output<?> corners(Tf tf, Output<?> boxes) {
    List<Output<?>> p = tf.op("Unpack").in(boxes).attr("num", 4L).attr("axis", -1L).outs();
    Output<?> half = tf.scalarLike(boxes, 0.5);
    Output<?> w = tf.mul(p.get(2), half);
    Output<?> h = tf.mul(p.get(3), half);
    return tf.pack(List.of(tf.sub(p.get(1), h), tf.sub(p.get(0), w), tf.add(p.get(1), h), tf.add(p.get(0), w)), -1);
  }
}
