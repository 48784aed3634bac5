package dev.tenon.ir.pass;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.rewrite.Match;
import dev.tenon.ir.rewrite.Refusal;

/**
 * A BatchNormalization in inference as {@code y = scale * x + shift} per channel.
 *
 * @param scale {@code gamma / sqrt(variance + epsilon)}, [C]
 * @param shift {@code beta - mean * scale}, [C]
 */
record BatchNorm(Tensor scale, Tensor shift) {

  /** Why the node cannot be read so; null if it can. */
  static Refusal refusal(Match m, Node n) {
    int opset = m.context().opset();
    if (opset < 7 && n.intAttr("is_test", 0) == 0 || n.intAttr("training_mode", 0) != 0) {
      return m.refuse("BatchNormalization is in training mode", n);
    }
    if (opset < 9 && n.intAttr("spatial", 1) == 0) {
      return m.refuse("BatchNormalization is not spatial", n);
    }
    for (int i = 1; i < n.outputs().size(); i++) {
      if (n.output(i) != null && !n.output(i).isUnused()) {
        return m.refuse("an output beyond the first is used", n);
      }
    }
    for (int i = 1; i <= 4; i++) {
      Tensor t = Convolutions.constant(n.input(i));
      if (t == null || t.rank() != 1 || t.dim(0) != n.input(1).constant().dim(0)) {
        return m.refuse("parameter " + i + " is not a constant vector of the channels", n);
      }
    }
    return null;
  }

  /** The scale and shift, as recipes; {@link #refusal} must be null. */
  static BatchNorm of(Node n) {
    Tensor mean = n.input(3).constant();
    Tensor variance = n.input(4).constant();
    // From opset 14 and 15 on the statistics and parameters may be more exact than the data; compute in the statistics' type.
    DataType type = variance.dtype();
    Tensor gamma = n.input(1).constant().cast(type);
    Tensor beta = n.input(2).constant().cast(type);
    // The attribute is a float32: 1e-5 is 9.99999974737875e-6, also where the statistics are double. In half precision an epsilon
    // of that size would round to a subnormal or to zero, so there the sum is done in float32.
    DataType sum = type == DataType.FLOAT16 || type == DataType.BFLOAT16 ? DataType.FLOAT : type;
    Tensor epsilon = Tensor.scalar(sum, n.floatAttr("epsilon", 1e-5f));
    Tensor scale = gamma.cast(sum).dividedBy(variance.cast(sum).plus(epsilon).sqrt());
    return new BatchNorm(scale, beta.cast(sum).minus(mean.cast(sum).times(scale)));
  }
}
