package dev.tenon.ir.layout;

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

  public static boolean isIdentity(int[] perm) {
    for (int i = 0; i < perm.length; i++) {
      if (perm[i] != i) {
        return false;
      }
    }
    return true;
  }

  static int[] ofLongs(long[] perm) {
    return java.util.Arrays.stream(perm).mapToInt(p -> (int) p).toArray();
  }

  static long[] toLongs(int[] perm) {
    return java.util.Arrays.stream(perm).asLongStream().toArray();
  }
}
