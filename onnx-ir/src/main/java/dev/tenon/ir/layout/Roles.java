package dev.tenon.ir.layout;

import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * The role of each axis of a value, in the source's order. From it follow the two orders that the value may be stored in: the axes
 * sorted by role, those of one role as they follow each other in the source. A value behind a {@code Transpose} of the model has
 * the same roles in another order, and is therefore stored as the value in front of it is.
 */
final class Roles {
  private final AxisRole[] axes;
  private final int[] first;
  private final int[] last;

  private Roles(AxisRole[] axes) {
    this.axes = axes;
    this.first = sorted(AxisRole.BATCH, AxisRole.CHANNEL, AxisRole.SPACE);
    this.last = sorted(AxisRole.BATCH, AxisRole.SPACE, AxisRole.CHANNEL);
  }

  static Roles of(AxisRole... axes) {
    return new Roles(axes.clone());
  }

  /** Batch, channels, and space for the rest: what convolutions and pools read and make. */
  static Roles channelsFirst(int rank) {
    AxisRole[] axes = new AxisRole[rank];
    Arrays.fill(axes, AxisRole.SPACE);
    axes[0] = AxisRole.BATCH;
    axes[1] = AxisRole.CHANNEL;
    return new Roles(axes);
  }

  private int[] sorted(AxisRole... order) {
    int[] perm = new int[axes.length];
    int n = 0;
    for (AxisRole role : order) {
      for (int i = 0; i < axes.length; i++) {
        if (axes[i] == role) {
          perm[n++] = i;
        }
      }
    }
    return perm;
  }

  int rank() {
    return axes.length;
  }

  AxisRole get(int axis) {
    return axes[axis];
  }

  /** Axis i of the stored tensor is axis {@code perm[i]} of the value. Not to be changed. */
  int[] perm(Layout layout) {
    return layout == Layout.CHANNELS_FIRST ? first : last;
  }

  /** False if both layouts are the same. */
  boolean hasChoice() {
    return !Arrays.equals(first, last);
  }

  /** The roles behind a transpose of the value. */
  Roles permute(int[] perm) {
    AxisRole[] p = new AxisRole[axes.length];
    for (int i = 0; i < p.length; i++) {
      p[i] = axes[perm[i]];
    }
    return new Roles(p);
  }

  /** The roles of the last {@code count} axes, which broadcasting lines up. */
  Roles trailing(int count) {
    return new Roles(Arrays.copyOfRange(axes, axes.length - count, axes.length));
  }

  /** The roles of the other axes. */
  Roles without(long... removed) {
    AxisRole[] rest = new AxisRole[axes.length];
    int n = 0;
    for (int i = 0; i < axes.length; i++) {
      int axis = i;
      if (Arrays.stream(removed).noneMatch(a -> a == axis)) {
        rest[n++] = axes[i];
      }
    }
    return new Roles(Arrays.copyOf(rest, n));
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof Roles r && Arrays.equals(axes, r.axes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(axes);
  }

  @Override
  public String toString() {
    return Arrays.stream(axes).map(a -> a.name().substring(0, 1)).collect(Collectors.joining());
  }
}
