package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.aten.LoweringException;
import dev.tenon.frontend.aten.TorchDict;
import dev.tenon.frontend.aten.TorchList;
import dev.tenon.frontend.aten.TorchNone;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchString;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchTuple;
import dev.tenon.frontend.aten.TorchValue;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;

/** Functions of lists, tuples and dictionaries. */
final class ContainerBuiltins {
  /** No model repeats a list into one longer than this. */
  private static final int MAX_LENGTH = 1_000_000;

  private ContainerBuiltins() {
  }

  static void register(Builtins b) {
    b.add("aten::len prim::len", ContainerBuiltins::len);
    b.add("aten::append", a -> a.get(0) instanceof TorchList l ? changed(a, l, () -> l.elements().add(a.get(1))) : null);
    b.add("aten::extend", a -> a.get(0) instanceof TorchList l ? changed(a, l, () -> extend(l, List.copyOf(a.elements(1)))) : null);
    b.add("aten::insert", a -> a.get(0) instanceof TorchList l ? changed(a, l, () -> l.elements().add(clamp(a.integer(1), l), a.get(2))) : null);
    b.add("aten::pop", ContainerBuiltins::pop);
    b.add("aten::clear", ContainerBuiltins::clear).add("aten::reverse",
        a -> a.get(0) instanceof TorchList l ? changed(a, l, () -> Collections.reverse(l.elements())) : null);
    b.add("aten::remove", a -> a.get(0) instanceof TorchList l ? changed(a, l, () -> l.elements().remove(require(indexOf(a, l, a.get(1))))) : null);
    b.add("aten::index", a -> a.get(0) instanceof TorchList l && !(a.get(1) instanceof TorchList)
        ? TorchScalar.of((long) require(indexOf(a, l, a.get(1)))) : null);
    b.add("aten::count", a -> a.get(0) instanceof TorchList l ? TorchScalar.of(l.elements().stream().filter(e -> same(a, e, a.get(1))).count()) : null);
    b.add("aten::copy", ContainerBuiltins::copy).add("aten::list", a -> new TorchList(listed(a)));
    b.add("aten::sort", a -> a.get(0) instanceof TorchList l ? changed(a, l, () -> sort(l.elements(), a)) : null);
    b.add("aten::sorted", ContainerBuiltins::sorted);
    b.add("aten::slice", ContainerBuiltins::slice);
    b.add("aten::__contains__", ContainerBuiltins::contains).add("aten::__getitem__", a -> a.in().item(a.get(0), a.get(1)));
    b.add("aten::_set_item", ContainerBuiltins::setItem).add("aten::Delete aten::__delitem__", ContainerBuiltins::delete);
    b.add("aten::add aten::add_", ContainerBuiltins::concatenate).add("aten::mul", ContainerBuiltins::repeat);
    b.add("aten::eq", a -> equal(a, false)).add("aten::ne", a -> equal(a, true));
    b.add("aten::keys", a -> new TorchList(List.copyOf(a.dict(0).entries().keySet())));
    b.add("aten::values", a -> a.get(0) instanceof TorchDict d ? new TorchList(List.copyOf(d.entries().values())) : null);
    b.add("aten::items", a -> new TorchList(a.dict(0).entries().entrySet().stream().map(e -> TorchTuple.of(e.getKey(), e.getValue())).toList()));
    b.add("aten::get", a -> a.get(0) instanceof TorchDict d ? d.entries().getOrDefault(a.get(1), a.get(2)) : null);
    b.add("aten::setdefault", ContainerBuiltins::setDefault).add("aten::update", ContainerBuiltins::update);
    b.add("aten::dict", ContainerBuiltins::dict);
    b.add("aten::all", a -> ofBools(a, true)).add("aten::any", a -> ofBools(a, false));
    b.add("aten::sum", ContainerBuiltins::sum);
    b.add("prim::rangelist", ContainerBuiltins::rangeList);
    b.add("prim::TupleUnpack prim::ListUnpack", a -> new TorchTuple(a.elements(0)));
    b.add("prim::TupleIndex", a -> a.in().item(a.get(0), a.get(1)));
  }

  private static TorchValue changed(Arguments a, TorchValue container, Runnable change) {
    a.in().journal().beforeChange(container);
    change.run();
    return container;
  }

  private static TorchValue len(Arguments a) {
    TorchValue v = a.get(0);
    if (v instanceof TorchDict d) {
      return TorchScalar.of((long) d.entries().size());
    } else if (v instanceof TorchString s) {
      return TorchScalar.of((long) s.text().codePointCount(0, s.text().length()));
    } else if (v instanceof TorchTensor t) {
      return a.in().onnx().size(t.value(), 0);
    }
    return TorchScalar.of((long) a.elements(0).size());
  }

  private static void extend(TorchList l, List<TorchValue> more) {
    checkLength((long) l.elements().size() + more.size());
    l.elements().addAll(more);
  }

  private static void checkLength(long length) {
    if (length > MAX_LENGTH) {
      throw new LoweringException("a list of " + length + " elements; at most " + MAX_LENGTH + " are followed");
    }
  }

  private static int clamp(long i, TorchList l) {
    long at = i < 0 ? i + l.elements().size() : i;
    return (int) Math.max(0, Math.min(at, l.elements().size()));
  }

  private static TorchValue pop(Arguments a) {
    if (a.get(0) instanceof TorchList l) {
      int at = Interpreter.position(a.integer(1, -1), l.elements().size());
      a.in().journal().beforeChange(l);
      return l.elements().remove(at);
    }
    TorchDict d = a.dict(0);
    a.in().journal().beforeChange(d);
    TorchValue removed = d.entries().remove(a.get(1));
    if (removed == null && a.count() < 3) {
      throw new RaiseSignal("KeyError: " + Values.describe(a.get(1)));
    }
    return removed == null ? a.get(2) : removed;
  }

  private static TorchValue clear(Arguments a) {
    if (a.get(0) instanceof TorchList l) {
      return changed(a, l, () -> l.elements().clear());
    }
    TorchDict d = a.dict(0);
    return changed(a, d, () -> d.entries().clear());
  }

  private static int indexOf(Arguments a, TorchList l, TorchValue v) {
    for (int i = 0; i < l.elements().size(); i++) {
      if (same(a, l.elements().get(i), v)) {
        return i;
      }
    }
    return -1;
  }

  private static int require(int index) {
    if (index < 0) {
      throw new RaiseSignal("ValueError: the value is not in the list");
    }
    return index;
  }

  private static TorchValue copy(Arguments a) {
    if (a.get(0) instanceof TorchDict d) {
      TorchDict copy = new TorchDict();
      copy.entries().putAll(d.entries());
      return copy;
    }
    return a.get(0) instanceof TorchList l ? new TorchList(l.elements()) : null;
  }

  private static List<TorchValue> listed(Arguments a) {
    if (a.get(0) instanceof TorchString s) {
      return s.text().codePoints().mapToObj(c -> (TorchValue) new TorchString(Character.toString(c))).toList();
    } else if (a.get(0) instanceof TorchDict d) {
      return List.copyOf(d.entries().keySet());
    }
    return a.count() == 0 ? List.of() : a.elements(0);
  }

  private static void sort(List<TorchValue> elements, Arguments a) {
    boolean numbers = elements.stream().allMatch(e -> e instanceof TorchScalar s && s.isConstant());
    boolean texts = elements.stream().allMatch(e -> e instanceof TorchString);
    if (!numbers && !texts) {
      throw a.bad(0, "a list of numbers or strings known at conversion time");
    }
    Comparator<TorchValue> order = numbers ? Comparator.comparingDouble(e -> ((TorchScalar) e).toDouble())
        : Comparator.comparing(e -> ((TorchString) e).text());
    elements.sort(a.get(1, "reverse") instanceof TorchScalar r && r.toBoolean() ? order.reversed() : order);
  }

  private static TorchValue sorted(Arguments a) {
    List<TorchValue> elements = Values.elements(a.get(0));
    if (elements == null) {
      return null;
    }
    TorchList copy = new TorchList(elements);
    sort(copy.elements(), a);
    return copy;
  }

  private static TorchValue slice(Arguments a) {
    if (a.get(0) instanceof TorchTensor) {
      return null;
    }
    if (a.get(0) instanceof TorchString s) {
      return new TorchString(String.join("", sliced(s.text().codePoints().mapToObj(Character::toString).toList(), a)));
    }
    List<TorchValue> part = sliced(a.elements(0), a);
    return a.get(0) instanceof TorchList ? new TorchList(part) : new TorchTuple(part);
  }

  /** Elements {@code start:end:step}, given as arguments 1 to 3. */
  private static <T> List<T> sliced(List<T> all, Arguments a) {
    long step = a.get(3, "step") == TorchNone.NONE ? 1 : a.integer(3);
    if (step == 0) {
      throw new RaiseSignal("slice step cannot be zero");
    }
    long size = all.size();
    long start = bound(a.integer(1, step > 0 ? 0 : size - 1), size, step);
    long end = a.isNone(2) ? step > 0 ? size : -1 : bound(a.integer(2), size, step);
    List<T> part = new ArrayList<>();
    for (long i = start; step > 0 ? i < end : i > end; i += step) {
      part.add(all.get((int) i));
    }
    return part;
  }

  private static long bound(long i, long size, long step) {
    long at = i < 0 ? i + size : i;
    return step > 0 ? Math.max(0, Math.min(at, size)) : Math.max(-1, Math.min(at, size - 1));
  }

  private static TorchValue contains(Arguments a) {
    if (a.get(0) instanceof TorchDict d) {
      return TorchScalar.of(d.entries().containsKey(a.get(1)));
    } else if (a.get(0) instanceof TorchString s) {
      return TorchScalar.of(s.text().contains(a.text(1)));
    }
    TorchScalar found = TorchScalar.of(false);
    for (TorchValue e : a.elements(0)) {
      found = a.numbers().logic(false, found, a.in().equal(e, a.get(1)));
    }
    return found;
  }

  private static boolean same(Arguments a, TorchValue x, TorchValue y) {
    TorchScalar s = a.in().equal(x, y);
    if (!s.isConstant()) {
      throw new LoweringException(a.name() + " of a list whose elements are only known at run time");
    }
    return s.toBoolean();
  }

  private static TorchValue setItem(Arguments a) {
    a.in().setItem(a.get(0), a.get(1), a.get(2));
    return a.get(0);
  }

  private static TorchValue delete(Arguments a) {
    if (a.get(0) instanceof TorchList l) {
      return changed(a, l, () -> l.elements().remove(Interpreter.position(a.integer(1), l.elements().size())));
    }
    TorchDict d = a.dict(0);
    return changed(a, d, () -> d.entries().remove(a.get(1)));
  }

  private static TorchValue concatenate(Arguments a) {
    if (a.get(0) instanceof TorchList l && a.get(1) instanceof TorchList m) {
      if (a.name().endsWith("_")) {
        return changed(a, l, () -> extend(l, List.copyOf(m.elements())));
      }
      TorchList both = new TorchList(l.elements());
      extend(both, m.elements());
      return both;
    }
    if (a.get(0) instanceof TorchTuple t && a.get(1) instanceof TorchTuple u) {
      List<TorchValue> both = new ArrayList<>(t.elements());
      both.addAll(u.elements());
      return new TorchTuple(both);
    }
    return null;
  }

  private static TorchValue repeat(Arguments a) {
    int of = a.get(0) instanceof TorchList ? 0 : 1;
    if (!(a.get(of) instanceof TorchList l)) {
      return null;
    }
    long times = Math.max(0, a.integer(1 - of));
    checkLength(Math.multiplyHigh(times, l.elements().size()) != 0 ? Long.MAX_VALUE : times * l.elements().size());
    TorchList result = new TorchList(List.of());
    for (long i = 0; i < times && !l.elements().isEmpty(); i++) {
      result.elements().addAll(l.elements());
    }
    return result;
  }

  private static TorchValue equal(Arguments a, boolean negate) {
    if (a.get(0) instanceof TorchTensor || a.get(1) instanceof TorchTensor) {
      return null;
    }
    TorchScalar equal = a.in().equal(a.get(0), a.get(1));
    return negate ? a.numbers().not(equal) : equal;
  }

  private static TorchValue setDefault(Arguments a) {
    TorchDict d = a.dict(0);
    if (!d.entries().containsKey(a.get(1))) {
      changed(a, d, () -> d.entries().put(a.get(1), a.get(2)));
    }
    return d.entries().get(a.get(1));
  }

  private static TorchValue update(Arguments a) {
    TorchDict d = a.dict(0);
    return changed(a, d, () -> d.entries().putAll(a.dict(1).entries()));
  }

  private static TorchValue dict(Arguments a) {
    TorchDict result = new TorchDict();
    if (a.get(0) instanceof TorchDict d) {
      result.entries().putAll(d.entries());
    } else if (a.count() > 0) {
      for (TorchValue pair : a.elements(0)) {
        List<TorchValue> kv = Values.elements(pair);
        if (kv == null || kv.size() != 2) {
          throw a.bad(0, "a list of pairs");
        }
        result.entries().put(kv.get(0), kv.get(1));
      }
    }
    return result;
  }

  private static TorchValue ofBools(Arguments a, boolean all) {
    if (!(a.get(0) instanceof TorchList l) || l.elements().stream().anyMatch(e -> !(e instanceof TorchScalar))) {
      return null;
    }
    TorchScalar result = TorchScalar.of(all);
    for (TorchValue e : l.elements()) {
      result = a.numbers().logic(all, result, (TorchScalar) e);
    }
    return result;
  }

  private static TorchValue sum(Arguments a) {
    if (!(a.get(0) instanceof TorchList l) || l.elements().stream().anyMatch(e -> !(e instanceof TorchScalar))) {
      return null;
    }
    TorchScalar result = TorchScalar.of(0);
    for (TorchValue e : l.elements()) {
      result = a.numbers().binary("add", result, (TorchScalar) e);
    }
    return result;
  }

  private static TorchValue rangeList(Arguments a) {
    long n = a.integer(0);
    checkLength(n);
    TorchList result = new TorchList(List.of());
    for (long i = 0; i < n; i++) {
      result.elements().add(TorchScalar.of(i));
    }
    return result;
  }
}
