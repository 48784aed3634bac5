package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchTuple;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Value;

/** Losses of classes: the classes are the second axis of the input, or its only one. */
final class CrossEntropy {
  private static final String[] REDUCTIONS = {"none", "mean", "sum"};
  private static final long NONE = 0;
  private static final long MEAN = 1;

  private CrossEntropy() {}

  static void register(AtenOps ops) {
    ops.op("nll_loss nll_loss2d nll_loss_nd", c -> c.result(byClass(c, "NegativeLogLikelihoodLoss")));
    ops.op("nll_loss_forward nll_loss2d_forward", CrossEntropy::withTotalWeight);
    ops.op("cross_entropy_loss", c -> c.dtypeOf("target").isFloat() ? ofProbabilities(c) : ofClasses(c));
  }

  private static Value byClass(AtenCall c, String opType) {
    Onnx o = c.onnx();
    boolean single = c.rank("self") == 1;
    Value x = single ? o.unsqueeze(c.tensor("self"), 0) : c.tensor("self");
    Value target = single ? o.unsqueeze(c.tensor("target"), 0) : c.tensor("target");
    long reduction = c.integer("reduction");
    Value y = o.node(opType).in(x, target, c.tensorOrNull("weight")).attr("reduction", REDUCTIONS[(int) reduction])
        .attr("ignore_index", c.integer("ignore_index")).out();
    return single && reduction == NONE ? o.squeeze(y, 0) : y;
  }

  private static Value counts(AtenCall c) {
    Onnx o = c.onnx();
    Value target = c.tensor("target");
    return o.op("Not", o.op("Equal", target, o.scalar(target.dtype(), c.integer("ignore_index"))));
  }

  /** The sum of the weights of the targets that count. */
  private static Value totalWeight(AtenCall c, DataType type) {
    Onnx o = c.onnx();
    Value target = c.tensor("target");
    Value counts = counts(c);
    Value each = o.cast(counts, type);
    if (!c.isNone("weight")) {
      // What is ignored may be no class at all.
      Value known = o.where(counts, target, o.scalar(target.dtype(), 0L));
      each = o.mul(each, o.gather(c.tensor("weight"), known, 0));
    }
    return o.reduce("ReduceSum", each, false);
  }

  /** Also gives the total weight; zero if nothing is reduced. */
  private static TorchValue withTotalWeight(AtenCall c) {
    DataType t = c.dtypeOf("self");
    Value total = c.integer("reduction") == NONE ? c.onnx().scalar(t, 0L) : totalWeight(c, t);
    return TorchTuple.of(c.result(byClass(c, "NegativeLogLikelihoodLoss")), c.result(total));
  }

  private static TorchValue ofClasses(AtenCall c) {
    Onnx o = c.onnx();
    Value hard = byClass(c, "SoftmaxCrossEntropyLoss");
    double smoothing = c.number("label_smoothing");
    if (smoothing == 0) {
      return c.result(hard);
    }
    DataType t = c.dtypeOf("self");
    int axis = axis(c);
    Value all = o.op("Neg", o.reduce("ReduceSum", weighted(c, logarithms(c, axis), axis), false, axis));
    Value soft = o.where(counts(c), all, o.scalar(t, 0.0));
    if (c.integer("reduction") != NONE) {
      soft = o.reduce("ReduceSum", soft, false);
      soft = c.integer("reduction") == MEAN ? o.div(soft, totalWeight(c, t)) : soft;
    }
    Value share = o.div(o.scalar(t, smoothing), o.size(c.tensor("self"), axis).scalar(o, t));
    return c.result(o.add(o.mul(hard, o.scalar(t, 1 - smoothing)), o.mul(soft, share)));
  }

  private static int axis(AtenCall c) {
    return c.rank("self") == 1 ? 0 : 1;
  }

  private static Value logarithms(AtenCall c, int axis) {
    return c.onnx().node("LogSoftmax").in(c.tensor("self")).attr("axis", axis).out();
  }

  /** Times the weights of the classes. */
  private static Value weighted(AtenCall c, Value x, int axis) {
    if (c.isNone("weight")) {
      return x;
    }
    long[] axes = new long[c.rank("self") - 1 - axis];
    for (int i = 0; i < axes.length; i++) {
      axes[i] = i + 1;
    }
    return c.onnx().mul(x, c.onnx().unsqueeze(c.tensor("weight"), axes));
  }

  private static TorchValue ofProbabilities(AtenCall c) {
    Onnx o = c.onnx();
    DataType t = c.dtypeOf("self");
    int axis = axis(c);
    Value target = c.tensor("target", t);
    double smoothing = c.number("label_smoothing");
    Value classes = o.size(c.tensor("self"), axis).scalar(o, t);
    if (smoothing != 0) {
      target = o.add(o.mul(target, o.scalar(t, 1 - smoothing)), o.div(o.scalar(t, smoothing), classes));
    }
    Value terms = weighted(c, o.mul(logarithms(c, axis), target), axis);
    Value loss = o.op("Neg", o.reduce("ReduceSum", terms, false, axis));
    return Losses.reduced(c, loss);
  }
}
