package dev.tenon.tf.testing;

import static org.junit.jupiter.api.Assertions.fail;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.NodeBuilder;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.shape.ShapeInference;
import dev.tenon.ir.layout.ChannelsLast;
import dev.tenon.tf.BackendOptions;
import dev.tenon.tf.Conversion;
import dev.tenon.tf.TensorFlowBackend;
import dev.tenon.tf.runtime.GraphRunner;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.function.Consumer;

/**
 * Compares the emission of an operator with ONNX Runtime, for static and for symbolic shapes:
 *
 * <pre>{@code
 * EmitterTester.op("Conv").input(DataType.FLOAT, "n", 3, "h", "w").parameter(kernel).attr("strides", 2, 2)
 *     .sizes("n", 1, "h", 7, "w", 9).sizes("n", 2, "h", 8, "w", 8).check(1e-5);
 * }</pre>
 *
 * With symbols, the graph is emitted once with symbolic dimensions and run at every size, and once for each size with static ones.
 * Without symbols it is emitted and run once.
 */
public final class EmitterTester {
  private final String opType;
  private final Consumer<Graph> nodes;
  private final List<Slot> slots = new ArrayList<>();
  private final List<Attribute> attributes = new ArrayList<>();
  private final List<Map<String, Long>> sizes = new ArrayList<>();
  private Map<String, Tensor> expected;
  private String domain = "";
  private int opset = 17;
  private int outputs = 1;
  private long seed = 42;
  private boolean onnxLayout;
  private boolean optimized;
  private boolean frozen;

  /** One input of the operator: fed, a parameter (initializer), or left out (all null). */
  private record Slot(DataType dtype, List<Dim> dims, BiFunction<Random, long[], Tensor> data, Tensor constant) {}

  private EmitterTester(String opType, Consumer<Graph> nodes) {
    this.opType = opType;
    this.nodes = nodes;
  }

  /** A model of one node. */
  public static EmitterTester op(String opType) {
    return new EmitterTester(opType, null);
  }

  /**
   * A model of several nodes: the consumer finds the declared inputs as {@code graph.inputs()}, appends nodes and declares outputs
   * with {@code graph.addOutput}.
   */
  public static EmitterTester graph(Consumer<Graph> nodes) {
    return new EmitterTester(null, nodes);
  }

  public EmitterTester domain(String d) {
    this.domain = d;
    return this;
  }

  public EmitterTester opset(int version) {
    this.opset = version;
    return this;
  }

  public EmitterTester seed(long s) {
    this.seed = s;
    return this;
  }

  /** Leaves out the channels-last pass, which otherwise runs before emission as it does in a conversion. */
  public EmitterTester onnxLayout() {
    this.onnxLayout = true;
    return this;
  }

  /** Runs with Grappler, as users do, and with constants for weights: what Grappler makes of the graph must be right too. */
  public EmitterTester optimizedAndFrozen() {
    this.optimized = true;
    this.frozen = true;
    return this;
  }

  /** An input of the model; dimensions are numbers or names of symbols. */
  public EmitterTester input(DataType dtype, Object... dims) {
    return input((r, d) -> Tensors.random(r, dtype, d), dtype, dims);
  }

  /** An input of the model with elements from a function of the random source and the dimensions. */
  public EmitterTester input(BiFunction<Random, long[], Tensor> data, DataType dtype, Object... dims) {
    List<Dim> list = new ArrayList<>();
    for (Object d : dims) {
      list.add(d instanceof Number n ? Dim.of(n.longValue()) : Dim.symbol((String) d));
    }
    slots.add(new Slot(dtype, list, data, null));
    return this;
  }

  /** An input of the model with these elements, whose shape is static. */
  public EmitterTester input(Tensor t) {
    Object[] dims = java.util.Arrays.stream(t.dims()).boxed().toArray();
    return input((r, d) -> t, t.dtype(), dims);
  }

  /** An input of the model with these elements, whose dimensions the emitter sees as unknown. */
  public EmitterTester dynamicInput(Tensor t) {
    List<Dim> dims = new ArrayList<>();
    for (int i = 0; i < t.rank(); i++) {
      String symbol = "in" + slots.size() + "_" + i;
      dims.add(Dim.symbol(symbol));
      if (sizes.isEmpty()) {
        sizes.add(new LinkedHashMap<>());
      }
      for (Map<String, Long> s : sizes) {
        s.put(symbol, t.dim(i));
      }
    }
    slots.add(new Slot(t.dtype(), dims, (r, d) -> t, null));
    return this;
  }

  /** An initializer that came from the source file: where its type and size allow, it becomes a variable. */
  public EmitterTester parameter(Tensor t) {
    String name = "layer.p" + slots.size() + ".weight";
    Tensor source = t.dtype() == DataType.STRING ? t
        : Tensor.source(name, t.dtype(), t.dims(), dev.tenon.ir.Storage.of(t.bytes()));
    slots.add(new Slot(t.dtype(), null, null, source));
    return this;
  }

  /** An initializer that a pass made: a constant of the graph. */
  public EmitterTester constant(Tensor t) {
    slots.add(new Slot(t.dtype(), null, null, t));
    return this;
  }

  /** A one-dimensional int64 initializer: axes, a shape, repeats. */
  public EmitterTester constant(long... values) {
    return constant(Tensor.vector(values));
  }

  /** An optional input that is left out. */
  public EmitterTester omitted() {
    slots.add(new Slot(null, null, null, null));
    return this;
  }

  public EmitterTester attr(String name, long value) {
    return attribute(Attribute.ofInt(name, value));
  }

  public EmitterTester ints(String name, long... values) {
    return attribute(Attribute.ofInts(name, values));
  }

  public EmitterTester attr(String name, float value) {
    return attribute(Attribute.ofFloat(name, value));
  }

  public EmitterTester floats(String name, float... values) {
    return attribute(Attribute.ofFloats(name, values));
  }

  public EmitterTester attr(String name, String value) {
    return attribute(Attribute.ofString(name, value));
  }

  public EmitterTester attr(String name, Tensor value) {
    return attribute(Attribute.ofTensor(name, value));
  }

  public EmitterTester attribute(Attribute a) {
    attributes.add(a);
    return this;
  }

  /** How many outputs the node has; one unless said. */
  public EmitterTester outputs(int count) {
    this.outputs = count;
    return this;
  }

  /** A size to run at: symbol, value, symbol, value, …. */
  public EmitterTester sizes(Object... symbolsAndValues) {
    Map<String, Long> s = new LinkedHashMap<>();
    for (int i = 0; i < symbolsAndValues.length; i += 2) {
      s.put((String) symbolsAndValues[i], ((Number) symbolsAndValues[i + 1]).longValue());
    }
    sizes.add(s);
    return this;
  }

  /** Compares with these elements instead of ONNX Runtime's, whose types are still asked for where it has the operator. */
  public EmitterTester expect(Tensor... values) {
    expected = new LinkedHashMap<>();
    for (int i = 0; i < values.length; i++) {
      expected.put("y" + i, values[i]);
    }
    return this;
  }

  /** Emits, runs and compares; fails with one line a difference. The tolerance is that of {@link Tensors#difference}. */
  public void check(double tolerance) {
    if (sizes.isEmpty()) {
      checkOne(Map.of(), List.of(Map.of()), tolerance);
      return;
    }
    checkOne(Map.of(), sizes, tolerance);
    for (Map<String, Long> s : sizes) {
      checkOne(s, List.of(s), tolerance);
    }
  }

  /** Emits with static or symbolic dimensions and gives the conversion: for tests that look at the graph. */
  public Conversion convert() {
    return convert(model(Map.of()), new Diagnostics());
  }

  /** What the conversion reports. */
  public Diagnostics diagnostics() {
    Diagnostics d = new Diagnostics();
    convert(model(Map.of()), d);
    return d;
  }

  private Model model(Map<String, Long> fixed) {
    Graph g = new Graph("test");
    List<Value> inputs = new ArrayList<>();
    for (Slot s : slots) {
      if (s.constant != null) {
        String own = s.constant.recipe().sources().isEmpty() ? "c" + inputs.size() : s.constant.recipe().sources().iterator().next();
        inputs.add(g.addInitializer(own, s.constant));
      } else if (s.dtype == null) {
        inputs.add(null);
      } else {
        List<Dim> dims = s.dims.stream().map(d -> d.substitute(n -> fixed.containsKey(n) ? Dim.of(fixed.get(n)) : null)).toList();
        inputs.add(g.addInput("x" + inputs.size(), Type.tensor(s.dtype, Shape.of(dims))));
      }
    }
    if (nodes != null) {
      nodes.accept(g);
    } else {
      NodeBuilder b = g.newNode(opType).domain(domain).inputs(inputs).attributes(attributes);
      for (int i = 0; i < outputs; i++) {
        b.outputNamed("y" + i, expected == null ? null : declared(expected.get("y" + i)));
      }
      b.append().outputs().forEach(g::addOutput);
    }
    Model m = new Model(g);
    m.opsetImports().put("", opset);
    if (!domain.isEmpty()) {
      m.opsetImports().put(domain, 1);
    }
    return m;
  }

  private Type declared(Tensor t) {
    boolean dynamic = slots.stream().anyMatch(s -> s.dims != null && s.dims.stream().anyMatch(d -> !d.isConstant()));
    return Type.tensor(t.dtype(), dynamic ? Shape.unknownOfRank(t.rank()) : t.shape());
  }

  private Conversion convert(Model m, Diagnostics d) {
    if (!onnxLayout) {
      ShapeInference.infer(m, d);
      ChannelsLast.run(m);
    }
    return new TensorFlowBackend().convert(m, BackendOptions.defaults().withFreeze(frozen).withKnownData(ShapeInference.infer(m, d)::knownData), d);
  }

  private void checkOne(Map<String, Long> fixed, List<Map<String, Long>> runs, double tolerance) {
    Model m = model(fixed);
    String description = describe(m, fixed);
    Diagnostics d = new Diagnostics();
    try (Reference reference = expected == null ? new Reference(m) : null) {
      Conversion c = convert(m, d);
      if (d.hasErrors()) {
        fail(description + ": " + d.errors());
      }
      compare(m, c, reference, description, runs, tolerance);
    }
  }

  private void compare(Model m, Conversion c, Reference reference, String description, List<Map<String, Long>> runs, double tolerance) {
    try (GraphRunner runner = GraphRunner.open(c, new GraphRunner.Options(1, optimized))) {
      for (Map<String, Long> run : runs) {
        Map<String, Tensor> feeds = feeds(run);
        Map<String, Tensor> actual = runner.run(feeds);
        Map<String, Tensor> wanted = expected != null ? expected : reference.run(feeds);
        wanted.forEach((name, w) -> {
          if (!actual.containsKey(name)) {
            fail(description + ": the result has outputs " + actual.keySet() + ", expected " + wanted.keySet());
          }
          String difference = Tensors.difference(w, actual.get(name), tolerance);
          if (difference != null) {
            fail(description + " at " + run + ": output " + name + ": " + difference);
          }
        });
        checkDeclaredShapes(m, actual);
      }
    }
  }

  private static void checkDeclaredShapes(Model m, Map<String, Tensor> actual) {
    for (Value v : m.graph().outputs()) {
      if (v.dtype() != DataType.UNDEFINED && v.dtype() != actual.get(v.name()).dtype()) {
        fail(v + " came out as " + actual.get(v.name()));
      }
    }
  }

  private Map<String, Tensor> feeds(Map<String, Long> run) {
    Random random = new Random(seed);
    Map<String, Tensor> feeds = new LinkedHashMap<>();
    for (int i = 0; i < slots.size(); i++) {
      Slot s = slots.get(i);
      if (s.dims != null) {
        long[] dims = s.dims.stream().mapToLong(d -> d.evaluate(run)
            .orElseThrow(() -> new IllegalStateException("no size for " + d + " in " + run))).toArray();
        feeds.put("x" + i, s.data.apply(random, dims));
      }
    }
    return feeds;
  }

  private static String describe(Model m, Map<String, Long> fixed) {
    StringBuilder b = new StringBuilder();
    for (Node n : m.graph().nodes()) {
      b.append(b.length() == 0 ? "" : "; ").append(n).append(n.attributes().stream().map(a -> a.name() + "=" + text(a.value())).toList());
    }
    return b + " opset " + m.opset() + " of " + m.graph().inputs() + (fixed.isEmpty() ? "" : ", static");
  }

  private static String text(Object value) {
    return value instanceof long[] l ? java.util.Arrays.toString(l) : String.valueOf(value);
  }
}
