package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchList;
import dev.tenon.frontend.aten.TorchNone;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchTuple;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * The brackets of {@code x[:, i, mask]}, with the meaning of
 * <a href="https://numpy.org/doc/stable/user/basics.indexing.html#advanced-indexing">NumPy's advanced indexing</a>: the integer tensors
 * broadcast against each other; a bool tensor of rank r stands for r integer vectors, where it is true; the indexed axes are replaced
 * by the axes of the indices, in place where the indexed axes are neighbours, in front of all others else.
 *
 * @param axes the indexed axes, ascending
 * @param indices an integer tensor for each
 * @param mask the mask, where there is nothing but one bool tensor of rank 2 or more; else null
 */
record IndexList(int rank, List<Integer> axes, List<Value> indices, Value mask) {

  static IndexList of(AtenCall c, TorchValue list, int rank) {
    Onnx o = c.onnx();
    List<TorchValue> given = list instanceof TorchList l ? l.elements() : ((TorchTuple) list).elements();
    List<Integer> axes = new ArrayList<>();
    List<Value> indices = new ArrayList<>();
    int axis = 0;
    long tensors = given.stream().filter(v -> v != TorchNone.NONE).count();
    Value mask = null;
    for (TorchValue v : given) {
      if (!(v instanceof TorchTensor t)) {
        axis++;
        continue;
      }
      Value index = t.value();
      boolean isMask = index.dtype() == DataType.BOOL || index.dtype() == DataType.UINT8;
      if (!isMask) {
        axes.add(axis++);
        indices.add(o.cast(index, DataType.INT64));
        continue;
      }
      int r = o.rank(index);
      if (r == 0) {
        throw c.unsupported("a bool tensor without dimensions as index");
      }
      if (tensors == 1 && r > 1) {
        mask = o.cast(index, DataType.BOOL);
      }
      Value places = mask != null ? null : Selecting.nonzero(o, index);
      for (int i = 0; i < r; i++) {
        axes.add(axis++);
      }
      if (places != null) {
        indices.addAll(r == 1 ? List.of(o.squeeze(places, 0)) : Selecting.rows(o, places, r));
      }
    }
    if (axis > rank) {
      throw c.unsupported(axis + " indices of a tensor of rank " + rank);
    }
    return new IndexList(rank, axes, indices, mask);
  }

  IndexList map(UnaryOperator<Value> change) {
    return new IndexList(rank, axes, indices.stream().map(change).toList(), mask);
  }

  private boolean areNeighbours() {
    return axes.get(axes.size() - 1) - axes.get(0) == axes.size() - 1;
  }

  /** The permutation that brings the indexed axes to the front. */
  private int[] toFront() {
    int[] perm = new int[rank];
    int n = 0;
    for (int a : axes) {
      perm[n++] = a;
    }
    for (int a = 0; a < rank; a++) {
      if (!axes.contains(a)) {
        perm[n++] = a;
      }
    }
    return perm;
  }

  /** The selected elements. */
  Value read(Onnx o, Value x) {
    if (axes.isEmpty()) {
      return x;
    } else if (axes.size() == 1) {
      return o.gather(x, indices.get(0), axes.get(0));
    }
    if (isGrid()) {
      return readGrid(o, x);
    }
    Value tuples = tuples(o);
    Value selected = o.op("GatherND", o.transpose(x, toFront()), tuples);
    return o.transpose(selected, fromFront(tuples.rank() - 1));
  }

  /**
   * True if the indices are those of a grid, {@code x[:, i[:, None], j]}: each varies along an axis of its own, in the order of the
   * indexed axes, which are neighbours.
   */
  private boolean isGrid() {
    int n = indices.size();
    if (mask != null || !areNeighbours() || indices.stream().mapToInt(Value::rank).max().orElse(0) != n) {
      return false;
    }
    for (int i = 0; i < n; i++) {
      Value v = indices.get(i);
      for (int a = 0; a < v.rank(); a++) {
        if (n - v.rank() + a != i && !v.shape().dim(a).is(1)) {
          return false;
        }
      }
    }
    return true;
  }

  /** Axis by axis: whole slices are copied. */
  private Value readGrid(Onnx o, Value x) {
    Value y = x;
    for (int i = 0; i < indices.size(); i++) {
      y = o.gather(y, o.reshape(indices.get(i), -1), axes.get(i));
    }
    return y;
  }

  /** The permutation that brings the axes of the indices from the front to where they belong. */
  private int[] fromFront(int indexRank) {
    int before = areNeighbours() ? axes.get(0) : 0;
    int total = indexRank + rank - axes.size();
    int[] perm = new int[total];
    for (int i = 0; i < total; i++) {
      perm[i] = i < before ? indexRank + i : i < before + indexRank ? i - before : i;
    }
    return perm;
  }

  /** The indices as one tensor, whose last axis has an element for each indexed axis. */
  private Value tuples(Onnx o) {
    if (mask != null) {
      return o.transpose(Selecting.nonzero(o, mask), 1, 0);
    }
    int indexRank = indices.stream().mapToInt(o::rank).max().orElse(0);
    List<Value> same = broadcast(o);
    return o.concat(indexRank, same.stream().map(v -> o.unsqueeze(v, indexRank)).toList());
  }

  private List<Value> broadcast(Onnx o) {
    if (indices.stream().allMatch(v -> v.shape().equals(indices.get(0).shape()))) {
      return indices;
    }
    // The shape of their sum is the common one.
    Value sum = indices.stream().reduce(o::add).orElseThrow();
    List<TorchScalar> sizes = commonSizes(o, sum);
    return indices.stream().map(v -> o.expand(v, sizes)).toList();
  }

  /** Sizes that are constant, or an index's own, need no look at the sum. */
  private List<TorchScalar> commonSizes(Onnx o, Value sum) {
    List<TorchScalar> sizes = new ArrayList<>();
    for (int i = 0; i < sum.rank(); i++) {
      Dim d = sum.shape().dim(i);
      TorchScalar size = null;
      for (Value v : indices) {
        int axis = i - sum.rank() + v.rank();
        if (size == null && axis >= 0 && v.shape().dim(axis).equals(d)) {
          size = o.size(v, axis);
        }
      }
      sizes.add(size == null ? o.size(sum, i) : size);
    }
    return sizes;
  }

  // ---- writing ----

  /**
   * The tensor with the selected elements replaced by, or with {@code reduction} "add" increased by, values that broadcast to the
   * selection's shape.
   */
  Value write(Onnx o, Value x, Value values, String reduction) {
    if (axes.isEmpty()) {
      Value all = o.expand(values, o.sizes(x));
      return reduction.equals("none") ? all : o.add(x, all);
    }
    int[] toFront = toFront();
    Value tuples = axes.size() == 1 ? o.unsqueeze(indices.get(0), indices.get(0).rank()) : tuples(o);
    int indexRank = tuples.rank() - 1;
    Value front = o.transpose(x, toFront);
    int[] fromFront = fromFront(indexRank);
    // The selection's sizes, its index axes in front as ScatterND wants the updates.
    List<TorchScalar> sizes = new ArrayList<>(o.sizes(tuples).subList(0, indexRank));
    sizes.addAll(o.sizes(front).subList(axes.size(), rank));
    List<TorchScalar> selection = Arrays.stream(fromFront).mapToObj(sizes::get).toList();
    int[] back = new int[fromFront.length];
    for (int i = 0; i < back.length; i++) {
      back[fromFront[i]] = i;
    }
    Value updates = o.transpose(o.expand(values, selection), back);
    Value written = Scattering.scatterNd(o, front, tuples, updates, reduction);
    int[] inverse = new int[rank];
    for (int i = 0; i < rank; i++) {
      inverse[toFront[i]] = i;
    }
    return o.transpose(written, inverse);
  }
}
