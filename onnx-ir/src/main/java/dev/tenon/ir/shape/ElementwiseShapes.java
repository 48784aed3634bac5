package dev.tenon.ir.shape;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import java.util.Arrays;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;

/** Operators that work element by element: arithmetic, comparisons, logic, casts, activations. */
final class ElementwiseShapes {
  private ElementwiseShapes() {}

  static void register(Registry r) {
    r.ops(ElementwiseShapes::unary, "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "BitwiseNot", "Celu", "Cos", "Cosh", "CumProd",
        "CumSum", "Elu", "Erf", "Exp", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Log", "Mish", "Reciprocal", "Selu",
        "Shrink", "Sigmoid", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt", "SwiGLU", "Swish", "Tan", "Tanh", "ThresholdedRelu",
        "Trilu", "PRelu", "Affine", "ImageScaler", "ParametricSoftplus", "Scale", "ScaledTanh");
    unary(r, "Abs", Datum::abs);
    unary(r, "Neg", Datum::negate);
    unary(r, "Relu", d -> new Datum(d.numerator().positivePart(), d.denominator()));
    unary(r, "Floor", Datum::floor);
    unary(r, "Ceil", Datum::ceil);
    unary(r, "Round", Datum::round);
    unary(r, "Sign", d -> d.numerator().isAtLeast(1) ? Datum.of(1) : d.numerator().isConstant()
        ? Datum.of(Long.signum(d.numerator().constant())) : null);
    r.op("Identity", 1, ElementwiseShapes::identity);
    r.op("Clip", 1, ElementwiseShapes::clip);
    r.op("Dropout", 1, ElementwiseShapes::dropout);
    r.ops(ElementwiseShapes::predicate, "IsNaN", "IsInf");
    r.op("Not", 1, c -> {
      predicate(c);
      mapData(c, ElementwiseShapes::not);
    });
    arithmetic(r, "Add", (a, b) -> a.plus(b));
    arithmetic(r, "Sub", (a, b) -> a.minus(b));
    arithmetic(r, "Mul", (a, b) -> a.times(b));
    arithmetic(r, "Div", null);
    r.op("Mod", 1, c -> binary(c, c.dtype(0), known((a, b) -> a.modulo(b, c.intAttr("fmod", 0) != 0))));
    arithmetic(r, "Pow", null);
    r.ops(c -> binary(c, c.dtype(0), null), "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor");
    logic(r, "And", (a, b) -> isFalse(a) || isFalse(b) ? Datum.FALSE : isTrue(a) && isTrue(b) ? Datum.TRUE : null);
    logic(r, "Or", (a, b) -> isTrue(a) || isTrue(b) ? Datum.TRUE : isFalse(a) && isFalse(b) ? Datum.FALSE : null);
    logic(r, "Xor", known((a, b) -> a.equal(b) == null ? null : Datum.of(a.equal(b) == Datum.FALSE)));
    logic(r, "Equal", known(Datum::equal));
    logic(r, "Less", known(Datum::less));
    logic(r, "Greater", known((a, b) -> b.less(a)));
    logic(r, "LessOrEqual", known((a, b) -> not(b.less(a))));
    logic(r, "GreaterOrEqual", known((a, b) -> not(a.less(b))));
    variadic(r, "Max", Datum::max);
    variadic(r, "Min", Datum::min);
    variadic(r, "Sum", Datum::plus);
    variadic(r, "Mean", null);
    r.op("Where", 1, ElementwiseShapes::where);
    r.op("Cast", 1, c -> cast(c, c.dtypeAttr("to", DataType.UNDEFINED)));
    r.op("CastLike", 1, c -> cast(c, c.dtype(1)));
    r.op("BitCast", 1, c -> c.output(0, c.dtypeAttr("to", DataType.UNDEFINED), c.shape(0)));
  }

  private static void unary(Registry r, String op, UnaryOperator<Datum> f) {
    r.op(op, 1, c -> {
      unary(c);
      mapData(c, f);
    });
  }

  private static void arithmetic(Registry r, String op, BinaryOperator<Datum> f) {
    r.op(op, 1, c -> oldBinary(c, c.dtype(0), f == null ? null : known(f)));
    r.op(op, 7, c -> binary(c, c.dtype(0).equals(DataType.UNDEFINED) && !op.equals("Pow") ? c.dtype(1) : c.dtype(0),
        op.equals("Div") ? known(c.dtype(0).isFloat() ? Datum::dividedBy : Datum::integerQuotient) : f == null ? null : known(f)));
  }

  private static void logic(Registry r, String op, BinaryOperator<Datum> f) {
    r.op(op, 1, c -> oldBinary(c, DataType.BOOL, f));
    r.op(op, 7, c -> binary(c, DataType.BOOL, f));
  }

  private static void variadic(Registry r, String op, BinaryOperator<Datum> f) {
    r.op(op, 1, c -> {
      c.output(0, c.dtype(0), c.broadcastInputs());
      Data d = f == null ? null : c.data(0);
      for (int i = 1; i < c.inputCount() && d != null; i++) {
        Data next = c.data(i);
        d = next == null ? null : d.zip(next, known(f));
      }
      c.outputData(0, d);
    });
  }

  /** The function that gives null where one of its arguments is. */
  private static BinaryOperator<Datum> known(BinaryOperator<Datum> f) {
    return (a, b) -> a == null || b == null ? null : f.apply(a, b);
  }

  private static boolean isTrue(Datum d) {
    return d != null && d.isConstantInteger() && !d.numerator().is(0);
  }

  private static boolean isFalse(Datum d) {
    return d != null && d.isConstantInteger() && d.numerator().is(0);
  }

  private static Datum not(Datum d) {
    return isTrue(d) ? Datum.FALSE : isFalse(d) ? Datum.TRUE : null;
  }

  /** One result of the type and shape of the first input. */
  static void unary(NodeContext c) {
    c.output(0, c.dtype(0), c.shape(0));
  }

  private static void mapData(NodeContext c, UnaryOperator<Datum> f) {
    Data d = c.data(0);
    if (d != null) {
      c.outputData(0, d.map(f));
    }
  }

  private static void predicate(NodeContext c) {
    c.output(0, DataType.BOOL, c.shape(0));
  }

  private static void identity(NodeContext c) {
    c.output(0, c.type(0));
    c.outputData(0, c.dataOrUnknowns(0));
    SequenceShapes.copyElements(c, 0, 0);
  }

  private static void clip(NodeContext c) {
    unary(c);
    Data d = c.data(0);
    if (d == null || c.opset() < 11) {
      return;
    }
    for (int bound = 1; bound <= 2 && d != null; bound++) {
      if (c.has(bound)) {
        Data b = c.data(bound);
        BinaryOperator<Datum> f = bound == 1 ? Datum::max : Datum::min;
        d = b == null ? null : d.zip(b, known(f));
      }
    }
    c.outputData(0, d);
  }

  private static void dropout(NodeContext c) {
    unary(c);
    c.output(1, c.opset() >= 10 ? DataType.BOOL : c.dtype(0), c.shape(0));
  }

  /** Before opset 7 the second input was broadcast only on request, and the result had the shape of the first. */
  private static void oldBinary(NodeContext c, DataType dtype, BinaryOperator<Datum> f) {
    c.output(0, dtype, c.shape(0));
  }

  private static void binary(NodeContext c, DataType dtype, BinaryOperator<Datum> f) {
    c.output(0, dtype, c.broadcast(c.shape(0), c.shape(1)));
    Data a = c.data(0);
    Data b = c.data(1);
    if (f != null && (a != null || b != null)) {
      a = a == null ? c.dataOrUnknowns(0) : a;
      b = b == null ? c.dataOrUnknowns(1) : b;
      c.outputData(0, a == null || b == null ? null : a.zip(b, f));
    }
  }

  private static void where(NodeContext c) {
    c.output(0, c.dtype(1) == DataType.UNDEFINED ? c.dtype(2) : c.dtype(1), c.broadcastInputs());
    Data condition = c.data(0);
    Data yes = c.dataOrUnknowns(1);
    Data no = c.dataOrUnknowns(2);
    if (condition == null || yes == null || no == null) {
      return;
    }
    Data shape = condition.zip(yes, (a, b) -> null);
    shape = shape == null ? null : shape.zip(no, (a, b) -> null);
    if (shape == null) {
      return;
    }
    Datum[] out = new Datum[shape.elements().length];
    for (int i = 0; i < out.length; i++) {
      Datum t = at(condition, shape, i);
      Datum y = at(yes, shape, i);
      Datum n = at(no, shape, i);
      out[i] = isTrue(t) || y != null && y.equals(n) ? y : isFalse(t) ? n : null;
    }
    c.outputData(0, new Data(shape.dims(), orUnknown(c, out)));
  }

  /** Integer elements that are not known become unknown integers, so that they can be followed further. */
  private static Datum[] orUnknown(NodeContext c, Datum[] elements) {
    boolean integer = c.dtype(1).isInteger() || c.dtype(2).isInteger();
    return integer ? Arrays.stream(elements).map(d -> d == null ? Datum.of(Dim.unknownInteger()) : d).toArray(Datum[]::new) : elements;
  }

  private static Datum at(Data d, Data result, int i) {
    return d.elements()[Data.broadcastIndex(i, result.dims(), d.dims())];
  }

  private static void cast(NodeContext c, DataType to) {
    c.output(0, to, c.shape(0));
    DataType from = c.dtype(0);
    Data d = c.data(0);
    if (d == null && (to == DataType.INT64 || to == DataType.INT32)) {
      d = c.dataOrUnknowns(0);
    }
    c.outputData(0, d == null || from == DataType.UNDEFINED || !Data.isFollowed(to) ? null : d.map(x -> converted(to, x)));
  }

  /** The element cast to another type; null where it might be rounded, wrapped or saturated. */
  private static Datum converted(DataType to, Datum d) {
    if (to == DataType.BOOL) {
      Datum zero = d.equal(Datum.FALSE);
      return zero == null ? null : not(zero);
    }
    if (to == DataType.INT64 || to == DataType.INT32) {
      return d.truncate();
    }
    if (to == DataType.FLOAT || to == DataType.DOUBLE) {
      return d;
    }
    return null;
  }
}
