package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.aten.LoweringException;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchObject;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchScalar.Kind;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * A list whose length is only known at run time, as a loop that collects its results makes one: all elements stacked along a new first
 * axis, so that they must have one shape. Compared by identity; never changed.
 *
 * @param stacked the elements
 * @param kind of numbers, null for tensors
 */
record RuntimeList(Value stacked, Kind kind) implements TorchObject {

  static void register(Builtins b) {
    b.add("aten::stack", a -> a.get(0) instanceof RuntimeList l ? l.stack(a.in().onnx(), dim(a)) : null);
    b.add("aten::cat aten::concat", a -> a.get(0) instanceof RuntimeList l ? l.cat(a.in().onnx(), dim(a)) : null);
    b.add("aten::len", a -> a.get(0) instanceof RuntimeList l ? a.in().onnx().size(l.stacked, 0) : null);
    b.add("aten::tensor aten::as_tensor", a -> a.get(0) instanceof RuntimeList l && l.kind != null ? l.tensor(a.in().onnx()) : null);
    b.add("aten::copy aten::list", a -> a.get(0) instanceof RuntimeList l ? l : null);
    b.add("aten::unbind", RuntimeList::unbind);
    b.add("aten::slice", a -> a.get(0) instanceof RuntimeList l ? l.slice(a) : null);
  }

  private static long dim(Arguments a) {
    return a.count() > 1 ? a.integer(1) : a.get(1, "dim") instanceof TorchScalar s ? s.toLong() : 0;
  }

  /** A tensor taken apart along an axis of open size. */
  private static TorchValue unbind(Arguments a) {
    TorchTensor t = a.tensor(0);
    Onnx o = a.in().onnx();
    int axis = axis(dim(a), o.rank(t.value()));
    return t.shape().dim(axis).isConstant() ? null : new RuntimeList(moved(o, t.value(), axis, 0), null);
  }

  private static int axis(long dim, int rank) {
    if (dim < -rank || dim >= rank) {
      throw new LoweringException("dimension " + dim + " of a tensor of rank " + rank);
    }
    return (int) (dim < 0 ? dim + rank : dim);
  }

  /** The list's elements after those that a list of known length holds. */
  RuntimeList after(Onnx o, List<TorchValue> first) {
    if (first.isEmpty()) {
      return this;
    }
    List<Value> parts = new ArrayList<>();
    for (TorchValue v : first) {
      Value element = v instanceof TorchTensor t ? t.value() : ((TorchScalar) v).scalar(o, stacked.dtype());
      parts.add(o.unsqueeze(o.cast(element, stacked.dtype()), 0));
    }
    parts.add(stacked);
    return new RuntimeList(o.concat(0, parts), kind);
  }

  /** An element; the position may be negative. */
  TorchValue get(Onnx o, TorchScalar position) {
    Value element = o.gather(stacked, position.scalar(o), 0);
    return kind == null ? TorchTensor.of(element) : o.number(kind, element);
  }

  RuntimeList reversed(Onnx o) {
    return new RuntimeList(o.op("Slice", stacked, o.vector(-1), o.vector(Long.MIN_VALUE + 1), o.vector(0), o.vector(-1)), kind);
  }

  private TorchValue slice(Arguments a) {
    Onnx o = a.in().onnx();
    long step = a.integer(3, 1);
    if (step == -1 && a.isNone(1) && a.isNone(2)) {
      return reversed(o);
    }
    if (step < 1) {
      throw new LoweringException("a slice backwards of a list whose length is only known at run time");
    }
    TorchScalar from = a.isNone(1) ? TorchScalar.of(0) : a.scalar(1);
    TorchScalar to = a.isNone(2) ? TorchScalar.of(Long.MAX_VALUE) : a.scalar(2);
    return new RuntimeList(o.slice(stacked, 0, from, to, step), kind);
  }

  private TorchValue stack(Onnx o, long dim) {
    return TorchTensor.of(moved(o, stacked, 0, axis(dim, o.rank(stacked))));
  }

  private TorchValue tensor(Onnx o) {
    return TorchTensor.of(kind == Kind.FLOAT ? o.cast(stacked, DataType.FLOAT) : stacked);
  }

  private TorchValue cat(Onnx o, long dim) {
    int axis = axis(dim, o.rank(stacked) - 1);
    Value beside = moved(o, stacked, 0, axis);
    List<TorchScalar> sizes = new ArrayList<>(o.sizes(beside));
    TorchScalar count = sizes.remove(axis);
    sizes.set(axis, o.times(count, sizes.get(axis)));
    return TorchTensor.of(o.reshape(beside, sizes));
  }

  /** The tensor with one axis moved to another place. */
  private static Value moved(Onnx o, Value x, int from, int to) {
    Shape shape = x.shape();
    List<Integer> perm = new ArrayList<>();
    for (int i = 0; i < shape.rank(); i++) {
      perm.add(i);
    }
    perm.add(to, perm.remove(from));
    return o.transpose(x, perm.stream().mapToInt(Integer::intValue).toArray());
  }

  @Override
  public boolean equals(Object o) {
    return this == o;
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(this);
  }

  @Override
  public String toString() {
    return "a list of a length known at run time";
  }
}
