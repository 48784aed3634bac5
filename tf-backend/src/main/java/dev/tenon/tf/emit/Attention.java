package dev.tenon.tf.emit;

import dev.tenon.ir.DataType;
import dev.tenon.tf.ElementTypes;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.Tf;
import java.util.List;
import org.tensorflow.Output;

/**
 * Scaled dot-product attention and rotary position embeddings
 * (<a href="https://onnx.ai/onnx/operators/onnx__Attention.html">ONNX Attention</a>). Inside, queries are [batch, key heads,
 * queries per key head, length, size] where several query heads share a key head, else [batch, heads, length, size].
 */
final class Attention {
  private static final org.tensorflow.proto.DataType INT32 = org.tensorflow.proto.DataType.DT_INT32;

  private final EmitContext c;
  private final Tf tf;
  private final boolean flat;
  private final long queryHeads;
  private final long keyHeads;

  private Attention(EmitContext c) {
    this.c = c;
    this.tf = c.tf();
    this.flat = c.rank(0) == 3;
    this.queryHeads = flat ? c.node().intAttr("q_num_heads", -1) : c.shape(0).dim(1).orMinusOne();
    this.keyHeads = flat ? c.node().intAttr("kv_num_heads", -1) : c.shape(1).dim(1).orMinusOne();
    if (queryHeads < 1 || keyHeads < 1) {
      throw new IllegalArgumentException("the numbers of heads must be known");
    }
  }

  static void register(EmitterRegistry ops) {
    ops.op("Attention", 23, c -> new Attention(c).emit());
    ops.op("RotaryEmbedding", 23, Attention::rotary);
  }

  private void emit() {
    Output<?> q = heads(0, queryHeads);
    Output<?> k = heads(1, keyHeads);
    Output<?> v = heads(2, keyHeads);
    if (c.has(4)) {
      k = tf.concat(List.of(c.in(4), k), 2);
      v = tf.concat(List.of(c.in(5), v), 2);
    }
    c.bind(1, k);
    c.bind(2, v);
    Output<?> queryLength = length(q);
    Output<?> keyLength = length(k);
    long size = flat ? c.shape(0).dim(2).constant() / queryHeads : c.shape(0).dim(3).constant();
    double scale = c.node().hasAttr("scale") ? c.node().floatAttr("scale", 0) : 1 / Math.sqrt(size);
    boolean grouped = queryHeads != keyHeads;
    if (grouped) {
      q = split(q, 1, keyHeads, queryHeads / keyHeads);
      k = tf.expandDims(k, 2);
      v = tf.expandDims(v, 2);
    }
    Output<?> scores = tf.op("BatchMatMulV2").in(tf.mul(q, tf.scalarLike(q, scale)), k).attr("adj_y", true).out();
    long mode = c.node().intAttr("qk_matmul_output_mode", 0);
    inspect(scores, mode == 0, grouped);
    scores = capped(scores);
    inspect(scores, mode == 1, grouped);
    scores = masked(scores, queryLength, keyLength, grouped);
    inspect(scores, mode == 2, grouped);
    Output<?> shares = shares(scores);
    inspect(shares, mode == 3, grouped);
    Output<?> y = tf.call("BatchMatMulV2", shares, v);
    c.bind(0, joined(y, grouped));
  }

  private Output<?> length(Output<?> x) {
    return tf.reshape(tf.call("Slice", tf.shape(x), tf.constInts(2), tf.constInts(1)));
  }

  /** [batch, length, heads * size] to [batch, heads, length, size]. */
  private Output<?> heads(int input, long heads) {
    return flat ? tf.transpose(split(c.in(input), 2, heads, c.shape(input).dim(2).constant() / heads), 0, 2, 1, 3) : c.in(input);
  }

  /** One axis as two. */
  private Output<?> split(Output<?> x, int axis, long a, long b) {
    long[] known = x.shape().isUnknown() ? null : x.shape().asArray();
    if (known == null || java.util.Arrays.stream(known).filter(d -> d < 0).count() > 1) {
      Output<?> shape = tf.shape(x);
      Output<?> head = tf.call("Slice", shape, tf.constInts(0), tf.constInts(axis));
      Output<?> tail = tf.call("Slice", shape, tf.constInts(axis + 1), tf.constInts(-1));
      return tf.reshape(x, tf.concat(List.of(head, tf.constInts((int) a, (int) b), tail), 0));
    }
    long[] dims = new long[known.length + 1];
    for (int i = 0; i < dims.length; i++) {
      dims[i] = i < axis ? known[i] : i == axis ? a : i == axis + 1 ? b : known[i - 1];
    }
    return tf.reshape(x, dims);
  }

  /** Axes {@code axis} and the next as one. */
  private Output<?> merged(Output<?> x, int axis, long product) {
    Output<?> shape = tf.shape(x);
    Output<?> head = tf.call("Slice", shape, tf.constInts(0), tf.constInts(axis));
    Output<?> tail = tf.call("Slice", shape, tf.constInts(axis + 2), tf.constInts(-1));
    return tf.reshape(x, tf.concat(List.of(head, tf.constInts((int) product), tail), 0));
  }

  private void inspect(Output<?> scores, boolean asked, boolean grouped) {
    if (asked && c.node().output(3) != null) {
      c.bind(3, grouped ? merged(scores, 1, queryHeads) : scores);
    }
  }

  private Output<?> capped(Output<?> scores) {
    float cap = c.node().floatAttr("softcap", 0);
    return cap == 0 ? scores : tf.mul(tf.call("Tanh", tf.call("RealDiv", scores, tf.scalarLike(scores, cap))), tf.scalarLike(scores, cap));
  }

  /** A softmax along the keys; a query that may see no key has no shares. */
  private Output<?> shares(Output<?> scores) {
    org.tensorflow.proto.DataType type = scores.dataType();
    long precision = c.node().intAttr("softmax_precision", 0);
    Output<?> x = precision == 0 ? scores : tf.cast(scores, ElementTypes.toTensorFlow(DataType.ofNumber((int) precision).orElseThrow()));
    Output<?> y = tf.call("Softmax", x);
    if (canHideAllKeys()) {
      Output<?> some = tf.call("Greater", tf.reduce("Max", x, true, -1), tf.scalarLike(x, Double.NEGATIVE_INFINITY));
      y = tf.select(some, y, tf.scalarLike(y, 0));
    }
    return tf.cast(y, type);
  }

  private boolean canHideAllKeys() {
    return c.has(3) || c.has(6) || c.node().intAttr("left_window_size", -1) >= 0 || c.node().intAttr("right_window_size", -1) >= 0;
  }

  // ---- what a query may see ----

  private Output<?> masked(Output<?> scores, Output<?> queryLength, Output<?> keyLength, boolean grouped) {
    Output<?> y = scores;
    Output<?> allowed = and(byPlace(queryLength, keyLength), notPadding(keyLength));
    if (c.has(3)) {
      Output<?> mask = asLongAs(keyLength);
      if (c.dtype(3) == DataType.BOOL) {
        allowed = and(allowed, mask);
      } else {
        y = tf.add(y, grouped ? forGroups(mask, c.rank(3)) : mask);
      }
    }
    if (allowed == null) {
      return y;
    }
    int rank = c.has(6) ? 4 : c.has(3) && c.dtype(3) == DataType.BOOL ? Math.max(c.rank(3), 2) : 2;
    return tf.select(grouped ? forGroups(allowed, rank) : allowed, y, tf.scalarLike(y, Double.NEGATIVE_INFINITY));
  }

  private Output<?> and(Output<?> a, Output<?> b) {
    return a == null ? b : b == null ? a : tf.call("LogicalAnd", a, b);
  }

  /** A mask with heads in its third dimension from the end, for scores whose heads are two dimensions. */
  private Output<?> forGroups(Output<?> mask, int rank) {
    if (rank < 3) {
      return mask;
    }
    int at = rank - 3;
    boolean oneForAll = c.has(3) && c.rank(3) >= 3 ? c.shape(3).dim(-3).is(1) : true;
    return oneForAll ? tf.expandDims(mask, at) : split(mask, at, keyHeads, queryHeads / keyHeads);
  }

  /** A mask may be shorter than the keys: those behind it are hidden. */
  private Output<?> asLongAs(Output<?> keyLength) {
    Output<?> mask = c.in(3);
    int rank = c.rank(3);
    boolean equal = !c.has(6) && !c.has(4) && c.shape(3).dim(-1).isConstant() && c.shape(1).dim(flat ? 1 : 2).equals(c.shape(3).dim(-1));
    if (equal || !c.has(6) && c.onnxOpset() < 24) {
      return mask;
    }
    Output<?> missing = tf.sub(keyLength, tf.reshape(tf.call("Slice", tf.shape(mask), tf.constInts(rank - 1), tf.constInts(1))));
    Output<?> last = tf.reshape(tf.pack(List.of(tf.constInt(0), missing), 0), 1, 2);
    Output<?> paddings = rank == 1 ? last
        : tf.concat(List.of(tf.constant(dev.tenon.ir.Tensor.of(new int[2 * (rank - 1)], rank - 1, 2)), last), 0);
    return tf.call("PadV2", mask, paddings, c.dtype(3) == DataType.BOOL ? tf.cast(tf.constInt(0), mask.dataType())
        : tf.scalarLike(mask, Double.NEGATIVE_INFINITY));
  }

  /** By causality and window: [queries, keys], with a batch and a heads dimension in front if places differ; null for everything. */
  private Output<?> byPlace(Output<?> queryLength, Output<?> keyLength) {
    boolean causal = c.node().intAttr("is_causal", 0) == 1;
    long left = c.node().intAttr("left_window_size", -1);
    long right = c.node().intAttr("right_window_size", -1);
    if (!causal && left < 0 && right < 0) {
      return null;
    }
    Output<?> query = tf.expandDims(tf.call("Range", tf.constInt(0), queryLength, tf.constInt(1)), 1);
    if (c.has(4)) {
      query = tf.add(query, length(c.in(4)));
    } else if (c.has(6)) {
      Output<?> offset = tf.sub(tf.cast(c.in(6), INT32), queryLength);
      query = tf.add(query, tf.reshape(offset, -1, 1, 1, 1));
    }
    Output<?> key = tf.call("Range", tf.constInt(0), keyLength, tf.constInt(1));
    Output<?> allowed = causal ? tf.call("LessEqual", key, query) : null;
    allowed = left < 0 ? allowed : and(allowed, tf.call("LessEqual", tf.sub(query, key), tf.constInt((int) left)));
    return right < 0 ? allowed : and(allowed, tf.call("LessEqual", tf.sub(key, query), tf.constInt((int) right)));
  }

  private Output<?> notPadding(Output<?> keyLength) {
    if (!c.has(6)) {
      return null;
    }
    Output<?> key = tf.call("Range", tf.constInt(0), keyLength, tf.constInt(1));
    return tf.call("Less", key, tf.reshape(tf.cast(c.in(6), INT32), -1, 1, 1, 1));
  }

  /** Back to the layout of the inputs. */
  private Output<?> joined(Output<?> y, boolean grouped) {
    Output<?> all = grouped ? merged(y, 1, queryHeads) : y;
    if (!flat) {
      return all;
    }
    long size = c.shape(2).dim(2).constant() / keyHeads;
    return merged(tf.transpose(all, 0, 2, 1, 3), 2, queryHeads * size);
  }

  // ---- rotary embedding ----

  private static void rotary(EmitContext c) {
    Tf tf = c.tf();
    boolean flat = c.rank(0) == 3;
    boolean interleaved = c.node().intAttr("interleaved", 0) == 1;
    long heads = flat ? c.node().intAttr("num_heads", 0) : c.shape(0).dim(1).orMinusOne();
    long size = flat ? c.shape(0).dim(2).constant() / heads : c.shape(0).dim(3).constant();
    long turned = c.node().intAttr("rotary_embedding_dim", 0);
    turned = turned == 0 ? size : turned;
    Output<?> x = c.in(0);
    Output<?> shape = tf.shape(x);
    if (flat) {
      Output<?> lead = tf.call("Slice", shape, tf.constInts(0), tf.constInts(2));
      x = tf.reshape(x, tf.concat(List.of(lead, tf.constInts((int) heads, (int) size)), 0));
    }
    Output<?> cos = tf.expandDims(c.has(3) ? tf.gather(c.in(1), c.in(3), 0) : c.in(1), flat ? 2 : 1);
    Output<?> sin = tf.expandDims(c.has(3) ? tf.gather(c.in(2), c.in(3), 0) : c.in(2), flat ? 2 : 1);
    Output<?> first;
    Output<?> second;
    if (interleaved) {
      first = along(tf, x, 0, turned, 2);
      second = along(tf, x, 1, turned, 2);
    } else {
      first = along(tf, x, 0, turned / 2, 1);
      second = along(tf, x, turned / 2, turned, 1);
    }
    Output<?> real = tf.sub(tf.mul(cos, first), tf.mul(sin, second));
    Output<?> imaginary = tf.add(tf.mul(sin, first), tf.mul(cos, second));
    Output<?> y;
    if (interleaved) {
      Output<?> pairs = tf.pack(List.of(real, imaginary), 4);
      Output<?> lead = tf.call("Slice", tf.shape(x), tf.constInts(0), tf.constInts(3));
      y = tf.reshape(pairs, tf.concat(List.of(lead, tf.constInts((int) turned)), 0));
    } else {
      y = tf.concat(List.of(real, imaginary), 3);
    }
    y = turned == size ? y : tf.concat(List.of(y, along(tf, x, turned, size, 1)), 3);
    c.bind(0, flat ? tf.reshape(y, shape) : y);
  }

  /** Elements of the last of four dimensions. */
  private static Output<?> along(Tf tf, Output<?> x, long from, long to, long by) {
    return tf.op("StridedSlice").in(x, tf.constInts(0, 0, 0, (int) from), tf.constInts(0, 0, 0, (int) to), tf.constInts(1, 1, 1, (int) by))
        .attr("begin_mask", 7).attr("end_mask", 7).out();
  }
}
