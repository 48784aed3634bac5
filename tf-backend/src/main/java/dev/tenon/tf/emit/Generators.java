package dev.tenon.tf.emit;

import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.Tf;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** Random numbers and window functions. Seeds are TensorFlow's own: the numbers differ from those of other runtimes. */
final class Generators {
  private Generators() {}

  static void register(EmitterRegistry ops) {
    ops.op("RandomNormal", 1, c -> c.bind(0, normal(c, attributeShape(c))));
    ops.op("RandomNormalLike", 1, c -> c.bind(0, normal(c, c.tf().shape(c.in(0)))));
    ops.op("RandomUniform", 1, c -> c.bind(0, uniform(c, attributeShape(c))));
    ops.op("RandomUniformLike", 1, c -> c.bind(0, uniform(c, c.tf().shape(c.in(0)))));
    ops.op("Bernoulli", 15, Generators::bernoulli);
    ops.op("Multinomial", 7, Generators::multinomial);
    ops.op("HannWindow", 17, c -> window(c, 0.5, 0.5, 0));
    ops.op("HammingWindow", 17, c -> window(c, 25.0 / 46, 21.0 / 46, 0));
    ops.op("BlackmanWindow", 17, c -> window(c, 0.42, 0.5, 0.08));
  }

  private static Output<?> attributeShape(EmitContext c) {
    return c.tf().constShape(c.node().intsAttr("shape", new long[0]));
  }

  private static long seed(EmitContext c) {
    return c.node().hasAttr("seed") ? Float.floatToIntBits(c.node().floatAttr("seed", 0)) : 0;
  }

  private static Output<?> random(EmitContext c, String op, Output<?> shape, DataType type) {
    long seed = seed(c);
    return c.tf().op(op).in(shape).attr("dtype", type).attr("seed", seed).attr("seed2", seed == 0 ? 0L : 1L).out();
  }

  private static Output<?> normal(EmitContext c, Output<?> shape) {
    Tf tf = c.tf();
    Output<?> z = random(c, "RandomStandardNormal", shape, Kernels.within(Kernels.FLOATS, Elementwise.outputType(c, 0)));
    Output<?> y = tf.add(tf.mul(z, tf.scalarLike(z, c.node().floatAttr("scale", 1))), tf.scalarLike(z, c.node().floatAttr("mean", 0)));
    return tf.cast(y, Elementwise.outputType(c, 0));
  }

  private static Output<?> uniform(EmitContext c, Output<?> shape) {
    Tf tf = c.tf();
    double low = c.node().floatAttr("low", 0);
    double high = c.node().floatAttr("high", 1);
    Output<?> u = random(c, "RandomUniform", shape, Kernels.within(Kernels.FLOATS, Elementwise.outputType(c, 0)));
    Output<?> y = tf.add(tf.mul(u, tf.scalarLike(u, high - low)), tf.scalarLike(u, low));
    return tf.cast(y, Elementwise.outputType(c, 0));
  }

  private static void bernoulli(EmitContext c) {
    Tf tf = c.tf();
    Output<?> u = random(c, "RandomUniform", tf.shape(c.in(0)), c.in(0).dataType());
    c.bind(0, tf.cast(tf.call("Less", u, c.in(0)), Elementwise.outputType(c, 0)));
  }

  private static void multinomial(EmitContext c) {
    DataType type = c.node().intAttr("dtype", 6) == 7 ? DataType.DT_INT64 : DataType.DT_INT32;
    Output<?> samples = c.tf().constInt((int) c.node().intAttr("sample_size", 1));
    c.bind(0, c.tf().op("Multinomial").in(c.in(0), samples).attr("seed", seed(c)).attr("output_dtype", type).out());
  }

  /** a - b cos(2πi / N) + d cos(4πi / N), with N the size, or the size less one for a symmetric window. */
  private static void window(EmitContext c, double a, double b, double d) {
    Tf tf = c.tf();
    boolean periodic = c.node().intAttr("periodic", 1) != 0;
    Output<?> size = tf.reshape(c.in(0), new long[0]);
    Output<?> i = tf.cast(tf.call("Range", tf.scalarLike(size, 0), size, tf.scalarLike(size, 1)), DataType.DT_DOUBLE);
    Output<?> n = tf.cast(periodic ? size : tf.sub(size, tf.scalarLike(size, 1)), DataType.DT_DOUBLE);
    Output<?> angle = tf.call("RealDiv", tf.mul(i, tf.scalarLike(i, 2 * Math.PI)), n);
    Output<?> y = tf.sub(tf.scalarLike(i, a), tf.mul(tf.scalarLike(i, b), tf.call("Cos", angle)));
    if (d != 0) {
      y = tf.add(y, tf.mul(tf.scalarLike(i, d), tf.call("Cos", tf.add(angle, angle))));
    }
    c.bind(0, tf.cast(y, Elementwise.outputType(c, 0)));
  }
}
