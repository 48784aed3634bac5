package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Value;

/** Scales and zero points chosen by the elements when the model runs: dynamic quantization. */
final class QuantizationParameters {
  private QuantizationParameters() {}

  /** Of the range from the smallest element to the largest, zero included; vectors of one element. */
  static TorchValue affine(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("input", DataType.FLOAT);
    Value zero = o.scalar(DataType.FLOAT, 0.0);
    Value min = o.op("Min", o.reduce("ReduceMin", x, false), zero);
    Value max = o.op("Max", o.reduce("ReduceMax", x, false), zero);
    double steps = c.integer("quant_max") - c.integer("quant_min");
    Value scale = o.op("Max", o.div(o.sub(max, min), o.scalar(DataType.FLOAT, steps)), o.scalar(DataType.FLOAT, c.number("eps")));
    Value least = c.scalar("quant_min").scalar(o, DataType.FLOAT);
    Value point = o.op("Clip", o.sub(least, o.op("Round", o.div(min, scale))), least, c.scalar("quant_max").scalar(o, DataType.FLOAT));
    return results(c, scale, point);
  }

  /** Of the range from minus the largest magnitude to that. */
  static TorchValue symmetric(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("input", DataType.FLOAT);
    double steps = c.integer("quant_max") - c.integer("quant_min");
    Value scale = o.div(o.reduce("ReduceMax", o.op("Abs", x), false), o.scalar(DataType.FLOAT, steps / 2));
    Value point = o.scalar(DataType.INT64, c.dtype("dtype", DataType.INT8) == DataType.UINT8 ? 128L : 0L);
    return results(c, o.op("Max", scale, o.scalar(DataType.FLOAT, c.number("eps"))), point);
  }

  private static TorchValue results(AtenCall c, Value scale, Value point) {
    Onnx o = c.onnx();
    return c.results(o.unsqueeze(o.cast(scale, DataType.DOUBLE), 0), o.unsqueeze(o.cast(point, DataType.INT64), 0));
  }

  /** A scale for each row, to 127; the zero points are zero, and floating-point numbers. */
  static TorchValue perToken(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("input");
    Value largest = o.reduce("ReduceMax", o.op("Abs", x), true, -1);
    largest = o.cast(largest, x.dtype() == DataType.FLOAT16 ? DataType.FLOAT : x.dtype());
    DataType t = largest.dtype();
    Value scales = o.div(o.op("Max", largest, o.scalar(t, 1e-5)), o.scalar(t, 127.0));
    return c.results(scales, o.mul(scales, o.scalar(t, 0.0)));
  }

  /** A scale and a zero point for each row, to eight bits with sign. */
  static TorchValue perTokenAffine(AtenCall c) {
    Onnx o = c.onnx();
    DataType t = DataType.FLOAT;
    Value x = c.tensor("input", t);
    Value least = o.scalar(t, -128.0);
    Value greatest = o.scalar(t, 127.0);
    Value min = o.op("Min", o.reduce("ReduceMin", x, true, -1), o.scalar(t, 0.0));
    Value max = o.op("Max", o.reduce("ReduceMax", x, true, -1), o.scalar(t, 0.0));
    Value scale = o.op("Max", o.div(o.sub(max, min), o.scalar(t, 255.0)), o.scalar(t, (double) Math.ulp(1f)));
    Value low = o.div(min, scale);
    Value high = o.div(max, scale);
    Value fromLow = o.op("Greater", o.add(o.add(least, low), o.add(greatest, high)), o.scalar(t, 0.0));
    Value point = o.where(fromLow, o.sub(least, low), o.sub(greatest, high));
    Value rounded = o.op("Round", o.op("Clip", point, least, greatest));
    return c.results(o.cast(scale, DataType.DOUBLE), o.cast(rounded, DataType.INT64));
  }
}
