package dev.tenon.tf.emit;

import dev.tenon.tf.ElementTypes;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.Tf;
import java.util.stream.IntStream;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** What training graphs end in: Dropout and the classification losses. */
final class Losses {
  private Losses() {}

  static void register(EmitterRegistry ops) {
    ops.op("Dropout", 1, Losses::dropout);
    ops.op("NegativeLogLikelihoodLoss", 12, c -> c.bind(0, loss(c, classesLast(c))));
    ops.op("SoftmaxCrossEntropyLoss", 12, Losses::crossEntropy);
  }

  /** The identity, but with {@code training_mode}, where elements are zeroed at random. */
  private static void dropout(EmitContext c) {
    Tf tf = c.tf();
    Output<?> x = c.in(0);
    boolean training = c.opset() >= 12 && c.has(2) && !(c.isConstant(2) && c.constantLongs(2)[0] == 0)
        || c.opset() < 7 && c.node().intAttr("is_test", 0) == 0;
    DataType maskType = c.opset() < 10 ? x.dataType() : DataType.DT_BOOL;
    if (!training) {
      c.bind(0, x);
      if (c.wants(1)) {
        c.bind(1, tf.cast(tf.cast(tf.call("OnesLike", x), DataType.DT_BOOL), maskType));
      }
      return;
    }
    Output<?> ratio = c.opset() < 12 ? tf.scalarLike(x, c.node().floatAttr("ratio", 0.5f))
        : c.has(1) ? tf.cast(tf.reshape(c.in(1), new long[0]), x.dataType()) : tf.scalarLike(x, 0.5);
    if (c.opset() >= 12 && !c.isConstant(2)) {
      ratio = tf.select(tf.reshape(c.in(2), new long[0]), ratio, tf.scalarLike(x, 0));
    }
    Output<?> random = tf.op("RandomUniform").in(tf.shape(x)).attr("dtype", x.dataType()).attr("seed", c.node().intAttr("seed", 0)).out();
    Output<?> kept = tf.call("GreaterEqual", random, ratio);
    Output<?> scaled = tf.call("RealDiv", x, tf.sub(tf.scalarLike(x, 1), ratio));
    c.bind(0, tf.select(kept, scaled, tf.scalarLike(x, 0)));
    c.bind(1, tf.cast(kept, maskType));
  }

  private static int[] toLast(int rank) {
    return IntStream.range(0, rank).map(i -> i == 0 ? 0 : i == rank - 1 ? 1 : i + 1).toArray();
  }

  private static int[] toSecond(int rank) {
    return IntStream.range(0, rank).map(i -> i == 0 ? 0 : i == 1 ? rank - 1 : i - 1).toArray();
  }

  /** Input 0, [N, C, …], with the classes as the last axis. */
  private static Output<?> classesLast(EmitContext c) {
    return c.rank(0) == 2 ? c.in(0) : c.tf().transpose(c.in(0), toLast(c.rank(0)));
  }

  private static void crossEntropy(EmitContext c) {
    Tf tf = c.tf();
    DataType type = ElementTypes.toTensorFlow(c.dtype(0));
    Output<?> logProbabilities = tf.call("LogSoftmax", classesLast(c));
    c.bind(0, tf.cast(loss(c, logProbabilities), type));
    if (c.node().output(1) != null) {
      c.bind(1, c.rank(0) == 2 ? logProbabilities : tf.transpose(logProbabilities, toSecond(c.rank(0))));
    }
  }

  /** The weighted negative log-probability of each target, reduced as the node says; ignored targets weigh nothing. */
  private static Output<?> loss(EmitContext c, Output<?> logProbabilities) {
    Tf tf = c.tf();
    int rank = c.rank(0);
    Output<?> target = c.in(1);
    boolean ignores = c.node().hasAttr("ignore_index");
    Output<?> ignored = ignores ? tf.call("Equal", target, tf.scalarLike(target, c.node().intAttr("ignore_index", 0))) : null;
    Output<?> index = ignores ? tf.select(ignored, tf.scalarLike(target, 0), target) : target;
    Output<?> picked = tf.squeeze(tf.op("GatherV2").in(logProbabilities, tf.expandDims(index, -1), tf.constInt(rank - 1))
        .attr("batch_dims", rank - 1L).out(), -1);
    Output<?> each = tf.call("Neg", picked);
    Output<?> zero = tf.scalarLike(each, 0);
    Output<?> weight = c.has(2) ? tf.gather(c.in(2), index, 0) : ignores ? tf.call("OnesLike", each) : null;
    if (ignores) {
      weight = tf.select(ignored, zero, weight);
      each = tf.select(ignored, zero, each);
    }
    Output<?> weighted = weight == null ? each : tf.mul(each, weight);
    int[] all = IntStream.range(0, rank - 1).toArray();
    return switch (c.node().stringAttr("reduction", "mean")) {
      case "none" -> weighted;
      case "sum" -> tf.reduce("Sum", weighted, false, all);
      default -> weight == null ? tf.reduce("Mean", each, false, all)
          : tf.call("RealDiv", tf.reduce("Sum", weighted, false, all), tf.reduce("Sum", weight, false, all));
    };
  }
}
