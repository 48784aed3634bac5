package dev.tenon.tf.emit;

import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.ParameterRole;
import dev.tenon.tf.Tf;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** Normalizations by running statistics and by those of the data. */
final class Normalizations {
  /** Up to how many elements of an image a batch norm is a product and a sum, by measurement. */
  private static final long SMALL_BATCH_NORM = 80_000;

  private Normalizations() {}

  static void register(EmitterRegistry ops) {
    Pooling.everywhere(ops, "BatchNormalization", Normalizations::batch);
    Pooling.everywhere(ops, "InstanceNormalization", Normalizations::instance);
    Pooling.everywhere(ops, "GroupNormalization", Normalizations::group);
    Pooling.everywhere(ops, "LRN", Normalizations::localResponse);
    ops.op("LayerNormalization", 1, Normalizations::layer);
    ops.op("dev.tenon", "LayerNormalization", 1, Normalizations::layer);
    ops.op("RMSNormalization", 1, Normalizations::rootMeanSquare);
    ops.op("dev.tenon", "RMSNormalization", 1, Normalizations::rootMeanSquare);
    ops.op("LpNormalization", 1, Normalizations::lp);
    ops.op("MeanVarianceNormalization", 1, Normalizations::meanVariance);
  }

  // ---- batch ----

  private static void batch(EmitContext c) {
    if (c.node().intAttr("spatial", 1) == 0 && c.rank(0) > 2) {
      c.unsupported("spatial=0, statistics for each position", "");
      return;
    }
    Spatial s = Spatial.of(c);
    Tf tf = c.tf();
    float epsilon = c.node().floatAttr("epsilon", 1e-5f);
    boolean training = c.node().intAttr("training_mode", 0) == 1
        || c.onnxOpset() < 7 && c.node().intAttr("is_test", 0) == 0 && c.wants(1);
    Output<?> x = s.x();
    Output<?> gamma = c.parameter(1, ParameterRole.GAMMA);
    Output<?> beta = c.parameter(2, ParameterRole.BETA);
    Output<?> mean = c.parameter(3, ParameterRole.MOVING_MEAN);
    Output<?> variance = c.parameter(4, ParameterRole.MOVING_VARIANCE);
    if (training) {
      int[] axes = IntStream.rangeClosed(0, s.rank()).toArray();
      Output<?> batchMean = tf.reduce("Mean", x, false, axes);
      Output<?> batchVariance = tf.reduce("Mean", tf.call("SquaredDifference", x, batchMean), false, axes);
      s.bind(normalized(tf, x, gamma, beta, batchMean, batchVariance, epsilon));
      double momentum = c.node().floatAttr("momentum", 0.9f);
      c.bind(1, blend(tf, mean, tf.cast(batchMean, mean.dataType()), momentum));
      c.bind(2, blend(tf, variance, tf.cast(batchVariance, variance.dataType()), momentum));
      return;
    }
    s.bind(isAlone(c) && x.dataType() == DataType.DT_FLOAT && s.rank() == 2 ? scaled(tf, s, x, gamma, beta, mean, variance, epsilon)
        : inferred(tf, s, x, gamma, beta, mean, variance, epsilon));
  }

  /** True if no convolution is in front, which Grappler would fuse with FusedBatchNormV3. */
  private static boolean isAlone(EmitContext c) {
    Node before = c.node().input(0).producer();
    return before == null || !before.opType().startsWith("Conv") || c.node().input(0).onlyUse() == null;
  }

  /**
   * {@code x * scale + shift}, as a depthwise convolution with a kernel of one element and its bias: fused with the activation behind
   * it, one pass through the data takes half the time of FusedBatchNormV3. Where there is little data, the convolution's overhead
   * is more than a product and a sum.
   */
  private static Output<?> scaled(Tf tf, Spatial s, Output<?> x, Output<?> gamma, Output<?> beta, Output<?> mean, Output<?> variance,
      float epsilon) {
    Output<?> m = tf.cast(mean, DataType.DT_FLOAT);
    Output<?> v = tf.cast(variance, DataType.DT_FLOAT);
    Output<?> scale = tf.mul(tf.call("Rsqrt", tf.add(v, tf.scalarLike(v, epsilon))), tf.cast(gamma, DataType.DT_FLOAT));
    Output<?> shift = tf.sub(tf.cast(beta, DataType.DT_FLOAT), tf.mul(m, scale));
    boolean small = s.size(0) >= 0 && s.size(1) >= 0 && s.channels() >= 0 && s.size(0) * s.size(1) * s.channels() <= SMALL_BATCH_NORM;
    Output<?> y = small ? tf.mul(x, scale) : tf.op("DepthwiseConv2dNative").in(x, tf.reshape(scale, 1, 1, -1, 1)).attr("strides", 1L, 1L, 1L, 1L)
        .attr("padding", "VALID").out();
    return tf.call("BiasAdd", y, shift);
  }

  private static Output<?> blend(Tf tf, Output<?> running, Output<?> current, double momentum) {
    return tf.add(tf.mul(running, tf.scalarLike(running, momentum)), tf.mul(current, tf.scalarLike(running, 1 - momentum)));
  }

  private static Output<?> inferred(Tf tf, Spatial s, Output<?> x, Output<?> gamma, Output<?> beta, Output<?> mean, Output<?> variance,
      float epsilon) {
    DataType type = x.dataType();
    boolean fused = type == DataType.DT_FLOAT || type == DataType.DT_HALF || type == DataType.DT_BFLOAT16;
    if (fused && s.rank() == 2) {
      return fused(tf, x, gamma, beta, mean, variance, epsilon);
    }
    if (fused && s.rank() == 1) {
      return tf.squeeze(fused(tf, tf.expandDims(x, 1), gamma, beta, mean, variance, epsilon), 1);
    }
    if (fused && s.rank() == 3 && Arrays.stream(s.sizes()).allMatch(n -> n > 0) && s.channels() > 0) {
      Output<?> flat = tf.reshape(x, -1, s.size(1), s.size(2), s.channels());
      return tf.reshape(fused(tf, flat, gamma, beta, mean, variance, epsilon), -1, s.size(0), s.size(1), s.size(2), s.channels());
    }
    return normalized(tf, x, gamma, beta, mean, variance, epsilon);
  }

  private static Output<?> fused(Tf tf, Output<?> x, Output<?> gamma, Output<?> beta, Output<?> mean, Output<?> variance, float epsilon) {
    DataType f = DataType.DT_FLOAT;
    return tf.op("FusedBatchNormV3").in(x, tf.cast(gamma, f), tf.cast(beta, f), tf.cast(mean, f), tf.cast(variance, f))
        .attr("epsilon", epsilon).attr("is_training", false).out();
  }

  /** {@code (x - mean) * gamma / sqrt(variance + epsilon) + beta} with vectors along the last axis. */
  private static Output<?> normalized(Tf tf, Output<?> x, Output<?> gamma, Output<?> beta, Output<?> mean, Output<?> variance,
      float epsilon) {
    DataType type = x.dataType();
    // Statistics may have a wider type than the data.
    DataType wide = mean.dataType();
    Output<?> scale = tf.mul(tf.call("Rsqrt", tf.add(variance, tf.scalarLike(variance, epsilon))), tf.cast(gamma, wide));
    Output<?> shift = tf.sub(tf.cast(beta, wide), tf.mul(mean, scale));
    return tf.cast(tf.add(tf.mul(tf.cast(x, wide), scale), shift), type);
  }

  // ---- statistics of the data ----

  /** The data less its mean, and 1 / sqrt(variance + epsilon), both over some axes. */
  private record Centered(Output<?> mean, Output<?> deviation, Output<?> inverse) {
    static Centered of(Tf tf, Output<?> x, double epsilon, int... axes) {
      Output<?> mean = tf.reduce("Mean", x, true, axes);
      Output<?> deviation = tf.sub(x, mean);
      Output<?> variance = tf.reduce("Mean", tf.call("Square", deviation), true, axes);
      return new Centered(mean, deviation, tf.call("Rsqrt", tf.add(variance, tf.scalarLike(x, epsilon))));
    }
  }

  /** The type that statistics are computed in: float32 for the 16-bit types. */
  private static DataType statistics(DataType type) {
    return type == DataType.DT_HALF || type == DataType.DT_BFLOAT16 ? DataType.DT_FLOAT : type;
  }

  private static void instance(EmitContext c) {
    Spatial s = Spatial.of(c);
    Tf tf = c.tf();
    DataType type = s.x().dataType();
    DataType wide = statistics(type);
    Centered data = Centered.of(tf, tf.cast(s.x(), wide), c.node().floatAttr("epsilon", 1e-5f), s.spatialAxes());
    Output<?> scale = tf.mul(data.inverse, tf.cast(c.parameter(1, ParameterRole.GAMMA), wide));
    Output<?> y = tf.add(tf.mul(data.deviation, scale), tf.cast(c.parameter(2, ParameterRole.BETA), wide));
    s.bind(tf.cast(y, type));
  }

  /**
   * Groups of neighbouring channels. Statistics are taken for each channel and then averaged over its group on the small tensor
   * [N, groups, channels / group], so that the data itself is never reshaped.
   */
  private static void group(EmitContext c) {
    Spatial s = Spatial.of(c);
    Tf tf = c.tf();
    long channels = s.channels();
    if (channels < 0) {
      c.unsupported("a number of channels known at run time only", "give the input's channel dimension");
      return;
    }
    long groups = c.node().intAttr("num_groups", 1);
    long[] grouped = {-1, groups, channels / groups};
    long[] back = new long[s.rank() + 2];
    Arrays.fill(back, 1);
    back[0] = -1;
    back[back.length - 1] = channels;
    DataType type = s.x().dataType();
    DataType wide = statistics(type);
    Output<?> x = tf.cast(s.x(), wide);
    Output<?> zeros = tf.constant(Tensor.of(new float[(int) channels], 1, groups, channels / groups));
    Output<?> mean = tf.reduce("Mean", tf.reshape(tf.reduce("Mean", x, true, s.spatialAxes()), grouped), true, 2);
    Output<?> deviation = tf.sub(x, tf.reshape(tf.add(mean, tf.cast(zeros, wide)), back));
    Output<?> squares = tf.reduce("Mean", tf.call("Square", deviation), true, s.spatialAxes());
    Output<?> variance = tf.reduce("Mean", tf.reshape(squares, grouped), true, 2);
    Output<?> inverse = tf.call("Rsqrt", tf.add(variance, tf.scalarLike(x, c.node().floatAttr("epsilon", 1e-5f))));
    Output<?> gamma = tf.cast(c.parameter(1, ParameterRole.GAMMA), wide);
    Output<?> beta = tf.cast(c.parameter(2, ParameterRole.BETA), wide);
    boolean perGroup = c.onnxOpset() < 21 && c.shape(1).hasRank() && c.shape(1).dim(0).is(groups) && groups != channels;
    Output<?> scale;
    if (perGroup) {
      scale = tf.add(tf.mul(inverse, tf.reshape(gamma, groups, 1)), tf.cast(zeros, wide));
      beta = tf.reshape(tf.add(tf.reshape(beta, groups, 1), tf.cast(zeros, wide)), channels);
    } else {
      scale = tf.mul(inverse, tf.reshape(gamma, groups, channels / groups));
    }
    s.bind(tf.cast(tf.add(tf.mul(deviation, tf.reshape(scale, back)), beta), type));
  }

  private static int[] axesFrom(EmitContext c, long byDefault) {
    int rank = c.rank(0);
    if (rank < 0) {
      throw new IllegalArgumentException("the rank of the input must be known");
    }
    long axis = c.node().intAttr("axis", byDefault);
    return IntStream.range((int) (axis < 0 ? axis + rank : axis), rank).toArray();
  }

  private static void layer(EmitContext c) {
    Tf tf = c.tf();
    DataType type = c.in(0).dataType();
    DataType wide = c.node().intAttr("stash_type", 1) == 1 ? statistics(type) : type;
    Centered x = Centered.of(tf, tf.cast(c.in(0), wide), c.node().floatAttr("epsilon", 1e-5f), axesFrom(c, -1));
    Output<?> y = tf.cast(tf.mul(x.deviation, x.inverse), type);
    if (c.has(1)) {
      y = tf.mul(y, c.parameter(1, ParameterRole.GAMMA));
    }
    if (c.has(2)) {
      y = tf.add(y, c.parameter(2, ParameterRole.BETA));
    }
    c.bind(0, y);
    c.bind(1, x.mean);
    c.bind(2, x.inverse);
  }

  private static void rootMeanSquare(EmitContext c) {
    Tf tf = c.tf();
    DataType type = c.in(0).dataType();
    DataType wide = c.node().intAttr("stash_type", 1) == 1 ? statistics(type) : type;
    Output<?> x = tf.cast(c.in(0), wide);
    Output<?> mean = tf.reduce("Mean", tf.call("Square", x), true, axesFrom(c, -1));
    Output<?> inverse = tf.call("Rsqrt", tf.add(mean, tf.scalarLike(x, c.node().floatAttr("epsilon", 1e-5f))));
    Output<?> y = tf.cast(tf.mul(x, inverse), type);
    c.bind(0, c.has(1) ? tf.cast(tf.mul(y, tf.cast(c.parameter(1, ParameterRole.GAMMA), type)), type) : y);
  }

  // ---- the rest ----

  /** Division by a power of the mean square of neighbouring channels. */
  private static void localResponse(EmitContext c) {
    Spatial s = Spatial.of(c);
    Tf tf = c.tf();
    long size = c.node().intAttr("size", 1);
    float alpha = c.node().floatAttr("alpha", 1e-4f);
    float beta = c.node().floatAttr("beta", 0.75f);
    float bias = c.node().floatAttr("bias", 1);
    Output<?> x = s.x();
    boolean kernel = x.dataType() == DataType.DT_FLOAT || x.dataType() == DataType.DT_HALF;
    if (s.rank() == 2 && size % 2 == 1 && kernel) {
      s.bind(tf.op("LRN").in(x).attr("depth_radius", (size - 1) / 2).attr("bias", bias).attr("alpha", alpha / size).attr("beta", beta).out());
      return;
    }
    if (s.channels() < 0) {
      c.unsupported("a number of channels known at run time only", "give the input's channel dimension");
      return;
    }
    // One row of channels an image: the window slides along them.
    Output<?> squares = tf.reshape(tf.call("Square", x), -1, 1, s.channels(), 1);
    int before = (int) (size - 1) / 2;
    squares = tf.call("Pad", squares, tf.constant(Tensor.of(new int[] {0, 0, 0, 0, before, (int) size - 1 - before, 0, 0}, 4, 2)));
    Output<?> mean = tf.op("AvgPool").in(squares).attr("ksize", 1, 1, size, 1).attr("strides", 1L, 1L, 1L, 1L).attr("padding", "VALID").out();
    mean = tf.reshape(mean, tf.shape(x));
    Output<?> base = tf.add(tf.mul(mean, tf.scalarLike(x, alpha)), tf.scalarLike(x, bias));
    s.bind(tf.mul(x, tf.call("Pow", base, tf.scalarLike(x, -beta))));
  }

  private static void lp(EmitContext c) {
    Tf tf = c.tf();
    Output<?> x = c.in(0);
    int axis = (int) c.node().intAttr("axis", -1);
    Output<?> norm = c.node().intAttr("p", 2) == 1 ? tf.reduce("Sum", tf.call("Abs", x), true, axis)
        : tf.call("Sqrt", tf.reduce("Sum", tf.call("Square", x), true, axis));
    // All zeros stay zeros.
    c.bind(0, tf.call("DivNoNan", x, norm));
  }

  private static void meanVariance(EmitContext c) {
    Tf tf = c.tf();
    int[] axes;
    boolean variance = true;
    if (c.opset() < 9) {
      boolean across = c.node().intAttr("across_channels", 0) == 1;
      variance = c.node().intAttr("normalize_variance", 1) == 1;
      axes = IntStream.range(across ? 1 : 2, c.rank(0)).toArray();
    } else {
      axes = Arrays.stream(c.node().intsAttr("axes", new long[] {0, 2, 3})).mapToInt(a -> (int) a).toArray();
    }
    Output<?> x = c.in(0);
    Output<?> deviation = tf.sub(x, tf.reduce("Mean", x, true, axes));
    if (!variance) {
      c.bind(0, deviation);
      return;
    }
    Output<?> spread = tf.call("Sqrt", tf.reduce("Mean", tf.call("Square", deviation), true, axes));
    c.bind(0, tf.call("RealDiv", deviation, tf.add(spread, tf.scalarLike(x, 1e-9))));
  }
}
