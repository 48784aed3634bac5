package dev.tenon.frontend.archive;

import dev.tenon.ir.DataType;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * PyTorch's element types under the names and numbers that its files use. The numbers of TorchScript's code ({@link #c10()}, from
 * {@code c10/core/ScalarType.h}) are not those of {@code torch.export}'s JSON ({@link #exported()}, from
 * {@code torch/_export/serde/schema.py}).
 */
public enum ScalarType {
  UINT8("uint8", 0, 1, 1, DataType.UINT8, "ByteStorage"),
  INT8("int8", 1, 2, 1, DataType.INT8, "CharStorage"),
  INT16("int16", 2, 3, 2, DataType.INT16, "ShortStorage"),
  INT32("int32", 3, 4, 4, DataType.INT32, "IntStorage"),
  INT64("int64", 4, 5, 8, DataType.INT64, "LongStorage"),
  FLOAT16("float16", 5, 6, 2, DataType.FLOAT16, "HalfStorage"),
  FLOAT32("float32", 6, 7, 4, DataType.FLOAT, "FloatStorage"),
  FLOAT64("float64", 7, 8, 8, DataType.DOUBLE, "DoubleStorage"),
  /** Pairs of float16; ONNX has no such type. */
  COMPLEX32("complex32", 8, 9, 4, null, "ComplexHalfStorage"),
  COMPLEX64("complex64", 9, 10, 8, DataType.COMPLEX64, "ComplexFloatStorage"),
  COMPLEX128("complex128", 10, 11, 16, DataType.COMPLEX128, "ComplexDoubleStorage"),
  BOOL("bool", 11, 12, 1, DataType.BOOL, "BoolStorage"),
  /** The elements of a quantized tensor; scale and zero point are beside them. */
  QINT8("qint8", 12, -1, 1, DataType.INT8, "QInt8Storage"),
  QUINT8("quint8", 13, -1, 1, DataType.UINT8, "QUInt8Storage"),
  QINT32("qint32", 14, -1, 4, DataType.INT32, "QInt32Storage"),
  BFLOAT16("bfloat16", 15, 13, 2, DataType.BFLOAT16, "BFloat16Storage"),
  QUINT4X2("quint4x2", 16, -1, 1, null, "QUInt4x2Storage"),
  QUINT2X4("quint2x4", 17, -1, 1, null, "QUInt2x4Storage"),
  BITS8("bits8", 21, -1, 1, null, null),
  BITS16("bits16", 22, -1, 2, null, null),
  FLOAT8_E5M2("float8_e5m2", 23, 30, 1, DataType.FLOAT8E5M2, null),
  FLOAT8_E4M3FN("float8_e4m3fn", 24, 29, 1, DataType.FLOAT8E4M3FN, null),
  FLOAT8_E5M2FNUZ("float8_e5m2fnuz", 25, 32, 1, DataType.FLOAT8E5M2FNUZ, null),
  FLOAT8_E4M3FNUZ("float8_e4m3fnuz", 26, 31, 1, DataType.FLOAT8E4M3FNUZ, null),
  UINT16("uint16", 27, 28, 2, DataType.UINT16, null),
  UINT32("uint32", 28, 34, 4, DataType.UINT32, null),
  UINT64("uint64", 29, 35, 8, DataType.UINT64, null),
  FLOAT8_E8M0FNU("float8_e8m0fnu", 44, 33, 1, DataType.FLOAT8E8M0, null),
  /** Two elements in a byte, and PyTorch's sizes count the bytes. */
  FLOAT4_E2M1FN_X2("float4_e2m1fn_x2", 45, -1, 1, null, null);

  private static final Map<String, ScalarType> BY_LABEL = index(t -> t.label);
  private static final Map<String, ScalarType> BY_STORAGE = index(t -> t.storageClass);
  private static final Map<Integer, ScalarType> BY_C10 = index(t -> t.c10);
  private static final Map<Integer, ScalarType> BY_EXPORTED = index(t -> t.exported < 0 ? null : t.exported);

  private final String label;
  private final int c10;
  private final int exported;
  private final int byteSize;
  private final DataType dtype;
  private final String storageClass;

  ScalarType(String label, int c10, int exported, int byteSize, DataType dtype, String storageClass) {
    this.label = label;
    this.c10 = c10;
    this.exported = exported;
    this.byteSize = byteSize;
    this.dtype = dtype;
    this.storageClass = storageClass;
  }

  private static <K> Map<K, ScalarType> index(Function<ScalarType, K> key) {
    return Stream.of(values()).filter(t -> key.apply(t) != null).collect(Collectors.toUnmodifiableMap(key, t -> t));
  }

  /** PyTorch's name without its {@code torch.}, {@code float32} say. */
  public String label() {
    return label;
  }

  /** The number in TorchScript's code, {@code dtype=6} say. */
  public int c10() {
    return c10;
  }

  /** The number in the JSON of a {@code .pt2} archive, or -1 where it has none. */
  public int exported() {
    return exported;
  }

  /** The bytes of one element. */
  public int byteSize() {
    return byteSize;
  }

  /** The type of the same elements here, if there is one. */
  public Optional<DataType> dtype() {
    return Optional.ofNullable(dtype);
  }

  /** True for the types of quantized tensors, whose elements are integers to be scaled. */
  public boolean isQuantized() {
    return this == QINT8 || this == QUINT8 || this == QINT32 || this == QUINT4X2 || this == QUINT2X4;
  }

  /** The type with this {@link #c10()} number. */
  public static Optional<ScalarType> ofC10(long number) {
    return number < 0 || number > Integer.MAX_VALUE ? Optional.empty() : Optional.ofNullable(BY_C10.get((int) number));
  }

  /** The type with this {@link #exported()} number. */
  public static Optional<ScalarType> ofExported(long number) {
    return number < 0 || number > Integer.MAX_VALUE ? Optional.empty() : Optional.ofNullable(BY_EXPORTED.get((int) number));
  }

  /** The type with this {@link #label()}; a {@code torch.} before it and the other names, {@code float} and {@code long}, will do too. */
  public static Optional<ScalarType> ofLabel(String label) {
    String name = label.startsWith("torch.") ? label.substring("torch.".length()) : label;
    return Optional.ofNullable(BY_LABEL.get(switch (name) {
      case "float" -> "float32";
      case "double" -> "float64";
      case "half" -> "float16";
      case "long" -> "int64";
      case "int" -> "int32";
      case "short" -> "int16";
      case "cfloat" -> "complex64";
      case "cdouble" -> "complex128";
      case "chalf" -> "complex32";
      default -> name;
    }));
  }

  /** The type of the elements of a typed storage, {@code FloatStorage} say. */
  public static Optional<ScalarType> ofStorageClass(String storageClass) {
    return Optional.ofNullable(BY_STORAGE.get(storageClass));
  }

  /** The type with these elements that is not a quantized one. */
  public static Optional<ScalarType> of(DataType dtype) {
    return Stream.of(values()).filter(t -> t.dtype == dtype && !t.isQuantized()).findFirst();
  }

  @Override
  public String toString() {
    return label;
  }
}
