package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.List;

/** Triangles and diagonals of matrices. */
public final class Triangles {
  private Triangles() {}

  public static void register(AtenOps ops) {
    ops.op("tril", c -> triangle(c, 0)).op("triu", c -> triangle(c, 1));
    ops.op("tril_indices", c -> triangleIndices(c, 0)).op("triu_indices", c -> triangleIndices(c, 1));
    ops.op("eye", Triangles::eye);
    ops.op("diagonal diagonal_copy linalg_diagonal", Triangles::diagonal).view("diagonal", (c, base, written, i) -> scatterDiagonal(c, base, written));
    ops.op("diagonal_scatter", c -> c.result(scatterDiagonal(c, c.tensor("self"), c.tensor("src"))));
    ops.op("fill_diagonal_", Triangles::fillDiagonal);
    ops.op("diag", Triangles::diag).op("diag_embed", Triangles::diagEmbed).op("diagflat", Triangles::diagFlat);
  }

  private static TorchValue triangle(AtenCall c, int upper) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    DataType wide = Kernels.typeFor("Trilu", x.dtype());
    TorchScalar k = c.scalar("diagonal");
    Value y = o.node("Trilu").in(o.cast(x, wide), k.is(0) ? null : k.scalar(o)).attr("upper", upper).out();
    return c.result(o.cast(y, x.dtype()));
  }

  /** Rows and columns of the elements of a triangle. */
  private static TorchValue triangleIndices(AtenCall c, int upper) {
    Onnx o = c.onnx();
    Value ones = Filling.full(o, List.of(c.scalar("row"), c.scalar("col")), DataType.BOOL, TorchScalar.of(true));
    Value triangle = o.node("Trilu").in(ones, c.scalar("offset").scalar(o)).attr("upper", upper).out();
    return c.result(o.cast(o.op("NonZero", triangle), c.dtype("dtype", DataType.INT64)));
  }

  private static TorchValue eye(AtenCall c) {
    TorchScalar n = c.scalar("n");
    return c.result(eye(c.onnx(), n, c.has("m") ? c.scalar("m") : n, c.dtype("dtype", DataType.FLOAT)));
  }

  /** Ones on the diagonal. */
  static Value eye(Onnx o, TorchScalar rows, TorchScalar columns, DataType dtype) {
    return o.cast(onDiagonal(o, rows, columns, 0), dtype);
  }

  /** True on a diagonal, where {@code column - row} is the offset. */
  private static Value onDiagonal(Onnx o, TorchScalar rows, TorchScalar columns, long offset) {
    Value row = Filling.range(o, rows);
    Value shifted = offset == 0 ? row : o.add(row, o.scalar(DataType.INT64, offset));
    return o.op("Equal", o.unsqueeze(shifted, 1), o.unsqueeze(Filling.range(o, columns), 0));
  }

  // ---- diagonals ----

  private static TorchValue diagonal(AtenCall c) {
    String input = c.has("self") ? "self" : "A";
    int rank = c.rank(input);
    return c.result(diagonal(c.onnx(), c.tensor(input), c.integer("offset"), c.axis("dim1", rank), c.axis("dim2", rank)));
  }

  private static int[] lastTwo(int rank, int dim1, int dim2) {
    int[] perm = new int[rank];
    int n = 0;
    for (int i = 0; i < rank; i++) {
      if (i != dim1 && i != dim2) {
        perm[n++] = i;
      }
    }
    perm[n++] = dim1;
    perm[n] = dim2;
    return perm;
  }

  private static int[] inverse(int[] perm) {
    int[] inverse = new int[perm.length];
    for (int i = 0; i < perm.length; i++) {
      inverse[perm[i]] = i;
    }
    return inverse;
  }

  /** The elements where {@code index of dim2 - index of dim1} is the offset, as last axis. */
  static Value diagonal(Onnx o, Value x, long offset, int dim1, int dim2) {
    int rank = o.rank(x);
    Value matrices = o.transpose(x, lastTwo(rank, dim1, dim2));
    TorchScalar columns = o.size(matrices, rank - 1);
    Value places = o.mul(Filling.range(o, length(o, matrices, offset)), o.plus(columns, TorchScalar.of(1)).scalar(o));
    Value start = offset >= 0 ? o.scalar(DataType.INT64, offset) : o.times(columns, TorchScalar.of(-offset)).scalar(o);
    List<TorchScalar> sizes = new ArrayList<>(o.sizes(matrices).subList(0, rank - 2));
    sizes.add(o.times(o.size(matrices, rank - 2), columns));
    return o.gather(o.reshape(matrices, sizes), offset == 0 ? places : o.add(places, start), rank - 2);
  }

  /** The length of a diagonal of the last two axes. */
  private static TorchScalar length(Onnx o, Value matrices, long offset) {
    int rank = o.rank(matrices);
    TorchScalar rows = o.plus(o.size(matrices, rank - 2), TorchScalar.of(Math.min(offset, 0)));
    TorchScalar columns = o.plus(o.size(matrices, rank - 1), TorchScalar.of(-Math.max(offset, 0)));
    Dim known = rows.dim().min(columns.dim()).max(Dim.ZERO);
    if (known.isConstant()) {
      return TorchScalar.of(known.constant());
    } else if (known.equals(rows.dim()) || known.equals(columns.dim())) {
      return known.equals(rows.dim()) ? rows : columns;
    }
    Value least = o.op("Min", rows.vector(o), columns.vector(o));
    return o.integer(o.op("Max", least, o.vector(0)), known);
  }

  /** The base with one diagonal replaced. */
  private static Value scatterDiagonal(AtenCall c, Value base, Value written) {
    Onnx o = c.onnx();
    int rank = o.rank(base);
    int[] perm = lastTwo(rank, c.axis("dim1", rank), c.axis("dim2", rank));
    Value matrices = o.transpose(base, perm);
    long offset = c.integer("offset");
    Value spread = embedded(o, written, offset, o.size(matrices, rank - 2), o.size(matrices, rank - 1));
    Value mask = onDiagonal(o, o.size(matrices, rank - 2), o.size(matrices, rank - 1), offset);
    return o.transpose(Kernels.where(o, mask, o.cast(spread, base.dtype()), matrices), inverse(perm));
  }

  /** Rows of equal elements such that those on the diagonal are the ones given: element i of the diagonal is in row i (from its start). */
  private static Value embedded(Onnx o, Value diagonal, long offset, TorchScalar rows, TorchScalar columns) {
    int rank = o.rank(diagonal);
    TorchScalar before = TorchScalar.of(Math.max(-offset, 0));
    TorchScalar after = o.minus(o.minus(rows, before), o.size(diagonal, rank - 1));
    List<TorchScalar> pads = new ArrayList<>();
    for (int i = 0; i < 2 * rank; i++) {
      pads.add(i == rank - 1 ? before : i == 2 * rank - 1 ? after : TorchScalar.of(0L));
    }
    Value padded = pads.stream().allMatch(p -> p.is(0)) ? diagonal : padded(o, diagonal, pads);
    return o.unsqueeze(padded, rank);
  }

  private static Value padded(Onnx o, Value x, List<TorchScalar> pads) {
    DataType wide = Kernels.typeFor("Pad", x.dtype());
    return o.cast(o.op("Pad", o.cast(x, wide), o.vector(pads)), x.dtype());
  }

  private static TorchValue fillDiagonal(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    if (c.rank("self") != 2 || c.bool("wrap")) {
      throw c.unsupported("of anything but a matrix, or wrapping around");
    }
    Value mask = onDiagonal(o, o.size(x, 0), o.size(x, 1), 0);
    return c.result(Kernels.where(o, mask, c.tensor("fill_value", x.dtype()), x));
  }

  private static TorchValue diag(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    return c.result(c.rank("self") == 1 ? square(o, x, c.integer("diagonal")) : diagonal(o, x, c.integer("diagonal"), 0, 1));
  }

  private static TorchValue diagFlat(AtenCall c) {
    return c.result(square(c.onnx(), c.onnx().reshape(c.tensor("self"), -1), c.integer("offset")));
  }

  /** Square matrices with these diagonals and zeros elsewhere, as last two axes. */
  private static Value square(Onnx o, Value diagonals, long offset) {
    TorchScalar n = o.plus(o.size(diagonals, -1), TorchScalar.of(Math.abs(offset)));
    Value spread = embedded(o, diagonals, offset, n, n);
    Value zero = diagonals.dtype() == DataType.BOOL ? TorchScalar.of(false).scalar(o) : o.scalar(diagonals.dtype(), 0L);
    return Kernels.where(o, onDiagonal(o, n, n, offset), spread, zero);
  }

  private static TorchValue diagEmbed(AtenCall c) {
    int rank = c.rank("self") + 1;
    int dim1 = c.axis(c.integer("dim1"), rank);
    int dim2 = c.axis(c.integer("dim2"), rank);
    Value matrices = square(c.onnx(), c.tensor("self"), c.integer("offset"));
    return c.result(c.onnx().transpose(matrices, inverse(lastTwo(rank, dim1, dim2))));
  }
}
