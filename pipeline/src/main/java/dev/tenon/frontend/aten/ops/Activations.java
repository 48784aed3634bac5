package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.LoweringException;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.OnnxNode;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchTuple;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** Activation functions of {@code torch.nn.functional}, softmax, and dropout, which does nothing when a model is evaluated. */
public final class Activations {
  private Activations() {}

  public static void register(AtenOps ops) {
    ops.op("relu", Activations::relu);
    ops.op("relu6", c -> clip(c, TorchScalar.of(0), TorchScalar.of(6)));
    ops.op("hardtanh", c -> clip(c, c.scalar("min_val"), c.scalar("max_val")));
    ops.op("elu", Activations::elu).op("selu", c -> c.result(apply(c, "Selu", n -> n))).op("celu", Activations::celu);
    ops.op("leaky_relu", c -> leaky(c, c.number("negative_slope")));
    ops.op("rrelu", c -> leaky(c, meanSlope(c)));
    ops.op("rrelu_with_noise_functional", c -> TorchTuple.of(leaky(c, meanSlope(c)), c.get("noise")));
    ops.op("prelu _prelu_kernel", Activations::prelu).op("threshold", Activations::threshold);
    ops.op("gelu", c -> c.result(c.onnx().node("Gelu").in(c.tensor("self")).attr("approximate", c.string("approximate")).out()));
    ops.op("silu", Activations::silu).op("mish", c -> c.result(apply(c, "Mish", n -> n))).op("glu", Activations::glu);
    ops.op("hardswish", c -> c.result(apply(c, "HardSwish", n -> n))).op("hardsigmoid", Activations::hardSigmoid);
    ops.op("softplus", Activations::softplus).op("log_sigmoid", c -> c.result(logSigmoid(c)));
    ops.op("log_sigmoid_forward", Activations::logSigmoidForward);
    ops.op("hardshrink", c -> shrink(c, false)).op("softshrink", c -> shrink(c, true));

    ops.op("softmax _softmax special_softmax", c -> softmax(c, "Softmax"));
    ops.op("log_softmax _log_softmax special_log_softmax", c -> softmax(c, "LogSoftmax"));
    ops.op("_safe_softmax", Activations::safeSoftmax);

    ops.op("dropout feature_dropout alpha_dropout feature_alpha_dropout", c -> dropout(c, "train"));
    ops.op("native_dropout", Activations::nativeDropout);
  }

  /** An operator of ONNX with one input and attributes. */
  private static Value apply(AtenCall c, String opType, UnaryOperator<OnnxNode> attributes) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    return o.cast(attributes.apply(o.node(opType).in(o.cast(x, Kernels.typeFor(opType, x.dtype())))).out(), x.dtype());
  }

  // ---- pieces of lines ----

  private static TorchValue relu(AtenCall c) {
    Value x = c.tensor("self");
    // Runtimes know few integer types here.
    return c.result(x.dtype().isFloat() ? c.onnx().op("Relu", x) : c.onnx().op("Max", x, c.onnx().scalar(x.dtype(), 0L)));
  }

  private static TorchValue clip(AtenCall c, TorchScalar min, TorchScalar max) {
    Value x = c.tensor("self");
    return c.result(c.onnx().op("Clip", x, min.scalar(c.onnx(), x.dtype()), max.scalar(c.onnx(), x.dtype())));
  }

  private static TorchTensor leaky(AtenCall c, double slope) {
    return c.result(c.onnx().node("LeakyRelu").in(c.tensor("self")).attr("alpha", slope).out());
  }

  /** When a model is evaluated, the slope of a randomized leaky ReLU is the mean of the bounds. */
  private static double meanSlope(AtenCall c) {
    if (c.bool("training")) {
      throw random(c, "the slopes are random");
    }
    return (c.number("lower") + c.number("upper")) / 2;
  }

  private static TorchValue prelu(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    int rank = c.rank("self");
    Value slope = c.tensor("weight");
    boolean kernel = c.schema().baseName().equals("_prelu_kernel");
    if (!kernel && rank == 0) {
      slope = o.reshape(slope);
    } else if (!kernel && rank > 2 && o.rank(slope) == 1 && !slope.shape().dim(0).is(1)) {
      // One slope a channel, the second axis.
      long[] axes = new long[rank - 2];
      for (int i = 0; i < axes.length; i++) {
        axes[i] = i + 1;
      }
      slope = o.unsqueeze(slope, axes);
    }
    return c.result(o.op("PRelu", x, slope));
  }

  private static TorchValue threshold(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    Value below = o.op("LessOrEqual", x, c.scalar("threshold").scalar(o, x.dtype()));
    return c.result(o.where(below, c.scalar("value").scalar(o, x.dtype()), x));
  }

  private static TorchValue hardSigmoid(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    if (x.dtype() != DataType.DOUBLE) {
      return c.result(apply(c, "HardSigmoid", n -> n.attr("alpha", 1.0 / 6).attr("beta", 0.5)));
    }
    // Attributes are float32.
    Value clipped = o.op("Clip", o.add(x, o.scalar(x.dtype(), 3.0)), o.scalar(x.dtype(), 0.0), o.scalar(x.dtype(), 6.0));
    return c.result(o.div(clipped, o.scalar(x.dtype(), 6.0)));
  }

  /** Zero between -lambda and lambda; beyond, the input, moved towards zero if {@code soft}. */
  private static TorchValue shrink(AtenCall c, boolean soft) {
    double lambda = c.number("lambd");
    return c.result(apply(c, "Shrink", n -> n.attr("lambd", lambda).attr("bias", soft ? lambda : 0.0)));
  }

  // ---- smooth ones ----

  private static TorchValue elu(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    double scale = c.number("scale");
    double inputScale = c.number("input_scale");
    if (scale == 1 && inputScale == 1) {
      return c.result(apply(c, "Elu", n -> n.attr("alpha", c.number("alpha"))));
    }
    DataType t = x.dtype();
    Value exponential = o.sub(o.op("Exp", o.mul(x, o.scalar(t, inputScale))), o.scalar(t, 1.0));
    Value below = o.mul(exponential, o.scalar(t, c.number("alpha") * scale));
    return c.result(o.where(o.op("LessOrEqual", x, o.scalar(t, 0.0)), below, o.mul(x, o.scalar(t, scale))));
  }

  private static TorchValue celu(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    double alpha = c.number("alpha");
    if (x.dtype() == DataType.FLOAT || x.dtype() == DataType.BFLOAT16) {
      return c.result(o.cast(o.node("Celu").in(o.cast(x, DataType.FLOAT)).attr("alpha", alpha).out(), x.dtype()));
    }
    // ONNX's Celu is for float32.
    Value a = o.scalar(x.dtype(), alpha);
    return c.result(o.mul(Kernels.op(o, "Elu", o.div(x, a)), a));
  }

  private static TorchValue silu(AtenCall c) {
    Value x = c.tensor("self");
    return c.result(c.onnx().mul(x, c.onnx().op("Sigmoid", x)));
  }

  private static TorchValue glu(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    int axis = c.axis("dim", c.rank("self"));
    Dim size = x.shape().dim(axis);
    List<Value> halves = size.isConstant()
        ? o.node("Split").in(x, o.vector(size.constant() / 2, size.constant() / 2)).attr("axis", axis).outs(2)
        : o.node("Split").in(x).attr("axis", axis).attr("num_outputs", 2).outs(2);
    return c.result(o.mul(halves.get(0), o.op("Sigmoid", halves.get(1))));
  }

  private static TorchValue softplus(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    DataType t = x.dtype();
    double beta = c.number("beta");
    double threshold = c.number("threshold");
    Value steep = beta == 1 ? x : o.mul(x, o.scalar(t, beta));
    Value y = Kernels.op(o, "Softplus", steep);
    y = beta == 1 ? y : o.div(y, o.scalar(t, beta));
    // Beyond the threshold PyTorch returns the input; from 20 on float32 cannot tell.
    boolean same = threshold >= 20 && t != DataType.DOUBLE;
    return c.result(same ? y : o.where(o.op("Greater", steep, o.scalar(t, threshold)), x, y));
  }

  private static Value logSigmoid(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self", Kernels.typeFor("Softplus", c.dtypeOf("self")));
    return o.cast(o.op("Neg", o.op("Softplus", o.op("Neg", x))), c.dtypeOf("self"));
  }

  /** Also gives exp(-|x|), which is for the derivative. */
  private static TorchValue logSigmoidForward(AtenCall c) {
    Onnx o = c.onnx();
    return c.results(logSigmoid(c), o.op("Exp", o.op("Neg", o.op("Abs", c.tensor("self")))));
  }

  // ---- softmax ----

  private static TorchValue softmax(AtenCall c, String opType) {
    Onnx o = c.onnx();
    int rank = c.rank("self");
    Value x = typed(c);
    // ONNX's operators take no scalars.
    Value y = o.node(opType).in(rank == 0 ? o.unsqueeze(x, 0) : x).attr("axis", c.axis("dim", rank)).out();
    return c.result(rank == 0 ? o.squeeze(y, 0) : y);
  }

  private static Value typed(AtenCall c) {
    Value x = c.tensor("self");
    boolean widened = c.has("half_to_float") && c.bool("half_to_float");
    return c.onnx().cast(x, c.has("dtype") ? c.dtype("dtype", x.dtype()) : widened ? DataType.FLOAT : x.dtype());
  }

  /** Zeros where all along the axis is minus infinity: that is masked out. */
  private static TorchValue safeSoftmax(AtenCall c) {
    Onnx o = c.onnx();
    int axis = c.axis("dim", c.rank("self"));
    Value x = typed(c);
    Value masked = o.op("Equal", o.reduce("ReduceMax", x, true, axis), o.scalar(x.dtype(), Double.NEGATIVE_INFINITY));
    return c.result(o.where(masked, o.scalar(x.dtype(), 0.0), o.softmax(x, axis)));
  }

  // ---- dropout ----

  private static LoweringException random(AtenCall c, String what) {
    return new LoweringException(c.schema().qualifiedName() + ": " + what + " while a model is trained",
        "call model.eval() before exporting the model");
  }

  /** The very argument: PyTorch's dropout returns it too. */
  private static TorchValue dropout(AtenCall c, String train) {
    if (c.bool(train) && c.number("p") != 0) {
      throw random(c, "what is dropped is random");
    }
    return c.get("input");
  }

  private static TorchValue nativeDropout(AtenCall c) {
    Onnx o = c.onnx();
    List<TorchValue> all = new ArrayList<>(List.of(dropout(c, "train")));
    Value kept = o.scalar(DataType.BOOL, 1L);
    all.add(c.result(o.expand(kept, o.sizes(c.tensor("input")))));
    return new TorchTuple(all);
  }
}
