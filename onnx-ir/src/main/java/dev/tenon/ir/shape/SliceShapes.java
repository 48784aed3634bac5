package dev.tenon.ir.shape;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import java.util.Arrays;
import java.util.List;

/** Slice, with starts, ends, axes and steps that are attributes up to opset 9 and inputs since. */
final class SliceShapes {
  /** Starts and ends beyond this mean "as far as it goes", whatever the size. */
  private static final long FAR = Integer.MAX_VALUE;

  private SliceShapes() {}

  static void register(Registry r) {
    r.op("Slice", 1, SliceShapes::slice);
  }

  /** One axis of a slice; null where not known. */
  private record Range(Dim start, Dim end, Dim step) {}

  private static void slice(NodeContext c) {
    Shape x = c.shape(0);
    if (!x.hasRank()) {
      c.output(0, c.dtype(0), x);
      return;
    }
    List<Dim> starts = c.dims("starts", 1);
    List<Dim> ends = c.dims("ends", 2);
    List<Dim> steps = c.has(4) ? c.dims(4) : null;
    int[] axes = axes(c, x, starts, ends);
    if (axes == null) {
      c.output(0, c.dtype(0), Shape.unknownOfRank(x.rank()));
      return;
    }
    checkLength(c, "starts", starts, axes);
    checkLength(c, "ends", ends, axes);
    checkLength(c, "steps", steps, axes);
    Shape out = x;
    Range[] ranges = new Range[axes.length];
    for (int i = 0; i < axes.length; i++) {
      Dim step = !c.has(4) ? Dim.ONE : steps == null ? null : steps.get(i);
      ranges[i] = new Range(starts == null ? null : starts.get(i), ends == null ? null : ends.get(i), step);
      Dim size = size(c, x.dim(axes[i]), ranges[i]);
      out = out.with(axes[i], size == null ? Dim.unknown() : size);
    }
    c.output(0, c.dtype(0), out);
    sliceData(c, axes, ranges);
  }

  private static void checkLength(NodeContext c, String what, List<Dim> list, int[] axes) {
    if (list != null && list.size() != axes.length) {
      throw c.invalid(list.size() + " " + what + " for " + axes.length + " axes");
    }
  }

  /** The axes that are sliced, or null if they are not known. */
  private static int[] axes(NodeContext c, Shape x, List<Dim> starts, List<Dim> ends) {
    if (c.has("axes", 3)) {
      long[] axes = c.longs("axes", 3);
      return axes == null ? null : c.axes(axes, x.rank());
    }
    int n = starts != null ? starts.size() : ends != null ? ends.size() : x.rank();
    if (n > x.rank()) {
      throw c.invalid(n + " starts for shape " + x);
    }
    int[] axes = new int[n];
    Arrays.setAll(axes, i -> i);
    return axes;
  }

  /** The number of elements that a range takes of an axis of size d; null if not known. */
  private static Dim size(NodeContext c, Dim d, Range r) {
    if (r.step == null || r.start == null || r.end == null || !r.step.isConstant()) {
      return null;
    }
    if (r.step.is(0)) {
      throw c.invalid("step 0");
    }
    if (r.step.constant() < 0) {
      return backwards(d, r);
    }
    Dim start = clamp(c, r.start, d);
    Dim end = clamp(c, r.end, d);
    if (start == null || end == null) {
      return null;
    }
    Dim length = end.minus(start);
    // What is a size of something is not negative, even if its terms do not show it.
    length = c.isNonNegative(length) ? length : length.positivePart();
    return length.ceilDiv(r.step.constant());
  }

  /** A start or end between 0 and d; null if not even its sign is known. */
  private static Dim clamp(NodeContext c, Dim at, Dim d) {
    if (at.isConstant() && (at.constant() >= FAR || at.constant() <= -FAR)) {
      return at.constant() > 0 ? d : Dim.ZERO;
    }
    if (c.isNonNegative(at)) {
      return at.is(0) || c.isNonNegative(d.minus(at)) ? at : at.min(d);
    }
    if (at.times(-1).isAtLeast(1)) {
      Dim fromEnd = d.plus(at);
      return c.isNonNegative(fromEnd) ? fromEnd : fromEnd.positivePart();
    }
    return null;
  }

  /** With a negative step: all numbers known, or the whole axis reversed. */
  private static Dim backwards(Dim d, Range r) {
    if (!r.start.isConstant() || !r.end.isConstant()) {
      return null;
    }
    long step = -r.step.constant();
    long start = r.start.constant();
    long end = r.end.constant();
    if ((start == -1 || start >= FAR) && end <= -FAR) {
      return d.ceilDiv(step);
    }
    if (!d.isConstant()) {
      return null;
    }
    long n = d.constant();
    start = Math.max(Math.min(start < 0 ? start + n : start, n - 1), -1);
    end = end <= -FAR ? -1 : Math.max(Math.min(end < 0 ? end + n : end, n - 1), -1);
    return Dim.of(Math.max(0, -Math.floorDiv(end - start, step)));
  }

  private static void sliceData(NodeContext c, int[] axes, Range[] ranges) {
    Data d = c.dataOrUnknowns(0);
    d = d != null && d.dims().length == c.shape(0).rank() ? d : null;
    for (int i = 0; i < axes.length && d != null; i++) {
      Range r = ranges[i];
      Dim count = size(c, Dim.of(d.dims()[axes[i]]), r);
      if (count == null || !count.isConstant() || !r.start.isConstant()) {
        return;
      }
      long n = d.dims()[axes[i]];
      long step = r.step.constant();
      long start = r.start.constant();
      start = Math.max(0, Math.min(start < 0 ? start + n : start, step < 0 ? n - 1 : n));
      d = d.sliced(axes[i], start, step, count.constant());
    }
    c.outputData(0, d);
  }
}
