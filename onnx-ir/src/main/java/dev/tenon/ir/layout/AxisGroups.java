package dev.tenon.ir.layout;

import dev.tenon.ir.Dim;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Which axes of a reshape's input become which of its output: {@code [N, g*c, H, W] → [N, g, c, H*W]} is 1:1, 1:2, 2:1. Axes of size
 * one may come and go anywhere.
 */
final class AxisGroups {
  /** Consecutive axes of the input that become consecutive axes of the output. */
  private record Group(int inFrom, int inTo, int outFrom, int outTo) {
    boolean isOneToOne() {
      return inTo - inFrom == 1 && outTo - outFrom == 1;
    }
  }

  private final List<Group> groups = new ArrayList<>();
  private final List<Dim> in;
  private final List<Dim> out;
  /** Axes of size one have their place too: of a squeeze or an unsqueeze. */
  private final boolean strict;

  private AxisGroups(List<Dim> in, List<Dim> out, boolean strict) {
    this.in = in;
    this.out = out;
    this.strict = strict;
  }

  /** The axes in {@code removed} go away. */
  static AxisGroups squeeze(List<Dim> in, List<Dim> out, long[] removed) {
    AxisGroups g = new AxisGroups(in, out, true);
    for (int i = 0, j = 0; i < in.size(); i++) {
      int axis = i;
      boolean goes = Arrays.stream(removed).anyMatch(a -> (a < 0 ? a + in.size() : a) == axis);
      g.groups.add(new Group(i, i + 1, j, goes ? j : ++j));
    }
    return g;
  }

  /** The axes of the output in {@code added} are new. */
  static AxisGroups unsqueeze(List<Dim> in, List<Dim> out, long[] added) {
    return squeeze(out, in, added).reversed();
  }

  static AxisGroups reshape(List<Dim> in, List<Dim> out) {
    AxisGroups g = new AxisGroups(in, out, false);
    int m = in.size();
    int n = out.size();
    int i = 0;
    int j = 0;
    while (i < m || j < n) {
      if (i < m && j < n && in.get(i).equals(out.get(j))) {
        g.groups.add(new Group(i, ++i, j, ++j));
      } else if (i < m && in.get(i).is(1)) {
        g.groups.add(new Group(i, ++i, j, j));
      } else if (j < n && out.get(j).is(1)) {
        g.groups.add(new Group(i, i, j, ++j));
      } else if (i == m || j == n) {
        return null;
      } else {
        int[] ends = ends(in, out, i, j);
        if (ends == null) {
          g.rest(i, j);
          return g;
        }
        g.groups.add(new Group(i, ends[0], j, ends[1]));
        i = ends[0];
        j = ends[1];
      }
    }
    return g;
  }

  /** Where the shortest runs of axes from i and j end that hold provably as many elements; null if there are none. */
  private static int[] ends(List<Dim> in, List<Dim> out, int i, int j) {
    int a = i + 1;
    int b = j + 1;
    Dim x = in.get(i);
    Dim y = out.get(j);
    while (!x.equals(y)) {
      boolean less = estimate(x) < estimate(y);
      if (less && a < in.size()) {
        x = x.times(in.get(a++));
      } else if (!less && b < out.size()) {
        y = y.times(out.get(b++));
      } else {
        return null;
      }
    }
    return new int[] {a, b};
  }

  /** What cannot be told apart is one group, but for the axes at the end that are the same. */
  private void rest(int i, int j) {
    int m = in.size();
    int n = out.size();
    int same = 0;
    while (m - same > i + 1 && n - same > j + 1 && in.get(m - same - 1).equals(out.get(n - same - 1))) {
      same++;
    }
    groups.add(new Group(i, m - same, j, n - same));
    for (int k = same; k > 0; k--) {
      groups.add(new Group(m - k, m - k + 1, n - k, n - k + 1));
    }
  }

  /** Some size for every symbol, only to know which run of axes to extend. */
  private static double estimate(Dim d) {
    Dim sample = d.substitute(symbol -> Dim.of(37 + Math.floorMod(symbol.hashCode(), 16)));
    return sample.isConstant() ? sample.constant() : 32;
  }

  AxisGroups reversed() {
    AxisGroups g = new AxisGroups(out, in, strict);
    groups.forEach(x -> g.groups.add(new Group(x.outFrom, x.outTo, x.inFrom, x.inTo)));
    return g;
  }

  /** The roles of the output's axes; null if axes of different roles are mixed. */
  Roles forward(Roles roles) {
    AxisRole[] result = new AxisRole[out.size()];
    for (Group g : groups) {
      AxisRole role = null;
      for (int i = g.inFrom; i < g.inTo; i++) {
        if (in.get(i).is(1) && !g.isOneToOne()) {
          continue;
        }
        if (role != null && role != roles.get(i)) {
          return null;
        }
        role = roles.get(i);
      }
      if (role == null) {
        // Of size one: it goes along with its neighbour.
        role = g.inFrom > 0 ? roles.get(g.inFrom - 1) : AxisRole.BATCH;
      }
      Arrays.fill(result, g.outFrom, g.outTo, role);
    }
    return Roles.of(result);
  }

  /** True if reshaping the input stored by {@code inPerm} gives the output stored by {@code outPerm}. */
  boolean keepsOrder(int[] inPerm, int[] outPerm) {
    List<Integer> before = order(inPerm, true);
    return before != null && before.equals(order(outPerm, false));
  }

  /** The groups in the order of a stored tensor; null if the axes of one do not follow each other as in the source. */
  private List<Integer> order(int[] perm, boolean ofInput) {
    List<Integer> order = new ArrayList<>();
    int previous = -1;
    for (int axis : perm) {
      int group = groupOf(axis, ofInput);
      boolean counts = strict ? groups.get(group).isOneToOne() : !(ofInput ? in : out).get(axis).is(1);
      if (!counts) {
        continue;
      }
      if (order.isEmpty() || order.get(order.size() - 1) != group) {
        order.add(group);
      } else if (axis < previous) {
        return null;
      }
      previous = axis;
    }
    return order;
  }

  private int groupOf(int axis, boolean ofInput) {
    for (int i = 0; i < groups.size(); i++) {
      Group g = groups.get(i);
      if (ofInput ? axis >= g.inFrom && axis < g.inTo : axis >= g.outFrom && axis < g.outTo) {
        return i;
      }
    }
    throw new IllegalStateException("axis " + axis + " of no group");
  }
}
