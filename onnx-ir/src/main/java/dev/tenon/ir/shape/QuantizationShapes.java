package dev.tenon.ir.shape;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Shape;

/** Quantization and its inverse. */
final class QuantizationShapes {
  private QuantizationShapes() {}

  static void register(Registry r) {
    r.op("QuantizeLinear", 1, c -> c.output(0, c.dtypeAttr("output_dtype", c.has(2) ? c.dtype(2) : DataType.UINT8), c.shape(0)));
    r.op("DequantizeLinear", 1, c -> c.output(0, c.dtypeAttr("output_dtype", c.dtype(1)), c.shape(0)));
    r.op("DynamicQuantizeLinear", 1, c -> {
      c.output(0, DataType.UINT8, c.shape(0));
      c.output(1, DataType.FLOAT, Shape.SCALAR);
      c.output(2, DataType.UINT8, Shape.SCALAR);
    });
  }
}
