package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Lowering;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.OnnxNode;
import dev.tenon.frontend.aten.Promotion;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Products of matrices and vectors. */
public final class LinearAlgebra {
  private LinearAlgebra() {}

  public static void register(AtenOps ops) {
    ops.op("mm", c -> matmul(c, "self", "mat2")).op("bmm", c -> matmul(c, "self", "mat2")).op("mv", c -> matmul(c, "self", "vec"));
    ops.op("matmul linalg_matmul __matmul__", c -> matmul(c, "self", "other")).op("dot vdot inner", LinearAlgebra::inner);
    ops.op("linalg_vecdot", LinearAlgebra::vecdot);
    ops.op("linear", LinearAlgebra::linear).op("bilinear", LinearAlgebra::bilinear);
    ops.op("addmm", LinearAlgebra::addmm).op("addmv", c -> added(c, product(c, "mat", "vec"), DataType.UNDEFINED));
    ops.op("baddbmm", c -> added(c, product(c, "batch1", "batch2"), DataType.UNDEFINED)).op("addbmm", LinearAlgebra::addbmm);
    ops.op("addr", c -> added(c, outer(c.onnx(), c.tensor("vec1"), c.tensor("vec2")), c.promoted("self", "vec1", "vec2")));
    ops.op("outer ger", LinearAlgebra::outer).op("kron", LinearAlgebra::kron);
    ops.op("chain_matmul", c -> chain(c, "matrices")).op("linalg_multi_dot", c -> chain(c, "tensors"));
    ops.op("matrix_power linalg_matrix_power", LinearAlgebra::matrixPower);
    ops.op("cross linalg_cross", LinearAlgebra::cross).op("trace", LinearAlgebra::trace);
    ops.op("_int_mm", c -> c.result(c.onnx().op("MatMul", c.tensor("self", DataType.INT32), c.tensor("mat2", DataType.INT32))));
    ops.op("logdet", c -> c.result(c.onnx().op("Log", c.onnx().op("Det", c.tensor("self")))));
    ops.op("slogdet linalg_slogdet", LinearAlgebra::signAndLogDet);
    ops.op("det linalg_det", c -> c.result(c.onnx().op("Det", c.tensor(c.has("A") ? "A" : "self"))));
    refuse(ops, "inverse linalg_inv linalg_inv_ex pinverse linalg_pinv", "ONNX has no inverse of a matrix");
    refuse(ops, "cholesky linalg_cholesky linalg_cholesky_ex cholesky_solve cholesky_inverse", "ONNX has no Cholesky decomposition");
    refuse(ops, "matrix_exp linalg_matrix_exp", "ONNX has no exponential of a matrix");
    refuse(ops, "linalg_solve linalg_solve_ex linalg_lstsq triangular_solve linalg_solve_triangular", "ONNX does not solve linear equations");
    refuse(ops, "svd linalg_svd linalg_eigh linalg_eig linalg_qr qr linalg_eigvalsh linalg_svdvals nuclear_norm linalg_matrix_rank", "ONNX has no decomposition of matrices");
  }

  private static void refuse(AtenOps ops, String names, String reason) {
    Lowering refusal = c -> {
      throw c.unsupported(reason);
    };
    ops.op(names, refusal);
  }

  // ---- products ----

  private static Value product(AtenCall c, String left, String right) {
    return Kernels.op(c.onnx(), "MatMul", c.tensor(left), c.tensor(right));
  }

  private static TorchValue matmul(AtenCall c, String left, String right) {
    return c.result(product(c, left, right));
  }

  /** Sums of products over the last axes of both. */
  private static TorchValue inner(AtenCall c) {
    Onnx o = c.onnx();
    Value a = c.tensor("self");
    Value b = c.tensor(c.has("other") ? "other" : "tensor");
    int ra = o.rank(a);
    int rb = o.rank(b);
    if (ra == 0 || rb == 0) {
      return c.result(o.mul(a, b));
    }
    if (ra <= 2 && rb <= 2) {
      return c.result(Kernels.op(o, "MatMul", a, rb == 2 ? o.transpose(b, 1, 0) : b));
    }
    int[] lastA = {ra - 1};
    int[] lastB = {rb - 1};
    return c.result(Contractions.tensordot(o, a, b, lastA, lastB));
  }

  private static TorchValue vecdot(AtenCall c) {
    Onnx o = c.onnx();
    Value p = o.mul(c.tensor("x"), c.tensor("y"));
    return c.result(Kernels.reduce(o, "ReduceSum", p, false, c.axis("dim", o.rank(p))));
  }

  /** {@code input @ weight.T + bias}. A matrix goes to Gemm, which takes the weight as it is. */
  private static TorchValue linear(AtenCall c) {
    Onnx o = c.onnx();
    Value w = c.tensor("weight");
    Value bias = c.tensorOrNull("bias");
    int weightRank = o.rank(w);
    Dim features = w.shape().dim(weightRank - 1);
    int rank = c.rank("input", Shape.of(Dim.unknown(), features));
    Value x = c.tensor("input");
    boolean plainBias = bias == null || o.rank(bias) == 1;
    if (rank == 2 && weightRank == 2 && plainBias && x.dtype().isFloat()) {
      return c.result(o.node("Gemm").in(x, w, bias).attr("transB", 1).out());
    }
    Value y = Kernels.op(o, "MatMul", x, weightRank == 2 ? o.transpose(w, 1, 0) : w);
    return c.result(bias == null ? y : o.add(y, bias));
  }

  /** {@code y[.., k] = sum over i, j of input1[.., i] weight[k, i, j] input2[.., j]}. */
  private static TorchValue bilinear(AtenCall c) {
    Onnx o = c.onnx();
    Value w = c.tensor("weight");
    Value x1 = c.tensor("input1");
    Value x2 = c.tensor("input2");
    int rank = o.rank(x1);
    // [i, k * j], so that one product of matrices gives [.., k, j].
    Value flat = o.reshape(o.transpose(w, 1, 0, 2), List.of(o.size(w, 1), o.times(o.size(w, 0), o.size(w, 2))));
    List<TorchScalar> sizes = new ArrayList<>(o.sizes(x1).subList(0, rank - 1));
    sizes.add(o.size(w, 0));
    sizes.add(o.size(w, 2));
    Value partial = o.reshape(o.op("MatMul", x1, flat), sizes);
    Value y = o.squeeze(o.op("MatMul", partial, o.unsqueeze(x2, rank)), rank);
    Value bias = c.tensorOrNull("bias");
    return c.result(bias == null ? y : o.add(y, bias));
  }

  private static Value outer(Onnx o, Value a, Value b) {
    DataType t = a.dtype() == b.dtype() ? a.dtype() : Promotion.join(a.dtype(), b.dtype());
    return Kernels.op(o, t == DataType.BOOL ? "And" : "Mul", o.unsqueeze(o.cast(a, t), 1), o.unsqueeze(o.cast(b, t), 0));
  }

  private static TorchValue outer(AtenCall c) {
    return c.result(outer(c.onnx(), c.tensor("self"), c.tensor("vec2")));
  }

  /** Blocks of the second, one for each element of the first. */
  private static TorchValue kron(AtenCall c) {
    Onnx o = c.onnx();
    DataType t = c.promoted("self", "other");
    Value a = c.tensor("self", t);
    Value b = c.tensor("other", t);
    int rank = Math.max(o.rank(a), o.rank(b));
    a = aligned(o, a, rank);
    b = aligned(o, b, rank);
    long[] afterEach = new long[rank];
    long[] beforeEach = new long[rank];
    List<TorchScalar> sizes = new ArrayList<>();
    for (int i = 0; i < rank; i++) {
      afterEach[i] = 2 * i + 1;
      beforeEach[i] = 2 * i;
      sizes.add(o.times(o.size(a, i), o.size(b, i)));
    }
    return c.result(o.reshape(o.mul(o.unsqueeze(a, afterEach), o.unsqueeze(b, beforeEach)), sizes));
  }

  private static Value aligned(Onnx o, Value x, int rank) {
    long[] axes = new long[rank - o.rank(x)];
    Arrays.setAll(axes, i -> i);
    return o.unsqueeze(x, axes);
  }

  // ---- sums with products ----

  private static TorchValue addmm(AtenCall c) {
    Onnx o = c.onnx();
    Value self = c.tensor("self");
    Value a = c.tensor("mat1");
    TorchScalar beta = c.scalar("beta");
    TorchScalar alpha = c.scalar("alpha");
    if (c.has("out_dtype")) {
      DataType t = c.dtype("out_dtype", a.dtype());
      return added(c, o.op("MatMul", o.cast(a, t), c.tensor("mat2", t)), t);
    }
    boolean constant = beta.isConstant() && alpha.isConstant();
    if (!constant || !a.dtype().isFloat() || self.dtype() != a.dtype() || o.rank(self) > 2) {
      return added(c, product(c, "mat1", "mat2"), DataType.UNDEFINED);
    }
    // With beta 0 PyTorch does not look at self, and NaN in it is no matter.
    OnnxNode gemm = o.node("Gemm").in(a, c.tensor("mat2"), beta.is(0) ? null : self);
    return c.result((alpha.is(1) ? gemm : gemm.attr("alpha", alpha.toDouble())).attr("beta", beta.is(0) ? 1 : beta.toDouble()).out());
  }

  /** {@code beta * self + alpha * product}. */
  private static TorchValue added(AtenCall c, Value product, DataType type) {
    Onnx o = c.onnx();
    DataType t = type == DataType.UNDEFINED ? product.dtype() : type;
    TorchScalar beta = c.scalar("beta");
    TorchScalar alpha = c.scalar("alpha");
    Value p = o.cast(product, t);
    Value scaled = alpha.is(1) ? p : o.mul(p, alpha.scalar(o, t));
    if (beta.is(0)) {
      return c.result(scaled);
    }
    Value self = c.tensor("self", t);
    return c.result(o.add(beta.is(1) ? self : o.mul(self, beta.scalar(o, t)), scaled));
  }

  private static TorchValue addbmm(AtenCall c) {
    return added(c, Kernels.reduce(c.onnx(), "ReduceSum", product(c, "batch1", "batch2"), false, 0), DataType.UNDEFINED);
  }

  private static TorchValue chain(AtenCall c, String parameter) {
    return c.result(c.tensors(parameter).stream().reduce((a, b) -> Kernels.op(c.onnx(), "MatMul", a, b))
        .orElseThrow(() -> c.unsupported("a product of no matrices")));
  }

  private static TorchValue matrixPower(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    long n = c.integer("n");
    if (n < 0 || n > 64) {
      throw c.unsupported("power " + n + " of a matrix");
    }
    if (n == 0) {
      Value identity = Triangles.eye(o, o.size(x, -2), o.size(x, -1), x.dtype());
      return c.result(o.expand(identity, o.sizes(x)));
    }
    Value power = null;
    for (Value square = x; n > 0; n >>= 1) {
      if ((n & 1) == 1) {
        power = power == null ? square : Kernels.op(o, "MatMul", power, square);
      }
      square = n > 1 ? Kernels.op(o, "MatMul", square, square) : square;
    }
    return c.result(power);
  }

  // ---- others ----

  /** The product of vectors in space. */
  private static TorchValue cross(AtenCall c) {
    Onnx o = c.onnx();
    DataType t = c.promoted("self", "other");
    Value a = c.tensor("self", t);
    Value b = c.tensor("other", t);
    int rank = Math.max(o.rank(a), o.rank(b));
    int axis = -1;
    if (!c.isNone("dim")) {
      axis = c.axis("dim", rank);
    }
    for (int i = 0; i < rank && axis < 0; i++) {
      axis = a.shape().dim(i).is(3) ? i : -1;
    }
    if (axis < 0) {
      throw c.unsupported("no dimension has size 3");
    }
    Value next = o.vector(1, 2, 0);
    Value last = o.vector(2, 0, 1);
    int axisA = axis - rank + o.rank(a);
    int axisB = axis - rank + o.rank(b);
    Value first = o.mul(o.gather(a, next, axisA), o.gather(b, last, axisB));
    return c.result(o.sub(first, o.mul(o.gather(a, last, axisA), o.gather(b, next, axisB))));
  }

  private static TorchValue signAndLogDet(AtenCall c) {
    Onnx o = c.onnx();
    Value det = o.op("Det", c.tensor(c.has("A") ? "A" : "self"));
    return c.results(o.op("Sign", det), o.op("Log", o.op("Abs", det)));
  }

  private static TorchValue trace(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    Value diagonal = Triangles.diagonal(o, x, 0, 0, 1);
    return c.result(o.reduce("ReduceSum", x.dtype().isFloat() ? diagonal : o.cast(diagonal, DataType.INT64), false, 0));
  }
}
