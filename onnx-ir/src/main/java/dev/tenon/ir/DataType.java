package dev.tenon.ir;

import java.util.Arrays;
import java.util.Optional;

/**
 * The element types of ONNX tensors, with the numbers of {@code TensorProto.DataType}
 * (<a href="https://onnx.ai/onnx/repo-docs/IR.html">ONNX IR, Standard data types</a>).
 */
public enum DataType {
  UNDEFINED(0, 0, "undefined"),
  FLOAT(1, 32, "float32"),
  UINT8(2, 8, "uint8"),
  INT8(3, 8, "int8"),
  UINT16(4, 16, "uint16"),
  INT16(5, 16, "int16"),
  INT32(6, 32, "int32"),
  INT64(7, 64, "int64"),
  /** Variable length; {@link #bits()} is 0. */
  STRING(8, 0, "string"),
  BOOL(9, 8, "bool"),
  FLOAT16(10, 16, "float16"),
  DOUBLE(11, 64, "float64"),
  UINT32(12, 32, "uint32"),
  UINT64(13, 64, "uint64"),
  COMPLEX64(14, 64, "complex64"),
  COMPLEX128(15, 128, "complex128"),
  BFLOAT16(16, 16, "bfloat16"),
  FLOAT8E4M3FN(17, 8, "float8e4m3fn"),
  FLOAT8E4M3FNUZ(18, 8, "float8e4m3fnuz"),
  FLOAT8E5M2(19, 8, "float8e5m2"),
  FLOAT8E5M2FNUZ(20, 8, "float8e5m2fnuz"),
  UINT4(21, 4, "uint4"),
  INT4(22, 4, "int4"),
  FLOAT4E2M1(23, 4, "float4e2m1"),
  FLOAT8E8M0(24, 8, "float8e8m0"),
  UINT2(25, 2, "uint2"),
  INT2(26, 2, "int2"),
  FLOAT6E2M3(27, 6, "float6e2m3"),
  FLOAT6E3M2(28, 6, "float6e3m2");

  private static final DataType[] BY_NUMBER = values();

  private final int number;
  private final int bits;
  private final String label;

  DataType(int number, int bits, String label) {
    this.number = number;
    this.bits = bits;
    this.label = label;
  }

  /** The number that stands for this type in a model file. */
  public int number() {
    return number;
  }

  /** The width of one element in bits; 0 for {@link #STRING} and {@link #UNDEFINED}. */
  public int bits() {
    return bits;
  }

  /** The lower-case name used in texts and reports, {@code float32} say. */
  public String label() {
    return label;
  }

  /** The bytes that {@code count} elements take, sub-byte types packed, rounded up to whole bytes. */
  public long byteSize(long count) {
    return bits >= 8 ? Math.multiplyExact(count, (long) (bits / 8)) : (Math.multiplyExact(count, (long) bits) + 7) / 8;
  }

  /** True for float16, bfloat16, float32 and float64, the types that arithmetic is done in. */
  public boolean isFloat() {
    return this == FLOAT || this == DOUBLE || this == FLOAT16 || this == BFLOAT16;
  }

  /** True for the signed and unsigned integer types of 8 bits and more. */
  public boolean isInteger() {
    return isSigned() && !isFloat() || this == UINT8 || this == UINT16 || this == UINT32 || this == UINT64;
  }

  /** True for types of 8 bits and more that have negative values, floats included. */
  public boolean isSigned() {
    return isFloat() || this == INT8 || this == INT16 || this == INT32 || this == INT64;
  }

  /** The type with this number in a model file, if the number is one of the standard's. */
  public static Optional<DataType> ofNumber(int number) {
    return number >= 0 && number < BY_NUMBER.length ? Optional.of(BY_NUMBER[number]) : Optional.empty();
  }

  /** The type with this {@link #label()}. */
  public static Optional<DataType> ofLabel(String label) {
    return Arrays.stream(BY_NUMBER).filter(t -> t.label.equals(label)).findFirst();
  }

  @Override
  public String toString() {
    return label;
  }
}
