package dev.tenon.ir;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * An immutable n-dimensional array given by a {@link Recipe}: nothing is read or computed until the elements are asked for, and
 * nothing is kept afterwards.
 */
public final class Tensor {
  /** Bytes that {@link #writeTo} hands over at a time when the elements come straight from a file. */
  private static final int STREAM_CHUNK = 1 << 26;

  private final DataType dtype;
  private final long[] dims;
  private final Recipe recipe;

  private Tensor(DataType dtype, long[] dims, Recipe recipe) {
    this.dtype = dtype;
    this.dims = dims;
    this.recipe = recipe;
  }

  /** A parameter of the source file. The storage's size must be what the type and dimensions need. */
  public static Tensor source(String name, DataType dtype, long[] dims, Storage storage) {
    return checked(new Tensor(dtype, dims.clone(), new Recipe.Source(name, storage)), storage);
  }

  /** A tensor made by the conversion. */
  public static Tensor constant(String note, DataType dtype, long[] dims, Storage storage) {
    return checked(new Tensor(dtype, dims.clone(), new Recipe.Constant(note, storage)), storage);
  }

  /** The result of running operators on constant inputs. */
  public static Tensor evaluated(String operators, List<Tensor> inputs, DataType dtype, long[] dims, Storage storage) {
    return checked(new Tensor(dtype, dims.clone(), new Recipe.Evaluated(operators, inputs, storage)), storage);
  }

  private static Tensor checked(Tensor t, Storage storage) {
    if (t.dtype != DataType.STRING && storage.byteSize() != t.byteSize()) {
      throw new IllegalArgumentException("tensor " + t + " needs " + t.byteSize() + " bytes, its storage has " + storage.byteSize());
    }
    return t;
  }

  public static Tensor of(float[] values, long... dims) {
    ByteBuffer b = allocate(values.length * 4L);
    b.asFloatBuffer().put(values);
    return constant(note(values.length, () -> Float.toString(values[0])), DataType.FLOAT, dims, Storage.of(b));
  }

  public static Tensor of(double[] values, long... dims) {
    ByteBuffer b = allocate(values.length * 8L);
    b.asDoubleBuffer().put(values);
    return constant(note(values.length, () -> Double.toString(values[0])), DataType.DOUBLE, dims, Storage.of(b));
  }

  public static Tensor of(long[] values, long... dims) {
    ByteBuffer b = allocate(values.length * 8L);
    b.asLongBuffer().put(values);
    return constant(note(values.length, () -> Long.toString(values[0])), DataType.INT64, dims, Storage.of(b));
  }

  public static Tensor of(int[] values, long... dims) {
    ByteBuffer b = allocate(values.length * 4L);
    b.asIntBuffer().put(values);
    return constant(note(values.length, () -> Integer.toString(values[0])), DataType.INT32, dims, Storage.of(b));
  }

  public static Tensor scalar(float value) {
    return of(new float[] {value});
  }

  public static Tensor scalar(long value) {
    return of(new long[] {value});
  }

  /** A one-dimensional int64 tensor, the usual form of shapes, axes and repeats. */
  public static Tensor vector(long... values) {
    return of(values, values.length);
  }

  public static Tensor ofStrings(List<String> values, long... dims) {
    return constant("strings", DataType.STRING, dims,
        Storage.ofStrings(values.stream().map(s -> s.getBytes(StandardCharsets.UTF_8)).toList()));
  }

  /** A scalar of any numeric type; the value is converted by the rules of ONNX Cast. */
  public static Tensor scalar(DataType dtype, double value) {
    return of(new double[] {value}).cast(dtype).evaluated();
  }

  private static String note(int count, java.util.function.Supplier<String> first) {
    return count == 1 ? first.get() : "constant";
  }

  private static ByteBuffer allocate(long bytes) {
    return ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
  }

  public DataType dtype() {
    return dtype;
  }

  /** The dimensions; a copy. */
  public long[] dims() {
    return dims.clone();
  }

  public long dim(int axis) {
    return dims[axis < 0 ? axis + dims.length : axis];
  }

  public int rank() {
    return dims.length;
  }

  public Shape shape() {
    return Shape.of(dims);
  }

  public Type.TensorType type() {
    return Type.tensor(dtype, shape());
  }

  /** The number of elements; 1 for a scalar. */
  public long numel() {
    long n = 1;
    for (long d : dims) {
      n = Math.multiplyExact(n, d);
    }
    return n;
  }

  public long byteSize() {
    return dtype.byteSize(numel());
  }

  public Recipe recipe() {
    return recipe;
  }

  // ---- elements ----

  /** All elements, little-endian and row-major; at most 2 GB. Read-only where it comes straight from a file. */
  public ByteBuffer bytes() {
    Storage s = storage();
    if (s != null) {
      return s.read(0, Math.toIntExact(s.byteSize())).order(ByteOrder.LITTLE_ENDIAN);
    }
    return RecipeKernels.bytes(this);
  }

  private Storage storage() {
    if (recipe instanceof Recipe.Source r) {
      return r.storage();
    } else if (recipe instanceof Recipe.Constant r) {
      return r.storage();
    } else if (recipe instanceof Recipe.Evaluated r) {
      return r.storage();
    }
    return null;
  }

  /** Writes all elements, in pieces where they come straight from a file. */
  public void writeTo(WritableByteChannel out) throws IOException {
    Storage s = storage();
    if (s == null) {
      writeFully(out, bytes());
      return;
    }
    for (long at = 0; at < s.byteSize(); at += STREAM_CHUNK) {
      writeFully(out, s.read(at, (int) Math.min(STREAM_CHUNK, s.byteSize() - at)));
    }
  }

  private static void writeFully(WritableByteChannel out, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }

  /** The elements of an integer or bool tensor as longs (uint64 by its bits). */
  public long[] toLongs() {
    return RecipeKernels.longs(this);
  }

  public int[] toInts() {
    return Arrays.stream(toLongs()).mapToInt(Math::toIntExact).toArray();
  }

  /** The elements of a numeric or bool tensor as doubles; exact but for int64 beyond 2^53. */
  public double[] toDoubles() {
    return RecipeKernels.elements(this);
  }

  public float[] toFloats() {
    double[] d = toDoubles();
    float[] f = new float[d.length];
    for (int i = 0; i < d.length; i++) {
      f[i] = (float) d[i];
    }
    return f;
  }

  public List<String> toStrings() {
    return stringBytes().stream().map(b -> new String(b, StandardCharsets.UTF_8)).toList();
  }

  /** The elements of a string tensor as bytes. */
  public List<byte[]> stringBytes() {
    if (recipe instanceof Recipe.Reshape r) {
      return r.input().stringBytes();
    }
    Storage s = storage();
    if (s == null) {
      throw new UnsupportedOperationException("no strings from the recipe " + recipe);
    }
    return s.strings();
  }

  /** The only element of a one-element numeric tensor. */
  public double item() {
    if (numel() != 1) {
      throw new IllegalStateException(this + " has " + numel() + " elements, not one");
    }
    return dtype.isInteger() || dtype == DataType.BOOL ? toLongs()[0] : toDoubles()[0];
  }

  /** True if type, dimensions and all elements' bytes are the same. */
  public boolean contentEquals(Tensor other) {
    if (this == other) {
      return true;
    }
    if (dtype != other.dtype || !Arrays.equals(dims, other.dims)) {
      return false;
    }
    if (dtype == DataType.STRING) {
      return toStrings().equals(other.toStrings());
    }
    return bytes().equals(other.bytes());
  }

  // ---- recipes ----

  /** Dimension i of the result is dimension {@code perm[i]} of this. */
  public Tensor permute(int... perm) {
    if (perm.length != dims.length || Arrays.stream(perm).distinct().filter(p -> p >= 0 && p < dims.length).count() != dims.length) {
      throw new IllegalArgumentException(Arrays.toString(perm) + " is no permutation for " + this);
    }
    int[] p = perm.clone();
    Tensor base = this;
    if (recipe instanceof Recipe.Permute inner) {
      base = inner.input();
      for (int i = 0; i < p.length; i++) {
        p[i] = inner.perm().get(perm[i]);
      }
    }
    boolean identity = true;
    long[] d = new long[p.length];
    for (int i = 0; i < p.length; i++) {
      identity &= p[i] == i;
      d[i] = base.dims[p[i]];
    }
    return identity ? base : new Tensor(dtype, d, new Recipe.Permute(base, Recipe.boxed(p)));
  }

  public Tensor reshape(long... newDims) {
    if (Arrays.equals(dims, newDims)) {
      return this;
    }
    Tensor base = recipe instanceof Recipe.Reshape inner ? inner.input() : this;
    if (Arrays.equals(base.dims, newDims)) {
      return base;
    }
    Tensor t = new Tensor(dtype, newDims.clone(), new Recipe.Reshape(base, Arrays.stream(newDims).boxed().toList()));
    if (t.numel() != numel()) {
      throw new IllegalArgumentException("cannot reshape " + this + " to " + Arrays.toString(newDims));
    }
    return t;
  }

  public Tensor cast(DataType to) {
    return to == dtype ? this : new Tensor(to, dims, new Recipe.Cast(this, to));
  }

  /** Elements {@code start} to {@code end} (exclusive) along an axis; negative axes count from the end. */
  public Tensor slice(int axis, long start, long end) {
    int a = axis < 0 ? axis + dims.length : axis;
    if (a < 0 || a >= dims.length || start < 0 || end < start || end > dims[a]) {
      throw new IllegalArgumentException("slice " + start + ":" + end + " of axis " + a + " of " + this);
    }
    if (start == 0 && end == dims[a]) {
      return this;
    }
    if (recipe instanceof Recipe.Slice outer && outer.axis() == a) {
      return outer.input().slice(a, outer.start() + start, outer.start() + end);
    } else if (recipe instanceof Recipe.Concat all && all.axis() == a && start < end) {
      return sliceOfParts(all, start, end);
    }
    long[] d = dims.clone();
    d[a] = end - start;
    return new Tensor(dtype, d, new Recipe.Slice(this, a, start, end));
  }

  /** Only the parts that the slice touches: so a recipe names no parameters that its elements do not come from. */
  private static Tensor sliceOfParts(Recipe.Concat all, long start, long end) {
    List<Tensor> touched = new ArrayList<>();
    long at = 0;
    for (Tensor part : all.inputs()) {
      long size = part.dims[all.axis()];
      if (at < end && at + size > start) {
        touched.add(part.slice(all.axis(), Math.max(start - at, 0), Math.min(end - at, size)));
      }
      at += size;
    }
    return concat(all.axis(), touched);
  }

  /** The tensors one after the other along an axis. Parts that lie side by side in one tensor already stay together. */
  public static Tensor concat(int axis, List<Tensor> all) {
    Tensor first = all.get(0);
    int a = axis < 0 ? axis + first.rank() : axis;
    List<Tensor> parts = new ArrayList<>();
    for (Tensor t : all) {
      List<Tensor> inner = t.recipe instanceof Recipe.Concat c && c.axis() == a ? c.inputs() : List.of(t);
      inner.forEach(i -> addPart(parts, i, a));
    }
    return concatenated(a, parts);
  }

  private static void addPart(List<Tensor> parts, Tensor t, int axis) {
    Tensor last = parts.isEmpty() ? null : parts.get(parts.size() - 1);
    if (last != null && last.recipe instanceof Recipe.Slice s && t.recipe instanceof Recipe.Slice next && s.axis() == axis
        && next.axis() == axis && s.end() == next.start() && same(s.input(), next.input())) {
      parts.set(parts.size() - 1, s.input().slice(axis, s.start(), next.end()));
    } else {
      parts.add(t);
    }
  }

  private static boolean same(Tensor a, Tensor b) {
    return a == b || a.recipe instanceof Recipe.Source x && b.recipe instanceof Recipe.Source y && x.name().equals(y.name())
        && a.dtype == b.dtype && Arrays.equals(a.dims, b.dims);
  }

  private static Tensor concatenated(int a, List<Tensor> parts) {
    Tensor first = parts.get(0);
    if (a < 0 || a >= first.rank()) {
      throw new IllegalArgumentException("axis " + a + " of " + first);
    }
    long[] d = first.dims();
    d[a] = 0;
    for (Tensor t : parts) {
      for (int i = 0; i < d.length; i++) {
        if (t.rank() != first.rank() || t.dtype != first.dtype || i != a && t.dims[i] != first.dims[i]) {
          throw new IllegalArgumentException("cannot concatenate " + parts + " along axis " + a);
        }
      }
      d[a] += t.dims[a];
    }
    return parts.size() == 1 ? first : new Tensor(first.dtype, d, new Recipe.Concat(parts, a));
  }

  /** The elements in reverse order along an axis; negative axes count from the end. */
  public Tensor reverse(int axis) {
    int a = axis < 0 ? axis + dims.length : axis;
    if (a < 0 || a >= dims.length) {
      throw new IllegalArgumentException("axis " + axis + " of " + this);
    }
    return recipe instanceof Recipe.Reverse r && r.axis() == a ? r.input() : new Tensor(dtype, dims, new Recipe.Reverse(this, a));
  }

  public Tensor negate() {
    return new Tensor(dtype, dims, new Recipe.Unary(Recipe.UnaryOp.NEGATE, this));
  }

  public Tensor sqrt() {
    return new Tensor(dtype, dims, new Recipe.Unary(Recipe.UnaryOp.SQRT, this));
  }

  public Tensor reciprocal() {
    return new Tensor(dtype, dims, new Recipe.Unary(Recipe.UnaryOp.RECIPROCAL, this));
  }

  public Tensor plus(Tensor other) {
    return binary(Recipe.BinaryOp.ADD, other);
  }

  public Tensor minus(Tensor other) {
    return binary(Recipe.BinaryOp.SUBTRACT, other);
  }

  public Tensor times(Tensor other) {
    return binary(Recipe.BinaryOp.MULTIPLY, other);
  }

  public Tensor dividedBy(Tensor other) {
    return binary(Recipe.BinaryOp.DIVIDE, other);
  }

  private Tensor binary(Recipe.BinaryOp op, Tensor other) {
    if (dtype != other.dtype) {
      throw new IllegalArgumentException(op + " of " + this + " and " + other);
    }
    int rank = Math.max(dims.length, other.dims.length);
    long[] d = new long[rank];
    for (int i = 0; i < rank; i++) {
      long a = i < rank - dims.length ? 1 : dims[i - rank + dims.length];
      long b = i < rank - other.dims.length ? 1 : other.dims[i - rank + other.dims.length];
      if (a != b && a != 1 && b != 1) {
        throw new IllegalArgumentException(op + ": " + this + " and " + other + " do not broadcast");
      }
      d[i] = a == 1 ? b : a;
    }
    return new Tensor(dtype, d, new Recipe.Binary(op, this, other));
  }

  /** The same elements, computed now and held in memory as a constant. */
  public Tensor evaluated() {
    return storage() != null ? this : constant(recipe.toString(), dtype, dims, Storage.of(bytes()));
  }

  /** {@code float32[64,3,7,7]}. */
  @Override
  public String toString() {
    List<String> parts = new ArrayList<>();
    for (long d : dims) {
      parts.add(Long.toString(d));
    }
    return dtype + "[" + String.join(",", parts) + "]";
  }
}
