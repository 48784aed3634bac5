package dev.tenon.tf.emit;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.Tf;
import java.util.Arrays;
import java.util.Set;
import org.tensorflow.Output;

/**
 * Indices as TensorFlow takes them. ONNX counts negative indices from the end, TensorFlow refuses them; so they are shifted, at
 * conversion where they are constant, and not at all where it can be proved that none is negative.
 */
final class IndexRange {
  private static final int MAX_DEPTH = 12;
  /** Operators whose results are never negative. */
  private static final Set<String> NON_NEGATIVE = Set.of("Shape", "Size", "ArgMax", "ArgMin", "NonZero", "Abs", "Relu");
  /** Operators that only move or repeat the elements of their first input. */
  private static final Set<String> MOVING = Set.of("Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Expand", "Tile",
      "Slice", "Flatten", "Gather", "Split", "ReduceMax", "ReduceMin", "ReduceSum");
  private static final Set<String> COMBINING = Set.of("Add", "Mul", "Div", "Concat", "Min", "Sum");

  private IndexRange() {}

  /** True if no element of an integer tensor can be negative. */
  static boolean isNonNegative(EmitContext c, int i) {
    return c.knownData(i).map(d -> d.stream().allMatch(x -> x.isAtLeast(0))).orElse(false)
        || isNonNegative(c.node().input(i), 0);
  }

  private static boolean isNonNegative(Value v, int depth) {
    if (v == null || depth > MAX_DEPTH) {
      return false;
    }
    DataType t = v.dtype();
    if (t == DataType.BOOL || t == DataType.UINT8 || t == DataType.UINT16 || t == DataType.UINT32 || t == DataType.UINT64) {
      return true;
    }
    if (v.constant() != null) {
      return v.constant().dtype().isInteger() && Arrays.stream(v.constant().toLongs()).allMatch(x -> x >= 0);
    }
    Node n = v.producer();
    if (n == null || !n.domain().isEmpty()) {
      return false;
    }
    if (NON_NEGATIVE.contains(n.opType()) || n.opType().equals("TopK") && v.outputIndex() == 1) {
      return true;
    }
    if (MOVING.contains(n.opType())) {
      return isNonNegative(n.input(0), depth + 1);
    }
    if (COMBINING.contains(n.opType())) {
      return n.inputs().stream().allMatch(x -> isNonNegative(x, depth + 1));
    }
    if (n.opType().equals("Range")) {
      return isNonNegative(n.input(0), depth + 1) && isNonNegative(n.input(2), depth + 1);
    }
    return false;
  }

  /** Constant indices along an axis of known size, without negative ones; null if that cannot be said. */
  static Tensor normalized(Tensor indices, long size) {
    long[] v = indices.toLongs();
    for (int i = 0; i < v.length; i++) {
      if (v[i] < 0 && size < 0) {
        return null;
      }
      v[i] = v[i] < 0 ? v[i] + size : v[i];
    }
    Tensor t = Tensor.of(v, indices.dims());
    return t.cast(DataType.INT32).evaluated();
  }

  /** {@code indices} with {@code size} (of the same type) added where they are negative. */
  static Output<?> normalize(Tf tf, Output<?> indices, Output<?> size) {
    Output<?> negative = tf.call("Less", indices, tf.scalarLike(indices, 0));
    return tf.select(negative, tf.add(indices, tf.cast(size, indices.dataType())), indices);
  }

  /** Input {@code i} as non-negative indices along an axis of the data input 0. */
  static Output<?> indices(EmitContext c, int i, int axis) {
    Tf tf = c.tf();
    long size = c.rank(0) >= 0 ? c.shape(0).dim(axis).orMinusOne() : -1;
    Tensor constant = c.constant(i);
    if (constant != null) {
      Tensor t = normalized(constant, size);
      if (t != null) {
        return tf.constant(t);
      }
    }
    Output<?> indices = c.in(i);
    if (indices.dataType() != org.tensorflow.proto.DataType.DT_INT64) {
      indices = tf.cast(indices, org.tensorflow.proto.DataType.DT_INT32);
    }
    if (isNonNegative(c, i)) {
      return indices;
    }
    return normalize(tf, indices, size >= 0 ? tf.scalarLike(indices, size) : Slicing.element(tf, tf.shape(c.in(0)), axis));
  }
}
