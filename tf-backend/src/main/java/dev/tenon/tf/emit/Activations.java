package dev.tenon.tf.emit;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.Emitter;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.ParameterRole;
import dev.tenon.tf.Tf;
import java.util.Arrays;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** Activation functions, in the forms that Grappler fuses into the convolution or product in front where there is one. */
final class Activations {
  private static final float SELU_ALPHA = 1.67326319217681884765625f;
  private static final float SELU_GAMMA = 1.05070102214813232421875f;
  private static final Set<DataType> ORDERED = Set.of(DataType.DT_FLOAT, DataType.DT_DOUBLE, DataType.DT_HALF, DataType.DT_BFLOAT16,
      DataType.DT_INT8, DataType.DT_UINT8, DataType.DT_INT16, DataType.DT_INT32, DataType.DT_INT64);

  private Activations() {}

  static void register(EmitterRegistry ops) {
    for (String same : new String[] {"Sigmoid", "Tanh", "Softplus", "Softsign"}) {
      ops.op(same, 1, c -> c.bind(0, c.tf().call(same, c.in(0))));
    }
    ops.op("LeakyRelu", 1, c -> c.bind(0, leakyRelu(c.tf(), c.in(0), c.node())));
    ops.op("PRelu", 1, Activations::prelu);
    ops.op("Elu", 1, Activations::elu);
    ops.op("Selu", 1, Activations::selu);
    ops.op("Celu", 1, Activations::celu);
    ops.op("HardSigmoid", 1, Activations::hardSigmoid);
    both(ops, "HardSwish", unary((tf, x) -> tf.mul(x, tf.mul(tf.call("Relu6", tf.add(x, tf.scalarLike(x, 3))), tf.scalarLike(x, 1.0 / 6)))));
    both(ops, "Mish", unary((tf, x) -> tf.mul(x, tf.call("Tanh", tf.call("Softplus", x)))));
    both(ops, "Swish", Activations::swish);
    both(ops, "Gelu", c -> c.bind(0, gelu(c.tf(), c.in(0), isTanhGelu(c.node()))));
    ops.op("ThresholdedRelu", 1, c -> c.bind(0, c.tf().select(c.tf().call("Greater", c.in(0),
        c.tf().scalarLike(c.in(0), c.node().floatAttr("alpha", 1))), c.in(0), c.tf().scalarLike(c.in(0), 0))));
    ops.op("Shrink", 1, Activations::shrink);
    ops.op("Clip", 1, Activations::clip);
    ops.op("Softmax", 1, c -> softmax(c, "Softmax"));
    ops.op("LogSoftmax", 1, c -> softmax(c, "LogSoftmax"));
    ops.op("Hardmax", 1, c -> softmax(c, "Hardmax"));
  }

  private static void both(EmitterRegistry ops, String op, Emitter emitter) {
    ops.op(op, 1, emitter);
    ops.op("dev.tenon", op, 1, emitter);
  }

  private static Emitter unary(BiFunction<Tf, Output<?>, Output<?>> f) {
    return c -> c.bind(0, f.apply(c.tf(), c.in(0)));
  }

  // ---- rectifiers ----

  private static void prelu(EmitContext c) {
    Tf tf = c.tf();
    Output<?> x = c.in(0);
    Output<?> slope = c.parameter(1, ParameterRole.ALPHA);
    // Before opset 7 a vector of slopes belongs to axis 1.
    if (c.opset() < 7 && c.rank(1) == 1 && c.rank(0) > 2) {
      long[] dims = new long[c.rank(0) - 1];
      Arrays.fill(dims, 1);
      dims[0] = -1;
      slope = tf.reshape(slope, dims);
    }
    DataType type = x.dataType();
    DataType inner = Kernels.within(ORDERED, type);
    Output<?> wide = tf.cast(x, inner);
    Output<?> scaled = tf.mul(wide, tf.cast(slope, inner));
    c.bind(0, tf.cast(tf.select(tf.call("Less", wide, tf.scalarLike(wide, 0)), scaled, wide), type));
  }

  private static Output<?> leakyRelu(Tf tf, Output<?> x, Node n) {
    return tf.op("LeakyRelu").in(x).attr("alpha", n.floatAttr("alpha", 0.01f)).out();
  }

  private static void elu(EmitContext c) {
    Tf tf = c.tf();
    Output<?> x = c.in(0);
    float alpha = c.node().floatAttr("alpha", 1);
    Output<?> y = tf.call("Elu", x);
    c.bind(0, alpha == 1 ? y : scaledWhereNegative(tf, x, y, alpha));
  }

  private static Output<?> scaledWhereNegative(Tf tf, Output<?> x, Output<?> y, double alpha) {
    return tf.select(tf.call("Less", x, tf.scalarLike(x, 0)), tf.mul(y, tf.scalarLike(x, alpha)), y);
  }

  private static void selu(EmitContext c) {
    Tf tf = c.tf();
    Output<?> x = c.in(0);
    float alpha = c.node().floatAttr("alpha", SELU_ALPHA);
    float gamma = c.node().floatAttr("gamma", SELU_GAMMA);
    c.bind(0, alpha == SELU_ALPHA && gamma == SELU_GAMMA ? tf.call("Selu", x)
        : tf.mul(scaledWhereNegative(tf, x, tf.call("Elu", x), alpha), tf.scalarLike(x, gamma)));
  }

  private static void celu(EmitContext c) {
    Tf tf = c.tf();
    DataType type = c.in(0).dataType();
    float alpha = c.node().floatAttr("alpha", 1);
    if (alpha == 1) {
      c.bind(0, tf.call("Elu", c.in(0)));
      return;
    }
    // Three roundings to 16 bits would show.
    Output<?> x = type == DataType.DT_HALF || type == DataType.DT_BFLOAT16 ? tf.cast(c.in(0), DataType.DT_FLOAT) : c.in(0);
    Output<?> y = tf.mul(tf.call("Elu", tf.call("RealDiv", x, tf.scalarLike(x, alpha))), tf.scalarLike(x, alpha));
    c.bind(0, tf.cast(y, type));
  }

  private static void shrink(EmitContext c) {
    Tf tf = c.tf();
    DataType type = c.in(0).dataType();
    // Integers are compared and shifted as floats, as the reference does.
    Output<?> x = Kernels.isFloat(type) ? c.in(0) : tf.cast(c.in(0), DataType.DT_DOUBLE);
    double lambda = c.node().floatAttr("lambd", 0.5f);
    Output<?> bias = tf.scalarLike(x, c.node().floatAttr("bias", 0));
    Output<?> y = tf.select(tf.call("Less", x, tf.scalarLike(x, -lambda)), tf.add(x, bias),
        tf.select(tf.call("Greater", x, tf.scalarLike(x, lambda)), tf.sub(x, bias), tf.scalarLike(x, 0)));
    c.bind(0, tf.cast(y, type));
  }

  // ---- smooth functions and their piecewise linear relatives ----

  private static void hardSigmoid(EmitContext c) {
    Tf tf = c.tf();
    Output<?> x = c.in(0);
    float alpha = c.node().floatAttr("alpha", 0.2f);
    float beta = c.node().floatAttr("beta", 0.5f);
    if (Math.abs(alpha - 1f / 6) < 1e-7 && beta == 0.5f) {
      c.bind(0, tf.mul(tf.call("Relu6", tf.add(x, tf.scalarLike(x, 3))), tf.scalarLike(x, 1.0 / 6)));
      return;
    }
    Output<?> line = tf.add(tf.mul(x, tf.scalarLike(x, alpha)), tf.scalarLike(x, beta));
    c.bind(0, tf.call("ClipByValue", line, tf.scalarLike(x, 0), tf.scalarLike(x, 1)));
  }

  private static void swish(EmitContext c) {
    Tf tf = c.tf();
    Output<?> x = c.in(0);
    float alpha = c.node().floatAttr("alpha", 1);
    c.bind(0, tf.mul(x, tf.call("Sigmoid", alpha == 1 ? x : tf.mul(x, tf.scalarLike(x, alpha)))));
  }

  /** In exactly the two shapes that Grappler knows. */
  private static Output<?> gelu(Tf tf, Output<?> x, boolean tanh) {
    Output<?> one = tf.scalarLike(x, 1);
    Output<?> half = tf.scalarLike(x, 0.5);
    if (tanh) {
      Output<?> cube = tf.mul(tf.mul(tf.scalarLike(x, 0.044715), x), tf.call("Square", x));
      Output<?> arg = tf.mul(tf.add(x, cube), tf.scalarLike(x, Math.sqrt(2 / Math.PI)));
      return tf.mul(tf.mul(tf.add(tf.call("Tanh", arg), one), half), x);
    }
    Output<?> erf = tf.call("Erf", tf.mul(x, tf.scalarLike(x, Math.sqrt(0.5))));
    return tf.mul(tf.add(erf, one), tf.mul(x, half));
  }

  private static boolean isTanhGelu(Node n) {
    return n.stringAttr("approximate", "none").equals("tanh");
  }

  // ---- behind products ----

  /** How to compute this node if it is an activation that Grappler fuses into the product and bias in front; null if it is not. */
  static UnaryOperator<Output<?>> fusedBehindProducts(Tf tf, Node n) {
    boolean standard = n.domain().equals(Node.ONNX_DOMAIN);
    return switch (n.opType()) {
      case "Relu", "Sigmoid", "Tanh" -> standard ? x -> tf.call(n.opType(), x) : null;
      case "Elu" -> standard && n.floatAttr("alpha", 1) == 1 ? x -> tf.call("Elu", x) : null;
      case "LeakyRelu" -> standard ? x -> leakyRelu(tf, x, n) : null;
      case "Clip" -> standard && rectifier(n) != null ? x -> tf.call(rectifier(n), x) : null;
      case "Gelu" -> standard || n.domain().equals("dev.tenon") ? x -> gelu(tf, x, isTanhGelu(n)) : null;
      default -> null;
    };
  }

  /** True for x * sigmoid(x). */
  static boolean isSilu(Node n) {
    return (n.domain().equals(Node.ONNX_DOMAIN) || n.domain().equals("dev.tenon")) && n.opType().equals("Swish") && n.floatAttr("alpha", 1) == 1;
  }

  // ---- bounds ----

  private static void clip(EmitContext c) {
    Tf tf = c.tf();
    Output<?> x = c.in(0);
    DataType type = x.dataType();
    if (rectifier(c.node()) != null) {
      c.bind(0, tf.call(rectifier(c.node()), x));
      return;
    }
    Tensor min = bound(c.node(), "min", 1);
    Tensor max = bound(c.node(), "max", 2);
    DataType inner = Kernels.within(ORDERED, type);
    Output<?> y = tf.cast(x, inner);
    Output<?> low = min != null ? tf.constant(min) : c.has(1) ? c.in(1) : null;
    Output<?> high = max != null ? tf.constant(max) : c.has(2) ? c.in(2) : null;
    // Maximum first: where the bounds are crossed, the upper one wins.
    y = low == null ? y : tf.call("Maximum", y, tf.cast(low, inner));
    y = high == null ? y : tf.call("Minimum", y, tf.cast(high, inner));
    c.bind(0, tf.cast(y, type));
  }

  /** Relu6 or Relu if a Clip is one of them, else null. */
  private static String rectifier(Node clip) {
    Tensor min = bound(clip, "min", 1);
    Tensor max = bound(clip, "max", 2);
    if (min == null || min.item() != 0 || !clip.input(0).dtype().isFloat()) {
      return null;
    }
    return max == null ? clip.hasInput(2) ? null : "Relu" : max.item() == 6 ? "Relu6" : null;
  }

  /** A bound that is known: an attribute before opset 11, a constant input since; null if there is none or it is computed. */
  private static Tensor bound(Node clip, String name, int input) {
    Attribute a = clip.attribute(name);
    if (a != null) {
      return Tensor.scalar(clip.input(0).dtype(), a.as(Float.class));
    }
    Tensor t = clip.hasInput(input) ? clip.input(input).constant() : null;
    return t == null || t.numel() != 1 ? null : t.reshape().evaluated();
  }

  // ---- softmax ----

  private static void softmax(EmitContext c, String op) {
    Tf tf = c.tf();
    Output<?> x = c.in(0);
    int rank = c.rank(0);
    boolean flattens = c.opset() < 13;
    long given = c.node().intAttr("axis", flattens ? 1 : -1);
    if (rank < 0 && given == -1) {
      c.bind(0, last(tf, x, op));
      return;
    }
    if (rank < 0) {
      throw new IllegalArgumentException("the rank of the input must be known");
    }
    int axis = (int) (given < 0 ? given + rank : given);
    if (rank == 0) {
      c.bind(0, tf.reshape(last(tf, tf.reshape(x, 1), op)));
      return;
    }
    if (axis == rank - 1) {
      c.bind(0, last(tf, x, op));
      return;
    }
    if (flattens) {
      c.bind(0, tf.reshape(last(tf, Dimensions.flattened(c, x, axis), op), tf.shape(x)));
      return;
    }
    int[] perm = IntStream.range(0, rank).toArray();
    perm[axis] = rank - 1;
    perm[rank - 1] = axis;
    c.bind(0, tf.transpose(last(tf, tf.transpose(x, perm), op), perm));
  }

  /** Along the last axis. */
  private static Output<?> last(Tf tf, Output<?> x, String op) {
    if (!op.equals("Hardmax")) {
      return tf.call(op, x);
    }
    Output<?> first = tf.op("ArgMax").in(x, tf.constInt(-1)).attr("output_type", DataType.DT_INT64).out();
    Output<?> depth = tf.reshape(tf.call("Slice", tf.shape(x), tf.constInts(x.shape().numDimensions() - 1), tf.constInts(1)));
    return tf.call("OneHot", first, depth, tf.scalarLike(x, 1), tf.scalarLike(x, 0));
  }
}
