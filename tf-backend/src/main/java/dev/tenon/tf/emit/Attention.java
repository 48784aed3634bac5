package dev.tenon.tf.emit;

import dev.tenon.tf.ElementTypes;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.Tf;
import java.util.List;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/**
 * Scaled dot product attention: softmax(softcap(scale * Q * K^T) + mask) * V.
 *
 * <p>The scale is applied to Q, which is smaller than the scores. Where several query heads share a head of keys, they are rows of
 * one product instead of the keys being repeated.
 */
final class Attention {
  private final EmitContext c;
  private final Tf tf;
  private final Sizes sizes;
  private final boolean heads3d;
  private final Sizes.Size batch;
  private final Sizes.Size queries;
  private final Sizes.Size queryHeads;
  private final Sizes.Size keyHeads;

  static void register(EmitterRegistry ops) {
    ops.op("Attention", 23, c -> new Attention(c).emit());
    RotaryEmbedding.register(ops);
  }

  private Attention(EmitContext c) {
    this.c = c;
    tf = c.tf();
    sizes = new Sizes(tf);
    heads3d = c.rank(0) == 3;
    batch = size(0, 0);
    queries = size(0, heads3d ? 1 : 2);
    queryHeads = heads3d ? sizes.of(required("q_num_heads")) : size(0, 1);
    keyHeads = heads3d ? sizes.of(required("kv_num_heads")) : size(1, 1);
  }

  private Sizes.Size size(int input, int axis) {
    return sizes.of(c.in(input), c.shape(input), axis);
  }

  private long required(String attr) {
    long n = c.node().intAttr(attr, 0);
    if (n <= 0) {
      throw new IllegalArgumentException("found no positive " + attr + ", expected one with inputs of rank 3");
    }
    return n;
  }

  private void emit() {
    if (!queryHeads.isKnown() || !keyHeads.isKnown() || queryHeads.known() % keyHeads.known() != 0) {
      c.unsupported("found " + queryHeads.known() + " heads of queries and " + keyHeads.known()
          + " of keys (-1: unknown), expected known numbers, the first a multiple of the second", "");
      return;
    }
    Output<?> key = cached(split(1, keyHeads), 4);
    Output<?> value = cached(split(2, keyHeads), 5);
    Sizes.Size keys = keys();
    long group = queryHeads.known() / keyHeads.known();
    int mode = c.wants(3) ? (int) c.node().intAttr("qk_matmul_output_mode", 0) : -1;
    float softcap = c.node().floatAttr("softcap", 0);
    // Scores divided by the softcap come from the same product as scaled ones, unless the latter are an output.
    boolean early = softcap > 0 && mode != 0;

    double scale = scale() / (early ? softcap : 1);
    Output<?> q = split(0, queryHeads);
    q = scale == 1 ? q : tf.mul(q, tf.scalarLike(q, scale));
    Output<?> scores = tf.op("BatchMatMulV2").in(regrouped(q, group, headSize(0)), key).attr("adj_y", true).out();
    scores = ungrouped(scores, group, keys);
    expose(mode == 0, scores);
    if (softcap > 0) {
      scores = early ? scores : tf.mul(scores, tf.scalarLike(scores, 1.0 / softcap));
      scores = tf.mul(tf.call("Tanh", scores), tf.scalarLike(scores, softcap));
    }
    expose(mode == 1, scores);
    AttentionMask mask = new AttentionMask(c, sizes, queries, keys, scores.dataType());
    expose(mode == 2, mask.added(scores, true));
    scores = mask.added(scores, false);

    DataType type = scores.dataType();
    DataType precise = !c.node().hasAttr("softmax_precision") ? type : ElementTypes.toTensorFlow(
        dev.tenon.ir.DataType.ofNumber((int) c.node().intAttr("softmax_precision", 1)).orElseThrow());
    Output<?> p = tf.cast(tf.call("Softmax", tf.cast(scores, precise)), type);
    if (mode == 3) {
      p = mask.cleared(p);
      expose(true, p);
    }
    Output<?> y = tf.call("BatchMatMulV2", regrouped(p, group, keys), value);
    y = ungrouped(y, group, headSize(2));
    y = mode == 3 ? y : mask.cleared(y);
    if (heads3d) {
      y = sizes.reshape(tf.transpose(y, 0, 2, 1, 3), batch, queries, headSize(2).times(queryHeads.known()));
    }
    c.bind(0, y);
    bindPresent(1, key);
    bindPresent(2, value);
  }

  private void bindPresent(int output, Output<?> cache) {
    if (c.wants(output)) {
      c.bind(output, cache);
    }
  }

  private void expose(boolean wanted, Output<?> scores) {
    if (wanted) {
      c.bind(3, scores);
    }
  }

  /** The size of a head of an input. */
  private Sizes.Size headSize(int input) {
    if (!heads3d) {
      return size(input, 3);
    }
    long heads = input == 0 ? queryHeads.known() : keyHeads.known();
    Sizes.Size hidden = size(input, 2);
    if (!hidden.isKnown()) {
      throw new IllegalArgumentException("found an input " + input + " of rank 3 and unknown last dimension, expected a known one");
    }
    return sizes.of(hidden.known() / heads);
  }

  /** An input as [batch, heads, sequence, head size]. */
  private Output<?> split(int input, Sizes.Size heads) {
    return heads3d
        ? tf.transpose(sizes.reshape(c.in(input), batch, size(input, 1), heads, headSize(input)), 0, 2, 1, 3)
        : c.in(input);
  }

  private Output<?> cached(Output<?> incoming, int past) {
    return c.has(past) ? tf.concat(List.of(c.in(past), incoming), 2) : incoming;
  }

  /** The number of keys, those of the cache included. */
  private Sizes.Size keys() {
    Sizes.Size incoming = size(1, heads3d ? 1 : 2);
    return c.has(4) ? size(4, 2).plus(incoming) : incoming;
  }

  private double scale() {
    if (c.node().hasAttr("scale")) {
      return c.node().floatAttr("scale", 1);
    }
    if (!headSize(0).isKnown()) {
      throw new IllegalArgumentException("found queries of unknown head size, expected a known one or a scale");
    }
    return 1 / Math.sqrt(headSize(0).known());
  }

  /** [batch, query heads, queries, n] as [batch, key heads, group * queries, n]. */
  private Output<?> regrouped(Output<?> x, long group, Sizes.Size n) {
    return group == 1 ? x : sizes.reshape(x, batch, keyHeads, queries.times(group), n);
  }

  private Output<?> ungrouped(Output<?> x, long group, Sizes.Size n) {
    return group == 1 ? x : sizes.reshape(x, batch, queryHeads, queries, n);
  }
}
