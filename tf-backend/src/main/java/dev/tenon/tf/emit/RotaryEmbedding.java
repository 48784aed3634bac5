package dev.tenon.tf.emit;

import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.Tf;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Output;

/** Rotates pairs of elements of every head by angles that depend on the position. */
final class RotaryEmbedding {
  private RotaryEmbedding() {}

  static void register(EmitterRegistry ops) {
    ops.op("RotaryEmbedding", 23, RotaryEmbedding::rotaryEmbedding);
  }

  private static void rotaryEmbedding(EmitContext c) {
    Tf tf = c.tf();
    Sizes sizes = new Sizes(tf);
    boolean flat = c.rank(0) == 3;
    long heads = c.node().intAttr("num_heads", 0);
    Sizes.Size last = sizes.of(c.in(0), c.shape(0), flat ? 2 : 3);
    if (!last.isKnown() || flat && (heads <= 0 || last.known() % heads != 0)) {
      c.unsupported("found an input " + c.shape(0) + " and num_heads " + heads + ", expected a known last dimension, with rank 3 a multiple"
          + " of num_heads", "");
      return;
    }
    long size = flat ? last.known() / heads : last.known();
    long given = c.node().intAttr("rotary_embedding_dim", 0);
    int half = (int) ((given == 0 ? size : given) / 2);
    int rest = (int) size - 2 * half;
    Sizes.Size first = sizes.of(c.in(0), c.shape(0), 0);
    Sizes.Size second = sizes.of(c.in(0), c.shape(0), 1);
    // [batch, sequence, heads, size] of a flat input, else [batch, heads, sequence, size].
    Output<?> x = flat ? sizes.reshape(c.in(0), first, second, sizes.of(heads), sizes.of(size)) : c.in(0);
    Output<?> cos = angles(c, 1, flat);
    Output<?> sin = angles(c, 2, flat);

    List<Output<?>> y = new ArrayList<>();
    if (c.node().intAttr("interleaved", 0) != 0) {
      Output<?>[] rotated = rotated(tf, every(tf, x, 0, 2 * half), every(tf, x, 1, 2 * half), cos, sin);
      Sizes.Size third = flat ? sizes.of(heads) : sizes.of(c.in(0), c.shape(0), 2);
      y.add(sizes.reshape(tf.pack(List.of(rotated), 4), first, second, third, sizes.of(2L * half)));
      if (rest > 0) {
        y.add(tf.op("StridedSlice").in(x, tf.constInts(0, 2 * half), tf.constInts(0, 0), tf.constInts(1, 1)).attr("ellipsis_mask", 1)
            .attr("end_mask", 2).out());
      }
    } else {
      List<Output<?>> parts = rest == 0 ? Convolutions.split(tf, x, 3, 2)
          : tf.op("SplitV").in(x, tf.constInts(half, half, rest), tf.constInt(3)).attr("num_split", 3).outs();
      y.addAll(List.of(rotated(tf, parts.get(0), parts.get(1), cos, sin)));
      y.addAll(parts.subList(2, parts.size()));
    }
    Output<?> all = tf.concat(y, 3);
    c.bind(0, flat ? sizes.reshape(all, first, second, last) : all);
  }

  /** A cache of cosines or sines, [batch, sequence, half], looked up by position where positions are given, with an axis for the heads. */
  private static Output<?> angles(EmitContext c, int input, boolean flat) {
    Output<?> cache = c.has(3) ? c.tf().gather(c.in(input), c.in(3), 0) : c.in(input);
    return c.tf().expandDims(cache, flat ? 2 : 1);
  }

  private static Output<?>[] rotated(Tf tf, Output<?> a, Output<?> b, Output<?> cos, Output<?> sin) {
    return new Output<?>[] {tf.sub(tf.mul(cos, a), tf.mul(sin, b)), tf.add(tf.mul(sin, a), tf.mul(cos, b))};
  }

  /** Every second element of the last axis from {@code from} to {@code end}. */
  private static Output<?> every(Tf tf, Output<?> x, int from, int end) {
    return tf.op("StridedSlice").in(x, tf.constInts(0, from), tf.constInts(0, end), tf.constInts(1, 2)).attr("ellipsis_mask", 1).out();
  }
}
