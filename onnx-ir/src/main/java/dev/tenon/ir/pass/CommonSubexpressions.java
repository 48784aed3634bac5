package dev.tenon.ir.pass;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.Provenance;
import dev.tenon.ir.Recipe;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Computes once what is computed several times: nodes of the same operator, attributes and inputs, and constants of the same
 * content. Random operators, custom ones, and nodes with subgraphs stay.
 *
 * <p>Parameters of the source file are merged only if they are the same parameter: two batch norms whose gammas are all ones are
 * still two variables to train. Rank-0 floats and integer tensors count as constants wherever they come from, since exporters write
 * epsilons and shapes as initializers.
 */
public final class CommonSubexpressions implements Pass {
  /** Larger constants are compared by their recipe, not their content. */
  private static final long MAX_CONTENT_BYTES = 1 << 16;
  private static final Set<String> RANDOM = Set.of("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli",
      "Multinomial", "Dropout");
  private static final Set<String> COMMUTATIVE = Set.of("Add", "Mul", "And", "Or", "Xor", "Equal");

  @Override
  public String name() {
    return "common-subexpressions";
  }

  @Override
  public String description() {
    return "compute once what is computed several times";
  }

  /** True for operators whose result is not a function of their inputs. */
  static boolean isRandom(Node n) {
    return n.domain().isEmpty() && RANDOM.contains(n.opType());
  }

  /** Value has identity, so two keys are equal only for the same inputs. */
  private record Key(String op, List<Value> inputs, List<Object> attributes) {}

  @Override
  public PassResult run(PassContext context) {
    int constants = 0;
    for (Graph g : context.graphs()) {
      constants += mergeConstants(g);
    }
    int nodes = 0;
    for (Graph g : context.graphs()) {
      nodes += mergeNodes(g);
    }
    return new PassResult(Map.of("merged-constants", constants, "merged-nodes", nodes));
  }

  private static int mergeConstants(Graph g) {
    Map<Object, Value> seen = new HashMap<>();
    int merged = 0;
    for (Value v : List.copyOf(g.initializers())) {
      if (v.isGraphInput() || v.isGraphOutput()) {
        continue;
      }
      Value first = seen.putIfAbsent(contentKey(v.initializer()), v);
      if (first != null) {
        g.replaceAllUses(v, first);
        g.removeInitializer(v);
        merged++;
      }
    }
    return merged;
  }

  /** Equal for tensors that may be merged. */
  private static Object contentKey(Tensor t) {
    boolean ownContent = !t.dtype().isFloat() || t.rank() == 0 || !Constants.hasSource(t);
    if (!ownContent || t.byteSize() > MAX_CONTENT_BYTES) {
      return recipeKey(t);
    }
    List<Object> key = new ArrayList<>(List.of(t.dtype(), longs(t.dims())));
    if (t.dtype() == DataType.STRING) {
      key.add(t.stringBytes().stream().map(ByteBuffer::wrap).toList());
    } else {
      key.add(t.bytes());
    }
    return key;
  }

  /** The recipe with tensors replaced by their own recipes' keys, so that equal recipes over the same sources are equal. */
  private static Object recipeKey(Tensor t) {
    Recipe r = t.recipe();
    if (r.inputs().isEmpty() || r instanceof Recipe.Evaluated) {
      return r;
    }
    List<Object> key = new ArrayList<>(List.of(r.getClass().getSimpleName(), t.dtype(), longs(t.dims())));
    if (r instanceof Recipe.Permute p) {
      key.add(p.perm());
    } else if (r instanceof Recipe.Slice s) {
      key.add(List.of(s.axis(), s.start(), s.end()));
    } else if (r instanceof Recipe.Concat c) {
      key.add(c.axis());
    } else if (r instanceof Recipe.Reverse v) {
      key.add(v.axis());
    } else if (r instanceof Recipe.Unary u) {
      key.add(u.op());
    } else if (r instanceof Recipe.Binary b) {
      key.add(b.op());
    }
    r.inputs().forEach(in -> key.add(recipeKey(in)));
    return key;
  }

  private static List<Long> longs(long[] values) {
    return Arrays.stream(values).boxed().toList();
  }

  private static int mergeNodes(Graph g) {
    Map<Key, Node> seen = new HashMap<>();
    int merged = 0;
    for (Node n : g.nodes()) {
      if (!isMergeable(n)) {
        continue;
      }
      Node first = seen.putIfAbsent(key(n), n);
      if (first != null && canTakeOver(first, n)) {
        for (int i = 0; i < n.outputs().size(); i++) {
          if (n.output(i) != null) {
            g.replaceAllUses(n.output(i), first.output(i));
          }
        }
        first.setProvenance(Provenance.merge(List.of(first.provenance(), n.provenance())));
        g.remove(n);
        merged++;
      }
    }
    return merged;
  }

  private static boolean isMergeable(Node n) {
    boolean known = n.domain().isEmpty() || n.domain().equals("ai.onnx.ml") || PassContext.isTenonOperator(n);
    return known && !isRandom(n) && n.subgraphs().isEmpty() && !n.inputs().isEmpty();
  }

  private static boolean canTakeOver(Node first, Node second) {
    for (int i = 0; i < second.outputs().size(); i++) {
      Value v = second.output(i);
      if (v != null && (first.output(i) == null || v.isGraphOutput() && first.output(i).isGraphOutput())) {
        // Two outputs of the graph that are the same stay two nodes: an Identity in place of one gains nothing.
        return false;
      }
    }
    return true;
  }

  private static Key key(Node n) {
    List<Value> inputs = new ArrayList<>(n.inputs());
    if (inputs.size() == 2 && n.domain().isEmpty() && COMMUTATIVE.contains(n.opType()) && !inputs.contains(null)) {
      inputs.sort(Comparator.comparing(Value::name));
    }
    List<Object> attributes = new ArrayList<>();
    n.attributes().stream().sorted(Comparator.comparing(Attribute::name)).forEach(a -> {
      attributes.add(a.name());
      attributes.add(attributeKey(a));
    });
    return new Key(n.domain() + "::" + n.opType() + "::" + n.overload(), inputs, attributes);
  }

  private static Object attributeKey(Attribute a) {
    Object v = a.value();
    if (v instanceof long[] ints) {
      return longs(ints);
    } else if (v instanceof float[] floats) {
      List<Float> list = new ArrayList<>();
      for (float f : floats) {
        list.add(f);
      }
      return list;
    } else if (v instanceof Tensor t) {
      return contentKey(t);
    }
    return v == null ? a : v;
  }
}
