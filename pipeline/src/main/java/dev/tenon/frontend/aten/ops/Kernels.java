package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.Onnx;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Value;
import java.util.Arrays;
import java.util.Set;

/**
 * Element types that an operator of ONNX does not take, or that ONNX Runtime has no kernel for on the CPU, where PyTorch computes in
 * them all the same: such a node computes in a wider type, and its result is cast back. Integers wrap around on the way back, as they
 * do in PyTorch. Types without a substitute that holds all their values, float64 above all, are left as they are.
 */
final class Kernels {
  private static final Set<DataType> SMALL = Set.of(DataType.INT8, DataType.UINT8, DataType.INT16, DataType.UINT16);
  private static final Set<String> NO_SMALL_INTEGERS = Set.of("Pow", "ReduceSum", "ReduceProd", "ReduceMean", "CumSum", "Trilu", "Where",
      "MatMul", "Einsum", "OneHot", "ReduceL1", "ReduceL2", "ReduceSumSquare");
  private static final Set<String> NO_INT16 = Set.of("Max", "Min", "ReduceMax", "ReduceMin", "ArgMax", "ArgMin", "Pad", "Clip");
  private static final Set<String> NO_BOOL = Set.of("Where", "ArgMax", "ArgMin", "CumSum", "TopK", "Max", "Min", "Less", "Greater",
      "LessOrEqual", "GreaterOrEqual", "ReduceSum", "ReduceProd", "OneHot", "MatMul", "Mul", "Add", "ScatterReduce");
  private static final Set<String> NO_BFLOAT16 = Set.of("Round", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh",
      "Atanh", "TopK", "Unique", "Einsum", "Compress", "OneHot", "Range", "Det", "AveragePool", "Conv", "ConvTranspose", "DeformConv", "Elu",
      "GRU", "GlobalAveragePool", "GlobalMaxPool", "GridSample", "HardSigmoid", "HardSwish", "InstanceNormalization", "LSTM", "MaxPool",
      "MaxRoiPool", "Mish", "RNN", "RoiAlign", "Selu", "Shrink", "Softplus");

  private Kernels() {}

  /** The type in which an operator computes for elements of this type. */
  static DataType typeFor(String opType, DataType t) {
    if (opType.equals("Unique") && (t == DataType.BOOL || t == DataType.INT32 || SMALL.contains(t) && t != DataType.INT8)) {
      return DataType.INT64;
    } else if (t == DataType.BOOL && NO_BOOL.contains(opType)) {
      return opType.equals("Where") ? DataType.UINT8 : DataType.INT32;
    } else if (SMALL.contains(t) && NO_SMALL_INTEGERS.contains(opType) && !(opType.equals("Where") && t == DataType.UINT8)
        || t == DataType.INT16 && NO_INT16.contains(opType) || t == DataType.UINT8 && opType.equals("Neg")) {
      return DataType.INT32;
    } else if (t == DataType.BFLOAT16 && NO_BFLOAT16.contains(opType) || t == DataType.FLOAT16 && opType.equals("ScatterReduce")) {
      return DataType.FLOAT;
    }
    return t;
  }

  /** An operator whose inputs and output are of one type; null for an optional input that is left out. */
  static Value op(Onnx o, String opType, Value... inputs) {
    DataType t = inputs[0].dtype();
    DataType wide = typeFor(opType, t);
    return o.cast(o.op(opType, Arrays.stream(inputs).map(v -> v == null ? null : o.cast(v, wide)).toArray(Value[]::new)), t);
  }

  /** An operator whose first input and output are of one type; the second input is as given. */
  static Value op1(Onnx o, String opType, Value x, Value second) {
    return o.cast(o.op(opType, o.cast(x, typeFor(opType, x.dtype())), second), x.dtype());
  }

  /** {@code a} where the condition holds, {@code b} elsewhere: both of the same type. */
  static Value where(Onnx o, Value condition, Value a, Value b) {
    DataType wide = typeFor("Where", a.dtype());
    return o.cast(o.where(condition, o.cast(a, wide), o.cast(b, wide)), a.dtype());
  }

  /** A reduction, {@code ReduceMax} say, over these axes; over all if there are none. */
  static Value reduce(Onnx o, String opType, Value x, boolean keepDims, long... axes) {
    DataType wide = typeFor(opType, x.dtype());
    return o.cast(o.reduce(opType, o.cast(x, wide), keepDims, axes), x.dtype());
  }
}
