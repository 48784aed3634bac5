package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Value;
import java.util.function.BinaryOperator;

/** Loss functions, for models that return their loss. */
public final class Losses {
  private Losses() {}

  public static void register(AtenOps ops) {
    ops.op("mse_loss", c -> ofDifference(c, (o, d) -> o.mul(d, d))).op("l1_loss", c -> ofDifference(c, (o, d) -> o.op("Abs", d)));
    ops.op("smooth_l1_loss", Losses::smoothL1).op("huber_loss", Losses::huber);
    ops.op("binary_cross_entropy", Losses::binaryCrossEntropy).op("binary_cross_entropy_with_logits", Losses::withLogits);
    ops.op("kl_div", Losses::divergence);
    CrossEntropy.register(ops);
    MarginLosses.register(ops);
  }

  @FunctionalInterface
  private interface OfDifference {
    Value apply(Onnx o, Value difference);
  }

  /** The loss, its mean or its sum, as the call says. */
  static TorchValue reduced(AtenCall c, Value loss) {
    return c.result(switch ((int) c.integer("reduction")) {
      case 1 -> c.onnx().reduce("ReduceMean", loss, false);
      case 2 -> c.onnx().reduce("ReduceSum", loss, false);
      default -> loss;
    });
  }

  private static Value difference(AtenCall c) {
    DataType t = c.promoted("self", "target");
    return c.onnx().sub(c.tensor("self", t), c.tensor("target", t));
  }

  private static TorchValue ofDifference(AtenCall c, OfDifference loss) {
    return reduced(c, loss.apply(c.onnx(), difference(c)));
  }

  /** Quadratic up to a size, linear beyond: {@code d² / 2} and {@code size * (|d| - size / 2)}. */
  private static Value huber(Onnx o, Value difference, double size) {
    DataType t = difference.dtype();
    Value magnitude = o.op("Abs", difference);
    Value inner = o.mul(o.mul(difference, difference), o.scalar(t, 0.5));
    Value outer = o.mul(o.sub(magnitude, o.scalar(t, size / 2)), o.scalar(t, size));
    return o.where(o.op("Less", magnitude, o.scalar(t, size)), inner, outer);
  }

  private static TorchValue huber(AtenCall c) {
    return reduced(c, huber(c.onnx(), difference(c), c.number("delta")));
  }

  private static TorchValue smoothL1(AtenCall c) {
    double beta = c.number("beta");
    return ofDifference(c, (o, d) -> beta == 0 ? o.op("Abs", d) : o.div(huber(o, d, beta), o.scalar(d.dtype(), beta)));
  }

  private static Value weighted(AtenCall c, Value loss) {
    return c.isNone("weight") ? loss : c.onnx().mul(loss, c.tensor("weight"));
  }

  /** {@code -(target * log(x) + (1 - target) * log(1 - x))}, where no logarithm is below -100. */
  private static TorchValue binaryCrossEntropy(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    Value target = c.tensor("target");
    Value one = o.scalar(x.dtype(), 1.0);
    BinaryOperator<Value> term = (factor, p) -> o.mul(factor, o.op("Max", o.op("Log", p), o.scalar(x.dtype(), -100.0)));
    Value sum = o.add(term.apply(target, x), term.apply(o.sub(one, target), o.sub(one, x)));
    return reduced(c, weighted(c, o.op("Neg", sum)));
  }

  /** {@code (1 - target) * x + w * softplus(-x)}, with {@code w = 1 + (pos_weight - 1) * target}. */
  private static TorchValue withLogits(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    Value target = c.tensor("target", x.dtype());
    Value one = o.scalar(x.dtype(), 1.0);
    Value rest = o.op("Softplus", o.op("Neg", x));
    if (!c.isNone("pos_weight")) {
      rest = o.mul(rest, o.add(one, o.mul(o.sub(c.tensor("pos_weight"), one), target)));
    }
    return reduced(c, weighted(c, o.add(o.mul(o.sub(one, target), x), rest)));
  }

  /** {@code target * (log(target) - x)}, zero where the target is. */
  private static TorchValue divergence(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    Value target = c.tensor("target");
    Value zero = o.scalar(x.dtype(), 0.0);
    if (c.bool("log_target")) {
      return reduced(c, o.mul(o.op("Exp", target), o.sub(target, x)));
    }
    Value log = o.where(o.op("Greater", target, zero), o.mul(target, o.op("Log", target)), zero);
    return reduced(c, o.sub(log, o.mul(target, x)));
  }
}
