package dev.tenon.tf.emit;

import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.tf.ElementTypes;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.Emitter;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.ParameterRole;
import dev.tenon.tf.Tf;
import java.util.List;
import java.util.Set;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** Arithmetic and mathematical functions of corresponding elements, with broadcasting. */
final class Elementwise {
  private static final Set<String> FUSED_BY_CONSTANTS = Set.of("HardSwish", "Gelu");

  private Elementwise() {}

  static void register(EmitterRegistry ops) {
    ops.op("Add", 1, Elementwise::add);
    ops.op("Sub", 1, binary("Sub"));
    ops.op("Mul", 1, Elementwise::mul);
    ops.op("Div", 1, Elementwise::div);
    ops.op("Pow", 1, Elementwise::pow);
    ops.op("Mod", 10, Elementwise::mod);
    ops.op("Min", 1, variadic("Minimum"));
    ops.op("Max", 1, variadic("Maximum"));
    ops.op("Sum", 1, c -> c.bind(0, sum(c)));
    ops.op("Mean", 1, Elementwise::mean);
    ops.op("Relu", 1, unary("Relu", Kernels.NUMBERS));
    ops.op("Neg", 1, unary("Neg", Kernels.SIGNED));
    ops.op("Abs", 1, Elementwise::abs);
    ops.op("Sign", 9, Elementwise::sign);
    for (String same : List.of("Reciprocal", "Sqrt", "Exp", "Log", "Ceil", "Floor", "Round", "Erf", "Sin", "Cos", "Tan", "Asin",
        "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh")) {
      ops.op(same, 1, unary(same, Kernels.FLOATS));
    }
  }

  /** An operator that TensorFlow has too, with kernels for these types. */
  private static Emitter unary(String tensorflowOp, Set<DataType> kernels) {
    return c -> c.bind(0, Kernels.call(c.tf(), kernels, tensorflowOp, c.in(0)));
  }

  private static Emitter binary(String tensorflowOp) {
    return c -> c.bind(0, c.tf().call(tensorflowOp, Broadcasting.operands(c)));
  }

  private static void add(EmitContext c) {
    for (int bias = 0; bias < 2; bias++) {
      if (isLinearBias(c, bias, 1 - bias)) {
        c.bind(0, c.tf().call("BiasAdd", c.in(1 - bias), c.parameter(bias, ParameterRole.BIAS)));
        return;
      }
    }
    binary("AddV2").emit(c);
  }

  /** The bias of a linear layer: a vector that is added to the columns of a matrix product. */
  private static boolean isLinearBias(EmitContext c, int bias, int product) {
    Tensor b = c.constant(bias);
    Value x = c.node().input(product);
    return b != null && b.rank() == 1 && b.dtype().isFloat() && c.opset() >= 7 && x.isProducedBy("MatMul") && x.rank() >= 2
        && x.shape().dim(-1).is(b.dim(0));
  }

  private static void mul(EmitContext c) {
    for (int i = 0; i < 2; i++) {
      Output<?> scaled = scaledActivation(c, 1 - i, i, 1);
      if (scaled != null) {
        c.bind(0, scaled);
        return;
      }
    }
    binary("Mul").emit(c);
  }

  /**
   * A scalar near one times a HardSwish or GELU: {@code x + (scale - 1) x}. Grappler would multiply the scale into the function's own
   * constant, and take what comes out for the function itself, as it compares constants with a tolerance of 0.01: the scale would be lost.
   *
   * @return null if that cannot happen
   */
  private static Output<?> scaledActivation(EmitContext c, int activation, int scale, int power) {
    Tensor t = c.constant(scale);
    Node f = c.node().input(activation).producer();
    boolean exposed = t != null && t.numel() == 1 && t.dtype().isFloat() && t.rank() <= Math.max(0, c.rank(activation)) && f != null
        && FUSED_BY_CONSTANTS.contains(f.opType()) && c.in(scale).op().type().equals("Const");
    double k = exposed ? Math.pow(t.item(), power) : 0;
    if (!exposed || Math.abs(k - 1) > 0.1) {
      return null;
    }
    Output<?> x = c.in(activation);
    return c.tf().add(x, c.tf().mul(x, c.tf().scalarLike(x, k - 1)));
  }

  /** Integers are divided towards zero, as in C. */
  private static void div(EmitContext c) {
    Output<?> scaled = scaledActivation(c, 0, 1, -1);
    if (scaled != null) {
      c.bind(0, scaled);
      return;
    }
    Output<?>[] ab = Broadcasting.operands(c);
    boolean real = Kernels.isFloat(ab[0].dataType());
    c.bind(0, c.tf().call(real ? "RealDiv" : "TruncateDiv", ab));
  }

  /**
   * The exponent may have another type than the base, whose type the result has. Integer bases are raised in float64 as ONNX
   * Runtime does, since TensorFlow's integer kernel refuses negative exponents; the kernel is used where none can occur.
   */
  private static void pow(EmitContext c) {
    Tf tf = c.tf();
    Output<?>[] ab = Broadcasting.operands(c);
    DataType type = ab[0].dataType();
    Tensor exponent = c.constant(1);
    if (Kernels.isFloat(type)) {
      Output<?> simple = exponent != null && exponent.numel() == 1 && exponent.rank() <= Math.max(0, c.rank(0))
          ? simplePower(tf, ab[0], exponent.item()) : null;
      c.bind(0, simple != null ? simple : tf.call("Pow", ab[0], tf.cast(ab[1], type)));
      return;
    }
    boolean natural = exponent != null && exponent.dtype().isInteger() && java.util.Arrays.stream(exponent.toLongs()).allMatch(e -> e >= 0);
    DataType inner = natural ? DataType.DT_INT64 : DataType.DT_DOUBLE;
    c.bind(0, tf.cast(tf.call("Pow", tf.cast(ab[0], inner), tf.cast(ab[1], inner)), type));
  }

  private static Output<?> simplePower(Tf tf, Output<?> x, double exponent) {
    if (exponent == 2) {
      return tf.call("Square", x);
    } else if (exponent == 3) {
      return tf.mul(x, tf.call("Square", x));
    } else if (exponent == 0.5) {
      return tf.call("Sqrt", x);
    } else if (exponent == -0.5) {
      return tf.call("Rsqrt", x);
    } else if (exponent == -1) {
      return tf.call("Reciprocal", x);
    }
    return exponent == 1 ? x : null;
  }

  /** The sign of the divisor (as Python's %), or with {@code fmod} of the dividend (as C's fmod). */
  private static void mod(EmitContext c) {
    boolean fmod = c.node().intAttr("fmod", 0) != 0;
    Output<?>[] ab = Broadcasting.operands(c);
    boolean same = !fmod || Kernels.isUnsigned(ab[0].dataType());
    c.bind(0, Kernels.call(c.tf(), same ? Kernels.NUMBERS : Kernels.WIDE, same ? "FloorMod" : "TruncateMod", ab));
  }

  private static void abs(EmitContext c) {
    boolean unsigned = Kernels.isUnsigned(c.in(0).dataType());
    c.bind(0, unsigned ? c.in(0) : c.tf().call("Abs", c.in(0)));
  }

  private static void sign(EmitContext c) {
    Output<?> x = c.in(0);
    boolean unsigned = Kernels.isUnsigned(x.dataType());
    c.bind(0, unsigned ? c.tf().call("Minimum", x, c.tf().scalarLike(x, 1)) : c.tf().call("Sign", x));
  }

  private static Emitter variadic(String tensorflowOp) {
    return c -> {
      Output<?> y = c.in(0);
      for (int i = 1; i < c.inputCount(); i++) {
        y = c.tf().call(tensorflowOp, y, c.in(i));
      }
      c.bind(0, y);
    };
  }

  private static Output<?> sum(EmitContext c) {
    List<Output<?>> all = c.ins();
    if (all.size() > 2 && sameShapes(c)) {
      return c.tf().op("AddN").inList(all).out();
    }
    Output<?> y = all.get(0);
    for (Output<?> x : all.subList(1, all.size())) {
      y = c.tf().add(y, x);
    }
    return y;
  }

  private static boolean sameShapes(EmitContext c) {
    Shape first = c.shape(0);
    return first.hasRank() && c.node().inputs().stream().allMatch(v -> v.shape().equals(first));
  }

  private static void mean(EmitContext c) {
    Output<?> y = sum(c);
    c.bind(0, c.inputCount() == 1 ? y : c.tf().call("RealDiv", y, c.tf().scalarLike(y, c.inputCount())));
  }

  /** The TensorFlow type of output i. */
  static DataType outputType(EmitContext c, int i) {
    return ElementTypes.toTensorFlow(c.outputDtype(i));
  }
}
