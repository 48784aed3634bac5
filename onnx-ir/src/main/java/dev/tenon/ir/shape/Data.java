package dev.tenon.ir.shape;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;

/**
 * What is known of the elements of a small tensor of static shape, row-major; an element of which nothing is known is null.
 *
 * @param dims the tensor's dimensions
 */
record Data(long[] dims, Datum[] elements) {
  /** The greatest number of elements that is followed. */
  static final int MAX_ELEMENTS = 64;

  static Data scalar(Datum d) {
    return new Data(new long[0], new Datum[] {d});
  }

  static Data vector(List<Dim> elements) {
    return new Data(new long[] {elements.size()}, elements.stream().map(Datum::of).toArray(Datum[]::new));
  }

  /** A tensor of these dimensions with all elements the same; null if it is too large. */
  static Data filled(long[] dims, Datum value) {
    long n = count(dims);
    if (n < 0) {
      return null;
    }
    Datum[] all = new Datum[(int) n];
    Arrays.fill(all, value);
    return new Data(dims, all);
  }

  /** The elements of a constant; null if there are too many, or they are not numbers. */
  static Data of(Tensor t) {
    long[] dims = t.dims();
    if (count(dims) < 0 || !isFollowed(t.dtype())) {
      return null;
    }
    return t.dtype().isFloat() ? new Data(dims, Arrays.stream(t.toDoubles()).mapToObj(Datum::ofFloat).toArray(Datum[]::new))
        : new Data(dims, Arrays.stream(t.toLongs()).mapToObj(Datum::of).toArray(Datum[]::new));
  }

  /** The element types that shapes are computed in; narrower ones would wrap or round. */
  static boolean isFollowed(DataType t) {
    return t == DataType.INT64 || t == DataType.INT32 || t == DataType.BOOL || t == DataType.FLOAT || t == DataType.DOUBLE;
  }

  /** The number of elements, or -1 if there are too many, or a dimension is not known (negative). */
  static long count(long[] dims) {
    long n = 1;
    for (long d : dims) {
      n = d < 0 || d > MAX_ELEMENTS ? -1 : n * d;
      if (n < 0 || n > MAX_ELEMENTS) {
        return -1;
      }
    }
    return n;
  }

  Data map(UnaryOperator<Datum> f) {
    Datum[] out = new Datum[elements.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = elements[i] == null ? null : f.apply(elements[i]);
    }
    return new Data(dims, out);
  }

  /** The same elements under other dimensions; null if the numbers of elements differ. */
  Data reshaped(long[] newDims) {
    return count(newDims) == elements.length ? new Data(newDims, elements) : null;
  }

  /** Dimension i of the result is dimension {@code perm[i]} of this; null if the ranks differ, as in a contradictory model. */
  Data transposed(int[] perm) {
    if (perm.length != dims.length) {
      return null;
    }
    long[] out = new long[perm.length];
    for (int i = 0; i < perm.length; i++) {
      out[i] = dims[perm[i]];
    }
    return gathered(out, at -> {
      int[] source = new int[at.length];
      for (int i = 0; i < at.length; i++) {
        source[perm[i]] = at[i];
      }
      return source;
    });
  }

  /** {@code count} elements along an axis from {@code start} on, {@code step} apart. */
  Data sliced(int axis, long start, long step, long count) {
    long[] out = dims.clone();
    out[axis] = count;
    return gathered(out, at -> {
      int[] source = at.clone();
      source[axis] = (int) (start + at[axis] * step);
      return source;
    });
  }

  /** The tensor of these dimensions whose elements are found here by their index. */
  private Data gathered(long[] out, UnaryOperator<int[]> source) {
    Datum[] all = new Datum[(int) count(out)];
    int[] at = new int[out.length];
    for (int i = 0; i < all.length; i++) {
      int[] from = source.apply(at);
      int index = 0;
      for (int a = 0; a < from.length; a++) {
        index = index * (int) dims[a] + from[a];
      }
      all[i] = elements[index];
      for (int a = at.length - 1; a >= 0 && ++at[a] == out[a]; a--) {
        at[a] = 0;
      }
    }
    return new Data(out, all);
  }

  /** Applies a function elementwise with broadcasting; the function gets nulls too. Null if the result is too large. */
  Data zip(Data o, BinaryOperator<Datum> f) {
    int rank = Math.max(dims.length, o.dims.length);
    long[] out = new long[rank];
    for (int i = 0; i < rank; i++) {
      long a = dimFromRight(dims, rank - 1 - i);
      long b = dimFromRight(o.dims, rank - 1 - i);
      if (a != b && a != 1 && b != 1) {
        return null;
      }
      out[i] = a == 1 ? b : a;
    }
    long n = count(out);
    if (n < 0) {
      return null;
    }
    Datum[] result = new Datum[(int) n];
    for (int i = 0; i < n; i++) {
      result[i] = f.apply(elements[broadcastIndex(i, out, dims)], o.elements[broadcastIndex(i, out, o.dims)]);
    }
    return new Data(out, result);
  }

  private static long dimFromRight(long[] dims, int i) {
    return i < dims.length ? dims[dims.length - 1 - i] : 1;
  }

  /** The index into a tensor of dimensions {@code from} of element i of what it is broadcast to. */
  static int broadcastIndex(int i, long[] to, long[] from) {
    int index = 0;
    int stride = 1;
    int rest = i;
    for (int axis = to.length - 1; axis >= 0; axis--) {
      int at = rest % (int) to[axis];
      rest /= (int) to[axis];
      int own = axis - (to.length - from.length);
      if (own >= 0) {
        index += from[own] == 1 ? 0 : at * stride;
        stride *= (int) from[own];
      }
    }
    return index;
  }

  /** The elements as integers; null unless all are known to be. */
  List<Dim> integers() {
    for (Datum d : elements) {
      if (d == null || !d.isInteger()) {
        return null;
      }
    }
    return Arrays.stream(elements).map(Datum::numerator).toList();
  }

  /** The elements as numbers; null unless all are known integers. */
  long[] constants() {
    for (Datum d : elements) {
      if (d == null || !d.isConstantInteger()) {
        return null;
      }
    }
    return Arrays.stream(elements).mapToLong(d -> d.numerator().constant()).toArray();
  }
}
