package dev.tenon.ir;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** Computes the elements of tensors from their recipes. */
final class RecipeKernels {
  private RecipeKernels() {}

  static ByteBuffer bytes(Tensor t) {
    Recipe r = t.recipe();
    if (r instanceof Recipe.Permute p) {
      return permute(p.input(), p.perm(), t);
    } else if (r instanceof Recipe.Reshape p) {
      return p.input().bytes();
    } else if (r instanceof Recipe.Slice p) {
      return slice(p, t);
    } else if (r instanceof Recipe.Concat p) {
      return concat(p, t);
    } else if (r instanceof Recipe.Reverse p) {
      return reverse(p, t);
    } else if (r instanceof Recipe.Cast c && isIntegral(c.input().dtype()) && isIntegral(t.dtype())) {
      return encodeLongs(longs(c.input()), t.dtype());
    } else if (r instanceof Recipe.Cast || r instanceof Recipe.Unary || r instanceof Recipe.Binary) {
      return encode(doubles(t), t.dtype());
    }
    return t.bytes();
  }

  // ---- moving elements ----

  private static int elementBytes(Tensor t) {
    if (t.dtype().bits() < 8 || t.dtype().bits() % 8 != 0) {
      throw new UnsupportedOperationException("cannot rearrange elements of type " + t.dtype());
    }
    return t.dtype().bits() / 8;
  }

  private static ByteBuffer allocate(long bytes) {
    return ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static ByteBuffer permute(Tensor in, List<Integer> perm, Tensor out) {
    int size = elementBytes(out);
    ByteBuffer src = in.bytes();
    ByteBuffer dst = allocate(out.byteSize());
    int rank = out.rank();
    long[] inStrides = strides(in.dims());
    int[] stride = new int[rank];
    int[] dims = new int[rank];
    for (int i = 0; i < rank; i++) {
      stride[i] = Math.toIntExact(inStrides[perm.get(i)]);
      dims[i] = Math.toIntExact(out.dim(i));
    }
    int n = Math.toIntExact(out.numel());
    if (n == 0) {
      return dst;
    }
    int inner = dims[rank - 1];
    int innerStride = stride[rank - 1];
    int[] index = new int[rank];
    int base = 0;
    if (size == 4) {
      int[] from = new int[n];
      src.asIntBuffer().get(from);
      int[] to = new int[n];
      for (int at = 0; at < n; base = advance(index, dims, stride, base)) {
        for (int i = 0, s = base; i < inner; i++, s += innerStride) {
          to[at++] = from[s];
        }
      }
      dst.asIntBuffer().put(to);
      return dst;
    }
    byte[] element = new byte[size];
    for (int at = 0; at < n; base = advance(index, dims, stride, base)) {
      for (int i = 0, s = base; i < inner; i++, s += innerStride) {
        src.get(s * size, element);
        dst.put(at++ * size, element);
      }
    }
    return dst;
  }

  /** Steps to the next row (all axes but the last) and returns the offset of its first element in the input. */
  private static int advance(int[] index, int[] dims, int[] stride, int base) {
    int offset = base;
    for (int axis = dims.length - 2; axis >= 0; axis--) {
      offset += stride[axis];
      if (++index[axis] < dims[axis]) {
        return offset;
      }
      offset -= dims[axis] * stride[axis];
      index[axis] = 0;
    }
    return offset;
  }

  private static long[] strides(long[] dims) {
    long[] s = new long[dims.length];
    long step = 1;
    for (int i = dims.length - 1; i >= 0; i--) {
      s[i] = step;
      step *= dims[i];
    }
    return s;
  }

  private static long product(long[] dims, int from, int to) {
    long p = 1;
    for (int i = from; i < to; i++) {
      p *= dims[i];
    }
    return p;
  }

  private static ByteBuffer slice(Recipe.Slice s, Tensor out) {
    long[] dims = s.input().dims();
    int outer = Math.toIntExact(product(dims, 0, s.axis()));
    int inner = Math.toIntExact(product(dims, s.axis() + 1, dims.length)) * elementBytes(out);
    ByteBuffer src = s.input().bytes();
    ByteBuffer dst = allocate(out.byteSize());
    int length = Math.toIntExact(s.end() - s.start()) * inner;
    for (int o = 0; o < outer; o++) {
      int from = Math.toIntExact((o * dims[s.axis()] + s.start()) * inner);
      dst.put(src.slice(from, length));
    }
    return dst.flip();
  }

  private static ByteBuffer concat(Recipe.Concat c, Tensor out) {
    long[] dims = out.dims();
    int outer = Math.toIntExact(product(dims, 0, c.axis()));
    int inner = Math.toIntExact(product(dims, c.axis() + 1, dims.length)) * elementBytes(out);
    ByteBuffer dst = allocate(out.byteSize());
    List<ByteBuffer> parts = c.inputs().stream().map(Tensor::bytes).toList();
    for (int o = 0; o < outer; o++) {
      for (int i = 0; i < parts.size(); i++) {
        int length = Math.toIntExact(c.inputs().get(i).dim(c.axis())) * inner;
        dst.put(parts.get(i).slice(o * length, length));
      }
    }
    return dst.flip();
  }

  private static ByteBuffer reverse(Recipe.Reverse r, Tensor out) {
    long[] dims = out.dims();
    int outer = Math.toIntExact(product(dims, 0, r.axis()));
    int inner = Math.toIntExact(product(dims, r.axis() + 1, dims.length)) * elementBytes(out);
    int count = Math.toIntExact(dims[r.axis()]);
    ByteBuffer src = r.input().bytes();
    ByteBuffer dst = allocate(out.byteSize());
    for (int o = 0; o < outer; o++) {
      for (int i = 0; i < count; i++) {
        dst.put(src.slice((o * count + count - 1 - i) * inner, inner));
      }
    }
    return dst.flip();
  }

  // ---- numbers ----

  private static boolean isIntegral(DataType t) {
    return t.isInteger() || t == DataType.BOOL;
  }

  /** The elements as doubles: what {@link #bytes} holds. */
  static double[] elements(Tensor t) {
    return decode(t.bytes(), t.dtype(), Math.toIntExact(t.numel()));
  }

  /** The elements as doubles, where they are floats without rounding to their type: that is done once, at the end of a chain. */
  private static double[] doubles(Tensor t) {
    Recipe r = t.recipe();
    if (r instanceof Recipe.Unary u) {
      return truncated(unary(u.op(), doubles(u.input())), t.dtype());
    } else if (r instanceof Recipe.Binary b) {
      return truncated(binary(b, t), t.dtype());
    } else if (r instanceof Recipe.Reshape p) {
      return doubles(p.input());
    } else if (r instanceof Recipe.Cast c) {
      double[] d = doubles(c.input());
      return decode(encode(d, t.dtype()), t.dtype(), d.length);
    }
    return decode(t.bytes(), t.dtype(), Math.toIntExact(t.numel()));
  }

  /** Integers wrap and divide as integers at every step. */
  private static double[] truncated(double[] v, DataType dtype) {
    return isIntegral(dtype) ? decode(encode(v, dtype), dtype, v.length) : v;
  }

  private static double[] unary(Recipe.UnaryOp op, double[] x) {
    double[] y = x.clone();
    for (int i = 0; i < y.length; i++) {
      y[i] = switch (op) {
        case NEGATE -> -y[i];
        case SQRT -> Math.sqrt(y[i]);
        case RECIPROCAL -> 1 / y[i];
      };
    }
    return y;
  }

  private static double[] binary(Recipe.Binary b, Tensor out) {
    double[] x = doubles(b.left());
    double[] y = doubles(b.right());
    double[] z = new double[Math.toIntExact(out.numel())];
    Rows rows = Rows.of(out.dims(), broadcastStrides(b.left(), out.rank()), broadcastStrides(b.right(), out.rank()));
    int[] indexX = new int[rows.dims.length];
    int[] indexY = new int[rows.dims.length];
    int baseX = 0;
    int baseY = 0;
    int last = rows.dims.length - 1;
    for (int at = 0; at < z.length; at += rows.dims[last]) {
      combine(b.op(), z, at, rows.dims[last], x, baseX, rows.strideX[last], y, baseY, rows.strideY[last]);
      baseX = advance(indexX, rows.dims, rows.strideX, baseX);
      baseY = advance(indexY, rows.dims, rows.strideY, baseY);
    }
    return z;
  }

  /** The axes of a broadcast with those merged that both operands step through alike, so that rows are as long as can be. */
  private record Rows(int[] dims, int[] strideX, int[] strideY) {
    static Rows of(long[] dims, int[] sx, int[] sy) {
      int[] d = {1};
      int[] x = {0};
      int[] y = {0};
      for (int i = dims.length - 1; i >= 0; i--) {
        int size = Math.toIntExact(dims[i]);
        if (size == 1) {
          continue;
        }
        if (d[0] == 1) {
          d[0] = size;
          x[0] = sx[i];
          y[0] = sy[i];
        } else if (sx[i] == x[0] * d[0] && sy[i] == y[0] * d[0]) {
          d[0] *= size;
        } else {
          d = prepend(size, d);
          x = prepend(sx[i], x);
          y = prepend(sy[i], y);
        }
      }
      return new Rows(d, x, y);
    }

    private static int[] prepend(int first, int[] rest) {
      int[] all = new int[rest.length + 1];
      all[0] = first;
      System.arraycopy(rest, 0, all, 1, rest.length);
      return all;
    }
  }

  /** One row: n results from {@code z[at]} on. */
  private static void combine(Recipe.BinaryOp op, double[] z, int at, int n, double[] x, int ix, int stepX, double[] y, int iy, int stepY) {
    switch (op) {
      case ADD -> {
        for (int i = 0; i < n; i++) {
          z[at + i] = x[ix + i * stepX] + y[iy + i * stepY];
        }
      }
      case SUBTRACT -> {
        for (int i = 0; i < n; i++) {
          z[at + i] = x[ix + i * stepX] - y[iy + i * stepY];
        }
      }
      case MULTIPLY -> {
        for (int i = 0; i < n; i++) {
          z[at + i] = x[ix + i * stepX] * y[iy + i * stepY];
        }
      }
      case DIVIDE -> {
        for (int i = 0; i < n; i++) {
          z[at + i] = x[ix + i * stepX] / y[iy + i * stepY];
        }
      }
    }
  }

  private static int[] broadcastStrides(Tensor t, int rank) {
    long[] own = strides(t.dims());
    int[] s = new int[rank];
    for (int i = 0; i < own.length; i++) {
      s[rank - own.length + i] = t.dim(i) == 1 ? 0 : Math.toIntExact(own[i]);
    }
    return s;
  }

  static long[] longs(Tensor t) {
    int n = Math.toIntExact(t.numel());
    ByteBuffer b = t.bytes();
    long[] v = new long[n];
    for (int i = 0; i < n; i++) {
      v[i] = switch (t.dtype()) {
        case INT64, UINT64 -> b.getLong(i * 8);
        case INT32 -> b.getInt(i * 4);
        case UINT32 -> b.getInt(i * 4) & 0xffffffffL;
        case INT16 -> b.getShort(i * 2);
        case UINT16 -> b.getShort(i * 2) & 0xffff;
        case INT8 -> b.get(i);
        case UINT8 -> b.get(i) & 0xff;
        case BOOL -> b.get(i) == 0 ? 0 : 1;
        case UINT4 -> b.get(i / 2) >> (i % 2 * 4) & 0xf;
        case INT4 -> (long) (b.get(i / 2) >> (i % 2 * 4) & 0xf) << 60 >> 60;
        case UINT2 -> b.get(i / 4) >> (i % 4 * 2) & 0x3;
        case INT2 -> (long) (b.get(i / 4) >> (i % 4 * 2) & 0x3) << 62 >> 62;
        default -> throw new IllegalStateException(t + " is not an integer tensor");
      };
    }
    return v;
  }

  private static double[] decode(ByteBuffer b, DataType dtype, int n) {
    double[] v = new double[n];
    if (dtype == DataType.FLOAT) {
      // Nearly all weights: in one sweep, without asking for the type of each.
      float[] floats = new float[n];
      b.asFloatBuffer().get(floats);
      for (int i = 0; i < n; i++) {
        v[i] = floats[i];
      }
      return v;
    }
    for (int i = 0; i < n; i++) {
      v[i] = switch (dtype) {
        case DOUBLE -> b.getDouble(i * 8);
        case FLOAT16 -> HalfFloats.fromFloat16(b.getShort(i * 2));
        case BFLOAT16 -> HalfFloats.fromBfloat16(b.getShort(i * 2));
        case INT64 -> b.getLong(i * 8);
        case INT32 -> b.getInt(i * 4);
        case UINT32 -> b.getInt(i * 4) & 0xffffffffL;
        case INT16 -> b.getShort(i * 2);
        case UINT16 -> b.getShort(i * 2) & 0xffff;
        case INT8 -> b.get(i);
        case UINT8 -> b.get(i) & 0xff;
        case BOOL -> b.get(i) == 0 ? 0 : 1;
        case UINT64 -> {
          long bits = b.getLong(i * 8);
          yield bits >= 0 ? bits : (bits >>> 1) * 2.0 + (bits & 1);
        }
        default -> throw new UnsupportedOperationException("no arithmetic on elements of type " + dtype);
      };
    }
    return v;
  }

  private static ByteBuffer encode(double[] v, DataType dtype) {
    ByteBuffer b = allocate(dtype.byteSize(v.length));
    if (dtype == DataType.FLOAT) {
      float[] floats = new float[v.length];
      for (int i = 0; i < v.length; i++) {
        floats[i] = (float) v[i];
      }
      b.asFloatBuffer().put(floats);
      return b;
    }
    for (int i = 0; i < v.length; i++) {
      switch (dtype) {
        case DOUBLE -> b.putDouble(v[i]);
        case FLOAT16 -> b.putShort(HalfFloats.toFloat16(v[i]));
        case BFLOAT16 -> b.putShort(HalfFloats.toBfloat16(v[i]));
        case INT64, UINT64 -> b.putLong((long) v[i]);
        case INT32, UINT32 -> b.putInt((int) (long) v[i]);
        case INT16, UINT16 -> b.putShort((short) (long) v[i]);
        case INT8, UINT8 -> b.put((byte) (long) v[i]);
        case BOOL -> b.put((byte) (v[i] != 0 ? 1 : 0));
        default -> throw new UnsupportedOperationException("no arithmetic on elements of type " + dtype);
      }
    }
    return b.flip();
  }

  private static ByteBuffer encodeLongs(long[] v, DataType dtype) {
    ByteBuffer b = allocate(dtype.byteSize(v.length));
    for (long x : v) {
      switch (dtype) {
        case INT64, UINT64 -> b.putLong(x);
        case INT32, UINT32 -> b.putInt((int) x);
        case INT16, UINT16 -> b.putShort((short) x);
        case INT8, UINT8 -> b.put((byte) x);
        case BOOL -> b.put((byte) (x != 0 ? 1 : 0));
        default -> throw new IllegalStateException(dtype + " is not integral");
      }
    }
    return b.flip();
  }
}
