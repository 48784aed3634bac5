package dev.tenon.tf.emit;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.tf.EmitContext;
import dev.tenon.tf.Tf;
import java.util.Arrays;
import org.tensorflow.Output;

/**
 * The data of an operator on [batch, channels, spatial…] tensors, seen channels-last.
 *
 * <p>The layout pass gives such operators the form {@code dev.tenon::Conv2D}, whose data is channels-last already; where a node is
 * still ONNX's own, the view transposes on the way in and on the way out.
 */
final class Spatial {
  private final EmitContext c;
  private final Tf tf;
  private final boolean channelsLast;
  private final int rank;
  private Output<?> x;

  private Spatial(EmitContext c) {
    this.c = c;
    this.tf = c.tf();
    this.channelsLast = !c.node().domain().equals(Node.ONNX_DOMAIN);
    String op = c.node().opType();
    this.rank = channelsLast ? op.charAt(op.length() - 2) - '0' : dataRank(c) - 2;
    if (rank < 0) {
      throw new IllegalArgumentException("the rank of the input must be known");
    }
  }

  static Spatial of(EmitContext c) {
    return new Spatial(c);
  }

  private static int dataRank(EmitContext c) {
    return c.rank(0) >= 0 ? c.rank(0) : c.outputShape(0).rank();
  }

  /** The number of spatial dimensions. */
  int rank() {
    return rank;
  }

  /** The data as [N, spatial…, C]. */
  Output<?> x() {
    if (x == null) {
      x = channelsLast || rank == 0 ? c.in(0) : tf.transpose(c.in(0), toLast(rank + 2));
    }
    return x;
  }

  /** The size of spatial dimension i; -1 if it is known at run time only. */
  long size(int i) {
    return dim(c.shape(0), channelsLast ? i + 1 : i + 2);
  }

  /** True if spatial dimension i has at least this size, whatever the symbols in it are. */
  boolean isAtLeast(int i, long size) {
    Shape shape = c.shape(0);
    return shape.hasRank() && shape.dim(channelsLast ? i + 1 : i + 2).minus(size).isAtLeast(0);
  }

  long[] sizes() {
    long[] s = new long[rank];
    for (int i = 0; i < rank; i++) {
      s[i] = size(i);
    }
    return s;
  }

  long batch() {
    return dim(c.shape(0), 0);
  }

  long channels() {
    return dim(c.shape(0), channelsLast ? rank + 1 : 1);
  }

  /** The size of spatial dimension i of the result; -1 if it is known at run time only. */
  long outputSize(int i) {
    return dim(c.outputShape(0), channelsLast ? i + 1 : i + 2);
  }

  private static long dim(Shape s, int axis) {
    if (!s.hasRank()) {
      return -1;
    }
    Dim d = s.dim(axis);
    return d.orMinusOne();
  }

  /** Binds output 0 to a channels-last result. */
  void bind(Output<?> y) {
    c.bind(0, toNodeLayout(y));
  }

  /** A channels-last tensor in the layout that the node's outputs have. */
  Output<?> toNodeLayout(Output<?> y) {
    return channelsLast || rank == 0 ? y : tf.transpose(y, toFirst(rank + 2));
  }

  /** Dimensions 1 to rank, the spatial ones. */
  int[] spatialAxes() {
    return java.util.stream.IntStream.rangeClosed(1, rank).toArray();
  }

  /** A vector along the channels, shaped to broadcast against [N, C, spatial…] or [N, spatial…, C] data: itself, as channels are last. */
  static int[] toLast(int rank) {
    int[] p = new int[rank];
    for (int i = 1; i < rank - 1; i++) {
      p[i] = i + 1;
    }
    p[rank - 1] = 1;
    return p;
  }

  static int[] toFirst(int rank) {
    int[] p = new int[rank];
    p[1] = rank - 1;
    for (int i = 2; i < rank; i++) {
      p[i] = i - 1;
    }
    return p;
  }

  /** An attribute with one number a spatial dimension; all {@code byDefault} if it is left out. */
  long[] perAxis(String attr, long byDefault) {
    long[] all = new long[rank];
    Arrays.fill(all, byDefault);
    long[] given = c.node().intsAttr(attr, null);
    if (given == null || given.length == 0) {
      return all;
    }
    if (given.length != rank) {
      throw new IllegalArgumentException(attr + " has " + given.length + " numbers, the input has " + rank + " spatial dimensions");
    }
    return given;
  }
}
