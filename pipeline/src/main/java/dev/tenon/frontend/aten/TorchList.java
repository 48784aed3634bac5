package dev.tenon.frontend.aten;

import java.util.ArrayList;
import java.util.List;

/** A Python list, mutable as such: its length is always known. Compared by identity. */
public final class TorchList implements TorchValue {
  private final List<TorchValue> elements;

  public TorchList(List<? extends TorchValue> elements) {
    this.elements = new ArrayList<>(elements);
  }

  public static TorchList ofInts(long... values) {
    List<TorchValue> all = new ArrayList<>();
    for (long v : values) {
      all.add(TorchScalar.of(v));
    }
    return new TorchList(all);
  }

  /** The elements; mutable. */
  public List<TorchValue> elements() {
    return elements;
  }

  @Override
  public String toString() {
    return elements.toString();
  }
}
