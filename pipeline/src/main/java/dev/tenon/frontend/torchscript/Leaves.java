package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.aten.TorchDict;
import dev.tenon.frontend.aten.TorchList;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchTuple;
import dev.tenon.frontend.aten.TorchValue;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/** Takes values apart into the tensors and numbers in them, and puts them together again. */
final class Leaves {
  private Leaves() {
  }

  static boolean isLeaf(TorchValue v) {
    return v instanceof TorchTensor || v instanceof TorchScalar;
  }

  /** The tensors and numbers in a value, in order. */
  static List<TorchValue> of(TorchValue v) {
    List<TorchValue> leaves = new ArrayList<>();
    map(v, leaf -> {
      leaves.add(leaf);
      return leaf;
    });
    return leaves;
  }

  /** The value with other tensors and numbers in place of its own. */
  static TorchValue rebuild(TorchValue v, Iterator<TorchValue> leaves) {
    return map(v, leaf -> leaves.next());
  }

  /** A copy of a value with its tensors and numbers replaced; objects are not looked into. */
  static TorchValue map(TorchValue v, UnaryOperator<TorchValue> f) {
    if (isLeaf(v)) {
      return f.apply(v);
    } else if (v instanceof TorchList l) {
      return new TorchList(l.elements().stream().map(e -> map(e, f)).toList());
    } else if (v instanceof TorchTuple t) {
      return new TorchTuple(t.elements().stream().map(e -> map(e, f)).toList());
    } else if (v instanceof Values.NamedTuple t) {
      return new Values.NamedTuple(t.type(), t.elements().stream().map(e -> map(e, f)).toList());
    } else if (v instanceof TorchDict d) {
      TorchDict copy = new TorchDict();
      d.entries().forEach((k, e) -> copy.entries().put(k, map(e, f)));
      return copy;
    } else if (v instanceof Values.Future future) {
      return new Values.Future(map(future.value(), f));
    }
    return v;
  }

  /** The value as it is now: tensors become tensors of their own, which later writes do not reach. */
  static TorchValue freeze(TorchValue v) {
    return map(v, leaf -> leaf instanceof TorchTensor t ? TorchTensor.of(t.value()) : leaf);
  }

  /** What a list, dictionary or object holds, by position, key or name. */
  static Map<Object, TorchValue> slots(Object content) {
    Map<Object, TorchValue> slots = new LinkedHashMap<>();
    if (content instanceof List<?> l) {
      for (int i = 0; i < l.size(); i++) {
        slots.put(i, (TorchValue) l.get(i));
      }
    } else {
      ((Map<?, ?>) content).forEach((k, v) -> slots.put(k, (TorchValue) v));
    }
    return slots;
  }

  /** The opposite of {@link #slots} for a container of this kind. */
  static Object content(TorchValue container, Map<Object, TorchValue> slots) {
    return container instanceof TorchList ? new ArrayList<>(slots.values()) : new LinkedHashMap<>(slots);
  }
}
