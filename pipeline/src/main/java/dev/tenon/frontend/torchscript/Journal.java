package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.aten.TorchDict;
import dev.tenon.frontend.aten.TorchList;
import dev.tenon.frontend.aten.TorchValue;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Remembers what lists, dictionaries and objects held before they were changed, while a body is interpreted whose effects must be
 * undone: the other arm of an {@code if} sees the state before it. Whoever changes one says so first by {@link #beforeChange}.
 */
final class Journal {

  /** A container and what it held. */
  private record Entry(TorchValue container, Object content) {
  }

  private final List<Entry> entries = new ArrayList<>();
  private int open;

  /** Begins to remember; gives a mark for {@link #changedSince} and {@link #undo}. */
  int begin() {
    open++;
    return entries.size();
  }

  void beforeChange(TorchValue container) {
    if (open > 0) {
      entries.add(new Entry(container, content(container)));
    }
  }

  /** The containers changed since the mark, with what they hold now. */
  Map<TorchValue, Object> changedSince(int mark) {
    Map<TorchValue, Object> changed = new IdentityHashMap<>();
    for (Entry e : entries.subList(mark, entries.size())) {
      changed.put(e.container, content(e.container));
    }
    return changed;
  }

  /** Puts everything back as it was at the mark, and ends what {@link #begin} began. */
  void undo(int mark) {
    for (int i = entries.size() - 1; i >= mark; i--) {
      restore(entries.get(i).container, entries.get(i).content);
    }
    entries.subList(mark, entries.size()).clear();
    open--;
  }

  /** A copy of what a container holds: a list of elements, or a map. */
  static Object content(TorchValue container) {
    if (container instanceof TorchList l) {
      return new ArrayList<>(l.elements());
    } else if (container instanceof TorchDict d) {
      return new LinkedHashMap<>(d.entries());
    }
    return new LinkedHashMap<>(((Instance) container).attributes());
  }

  /** Replaces what a container holds, without remembering. */
  @SuppressWarnings("unchecked")
  static void restore(TorchValue container, Object content) {
    if (container instanceof TorchList l) {
      l.elements().clear();
      l.elements().addAll((List<TorchValue>) content);
    } else if (container instanceof TorchDict d) {
      d.entries().clear();
      d.entries().putAll((Map<TorchValue, TorchValue>) content);
    } else {
      Map<String, TorchValue> attributes = ((Instance) container).attributes();
      attributes.clear();
      attributes.putAll((Map<String, TorchValue>) content);
    }
  }
}
