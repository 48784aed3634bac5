package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.OnnxNode;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Value;
import java.util.List;

/**
 * Quantization to integers and back: {@code quantized_decomposed} of PT2E, fake quantization, and tensors of PyTorch's quantized types.
 *
 * <p>Eight and sixteen bits become {@code QuantizeLinear} and {@code DequantizeLinear}, with a {@code Clip} where the range is narrower than the type;
 * the rest is arithmetic. PyTorch multiplies by the reciprocal of the scale where ONNX divides, so an element half-way between two
 * integers may be rounded to the other one.
 *
 * <p>A tensor of a quantized type ({@code quint8}) is represented by what it stands for, floating-point numbers that have been through
 * both steps; {@code dequantize} has nothing left to do.
 */
public final class Quantization {
  private static final String DECOMPOSED = "quantized_decomposed";
  /** No axis: one scale for all. */
  private static final int NONE = Integer.MIN_VALUE;
  /** c10's numbers of the quantized types. */
  private static final long QINT8 = 12;
  private static final long QUINT8 = 13;

  private Quantization() {}

  public static void register(AtenOps ops) {
    ops.opOf(DECOMPOSED, "quantize_per_tensor", c -> quantize(c, "scale", "zero_point", NONE));
    ops.opOf(DECOMPOSED, "quantize_per_channel", c -> quantize(c, "scales", "zero_points", c.axis("axis", c.rank("input"))));
    ops.opOf(DECOMPOSED, "dequantize_per_tensor", c -> dequantize(c, "scale", "zero_point", NONE));
    ops.opOf(DECOMPOSED, "dequantize_per_channel", c -> dequantize(c, "scales", "zero_points", c.axis("axis", c.rank("input"))));
    ops.opOf(DECOMPOSED, "quantize_per_token quantize_per_channel_group", Quantization::quantizeRows);
    ops.opOf(DECOMPOSED, "dequantize_per_token dequantize_per_channel_group", Quantization::dequantizeRows);
    ops.opOf(DECOMPOSED, "choose_qparams", QuantizationParameters::affine);
    ops.opOf(DECOMPOSED, "choose_qparams_symmetric", QuantizationParameters::symmetric);
    ops.opOf(DECOMPOSED, "choose_qparams_per_token", QuantizationParameters::perToken);
    ops.opOf(DECOMPOSED, "choose_qparams_per_token_asymmetric _choose_qparams_per_token_asymmetric_impl",
        QuantizationParameters::perTokenAffine);
    ops.opOf(DECOMPOSED, "fake_quant_per_channel", c -> c.result(fake(c, "input", "scales", "zero_points", true)));
    ops.opOf(DECOMPOSED, "convert_element_type", c -> c.result(c.onnx().cast(c.tensor("input"), c.dtype("dtype", c.dtypeOf("input")))));

    ops.op("fake_quantize_per_tensor_affine", c -> c.result(fake(c, "self", "scale", "zero_point", false)));
    ops.op("fake_quantize_per_channel_affine", c -> c.result(fake(c, "self", "scale", "zero_point", true)));
    ops.op("fake_quantize_per_tensor_affine_cachemask", c -> withMask(c, false));
    ops.op("fake_quantize_per_channel_affine_cachemask", c -> withMask(c, true));
    ops.op("quantize_per_tensor quantize_per_tensor.tensor_qparams", c -> typed(c, "scale", "zero_point", NONE));
    ops.op("quantize_per_channel", c -> typed(c, "scales", "zero_points", c.axis("axis", c.rank("self"))));
    ops.op("dequantize", c -> c.get(c.schema().parameters().get(0).name()));
  }

  // ---- the two steps ----

  private static boolean hasOperator(DataType t) {
    return t == DataType.INT8 || t == DataType.UINT8 || t == DataType.INT16 || t == DataType.UINT16;
  }

  /** A scale or zero point, a number or a tensor: of rank 0, or with an element for each place of the axis. */
  private static Value parameter(AtenCall c, String name, DataType type, int axis) {
    if (c.isNone(name)) {
      return null;
    }
    Value v = c.tensor(name, type);
    return axis == NONE && o(c).rank(v) != 0 ? o(c).reshape(v) : v;
  }

  private static Onnx o(AtenCall c) {
    return c.onnx();
  }

  /** A vector along an axis, shaped to broadcast against a tensor of this rank. */
  private static Value along(Onnx o, Value v, int axis, int rank) {
    if (v == null || axis == NONE) {
      return v;
    }
    long[] axes = new long[rank - 1 - axis];
    for (int i = 0; i < axes.length; i++) {
      axes[i] = i + 1;
    }
    return o.unsqueeze(v, axes);
  }

  private static Value withAxis(OnnxNode node, int axis) {
    return (axis == NONE ? node : node.attr("axis", axis)).out();
  }

  /** {@code clip(round(x / scale) + zeroPoint)} in this type. */
  private static Value quantized(Onnx o, Value x, Value scale, Value zeroPoint, int axis, Value min, Value max, DataType to) {
    if (hasOperator(to)) {
      // The type of the zero point is that of the result.
      Value zero = zeroPoint == null ? o.expand(o.scalar(to, 0L), o.sizes(scale)) : o.cast(zeroPoint, to);
      Value q = withAxis(o.node("QuantizeLinear").in(x, scale, zero), axis);
      // Runtimes clip integers of eight, 32 and 64 bits.
      DataType wide = to.bits() == 16 ? DataType.INT32 : to;
      return min == null && max == null ? q
          : o.cast(o.op("Clip", o.cast(q, wide), min == null ? null : o.cast(min, wide), max == null ? null : o.cast(max, wide)), to);
    }
    int rank = o.rank(x);
    Value rounded = o.op("Round", o.div(x, along(o, scale, axis, rank)));
    Value shifted = zeroPoint == null ? rounded : o.add(rounded, o.cast(along(o, zeroPoint, axis, rank), x.dtype()));
    return o.cast(o.op("Clip", shifted, min == null ? null : o.cast(min, x.dtype()), max == null ? null : o.cast(max, x.dtype())), to);
  }

  /** {@code (q - zeroPoint) * scale} in the type of the scale. */
  private static Value dequantized(Onnx o, Value q, Value scale, Value zeroPoint, int axis) {
    if (hasOperator(q.dtype())) {
      Value zero = zeroPoint == null ? null : o.cast(zeroPoint, q.dtype());
      return withAxis(o.node("DequantizeLinear").in(q, scale, zero), axis);
    }
    int rank = o.rank(q);
    Value wide = o.cast(q, scale.dtype());
    Value shifted = zeroPoint == null ? wide : o.sub(wide, o.cast(along(o, zeroPoint, axis, rank), scale.dtype()));
    return o.mul(shifted, along(o, scale, axis, rank));
  }

  private static TorchValue quantize(AtenCall c, String scale, String zeroPoint, int axis) {
    Onnx o = c.onnx();
    DataType to = c.dtype("dtype", DataType.UINT8);
    Value x = c.tensor("input", DataType.FLOAT);
    return c.result(quantized(o, x, parameter(c, scale, DataType.FLOAT, axis), parameter(c, zeroPoint, DataType.INT64, axis), axis,
        bound(c, "quant_min", to), bound(c, "quant_max", to), to));
  }

  /** An end of the range; null where the type ends there. */
  private static Value bound(AtenCall c, String name, DataType type) {
    TorchScalar s = c.scalar(name);
    boolean isEnd = type == DataType.INT8 && (s.is(-128) || s.is(127)) || type == DataType.UINT8 && (s.is(0) || s.is(255));
    return isEnd ? null : s.scalar(c.onnx(), DataType.INT64);
  }

  private static TorchValue dequantize(AtenCall c, String scale, String zeroPoint, int axis) {
    DataType out = c.has("out_dtype") ? c.dtype("out_dtype", DataType.FLOAT) : DataType.FLOAT;
    return c.result(dequantized(c.onnx(), c.tensor("input"), parameter(c, scale, out, axis), parameter(c, zeroPoint, DataType.INT64, axis), axis));
  }

  // ---- a scale for each row, or for each group of a row's elements ----

  private static TorchValue quantizeRows(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("input", DataType.FLOAT);
    boolean grouped = c.has("group_size");
    Value rows = grouped ? groups(c, x) : x;
    Value scaled = o.div(rows, rowParameter(c, "scales", grouped));
    // Here the zero point is added before rounding.
    Value rounded = o.op("Round", o.add(scaled, rowParameter(c, "zero_points", grouped)));
    Value q = o.op("Clip", rounded, c.scalar("quant_min").scalar(o, DataType.FLOAT), c.scalar("quant_max").scalar(o, DataType.FLOAT));
    Value result = o.cast(q, c.dtype("dtype", DataType.INT8));
    return c.result(grouped ? o.reshape(result, o.sizes(x)) : result);
  }

  private static TorchValue dequantizeRows(AtenCall c) {
    Onnx o = c.onnx();
    Value q = c.tensor("input");
    boolean grouped = c.has("group_size");
    Value rows = o.cast(grouped ? groups(c, q) : q, DataType.FLOAT);
    Value shifted = c.isNone("zero_points") ? rows : o.sub(rows, rowParameter(c, "zero_points", grouped));
    Value y = o.cast(o.mul(shifted, rowParameter(c, "scales", grouped)), c.dtype("output_dtype", DataType.FLOAT));
    return c.result(grouped ? o.reshape(y, o.sizes(q)) : y);
  }

  private static Value rowParameter(AtenCall c, String name, boolean grouped) {
    Value v = c.tensor(name, DataType.FLOAT);
    return grouped ? c.onnx().reshape(v, -1, 1) : v;
  }

  private static Value groups(AtenCall c, Value x) {
    long size = c.integer("group_size");
    // A group that is larger than the row is the row.
    boolean all = x.shape().dim(1).isConstant() && size > x.shape().dim(1).constant();
    return c.onnx().reshape(x, -1, all ? x.shape().dim(1).constant() : size);
  }

  // ---- fake quantization ----

  /** To integers and back. */
  private static Value fake(AtenCall c, String input, String scale, String zeroPoint, boolean channels) {
    Onnx o = c.onnx();
    int axis = channels ? c.axis("axis", c.rank(input)) : NONE;
    Value x = c.tensor(input, DataType.FLOAT);
    Value s = parameter(c, scale, DataType.FLOAT, axis);
    Value zero = parameter(c, zeroPoint, DataType.INT64, axis);
    DataType type = typeOf(c.integer("quant_min"), c.integer("quant_max"));
    Value q = quantized(o, x, s, zero, axis, bound(c, "quant_min", type), bound(c, "quant_max", type), type);
    return o.cast(dequantized(o, q, s, zero, axis), c.dtypeOf(input));
  }

  /** The smallest type that holds a range. */
  private static DataType typeOf(long min, long max) {
    return min >= 0 && max <= 255 ? DataType.UINT8 : min >= -128 && max <= 127 ? DataType.INT8 : DataType.INT32;
  }

  /** Also gives where the input was within the range, which is for the derivative. */
  private static TorchValue withMask(AtenCall c, boolean channels) {
    Onnx o = c.onnx();
    int rank = c.rank("self");
    int axis = channels ? c.axis("axis", rank) : NONE;
    Value x = c.tensor("self", DataType.FLOAT);
    Value scaled = o.op("Round", o.div(x, along(o, parameter(c, "scale", DataType.FLOAT, axis), axis, rank)));
    Value q = o.add(scaled, along(o, parameter(c, "zero_point", DataType.FLOAT, axis), axis, rank));
    Value inside = o.op("And", o.op("GreaterOrEqual", q, c.scalar("quant_min").scalar(o, DataType.FLOAT)),
        o.op("LessOrEqual", q, c.scalar("quant_max").scalar(o, DataType.FLOAT)));
    return c.results(List.of(fake(c, "self", "scale", "zero_point", channels), inside));
  }

  // ---- quantized types ----

  private static TorchValue typed(AtenCall c, String scale, String zeroPoint, int axis) {
    Onnx o = c.onnx();
    long number = c.integer("dtype");
    DataType type = number == QINT8 ? DataType.INT8 : number == QUINT8 ? DataType.UINT8 : DataType.INT32;
    Value s = parameter(c, scale, DataType.FLOAT, axis);
    Value zero = parameter(c, zeroPoint, DataType.INT64, axis);
    return c.result(dequantized(o, quantized(o, c.tensor("self", DataType.FLOAT), s, zero, axis, null, null, type), s, zero, axis));
  }
}
