package dev.tenon.tf.emit;

import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.Tf;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import org.tensorflow.Output;

/**
 * A tensor as the rows of one matrix, all dimensions but the last being rows: the form in which TensorFlow multiplies fastest.
 *
 * <p>Grappler fuses a product with its bias and with the activation behind it only where no Reshape is in between, so the activation
 * is computed before the product gets its shape back.
 *
 * @see <a href="https://github.com/tensorflow/tensorflow/blob/v2.18.0/tensorflow/core/grappler/optimizers/remapper.cc">remapper.cc</a>
 */
final class Rows {
  private static final long MAX_UNFUSED_SILU = 16_384;

  private Rows() {}

  /**
   * Says which tensor the product is that a node ends with, and takes the activation along that alone reads it.
   *
   * @param last the node whose output the rows are: the product, or the bias behind it
   * @param rows the product as a matrix
   * @param restore gives the matrix the shape that the node's output has
   */
  static void bind(EmitContext c, Node last, Output<?> rows, UnaryOperator<Output<?>> restore) {
    Node next = c.follower(last);
    UnaryOperator<Output<?>> activation = next == null ? null : Activations.fusedBehindProducts(c.tf(), next);
    if (activation != null) {
      bindLast(c, next, restore.apply(activation.apply(rows)));
    } else if (next != null && Activations.isSilu(next) && isSmall(last.output().shape())) {
      bindLast(c, next, c.tf().mul(restore.apply(rows), restore.apply(c.tf().call("Sigmoid", rows))));
    } else {
      bindLast(c, last, restore.apply(rows));
    }
  }

  /**
   * True if an image has so few elements that the fused kernel for {@code x sigmoid(x)} costs more, by its overhead, than Sigmoid and Mul.
   * Grappler fuses them unless there is a Reshape in between.
   */
  private static boolean isSmall(Shape s) {
    long elements = s.hasRank() ? Dimensions.product(s, 1, s.rank()) : -1;
    return elements >= 0 && elements <= MAX_UNFUSED_SILU;
  }

  private static void bindLast(EmitContext c, Node last, Output<?> tensor) {
    if (last == c.node()) {
      c.bind(0, tensor);
    } else {
      c.bindFollower(last, tensor);
    }
  }

  /**
   * Rows with their leading dimensions again.
   *
   * @param like a tensor that has these leading dimensions
   * @param dims the dimensions of the result; -1 where they are known at run time only
   */
  static Output<?> restored(Tf tf, Output<?> like, Output<?> rows, long... dims) {
    long unknown = Arrays.stream(dims).filter(d -> d < 0).count();
    boolean empty = Arrays.stream(dims).anyMatch(d -> d == 0);
    if (unknown == 0 || unknown == 1 && !empty) {
      return tf.reshape(rows, dims);
    }
    int rank = dims.length;
    long columns = dims[rank - 1];
    Output<?> lead = tf.call("Slice", tf.shape(like), tf.constInts(0), tf.constInts(rank - 1));
    Output<?> last = columns >= 0 ? tf.constInts((int) columns) : tf.call("Slice", tf.shape(rows), tf.constInts(1), tf.constInts(1));
    return tf.reshape(rows, tf.concat(List.of(lead, last), 0));
  }
}
