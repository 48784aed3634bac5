package dev.tenon.ir.ort;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxSequence;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.TensorInfo;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Copies tensors between the IR and ONNX Runtime. */
final class OrtTensors {
  private OrtTensors() {}

  /** A tensor in native memory; the caller closes it. */
  static OnnxTensor toOrt(OrtEnvironment environment, Tensor t) throws OrtException {
    if (t.dtype() == DataType.STRING) {
      return OnnxTensor.createTensor(environment, t.toStrings().toArray(String[]::new), t.dims());
    }
    OnnxJavaType type = switch (t.dtype()) {
      case FLOAT -> OnnxJavaType.FLOAT;
      case DOUBLE -> OnnxJavaType.DOUBLE;
      case FLOAT16 -> OnnxJavaType.FLOAT16;
      case BFLOAT16 -> OnnxJavaType.BFLOAT16;
      case INT8 -> OnnxJavaType.INT8;
      case INT16 -> OnnxJavaType.INT16;
      case INT32 -> OnnxJavaType.INT32;
      case INT64 -> OnnxJavaType.INT64;
      case UINT8 -> OnnxJavaType.UINT8;
      case BOOL -> OnnxJavaType.BOOL;
      default -> throw new UnsupportedOperationException("ONNX Runtime's Java interface takes no tensors of type " + t.dtype());
    };
    ByteBuffer source = t.bytes();
    ByteBuffer direct = ByteBuffer.allocateDirect(source.remaining()).order(ByteOrder.nativeOrder());
    direct.put(source).flip();
    return OnnxTensor.createTensor(environment, direct, t.dims(), type);
  }

  /** Adds an output's tensors to {@code out}. */
  static void collect(String name, OnnxValue value, Map<String, Tensor> out) throws OrtException {
    if (value instanceof OnnxTensor t) {
      out.put(name, fromOrt(name, t));
    } else if (value instanceof OnnxSequence s) {
      int i = 0;
      for (OnnxValue element : s.getValue()) {
        collect(name + "[" + i++ + "]", element, out);
      }
    } else if (value != null) {
      throw new UnsupportedOperationException("output " + name + " is of type " + value.getType() + ", not a tensor or sequence");
    }
  }

  private static Tensor fromOrt(String name, OnnxTensor t) throws OrtException {
    TensorInfo info = t.getInfo();
    long[] dims = info.getShape();
    if (info.type == OnnxJavaType.STRING) {
      List<String> strings = new ArrayList<>();
      flatten(t.getValue(), strings);
      return Tensor.ofStrings(strings, dims);
    }
    DataType dtype = dtype(info);
    ByteBuffer bytes = t.getByteBuffer();
    if (bytes == null || info.type == OnnxJavaType.UNKNOWN) {
      throw new UnsupportedOperationException("ONNX Runtime's Java interface gives no elements of type " + dtype + " (" + name + ")");
    }
    ByteBuffer copy = ByteBuffer.allocate(bytes.remaining()).order(ByteOrder.LITTLE_ENDIAN);
    copy.put(bytes).flip();
    return Tensor.constant(name, dtype, dims, Storage.of(copy));
  }

  private static void flatten(Object nested, List<String> into) {
    if (nested instanceof String s) {
      into.add(s);
    } else if (nested instanceof Object[] array) {
      for (Object element : array) {
        flatten(element, into);
      }
    }
  }

  /** The element type; UNDEFINED for one that ONNX Runtime's Java interface does not name. */
  static DataType dtype(TensorInfo info) {
    return switch (info.onnxType) {
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT -> DataType.FLOAT;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE -> DataType.DOUBLE;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16 -> DataType.FLOAT16;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16 -> DataType.BFLOAT16;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8 -> DataType.INT8;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16 -> DataType.INT16;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32 -> DataType.INT32;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64 -> DataType.INT64;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8 -> DataType.UINT8;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16 -> DataType.UINT16;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32 -> DataType.UINT32;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64 -> DataType.UINT64;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL -> DataType.BOOL;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING -> DataType.STRING;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_COMPLEX64 -> DataType.COMPLEX64;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_COMPLEX128 -> DataType.COMPLEX128;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E4M3FN -> DataType.FLOAT8E4M3FN;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E4M3FNUZ -> DataType.FLOAT8E4M3FNUZ;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E5M2 -> DataType.FLOAT8E5M2;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT8E5M2FNUZ -> DataType.FLOAT8E5M2FNUZ;
      default -> DataType.UNDEFINED;
    };
  }
}
