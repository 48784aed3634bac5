package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.Value;

/** Losses of ranks, distances and angles, most of them with a margin. */
final class MarginLosses {
  private MarginLosses() {}

  static void register(AtenOps ops) {
    ops.op("margin_ranking_loss", MarginLosses::ranking).op("hinge_embedding_loss", MarginLosses::hinge);
    ops.op("cosine_embedding_loss", MarginLosses::cosine).op("triplet_margin_loss", MarginLosses::triplet);
    ops.op("soft_margin_loss", MarginLosses::soft).op("poisson_nll_loss", MarginLosses::poisson);
  }

  private static Value positive(Onnx o, Value x) {
    return o.op("Relu", x);
  }

  /** {@code max(0, margin - target * (a - b))}. */
  private static TorchValue ranking(AtenCall c) {
    Onnx o = c.onnx();
    Value gap = o.mul(c.tensor("target"), o.sub(c.tensor("input1"), c.tensor("input2")));
    return Losses.reduced(c, positive(o, o.sub(o.scalar(gap.dtype(), c.number("margin")), gap)));
  }

  /** The first where the target is 1, the second where it is -1. */
  private static Value byTarget(Onnx o, Value target, Value same, Value different) {
    Value zero = o.scalar(same.dtype(), 0.0);
    Value one = o.scalar(target.dtype(), 1L);
    return o.add(o.where(o.op("Equal", target, one), same, zero), o.where(o.op("Equal", target, o.op("Neg", one)), different, zero));
  }

  private static TorchValue hinge(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    Value zero = o.scalar(x.dtype(), 0.0);
    Value margin = positive(o, o.sub(o.scalar(x.dtype(), c.number("margin")), x));
    // PyTorch counts the margin where the target is not 1, and the input where it is not -1.
    Value target = c.tensor("target");
    Value one = o.scalar(target.dtype(), 1L);
    Value loss = o.add(o.where(o.op("Equal", target, one), zero, margin), o.where(o.op("Equal", target, o.op("Neg", one)), zero, x));
    return Losses.reduced(c, loss);
  }

  private static TorchValue cosine(AtenCall c) {
    Onnx o = c.onnx();
    Value a = c.tensor("input1");
    Value b = c.tensor("input2");
    Value target = c.tensor("target");
    int axis = o.rank(target);
    Value eps = o.scalar(a.dtype(), 1e-12);
    Value norms = o.mul(o.add(sum(o, o.mul(a, a), axis), eps), o.add(sum(o, o.mul(b, b), axis), eps));
    Value cosine = o.div(sum(o, o.mul(a, b), axis), o.op("Sqrt", norms));
    Value different = positive(o, o.sub(cosine, o.scalar(a.dtype(), c.number("margin"))));
    return Losses.reduced(c, byTarget(o, target, o.sub(o.scalar(a.dtype(), 1.0), cosine), different));
  }

  private static Value sum(Onnx o, Value x, int axis) {
    return o.reduce("ReduceSum", x, false, axis);
  }

  private static TorchValue triplet(AtenCall c) {
    Onnx o = c.onnx();
    Value near = distance(c, "anchor", "positive");
    Value far = distance(c, "anchor", "negative");
    if (c.bool("swap")) {
      far = o.op("Min", far, distance(c, "positive", "negative"));
    }
    return Losses.reduced(c, positive(o, o.add(o.sub(near, far), o.scalar(near.dtype(), c.number("margin")))));
  }

  private static Value distance(AtenCall c, String a, String b) {
    return ((TorchTensor) c.call("aten::pairwise_distance", c.get(a), c.get(b), c.get("p"), c.get("eps"))).value();
  }

  /** {@code log(1 + exp(-target * x))}. */
  private static TorchValue soft(AtenCall c) {
    Onnx o = c.onnx();
    return Losses.reduced(c, o.op("Softplus", o.op("Neg", o.mul(c.tensor("target"), c.tensor("self")))));
  }

  private static TorchValue poisson(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("input");
    Value target = c.tensor("target");
    Value log = c.bool("log_input") ? x : o.op("Log", o.add(x, o.scalar(x.dtype(), c.number("eps"))));
    Value loss = o.sub(c.bool("log_input") ? o.op("Exp", x) : x, o.mul(target, log));
    if (c.bool("full")) {
      // Stirling's approximation of the logarithm of the factorial.
      Value one = o.scalar(x.dtype(), 1.0);
      Value half = o.mul(o.scalar(x.dtype(), 0.5), o.op("Log", o.mul(o.scalar(x.dtype(), 2 * Math.PI), target)));
      Value term = o.add(o.sub(o.mul(target, o.op("Log", target)), target), half);
      loss = o.add(loss, o.where(o.op("LessOrEqual", target, one), o.scalar(x.dtype(), 0.0), term));
    }
    return Losses.reduced(c, loss);
  }
}
