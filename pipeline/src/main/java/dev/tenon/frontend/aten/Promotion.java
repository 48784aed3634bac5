package dev.tenon.frontend.aten;

import dev.tenon.ir.DataType;
import java.util.List;

/**
 * The element type that an operator computes in, after
 * <a href="https://pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc">PyTorch's type promotion</a>: tensors with
 * dimensions decide; tensors of rank 0 and then Python numbers count only where they are of a higher category (bool, integer,
 * floating point).
 */
public final class Promotion {
  private Promotion() {}

  /** The common type of tensors and numbers; other values count for nothing. */
  public static DataType of(List<? extends TorchValue> operands) {
    DataType dimensioned = DataType.UNDEFINED;
    DataType zeroDimensional = DataType.UNDEFINED;
    DataType numbers = DataType.UNDEFINED;
    for (TorchValue v : operands) {
      if (v instanceof TorchTensor t) {
        if (t.rank() == 0) {
          zeroDimensional = join(zeroDimensional, t.dtype());
        } else {
          dimensioned = join(dimensioned, t.dtype());
        }
      } else if (v instanceof TorchScalar s) {
        numbers = join(numbers, s.defaultDtype());
      }
    }
    return higher(higher(dimensioned, zeroDimensional), numbers);
  }

  /** The first unless the second is of a higher category. */
  private static DataType higher(DataType first, DataType second) {
    return first == DataType.UNDEFINED ? second : category(second) > category(first) ? second : first;
  }

  private static int category(DataType t) {
    return switch (t) {
      case UNDEFINED -> -1;
      case BOOL -> 0;
      case COMPLEX64, COMPLEX128 -> 3;
      default -> t.isFloat() ? 2 : 1;
    };
  }

  /** The smallest type that holds both, by PyTorch's lattice. */
  public static DataType join(DataType a, DataType b) {
    if (a == b || b == DataType.UNDEFINED) {
      return a;
    } else if (a == DataType.UNDEFINED) {
      return b;
    }
    if (category(a) != category(b)) {
      return category(a) > category(b) ? a : b;
    }
    if (a.isFloat()) {
      boolean halves = a.bits() == 16 && b.bits() == 16;
      return halves ? DataType.FLOAT : a.bits() > b.bits() ? a : b;
    }
    if (a == DataType.UINT8 || b == DataType.UINT8) {
      DataType other = a == DataType.UINT8 ? b : a;
      return other == DataType.INT8 ? DataType.INT16 : other;
    }
    return a.bits() >= b.bits() ? a : b;
  }

  /** The type that functions with fractional results (sqrt, division) compute in: float32 for integers. */
  public static DataType floating(DataType t) {
    return t.isFloat() || category(t) == 3 ? t : DataType.FLOAT;
  }

  /** The type of a sum: int64 for bool and integers. */
  public static DataType ofSum(DataType t) {
    return t.isFloat() ? t : DataType.INT64;
  }
}
