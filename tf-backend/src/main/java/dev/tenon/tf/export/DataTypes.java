package dev.tenon.tf.export;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.TensorShapeProto;

/** Sizes and shapes of TensorFlow's element types, as checkpoints store them. */
public final class DataTypes {

  private DataTypes() {}

  /**
   * Bytes of one element in a checkpoint, or 0 for a type without a fixed size (string, resource, variant, reference types).
   * The 4-bit integers take a whole byte there, as they do in TensorFlow's tensors.
   */
  public static int elementSize(DataType dtype) {
    return switch (dtype) {
      case DT_BOOL, DT_INT8, DT_UINT8, DT_QINT8, DT_QUINT8, DT_INT4, DT_UINT4, DT_FLOAT8_E5M2, DT_FLOAT8_E4M3FN -> 1;
      case DT_HALF, DT_BFLOAT16, DT_INT16, DT_UINT16, DT_QINT16, DT_QUINT16 -> 2;
      case DT_FLOAT, DT_INT32, DT_UINT32, DT_QINT32 -> 4;
      case DT_DOUBLE, DT_INT64, DT_UINT64, DT_COMPLEX64 -> 8;
      case DT_COMPLEX128 -> 16;
      default -> 0;
    };
  }

  /**
   * Bytes of a whole tensor.
   *
   * @throws IllegalArgumentException for a type without a fixed size, a negative dimension or more than 2^63 bytes
   */
  public static long byteSize(DataType dtype, long[] shape) {
    int size = elementSize(dtype);
    if (size == 0) {
      throw new IllegalArgumentException("elements of type " + dtype + " have no fixed size");
    }
    long bytes = size;
    boolean empty = false;
    for (long dim : shape) {
      if (dim < 0) {
        throw new IllegalArgumentException("shape " + Arrays.toString(shape) + " has an unknown or negative dimension");
      }
      empty |= dim == 0;
    }
    if (empty) {
      return 0;
    }
    for (long dim : shape) {
      try {
        bytes = Math.multiplyExact(bytes, dim);
      } catch (ArithmeticException e) {
        throw new IllegalArgumentException("shape " + Arrays.toString(shape) + " is too large", e);
      }
    }
    return bytes;
  }

  /** A shape as a proto; a negative dimension is an unknown one. */
  public static TensorShapeProto shapeProto(long... shape) {
    TensorShapeProto.Builder proto = TensorShapeProto.newBuilder();
    for (long dim : shape) {
      proto.addDimBuilder().setSize(dim < 0 ? -1 : dim);
    }
    return proto.build();
  }

  static TensorShapeProto unknownRank() {
    return TensorShapeProto.newBuilder().setUnknownRank(true).build();
  }

  /** The dimensions of a shape of known rank, -1 where unknown. */
  static long[] dims(TensorShapeProto shape) {
    List<TensorShapeProto.Dim> dims = shape.getDimList();
    return dims.stream().mapToLong(TensorShapeProto.Dim::getSize).toArray();
  }

  /** For messages: {@code float[3, 4]}. */
  static String describe(DataType dtype, long[] shape) {
    String name = dtype.name();
    return (name.startsWith("DT_") ? name.substring(3) : name).toLowerCase(Locale.ROOT) + Arrays.toString(shape);
  }
}
