package dev.tenon.ir;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * The shape of a tensor: a list of symbolic dimensions, or nothing known, not even the rank.
 *
 * @param dims the dimensions; null if the rank is unknown
 */
public record Shape(List<Dim> dims) {
  private static final Shape UNKNOWN = new Shape(null);
  public static final Shape SCALAR = new Shape(List.of());

  public Shape {
    dims = dims == null ? null : List.copyOf(dims);
  }

  /** A shape of unknown rank. */
  public static Shape unknown() {
    return UNKNOWN;
  }

  /** A shape of known rank whose dimensions are all unknown and different. */
  public static Shape unknownOfRank(int rank) {
    List<Dim> dims = new ArrayList<>(rank);
    for (int i = 0; i < rank; i++) {
      dims.add(Dim.unknown());
    }
    return new Shape(dims);
  }

  public static Shape of(long... dims) {
    return new Shape(Arrays.stream(dims).mapToObj(Dim::of).toList());
  }

  public static Shape of(Dim... dims) {
    return new Shape(List.of(dims));
  }

  public static Shape of(List<Dim> dims) {
    return new Shape(dims);
  }

  public boolean hasRank() {
    return dims != null;
  }

  /** The number of dimensions; -1 if unknown. */
  public int rank() {
    return dims == null ? -1 : dims.size();
  }

  /** The dimension on an axis; negative axes count from the end. */
  public Dim dim(int axis) {
    return dims.get(axis < 0 ? axis + dims.size() : axis);
  }

  /** True if every dimension is a known number. */
  public boolean isStatic() {
    return dims != null && dims.stream().allMatch(Dim::isConstant);
  }

  /** The dimensions as numbers, -1 for symbolic ones; the rank must be known. */
  public long[] toLongs() {
    return dims.stream().mapToLong(Dim::orMinusOne).toArray();
  }

  /** The product of all dimensions; the rank must be known. */
  public Dim numel() {
    Dim n = Dim.ONE;
    for (Dim d : dims) {
      n = n.times(d);
    }
    return n;
  }

  /** This shape with one dimension replaced; negative axes count from the end. */
  public Shape with(int axis, Dim dim) {
    List<Dim> copy = new ArrayList<>(dims);
    copy.set(axis < 0 ? axis + dims.size() : axis, dim);
    return new Shape(copy);
  }

  /** Dimension i of the result is dimension {@code perm[i]} of this. */
  public Shape permute(int[] perm) {
    return new Shape(Arrays.stream(perm).mapToObj(dims::get).toList());
  }

  public List<Dim> subList(int from, int to) {
    return dims == null ? Collections.emptyList() : dims.subList(from, to);
  }

  /** {@code [batch,3,224,224]}, or {@code [...]} if the rank is unknown. */
  @Override
  public String toString() {
    return dims == null ? "[...]" : dims.stream().map(Dim::toString).toList().toString().replace(", ", ",");
  }
}
