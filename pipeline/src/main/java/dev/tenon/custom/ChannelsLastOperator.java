package dev.tenon.custom;

import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.Value.Origin;
import java.util.ArrayList;
import java.util.List;

/** A custom operator whose kernel has the channels last, in a graph that has them first. */
final class ChannelsLastOperator {
  private static final int SPATIAL_RANK = 3;

  private ChannelsLastOperator() {}

  /** Puts transposes before the node's inputs and behind its outputs, where they have a rank of three or more. */
  static void transpose(Node n) {
    Graph g = n.graph();
    for (int i = 0; i < n.inputs().size(); i++) {
      Value v = n.input(i);
      if (v != null && v.rank() >= SPATIAL_RANK) {
        int[] perm = toLast(v.rank());
        Value t = g.newNode("Transpose").inputs(v).attr("perm", longs(perm)).provenance(n.provenance())
            .output(v.name(), Type.tensor(v.dtype(), v.shape().permute(perm))).insertBefore(n).output();
        g.setInput(n, i, t);
      }
    }
    for (Value v : n.outputs()) {
      if (v != null && v.rank() >= SPATIAL_RANK) {
        int[] perm = toLast(v.rank());
        Type type = v.type();
        Origin origin = v.origin();
        Node back = g.newNode("Transpose").inputs(v).attr("perm", longs(toFirst(v.rank()))).provenance(n.provenance())
            .output(v.name(), type).insertAfter(n);
        g.replaceAllUses(v, back.output());
        g.setInput(back, 0, v);
        back.output().setOrigin(origin);
        v.setType(Type.tensor(v.dtype(), v.shape().permute(perm)));
        v.setOrigin(origin == null ? null : new Origin(origin.name(), compose(origin.perm(), perm)));
      }
    }
  }

  /** The shape that the kernel sees. */
  static Shape last(Shape s) {
    return s.rank() >= SPATIAL_RANK ? s.permute(toLast(s.rank())) : s;
  }

  /** The shape in the source of what the kernel gives. */
  static Shape first(Shape s) {
    return s.rank() >= SPATIAL_RANK ? s.permute(toFirst(s.rank())) : s;
  }

  /** Batch first, channels last: dimension i of the result is dimension {@code perm[i]}. */
  private static int[] toLast(int rank) {
    int[] perm = new int[rank];
    for (int i = 0; i < rank; i++) {
      perm[i] = i == 0 ? 0 : i == rank - 1 ? 1 : i + 1;
    }
    return perm;
  }

  private static int[] toFirst(int rank) {
    int[] perm = new int[rank];
    for (int i = 0; i < rank; i++) {
      perm[i] = i == 0 ? 0 : i == 1 ? rank - 1 : i - 1;
    }
    return perm;
  }

  private static List<Integer> compose(List<Integer> first, int[] then) {
    List<Integer> perm = new ArrayList<>();
    for (int p : then) {
      perm.add(first.isEmpty() ? p : first.get(p));
    }
    return perm;
  }

  private static long[] longs(int[] perm) {
    long[] l = new long[perm.length];
    for (int i = 0; i < perm.length; i++) {
      l[i] = perm[i];
    }
    return l;
  }
}
