package dev.tenon.tf;

import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Provenance;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.tf.export.SignatureTensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.tensorflow.Output;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDefLibrary;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.TensorShapeProto;

/** The state of one emission: which value is which tensor, and which parameter is which variable. */
final class GraphEmission {
  private final Model model;
  private final BackendOptions options;
  private final EmitterRegistry registry;
  private final Diagnostics diagnostics;
  private final Tf tf;
  private final VariableNames variableNames;
  private final Map<Value, Output<?>> tensors = new HashMap<>();
  private final Map<ParameterKey, Output<?>> parameters = new HashMap<>();
  private final List<Variable> variables = new ArrayList<>();
  private final List<TensorMapping> mappings = new ArrayList<>();
  private final Map<String, Provenance> provenance = new LinkedHashMap<>();
  /** The recipes of the tensors that a Gather looks rows up in; null until asked for. */
  private Set<String> lookedUp;
  /** The emission of the graph around this one; null at the top. */
  private final GraphEmission outer;
  /** Tensors of the graph around this one to the placeholders that stand for them here. */
  private final Map<Output<?>, Output<?>> captures = new LinkedHashMap<>();
  private final FunctionDefLibrary.Builder library = FunctionDefLibrary.newBuilder();
  private final NodeNames functionNames = new NodeNames();

  /**
   * Two uses of one source parameter, arranged alike, share a variable: also where the model holds it twice, as the embedding and,
   * transposed, as the last layer's weight. The value tells tensors from each other whose recipes do not: those without a source, and those
   * that running operators gave.
   */
  private record ParameterKey(Value value, String recipe, DataType dtype, List<Long> dims) {
    static ParameterKey of(Value v, Tensor t) {
      return new ParameterKey(t.recipe().sources().isEmpty() || t.recipe().isEvaluated() ? v : null, t.recipe().toString(), ElementTypes.toTensorFlow(t.dtype()),
          java.util.Arrays.stream(t.dims()).boxed().toList());
    }
  }

  GraphEmission(Model model, BackendOptions options, EmitterRegistry registry, Diagnostics diagnostics, Tf tf) {
    this.outer = null;
    this.model = model;
    this.options = options;
    this.registry = registry;
    this.diagnostics = diagnostics;
    this.tf = tf;
    this.variableNames = new VariableNames(options.sourceNames() ? VariableNames.Style.SOURCE : VariableNames.Style.FRAMEWORK);
  }

  /** The emission of a function's body. */
  GraphEmission(GraphEmission outer, Tf tf) {
    this.outer = outer;
    this.model = outer.model;
    this.options = outer.options;
    this.registry = outer.registry;
    this.diagnostics = outer.diagnostics;
    this.tf = tf;
    tf.isInside(outer.tf);
    this.variableNames = null;
  }

  Model model() {
    return model;
  }

  Tf tf() {
    return tf;
  }

  Diagnostics diagnostics() {
    return diagnostics;
  }

  boolean isFrozen() {
    return options.freeze();
  }

  Optional<List<Dim>> knownData(Value v) {
    return options.knownData().apply(v);
  }

  Conversion run() {
    Graph graph = model.graph();
    List<SignatureTensor> inputs = new ArrayList<>();
    for (Value v : graph.inputs()) {
      inputs.add(input(v));
    }
    for (Node n : graph.nodes()) {
      emit(n);
    }
    tf.setScope("");
    tf.recordInto(null);
    List<SignatureTensor> outputs = new ArrayList<>();
    for (Value v : graph.outputs()) {
      Output<?> t = tensor(v, v.producer());
      // A session cannot fetch what it feeds, and a signature wants its outputs apart from its inputs.
      t = t.op().type().equals("Placeholder") ? tf.identity(t) : t;
      outputs.add(new SignatureTensor(v.name(), nameOf(t), t.dataType(), shapeProto(v.shape())));
    }
    GraphDef def = tf.graph().toGraphDef();
    if (library.getFunctionCount() > 0) {
      def = def.toBuilder().setLibrary(library).build();
    }
    return new Conversion(def, inputs, outputs, List.copyOf(variables), List.copyOf(mappings), provenance,
        Set.copyOf(tf.constantSources()));
  }

  private SignatureTensor input(Value v) {
    DataType dtype = ElementTypes.toTensorFlow(v.dtype());
    if (dtype == DataType.DT_INVALID) {
      diagnostics.error("unsupported-type", null, "input " + v.name() + " has type " + v.type() + ", which TensorFlow has not",
          "only tensors of TensorFlow's element types can be inputs");
      dtype = DataType.DT_FLOAT;
    }
    Output<?> p = tf.placeholder(v.name(), dtype, tfShape(v.shape()));
    bind(v, ensured(p, v.shape()));
    return new SignatureTensor(v.name(), nameOf(p), dtype, shapeProto(v.shape()));
  }

  /**
   * The input with the dimensions that it is known to have. A session's Grappler takes what is fed to have any shape, and without shapes
   * it does not fuse residual additions.
   */
  private Output<?> ensured(Output<?> input, Shape shape) {
    boolean useful = input.dataType() == DataType.DT_FLOAT && shape.rank() > 2 && shape.dims().stream().anyMatch(Dim::isConstant);
    return useful ? tf.op("EnsureShape").in(input).attr("shape", tfShape(shape)).out() : input;
  }

  // ---- subgraphs ----

  /** Emits a subgraph's nodes into this graph, its inputs being {@code arguments}; its outputs. */
  List<Output<?>> subgraph(Graph graph, List<? extends Output<?>> arguments) {
    for (int i = 0; i < graph.inputs().size(); i++) {
      bind(graph.inputs().get(i), arguments.get(i));
    }
    for (Node n : graph.nodes()) {
      emit(n);
    }
    List<Output<?>> results = new ArrayList<>();
    for (Value v : graph.outputs()) {
      results.add(tensor(v, v.producer()));
    }
    return results;
  }

  Map<Output<?>, Output<?>> captures() {
    return captures;
  }

  /** The tensor in here that stands for a tensor of the graph around. */
  Output<?> capture(Output<?> outerTensor) {
    return captures.computeIfAbsent(outerTensor,
        o -> tf.placeholder("captured/" + o.op().name(), o.dataType(), o.shape()));
  }

  /** Adds a function to the library of the whole conversion; its name there. */
  String define(GraphDef body, String wish, List<Output<?>> arguments, List<Output<?>> results) {
    GraphEmission root = this;
    while (root.outer != null) {
      root = root.outer;
    }
    String name = root.functionNames.unique(wish.replace('/', '_'));
    root.library.addFunction(FunctionDefs.define(body, name, arguments, results));
    return name;
  }

  private void emit(Node n) {
    if (!n.outputs().isEmpty() && n.outputs().stream().allMatch(v -> v == null || tensors.containsKey(v))) {
      // An emitter before it has taken it along: the bias behind a product.
      return;
    }
    tf.setScope(scope(n));
    tf.recordInto(outer != null ? null : name -> provenance.put(name, n.provenance()));
    Optional<Emitter> emitter = registry.find(n.domain(), n.opType(), model.opset(n.domain()));
    if (emitter.isEmpty()) {
      boolean custom = !n.domain().isEmpty() && !n.domain().equals("dev.tenon");
      unsupported(n, custom ? "custom-operator" : "unsupported-operator",
          (custom ? "custom operator " : "no emitter for operator ") + n.qualifiedOp(),
          custom ? "it has no definition in the model; give it one with --ops, or a kernel with 'tenon stubs'" : "");
      return;
    }
    try {
      emitter.get().emit(new EmitContext(this, n));
    } catch (TensorFlowException | IllegalArgumentException | IndexOutOfBoundsException | UnsupportedOperationException e) {
      unsupported(n, "emission-failed", n.qualifiedOp() + ": " + String.valueOf(e.getMessage()).lines().findFirst().orElse(""), "");
      return;
    }
    for (Value v : n.outputs()) {
      if (v != null && !v.isUnused() && !tensors.containsKey(v) && diagnostics.errors().isEmpty()) {
        throw new IllegalStateException("the emitter of " + n.qualifiedOp() + " bound no tensor to " + v.name());
      }
    }
    bindPlaceholders(n);
  }

  /** Node names follow the source's modules, so that TensorFlow's own tools show a familiar structure. */
  private static String scope(Node n) {
    String path = n.provenance().modulePath().replace('.', '/');
    return path.isEmpty() ? NodeNames.legal(n.label().replace(" -> ", "_")) : NodeNames.legal(path);
  }

  void unsupported(Node n, String code, String message, String hint) {
    diagnostics.error(code, n, message, hint);
    bindPlaceholders(n);
  }

  private void bindPlaceholders(Node n) {
    for (Value v : n.outputs()) {
      if (v != null && !tensors.containsKey(v) && !v.isUnused()) {
        DataType dtype = ElementTypes.toTensorFlow(v.dtype());
        tensors.put(v, tf.placeholder("missing/" + v.name(), dtype == DataType.DT_INVALID ? DataType.DT_FLOAT : dtype, tfShape(v.shape())));
      }
    }
  }

  void bind(Value v, Output<?> tensor) {
    tensors.put(v, tensor);
    if (v.origin() != null && outer == null) {
      mappings.add(new TensorMapping(v.origin().name(), nameOf(tensor), v.origin().perm()));
    }
  }

  /** A value that is no tensor of the graph, as its only reader is emitted together with it. */
  void absorb(Value v, Output<?> within) {
    tensors.put(v, within);
  }

  /** The tensor of a value as it is read by {@code reader}. */
  Output<?> tensor(Value v, Node reader) {
    Output<?> t = tensors.get(v);
    if (t == null && v.constant() != null) {
      t = parameter(v, v.constant(), reader, ParameterRole.OTHER);
    }
    if (t == null && outer != null) {
      t = capture(outer.tensor(v, reader));
    }
    if (t == null) {
      throw new IllegalArgumentException("no tensor for value " + v.name());
    }
    return t;
  }

  Output<?> parameter(Value v, Tensor tensor, Node node, ParameterRole role) {
    if (!isVariable(tensor)) {
      return tf.constant(tensor);
    }
    if (outer != null) {
      // Variables live in the main graph; functions are given their values.
      return capture(outer.parameter(v, tensor, node, role));
    }
    ParameterKey key = ParameterKey.of(v, tensor);
    return parameters.computeIfAbsent(key, k -> {
      String name = variableNames.name(tensor, node, role);
      if (options.freeze()) {
        return tf.constant(tensor, name);
      }
      boolean trainable = role.trainable();
      variables.add(new Variable(name, tensor, role, trainable));
      return tf.variable(name, ElementTypes.toTensorFlow(tensor.dtype()), tfShape(tensor.shape()));
    });
  }

  /** True if some Gather looks up rows of exactly this tensor, which then is an embedding's variable. */
  boolean isLookedUp(Tensor t) {
    if (lookedUp == null) {
      lookedUp = new HashSet<>();
      model.graph().forEachNode(n -> {
        if (n.isOp("Gather") && n.input(0) != null && n.input(0).constant() != null) {
          lookedUp.add(n.input(0).constant().recipe().toString());
        }
      });
    }
    return !t.recipe().sources().isEmpty() && lookedUp.contains(t.recipe().toString());
  }

  /**
   * Parameters are the floating-point tensors that come from the source file, but for nameless scalars (the 0.5 of a decomposed
   * GELU); everything else is a constant of the graph.
   */
  private static boolean isVariable(Tensor t) {
    if (!t.dtype().isFloat() || t.recipe().sources().isEmpty()) {
      return false;
    }
    String first = t.recipe().sources().iterator().next();
    return t.numel() > 1 || t.numel() == 1 && VariableNames.isModuleName(first) && first.contains(".");
  }

  static String nameOf(Output<?> t) {
    return t.op().name() + ":" + t.index();
  }

  static org.tensorflow.ndarray.Shape tfShape(Shape s) {
    return s.hasRank() ? org.tensorflow.ndarray.Shape.of(s.toLongs()) : org.tensorflow.ndarray.Shape.unknown();
  }

  static TensorShapeProto shapeProto(Shape s) {
    TensorShapeProto.Builder b = TensorShapeProto.newBuilder();
    if (!s.hasRank()) {
      return b.setUnknownRank(true).build();
    }
    for (long d : s.toLongs()) {
      b.addDim(TensorShapeProto.Dim.newBuilder().setSize(d));
    }
    return b.build();
  }
}
