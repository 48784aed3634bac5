package dev.tenon.custom;

import dev.tenon.ir.ArgumentNames;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.NodeBuilder;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.tf.BackendOptions;
import dev.tenon.tf.Conversion;
import dev.tenon.tf.ElementTypes;
import dev.tenon.tf.Emitter;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.TensorFlowBackend;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.GraphOperation;
import org.tensorflow.Output;
import org.tensorflow.exceptions.TensorFlowException;

/**
 * Asks TensorFlow which types the outputs of an operator have. Its shape functions know numbers, not symbols; so they are asked twice, with
 * two numbers for each symbol, and a dimension is whatever dimension of an input had both answers.
 */
final class RegisteredTypes {
  /** Sizes that kernels like, and that no model has. */
  private static final long[] FIRST = {64 * 1009, 64 * 2003};
  private static final long STEP = 64 * 4;
  private static final long SMALL = 1024;

  private final Emitter emitter;
  private final boolean channelsLast;

  /**
   * The types that an operator of TensorFlow's has.
   *
   * @param channelsLast whether it has the channels last, unlike the source
   */
  RegisteredTypes(Emitter emitter, boolean channelsLast) {
    this.emitter = emitter;
    this.channelsLast = channelsLast;
  }

  /** Sets the types of a node's outputs that are not known yet, as far as they follow from its inputs'. */
  void set(Node n) {
    boolean known = n.outputs().stream().allMatch(v -> v == null || v.dtype() != DataType.UNDEFINED && v.shape().hasRank());
    boolean open = n.inputs().stream().anyMatch(v -> v != null && (v.dtype() == DataType.UNDEFINED || !v.shape().hasRank()));
    if (known || open) {
      return;
    }
    Set<Dim> dims = new LinkedHashSet<>();
    Set<String> symbols = new LinkedHashSet<>();
    n.inputs().stream().filter(v -> v != null).forEach(v -> v.shape().dims().forEach(d -> {
      dims.add(d);
      symbols.addAll(d.symbols());
    }));
    List<Map<String, Long>> sizes = new ArrayList<>();
    List<List<Type.TensorType>> answers = new ArrayList<>();
    for (long first : FIRST) {
      Map<String, Long> assignment = new HashMap<>();
      symbols.forEach(s -> assignment.put(s, first + assignment.size() * STEP));
      sizes.add(assignment);
      answers.add(ask(n, assignment));
    }
    for (int i = 0; i < n.outputs().size(); i++) {
      if (n.output(i) != null && i < answers.get(0).size() && i < answers.get(1).size()) {
        n.output(i).setType(combine(answers.get(0).get(i), answers.get(1).get(i), dims, sizes));
      }
    }
  }

  private Type combine(Type.TensorType a, Type.TensorType b, Set<Dim> dims, List<Map<String, Long>> sizes) {
    if (!a.shape().hasRank() || a.shape().rank() != b.shape().rank()) {
      return Type.tensor(a.dtype(), Shape.unknown());
    }
    List<Dim> result = new ArrayList<>();
    for (int i = 0; i < a.shape().rank(); i++) {
      Dim x = a.shape().dim(i);
      Dim y = b.shape().dim(i);
      Dim same = dims.stream().filter(d -> is(d, sizes.get(0), x) && is(d, sizes.get(1), y)).findFirst().orElse(Dim.unknown());
      result.add(x.isConstant() && x.equals(y) ? x : same);
    }
    return Type.tensor(a.dtype(), channelsLast ? ChannelsLastOperator.first(Shape.of(result)) : Shape.of(result));
  }

  private static boolean is(Dim d, Map<String, Long> sizes, Dim number) {
    return number.isConstant() && d.evaluate(sizes).orElse(-1) == number.constant();
  }

  /** The types that TensorFlow gives the outputs for inputs of these sizes; empty if it refuses them. */
  private List<Type.TensorType> ask(Node n, Map<String, Long> sizes) {
    Graph g = new Graph("types");
    Model model = new Model(g);
    model.opsetImports().put(n.domain(), 1);
    List<Value> inputs = new ArrayList<>();
    for (int i = 0; i < n.inputs().size(); i++) {
      Value v = n.input(i);
      // Shape functions look at the elements of small constants: permutations, axes, sizes.
      boolean small = v != null && v.constant() != null && v.constant().numel() <= SMALL;
      inputs.add(v == null ? null : small ? g.addInitializer("c" + i, v.constant())
          : g.addInput("x" + i, Type.tensor(v.dtype(), sized(v, sizes))));
    }
    NodeBuilder b = g.newNode(n.opType()).domain(n.domain()).name("node").inputs(inputs).attributes(n.attributes());
    n.outputs().forEach(v -> b.output("y", Type.tensor(v == null ? DataType.UNDEFINED : v.dtype(), Shape.unknown())));
    Node copy = b.append();
    ArgumentNames.set(copy, ArgumentNames.of(n));
    copy.outputs().forEach(g::addOutput);
    Diagnostics diagnostics = new Diagnostics();
    EmitterRegistry one = new EmitterRegistry().op(n.domain(), n.opType(), 0, emitter);
    Conversion c;
    try {
      c = new TensorFlowBackend(one).convert(model, BackendOptions.defaults(), diagnostics);
    } catch (TensorFlowException | IllegalStateException e) {
      return List.of();
    }
    return diagnostics.hasErrors() ? List.of() : types(c);
  }

  private Shape sized(Value v, Map<String, Long> sizes) {
    Shape shape = Shape.of(v.shape().dims().stream().map(d -> {
      long size = d.evaluate(sizes).orElse(-1);
      return size < 0 ? Dim.unknown() : Dim.of(size);
    }).toList());
    return channelsLast ? ChannelsLastOperator.last(shape) : shape;
  }

  private static List<Type.TensorType> types(Conversion c) {
    List<Type.TensorType> types = new ArrayList<>();
    try (org.tensorflow.Graph graph = new org.tensorflow.Graph()) {
      graph.importGraphDef(c.graph());
      c.outputs().forEach(o -> {
        int colon = o.tensor().lastIndexOf(':');
        GraphOperation op = (GraphOperation) graph.operation(o.tensor().substring(0, colon));
        Output<?> t = op.output(Integer.parseInt(o.tensor().substring(colon + 1)));
        org.tensorflow.ndarray.Shape s = t.shape();
        List<Dim> dims = new ArrayList<>();
        for (int i = 0; !s.isUnknown() && i < s.numDimensions(); i++) {
          dims.add(s.get(i) < 0 ? Dim.unknown() : Dim.of(s.get(i)));
        }
        types.add(new Type.TensorType(ElementTypes.toOnnx(t.dataType()), s.isUnknown() ? Shape.unknown() : Shape.of(dims)));
      });
    } catch (TensorFlowException e) {
      return List.of();
    }
    return types;
  }
}
