package dev.tenon.tf.custom;

import dev.tenon.ir.Attribute.Kind;
import dev.tenon.ir.DataType;
import java.util.Locale;

/** Element types and kinds of attributes as TensorFlow's operator definitions and C write them. */
final class TypeNames {
  private TypeNames() {}

  /** {@code float}, {@code half}, …; null for a type that the C interface has not. */
  static String ofTensorFlow(DataType t) {
    return switch (t) {
      case FLOAT -> "float";
      case DOUBLE -> "double";
      case FLOAT16 -> "half";
      case BFLOAT16 -> "bfloat16";
      case INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64, BOOL, STRING, COMPLEX64, COMPLEX128 -> t.label();
      default -> null;
    };
  }

  /** {@code TF_FLOAT}. */
  static String constant(DataType t) {
    return "TF_" + ofTensorFlow(t).toUpperCase(Locale.ROOT);
  }

  /** What an element is in C. */
  static String ofC(DataType t) {
    return switch (t) {
      case FLOAT -> "float";
      case DOUBLE -> "double";
      case FLOAT16, BFLOAT16 -> "uint16_t";
      case BOOL -> "bool";
      case STRING -> "tenon_string";
      case COMPLEX64 -> "float"; // twice as many
      case COMPLEX128 -> "double";
      default -> t.label() + "_t";
    };
  }

  /** {@code list(float)}; null for kinds that TensorFlow's operators cannot have. */
  static String ofAttribute(Kind kind) {
    return switch (kind) {
      case FLOAT -> "float";
      case INT -> "int";
      case STRING -> "string";
      case TENSOR -> "tensor";
      case TYPE -> "type";
      case FLOATS -> "list(float)";
      case INTS -> "list(int)";
      case STRINGS -> "list(string)";
      case TENSORS -> "list(tensor)";
      default -> null;
    };
  }
}
