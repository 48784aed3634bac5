package dev.tenon.frontend.aten;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Value;

/**
 * A tensor of a PyTorch program. PyTorch's tensors can be written to, ONNX's values cannot: this is a handle whose {@link #value}
 * changes when it is written to. A view ({@code x[:, 0]}, {@code x.view(…)}) knows what it is a view of: writing to it writes to that,
 * and when that is written to the view's value is computed anew the next time that it is asked for.
 */
public final class TorchTensor implements TorchValue {

  /** How a view is made of its base, and how what is written to the view comes back to the base. */
  interface ViewOf {
    /** The view of the base's present value. */
    Value replay();

    /** The base's new value after the view has become {@code written}. */
    Value scatter(Value written);

    /** True if nodes added now may read the value; one made in a body that has ended may not. */
    boolean isVisible(Value v);
  }

  private Value value;
  private TorchTensor base;
  private ViewOf view;
  private long version;
  private long seen;
  private boolean contiguous = true;

  private TorchTensor(Value value, TorchTensor base, ViewOf view) {
    this.value = value;
    this.base = base;
    this.view = view;
    this.seen = base == null ? 0 : base.version();
  }

  /** A tensor of its own. */
  public static TorchTensor of(Value value) {
    return new TorchTensor(value, null, null);
  }

  /** A view of another tensor. */
  static TorchTensor viewOf(TorchTensor base, Value value, ViewOf view) {
    return new TorchTensor(value, base, view);
  }

  /** The present value. */
  public Value value() {
    if (base != null && (seen != base.version() || !view.isVisible(value))) {
      value = view.replay();
      seen = base.version();
    }
    return value;
  }

  /** Puts a tensor of its own back to an earlier value: what a branch wrote is not there in the other branch. */
  public void restore(Value earlier) {
    if (base != null) {
      throw new IllegalStateException("a view has no value of its own");
    }
    value = earlier;
    version++;
  }

  /** Another handle of the same tensor, for {@link #become}. */
  TorchTensor copy() {
    TorchTensor t = new TorchTensor(value, base, view).contiguous(contiguous);
    t.version = version;
    t.seen = seen;
    return t;
  }

  /** From now on this is what the other tensor is: a view of a {@link #copy} of this. */
  void become(TorchTensor other) {
    value = other.value;
    base = other.base;
    view = other.view;
    version = other.version;
    seen = other.seen;
    contiguous = other.contiguous;
  }

  private long version() {
    return base == null ? version : base.version();
  }

  /** Writes all elements: this, what it is a view of, and all other views of that have new elements afterwards. */
  public void write(Value written) {
    if (base == null) {
      value = written;
      version++;
    } else {
      base.write(view.scatter(written));
      value = written;
      seen = base.version();
    }
  }

  /** The tensor at the end of the chain of views: what holds the elements. */
  public TorchTensor root() {
    return base == null ? this : base.root();
  }

  public DataType dtype() {
    return value().dtype();
  }

  public Shape shape() {
    return value().shape();
  }

  /** The rank; -1 if unknown. */
  public int rank() {
    return value().rank();
  }

  /** True if PyTorch holds the elements in row-major order, so that {@code reshape} and {@code contiguous} do not copy. */
  public boolean isContiguous() {
    return contiguous;
  }

  TorchTensor contiguous(boolean is) {
    this.contiguous = is;
    return this;
  }

  @Override
  public String toString() {
    return "Tensor(" + value + ")";
  }
}
