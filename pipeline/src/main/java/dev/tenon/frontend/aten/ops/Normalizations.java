package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.Promotion;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchTuple;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Normalizations over the batch, the instance, groups of channels and the last axes, and of weights. Where the input is of another type
 * than the parameters (float16 with float32), the computation is in the wider one, as in PyTorch.
 */
public final class Normalizations {
  private Normalizations() {}

  public static void register(AtenOps ops) {
    ops.op("batch_norm", c -> c.result(batchNorm(c, c.bool("training")).get(0)));
    ops.op("_native_batch_norm_legit_no_training", c -> c.results(batchNorm(c, false)));
    ops.op("_batch_norm_no_update", c -> withReserve(c, batchNorm(c, false)));
    ops.op("native_batch_norm _native_batch_norm_legit.no_stats", c -> c.results(batchNorm(c, c.bool("training"))));
    ops.op("_batch_norm_impl_index", Normalizations::batchNormImplIndex);
    ops.op("_native_batch_norm_legit_functional", c -> c.results(withStatistics(c, c.bool("training"), false)));
    ops.op("_batch_norm_with_update_functional", c -> c.results(withStatistics(c, true, true)));
    ops.op("instance_norm", Normalizations::instanceNorm);
    ops.op("layer_norm", c -> c.result(layerNorm(c).get(0))).op("native_layer_norm", c -> c.results(layerNorm(c)));
    ops.op("group_norm", c -> c.result(groupNorm(c, c.integer("num_groups")).get(0)));
    ops.op("native_group_norm", c -> c.results(groupNorm(c, c.integer("group"))));
    ops.op("rms_norm", c -> c.result(rmsNorm(c).get(0))).op("_fused_rms_norm", c -> c.results(rmsNorm(c)));
    ops.op("norm_except_dim", Normalizations::normExceptDim);
    ops.op("_weight_norm", c -> c.result(weightNorm(c).get(0))).op("_weight_norm_interface", c -> c.results(weightNorm(c)));
  }

  /** The type to compute in: the common one of the input and its parameters. */
  private static DataType working(AtenCall c, String... parameters) {
    DataType t = c.dtypeOf("input");
    for (String p : parameters) {
      t = c.has(p) && !c.isNone(p) ? Promotion.join(t, c.dtypeOf(p)) : t;
    }
    return t;
  }

  /** A parameter with an element a channel, in this type; null for None. */
  private static Value parameter(AtenCall c, String name, DataType type) {
    return c.has(name) && !c.isNone(name) ? c.tensor(name, type) : null;
  }

  /** A parameter with an element a channel, shaped for a tensor of this rank whose second axis is the channel. */
  private static Value overChannels(Onnx o, Value parameter, int rank) {
    long[] axes = new long[rank - 2];
    for (int i = 0; i < axes.length; i++) {
      axes[i] = i + 1;
    }
    return o.unsqueeze(parameter, axes);
  }

  /** {@code x * scale + bias}, either of which may be null. */
  private static Value affine(Onnx o, Value x, Value scale, Value bias) {
    Value scaled = scale == null ? x : o.mul(x, scale);
    return bias == null ? scaled : o.add(scaled, bias);
  }

  /** A vector of equal elements, as long as the first parameter that is there; null if none is, or it is not known how long. */
  private static Value filled(Onnx o, double value, DataType type, Value... likes) {
    for (Value like : likes) {
      if (like != null && like.shape().isStatic()) {
        return filled(o, value, type, like.shape().toLongs());
      }
    }
    return null;
  }

  private static Value filled(Onnx o, double value, DataType type, long... dims) {
    int n = (int) Arrays.stream(dims).reduce(1, (a, b) -> a * b);
    double[] all = new double[n];
    Arrays.fill(all, value);
    return o.constant(Tensor.of(all, dims).cast(type).evaluated());
  }

  private static Value orElse(Value v, Value other) {
    return v != null ? v : other;
  }

  private static Value reciprocalRoot(Onnx o, Value variance, double eps) {
    return o.op("Reciprocal", o.op("Sqrt", o.add(variance, o.scalar(variance.dtype(), eps))));
  }

  // ---- batch ----

  /** The normalized input; the batch's mean and the reciprocal of its standard deviation, which are empty outside of training. */
  private static List<Value> batchNorm(AtenCall c, boolean training) {
    Onnx o = c.onnx();
    DataType type = c.dtypeOf("input");
    DataType working = working(c, "weight", "bias", "running_mean", "running_var");
    Value x = c.tensor("input", working);
    Value mean = parameter(c, "running_mean", working);
    Value variance = parameter(c, "running_var", working);
    if (training || mean == null) {
      return batchStatistics(c, x, working, type);
    }
    Value weight = parameter(c, "weight", working);
    Value bias = parameter(c, "bias", working);
    Value scale = orElse(weight, filled(o, 1, working, mean, bias));
    Value shift = orElse(bias, filled(o, 0, working, mean, weight));
    Value y;
    if (scale != null && shift != null) {
      y = o.node("BatchNormalization").in(x, scale, shift, mean, variance).attr("epsilon", c.number("eps")).out();
    } else {
      int rank = c.rank("input");
      Value centered = o.sub(x, overChannels(o, mean, rank));
      y = affine(o, o.mul(centered, overChannels(o, reciprocalRoot(o, variance, c.number("eps")), rank)),
          weight == null ? null : overChannels(o, weight, rank), bias == null ? null : overChannels(o, bias, rank));
    }
    Value none = o.constant(Tensor.of(new float[0], 0).cast(working).evaluated());
    return List.of(o.cast(y, type), none, none);
  }

  /** Normalizes by the mean and variance of the batch itself. */
  private static List<Value> batchStatistics(AtenCall c, Value x, DataType working, DataType type) {
    Onnx o = c.onnx();
    int rank = c.rank("input");
    long[] axes = allButChannel(rank);
    Value mean = o.reduce("ReduceMean", x, true, axes);
    Value centered = o.sub(x, mean);
    Value inverse = reciprocalRoot(o, o.reduce("ReduceMean", o.mul(centered, centered), true, axes), c.number("eps"));
    Value weight = parameter(c, "weight", working);
    Value bias = parameter(c, "bias", working);
    Value y = affine(o, o.mul(centered, inverse), weight == null ? null : overChannels(o, weight, rank),
        bias == null ? null : overChannels(o, bias, rank));
    return List.of(o.cast(y, type), o.squeeze(mean, axes), o.squeeze(inverse, axes));
  }

  private static long[] allButChannel(int rank) {
    long[] axes = new long[rank - 1];
    for (int i = 1; i < axes.length; i++) {
      axes[i] = i + 1;
    }
    return axes;
  }

  private static TorchTuple withReserve(AtenCall c, List<Value> results) {
    return c.results(results.get(0), results.get(1), results.get(2), c.onnx().constant(Tensor.of(new int[0], 0).cast(DataType.UINT8).evaluated()));
  }

  private static TorchValue batchNormImplIndex(AtenCall c) {
    List<TorchValue> all = new ArrayList<>(withReserve(c, batchNorm(c, c.bool("training"))).elements());
    all.add(TorchScalar.of(0));
    return new TorchTuple(all);
  }

  /** With the running statistics after this batch. */
  private static List<Value> withStatistics(AtenCall c, boolean training, boolean reserve) {
    Onnx o = c.onnx();
    List<Value> all = new ArrayList<>(batchNorm(c, training));
    if (reserve) {
      all.add(o.constant(Tensor.of(new int[0], 0).cast(DataType.UINT8).evaluated()));
    }
    Value mean = c.tensor("running_mean");
    Value variance = c.tensor("running_var");
    if (training) {
      Value x = c.tensor("input", mean.dtype());
      long[] axes = allButChannel(c.rank("input"));
      Value batchMean = o.reduce("ReduceMean", x, true, axes);
      Value centered = o.sub(x, batchMean);
      Value squares = o.reduce("ReduceSum", o.mul(centered, centered), false, axes);
      TorchScalar count = TorchScalar.of(1);
      for (long a : axes) {
        count = o.times(count, o.size(x, (int) a));
      }
      // The running variance is that of the population, not of the sample.
      Value unbiased = o.div(squares, o.plus(count, TorchScalar.of(-1)).scalar(o, mean.dtype()));
      mean = moved(c, mean, o.squeeze(batchMean, axes));
      variance = moved(c, variance, unbiased);
    }
    all.add(mean);
    all.add(variance);
    return all;
  }

  private static Value moved(AtenCall c, Value running, Value current) {
    Onnx o = c.onnx();
    double momentum = c.number("momentum");
    return o.add(o.mul(running, o.scalar(running.dtype(), 1 - momentum)), o.mul(current, o.scalar(running.dtype(), momentum)));
  }

  // ---- instance ----

  private static TorchValue instanceNorm(AtenCall c) {
    Onnx o = c.onnx();
    if (!c.bool("use_input_stats")) {
      return c.result(batchNorm(c, false).get(0));
    }
    DataType working = Kernels.typeFor("InstanceNormalization", working(c, "weight", "bias"));
    Value x = c.tensor("input", working);
    int rank = c.rank("input");
    Value weight = parameter(c, "weight", working);
    Value bias = parameter(c, "bias", working);
    Value[] likes = {weight, bias, parameter(c, "running_mean", working)};
    Value channels = rank > 1 && x.shape().dim(1).isConstant() ? filled(o, 1, working, x.shape().dim(1).constant()) : null;
    Value scale = orElse(weight, orElse(filled(o, 1, working, likes), channels));
    Value y;
    if (scale != null) {
      y = o.node("InstanceNormalization").in(x, scale, orElse(bias, filled(o, 0, working, scale))).attr("epsilon", c.number("eps")).out();
    } else {
      long[] axes = from(2, rank);
      Value centered = o.sub(x, o.reduce("ReduceMean", x, true, axes));
      y = o.mul(centered, reciprocalRoot(o, o.reduce("ReduceMean", o.mul(centered, centered), true, axes), c.number("eps")));
      y = bias == null ? y : o.add(y, overChannels(o, bias, rank));
    }
    return c.result(o.cast(y, c.dtypeOf("input")));
  }

  private static long[] from(int first, int rank) {
    long[] axes = new long[rank - first];
    for (int i = 0; i < axes.length; i++) {
      axes[i] = first + i;
    }
    return axes;
  }

  // ---- layer ----

  /** The normalized input, the means and the reciprocals of the standard deviations, with axes of size one. */
  private static List<Value> layerNorm(AtenCall c) {
    Onnx o = c.onnx();
    int rank = c.rank("input");
    List<TorchScalar> shape = c.numbers("normalized_shape");
    long[] axes = from(rank - shape.size(), rank);
    DataType type = c.dtypeOf("input");
    DataType working = working(c, "weight", "bias");
    Value x = c.tensor("input", working);
    Value weight = parameter(c, "weight", working);
    Value bias = parameter(c, "bias", working);
    boolean known = shape.stream().allMatch(TorchScalar::isConstant);
    // The operator computes the statistics in float32.
    if (working != DataType.DOUBLE && (known || weight != null)) {
      Value scale = orElse(weight, known ? filled(o, 1, working, shape.stream().mapToLong(TorchScalar::toLong).toArray()) : null);
      List<Value> y = o.node("LayerNormalization").in(x, scale, bias).attr("axis", -shape.size()).attr("epsilon", c.number("eps"))
          .outs(c.schema().results().size());
      List<Value> all = new ArrayList<>(y);
      all.set(0, o.cast(y.get(0), type));
      return all;
    }
    Value mean = o.reduce("ReduceMean", x, true, axes);
    Value centered = o.sub(x, mean);
    Value inverse = reciprocalRoot(o, o.reduce("ReduceMean", o.mul(centered, centered), true, axes), c.number("eps"));
    return List.of(o.cast(affine(o, o.mul(centered, inverse), weight, bias), type), mean, inverse);
  }

  /** {@code x / sqrt(mean(x²) + eps)}, and the reciprocals of the roots. */
  private static List<Value> rmsNorm(AtenCall c) {
    Onnx o = c.onnx();
    int rank = c.rank("input");
    DataType type = c.dtypeOf("input");
    // Halves are computed in float32; the default epsilon is that of the input's type all the same.
    DataType working = type.bits() == 16 ? DataType.FLOAT : working(c, "weight");
    double eps = c.number("eps", switch (type) {
      case DOUBLE -> Math.ulp(1.0);
      case FLOAT16 -> 0x1p-10;
      case BFLOAT16 -> 0x1p-7;
      default -> Math.ulp(1f);
    });
    Value x = c.tensor("input", working);
    Value mean = o.reduce("ReduceMean", o.mul(x, x), true, from(rank - c.list("normalized_shape").size(), rank));
    Value inverse = reciprocalRoot(o, mean, eps);
    Value y = affine(o, o.mul(x, inverse), parameter(c, "weight", working), null);
    return List.of(o.cast(y, type), inverse);
  }

  // ---- groups ----

  /** Groups of channels are normalized as the instances of a tensor [batch, groups, rest] are; then come the channels' parameters. */
  private static List<Value> groupNorm(AtenCall c, long groups) {
    Onnx o = c.onnx();
    int rank = c.rank("input");
    DataType type = c.dtypeOf("input");
    DataType working = Kernels.typeFor("InstanceNormalization", working(c, "weight", "bias"));
    Value x = c.tensor("input", working);
    Dim channels = x.shape().dim(1);
    Value scale = orElse(parameter(c, "weight", working), channels.isConstant() ? filled(o, 1, working, channels.constant()) : null);
    Value shift = orElse(parameter(c, "bias", working), channels.isConstant() ? filled(o, 0, working, channels.constant()) : null);
    // Of an empty tensor ONNX Runtime cannot expand the operator.
    boolean empty = x.shape().dims().stream().anyMatch(d -> d.is(0));
    boolean whole = rank > 2 && !empty && scale != null && shift != null;
    Value y = whole ? o.node("GroupNormalization").in(x, scale, shift).attr("num_groups", groups).attr("epsilon", c.number("eps")).out()
        : writtenOut(c, x, groups, working);
    return c.schema().results().size() == 1 ? List.of(o.cast(y, type)) : withGroupStatistics(c, o.cast(y, type), x, groups);
  }

  /** [batch, groups, rest]. */
  private static Value grouped(Onnx o, Value x, long groups) {
    List<TorchScalar> sizes = o.sizes(x);
    TorchScalar rest = TorchScalar.of(1);
    for (int i = 2; i < sizes.size(); i++) {
      rest = o.times(rest, sizes.get(i));
    }
    rest = sizes.get(1).is(groups) ? rest : o.times(o.floorDiv(sizes.get(1), TorchScalar.of(groups)), rest);
    return o.reshape(x, List.of(sizes.get(0), TorchScalar.of(groups), rest));
  }

  /** In operators that take what ONNX's own does not. */
  private static Value writtenOut(AtenCall c, Value x, long groups, DataType working) {
    Onnx o = c.onnx();
    int rank = x.rank();
    Value normalized = o.node("InstanceNormalization").in(grouped(o, x, groups), filled(o, 1, working, groups), filled(o, 0, working, groups))
        .attr("epsilon", c.number("eps")).out();
    Value weight = parameter(c, "weight", working);
    Value bias = parameter(c, "bias", working);
    return affine(o, o.reshape(normalized, o.sizes(x)), weight == null ? null : overChannels(o, weight, rank),
        bias == null ? null : overChannels(o, bias, rank));
  }

  /** With the means and the reciprocals of the standard deviations of the groups. */
  private static List<Value> withGroupStatistics(AtenCall c, Value y, Value x, long groups) {
    Onnx o = c.onnx();
    Value grouped = grouped(o, x, groups);
    Value mean = o.reduce("ReduceMean", grouped, true, 2);
    Value centered = o.sub(grouped, mean);
    Value inverse = reciprocalRoot(o, o.reduce("ReduceMean", o.mul(centered, centered), false, 2), c.number("eps"));
    return List.of(y, o.squeeze(mean, 2), inverse);
  }

  // ---- weights ----

  /** {@code g * v / |v|}, the norm over all axes but one, and the norms. */
  private static List<Value> weightNorm(AtenCall c) {
    Onnx o = c.onnx();
    Value v = c.tensor("v");
    Value norm = norm(o, v, c.integer("dim"));
    return List.of(o.mul(v, o.div(c.tensor("g"), norm)), norm);
  }

  private static Value norm(Onnx o, Value v, long kept) {
    int rank = o.rank(v);
    // Dimension -1 means none: one norm of it all.
    long[] axes = kept == -1 ? from(0, rank) : Arrays.stream(from(0, rank)).filter(a -> a != kept).toArray();
    return o.reduce("ReduceL2", v, true, axes);
  }

  private static TorchValue normExceptDim(AtenCall c) {
    Onnx o = c.onnx();
    if (c.integer("pow") != 2) {
      throw c.unsupported("a norm of order " + c.integer("pow"));
    }
    Value norm = norm(o, c.tensor("v"), c.integer("dim"));
    return c.result(c.integer("dim") == -1 ? o.reshape(norm) : norm);
  }
}
