package dev.tenon.frontend.aten;

import java.util.List;

/** A Python tuple; also the results of an operator that has several. */
public record TorchTuple(List<TorchValue> elements) implements TorchValue {
  public TorchTuple {
    elements = List.copyOf(elements);
  }

  public static TorchTuple of(TorchValue... elements) {
    return new TorchTuple(List.of(elements));
  }

  public TorchValue get(int i) {
    return elements.get(i);
  }
}
