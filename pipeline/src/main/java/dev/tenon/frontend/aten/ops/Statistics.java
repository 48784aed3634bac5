package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.Promotion;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchString;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Value;
import java.util.List;
import java.util.stream.LongStream;

/** Variances, norms and distances. */
public final class Statistics {
  private Statistics() {}

  public static void register(AtenOps ops) {
    ops.op("var", c -> c.result(variance(c).variance)).op("std", c -> c.result(c.onnx().op("Sqrt", variance(c).variance)));
    ops.op("var_mean", c -> withMean(c, false)).op("std_mean", c -> withMean(c, true));
    ops.op("norm native_norm", c -> c.result(norm(c, c.isNone("p") ? 2 : c.number("p"))));
    ops.op("linalg_vector_norm", c -> c.result(norm(c, c.number("ord"))));
    ops.op("linalg_norm", Statistics::linalgNorm).op("frobenius_norm", c -> c.result(norm(c, 2)));
    ops.op("linalg_matrix_norm", Statistics::matrixNorm);
    ops.op("cosine_similarity", Statistics::cosineSimilarity).op("pairwise_distance", Statistics::pairwiseDistance).op("cdist", Statistics::cdist);
    ops.op("_euclidean_dist", c -> c.result(distances(c, 2))).op("pdist _pdist_forward", Statistics::pdist);
    ops.op("_cdist_forward", Statistics::cdist).op("dist", Statistics::dist);
    ops.op("histc", Statistics::histogram);
  }

  // ---- histograms ----

  /** How many elements are in each of equal intervals, the last of which includes its end. */
  private static TorchValue histogram(AtenCall c) {
    Onnx o = c.onnx();
    DataType t = c.dtypeOf("self");
    Value x = o.reshape(o.cast(c.tensor("self"), DataType.DOUBLE), -1);
    double min = c.number("min");
    double max = c.number("max");
    if (min == max) {
      throw c.unsupported("a histogram between the least and the greatest element, which are not known at conversion time");
    }
    long bins = c.integer("bins");
    Value low = o.scalar(DataType.DOUBLE, min);
    Value high = o.scalar(DataType.DOUBLE, max);
    Value at = o.op("Floor", o.div(o.mul(o.sub(x, low), o.scalar(DataType.DOUBLE, (double) bins)), o.sub(high, low)));
    Value bin = o.op("Min", at, o.scalar(DataType.DOUBLE, bins - 1.0));
    Value counted = o.op("And", o.op("GreaterOrEqual", x, low), o.op("LessOrEqual", x, high));
    Value index = o.cast(o.where(counted, bin, o.scalar(DataType.DOUBLE, (double) bins)), DataType.INT64);
    // What is outside has a column of its own, which is left out.
    Value hits = o.op("Equal", o.unsqueeze(index, 1), o.vector(LongStream.range(0, bins).toArray()));
    return c.result(o.cast(o.reduce("ReduceSum", o.cast(hits, DataType.INT64), false, 0), t));
  }

  // ---- variance ----

  private record Moments(Value variance, Value mean) {}

  /** The number that the count is lessened by. */
  private static double correction(AtenCall c) {
    return c.has("correction") ? c.number("correction", 1) : c.bool("unbiased") ? 1 : 0;
  }

  private static Moments variance(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    DataType t = x.dtype();
    long[] axes = Reductions.axes(c, "dim");
    boolean keep = Reductions.keepDims(c);
    Value mean = o.reduce("ReduceMean", x, true, axes);
    Value difference = o.sub(x, mean);
    Value squares = o.mul(difference, difference);
    Value meanSquare = o.reduce("ReduceMean", squares, keep, axes);
    double correction = correction(c);
    if (correction == 0) {
      return new Moments(meanSquare, mean);
    }
    TorchScalar n = TorchScalar.of(1L);
    for (int i = 0; i < x.rank(); i++) {
      n = axes.length == 0 || contains(axes, i) ? o.times(n, o.size(x, i)) : n;
    }
    Value sum = o.reduce("ReduceSum", squares, keep, axes);
    if (n.isConstant()) {
      return new Moments(o.div(sum, o.scalar(t, Math.max(0, n.toLong() - correction))), mean);
    }
    Value rest = o.sub(n.scalar(o, t), o.scalar(t, correction));
    return new Moments(o.div(sum, o.op("Max", rest, o.scalar(t, 0))), mean);
  }

  private static boolean contains(long[] axes, int axis) {
    for (long a : axes) {
      if (a == axis) {
        return true;
      }
    }
    return false;
  }

  private static TorchValue withMean(AtenCall c, boolean root) {
    Onnx o = c.onnx();
    Moments m = variance(c);
    long[] axes = Reductions.axes(c, "dim");
    Value mean = Reductions.keepDims(c) ? m.mean : axes.length == 0 ? o.reshape(m.mean, List.of()) : o.squeeze(m.mean, axes);
    return c.results(root ? o.op("Sqrt", m.variance) : m.variance, mean);
  }

  // ---- norms ----

  private static Value norm(AtenCall c, double p) {
    Value x = c.tensor("self");
    DataType t = c.has("dtype") ? c.dtype("dtype", x.dtype()) : x.dtype();
    return norm(c.onnx(), c.onnx().cast(x, t), p, Reductions.keepDims(c), Reductions.axes(c, "dim"));
  }

  /** The p-norm of vectors. */
  static Value norm(Onnx o, Value x, double p, boolean keep, long... axes) {
    DataType t = x.dtype();
    if (p == 2) {
      return o.reduce("ReduceL2", x, keep, axes);
    } else if (p == 1) {
      return o.reduce("ReduceL1", x, keep, axes);
    } else if (p == 0) {
      return o.reduce("ReduceSum", o.cast(o.cast(x, DataType.BOOL), t), keep, axes);
    }
    Value size = o.op("Abs", x);
    if (Double.isInfinite(p)) {
      return Reductions.extremum(o, p > 0 ? "ReduceMax" : "ReduceMin", size, keep, axes);
    }
    Value sum = o.reduce("ReduceSum", o.op("Pow", size, o.scalar(t, p)), keep, axes);
    return o.op("Pow", sum, o.scalar(t, 1 / p));
  }

  private static TorchValue linalgNorm(AtenCall c) {
    int rank = c.rank("self");
    boolean noDims = c.isNone("dim");
    if (c.isNone("ord")) {
      return c.result(norm(c, 2));
    }
    int count = noDims ? rank : c.axes("dim", rank).length;
    return count == 2 ? matrixNorm(c) : c.result(norm(c, c.number("ord")));
  }

  private static TorchValue matrixNorm(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self", c.dtype("dtype", c.dtypeOf("self")));
    int rank = c.rank("self");
    int[] dims = c.isNone("dim") ? new int[] {rank - 2, rank - 1} : c.axes("dim", rank);
    boolean keep = c.bool("keepdim");
    if (c.get("ord") instanceof TorchString s) {
      if (s.text().equals("fro")) {
        return c.result(o.reduce("ReduceL2", x, keep, dims[0], dims[1]));
      }
      throw c.unsupported("the norm '" + s.text() + "', which needs singular values: ONNX has none");
    }
    double ord = c.number("ord");
    if (Math.abs(ord) == 2) {
      throw c.unsupported("the norm of order " + ord + " of a matrix, which needs singular values: ONNX has none");
    }
    // The greatest or least sum of a column or a row.
    boolean columns = Math.abs(ord) == 1;
    Value sums = o.reduce("ReduceL1", x, true, dims[columns ? 0 : 1]);
    Value extremum = Reductions.extremum(o, ord > 0 ? "ReduceMax" : "ReduceMin", sums, true, dims[columns ? 1 : 0]);
    return c.result(keep ? extremum : o.squeeze(extremum, dims[0], dims[1]));
  }

  // ---- distances ----

  private static TorchValue cosineSimilarity(AtenCall c) {
    Onnx o = c.onnx();
    DataType t = c.promoted("x1", "x2");
    Value a = c.tensor("x1", t);
    Value b = c.tensor("x2", t);
    Value product = o.mul(a, b);
    int axis = c.axis("dim", o.rank(product));
    // Counted from the end: the two may differ in rank.
    long fromEnd = axis - product.rank();
    Value eps = o.scalar(t, c.number("eps"));
    Value lengthA = o.op("Max", o.reduce("ReduceL2", a, false, fromEnd), eps);
    Value lengthB = o.op("Max", o.reduce("ReduceL2", b, false, fromEnd), eps);
    return c.result(o.div(o.reduce("ReduceSum", product, false, axis), o.mul(lengthA, lengthB)));
  }

  private static TorchValue pairwiseDistance(AtenCall c) {
    Onnx o = c.onnx();
    Value difference = o.sub(c.tensor("x1"), c.tensor("x2"));
    Value shifted = o.add(difference, o.scalar(difference.dtype(), c.number("eps")));
    return c.result(norm(o, shifted, c.number("p"), c.bool("keepdim"), -1));
  }

  /** Distances of all rows of the first to all rows of the second. */
  private static TorchValue cdist(AtenCall c) {
    return c.result(distances(c, c.number("p")));
  }

  private static Value distances(AtenCall c, double p) {
    Onnx o = c.onnx();
    Value a = c.tensor("x1");
    Value b = c.tensor("x2");
    Value difference = o.sub(o.unsqueeze(a, o.rank(a) - 1), o.unsqueeze(b, o.rank(b) - 2));
    return norm(o, difference, p, false, -1);
  }

  /** Distances of each row to those after it. */
  private static TorchValue pdist(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    List<TorchScalar> square = List.of(o.size(x, 0), o.size(x, 0));
    Value mask = o.node("Trilu").in(Filling.full(o, square, DataType.BOOL, TorchScalar.of(true)), o.scalar(DataType.INT64, 1L)).out();
    List<Value> pairs = Selecting.rows(o, o.op("NonZero", mask), 2);
    return c.result(norm(o, o.sub(o.gather(x, pairs.get(0), 0), o.gather(x, pairs.get(1), 0)), c.number("p"), false, 1));
  }

  private static TorchValue dist(AtenCall c) {
    Onnx o = c.onnx();
    return c.result(norm(o, o.sub(c.tensor("self"), c.tensor("other")), c.number("p"), false));
  }
}
