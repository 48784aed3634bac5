package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import java.util.function.DoubleUnaryOperator;

/** Window functions of signal processing, as constants. */
public final class Windows {
  private static final int MAX_LENGTH = 1 << 20;

  private Windows() {}

  public static void register(AtenOps ops) {
    ops.op("hann_window", c -> window(c, t -> 0.5 - 0.5 * Math.cos(2 * Math.PI * t)));
    ops.op("hamming_window", c -> {
      double alpha = c.has("alpha") ? c.number("alpha") : 0.54;
      double beta = c.has("beta") ? c.number("beta") : 0.46;
      return window(c, t -> alpha - beta * Math.cos(2 * Math.PI * t));
    });
    ops.op("blackman_window", c -> window(c, t -> 0.42 - 0.5 * Math.cos(2 * Math.PI * t) + 0.08 * Math.cos(4 * Math.PI * t)));
    ops.op("bartlett_window", c -> window(c, t -> 1 - Math.abs(2 * t - 1)));
    ops.op("kaiser_window", c -> {
      double beta = c.has("beta") ? c.number("beta") : 12;
      return window(c, t -> bessel(beta * Math.sqrt(Math.max(0, 1 - (2 * t - 1) * (2 * t - 1)))) / bessel(beta));
    });
  }

  /** A function of the place, from 0 to 1; a periodic window ends one place before 1. */
  private static TorchValue window(AtenCall c, DoubleUnaryOperator shape) {
    Onnx o = c.onnx();
    DataType t = c.dtype("dtype", DataType.FLOAT);
    long length = c.integer("window_length");
    if (length < 0 || length > MAX_LENGTH) {
      throw c.unsupported("a window of length " + length);
    }
    boolean periodic = !c.has("periodic") || c.bool("periodic");
    double[] elements = new double[(int) length];
    for (int i = 0; i < length; i++) {
      elements[i] = length == 1 ? 1 : shape.applyAsDouble(i / (double) (periodic ? length : length - 1));
    }
    return c.result(o.constant(Tensor.of(elements, length).cast(t).evaluated()));
  }

  /** The modified Bessel function of the first kind and order 0, by its power series. */
  private static double bessel(double x) {
    double sum = 1;
    double term = 1;
    for (int k = 1; term > sum * 1e-17; k++) {
      term *= x / (2 * k) * (x / (2 * k));
      sum += term;
    }
    return sum;
  }
}
