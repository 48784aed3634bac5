package dev.tenon.ir.pass;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Computes what depends on constants alone, in this order:
 *
 * <ol>
 *   <li>{@code Constant} nodes become initializers
 *   <li>values that shape inference knows to be numbers (the {@code Shape} of static dimensions and what follows) become initializers
 *   <li>moving, casting and scaling of source parameters becomes a {@link dev.tenon.ir.Recipe} ({@link Recipes})
 *   <li>all else is evaluated, many nodes in one run of ONNX Runtime ({@link ConstantEvaluator})
 * </ol>
 *
 * <p>A result is kept if it takes at most 64 KiB or no more than its constant inputs together, so folding does not inflate the
 * model. Random operators, inputs with overridable defaults, and nodes with subgraphs stay.
 */
public final class ConstantFolding implements Pass {
  private static final long FREE_BYTES = 1 << 16;
  /** Intermediate results beyond this are not computed: a hostile model may ask for any size. */
  private static final long MAX_WORK_BYTES = 1 << 26;
  /** Each step may open the way for recipes on evaluated results; real models need two or three. */
  private static final int MAX_STEPS = 20;
  /** Operators whose result may be larger than their inputs and attributes together by any factor. */
  private static final Set<String> INFLATING = Set.of("ConstantOfShape", "Expand", "Tile", "Range", "Resize", "Upsample", "Pad", "OneHot",
      "EyeLike", "HannWindow", "HammingWindow", "BlackmanWindow", "MelWeightMatrix", "MatMul", "Gemm", "Conv", "ConvTranspose", "Einsum",
      "CenterCropPad", "NonZero", "ScatterND", "GridSample", "AffineGrid", "MaxUnpool");

  private final ConstantEvaluator evaluator;
  private final boolean keepParameters;
  /** Nodes that the evaluator failed on; not tried again. */
  private final Set<Node> failed = new HashSet<>();

  public ConstantFolding() {
    this(ConstantEvaluator.onnxRuntime(), false);
  }

  ConstantFolding(ConstantEvaluator evaluator) {
    this(evaluator, false);
  }

  private ConstantFolding(ConstantEvaluator evaluator, boolean keepParameters) {
    this.evaluator = evaluator;
    this.keepParameters = keepParameters;
  }

  /** Folding that leaves the parameters of the source, its real-valued tensors, as they are and under their names: no recipes. */
  public static ConstantFolding keepingParameters() {
    return new ConstantFolding(ConstantEvaluator.onnxRuntime(), true);
  }

  /** True if the node reads a parameter that must stay. */
  private boolean touchesParameter(Node n) {
    return keepParameters && n.inputs().stream()
        .anyMatch(v -> v != null && v.constant() != null && v.constant().dtype().isFloat() && Constants.hasSource(v.constant()));
  }

  @Override
  public String name() {
    return "constant-folding";
  }

  @Override
  public String description() {
    return "compute what depends on constants alone; weights stay traceable to their source";
  }

  @Override
  public PassResult run(PassContext context) {
    failed.clear();
    int constants = 0;
    for (Graph g : context.graphs()) {
      constants += constantNodes(g);
    }
    context.refreshShapes();
    int shapes = 0;
    for (Graph g : context.graphs()) {
      shapes += knownShapes(g, context);
    }
    int recipes = 0;
    int evaluated = 0;
    for (int step = 0; step < MAX_STEPS; step++) {
      int before = recipes + evaluated + failed.size();
      for (Graph g : context.graphs()) {
        recipes += foldRecipes(g, context);
        evaluated += evaluate(g, context);
      }
      // A node that failed is out of the way of those that were computed together with it.
      if (recipes + evaluated + failed.size() == before) {
        break;
      }
    }
    Map<String, Integer> counts = new LinkedHashMap<>();
    counts.put("constant-nodes", constants);
    counts.put("known-shapes", shapes);
    counts.put("recipes", recipes);
    counts.put("evaluated", evaluated);
    return new PassResult(counts);
  }

  // ---- Constant nodes ----

  private static int constantNodes(Graph g) {
    int count = 0;
    for (Node n : g.nodes()) {
      if (n.isOp("Constant") && n.output(0) != null) {
        Tensor t = constantOf(n);
        if (t != null) {
          Constants.replace(n.output(), t);
          count++;
        }
      }
    }
    return count;
  }

  private static Tensor constantOf(Node n) {
    for (Attribute a : n.attributes()) {
      if (a.isReference()) {
        return null;
      }
      switch (a.name()) {
        case "value":
          return a.as(Tensor.class);
        case "value_int":
          return Tensor.scalar(a.as(Long.class));
        case "value_ints":
          return Tensor.vector(a.as(long[].class));
        case "value_float":
          return Tensor.scalar(a.as(Float.class));
        case "value_floats":
          return Tensor.of(a.as(float[].class), a.as(float[].class).length);
        case "value_string":
          return Tensor.ofStrings(List.of(a.as(String.class)));
        case "value_strings":
          List<String> strings = n.stringsAttr("value_strings", List.of());
          return Tensor.ofStrings(strings, strings.size());
        default:
          break;
      }
    }
    return null;
  }

  // ---- what shape inference knows ----

  private static int knownShapes(Graph g, PassContext context) {
    int count = 0;
    for (Node n : g.nodes()) {
      if (n.outputs().size() != 1 || n.isOp("Identity") || CommonSubexpressions.isRandom(n)) {
        continue;
      }
      Value v = n.output();
      Tensor t = n.isOp("Shape") ? staticShape(n) : null;
      t = t != null || v.isUnused() ? t : knownNumbers(v, context.knownData(v));
      if (t != null) {
        Constants.replace(v, t);
        count++;
      }
    }
    return count;
  }

  private static Tensor staticShape(Node n) {
    Shape s = n.input(0).shape();
    if (!s.isStatic()) {
      return null;
    }
    int start = clamp(n.intAttr("start", 0), s.rank());
    int end = Math.max(start, clamp(n.intAttr("end", Integer.MAX_VALUE), s.rank()));
    return Tensor.vector(Arrays.copyOfRange(s.toLongs(), start, end));
  }

  private static int clamp(long axis, int rank) {
    return (int) Math.max(0, Math.min(axis < 0 ? axis + rank : axis, rank));
  }

  private static Tensor knownNumbers(Value v, Optional<List<Dim>> data) {
    DataType type = v.dtype();
    boolean fits = type == DataType.INT64 || type == DataType.INT32;
    if (data.isEmpty() || !fits || !v.shape().isStatic() || !data.get().stream().allMatch(Dim::isConstant)) {
      return null;
    }
    long[] numbers = data.get().stream().mapToLong(Dim::constant).toArray();
    long[] dims = v.shape().toLongs();
    long count = 1;
    for (long d : dims) {
      count *= d;
    }
    if (count != numbers.length) {
      return null;
    }
    return type == DataType.INT64 ? Tensor.of(numbers, dims)
        : Tensor.of(Arrays.stream(numbers).mapToInt(Math::toIntExact).toArray(), dims);
  }

  // ---- recipes ----

  private int foldRecipes(Graph g, PassContext context) {
    int count = 0;
    for (Node n : g.nodes()) {
      if (!isFoldable(n) || n.isOp("Identity") && n.output().isGraphOutput() || !allConstant(n) || !readsSource(n) || touchesParameter(n)) {
        continue;
      }
      List<Tensor> results = recipes(n, context);
      if (results != null && results.stream().allMatch(t -> isSmallEnough(t, n))) {
        for (int i = 0; i < results.size(); i++) {
          if (n.output(i) != null && !n.output(i).isUnused()) {
            Constants.replace(n.output(i), results.get(i));
          }
        }
        count++;
      }
    }
    return count;
  }

  private static List<Tensor> recipes(Node n, PassContext context) {
    try {
      return Recipes.of(n, context.model().opset());
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      Object file = context.model().source() == null ? "model" : context.model().source();
      throw BadInputException.of(file, n.label(), "constant inputs that do not go together: " + e.getMessage(), "inputs as "
          + n.qualifiedOp() + " wants them");
    }
  }

  private static boolean isFoldable(Node n) {
    return n.domain().isEmpty() && n.subgraphs().isEmpty() && !n.inputs().isEmpty() && !CommonSubexpressions.isRandom(n)
        && n.outputs().stream().anyMatch(v -> v != null && !v.isUnused());
  }

  private static boolean allConstant(Node n) {
    return n.inputs().stream().allMatch(v -> v == null || v.constant() != null) && n.hasInput(0);
  }

  private static boolean readsSource(Node n) {
    return n.inputs().stream().anyMatch(v -> v != null && v.constant() != null && Constants.hasSource(v.constant()));
  }

  private static boolean isSmallEnough(Tensor result, Node n) {
    long budget = FREE_BYTES;
    for (Value v : new LinkedHashSet<>(n.inputs())) {
      budget += v == null || v.constant() == null ? 0 : v.constant().byteSize();
    }
    return result.byteSize() <= budget;
  }

  // ---- evaluation ----

  private int evaluate(Graph g, PassContext context) {
    // Results that the same run computes count as constant for what follows.
    Map<Value, List<Tensor>> pending = new HashMap<>();
    List<Node> batch = new ArrayList<>();
    for (Node n : g.nodes()) {
      if (isFoldable(n) && !n.isOp("Identity") && !failed.contains(n) && n.hasInput(0) && isComputable(n, pending)
          && !touchesParameter(n)) {
        List<Tensor> from = roots(n, pending);
        for (Value v : n.outputs()) {
          if (v != null) {
            pending.put(v, from);
          }
        }
        batch.add(n);
      }
    }
    if (batch.isEmpty()) {
      return 0;
    }
    Set<Value> wanted = wanted(batch);
    Map<Value, Tensor> results = evaluator.evaluate(context.model(), batch, wanted, failed);
    int count = 0;
    for (Value v : wanted) {
      Tensor t = results.get(v);
      if (t != null && v.producer() != null && keep(t, pending.get(v))) {
        Node n = v.producer();
        Tensor named = t.dtype() == DataType.STRING ? t : traced(n.opType(), t, pending.get(v));
        Constants.replace(v, named);
        count++;
      } else if (v.producer() != null) {
        failed.add(v.producer());
      }
    }
    return count;
  }

  private static Tensor traced(String operators, Tensor t, List<Tensor> from) {
    List<Tensor> sources = from.stream().filter(Constants::hasSource).toList();
    return Tensor.evaluated(operators, sources, t.dtype(), t.dims(), Storage.of(t.bytes()));
  }

  /** The results that something outside the batch reads; the others are only on the way. */
  private static Set<Value> wanted(List<Node> batch) {
    Set<Node> inside = new HashSet<>(batch);
    Set<Value> wanted = new LinkedHashSet<>();
    for (Node n : batch) {
      for (Value v : n.outputs()) {
        if (v != null && (v.isGraphOutput() || v.uses().stream().anyMatch(u -> !inside.contains(u.node())))) {
          wanted.add(v);
        }
      }
    }
    return wanted;
  }

  private static List<Tensor> roots(Node n, Map<Value, List<Tensor>> pending) {
    Set<Tensor> all = new LinkedHashSet<>();
    for (Value v : n.inputs()) {
      if (v != null) {
        all.addAll(v.constant() != null ? List.of(v.constant()) : pending.get(v));
      }
    }
    return List.copyOf(all);
  }

  private static boolean keep(Tensor t, List<Tensor> from) {
    return t.byteSize() <= FREE_BYTES || t.byteSize() <= from.stream().mapToLong(Tensor::byteSize).sum();
  }

  private static boolean isComputable(Node n, Map<Value, List<Tensor>> pending) {
    for (Value v : n.inputs()) {
      if (v != null && v.constant() == null && !pending.containsKey(v)) {
        return false;
      }
    }
    return !INFLATING.contains(n.opType()) || predictedBytes(n) <= MAX_WORK_BYTES;
  }

  /** The size of the result as far as it can be told without computing it; endless if it cannot. */
  private static long predictedBytes(Node n) {
    Shape s = n.output(0) == null ? Shape.unknown() : n.output(0).shape();
    double count = Double.POSITIVE_INFINITY;
    if (s.isStatic()) {
      count = product(s.toLongs());
    } else if (n.isOp("ConstantOfShape") || n.isOp("Expand")) {
      long[] shape = Constants.ints(n.input(n.isOp("Expand") ? 1 : 0));
      Tensor x = n.isOp("Expand") ? n.input(0).constant() : null;
      count = shape == null ? count : product(shape) * (x == null ? 1 : Math.max(1, x.numel()));
    } else if (n.isOp("Range")) {
      Double from = Constants.scalar(n.input(0));
      Double to = Constants.scalar(n.input(1));
      Double step = Constants.scalar(n.input(2));
      count = from == null || to == null || step == null ? count : Math.max(0, (to - from) / step);
    }
    return count * 8 > MAX_WORK_BYTES ? Long.MAX_VALUE : (long) count * 8;
  }

  private static double product(long[] dims) {
    double p = 1;
    for (long d : dims) {
      p *= d;
    }
    return p;
  }
}
