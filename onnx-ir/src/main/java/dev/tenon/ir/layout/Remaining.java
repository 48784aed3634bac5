package dev.tenon.ir.layout;

import dev.tenon.ir.Shape;
import java.util.List;

/**
 * A transpose that is in the graph after the layout.
 *
 * @param value the value it moves, by its name in the source where it has one
 * @param perm axis i of what it makes is axis {@code perm[i]} of what it reads
 * @param shape of what it reads
 * @param bytes that it moves; an estimate where dimensions are unknown
 * @param place the nodes on either side
 * @param reason why it stays
 */
public record Remaining(String value, List<Integer> perm, Shape shape, long bytes, boolean isEstimate, String place, String reason) {
  public Remaining {
    perm = List.copyOf(perm);
  }
}
