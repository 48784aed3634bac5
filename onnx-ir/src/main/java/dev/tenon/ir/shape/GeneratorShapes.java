package dev.tenon.ir.shape;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import dev.tenon.ir.SparseTensor;
import dev.tenon.ir.Tensor;
import java.util.Arrays;
import java.util.List;

/** Operators that make tensors from attributes and sizes: constants, ranges, random numbers. */
final class GeneratorShapes {
  private GeneratorShapes() {}

  static void register(Registry r) {
    r.op("Constant", 1, GeneratorShapes::constant);
    r.op("ConstantOfShape", 1, GeneratorShapes::constantOfShape);
    r.op("ConstantFill", 1, GeneratorShapes::constantFill);
    r.op("Range", 1, GeneratorShapes::range);
    r.op("EyeLike", 1, c -> c.output(0, c.dtypeAttr("dtype", c.dtype(0)), c.shape(0)));
    r.op("Bernoulli", 1, c -> c.output(0, c.dtypeAttr("dtype", c.dtype(0)), c.shape(0)));
    r.ops(c -> c.output(0, c.dtypeAttr("dtype", DataType.FLOAT), Shape.of(c.intsAttr("shape", new long[0]))), "RandomNormal",
        "RandomUniform");
    r.ops(c -> c.output(0, c.dtypeAttr("dtype", c.dtype(0)), c.shape(0)), "RandomNormalLike", "RandomUniformLike");
    r.op("Multinomial", 1, c -> c.output(0, c.dtypeAttr("dtype", DataType.INT32),
        Shape.of(c.shapeOfRank(0, 2).dim(0), Dim.of(c.intAttr("sample_size", 1)))));
  }

  private static void constant(NodeContext c) {
    Attribute a = c.node().attributes().stream().map(x -> c.attr(x.name())).filter(x -> x != null && x.name().startsWith("value")
        || x != null && x.value() instanceof SparseTensor || x != null && x.value() instanceof Tensor).findFirst().orElse(null);
    if (a == null) {
      return;
    }
    switch (a.kind()) {
      case TENSOR -> tensor(c, (Tensor) a.value());
      case FLOAT -> c.output(0, DataType.FLOAT, Shape.SCALAR);
      case INT -> c.output(0, DataType.INT64, Shape.SCALAR);
      case STRING -> c.output(0, DataType.STRING, Shape.SCALAR);
      case FLOATS -> c.output(0, DataType.FLOAT, Shape.of(((float[]) a.value()).length));
      case INTS -> c.output(0, DataType.INT64, Shape.of(((long[]) a.value()).length));
      case STRINGS -> c.output(0, DataType.STRING, Shape.of(((List<?>) a.value()).size()));
      default -> c.output(0, DataType.UNDEFINED, Shape.unknown());
    }
    if (a.value() instanceof Long v) {
      c.outputData(0, Data.scalar(Datum.of(v)));
    } else if (a.value() instanceof Float v) {
      c.outputData(0, Data.scalar(Datum.ofFloat(v)));
    } else if (a.value() instanceof long[] v && v.length <= Data.MAX_ELEMENTS) {
      c.outputData(0, Data.vector(Arrays.stream(v).mapToObj(Dim::of).toList()));
    }
  }

  private static void tensor(NodeContext c, Tensor t) {
    c.output(0, t.type());
    c.outputData(0, Data.of(t));
  }

  private static void constantOfShape(NodeContext c) {
    Tensor value = c.tensorAttr("value");
    DataType dtype = value == null ? DataType.FLOAT : value.dtype();
    List<Dim> dims = c.dims(0);
    if (dims == null) {
      long rank = c.length(0);
      c.output(0, dtype, rank < 0 || rank > Data.MAX_ELEMENTS ? Shape.unknown() : Shape.unknownOfRank((int) rank));
      return;
    }
    Shape shape = Shape.of(dims);
    c.output(0, dtype, shape);
    Data one = value == null ? Data.scalar(Datum.of(0)) : Data.of(value);
    if (shape.isStatic() && one != null && one.elements().length == 1) {
      c.outputData(0, Data.filled(shape.toLongs(), one.elements()[0]));
    }
  }

  /** An experimental operator of the first opsets. */
  private static void constantFill(NodeContext c) {
    long[] shape = c.intsAttr("shape", null);
    c.output(0, c.dtypeAttr("dtype", DataType.FLOAT), shape == null ? Shape.unknown() : Shape.of(shape));
  }

  // ---- Range ----

  private static void range(NodeContext c) {
    Data start = c.dataOrUnknowns(0);
    Data limit = c.dataOrUnknowns(1);
    Data delta = c.dataOrUnknowns(2);
    Dim count = null;
    if (isScalar(start) && isScalar(limit) && isScalar(delta)) {
      count = count(c, start.elements()[0], limit.elements()[0], delta.elements()[0]);
    }
    if (count == null) {
      count = countOfConstants(c.doubles(0), c.doubles(1), c.doubles(2), c.dtype(0));
    }
    c.output(0, c.dtype(0) == DataType.UNDEFINED ? c.dtype(1) : c.dtype(0), Shape.of(count == null ? Dim.unknown() : count));
    boolean small = count != null && count.isConstant() && count.constant() <= Data.MAX_ELEMENTS;
    if (small && isScalar(start) && isScalar(delta) && !c.dtype(0).isFloat()) {
      Datum[] out = new Datum[(int) count.constant()];
      for (int i = 0; i < out.length; i++) {
        out[i] = start.elements()[0].plus(Datum.of(i).times(delta.elements()[0]));
      }
      c.outputData(0, new Data(new long[] {out.length}, out));
    }
  }

  private static boolean isScalar(Data d) {
    return d != null && d.elements().length == 1 && d.elements()[0] != null;
  }

  private static Dim count(NodeContext c, Datum start, Datum limit, Datum delta) {
    if (!start.isInteger() || !limit.isInteger() || !delta.isConstantInteger()) {
      return null;
    }
    long step = delta.numerator().constant();
    if (step == 0) {
      throw c.invalid("delta 0");
    }
    Dim length = limit.minus(start).numerator();
    Dim count = step > 0 ? length.ceilDiv(step) : length.times(-1).ceilDiv(-step);
    return c.isNonNegative(length) && step > 0 ? count : count.positivePart();
  }

  private static Dim countOfConstants(double[] start, double[] limit, double[] delta, DataType dtype) {
    if (start == null || limit == null || delta == null || start.length != 1 || limit.length != 1 || delta.length != 1 || delta[0] == 0) {
      return null;
    }
    // The standard's formula, in the precision of ONNX Runtime, which computes it in double.
    return dtype.isFloat() ? Dim.of((long) Math.max(0, Math.ceil((limit[0] - start[0]) / delta[0]))) : null;
  }
}
