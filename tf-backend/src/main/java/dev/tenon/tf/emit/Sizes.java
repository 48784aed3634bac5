package dev.tenon.tf.emit;

import dev.tenon.ir.Shape;
import dev.tenon.tf.Tf;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Output;

/** Sizes of axes: numbers where they are known at conversion, else read from a tensor's shape at run time, once each. */
final class Sizes {
  private final Tf tf;
  private final Map<Output<?>, Output<?>> shapes = new HashMap<>();

  Sizes(Tf tf) {
    this.tf = tf;
  }

  /** One size. The tensor it is read from is null if the size is known. */
  final class Size {
    private final long known;
    private final Output<?> from;
    private final int axis;
    private Output<?> scalar;

    private Size(long known, Output<?> from, int axis) {
      this.known = known;
      this.from = from;
      this.axis = axis;
    }

    boolean isKnown() {
      return known >= 0;
    }

    /** -1 if not known. */
    long known() {
      return known;
    }

    /** An int32 scalar. */
    Output<?> scalar() {
      if (scalar == null) {
        scalar = isKnown() ? tf.constInt(Math.toIntExact(known)) : tf.op("StridedSlice")
            .in(shapes.computeIfAbsent(from, tf::shape), tf.constInts(axis), tf.constInts(axis + 1), tf.constInts(1))
            .attr("shrink_axis_mask", 1).out();
      }
      return scalar;
    }

    Size times(long factor) {
      return factor == 1 ? this : isKnown() ? of(known * factor) : computed(tf.mul(scalar(), tf.constInt((int) factor)));
    }

    Size plus(Size other) {
      return isKnown() && other.isKnown() ? of(known + other.known) : computed(tf.add(scalar(), other.scalar()));
    }
  }

  Size of(long known) {
    return new Size(known, null, -1);
  }

  /** The size of an axis of a tensor that has this shape. */
  Size of(Output<?> tensor, Shape shape, int axis) {
    return shape.hasRank() && shape.dim(axis).isConstant() ? of(shape.dim(axis).constant()) : new Size(-1, tensor, axis);
  }

  private Size computed(Output<?> scalar) {
    Size s = new Size(-1, null, -1);
    s.scalar = scalar;
    return s;
  }

  /** The tensor with other dimensions; one that is not known is left to TensorFlow. */
  Output<?> reshape(Output<?> x, Size... dims) {
    long unknown = Arrays.stream(dims).filter(d -> !d.isKnown()).count();
    boolean empty = Arrays.stream(dims).anyMatch(d -> d.known == 0);
    if (unknown == 0 || unknown == 1 && !empty) {
      return tf.reshape(x, Arrays.stream(dims).mapToLong(Size::known).toArray());
    }
    return tf.reshape(x, vector(dims));
  }

  /** The sizes as an int32 vector. */
  Output<?> vector(Size... dims) {
    if (Arrays.stream(dims).allMatch(Size::isKnown)) {
      return tf.constInts(Arrays.stream(dims).mapToInt(d -> Math.toIntExact(d.known)).toArray());
    }
    List<Output<?>> scalars = new ArrayList<>();
    for (Size d : dims) {
      scalars.add(d.scalar());
    }
    return tf.pack(scalars, 0);
  }
}
