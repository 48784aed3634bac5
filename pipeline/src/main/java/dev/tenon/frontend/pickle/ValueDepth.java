package dev.tenon.frontend.pickle;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * Holds what came out of a pickle to a depth that its users may descend recursively, and to having no cycles. Containers that are
 * reached in several ways are looked at once.
 */
final class ValueDepth {
  private static final int MAX_DEPTH = 200;

  private final PicklePlace place;
  /** The depth below a container that is done; null in the map while it is on the path. */
  private final Map<Object, Integer> depths = new IdentityHashMap<>();
  private final Deque<Frame> path = new ArrayDeque<>();

  private ValueDepth(PicklePlace place) {
    this.place = place;
  }

  private static final class Frame {
    private final Object container;
    private final Iterator<?> children;
    private int deepest;

    Frame(Object container, Collection<?> children) {
      this.container = container;
      this.children = children.iterator();
    }
  }

  static void check(PicklePlace place, Object value) {
    new ValueDepth(place).run(value);
  }

  private void run(Object value) {
    enter(value);
    while (!path.isEmpty()) {
      Frame top = path.peek();
      if (top.children.hasNext()) {
        enter(top.children.next());
      } else {
        path.pop();
        depths.put(top.container, top.deepest + 1);
        report(top.deepest + 1);
      }
    }
  }

  private void report(int depth) {
    if (!path.isEmpty()) {
      path.peek().deepest = Math.max(path.peek().deepest, depth);
      if (path.size() + depth > MAX_DEPTH) {
        throw place.bad("values nested deeper than " + MAX_DEPTH, "fewer levels");
      }
    }
  }

  private void enter(Object value) {
    Collection<?> children = children(value);
    if (children == null) {
      return;
    }
    if (depths.containsKey(value)) {
      Integer depth = depths.get(value);
      if (depth == null) {
        throw place.bad("a value that contains itself", "none such");
      }
      report(depth);
      return;
    }
    if (path.size() >= MAX_DEPTH) {
      throw place.bad("values nested deeper than " + MAX_DEPTH, "fewer levels");
    }
    depths.put(value, null);
    path.push(new Frame(value, children));
  }

  private static Collection<?> children(Object value) {
    if (value instanceof PickleTuple t) {
      return t.items();
    } else if (value instanceof Map<?, ?> m) {
      // Keys are checked when they are put.
      return m.values();
    } else if (value instanceof List<?> l) {
      return l;
    } else if (value instanceof PickleObject o) {
      return List.of(o.args(), o.state());
    }
    return null;
  }
}
