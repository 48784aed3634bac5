package dev.tenon.tf.emit;

import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.Tf;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.tensorflow.Output;
import org.tensorflow.proto.DataType;

/**
 * A transpose that leaves the last axis where it is, as attention has for its heads, by gathering whole rows.
 *
 * <p>oneDNN's transpose hands its work to a second thread, whatever the size, and waits for it: some 70 us a call where GatherV2 takes 6. Only
 * in frozen graphs: the gradient of a gather is a sum over segments, slower than a transpose.
 */
final class RowTranspose {
  /** Shorter rows than this are not worth a copy each. */
  private static final long MIN_ROW = 16;
  private static final long MAX_CONSTANT_INDICES = 1 << 14;

  private final Tf tf;
  private final Sizes sizes;
  private final Shape shape;
  private final Output<?> x;
  private final int[] perm;
  /** The axes from {@code first} up to {@code last} are those that the indices are over; those before and behind stay. */
  private final int first;
  private final int last;

  private RowTranspose(EmitContext c, int[] perm, int first, int last) {
    this.tf = c.tf();
    this.sizes = new Sizes(tf);
    this.shape = c.shape(0);
    this.x = c.in(0);
    this.perm = perm;
    this.first = first;
    this.last = last;
  }

  /** The transpose of input 0; null if it is not of this kind. */
  static Output<?> of(EmitContext c, int[] perm) {
    if (!c.isFrozen() || c.isConstant(0) || c.in(0).dataType() != DataType.DT_FLOAT) {
      return null;
    }
    Shape s = c.shape(0);
    int last = perm.length - 1;
    while (last >= 0 && perm[last] == last) {
      last--;
    }
    int first = 0;
    while (first < last && perm[first] == first) {
      first++;
    }
    long row = Dimensions.product(s, last + 1, perm.length);
    boolean known = Dimensions.product(s, first, last + 1) > 0;
    // The axes before take part if sizes are not known: rows of one matrix need no computed shape.
    RowTranspose t = new RowTranspose(c, perm, known ? first : 0, last);
    boolean needsShape = t.first > 1 || last < perm.length - 2;
    boolean fits = row >= MIN_ROW && t.constantIndices() > 0 && t.constantIndices() <= MAX_CONSTANT_INDICES
        && (!needsShape || s.dims().stream().filter(d -> !d.isConstant()).count() <= 1);
    return fits ? t.gathered(row, needsShape) : null;
  }

  private long size(int axis) {
    return shape.dim(axis).orMinusOne();
  }

  /** How far apart in rows the elements of an axis are; -1 if that is known at run time only. */
  private long stride(int axis) {
    return Dimensions.product(shape, axis + 1, last + 1);
  }

  private boolean isComputed(int axis) {
    return size(axis) < 0 || stride(axis) < 0;
  }

  private long constantIndices() {
    long n = 1;
    for (int a = first; a <= last; a++) {
      n *= isComputed(a) ? size(a) == 0 ? 0 : 1 : size(a);
    }
    return n;
  }

  private Output<?> gathered(long row, boolean needsShape) {
    Output<?> rows = first == 0 ? tf.reshape(x, -1, row) : tf.reshape(x, -1, Dimensions.product(shape, first, last + 1), row);
    Output<?> y = tf.gather(rows, indices(), first == 0 ? 0 : 1);
    return needsShape ? tf.reshape(y, Arrays.stream(perm).mapToLong(this::size).toArray()) : y;
  }

  /** For each row of the result the row of the input: a sum of position times stride over the axes. */
  private Output<?> indices() {
    int count = last - first + 1;
    int[] dims = new int[count];
    for (int i = 0; i < count; i++) {
      dims[i] = isComputed(perm[first + i]) ? 1 : (int) size(perm[first + i]);
    }
    int[] constant = {0};
    for (int i = 0; i < count; i++) {
      int step = dims[i] == 1 ? 0 : (int) stride(perm[first + i]);
      int size = dims[i];
      constant = Arrays.stream(constant).flatMap(base -> IntStream.range(0, size).map(k -> base + k * step)).toArray();
    }
    Output<?> sum = tf.constant(Tensor.of(constant, Arrays.stream(dims).asLongStream().toArray()));
    for (int i = 0; i < count; i++) {
      if (isComputed(perm[first + i])) {
        long[] along = new long[count];
        Arrays.fill(along, 1);
        along[i] = -1;
        sum = tf.add(sum, tf.reshape(positions(perm[first + i]), along));
      }
    }
    return sum;
  }

  private Output<?> positions(int axis) {
    Output<?> range = tf.call("Range", tf.constInt(0), sizes.of(x, shape, axis).scalar(), tf.constInt(1));
    List<Output<?>> factors = new ArrayList<>();
    long known = 1;
    for (int a = axis + 1; a <= last; a++) {
      if (size(a) >= 0) {
        known *= size(a);
      } else {
        factors.add(sizes.of(x, shape, a).scalar());
      }
    }
    Output<?> y = known == 1 ? range : tf.mul(range, tf.constInt(Math.toIntExact(known)));
    for (Output<?> f : factors) {
      y = tf.mul(y, f);
    }
    return y;
  }
}
