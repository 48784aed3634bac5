package dev.tenon.frontend.pickle;

import java.util.Collections;
import java.util.List;

/** A Python tuple; {@code torch.Size} becomes one too. */
public record PickleTuple(List<Object> items) {
  public PickleTuple {
    items = Collections.unmodifiableList(items);
  }

  public int size() {
    return items.size();
  }

  public Object get(int i) {
    return items.get(i);
  }
}
