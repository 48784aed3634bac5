package dev.tenon.frontend.exported;

import dev.tenon.ir.DataType;

/** The numbers of {@code torch.dtype} in exported programs; they are not the numbers of TorchScript. */
final class ScalarTypes {
  private ScalarTypes() {}

  /** The type with this number; {@link DataType#UNDEFINED} for those that the IR has not (complex32) or that nobody knows. */
  static DataType of(int number) {
    return switch (number) {
      case 1 -> DataType.UINT8;
      case 2 -> DataType.INT8;
      case 3 -> DataType.INT16;
      case 4 -> DataType.INT32;
      case 5 -> DataType.INT64;
      case 6 -> DataType.FLOAT16;
      case 7 -> DataType.FLOAT;
      case 8 -> DataType.DOUBLE;
      case 10 -> DataType.COMPLEX64;
      case 11 -> DataType.COMPLEX128;
      case 12 -> DataType.BOOL;
      case 13 -> DataType.BFLOAT16;
      case 28 -> DataType.UINT16;
      case 29 -> DataType.FLOAT8E4M3FN;
      case 30 -> DataType.FLOAT8E5M2;
      case 31 -> DataType.FLOAT8E4M3FNUZ;
      case 32 -> DataType.FLOAT8E5M2FNUZ;
      case 33 -> DataType.FLOAT8E8M0;
      case 34 -> DataType.UINT32;
      case 35 -> DataType.UINT64;
      default -> DataType.UNDEFINED;
    };
  }
}
