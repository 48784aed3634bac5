package dev.tenon.frontend.aten;

import dev.tenon.ir.ArgumentNames;
import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostic;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.diag.Severity;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Calls PyTorch's operators on values: what both readers of PyTorch programs have in common. A call finds the operator's schema, binds
 * the arguments, and adds the operator's ONNX form to the graph.
 *
 * <ul>
 *   <li>Operators that write to an argument ({@code add_}, {@code copy_}) become the operator of the same name without the underscore and
 *       a {@link TorchTensor#write write}.
 *   <li>Results that are views of an argument, by the schema, follow what is written to it.
 *   <li>An operator without an entry in {@link AtenOps} becomes a custom node: domain, type and overload are PyTorch's.
 *   <li>What cannot be expressed is an error among the {@link Diagnostics}, and a custom node stands in, so that one run finds all of it.
 * </ul>
 */
public final class Aten {
  private static final Set<String> RESHAPING = Set.of("unsqueeze_", "squeeze_", "transpose_", "t_", "swapaxes_", "swapdims_", "detach_");

  private final Onnx onnx;
  private final AtenOps ops;
  private final Diagnostics diagnostics;
  private Consumer<Node> customTypes = n -> { };
  private final Schemas schemas = Schemas.builtin();
  private final List<Write> writes = new ArrayList<>();
  /** How often the reader called each operator; lowerings that call others are not counted. */
  private final Map<String, Integer> calls = new TreeMap<>();
  private int depth;
  private final Set<Diagnostic> reported = new LinkedHashSet<>();

  public Aten(Onnx onnx, AtenOps ops, Diagnostics diagnostics) {
    this.onnx = onnx;
    this.ops = ops;
    this.diagnostics = diagnostics;
  }

  /** Lets somebody set the types of what operators give that are not known here. */
  public Aten withCustomTypes(Consumer<Node> typer) {
    customTypes = typer;
    return this;
  }

  public Onnx onnx() {
    return onnx;
  }

  public Schemas schemas() {
    return schemas;
  }

  /** Calls an operator by name, {@code aten::add}; which overload is meant follows from the arguments. */
  public TorchValue call(String name, List<TorchValue> positional) {
    return call(name, null, positional, Map.of(), List.of());
  }

  /**
   * Calls an operator.
   *
   * @param name namespace and name, {@code aten::add}
   * @param overload null if it is to follow from the arguments; empty for the unnamed one
   * @param positional arguments in order
   * @param named arguments by name
   * @param resultTypes what is known of the results' types, for operators that are not; null elements where nothing is
   */
  public TorchValue call(String name, String overload, List<TorchValue> positional, Map<String, TorchValue> named, List<Type> resultTypes) {
    if (depth == 0) {
      calls.merge(name, 1, Integer::sum);
    }
    depth++;
    try {
      return resolved(name, overload, positional, named, resultTypes);
    } finally {
      depth--;
    }
  }

  private TorchValue resolved(String name, String overload, List<TorchValue> positional, Map<String, TorchValue> named,
      List<Type> resultTypes) {
    Schema schema = overload == null ? resolve(name, positional, named) : schemas.find(name, overload);
    if (schema == null && overload != null && schemas.knows(name)) {
      schema = resolve(name, positional, named);
    }
    if (schema == null) {
      return custom(name, overload == null ? "" : overload, null, named(positional, named), resultTypes);
    }
    TorchValue[] arguments = bind(schema, positional, named, true, true);
    if (arguments == null) {
      report(new LoweringException(name + ": arguments that fit none of its overloads"));
      return custom(name, schema.overload(), schema, named(positional, named), resultTypes);
    }
    return call(schema, arguments, resultTypes);
  }

  private TorchValue call(Schema schema, TorchValue[] arguments, List<Type> resultTypes) {
    AtenCall c = new AtenCall(this, schema, arguments, resultTypes.size());
    Lowering lowering = ops.find(schema);
    Schema.Parameter mutated = schema.mutated();
    try {
      if (mutated != null) {
        return write(schema, c, arguments, lowering);
      }
      if (lowering != null) {
        return withViews(schema, c, lowering, lowering.lower(c));
      }
    } catch (LoweringException e) {
      report(e);
    } catch (ArithmeticException | IndexOutOfBoundsException | IllegalArgumentException | UnsupportedOperationException
        | ClassCastException | NullPointerException e) {
      // Arguments that contradict each other, or a lowering that has a case too few: one operator less, and the others are still found.
      report(new LoweringException(schema.qualifiedName() + " cannot be lowered with these arguments: " + e.getMessage()));
    }
    return custom(schema.name(), schema.overload(), schema, c, arguments, resultTypes);
  }

  /** Notes in the model's metadata which operators were called and how often, for {@link TorchOperators}. */
  public void recordCalls() {
    TorchOperators.write(calls, onnx.model());
  }

  // ---- writing ----

  private TorchValue write(Schema schema, AtenCall c, TorchValue[] arguments, Lowering own) {
    int target = schema.parameters().indexOf(schema.mutated());
    if (!(arguments[target] instanceof TorchTensor self)) {
      throw new LoweringException(schema.qualifiedName() + ": " + schema.mutated().name() + " is no tensor");
    }
    if (RESHAPING.contains(schema.baseName())) {
      return reshape(schema, arguments, target, self);
    }
    Value written;
    if (own != null) {
      written = ((TorchTensor) own.lower(c)).value();
    } else {
      Schema pure = pure(schema, arguments);
      Lowering lowering = pure == null ? null : ops.find(pure);
      if (lowering == null) {
        throw new LoweringException(schema.qualifiedName() + " has no ONNX form yet");
      }
      TorchValue[] bound = bindAs(pure, schema, arguments);
      TorchValue result = lowering.lower(new AtenCall(this, pure, bound, 0));
      written = ((TorchTensor) (result instanceof TorchTuple t ? t.get(0) : result)).value();
    }
    write(self, written);
    return self;
  }

  /** An operator that changes a tensor's dimensions and not its elements: the tensor becomes a view of what it was. */
  private TorchValue reshape(Schema schema, TorchValue[] arguments, int target, TorchTensor self) {
    if (schema.baseName().equals("detach_")) {
      return self;
    }
    Schema pure = pure(schema, arguments);
    if (pure == null || ops.find(pure) == null) {
      throw new LoweringException(schema.qualifiedName() + " has no ONNX form yet");
    }
    TorchValue[] bound = arguments.clone();
    bound[target] = self.copy();
    if (!(call(pure, bindAs(pure, schema, bound), List.of()) instanceof TorchTensor view)) {
      throw new LoweringException(schema.qualifiedName() + " has no ONNX form yet");
    }
    self.become(view);
    return self;
  }

  /** A write to a tensor that is no view, and the value that it had before. */
  private record Write(TorchTensor root, Value before) {}

  /** Writes to a tensor: the elements take on its type and shape. */
  public void write(TorchTensor self, Value elements) {
    Value before = self.value();
    Value written = onnx.cast(elements, before.dtype());
    if (before.shape().hasRank() && !before.shape().equals(written.shape())) {
      written = onnx.expand(written, onnx.sizes(before));
    }
    record(self, written);
  }

  private void record(TorchTensor self, Value written) {
    writes.add(new Write(self.root(), self.root().value()));
    self.write(written);
  }

  /** The operator of the same name without the last underscore, with parameters of the same names. */
  private Schema pure(Schema schema, TorchValue[] arguments) {
    if (!schema.name().endsWith("_")) {
      return null;
    }
    String name = schema.name().substring(0, schema.name().length() - 1);
    Schema same = schemas.find(name, schema.overload());
    // Overloads of the same name may take other things: pow.Scalar has a number for its base, pow_.Scalar for its exponent.
    Schema byName = same != null && bindAs(same, schema, arguments) != null ? same : resolve(name, List.of(), named(schema, arguments));
    return byName != null ? byName : resolve(name, Arrays.asList(arguments), Map.of());
  }

  /** The arguments of an operator as another one takes them: by name, or in order where the names differ. */
  private static TorchValue[] bindAs(Schema pure, Schema schema, TorchValue[] arguments) {
    TorchValue[] bound = bind(pure, List.of(), named(schema, arguments), true, true);
    return bound != null ? bound : bind(pure, Arrays.asList(arguments), Map.of(), true, true);
  }

  private static Map<String, TorchValue> named(Schema schema, TorchValue[] arguments) {
    Map<String, TorchValue> named = new LinkedHashMap<>();
    for (int i = 0; i < arguments.length; i++) {
      if (arguments[i] != null) {
        named.put(schema.parameters().get(i).name(), arguments[i]);
      }
    }
    return named;
  }

  /** A mark in the list of writes, for {@link #writtenSince}. */
  public int mark() {
    return writes.size();
  }

  /** The tensors that were written to since the mark, each once and none a view, with the values that they had at the mark. */
  public Map<TorchTensor, Value> writtenSince(int mark) {
    Map<TorchTensor, Value> before = new LinkedHashMap<>();
    writes.subList(mark, writes.size()).forEach(w -> before.putIfAbsent(w.root, w.before));
    return before;
  }

  // ---- views ----

  private TorchValue withViews(Schema schema, AtenCall c, Lowering lowering, TorchValue result) {
    if (schema.results().isEmpty() || schema.viewedBy(0) == null || !(c.get(schema.viewedBy(0).name()) instanceof TorchTensor base)) {
      return result;
    }
    if (result instanceof TorchTensor t) {
      return t == base || ViewRules.copies(c, base, t) ? t : view(schema, c, lowering, base, t, -1);
    }
    if (result instanceof TorchList l) {
      List<TorchValue> views = new ArrayList<>();
      for (int i = 0; i < l.elements().size(); i++) {
        views.add(view(schema, c, lowering, base, (TorchTensor) l.elements().get(i), i));
      }
      return new TorchList(views);
    }
    return result;
  }

  private TorchTensor view(Schema schema, AtenCall c, Lowering lowering, TorchTensor base, TorchTensor result, int index) {
    ViewScatter scatter = ops.scatter(schema);
    return TorchTensor.viewOf(base, result.value(), new TorchTensor.ViewOf() {
      @Override
      public Value replay() {
        TorchValue again = lowering.lower(c);
        return ((TorchTensor) (again instanceof TorchList l ? l.elements().get(index) : again)).value();
      }

      @Override
      public Value scatter(Value written) {
        if (scatter == null) {
          throw new LoweringException("writing to a view made by " + schema.qualifiedName() + " has no ONNX form yet");
        }
        return scatter.scatter(c, base.value(), written, Math.max(index, 0));
      }

      @Override
      public boolean isVisible(Value v) {
        return onnx.isVisible(v);
      }
    }).contiguous(ViewRules.isContiguous(c, base, result));
  }

  // ---- binding ----

  /**
   * The overload that takes these arguments: exactly, or with Python's conversions. Null if there is none. Arguments by position that
   * would be for parameters after the {@code *} come last: {@code prod(x, 1)} has a dimension, not an element type.
   */
  private Schema resolve(String name, List<TorchValue> positional, Map<String, TorchValue> named) {
    for (boolean keywords : new boolean[] {true, false}) {
      for (boolean implicit : new boolean[] {false, true}) {
        for (Schema s : schemas.overloads(name)) {
          if ((!keywords || positional.size() <= s.positionalCount()) && bind(s, positional, named, implicit) != null) {
            return s;
          }
        }
      }
    }
    return null;
  }

  private static TorchValue[] bind(Schema schema, List<TorchValue> positional, Map<String, TorchValue> named, boolean implicit) {
    return bind(schema, positional, named, implicit, false);
  }

  /** With {@code numbers}, a number may stand for a tensor: torch.export calls {@code add.Tensor} with both. */
  private static TorchValue[] bind(Schema schema, List<TorchValue> positional, Map<String, TorchValue> named, boolean implicit, boolean numbers) {
    List<Schema.Parameter> parameters = schema.parameters();
    TorchValue[] bound = new TorchValue[parameters.size()];
    int used = 0;
    for (int i = 0; i < bound.length; i++) {
      Schema.Parameter p = parameters.get(i);
      TorchValue v = null;
      if (i < positional.size()) {
        v = positional.get(i);
      } else if (named.containsKey(p.name())) {
        v = named.get(p.name());
        used++;
      }
      if (v == null && p.byDefault() == null && !p.type().optional() || v != null && !p.type().accepts(v, implicit)
          && !(numbers && v instanceof TorchScalar && p.type().isTensor() && p.type().list() == 0)) {
        return null;
      }
      bound[i] = v == null ? p.byDefault() : v;
    }
    return positional.size() > bound.length || used < named.size() ? null : bound;
  }

  private static Map<String, TorchValue> named(List<TorchValue> positional, Map<String, TorchValue> named) {
    Map<String, TorchValue> all = new LinkedHashMap<>();
    for (int i = 0; i < positional.size(); i++) {
      all.put("arg" + i, positional.get(i));
    }
    all.putAll(named);
    return all;
  }

  // ---- operators without an ONNX form ----

  private TorchValue custom(String name, String overload, Schema schema, AtenCall c, TorchValue[] arguments, List<Type> resultTypes) {
    TorchValue made = custom(name, overload, schema, named(schema, arguments), resultTypes);
    if (schema.mutated() != null && c.get(schema.mutated().name()) instanceof TorchTensor self && made instanceof TorchTensor t) {
      try {
        record(self, t.value());
      } catch (LoweringException e) {
        report(e);
      }
      return self;
    }
    return made;
  }

  /** A node of PyTorch's own name: tensors and computed numbers are inputs, constants attributes. */
  private TorchValue custom(String name, String overload, Schema schema, Map<String, TorchValue> arguments, List<Type> resultTypes) {
    int colons = name.indexOf("::");
    OnnxNode node = onnx.node(colons < 0 ? name : name.substring(colons + 2)).domain(colons < 0 ? "torch" : name.substring(0, colons))
        .overload(overload);
    List<String> names = new ArrayList<>();
    arguments.forEach((parameter, v) -> addArgument(node, parameter, v, names));
    int count = Math.max(1, schema != null ? schema.results().size() : resultTypes.size());
    boolean list = schema != null && count == 1 && schema.results().size() == 1 && schema.results().get(0).type().list() > 0;
    if (list) {
      count = Math.max(1, resultTypes.size());
    }
    for (int i = 0; i < count; i++) {
      node.hint(i < resultTypes.size() ? resultTypes.get(i) : null);
    }
    List<Value> values = node.outs(count);
    ArgumentNames.set(values.get(0).producer(), names);
    customTypes.accept(values.get(0).producer());
    List<TorchValue> tensors = values.stream().map(v -> (TorchValue) TorchTensor.of(v)).toList();
    return list ? new TorchList(tensors) : count == 1 ? tensors.get(0) : new TorchTuple(tensors);
  }

  /** Adds an argument, and its name to {@code names} if it is an input. */
  private void addArgument(OnnxNode node, String parameter, TorchValue v, List<String> names) {
    if (v instanceof TorchTensor t) {
      node.in(t.value());
      names.add(parameter);
    } else if (v instanceof TorchScalar s && !s.isConstant()) {
      node.in(s.scalar(onnx));
      names.add(parameter);
    } else if (v instanceof TorchScalar s) {
      node.attr(s.kind() == TorchScalar.Kind.FLOAT ? Attribute.ofFloat(parameter, (float) s.toDouble()) : Attribute.ofInt(parameter, s.toLong()));
    } else if (v instanceof TorchString s) {
      node.attr(parameter, s.text());
    } else if (v instanceof TorchDtype d) {
      node.attr(parameter, d.dtype());
    } else if (v instanceof TorchList || v instanceof TorchTuple) {
      addList(node, parameter, v instanceof TorchList l ? l.elements() : ((TorchTuple) v).elements(), names);
    }
  }

  private void addList(OnnxNode node, String parameter, List<TorchValue> elements, List<String> names) {
    boolean constant = elements.stream().allMatch(e -> e instanceof TorchScalar s && s.isConstant());
    if (elements.stream().allMatch(e -> e instanceof TorchString)) {
      node.attr(Attribute.ofStrings(parameter, elements.stream().map(e -> ((TorchString) e).text()).toList()));
    } else if (constant && elements.stream().anyMatch(e -> ((TorchScalar) e).kind() == TorchScalar.Kind.FLOAT)) {
      float[] f = new float[elements.size()];
      for (int i = 0; i < f.length; i++) {
        f[i] = (float) ((TorchScalar) elements.get(i)).toDouble();
      }
      node.attr(Attribute.ofFloats(parameter, f));
    } else if (constant) {
      node.attr(parameter, elements.stream().mapToLong(e -> ((TorchScalar) e).toLong()).toArray());
    } else {
      elements.forEach(e -> addArgument(node, parameter + "[]", e, names));
    }
  }

  /** Records that something at the present place cannot be lowered; once, however often it is said. */
  public void report(LoweringException e) {
    Diagnostic d = new Diagnostic(Severity.ERROR, "unsupported-torch-operator", String.join(", ", onnx.provenance().sources()),
        location(), e.getMessage(), e.hint());
    if (reported.add(d)) {
      diagnostics.add(d);
    }
  }

  private String location() {
    String module = onnx.provenance().modulePath();
    String line = onnx.provenance().sourceLine();
    return module.isEmpty() ? line : line.isEmpty() ? module : module + ", " + line;
  }

  /** Gives an input of the model whose rank is unknown the only shape that the operator at hand takes. */
  void demand(Value v, Shape shape) {
    if (!v.shape().hasRank() && v.isGraphInput()) {
      v.setType(Type.tensor(v.dtype() == DataType.UNDEFINED ? DataType.FLOAT : v.dtype(), shape));
      onnx.inference().visitInput(v);
    }
  }

  /** The element type with this number of c10's. */
  DataType dtypeOfNumber(long c10) {
    List<DataType> byNumber = Arrays.asList(DataType.UINT8, DataType.INT8, DataType.INT16, DataType.INT32, DataType.INT64, DataType.FLOAT16,
        DataType.FLOAT, DataType.DOUBLE, null, DataType.COMPLEX64, DataType.COMPLEX128, DataType.BOOL, null, null, null, DataType.BFLOAT16);
    DataType t = c10 >= 0 && c10 < byNumber.size() ? byNumber.get((int) c10) : null;
    if (t == null) {
      throw new LoweringException("element type " + c10 + " of PyTorch has no counterpart in ONNX");
    }
    return t;
  }
}
