package dev.tenon.tf.emit;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.layout.ChannelsLastOps;
import dev.tenon.ir.layout.TransposedMatMul;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.ParameterRole;
import dev.tenon.tf.Tf;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.tensorflow.Output;

/** Products of matrices and of more general tensors. Weights of linear layers are stored [in, out], as Keras' Dense stores them. */
final class LinearAlgebra {
  private static final Set<org.tensorflow.proto.DataType> PRODUCT = Set.of(org.tensorflow.proto.DataType.DT_FLOAT,
      org.tensorflow.proto.DataType.DT_DOUBLE, org.tensorflow.proto.DataType.DT_HALF, org.tensorflow.proto.DataType.DT_BFLOAT16,
      org.tensorflow.proto.DataType.DT_INT32, org.tensorflow.proto.DataType.DT_INT64);

  private LinearAlgebra() {}

  static void register(EmitterRegistry ops) {
    ops.op("MatMul", 1, LinearAlgebra::matMul);
    TransposedMatMul.names().forEach(name -> ops.op(ChannelsLastOps.DOMAIN, name, 1, LinearAlgebra::transposedMatMul));
    ops.op("Gemm", 1, LinearAlgebra::gemm);
    ops.op("MatMulInteger", 1, LinearAlgebra::matMulInteger);
    ops.op("Einsum", 1, LinearAlgebra::einsum);
    ops.op("Det", 1, LinearAlgebra::determinant);
  }

  // ---- MatMul ----

  private static void matMul(EmitContext c) {
    int rankA = c.rank(0);
    int rankB = c.rank(1);
    if (rankB == 2 && rankA >= 1 && (rankA <= 2 || inner(c) >= 0)) {
      timesMatrix(c, rankA);
      return;
    }
    Tf tf = c.tf();
    org.tensorflow.proto.DataType type = c.in(0).dataType();
    org.tensorflow.proto.DataType inner = Kernels.within(PRODUCT, type);
    Output<?> a = tf.cast(c.in(0), inner);
    Output<?> b = tf.cast(c.parameter(1, ParameterRole.KERNEL), inner);
    c.bind(0, tf.cast(product(tf, a, b, rankA, rankB), type));
  }

  /** A product that transposes operands as it reads them. */
  private static void transposedMatMul(EmitContext c) {
    Tf tf = c.tf();
    String op = c.node().opType();
    org.tensorflow.proto.DataType type = c.in(0).dataType();
    org.tensorflow.proto.DataType inner = Kernels.within(PRODUCT, type);
    c.bind(0, tf.cast(tf.op("BatchMatMulV2").in(tf.cast(c.in(0), inner), tf.cast(c.in(1), inner))
        .attr("adj_x", TransposedMatMul.isTransposed(op, 0)).attr("adj_y", TransposedMatMul.isTransposed(op, 1)).out(), type));
  }

  /** NumPy's matmul; ranks may be unknown (-1) where both are at least 2. */
  static Output<?> product(Tf tf, Output<?> a, Output<?> b, int rankA, int rankB) {
    Output<?> left = rankA == 1 ? tf.expandDims(a, 0) : a;
    Output<?> right = rankB == 1 ? tf.expandDims(b, -1) : b;
    Output<?> y = rankA >= 1 && rankA <= 2 && rankB >= 1 && rankB <= 2 ? tf.call("MatMul", left, right)
        : tf.call("BatchMatMulV2", left, right);
    if (rankA == 1 && rankB == 1) {
      return tf.squeeze(y, -2, -1);
    }
    return rankA == 1 ? tf.squeeze(y, -2) : rankB == 1 ? tf.squeeze(y, -1) : y;
  }

  /** The length of the sums, if known. */
  private static long inner(EmitContext c) {
    Shape b = c.shape(1);
    return b.dim(0).isConstant() ? b.dim(0).constant() : c.shape(0).dim(-1).orMinusOne();
  }

  /**
   * A tensor times a matrix: all leading dimensions are rows of one product, which is faster than a batch of products with a
   * broadcast matrix.
   */
  private static void timesMatrix(EmitContext c, int rankA) {
    Tf tf = c.tf();
    org.tensorflow.proto.DataType type = c.in(0).dataType();
    org.tensorflow.proto.DataType inner = Kernels.within(PRODUCT, type);
    Output<?> x = tf.cast(c.in(0), inner);
    Output<?> rows = rankA == 1 ? tf.expandDims(x, 0) : rankA == 2 ? x : tf.reshape(x, -1, inner(c));
    Kernel kernel = Kernel.of(c, tf, c.constant(1), false);
    Output<?> y = tf.op("MatMul").in(rows, tf.cast(kernel.matrix, inner)).attr("transpose_b", kernel.transposed).out();
    Node last = biasBehind(c);
    if (last != null && inner == type) {
      Value b = last.input(0) == c.node().output() ? last.input(1) : last.input(0);
      y = tf.call("BiasAdd", y, c.followerParameter(last, b, ParameterRole.BIAS));
    } else {
      last = c.node();
    }
    if (rankA > 2 && inner == type) {
      Rows.bind(c, last, y, z -> restored(c, tf, x, z));
    } else if (last == c.node()) {
      c.bind(0, tf.cast(rankA == 1 ? tf.squeeze(y, 0) : rankA == 2 ? y : restored(c, tf, x, y), type));
    } else {
      c.bindFollower(last, y);
    }
  }

  /** The rows of the product of x and a matrix, with the leading dimensions of x. */
  private static Output<?> restored(EmitContext c, Tf tf, Output<?> x, Output<?> rows) {
    long[] dims = c.shape(0).toLongs();
    dims[dims.length - 1] = c.shape(1).dim(1).orMinusOne();
    return Rows.restored(tf, x, rows, dims);
  }

  /** The Add of a constant vector that alone reads the product; null if there is none. */
  private static Node biasBehind(EmitContext c) {
    Node next = c.follower();
    if (next == null || !next.isOp("Add") || next.inputs().size() != 2 || next.hasAttr("axis")) {
      return null;
    }
    Value other = next.input(0) == c.node().output() ? next.input(1) : next.input(0);
    Tensor b = other == null ? null : other.constant();
    boolean vector = b != null && b.rank() == 1 && c.shape(1).dim(1).is(b.dim(0)) && c.rank(0) >= 2;
    return vector && other != c.node().output() ? next : null;
  }

  /** The right-hand matrix of a product, and whether the product has to transpose it. */
  private record Kernel(Output<?> matrix, boolean transposed) {

    /**
     * A constant is stored [in, out], but for one that is an embedding's table too: the variable is shared and transposed by the
     * product.
     *
     * @param t the constant input 1; null if it is computed
     * @param transposed whether the node asks for input 1 transposed
     */
    static Kernel of(EmitContext c, Tf tf, Tensor t, boolean transposed) {
      if (t == null) {
        return new Kernel(c.in(1), transposed);
      }
      Tensor kernel = transposed ? t.permute(1, 0) : t;
      if (c.isLookedUp(kernel.permute(1, 0))) {
        return new Kernel(c.parameter(1, ParameterRole.EMBEDDINGS, x -> kernel.permute(1, 0)), true);
      }
      return new Kernel(c.parameter(1, ParameterRole.KERNEL, x -> kernel), false);
    }
  }

  // ---- Gemm ----

  private static void gemm(EmitContext c) {
    Tf tf = c.tf();
    boolean transA = c.node().intAttr("transA", 0) == 1;
    boolean transB = c.node().intAttr("transB", 0) == 1;
    float alpha = c.node().floatAttr("alpha", 1);
    float beta = c.node().floatAttr("beta", 1);
    org.tensorflow.proto.DataType type = c.in(0).dataType();
    org.tensorflow.proto.DataType inner = Kernels.within(PRODUCT, type);
    Kernel kernel = Kernel.of(c, tf, c.constant(1), transB);
    Output<?> y = tf.op("MatMul").in(tf.cast(c.in(0), inner), tf.cast(kernel.matrix, inner)).attr("transpose_a", transA)
        .attr("transpose_b", kernel.transposed).out();
    if (alpha != 1) {
      y = tf.mul(y, tf.scalarLike(y, alpha));
    }
    if (c.has(2) && beta != 0) {
      Tensor bias = c.constant(2);
      long columns = c.shape(1).dim(transB ? 0 : 1).orMinusOne();
      boolean vector = bias != null && bias.numel() == columns && bias.rank() >= 1 && bias.dim(-1) == columns;
      Output<?> b = tf.cast(vector ? c.parameter(2, ParameterRole.BIAS, t -> t.reshape(columns)) : c.parameter(2, ParameterRole.BIAS), inner);
      b = beta == 1 ? b : tf.mul(b, tf.scalarLike(b, beta));
      y = vector ? tf.call("BiasAdd", y, b) : tf.add(y, b);
    }
    c.bind(0, tf.cast(y, type));
  }

  // ---- integers ----

  private static void matMulInteger(EmitContext c) {
    Tf tf = c.tf();
    Output<?> a = lessZeroPoint(c, 0, 2, true);
    Output<?> b = lessZeroPoint(c, 1, 3, false);
    c.bind(0, product(tf, a, b, c.rank(0), c.rank(1)));
  }

  /** An integer tensor as int32, its zero point subtracted: one number, or one for each row (of a) or column (of b). */
  private static Output<?> lessZeroPoint(EmitContext c, int input, int zeroPoint, boolean rows) {
    Tf tf = c.tf();
    Output<?> x = tf.cast(c.in(input), org.tensorflow.proto.DataType.DT_INT32);
    if (!c.has(zeroPoint)) {
      return x;
    }
    Output<?> z = tf.cast(c.in(zeroPoint), org.tensorflow.proto.DataType.DT_INT32);
    return tf.sub(x, rows && c.rank(zeroPoint) == 1 && c.rank(input) > 1 && !c.shape(zeroPoint).dim(0).is(1) ? tf.expandDims(z, 1) : z);
  }

  private static void determinant(EmitContext c) {
    Tf tf = c.tf();
    org.tensorflow.proto.DataType type = c.in(0).dataType();
    Output<?> x = c.dtype(0) == DataType.DOUBLE ? c.in(0) : tf.cast(c.in(0), org.tensorflow.proto.DataType.DT_FLOAT);
    c.bind(0, tf.cast(tf.call("MatrixDeterminant", x), type));
  }

  // ---- Einsum ----

  /** TensorFlow's Einsum takes two operands at most: more are multiplied one after the other. */
  private static void einsum(EmitContext c) {
    Tf tf = c.tf();
    String equation = c.node().stringAttr("equation", "").replace(" ", "");
    int arrow = equation.indexOf("->");
    String left = arrow < 0 ? equation : equation.substring(0, arrow);
    String result = arrow < 0 ? implicitResult(left) : equation.substring(arrow + 2);
    List<String> terms = List.of(left.split(",", -1));
    if (terms.size() != c.inputCount()) {
      throw new IllegalArgumentException("equation " + equation + " has " + terms.size() + " terms, the node " + c.inputCount() + " inputs");
    }
    org.tensorflow.proto.DataType type = c.in(0).dataType();
    org.tensorflow.proto.DataType inner = Kernels.within(PRODUCT, type);
    List<Output<?>> operands = new ArrayList<>();
    for (int i = 0; i < terms.size(); i++) {
      boolean kernel = i == 1 && terms.size() == 2;
      operands.add(tf.cast(kernel ? c.parameter(1, ParameterRole.KERNEL) : c.in(i), inner));
    }
    Output<?> y = operands.get(0);
    String term = terms.get(0);
    if (terms.size() == 1) {
      y = einsum(tf, List.of(y), term + "->" + result);
    }
    for (int i = 1; i < terms.size(); i++) {
      String next = i == terms.size() - 1 ? result : kept(term, terms.get(i), terms.subList(i + 1, terms.size()), result);
      y = einsum(tf, List.of(y, operands.get(i)), term + "," + terms.get(i) + "->" + next);
      term = next;
    }
    c.bind(0, tf.cast(y, type));
  }

  private static Output<?> einsum(Tf tf, List<Output<?>> operands, String equation) {
    return tf.op("Einsum").inList(operands).attr("equation", equation).out();
  }

  /** Without an arrow: the ellipsis, then the letters that occur once, in alphabetical order. */
  private static String implicitResult(String left) {
    StringBuilder b = new StringBuilder(left.contains("...") ? "..." : "");
    left.chars().filter(Character::isLetter).sorted().distinct().filter(l -> left.chars().filter(x -> x == l).count() == 1)
        .forEach(l -> b.append((char) l));
    return b.toString();
  }

  /** The labels of two terms that later ones or the result still need. */
  private static String kept(String a, String b, List<String> later, String result) {
    String rest = String.join("", later) + result;
    StringBuilder kept = new StringBuilder(a.contains("...") || b.contains("...") ? "..." : "");
    (a + b).chars().filter(Character::isLetter).distinct().filter(l -> rest.indexOf(l) >= 0).forEach(l -> kept.append((char) l));
    return kept.toString();
  }
}
