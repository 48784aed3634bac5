package dev.tenon.tf.emit;

import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.Tf;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/**
 * Which query attends which key: the conjunction of a bool mask, causality, a sliding window and the end of padded sequences, and
 * a float mask that is added to the scores. All broadcast to [batch, heads, queries, keys].
 *
 * <p>What is disallowed gets a large negative number instead of minus infinity, so that a row without any key has finite scores,
 * and finite gradients; such rows are multiplied by zero afterwards, as the standard wants them.
 */
final class AttentionMask {
  private final EmitContext c;
  private final Tf tf;
  private final Sizes sizes;
  private final Sizes.Size queries;
  private final Sizes.Size keys;
  private final DataType type;
  /** Null if everything is. */
  private final Output<?> allowed;
  /** Null if there is none; may have infinities. */
  private final Output<?> bias;
  private final boolean rowsMayBeEmpty;

  AttentionMask(EmitContext c, Sizes sizes, Sizes.Size queries, Sizes.Size keys, DataType type) {
    this.c = c;
    this.tf = c.tf();
    this.sizes = sizes;
    this.queries = queries;
    this.keys = keys;
    this.type = type;
    Output<?> given = c.has(3) ? padded() : null;
    boolean bool = given != null && given.dataType() == DataType.DT_BOOL;
    bias = bool ? null : given;
    Output<?> all = bool ? given : null;
    boolean causal = c.node().intAttr("is_causal", 0) != 0;
    long left = c.node().intAttr("left_window_size", -1);
    long right = c.node().intAttr("right_window_size", -1);
    if (causal || left >= 0 || right >= 0) {
      all = and(all, positions(causal ? 0 : right, left));
    }
    if (c.has(6)) {
      all = and(all, tf.call("Less", range(keys), lengths()));
    }
    allowed = all;
    rowsMayBeEmpty = c.has(6) || bool || bias != null && !isFinite(c.constant(3));
  }

  private Output<?> and(Output<?> a, Output<?> b) {
    return a == null ? b : tf.call("LogicalAnd", a, b);
  }

  private static boolean isFinite(Tensor mask) {
    return mask != null && mask.dtype().isFloat() && Arrays.stream(mask.toDoubles()).allMatch(v -> v > Double.NEGATIVE_INFINITY);
  }

  /** The mask, lengthened to the number of keys by what disallows where it is shorter. */
  private Output<?> padded() {
    Output<?> mask = c.in(3);
    Shape shape = c.shape(3);
    int last = shape.rank() - 1;
    boolean external = c.has(6);
    if (shape.dim(last).isConstant() && shape.dim(last).constant() == keys.known()
        || !external && !c.has(4) && shape.dim(last).equals(c.shape(1).dim(-2))) {
      return mask;
    }
    Output<?> missing = tf.sub(keys.scalar(), sizes.of(mask, shape, last).scalar());
    Output<?> zero = tf.constInts(new int[2 * shape.rank() - 1]);
    Output<?> paddings = tf.reshape(tf.concat(List.of(zero, tf.reshape(missing, 1)), 0), shape.rank(), 2);
    Output<?> fill = mask.dataType() == DataType.DT_BOOL ? tf.scalar(DataType.DT_BOOL, 0)
        : tf.scalarLike(mask, Double.NEGATIVE_INFINITY);
    return tf.call("PadV2", mask, paddings, fill);
  }

  /** 0, 1, … as an int32 vector. */
  private Output<?> range(Sizes.Size n) {
    return n.isKnown() ? tf.constInts(IntStream.range(0, (int) n.known()).toArray())
        : tf.call("Range", tf.constInt(0), n.scalar(), tf.constInt(1));
  }

  /** The number of keys that are not padding, [batch, 1, 1, 1]. */
  private Output<?> lengths() {
    return tf.reshape(tf.cast(c.in(6), DataType.DT_INT32), -1, 1, 1, 1);
  }

  /**
   * Query i stands at i plus the number of keys before the first query, and attends from {@code left} keys before that to
   * {@code right} after it; negative for no bound.
   */
  private Output<?> positions(long right, long left) {
    Output<?> at = tf.expandDims(range(queries), 1);
    if (c.has(4)) {
      at = tf.add(at, sizes.of(c.in(4), c.shape(4), 2).scalar());
    } else if (c.has(6)) {
      at = tf.add(at, tf.sub(lengths(), queries.scalar()));
    }
    Output<?> key = range(keys);
    Output<?> allowed = right < 0 ? null : tf.call("LessEqual", key, shifted(at, right));
    return left < 0 ? allowed : and(allowed, tf.call("GreaterEqual", key, shifted(at, -left)));
  }

  private Output<?> shifted(Output<?> x, long by) {
    return by == 0 ? x : tf.add(x, tf.constInt((int) by));
  }

  /**
   * Scores with the mask applied.
   *
   * @param infinite whether what is disallowed becomes minus infinity, as the standard shows it in {@code qk_matmul_output}
   */
  Output<?> added(Output<?> scores, boolean infinite) {
    // A quarter of the range leaves room for the scores themselves and for a second mask.
    double low = infinite ? Double.NEGATIVE_INFINITY : type == DataType.DT_HALF ? -16000 : type == DataType.DT_DOUBLE ? -4e307 : -8e37;
    Output<?> total = bias;
    if (bias != null && !infinite && rowsMayBeEmpty) {
      total = tf.call("Maximum", bias, tf.scalarLike(bias, low));
    }
    if (allowed != null) {
      Output<?> zero = tf.scalar(type, 0);
      Output<?> minus = tf.scalar(type, low);
      total = total == null ? tf.select(allowed, zero, minus) : tf.select(allowed, total, minus);
    }
    return total == null ? scores : tf.add(scores, total);
  }

  /** Rows of queries, [batch, heads, queries, n], that attend no key become zero. */
  Output<?> cleared(Output<?> rows) {
    if (!rowsMayBeEmpty) {
      return rows;
    }
    Output<?> some = allowed;
    if (bias != null) {
      some = tf.call("Greater", bias, tf.scalarLike(bias, Double.NEGATIVE_INFINITY));
      some = allowed == null ? some : tf.call("LogicalAnd", some, allowed);
    }
    return tf.mul(rows, tf.cast(tf.reduce("Any", some, true, -1), rows.dataType()));
  }
}
