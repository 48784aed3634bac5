package dev.tenon.ir.shape;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Operators that ask for shapes or change them and leave the elements as they are. */
final class ShapeOps {
  private ShapeOps() {}

  static void register(Registry r) {
    r.op("Shape", 1, ShapeOps::shape);
    r.op("Size", 1, ShapeOps::size);
    r.op("Reshape", 1, ShapeOps::reshape);
    r.op("Flatten", 1, ShapeOps::flatten);
    r.op("Squeeze", 1, ShapeOps::squeeze);
    r.op("Unsqueeze", 1, ShapeOps::unsqueeze);
    r.op("Transpose", 1, ShapeOps::transpose);
    r.op("Expand", 1, ShapeOps::expand);
    r.op("DepthToSpace", 1, ShapeOps::depthToSpace);
    r.op("SpaceToDepth", 1, ShapeOps::spaceToDepth);
  }

  private static void shape(NodeContext c) {
    Shape x = c.shape(0);
    if (!x.hasRank()) {
      c.output(0, DataType.INT64, Shape.unknownOfRank(1));
      return;
    }
    int start = clamp(c.intAttr("start", 0), x.rank());
    int end = Math.max(start, clamp(c.intAttr("end", x.rank()), x.rank()));
    c.output(0, DataType.INT64, Shape.of(end - start));
    c.outputData(0, Data.vector(x.subList(start, end)));
  }

  private static int clamp(long axis, int rank) {
    return (int) Math.max(0, Math.min(rank, axis < 0 ? axis + rank : axis));
  }

  private static void size(NodeContext c) {
    c.output(0, DataType.INT64, Shape.SCALAR);
    Shape x = c.shape(0);
    c.outputData(0, x.hasRank() ? Data.scalar(Datum.of(x.numel())) : null);
  }

  // ---- Reshape ----

  private static void reshape(NodeContext c) {
    List<Dim> target = c.dims("shape", 1);
    Shape x = c.shape(0);
    if (target == null) {
      long rank = c.length(1);
      c.output(0, c.dtype(0), rank < 0 ? Shape.unknown() : Shape.unknownOfRank((int) Math.min(rank, Data.MAX_ELEMENTS)));
      return;
    }
    Shape out = reshaped(c, x, target);
    c.output(0, c.dtype(0), out);
    if (out.isStatic()) {
      Data d = c.dataOrUnknowns(0);
      c.outputData(0, d == null ? null : d.reshaped(out.toLongs()));
    }
  }

  /** 0 copies a dimension, -1 is what is left; a symbolic element of which the sign is not known may be either. */
  private static Shape reshaped(NodeContext c, Shape x, List<Dim> target) {
    boolean copyZeros = c.intAttr("allowzero", 0) == 0;
    List<Dim> out = new ArrayList<>();
    int rest = -1;
    int doubtful = 0;
    for (int i = 0; i < target.size(); i++) {
      Dim t = target.get(i);
      if (t.is(0) && copyZeros) {
        out.add(copied(c, x, i));
      } else if (t.is(-1)) {
        if (rest >= 0 && doubtful == 0) {
          throw c.invalid("more than one -1 in " + target);
        }
        rest = i;
        out.add(null);
      } else if (t.isConstant() && t.constant() < 0) {
        throw c.invalid("dimension " + t + " in " + target);
      } else {
        out.add(t);
      }
    }
    for (int i = 0; i < out.size() && rest < 0; i++) {
      if (!c.isNonNegative(out.get(i))) {
        doubtful++;
      }
    }
    if (doubtful > 0) {
      rest = withoutDoubtful(c, out, doubtful);
    }
    if (rest >= 0) {
      out.set(rest, x.hasRank() ? left(c, x.dims(), others(out, rest)) : Dim.unknown());
    }
    checkCount(c, x, out);
    return Shape.of(out);
  }

  private static Dim copied(NodeContext c, Shape x, int i) {
    if (x.hasRank() && i >= x.rank()) {
      throw c.invalid("a 0 for dimension " + i + " that the input of shape " + x + " does not have");
    }
    return x.hasRank() ? x.dim(i) : Dim.unknown();
  }

  /** A single element of unknown sign is found from the number of elements as -1 would be; several are unknown dimensions. */
  private static int withoutDoubtful(NodeContext c, List<Dim> out, int doubtful) {
    int last = -1;
    for (int i = 0; i < out.size(); i++) {
      if (!c.isNonNegative(out.get(i))) {
        out.set(i, doubtful == 1 ? null : Dim.unknown());
        last = i;
      }
    }
    return doubtful == 1 ? last : -1;
  }

  private static List<Dim> others(List<Dim> dims, int without) {
    List<Dim> others = new ArrayList<>(dims);
    others.remove(without);
    return others;
  }

  /** The number of elements of {@code all} over that of {@code part}, cancelling equal dimensions before multiplying. */
  private static Dim left(NodeContext c, List<Dim> all, List<Dim> part) {
    List<Dim> above = new ArrayList<>(all);
    List<Dim> below = new ArrayList<>(part);
    below.removeIf(d -> !d.is(0) && above.remove(d));
    Dim divisor = Shape.of(below).numel();
    if (divisor.is(0)) {
      return Dim.unknown();
    }
    Dim product = Shape.of(above).numel();
    if (product.isConstant() && divisor.isConstant() && product.constant() % divisor.constant() != 0) {
      throw c.invalid("shape " + Shape.of(all) + " has no " + divisor + "-fold of elements for the others of " + Shape.of(part));
    }
    return product.floorDiv(divisor);
  }

  private static void checkCount(NodeContext c, Shape x, List<Dim> out) {
    Shape s = Shape.of(out);
    if (x.isStatic() && s.isStatic() && !x.numel().equals(s.numel())) {
      throw c.invalid("shape " + x + " cannot become " + s);
    }
  }

  // ---- axes of size one ----

  private static void flatten(NodeContext c) {
    Shape x = c.shape(0);
    if (!x.hasRank()) {
      c.output(0, c.dtype(0), Shape.unknownOfRank(2));
      return;
    }
    long attr = c.intAttr("axis", 1);
    int axis = attr == x.rank() ? x.rank() : c.axis(attr, Math.max(1, x.rank()));
    c.output(0, c.dtype(0), Shape.of(Shape.of(x.subList(0, axis)).numel(), Shape.of(x.subList(axis, x.rank())).numel()));
  }

  private static void squeeze(NodeContext c) {
    Shape x = c.shape(0);
    Shape out = Shape.unknown();
    if (x.hasRank() && !c.has("axes", 1)) {
      // Whether an axis of unknown size goes is not known.
      boolean certain = x.dims().stream().allMatch(d -> d.isConstant() || d.provablyDiffers(Dim.ONE));
      out = certain ? Shape.of(x.dims().stream().filter(d -> !d.is(1)).toList()) : out;
    } else if (x.hasRank()) {
      long[] axes = c.longs("axes", 1);
      long count = c.length("axes", 1);
      if (axes != null) {
        List<Dim> dims = new ArrayList<>(x.dims());
        for (int a : c.axes(axes, x.rank())) {
          if (x.dim(a).isConstant() && !x.dim(a).is(1)) {
            throw c.invalid("axis " + a + " of shape " + x + " is not 1");
          }
          dims.set(a, null);
        }
        dims.removeIf(d -> d == null);
        out = Shape.of(dims);
      } else if (count > 0 && count <= x.rank()) {
        out = Shape.unknownOfRank(x.rank() - (int) count);
      }
    }
    c.output(0, c.dtype(0), out);
    passData(c, out);
  }

  private static void unsqueeze(NodeContext c) {
    Shape x = c.shape(0);
    long[] axes = c.longs("axes", 1);
    long count = axes != null ? axes.length : c.length("axes", 1);
    Shape out = Shape.unknown();
    if (x.hasRank() && axes != null) {
      Dim[] dims = new Dim[x.rank() + axes.length];
      for (int a : c.axes(axes, dims.length)) {
        dims[a] = Dim.ONE;
      }
      int next = 0;
      for (int i = 0; i < dims.length; i++) {
        if (dims[i] == null && next == x.rank()) {
          throw c.invalid("axes " + Arrays.toString(axes) + " are not distinct");
        }
        dims[i] = dims[i] != null ? dims[i] : x.dim(next++);
      }
      out = Shape.of(dims);
    } else if (x.hasRank() && count >= 0 && count <= Data.MAX_ELEMENTS) {
      out = Shape.unknownOfRank(x.rank() + (int) count);
    }
    c.output(0, c.dtype(0), out);
    passData(c, out);
  }

  /** The same elements under another shape. */
  private static void passData(NodeContext c, Shape out) {
    Data d = out.isStatic() ? c.dataOrUnknowns(0) : null;
    c.outputData(0, d == null ? null : d.reshaped(out.toLongs()));
  }

  // ---- others ----

  private static void transpose(NodeContext c) {
    Shape x = c.shape(0);
    long[] perm = c.intsAttr("perm", null);
    if (!x.hasRank()) {
      c.output(0, c.dtype(0), perm == null ? x : Shape.unknownOfRank(perm.length));
      return;
    }
    int rank = x.rank();
    int[] p = new int[rank];
    if (perm != null && perm.length != rank) {
      throw c.invalid("perm " + Arrays.toString(perm) + " for shape " + x);
    }
    boolean[] seen = new boolean[rank];
    for (int i = 0; i < rank; i++) {
      p[i] = perm == null ? rank - 1 - i : c.axis(perm[i], rank);
      if (seen[p[i]]) {
        throw c.invalid("perm " + Arrays.toString(perm) + " is no permutation");
      }
      seen[p[i]] = true;
    }
    c.output(0, c.dtype(0), x.permute(p));
    Data d = c.data(0);
    c.outputData(0, d == null ? null : d.transposed(p));
  }

  private static void expand(NodeContext c) {
    Shape x = c.shape(0);
    List<Dim> target = c.dims(1);
    if (target == null) {
      int rank = (int) Math.min(c.length(1), Data.MAX_ELEMENTS);
      c.output(0, c.dtype(0), rank < 0 || !x.hasRank() ? Shape.unknown() : c.broadcast(x, Shape.unknownOfRank(rank)));
      return;
    }
    Shape out = c.broadcast(x, Shape.of(target));
    c.output(0, c.dtype(0), out);
    Data d = out.isStatic() ? c.dataOrUnknowns(0) : null;
    Data shape = d == null ? null : Data.filled(out.toLongs(), null);
    c.outputData(0, shape == null ? null : d.zip(shape, (a, b) -> a));
  }

  private static void depthToSpace(NodeContext c) {
    Shape x = c.shapeOfRank(0, 4);
    long b = blockSize(c);
    c.output(0, c.dtype(0), Shape.of(x.dim(0), x.dim(1).floorDiv(b * b), x.dim(2).times(b), x.dim(3).times(b)));
  }

  private static void spaceToDepth(NodeContext c) {
    Shape x = c.shapeOfRank(0, 4);
    long b = blockSize(c);
    c.output(0, c.dtype(0), Shape.of(x.dim(0), x.dim(1).times(b * b), x.dim(2).floorDiv(b), x.dim(3).floorDiv(b)));
  }

  private static long blockSize(NodeContext c) {
    long b = c.requiredInt("blocksize");
    if (b <= 0 || b > Integer.MAX_VALUE) {
      throw c.invalid("blocksize " + b);
    }
    return b;
  }
}
