package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.OnnxNode;
import dev.tenon.frontend.aten.TorchTuple;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Value;
import java.util.function.BinaryOperator;

/** Loss functions, for models that return their loss. */
public final class Losses {
  private static final String[] REDUCTIONS = {"none", "mean", "sum"};

  private Losses() {}

  public static void register(AtenOps ops) {
    ops.op("mse_loss", c -> ofDifference(c, (o, d) -> o.mul(d, d))).op("l1_loss", c -> ofDifference(c, (o, d) -> o.op("Abs", d)));
    ops.op("smooth_l1_loss", Losses::smoothL1).op("huber_loss", Losses::huber);
    ops.op("binary_cross_entropy", Losses::binaryCrossEntropy).op("binary_cross_entropy_with_logits", Losses::withLogits);
    ops.op("kl_div", Losses::divergence);
    ops.op("nll_loss nll_loss2d nll_loss_nd", c -> byClass(c, "NegativeLogLikelihoodLoss"));
    ops.op("nll_loss_forward nll_loss2d_forward", Losses::withTotalWeight);
    ops.op("cross_entropy_loss", Losses::crossEntropy);
  }

  @FunctionalInterface
  private interface OfDifference {
    Value apply(Onnx o, Value difference);
  }

  private static TorchValue reduced(AtenCall c, Value loss) {
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

  private static TorchValue crossEntropy(AtenCall c) {
    if (c.number("label_smoothing") != 0 || c.dtypeOf("target").isFloat()) {
      throw c.unsupported("targets that are probabilities, or smoothed");
    }
    return byClass(c, "SoftmaxCrossEntropyLoss");
  }

  /** A loss of targets that are classes; the classes are the second axis, or the only one. */
  private static TorchValue byClass(AtenCall c, String opType) {
    Onnx o = c.onnx();
    boolean single = c.rank("self") == 1;
    Value x = single ? o.unsqueeze(c.tensor("self"), 0) : c.tensor("self");
    Value target = single ? o.unsqueeze(c.tensor("target"), 0) : c.tensor("target");
    long reduction = c.integer("reduction");
    OnnxNode node = o.node(opType).in(x, target, c.tensorOrNull("weight")).attr("reduction", REDUCTIONS[(int) reduction])
        .attr("ignore_index", c.integer("ignore_index"));
    Value y = node.out();
    return c.result(single && reduction == 0 ? o.squeeze(y, 0) : y);
  }

  /** Also gives the sum of the targets' weights; zero if nothing is reduced. */
  private static TorchValue withTotalWeight(AtenCall c) {
    Onnx o = c.onnx();
    Value target = c.tensor("target");
    DataType t = c.dtypeOf("self");
    Value counts = o.op("Not", o.op("Equal", target, o.scalar(target.dtype(), c.integer("ignore_index"))));
    Value total = o.scalar(t, 0L);
    if (c.integer("reduction") != 0) {
      Value each = o.cast(counts, t);
      if (!c.isNone("weight")) {
        // What is ignored may be no class at all.
        Value known = o.where(counts, target, o.scalar(target.dtype(), 0L));
        each = o.mul(each, o.gather(c.tensor("weight"), known, 0));
      }
      total = o.reduce("ReduceSum", each, false);
    }
    return TorchTuple.of(byClass(c, "NegativeLogLikelihoodLoss"), c.result(total));
  }
}
