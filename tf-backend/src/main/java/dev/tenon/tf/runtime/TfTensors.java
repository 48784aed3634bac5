package dev.tenon.tf.runtime;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.ElementTypes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.TString;
import org.tensorflow.types.TUint16;
import org.tensorflow.types.TUint8;
import org.tensorflow.types.family.TType;

/**
 * IR tensors as TensorFlow-Java's tensors and back, for callers that use TensorFlow-Java's own sessions and SavedModel bundles. Only
 * the element types it has classes for; {@link GraphRunner} takes all.
 */
public final class TfTensors {
  private TfTensors() {}

  /** A copy that the caller must close. Throws {@code IllegalArgumentException} for types without a class in TensorFlow-Java. */
  public static org.tensorflow.Tensor toTensorFlow(Tensor t) {
    Shape shape = Shape.of(t.dims());
    if (t.dtype() == DataType.STRING) {
      List<byte[]> values = t.stringBytes();
      return TString.tensorOfBytes(org.tensorflow.ndarray.NdArrays.vectorOfObjects(values.toArray(new byte[0][]))
          .withShape(shape));
    }
    byte[] bytes = new byte[Math.toIntExact(t.byteSize())];
    t.bytes().get(bytes);
    return org.tensorflow.Tensor.of(classOf(t.dtype()), shape, DataBuffers.of(bytes, false, false));
  }

  /** True if TensorFlow-Java has a class for the element type. */
  public static boolean hasClass(DataType dtype) {
    return switch (dtype) {
      case FLOAT, DOUBLE, FLOAT16, BFLOAT16, INT32, INT64, UINT8, UINT16, BOOL, STRING -> true;
      default -> false;
    };
  }

  private static Class<? extends TType> classOf(DataType dtype) {
    return switch (dtype) {
      case FLOAT -> TFloat32.class;
      case DOUBLE -> TFloat64.class;
      case FLOAT16 -> TFloat16.class;
      case BFLOAT16 -> TBfloat16.class;
      case INT32 -> TInt32.class;
      case INT64 -> TInt64.class;
      case UINT8 -> TUint8.class;
      case UINT16 -> TUint16.class;
      case BOOL -> TBool.class;
      case STRING -> TString.class;
      default -> throw new IllegalArgumentException("TensorFlow-Java has no class for " + dtype);
    };
  }

  /** A copy on the Java heap. */
  public static Tensor fromTensorFlow(org.tensorflow.Tensor t) {
    DataType dtype = ElementTypes.toOnnx(t.dataType());
    if (dtype == DataType.UNDEFINED) {
      throw new IllegalArgumentException("no ONNX type for TensorFlow's type " + t.dataType());
    }
    long[] dims = t.shape().asArray();
    if (dtype == DataType.STRING) {
      List<byte[]> values = new ArrayList<>();
      ((TString) t).asBytes().scalars().forEach(s -> values.add(s.getObject()));
      return Tensor.constant("TensorFlow", dtype, dims, Storage.ofStrings(values));
    }
    byte[] bytes = new byte[Math.toIntExact(t.numBytes())];
    t.asRawTensor().data().read(bytes);
    return Tensor.constant("TensorFlow", dtype, dims, Storage.of(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN)));
  }
}
