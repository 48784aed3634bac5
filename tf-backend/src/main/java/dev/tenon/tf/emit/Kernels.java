package dev.tenon.tf.emit;

import dev.tenon.tf.Tf;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** Which element types TensorFlow's CPU kernels take, and the way round for the others: a wider type and back. */
final class Kernels {
  static final Set<DataType> FLOATS = Set.of(DataType.DT_FLOAT, DataType.DT_DOUBLE, DataType.DT_HALF, DataType.DT_BFLOAT16);
  static final Set<DataType> SIGNED = union(FLOATS, DataType.DT_INT8, DataType.DT_INT16, DataType.DT_INT32, DataType.DT_INT64);
  static final Set<DataType> NUMBERS = union(SIGNED, DataType.DT_UINT8, DataType.DT_UINT16, DataType.DT_UINT32, DataType.DT_UINT64);
  static final Set<DataType> WIDE = Set.of(DataType.DT_FLOAT, DataType.DT_DOUBLE, DataType.DT_INT32, DataType.DT_INT64);

  private Kernels() {}

  private static Set<DataType> union(Set<DataType> a, DataType... more) {
    Set<DataType> all = EnumSet.copyOf(a);
    all.addAll(List.of(more));
    return Set.copyOf(all);
  }

  static boolean isFloat(DataType t) {
    return FLOATS.contains(t);
  }

  static boolean isUnsigned(DataType t) {
    return t == DataType.DT_UINT8 || t == DataType.DT_UINT16 || t == DataType.DT_UINT32 || t == DataType.DT_UINT64;
  }

  /** The type itself, or the narrowest of those available that holds its values (uint64 by its bits). */
  static DataType within(Set<DataType> available, DataType t) {
    if (available.contains(t)) {
      return t;
    }
    for (DataType wider : wider(t)) {
      if (available.contains(wider)) {
        return wider;
      }
    }
    throw new IllegalArgumentException("no kernel for element type " + t);
  }

  private static List<DataType> wider(DataType t) {
    return switch (t) {
      case DT_HALF, DT_BFLOAT16, DT_FLOAT8_E4M3FN, DT_FLOAT8_E5M2 -> List.of(DataType.DT_FLOAT, DataType.DT_DOUBLE);
      case DT_FLOAT -> List.of(DataType.DT_DOUBLE);
      case DT_BOOL, DT_INT8, DT_UINT8, DT_INT4, DT_UINT4 ->
          List.of(DataType.DT_INT16, DataType.DT_INT32, DataType.DT_INT64, DataType.DT_FLOAT, DataType.DT_DOUBLE);
      case DT_INT16, DT_UINT16 -> List.of(DataType.DT_INT32, DataType.DT_INT64, DataType.DT_FLOAT, DataType.DT_DOUBLE);
      case DT_INT32, DT_UINT32 -> List.of(DataType.DT_INT64, DataType.DT_DOUBLE);
      case DT_INT64, DT_UINT64 -> List.of(DataType.DT_INT64, DataType.DT_DOUBLE);
      default -> List.of();
    };
  }

  /** An operation whose inputs and output have one type, in a type that it has a kernel for. */
  static Output<?> call(Tf tf, Set<DataType> available, String op, Output<?>... inputs) {
    DataType type = inputs[0].dataType();
    DataType inner = within(available, type);
    Output<?>[] converted = new Output<?>[inputs.length];
    for (int i = 0; i < inputs.length; i++) {
      converted[i] = tf.cast(inputs[i], inner);
    }
    return tf.cast(tf.call(op, converted), type);
  }
}
