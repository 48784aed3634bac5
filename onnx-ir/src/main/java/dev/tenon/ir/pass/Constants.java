package dev.tenon.ir.pass;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.Recipe;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.DoublePredicate;

/** What passes ask about constant inputs. */
final class Constants {
  /** Constants beyond this many elements are not looked into. */
  private static final long MAX_LOOK = 1 << 16;

  private Constants() {}

  /** The elements of a constant integer tensor of moderate size; null if it is none, or is left out. */
  static long[] ints(Value v) {
    Tensor t = v == null ? null : v.constant();
    return t == null || !t.dtype().isInteger() || t.numel() > MAX_LOOK ? null : t.toLongs();
  }

  /** The list that older opsets hold in an attribute and newer ones in an input; null if absent or not constant. */
  static long[] attrOrInput(Node n, String attr, int input) {
    return n.hasInput(input) ? ints(n.input(input)) : n.intsAttr(attr, null);
  }

  /** The value of a one-element constant of a float or integer type; null if it is none. */
  static Double scalar(Value v) {
    Tensor t = v == null ? null : v.constant();
    return t == null || t.numel() != 1 || !t.dtype().isFloat() && !t.dtype().isInteger() ? null : (Double) t.item();
  }

  /** True for a numeric constant of moderate size whose elements all meet a condition. */
  static boolean all(Tensor t, DoublePredicate condition) {
    if (t == null || t.numel() > MAX_LOOK || !t.dtype().isFloat() && !t.dtype().isInteger()) {
      return false;
    }
    for (double d : t.toDoubles()) {
      if (!condition.test(d)) {
        return false;
      }
    }
    return true;
  }

  /** True if the tensor is computed from a parameter of the source file. Stops at the first one found. */
  static boolean hasSource(Tensor t) {
    Deque<Tensor> todo = new ArrayDeque<>();
    todo.push(t);
    while (!todo.isEmpty()) {
      Recipe r = todo.pop().recipe();
      if (r instanceof Recipe.Source) {
        return true;
      }
      r.inputs().forEach(todo::push);
    }
    return false;
  }

  /** True if both types are fully known and provably the same. */
  static boolean sameType(Value a, Value b) {
    return a.dtype() != DataType.UNDEFINED && a.dtype() == b.dtype() && a.shape().hasRank() && a.shape().equals(b.shape());
  }

  /** True if broadcasting this tensor against the value provably leaves the value's shape as it is. */
  static boolean keepsShapeOf(Tensor t, Value v) {
    Shape s = v.shape();
    if (t.rank() == 0) {
      return true;
    }
    if (!s.hasRank() || t.rank() > s.rank()) {
      return false;
    }
    for (int i = 1; i <= t.rank(); i++) {
      if (t.dim(-i) != 1 && !s.dim(-i).is(t.dim(-i))) {
        return false;
      }
    }
    return true;
  }

  /** Replaces a computed value by a constant of the same name, and takes its node away if nothing else of it is used. */
  static Value replace(Value v, Tensor tensor) {
    Graph g = v.graph();
    Node producer = v.producer();
    String name = v.name();
    Value c = g.newInitializer(name, tensor);
    g.replaceAllUses(v, c);
    if (producer.outputs().stream().allMatch(o -> o == null || o.isUnused())) {
      g.remove(producer);
      if (!isNamed(g, c, name)) {
        g.rename(c, name);
      }
    }
    return c;
  }

  /** True if the name cannot be given back to the constant: a graph's output keeps it. */
  private static boolean isNamed(Graph g, Value c, String name) {
    return c.name().equals(name) || g.outputs().stream().anyMatch(o -> o.name().equals(name));
  }
}
