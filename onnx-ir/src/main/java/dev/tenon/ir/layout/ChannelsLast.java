package dev.tenon.ir.layout;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Gives the operators that TensorFlow computes channels-last ({@link ChannelsLastOps}) that layout, with a {@code Transpose} on
 * either side, and carries the transposes behind them on through the operators they commute with ({@link Carriers}) until they
 * meet the transpose in front of the next one and cancel.
 *
 * <p>Which axis is the channel is known from the operator's meaning, never from sizes. One sweep in topological order: linear.
 */
public final class ChannelsLast {
  private final Model model;
  /** A value and a permutation, to the value transposed so. */
  private final Map<Key, Value> transposes = new HashMap<>();
  private final Map<Key, Value> constants = new HashMap<>();
  private final List<Node> spatial = new ArrayList<>();
  private int assigned;

  private record Key(Value value, List<Integer> perm) {}

  /**
   * What the pass did.
   *
   * @param assigned operators that are channels-last now
   * @param transposesLeft transposes in the graph afterwards, those of the model itself included
   */
  public record Result(int assigned, int transposesLeft) {}

  private ChannelsLast(Model model) {
    this.model = model;
  }

  /** Rewrites the graph and its subgraphs in place; types must have been inferred. */
  public static Result run(Model model) {
    ChannelsLast pass = new ChannelsLast(model);
    pass.rewrite(model.graph());
    int[] left = {0};
    model.graph().forEachNode(n -> left[0] += n.isOp("Transpose") ? 1 : 0);
    if (!pass.spatial.isEmpty()) {
      model.opsetImports().put(ChannelsLastOps.DOMAIN, 1);
      ChannelsLastOps.functionsFor(pass.spatial, model.opset()).values().forEach(model::addFunction);
    }
    return new Result(pass.assigned, left[0]);
  }

  int opset() {
    return model.opset();
  }

  private void rewrite(Graph graph) {
    for (Node n : graph.nodeList()) {
      for (Graph g : n.subgraphs()) {
        rewrite(g);
      }
      if (n.isOp("Transpose")) {
        mergeTransposes(n);
      } else if (ChannelsLastOps.nameFor(n).isPresent()) {
        assign(n, ChannelsLastOps.nameFor(n).get());
      } else {
        carry(n);
      }
    }
    removeUnused(graph);
  }

  /** The operator in channels-last form between two transposes. */
  private void assign(Node n, String op) {
    int rank = op.charAt(op.length() - 2) - '0' + 2;
    int[] toLast = Permutations.toChannelsLast(rank);
    List<Value> inputs = new ArrayList<>(n.inputs());
    inputs.set(0, transposed(n.input(0), toLast, n));
    Node last = n.graph().newNode(op).domain(ChannelsLastOps.DOMAIN).name(n.name()).provenance(n.provenance()).inputs(inputs)
        .attributes(n.attributes()).output(n.output().name()).insertBefore(n);
    replace(n, last, Permutations.toChannelsFirst(rank));
    spatial.add(last);
    assigned++;
  }

  /** A model's own transpose behind one of ours: one transpose, or none. */
  private void mergeTransposes(Node n) {
    Value x = n.input(0);
    if (x == null || x.producer() == null || !x.producer().isOp("Transpose") || x.producer().graph() != n.graph()) {
      return;
    }
    int[] inner = perm(x.producer());
    int[] outer = perm(n);
    if (inner == null || outer == null || inner.length != outer.length) {
      return;
    }
    Value y = transposed(x.producer().input(0), Permutations.compose(inner, outer), n);
    n.graph().replaceAllUses(n.output(), y);
  }

  /** Moves the transposes in front of a node behind it. */
  private void carry(Node n) {
    int[] perm = null;
    for (Value v : n.inputs()) {
      if (v != null && isToChannelsFirst(v, n)) {
        perm = perm(v.producer());
        break;
      }
    }
    if (perm == null || n.output(0) == null) {
      return;
    }
    Carriers.Carried carried = Carriers.carry(n, perm, this);
    if (carried != null) {
      replace(n, carried.node(), carried.perm());
    }
  }

  /** Everything that read the outputs of {@code old} reads those of {@code replacement}, transposed by {@code perm}. */
  private void replace(Node old, Node replacement, int[] perm) {
    int[] back = Permutations.inverse(perm);
    for (int i = 0; i < old.outputs().size(); i++) {
      Value before = old.output(i);
      Value after = replacement.output(i);
      if (before == null) {
        continue;
      }
      after.setType(permutedType(before, back));
      if (before.origin() != null && before.origin().perm().isEmpty()) {
        List<Integer> axes = Permutations.isIdentity(back) ? List.of() : Arrays.stream(back).boxed().toList();
        after.setOrigin(new Value.Origin(before.origin().name(), axes));
      }
      if (!before.isUnused()) {
        old.graph().replaceAllUses(before, transposed(after, perm, old));
      }
    }
  }

  private boolean isToChannelsFirst(Value v, Node reader) {
    if (v.producer() == null || !v.producer().isOp("Transpose") || v.producer().graph() != reader.graph()) {
      return false;
    }
    int[] p = perm(v.producer());
    return p != null && p.length >= 3 && p.length <= 5 && Arrays.equals(p, Permutations.toChannelsFirst(p.length));
  }

  /** The value that {@code v} is the transpose of, if it is one by exactly this permutation; else null. */
  Value sourceOf(Value v, int[] perm) {
    if (v == null || v.producer() == null || !v.producer().isOp("Transpose")) {
      return null;
    }
    return Arrays.equals(perm, perm(v.producer())) ? v.producer().input(0) : null;
  }

  /** {@code v} transposed: an earlier transpose undone, one that is there already, or a new one before {@code anchor}. */
  Value transposed(Value v, int[] perm, Node anchor) {
    if (Permutations.isIdentity(perm)) {
      return v;
    }
    if (v.producer() != null && v.producer().isOp("Transpose") && v.graph() == anchor.graph()) {
      int[] inner = perm(v.producer());
      if (inner != null && inner.length == perm.length) {
        return transposed(v.producer().input(0), Permutations.compose(inner, perm), anchor);
      }
    }
    Key key = new Key(v, Arrays.stream(perm).boxed().toList());
    Value known = transposes.get(key);
    if (known != null && known.producer() != null && known.graph() == anchor.graph()) {
      return known;
    }
    Value t = anchor.graph().newNode("Transpose").inputs(v).attr("perm", Permutations.toLongs(perm))
        .provenance(v.producer() == null ? anchor.provenance() : v.producer().provenance())
        .output(v.name() + "_t", permutedType(v, perm)).insertBefore(anchor).output();
    transposes.put(key, t);
    return t;
  }

  /** A constant in another layout, made once for all who read it so. */
  Value constant(Value original, Tensor moved, Graph graph) {
    Key key = new Key(original, Arrays.stream(moved.dims()).mapToObj(d -> (int) d).toList());
    Value known = constants.get(key);
    if (known == null || !known.initializer().recipe().equals(moved.recipe())) {
      known = model.graph().newInitializer(original.name() + "_t", moved);
      constants.put(key, known);
    }
    return known;
  }

  private static int[] perm(Node transpose) {
    long[] p = transpose.intsAttr("perm", null);
    if (p == null) {
      int rank = transpose.input(0).rank();
      if (rank < 0) {
        return null;
      }
      int[] reversed = new int[rank];
      for (int i = 0; i < rank; i++) {
        reversed[i] = rank - 1 - i;
      }
      return reversed;
    }
    return Permutations.ofLongs(p);
  }

  private static Type permutedType(Value v, int[] perm) {
    if (!(v.type() instanceof Type.TensorType t)) {
      return null;
    }
    return Type.tensor(t.dtype(), t.shape().rank() == perm.length ? t.shape().permute(perm) : Shape.unknown());
  }

  /** A rough element count; unknown dimensions count as 32. */
  static long estimate(Shape s) {
    if (!s.hasRank()) {
      return Long.MAX_VALUE / 64;
    }
    long n = 1;
    for (Dim d : s.dims()) {
      n *= d.isConstant() ? Math.max(d.constant(), 1) : 32;
      if (n > 1L << 40) {
        return 1L << 40;
      }
    }
    return n;
  }

  /** Takes away the nodes that were replaced, and transposes that nothing reads any more. */
  private static void removeUnused(Graph graph) {
    for (Node n = graph.lastNode(); n != null;) {
      Node previous = n.previous();
      if (n.outputs().stream().allMatch(v -> v == null || v.isUnused())) {
        graph.remove(n);
      }
      n = previous;
    }
  }
}
