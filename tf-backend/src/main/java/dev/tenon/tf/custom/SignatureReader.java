package dev.tenon.tf.custom;

import dev.tenon.ir.ArgumentNames;
import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.tf.custom.Declaration.Slot;
import dev.tenon.tf.custom.OperatorSignature.Arity;
import dev.tenon.tf.custom.OperatorSignature.DimRule;
import dev.tenon.tf.custom.OperatorSignature.Parameter;
import dev.tenon.tf.custom.OperatorSignature.Port;
import dev.tenon.tf.custom.OperatorSignature.ShapeRule;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.IntPredicate;

/**
 * Reads an operator's signature off its uses.
 *
 * <p>Inputs are told apart by their names where the source has names, or the user gives some; else by position, and then an input that
 * some use leaves out is optional, and inputs whose number differs by more than one are a list. Where element types differ from use to
 * use, they are attributes. An output has the shape of an input if it has at every use, and a dimension if that has a name there.
 */
public final class SignatureReader {
  private static final int VALUES_SHOWN = 4;

  private final String operator;
  private final List<Node> uses;
  private final Declaration declared;
  private final Set<String> names = new HashSet<>();

  private SignatureReader(String operator, List<Node> uses, Declaration declared) {
    this.operator = operator;
    this.uses = uses;
    this.declared = declared;
  }

  /** One port at all uses: a list of the values that it is, for each use. */
  private record Column(String name, Arity arity, List<List<Value>> values) {}

  /**
   * Reads a signature.
   *
   * @param uses all nodes of the operator, at least one
   * @throws BadInputException if the uses contradict each other or the declaration, or there are types that TensorFlow's C interface has
   * not
   */
  public static OperatorSignature read(String operator, List<Node> uses, Declaration declared) {
    return new SignatureReader(operator, uses, declared).read();
  }

  private OperatorSignature read() {
    String name = declared.tensorFlowName().isEmpty() ? Identifiers.tensorFlowName(operator) : declared.tensorFlowName();
    List<Parameter> attributes = attributes();
    List<Column> inputs = columns(Node::inputs, declared.inputs(), "input");
    List<Column> outputs = columns(Node::outputs, declared.outputs(), "output");
    Types types = new Types(inputs, outputs);
    List<Port> in = new ArrayList<>();
    for (Column c : inputs) {
      in.add(types.port(c, null));
    }
    List<Port> out = new ArrayList<>();
    for (Column c : outputs) {
      out.add(types.port(c, shapeRule(c, inputs)));
    }
    return new OperatorSignature(operator, name, in, out, attributes, types.attributes, uses.size());
  }

  // ---- which inputs and outputs there are ----

  private List<Column> columns(Function<Node, List<Value>> values, List<Slot> slots, String kind) {
    boolean named = kind.equals("input") && slots.isEmpty() && uses.stream().allMatch(n -> n.inputs().isEmpty()
        || !ArgumentNames.of(n).isEmpty())
        && uses.stream().anyMatch(n -> !n.inputs().isEmpty());
    List<Column> columns = new ArrayList<>();
    if (named) {
      return namedColumns();
    }
    if (slots.isEmpty()) {
      slots = positions(values, kind);
    }
    for (Slot s : slots) {
      columns.add(new Column(Identifiers.port(s.name(), names), s.arity(), new ArrayList<>()));
    }
    for (Node n : uses) {
      List<Value> all = values.apply(n);
      List<Integer> owners = declared.assign(all.size(), slots, operator);
      for (int s = 0; s < slots.size(); s++) {
        List<Value> own = new ArrayList<>();
        for (int i = 0; i < owners.size(); i++) {
          if (owners.get(i) == s && all.get(i) != null) {
            own.add(all.get(i));
          }
        }
        if (own.isEmpty() && slots.get(s).arity() == Arity.SINGLE && kind.equals("input")) {
          throw new BadInputException(operator + " at " + n.label() + ": found no " + kind + " " + slots.get(s).name()
              + ", expected one; 'optional "
              + slots.get(s).name() + "' in ops.yaml declares that it may be left out");
        }
        columns.get(s).values.add(own);
      }
    }
    return columns;
  }

  private List<Slot> positions(Function<Node, List<Value>> values, String kind) {
    int most = uses.stream().mapToInt(n -> values.apply(n).size()).max().orElse(0);
    int least = uses.stream().mapToInt(n -> values.apply(n).size()).min().orElse(0);
    List<Slot> slots = new ArrayList<>();
    boolean single = most == 1 && least == 1;
    for (int i = 0; i < most; i++) {
      int at = i;
      if (i >= least && most - least > 1) {
        slots.add(new Slot(kind + "s", Arity.VARIADIC));
        break;
      }
      boolean always = kind.equals("output") || uses.stream().allMatch(n -> at < values.apply(n).size() && values.apply(n).get(at) != null);
      slots.add(new Slot(single ? kind : kind + "_" + i, always ? Arity.SINGLE : Arity.OPTIONAL));
    }
    return slots;
  }

  /** PyTorch's names; an input that is missing at one use stands where the others have it. */
  private List<Column> namedColumns() {
    List<String> order = new ArrayList<>();
    for (Node n : uses) {
      int at = 0;
      for (String name : new LinkedHashSet<>(ArgumentNames.of(n))) {
        int known = order.indexOf(name);
        if (known < 0) {
          order.add(at, name);
          known = at;
        }
        at = known + 1;
      }
    }
    List<Column> columns = new ArrayList<>();
    for (String name : order) {
      List<List<Value>> values = new ArrayList<>();
      for (Node n : uses) {
        List<String> own = ArgumentNames.of(n);
        List<Value> given = new ArrayList<>();
        for (int i = 0; i < own.size(); i++) {
          if (own.get(i).equals(name) && n.input(i) != null) {
            given.add(n.input(i));
          }
        }
        values.add(given);
      }
      boolean list = name.endsWith("[]");
      Arity arity = list ? Arity.VARIADIC : values.stream().allMatch(v -> v.size() == 1) ? Arity.SINGLE : Arity.OPTIONAL;
      columns.add(new Column(Identifiers.port(list ? name.substring(0, name.length() - 2) : name, names), arity, values));
    }
    return columns;
  }

  // ---- element types ----

  /** Gives ports whose types change together a common type attribute. */
  private final class Types {
    private final Map<String, Set<DataType>> attributes = new LinkedHashMap<>();
    private final Map<List<DataType>, String> byColumn = new LinkedHashMap<>();
    private final List<Column> inputs;

    Types(List<Column> inputs, List<Column> outputs) {
      this.inputs = inputs;
      for (List<Column> side : List.of(inputs, outputs)) {
        for (Column c : side) {
          List<DataType> types = typesOf(c);
          if (!isMixed(c) && types.stream().filter(Objects::nonNull).distinct().count() > 1) {
            byColumn.computeIfAbsent(types, k -> name("T", types));
          }
        }
      }
    }

    private String name(String wish, List<DataType> types) {
      String name = Identifiers.unique(wish, names);
      Set<DataType> allowed = new TreeSet<>();
      types.stream().filter(Objects::nonNull).forEach(allowed::add);
      attributes.put(name, allowed);
      return name;
    }

    /** An element type for each use, null where there is none; outputs of unknown type are taken to have the first input's. */
    private List<DataType> typesOf(Column c) {
      List<DataType> types = new ArrayList<>();
      for (int use = 0; use < c.values.size(); use++) {
        List<Value> values = c.values.get(use);
        types.add(values.isEmpty() ? null : typeOf(values.get(0), use));
      }
      return types;
    }

    private DataType typeOf(Value v, int use) {
      if (v.dtype() != DataType.UNDEFINED) {
        return checked(v.dtype(), uses.get(use));
      }
      Column first = inputs.isEmpty() ? null : inputs.get(0);
      Value like = first == null || first.values.get(use).isEmpty() ? null : first.values.get(use).get(0);
      return like == null || like.dtype() == DataType.UNDEFINED ? DataType.FLOAT : checked(like.dtype(), uses.get(use));
    }

    private boolean isMixed(Column c) {
      for (int use = 0; use < c.values.size(); use++) {
        int at = use;
        if (c.values.get(use).stream().map(v -> typeOf(v, at)).distinct().count() > 1) {
          return true;
        }
      }
      return false;
    }

    Port port(Column c, ShapeRule rule) {
      if (isMixed(c)) {
        String type = Identifiers.unique("types_" + c.name, names);
        return new Port(c.name, c.arity, null, type, true, shapes(c), rule);
      }
      List<DataType> types = typesOf(c);
      DataType fixed = types.stream().filter(Objects::nonNull).findFirst().orElse(DataType.FLOAT);
      boolean varies = types.stream().filter(Objects::nonNull).distinct().count() > 1;
      return new Port(c.name, c.arity, varies ? null : fixed, varies ? byColumn.get(types) : "", false, shapes(c), rule);
    }
  }

  private DataType checked(DataType t, Node n) {
    if (TypeNames.ofTensorFlow(t) == null) {
      throw new BadInputException(operator + " at " + n.label() + ": found element type " + t
          + ", expected one that TensorFlow's C interface has");
    }
    return t;
  }

  // ---- shapes ----

  private static String shapes(Column c) {
    Set<String> texts = new LinkedHashSet<>();
    c.values.forEach(use -> use.forEach(v -> texts.add(text(v.shape()))));
    return String.join(" or ", texts.stream().limit(VALUES_SHOWN).toList());
  }

  private static String text(Shape s) {
    return s.hasRank() ? s.toString().replaceAll("\\?\\d+", "?") : "[...]";
  }

  private ShapeRule shapeRule(Column output, List<Column> inputs) {
    if (output.arity != Arity.SINGLE || output.values.stream().anyMatch(v -> v.isEmpty() || !v.get(0).shape().hasRank())) {
      return new ShapeRule.Unknown();
    }
    List<Shape> shapes = output.values.stream().map(v -> v.get(0).shape()).toList();
    for (int i = 0; i < inputs.size() && inputs.get(i).arity == Arity.SINGLE; i++) {
      int at = i;
      if (every(use -> inputs.get(at).values.get(use).get(0).shape().equals(shapes.get(use)))) {
        return new ShapeRule.Like(i);
      }
    }
    int rank = shapes.get(0).rank();
    if (shapes.stream().anyMatch(s -> s.rank() != rank)) {
      return new ShapeRule.Unknown();
    }
    List<DimRule> dims = new ArrayList<>();
    for (int axis = 0; axis < rank; axis++) {
      dims.add(dimRule(axis, shapes, inputs));
    }
    return new ShapeRule.Dims(dims);
  }

  private DimRule dimRule(int axis, List<Shape> shapes, List<Column> inputs) {
    Dim first = shapes.get(0).dim(axis);
    String text = first.toString().replaceAll("\\?\\d+", "?");
    if (first.isConstant()) {
      // Equal numbers prove nothing: the eight rows of an output need not be the eight channels of an input.
      boolean always = shapes.stream().allMatch(s -> s.dim(axis).equals(first));
      return new DimRule(-1, 0, always ? first.constant() : -1, text);
    }
    for (int i = 0; i < inputs.size() && inputs.get(i).arity == Arity.SINGLE; i++) {
      Shape in = inputs.get(i).values.get(0).get(0).shape();
      for (int k = 0; in.hasRank() && k < in.rank(); k++) {
        int at = i;
        int from = k;
        if (every(use -> {
          Shape s = inputs.get(at).values.get(use).get(0).shape();
          return s.hasRank() && from < s.rank() && s.dim(from).equals(shapes.get(use).dim(axis));
        })) {
          return new DimRule(i, k, -1, text);
        }
      }
    }
    return new DimRule(-1, 0, -1, text);
  }

  private boolean every(IntPredicate use) {
    for (int i = 0; i < uses.size(); i++) {
      if (!use.test(i)) {
        return false;
      }
    }
    return true;
  }

  // ---- attributes ----

  private List<Parameter> attributes() {
    Map<String, List<Attribute>> bySource = new LinkedHashMap<>();
    uses.forEach(n -> n.attributes().forEach(a -> bySource.computeIfAbsent(a.name(), k -> new ArrayList<>()).add(a)));
    List<Parameter> parameters = new ArrayList<>();
    bySource.forEach((source, all) -> {
      // An empty list has no kind of its own.
      Attribute first = all.stream().filter(a -> !isEmpty(a)).findFirst().orElse(all.get(0));
      for (Attribute a : all) {
        if (a.kind() != first.kind() && !isEmpty(a)) {
          throw new BadInputException(operator + ": found attribute " + source + " as " + first.kind() + " and as " + a.kind()
              + ", expected one kind");
        }
      }
      if (TypeNames.ofAttribute(first.kind()) == null) {
        throw new BadInputException(operator + ": found attribute " + source + " of kind " + first.kind()
            + ", expected a number, a string, a tensor, a type or a list of these; TensorFlow's operators have no others");
      }
      String name = Identifiers.attribute(source);
      if (!names.add(name)) {
        throw new BadInputException(operator + ": found attributes that are both called " + name
            + " in TensorFlow, expected different names");
      }
      boolean leftOut = all.size() < uses.size() && !declared.defaults().containsKey(source);
      List<String> seen = all.stream().map(SignatureReader::text).distinct().limit(VALUES_SHOWN).toList();
      parameters.add(new Parameter(name, source, first.kind(), byDefault(source, first.kind(), all, leftOut), leftOut, seen));
    });
    return parameters;
  }

  private static boolean isEmpty(Attribute a) {
    return a.value() instanceof long[] l && l.length == 0 || a.value() instanceof float[] f && f.length == 0
        || a.value() instanceof List<?> list && list.isEmpty();
  }

  private Object byDefault(String source, Attribute.Kind kind, List<Attribute> all, boolean leftOut) {
    if (declared.defaults().containsKey(source)) {
      Object v = AttributeValues.ofKind(kind, declared.defaults().get(source));
      if (v == null) {
        throw new BadInputException(operator + ": found default " + declared.defaults().get(source) + " of attribute " + source
            + ", expected " + kind + " as the model has");
      }
      return v;
    }
    if (leftOut) {
      return AttributeValues.empty(kind);
    }
    boolean same = all.stream().map(SignatureReader::text).distinct().count() == 1;
    return same && AttributeValues.empty(kind) != null ? isEmpty(all.get(0)) ? AttributeValues.empty(kind) : all.get(0).value() : null;
  }

  /** An attribute's value in words. */
  static String text(Attribute a) {
    Object v = a.value();
    String text = v instanceof float[] f ? Arrays.toString(f) : v instanceof long[] l ? Arrays.toString(l)
        : v instanceof String s ? "\"" + s + "\"" : String.valueOf(v);
    return text.length() <= 80 ? text : text.substring(0, 77) + "...";
  }

  /** The type of a value in words. */
  static String text(Value v) {
    return v == null ? "-" : v.type() instanceof Type.TensorType t ? t.dtype() + text(t.shape()) : String.valueOf(v.type());
  }
}
