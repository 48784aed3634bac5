package dev.tenon.ir.layout;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Permutations of axes in ONNX's convention: axis i of the result is axis {@code perm[i]} of the input. */
public final class Permutations {
  private Permutations() {}

  /** N, C, spatial… to N, spatial…, C. */
  public static int[] toChannelsLast(int rank) {
    int[] p = new int[rank];
    for (int i = 1; i < rank - 1; i++) {
      p[i] = i + 1;
    }
    p[rank - 1] = 1;
    return p;
  }

  /** N, spatial…, C to N, C, spatial…. */
  public static int[] toChannelsFirst(int rank) {
    return inverse(toChannelsLast(rank));
  }

  public static int[] inverse(int[] perm) {
    int[] q = new int[perm.length];
    for (int i = 0; i < perm.length; i++) {
      q[perm[i]] = i;
    }
    return q;
  }

  /** The permutation that does {@code first}, then {@code second}. */
  public static int[] compose(int[] first, int[] second) {
    int[] p = new int[first.length];
    for (int i = 0; i < p.length; i++) {
      p[i] = first[second[i]];
    }
    return p;
  }

  /** False if an axis is named twice, or is none: what a file says may be anything. */
  private static boolean isPermutation(int[] perm) {
    return Arrays.stream(perm).filter(axis -> axis >= 0 && axis < perm.length).distinct().count() == perm.length;
  }

  public static boolean isIdentity(int[] perm) {
    for (int i = 0; i < perm.length; i++) {
      if (perm[i] != i) {
        return false;
      }
    }
    return true;
  }

  static int[] identity(int rank) {
    int[] p = new int[rank];
    Arrays.setAll(p, i -> i);
    return p;
  }

  /** What turns a tensor stored by {@code from} into the same tensor stored by {@code to}. */
  static int[] between(int[] from, int[] to) {
    int[] at = inverse(from);
    int[] p = new int[to.length];
    Arrays.setAll(p, i -> at[to[i]]);
    return p;
  }

  static int[] ofLongs(long[] perm) {
    return Arrays.stream(perm).mapToInt(p -> (int) p).toArray();
  }

  static long[] toLongs(int[] perm) {
    return Arrays.stream(perm).asLongStream().toArray();
  }

  /**
   * The permutation of a {@code Transpose} node, reversed axes if it names none; null if the rank is not known, or what it names is no
   * permutation.
   */
  public static int[] of(Node transpose) {
    long[] p = transpose.intsAttr("perm", null);
    if (p != null) {
      int[] perm = ofLongs(p);
      return isPermutation(perm) ? perm : null;
    }
    int rank = transpose.input(0).rank();
    if (rank < 0) {
      return null;
    }
    int[] reversed = new int[rank];
    Arrays.setAll(reversed, i -> rank - 1 - i);
    return reversed;
  }

  static Type permuted(Type type, int[] perm) {
    if (!(type instanceof Type.TensorType t)) {
      return null;
    }
    return Type.tensor(t.dtype(), t.shape().rank() == perm.length ? t.shape().permute(perm) : Shape.unknown());
  }

  static Type unsqueezed(Type type, long[] axes) {
    if (!(type instanceof Type.TensorType t) || !t.shape().hasRank()) {
      return null;
    }
    List<Dim> dims = new ArrayList<>(t.shape().dims());
    for (long axis : axes) {
      dims.add((int) axis, Dim.ONE);
    }
    return Type.tensor(t.dtype(), Shape.of(dims));
  }

  /** True if only axes of size one change places, so that the elements stay where they are in memory. */
  static boolean movesOnlyOnes(Shape stored, int[] perm) {
    int last = -1;
    for (int axis : perm) {
      if (!stored.hasRank() || !stored.dim(axis).is(1)) {
        if (axis < last) {
          return false;
        }
        last = axis;
      }
    }
    return true;
  }
}
