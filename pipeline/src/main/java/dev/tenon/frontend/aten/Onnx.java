package dev.tenon.frontend.aten;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.NodeBuilder;
import dev.tenon.ir.Provenance;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.shape.IncrementalInference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Adds nodes to an ONNX model, of opset {@link #OPSET}. The type of each result is inferred at once, so that the next lowering can ask
 * for it. All shape arguments may be partly known: constants become constants of the graph, what is computed is concatenated.
 */
public final class Onnx {
  /** The opset that PyTorch's operators are lowered to: the first whose GroupNormalization has parameters per channel, as PyTorch's. */
  public static final int OPSET = 21;
  private static final int MAX_SHARED_ELEMENTS = 64;

  private final Model model;
  private final IncrementalInference inference;
  private final Map<List<Object>, Value> constants = new HashMap<>();
  private final Map<List<Object>, Value> parameters = new HashMap<>();
  private final Map<String, Integer> nodeNames = new HashMap<>();
  private final ConstantSlices slices = new ConstantSlices(this);
  private Graph graph;
  private Provenance provenance = Provenance.NONE;
  private String prefix = "";
  private int nodes;

  /** Adds to this model, to the end of its main graph. */
  public Onnx(Model model) {
    model.opsetImports().putIfAbsent(Node.ONNX_DOMAIN, OPSET);
    this.model = model;
    this.graph = model.graph();
    this.inference = new IncrementalInference(model);
  }

  public Model model() {
    return model;
  }

  /** The graph that nodes are added to: the main one, or a body. */
  public Graph graph() {
    return graph;
  }

  public IncrementalInference inference() {
    return inference;
  }

  /** The number of nodes added so far. */
  public int nodeCount() {
    return nodes;
  }

  /** What the nodes added from now on come from; their names and those of their results begin with {@code name}, see also {@link #name}. */
  public void at(Provenance from, String name) {
    this.provenance = from;
    this.prefix = name;
  }

  public Provenance provenance() {
    return provenance;
  }

  /** Begins a body of an {@code If} or {@code Loop}: nodes go there until {@link #end}. */
  public Graph begin(String name) {
    graph = new Graph(name, graph);
    return graph;
  }

  /** Goes on with a graph begun before: a body that has ended, or the main graph. */
  public void resume(Graph g) {
    graph = g;
  }

  /** Ends a body; the caller gives it to a node as attribute. */
  public Graph end() {
    Graph body = graph;
    graph = body.parent();
    return body;
  }

  /** True if a node added now may read the value: it is of the present graph or one around it. */
  public boolean isVisible(Value v) {
    for (Graph g = graph; g != null; g = g.parent()) {
      if (v.graph() == g) {
        return true;
      }
    }
    return false;
  }

  // ---- nodes ----

  public OnnxNode node(String opType) {
    return new OnnxNode(this, opType);
  }

  /** A node without attributes and with one result. */
  public Value op(String opType, Value... inputs) {
    return node(opType).in(inputs).out();
  }

  List<Value> append(String opType, String domain, String overload, List<Value> inputs, List<Attribute> attributes, List<Type> hints, int count) {
    nodes++;
    if (!domain.isEmpty()) {
      model.opsetImports().putIfAbsent(domain, 1);
    }
    String name = prefix.isEmpty() ? opType : prefix + "/" + opType;
    NodeBuilder b = graph.newNode(opType).domain(domain).overload(overload).name(nodeName(name)).provenance(provenance)
        .inputs(inputs).attributes(attributes);
    for (int i = 0; i < count; i++) {
      b.output(name, i < hints.size() ? hints.get(i) : null);
    }
    Node node = b.append();
    inference.visit(node);
    return node.outputs();
  }

  private String nodeName(String wish) {
    int n = nodeNames.merge(wish, 1, Integer::sum);
    return n == 1 ? wish : nodeName(wish + "_" + (n - 1));
  }

  /** Gives a result of a node the name that the source has for it, if no other value has it. */
  public void name(Value v, String wish) {
    if (v.producer() != null && !v.isGraphOutput() && !v.name().equals(wish) && v.graph().freshName(wish).equals(wish)) {
      v.graph().rename(v, wish);
    }
  }

  // ---- constants ----

  /** A constant of the main graph; equal small ones are shared. */
  public Value constant(Tensor t) {
    if (t.numel() > MAX_SHARED_ELEMENTS || t.dtype() == DataType.STRING) {
      return newConstant(t);
    }
    List<Object> key = List.of(t.dtype(), Arrays.stream(t.dims()).boxed().toList(), t.bytes());
    return constants.computeIfAbsent(key, k -> newConstant(t));
  }

  /**
   * A constant that is made of the source's parameters. Unlike a {@link #constant} it is shared by its making, not by its elements: two
   * parameters may be equal today and differ when other weights are poured in.
   *
   * @param key what it is made of, and how
   * @param wish the name that it gets if no other value has it
   */
  public Value parameter(List<Object> key, String wish, Supplier<Tensor> tensor) {
    return parameters.computeIfAbsent(key, k -> model.graph().newInitializer(wish, tensor.get()));
  }

  private Value newConstant(Tensor t) {
    Graph main = model.graph();
    return main.addInitializer(main.freshName("const_" + (main.initializers().size() + 1)), t);
  }

  public Value vector(long... values) {
    return constant(Tensor.vector(values));
  }

  /** A constant of rank 0; integers are exact. */
  public Value scalar(DataType dtype, long value) {
    return constant(dtype == DataType.INT64 ? Tensor.scalar(value) : Tensor.scalar(value).cast(dtype).evaluated());
  }

  /** A constant of rank 0. */
  public Value scalar(DataType dtype, double value) {
    return constant(Tensor.scalar(dtype, value));
  }

  /** A vector of numbers, int64: constant if all are. */
  public Value vector(List<TorchScalar> numbers) {
    if (numbers.stream().allMatch(TorchScalar::isConstant)) {
      return vector(numbers.stream().mapToLong(TorchScalar::toLong).toArray());
    }
    List<Value> parts = new ArrayList<>();
    // Runs of constants are one constant.
    List<Long> run = new ArrayList<>();
    for (TorchScalar n : numbers) {
      if (n.isConstant()) {
        run.add(n.toLong());
        continue;
      }
      flush(run, parts);
      parts.add(n.vector(this));
    }
    flush(run, parts);
    return parts.size() == 1 ? parts.get(0) : concat(0, parts);
  }

  private void flush(List<Long> run, List<Value> parts) {
    if (!run.isEmpty()) {
      parts.add(vector(run.stream().mapToLong(Long::longValue).toArray()));
      run.clear();
    }
  }

  // ---- sizes ----

  /** The size of a dimension: a constant where it is known. Negative axes count from the end. */
  public TorchScalar size(Value x, int axis) {
    int rank = rank(x);
    int a = axis < 0 ? axis + rank : axis;
    if (a < 0 || a >= rank) {
      throw new LoweringException("dimension " + axis + " of a tensor of rank " + rank);
    }
    Dim d = x.shape().dim(a);
    if (d.isConstant()) {
      return TorchScalar.of(d.constant());
    }
    Value v = node("Shape").in(x).attr("start", a).attr("end", a + 1L).out();
    return TorchScalar.computed(TorchScalar.Kind.INT, v, d, this);
  }

  public List<TorchScalar> sizes(Value x) {
    List<TorchScalar> all = new ArrayList<>();
    for (int i = 0; i < rank(x); i++) {
      all.add(size(x, i));
    }
    return all;
  }

  /** The rank, which must be known. */
  public int rank(Value x) {
    if (!x.shape().hasRank()) {
      throw new LoweringException("the rank of " + x.name() + " is not known",
          "give the shapes of inputs with --input NAME:batch,3,224,224");
    }
    return x.rank();
  }

  /** The number of elements. */
  public TorchScalar numel(Value x) {
    Dim n = x.shape().hasRank() ? x.shape().numel() : Dim.unknown();
    return n.isConstant() ? TorchScalar.of(n.constant()) : TorchScalar.computed(TorchScalar.Kind.INT, op("Size", x), n, this);
  }

  /** What is known of a computed integer; an anonymous symbol if nothing. */
  Dim knownScalar(Value v) {
    return inference.knownData(v).filter(l -> l.size() == 1).map(l -> l.get(0)).orElseGet(Dim::unknownInteger);
  }

  /** The elements of a small tensor that depends on constants alone; null if it depends on what is fed, or on parameters. */
  public Tensor known(Value v) {
    return slices.find(v);
  }

  /** A number computed by the graph, of rank 0 or 1 with one element; a constant where it depends on nothing that is fed. */
  public TorchScalar number(TorchScalar.Kind kind, Value v) {
    DataType wanted = kind == TorchScalar.Kind.BOOL ? DataType.BOOL : kind == TorchScalar.Kind.INT ? DataType.INT64 : DataType.DOUBLE;
    Value number = cast(v, wanted);
    boolean known = kind == TorchScalar.Kind.INT && knownScalar(number).isConstant();
    Tensor constant = known ? null : known(number);
    if (constant != null && constant.numel() == 1) {
      double element = constant.toDoubles()[0];
      return switch (kind) {
        case BOOL -> TorchScalar.of(element != 0);
        case INT -> TorchScalar.of(constant.toLongs()[0]);
        case FLOAT -> TorchScalar.of(element);
      };
    }
    return TorchScalar.computed(kind, number, null, this);
  }

  /** An integer computed by the graph, of rank 0 or 1 with one element, of which this is known. */
  public TorchScalar integer(Value v, Dim dim) {
    return TorchScalar.computed(TorchScalar.Kind.INT, v, dim, this);
  }

  public TorchScalar plus(TorchScalar a, TorchScalar b) {
    return integer("Add", a, b, a.dim().plus(b.dim()));
  }

  public TorchScalar minus(TorchScalar a, TorchScalar b) {
    return integer("Sub", a, b, a.dim().minus(b.dim()));
  }

  public TorchScalar times(TorchScalar a, TorchScalar b) {
    return integer("Mul", a, b, a.dim().times(b.dim()));
  }

  private TorchScalar integer(String opType, TorchScalar a, TorchScalar b, Dim dim) {
    return dim.isConstant() ? TorchScalar.of(dim.constant())
        : TorchScalar.computed(TorchScalar.Kind.INT, op(opType, a.vector(this), b.vector(this)), dim, this);
  }

  /** Rounded towards minus infinity, as Python's {@code //}. */
  public TorchScalar floorDiv(TorchScalar a, TorchScalar b) {
    Dim dim = b.is(0) ? Dim.unknownInteger() : a.dim().floorDiv(b.dim());
    if (dim.isConstant()) {
      return TorchScalar.of(dim.constant());
    }
    Value x = a.vector(this);
    Value y = b.vector(this);
    // ONNX divides towards zero: subtracting the remainder, which has the sign of the divisor, makes it exact first.
    boolean plain = a.dim().isAtLeast(0) && b.dim().isAtLeast(1);
    Value quotient = plain ? op("Div", x, y) : op("Div", op("Sub", x, op("Mod", x, y)), y);
    return TorchScalar.computed(TorchScalar.Kind.INT, quotient, dim, this);
  }

  // ---- common operators ----

  public Value cast(Value x, DataType to) {
    return x.dtype() == to || to == DataType.UNDEFINED ? x : node("Cast").in(x).attr("to", to).out();
  }

  public Value add(Value a, Value b) {
    return op("Add", a, b);
  }

  public Value sub(Value a, Value b) {
    return op("Sub", a, b);
  }

  public Value mul(Value a, Value b) {
    return op("Mul", a, b);
  }

  public Value div(Value a, Value b) {
    return op("Div", a, b);
  }

  public Value transpose(Value x, int... perm) {
    boolean identity = true;
    for (int i = 0; i < perm.length; i++) {
      identity &= perm[i] == i;
    }
    return identity ? x : node("Transpose").in(x).attr("perm", Arrays.stream(perm).asLongStream().toArray()).out();
  }

  public Value unsqueeze(Value x, long... axes) {
    return axes.length == 0 ? x : op("Unsqueeze", x, vector(axes));
  }

  public Value squeeze(Value x, long... axes) {
    return axes.length == 0 ? x : op("Squeeze", x, vector(axes));
  }

  public Value concat(int axis, List<Value> parts) {
    return parts.size() == 1 ? parts.get(0) : node("Concat").in(parts).attr("axis", axis).out();
  }

  public Value gather(Value x, Value indices, int axis) {
    return node("Gather").in(x, indices).attr("axis", axis).out();
  }

  /** Elements from {@code start} (inclusive) to {@code end} (exclusive) of one axis. */
  public Value slice(Value x, int axis, TorchScalar start, TorchScalar end, long step) {
    return op("Slice", x, start.vector(this), end.vector(this), vector(axis), vector(step));
  }

  public Value slice(Value x, int axis, long start, long end) {
    return slice(x, axis, TorchScalar.of(start), TorchScalar.of(end), 1);
  }

  public Value reshape(Value x, long... dims) {
    return reshape(x, Arrays.stream(dims).mapToObj(TorchScalar::of).toList());
  }

  /**
   * Reshapes; one of the sizes may be -1. Sizes that are not known become 0 (as in the input) or -1 (what is left) where that says
   * the same, so that the target is constant whenever it can be.
   */
  public Value reshape(Value x, List<TorchScalar> sizes) {
    List<TorchScalar> target = new ArrayList<>(sizes);
    Shape from = x.shape();
    boolean zero = sizes.stream().anyMatch(s -> s.is(0));
    int open = (int) sizes.stream().filter(s -> !s.isConstant()).count();
    int inferred = (int) sizes.stream().filter(s -> s.is(-1)).count();
    for (int i = 0; i < target.size() && !zero && open + inferred > 1; i++) {
      TorchScalar s = target.get(i);
      if (!s.isConstant() && from.hasRank() && i < from.rank() && from.dim(i).equals(s.dim())) {
        target.set(i, TorchScalar.of(0));
        open--;
      }
    }
    if (open == 1 && inferred == 0 && !zero) {
      for (int i = 0; i < target.size(); i++) {
        if (!target.get(i).isConstant()) {
          target.set(i, TorchScalar.of(-1));
        }
      }
    }
    Type hint = null;
    if (inferred == 0 && sizes.stream().noneMatch(s -> s.dim() == null)) {
      hint = Type.tensor(x.dtype(), Shape.of(sizes.stream().map(TorchScalar::dim).toList()));
    }
    OnnxNode n = node("Reshape").in(x, vector(target)).hint(hint);
    return (zero ? n.attr("allowzero", 1) : n).out();
  }

  /** Broadcasts to these sizes, where -1 keeps the input's. */
  public Value expand(Value x, List<TorchScalar> sizes) {
    int added = sizes.size() - rank(x);
    List<TorchScalar> target = new ArrayList<>();
    boolean same = added == 0;
    for (int i = 0; i < sizes.size(); i++) {
      TorchScalar s = sizes.get(i);
      // In Expand 1 keeps the input's size as well.
      target.add(s.is(-1) ? TorchScalar.of(1) : s);
      same &= s.is(-1) || s.dim() != null && i >= added && s.dim().equals(x.shape().dim(i - added));
    }
    return same ? x : op("Expand", x, vector(target));
  }

  /** Reduces by a {@code Reduce…} operator; over all axes if there are none given. */
  public Value reduce(String opType, Value x, boolean keepDims, long... axes) {
    // ONNX Runtime keeps an empty axis that is counted from the end.
    long[] fromStart = Arrays.stream(axes).map(a -> a < 0 ? a + rank(x) : a).toArray();
    OnnxNode n = node(opType).in(x, axes.length == 0 ? null : vector(fromStart)).attr("keepdims", keepDims);
    return n.out();
  }

  public Value softmax(Value x, int axis) {
    return node("Softmax").in(x).attr("axis", axis).out();
  }

  public Value where(Value condition, Value a, Value b) {
    return op("Where", condition, a, b);
  }
}
