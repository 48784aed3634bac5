package dev.tenon.tf.emit;

import dev.tenon.ir.Shape;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.Tf;
import java.util.List;
import org.tensorflow.Output;

/** Shapes for Reshape and its like: constants where the dimensions are known, computed at run time where they are not. */
final class Dimensions {
  private Dimensions() {}

  /** Input 0 as a matrix, the dimensions before {@code axis} by those from it on. */
  static Output<?> flattened(EmitContext c, Output<?> x, int axis) {
    Tf tf = c.tf();
    Shape s = c.shape(0);
    long before = product(s, 0, axis);
    long after = product(s, axis, s.rank());
    if (after > 0) {
      return tf.reshape(x, -1, after);
    }
    if (before > 0) {
      return tf.reshape(x, before, -1);
    }
    Output<?> shape = tf.shape(x);
    Output<?> rows = tf.reduce("Prod", tf.call("Slice", shape, tf.constInts(0), tf.constInts(axis)), true, 0);
    Output<?> columns = tf.reduce("Prod", tf.call("Slice", shape, tf.constInts(axis), tf.constInts(-1)), true, 0);
    return tf.reshape(x, tf.concat(List.of(rows, columns), 0));
  }

  /** The product of known dimensions; -1 if one is not known. */
  static long product(Shape s, int from, int to) {
    long n = 1;
    for (int i = from; i < to; i++) {
      if (!s.dim(i).isConstant()) {
        return -1;
      }
      n *= s.dim(i).constant();
    }
    return n;
  }
}
