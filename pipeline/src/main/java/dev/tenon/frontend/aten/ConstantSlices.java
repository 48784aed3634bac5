package dev.tenon.frontend.aten;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.NodeBuilder;
import dev.tenon.ir.Recipe;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.ort.OrtFailure;
import dev.tenon.ir.ort.OrtModel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Computes small tensors that depend on constants alone, by running the few nodes that lead to them in ONNX Runtime. Code such as
 * {@code scale = 2 ** float(torch.tensor(h / 32).log2().round())} decides by them what operators to call. Parameters are no constants:
 * they may be given other values later.
 */
final class ConstantSlices {
  private static final int MAX_NODES = 100;
  private static final long MAX_ELEMENTS = 4096;
  private static final Set<String> RANDOM = Set.of("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Bernoulli", "Multinomial");

  private final Onnx onnx;
  private final Map<Value, Tensor> computed = new IdentityHashMap<>();
  private final Set<Value> open = Collections.newSetFromMap(new IdentityHashMap<>());

  ConstantSlices(Onnx onnx) {
    this.onnx = onnx;
  }

  /** The elements of a value, or null if they are not known, or too many. */
  Tensor find(Value v) {
    Tensor leaf = leaf(v);
    if (leaf != null || computed.containsKey(v)) {
      return leaf != null ? leaf : computed.get(v);
    }
    List<Node> slice = new ArrayList<>();
    if (!collect(v, slice, Collections.newSetFromMap(new IdentityHashMap<>()))) {
      return null;
    }
    Tensor result = run(slice, v);
    if (result == null) {
      open.add(v);
    } else {
      computed.put(v, result);
    }
    return result;
  }

  private Tensor leaf(Value v) {
    Tensor t = v.constant();
    if (t != null) {
      return t.dtype() == DataType.STRING || t.numel() > MAX_ELEMENTS || t.dtype().isFloat() && t.recipe() instanceof Recipe.Source ? null : t;
    }
    Optional<List<Dim>> data = v.dtype() == DataType.INT64 && v.shape().isStatic() ? onnx.inference().knownData(v) : Optional.empty();
    return data.isPresent() && data.get().size() <= MAX_ELEMENTS && data.get().stream().allMatch(Dim::isConstant)
        && v.shape().numel().is(data.get().size()) ? Tensor.of(data.get().stream().mapToLong(Dim::constant).toArray(), v.shape().toLongs()) : null;
  }

  /** Collects the nodes that lead to a value, in order of execution; false if one of them reads what is not known. */
  private boolean collect(Value v, List<Node> slice, Set<Node> seen) {
    if (v == null || leaf(v) != null || computed.containsKey(v)) {
      return true;
    }
    Node n = v.producer();
    boolean possible = n != null && !open.contains(v) && n.domain().isEmpty() && n.subgraphs().isEmpty() && !RANDOM.contains(n.opType())
        && v.shape().isStatic() && v.shape().numel().constant() <= MAX_ELEMENTS && !n.inputs().isEmpty();
    if (possible && seen.add(n)) {
      possible = seen.size() <= MAX_NODES;
      for (Value input : n.inputs()) {
        possible = possible && collect(input, slice, seen);
      }
      slice.add(n);
    }
    if (!possible) {
      open.add(v);
    }
    return possible;
  }

  private Tensor run(List<Node> slice, Value wanted) {
    Graph g = new Graph("constants");
    Map<Value, Value> copies = new HashMap<>();
    for (Node n : slice) {
      NodeBuilder b = g.newNode(n.opType());
      n.attributes().forEach(b::attribute);
      for (Value v : n.inputs()) {
        b.inputs(v == null ? null : copies.computeIfAbsent(v, k -> g.newInitializer("c", computed.containsKey(k) ? computed.get(k) : leaf(k))));
      }
      n.outputs().forEach(v -> b.output("r", v == null ? null : v.type()));
      Node copy = b.append();
      for (int i = 0; i < n.outputs().size(); i++) {
        copies.put(n.output(i), copy.output(i));
      }
    }
    g.addOutput(copies.get(wanted));
    Model model = new Model(g);
    model.opsetImports().putAll(onnx.model().opsetImports());
    try (OrtModel ort = OrtModel.open(model, OrtModel.Options.reference())) {
      return ort.run(Map.of()).get(copies.get(wanted).name());
    } catch (OrtFailure e) {
      // Sizes that do not fit, say: then the node is left as it is.
      return null;
    }
  }
}
