package dev.tenon.tf.emit;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.ir.SparseTensor;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.ElementTypes;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.Tf;
import java.util.List;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/** Constants and tensors made from shapes: Constant, ConstantOfShape, Shape, Size, Range, EyeLike, Trilu; and Identity. */
final class Creation {
  private Creation() {}

  static void register(EmitterRegistry ops) {
    ops.op("Constant", 1, Creation::constant);
    ops.op("ConstantOfShape", 9, Creation::constantOfShape);
    ops.op("Identity", 1, c -> c.bind(0, c.in(0)));
    ops.op("Shape", 1, Creation::shape);
    ops.op("Size", 1, Creation::size);
    ops.op("Range", 11, Creation::range);
    ops.op("EyeLike", 9, Creation::eyeLike);
    ops.op("Trilu", 14, Creation::trilu);
  }

  private static void constant(EmitContext c) {
    Tensor t = tensor(c.node());
    if (t == null) {
      c.unsupported("its attributes are " + c.node().attributes().stream().map(a -> a.name()).toList()
          + ", expected one of value, value_float(s), value_int(s), value_string(s), sparse_value", "");
      return;
    }
    c.bind(0, c.tf().constant(t));
  }

  /** The elements that a Constant node stands for; null if no attribute says. */
  static Tensor tensor(Node n) {
    if (n.hasAttr("value")) {
      return n.tensorAttr("value");
    } else if (n.hasAttr("value_float")) {
      return Tensor.scalar(n.floatAttr("value_float", 0));
    } else if (n.hasAttr("value_floats")) {
      float[] v = n.floatsAttr("value_floats", null);
      return Tensor.of(v, v.length);
    } else if (n.hasAttr("value_int")) {
      return Tensor.scalar(n.intAttr("value_int", 0));
    } else if (n.hasAttr("value_ints")) {
      return Tensor.vector(n.intsAttr("value_ints", null));
    } else if (n.hasAttr("value_string")) {
      return Tensor.ofStrings(List.of(n.stringAttr("value_string", "")));
    } else if (n.hasAttr("value_strings")) {
      List<String> v = n.stringsAttr("value_strings", null);
      return Tensor.ofStrings(v, v.size());
    } else if (n.hasAttr("sparse_value")) {
      return dense(n.attribute("sparse_value").as(SparseTensor.class));
    }
    return null;
  }

  /** Indices are flat positions, or a row of coordinates for each element. */
  private static Tensor dense(SparseTensor s) {
    long[] dims = s.dims();
    int n = 1;
    for (long d : dims) {
      n = Math.toIntExact(Math.multiplyExact((long) n, d));
    }
    double[] all = new double[n];
    double[] values = s.values().toDoubles();
    long[] indices = s.indices().toLongs();
    for (int i = 0; i < values.length; i++) {
      long at = 0;
      if (s.indices().rank() == 1) {
        at = indices[i];
      } else {
        for (int a = 0; a < dims.length; a++) {
          at = at * dims[a] + indices[i * dims.length + a];
        }
      }
      all[Math.toIntExact(at)] = values[i];
    }
    return Tensor.of(all, dims).cast(s.values().dtype()).evaluated();
  }

  private static void constantOfShape(EmitContext c) {
    Tf tf = c.tf();
    Tensor value = c.node().tensorAttr("value");
    Tensor scalar = value == null ? Tensor.scalar(0f) : value.reshape();
    Shape out = c.outputShape(0);
    Output<?> dims = out.isStatic() ? tf.constShape(out.toLongs()) : c.in(0);
    c.bind(0, tf.call("Fill", dims, tf.constant(scalar)));
  }

  private static void shape(EmitContext c) {
    Tf tf = c.tf();
    Shape s = c.shape(0);
    long start = c.node().intAttr("start", 0);
    long end = c.node().intAttr("end", Long.MAX_VALUE);
    if (s.hasRank()) {
      int from = clamped(start, s.rank());
      int to = Math.max(from, clamped(end, s.rank()));
      List<Dim> part = s.subList(from, to);
      if (part.stream().allMatch(Dim::isConstant)) {
        c.bind(0, tf.constLongs(part.stream().mapToLong(Dim::constant).toArray()));
        return;
      }
    }
    Output<?> all = tf.shape64(c.in(0));
    if (start == 0 && end == Long.MAX_VALUE) {
      c.bind(0, all);
      return;
    }
    int last = (int) Math.max(-Integer.MAX_VALUE, Math.min(Integer.MAX_VALUE, end));
    c.bind(0, tf.op("StridedSlice").in(all, tf.constInts((int) start), tf.constInts(last), tf.constInts(1)).out());
  }

  private static int clamped(long i, int rank) {
    return (int) Math.max(0, Math.min(rank, i < 0 ? i + rank : i));
  }

  private static void size(EmitContext c) {
    if (c.shape(0).isStatic()) {
      c.bind(0, c.tf().constLong(c.shape(0).numel().constant()));
    } else {
      c.bind(0, c.tf().op("Size").in(c.in(0)).attr("out_type", DataType.DT_INT64).out());
    }
  }

  private static void range(EmitContext c) {
    Tf tf = c.tf();
    DataType type = c.in(0).dataType();
    DataType inner = type == DataType.DT_INT16 ? DataType.DT_INT32 : type;
    Output<?>[] in = new Output<?>[3];
    for (int i = 0; i < 3; i++) {
      Output<?> x = c.rank(i) == 0 ? c.in(i) : tf.reshape(c.in(i), new long[0]);
      in[i] = tf.cast(x, inner);
    }
    c.bind(0, tf.cast(tf.call("Range", in), type));
  }

  private static void eyeLike(EmitContext c) {
    Tf tf = c.tf();
    int k = (int) c.node().intAttr("k", 0);
    DataType type = c.node().hasAttr("dtype") ? Elementwise.outputType(c, 0) : ElementTypes.toTensorFlow(c.dtype(0));
    Output<?> diagonal = tf.call("Equal", tf.expandDims(positions(c, -2, k), 1), positions(c, -1, 0));
    c.bind(0, tf.cast(diagonal, type));
  }

  /** 0, 1, … along an axis of input 0, all plus {@code offset}. */
  private static Output<?> positions(EmitContext c, int axis, int offset) {
    Tf tf = c.tf();
    Shape s = c.shape(0);
    Output<?> n = s.hasRank() && s.dim(axis).isConstant() ? tf.constInt((int) s.dim(axis).constant() + offset)
        : tf.add(Slicing.element(tf, tf.shape(c.in(0)), axis + c.rank(0)), tf.constInt(offset));
    return tf.call("Range", tf.constInt(offset), n, tf.constInt(1));
  }

  /** The band that touches the main diagonal is TensorFlow's MatrixBandPart; another one is a mask. */
  private static void trilu(EmitContext c) {
    Tf tf = c.tf();
    boolean upper = c.node().intAttr("upper", 1) != 0;
    long[] known = c.has(1) ? c.constantLongs(1) : new long[] {0};
    Output<?> x = c.in(0);
    if (known != null && (upper ? known[0] <= 0 : known[0] >= 0)) {
      // The kernel refuses a band wider than the matrix.
      Dim most = c.rank(0) >= 2 ? c.shape(0).dim(upper ? -2 : -1) : Dim.unknown();
      long width = most.isConstant() ? Math.min(Math.abs(known[0]), most.constant()) : Math.abs(known[0]);
      if (width == 0 || most.isConstant()) {
        c.bind(0, tf.call("MatrixBandPart", x, tf.constLong(upper ? width : -1), tf.constLong(upper ? -1 : width)));
        return;
      }
    }
    Output<?> k = known != null ? tf.constInt((int) known[0]) : tf.cast(tf.reshape(c.in(1), new long[0]), DataType.DT_INT32);
    Output<?> distance = tf.sub(positions(c, -1, 0), tf.expandDims(positions(c, -2, 0), 1));
    Output<?> mask = tf.call(upper ? "GreaterEqual" : "LessEqual", distance, k);
    Output<?> zero = x.dataType() == DataType.DT_BOOL ? tf.constant(Tensor.scalar(dev.tenon.ir.DataType.BOOL, 0)) : tf.scalarLike(x, 0);
    c.bind(0, tf.select(mask, x, zero));
  }
}
