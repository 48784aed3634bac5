package dev.tenon.tf;

import org.tensorflow.proto.DataType;

/** The correspondence of ONNX and TensorFlow element types. */
public final class ElementTypes {
  private ElementTypes() {}

  /** TensorFlow's type for an ONNX type; {@code DT_INVALID} where TensorFlow has none (float8 fnuz, 2-bit and 6-bit types, …). */
  public static DataType toTensorFlow(dev.tenon.ir.DataType onnx) {
    return switch (onnx) {
      case FLOAT -> DataType.DT_FLOAT;
      case DOUBLE -> DataType.DT_DOUBLE;
      case FLOAT16 -> DataType.DT_HALF;
      case BFLOAT16 -> DataType.DT_BFLOAT16;
      case INT8 -> DataType.DT_INT8;
      case INT16 -> DataType.DT_INT16;
      case INT32 -> DataType.DT_INT32;
      case INT64 -> DataType.DT_INT64;
      case UINT8 -> DataType.DT_UINT8;
      case UINT16 -> DataType.DT_UINT16;
      case UINT32 -> DataType.DT_UINT32;
      case UINT64 -> DataType.DT_UINT64;
      case BOOL -> DataType.DT_BOOL;
      case STRING -> DataType.DT_STRING;
      case COMPLEX64 -> DataType.DT_COMPLEX64;
      case COMPLEX128 -> DataType.DT_COMPLEX128;
      case FLOAT8E4M3FN -> DataType.DT_FLOAT8_E4M3FN;
      case FLOAT8E5M2 -> DataType.DT_FLOAT8_E5M2;
      case INT4 -> DataType.DT_INT4;
      case UINT4 -> DataType.DT_UINT4;
      default -> DataType.DT_INVALID;
    };
  }

  /** ONNX's type for a TensorFlow type; UNDEFINED where ONNX has none (resources, variants, quantized types). */
  public static dev.tenon.ir.DataType toOnnx(DataType tensorFlow) {
    for (dev.tenon.ir.DataType t : dev.tenon.ir.DataType.values()) {
      if (t != dev.tenon.ir.DataType.UNDEFINED && toTensorFlow(t) == tensorFlow) {
        return t;
      }
    }
    return dev.tenon.ir.DataType.UNDEFINED;
  }
}
