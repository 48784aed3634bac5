package dev.tenon.ir.rewrite;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;

/** Matches one pattern at one node by backtracking; the pattern's size bounds the work, not the graph's. */
final class Matcher {
  /** Products with more factors than this are not taken apart further. */
  private static final int MAX_FACTORS = 8;

  private final Node root;
  private final Map<Capture, Value> bindings = new IdentityHashMap<>();
  /** Matched nodes, deepest last; a node may be in it twice where a pattern shares it. */
  private final Deque<Node> path = new ArrayDeque<>();
  private Refusal deepest;
  private int deepestDepth = -1;

  Matcher(Node root) {
    this.root = root;
  }

  /** Runs the pattern; on success the bindings and nodes are left in place. */
  boolean matches(Pattern.Op pattern) {
    return matchNode(pattern, root, () -> true);
  }

  Map<Capture, Value> bindings() {
    return bindings;
  }

  Set<Node> nodes() {
    return new HashSet<>(path);
  }

  /** Why nothing matched: the mismatch that was reached after the most nodes had matched. */
  Refusal refusal() {
    return deepest;
  }

  int refusalDepth() {
    return deepestDepth;
  }

  private boolean fail(Node culprit, String reason) {
    if (path.size() > deepestDepth) {
      deepestDepth = path.size();
      deepest = new Refusal(reason, culprit);
    }
    return false;
  }

  private boolean match(Pattern p, Value v, Node reader, BooleanSupplier rest) {
    if (p instanceof Pattern.OneOf one) {
      for (Pattern alternative : one.alternatives()) {
        if (match(alternative, v, reader, rest)) {
          return true;
        }
      }
      return false;
    }
    if (v == null) {
      return p instanceof Pattern.Absent ? rest.getAsBoolean() : fail(reader, "an input is left out, expected " + p);
    }
    if (p instanceof Pattern.Any) {
      return rest.getAsBoolean();
    } else if (p instanceof Pattern.Absent) {
      return fail(reader, "expected no value, found %" + v.name());
    } else if (p instanceof Pattern.Bind b) {
      return matchBind(b, v, reader, rest);
    } else if (p instanceof Pattern.Constant c) {
      Tensor t = v.constant();
      return t != null && c.condition().test(t) ? rest.getAsBoolean()
          : fail(reader, "expected " + c.description() + ", found " + (t == null ? "%" + v.name() : "constant " + t));
    } else if (p instanceof Pattern.Product product) {
      return matchProduct(product, v, reader, rest);
    }
    Pattern.Op op = (Pattern.Op) p;
    Node n = v.producer();
    if (n == null || v.outputIndex() != 0) {
      return fail(reader, "expected " + op + ", found %" + v.name());
    }
    if (n.graph() != root.graph()) {
      return fail(reader, "%" + v.name() + " comes from an outer graph");
    }
    return matchNode(op, n, rest);
  }

  private boolean matchBind(Pattern.Bind b, Value v, Node reader, BooleanSupplier rest) {
    Value bound = bindings.get(b.capture());
    if (bound != null) {
      return bound == v ? rest.getAsBoolean() : fail(reader, "%" + v.name() + " is not the same as " + b.capture() + " = %" + bound.name());
    }
    bindings.put(b.capture(), v);
    if (match(b.pattern(), v, reader, rest)) {
      return true;
    }
    bindings.remove(b.capture());
    return false;
  }

  private boolean matchNode(Pattern.Op op, Node n, BooleanSupplier rest) {
    boolean known = n.domain().isEmpty() || n.domain().equals(Rule.TENON_DOMAIN);
    if (!known || !op.opTypes().contains(n.opType())) {
      return fail(n, "expected " + op + ", found " + n.qualifiedOp());
    }
    if (!op.condition().test(n)) {
      return fail(n, n.opType() + " has other attributes than the pattern asks for");
    }
    path.addLast(n);
    if (matchInputs(op.inputs(), 0, n, false, rest) || op.commutative() && matchInputs(op.inputs(), 0, n, true, rest)) {
      return true;
    }
    path.removeLast();
    return false;
  }

  private boolean matchInputs(List<Pattern> patterns, int i, Node n, boolean swapped, BooleanSupplier rest) {
    if (i == patterns.size()) {
      return rest.getAsBoolean();
    }
    Value v = n.input(swapped ? 1 - i : i);
    return match(patterns.get(i), v, n, () -> matchInputs(patterns, i + 1, n, swapped, rest));
  }

  // ---- products ----

  private static final class Factors {
    double coefficient = 1;
    DataType dtype = DataType.FLOAT;
    final List<Value> values = new ArrayList<>();
    final List<Node> nodes = new ArrayList<>();
  }

  private boolean matchProduct(Pattern.Product p, Value v, Node reader, BooleanSupplier rest) {
    Factors f = new Factors();
    collect(v, true, f);
    if (f.nodes.isEmpty() && f.values.size() == 1 && p.factors().size() == 1 && p.coefficient() == 1) {
      return match(p.factors().get(0), v, reader, rest);
    }
    if (f.nodes.isEmpty() || f.values.size() != p.factors().size()) {
      return fail(reader, "expected a " + p + ", found " + f.values.size() + " factors");
    }
    if (!Pattern.near(f.coefficient, p.coefficient(), f.dtype)) {
      return fail(reader, "expected the coefficient " + p.coefficient() + ", found " + f.coefficient);
    }
    f.nodes.forEach(path::addLast);
    if (permute(p.factors(), 0, f.values, new boolean[f.values.size()], reader, rest)) {
      return true;
    }
    f.nodes.forEach(n -> path.removeLast());
    return false;
  }

  /** Like {@link #matches} for a product that ends at the root. */
  boolean matchesProduct(Pattern.Product p) {
    return matchProduct(p, root.output(0), root, () -> true);
  }

  private boolean permute(List<Pattern> patterns, int i, List<Value> values, boolean[] used, Node reader, BooleanSupplier rest) {
    if (i == patterns.size()) {
      return rest.getAsBoolean();
    }
    for (int j = 0; j < used.length; j++) {
      if (!used[j]) {
        used[j] = true;
        if (match(patterns.get(i), values.get(j), reader, () -> permute(patterns, i + 1, values, used, reader, rest))) {
          return true;
        }
        used[j] = false;
      }
    }
    return false;
  }

  private void collect(Value v, boolean top, Factors f) {
    Node n = v.producer();
    boolean apart = n != null && n.graph() == root.graph() && (top || v.onlyUse() != null) && f.nodes.size() < MAX_FACTORS;
    if (apart && n.isOp("Mul")) {
      f.nodes.add(n);
      for (int i = 0; i < 2; i++) {
        Double c = scalar(n.input(i), f);
        if (c != null) {
          f.coefficient *= c;
        } else {
          collect(n.input(i), false, f);
        }
      }
    } else if (apart && n.isOp("Div") && scalar(n.input(1), f) != null) {
      f.nodes.add(n);
      f.coefficient /= scalar(n.input(1), f);
      collect(n.input(0), false, f);
    } else {
      f.values.add(v);
    }
  }

  private static Double scalar(Value v, Factors f) {
    Tensor t = v.constant();
    if (t == null || t.numel() != 1 || !t.dtype().isFloat()) {
      return null;
    }
    f.dtype = t.dtype();
    return t.item();
  }
}
