package dev.tenon.custom;

import dev.tenon.frontend.aten.Schema;
import dev.tenon.ir.ArgumentNames;
import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Function;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.shape.ShapeInference;
import dev.tenon.tf.Emitter;
import dev.tenon.tf.EmitterRegistry;
import dev.tenon.tf.custom.CustomNodes;
import dev.tenon.tf.custom.CustomOperator;
import dev.tenon.tf.custom.LayoutKind;
import dev.tenon.tf.custom.OperatorBinding;
import dev.tenon.tf.custom.OperatorLibrary;
import dev.tenon.tf.custom.OperatorNames;
import dev.tenon.tf.custom.TensorFlowOperator;
import dev.tenon.tf.emit.Emitters;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.function.Consumer;
import org.tensorflow.proto.OpDef;

/**
 * What becomes of a model's custom operators. For each one the way that {@code ops.yaml} chooses, else the first that is there: the
 * model's own function, an emitter on the class path, an operator of a given library that has the name that a stub gives it.
 *
 * @param registry emitters, those of custom operators among them
 * @param ways operator to the way taken; those that nothing is known of are missing
 * @param layouts operator to what layouts may believe of it; those that nothing is said of are missing
 */
public record Resolution(EmitterRegistry registry, Map<String, Way> ways, Map<String, LayoutKind> layouts) {

  /**
   * Resolves a model's custom operators: adds bodies, removes those that another way replaces, sets types of outputs that are known by
   * declaration alone, and finds emitters.
   *
   * @param model as read; its types are not inferred yet
   * @param libraries loaded already
   * @throws BadInputException if what the user gave does not fit the model
   */
  public static Resolution of(Model model, OpsFile ops, List<OperatorLibrary> libraries) {
    Map<String, List<Node>> custom = CustomNodes.byOperator(model);
    ops.check(custom.keySet());
    Map<String, CustomOperator> emitters = emitters();
    Map<String, Emitter> found = new LinkedHashMap<>();
    Map<String, Way> ways = new LinkedHashMap<>();
    Map<String, LayoutKind> layouts = new LinkedHashMap<>();
    Map<Node, Runnable> typers = new LinkedHashMap<>();
    custom.forEach((operator, uses) -> {
      OperatorRule rule = ops.rule(operator);
      complete(uses, rule);
      Way way = rule.way() != null ? rule.way() : firstWay(operator, uses, model, rule, emitters, libraries);
      LayoutKind layout = rule.layout() != null ? rule.layout() : emitters.containsKey(operator) ? emitters.get(operator).layout() : null;
      if (layout != null) {
        layouts.put(operator, layout);
      }
      if (!rule.outputs().isEmpty() || layout == LayoutKind.ELEMENTWISE) {
        uses.forEach(n -> typers.put(n, () -> declareOutputs(n, rule, layout)));
      }
      if (way == null) {
        return;
      }
      ways.put(operator, way);
      if (way != Way.FUNCTION) {
        uses.forEach(n -> model.functions().remove(Function.Id.of(n)));
      }
      switch (way) {
        case FUNCTION -> requireBody(operator, uses, model, ops);
        case ONNX -> Definitions.add(model, rule.definition(), operator, uses);
        case EMITTER -> {
          CustomOperator o = emitter(operator, emitters, ops);
          uses.forEach(n -> typers.merge(n, () -> o.infer(n), (declared, own) -> declared));
          found.put(operator, o::emit);
        }
        case TENSORFLOW, STUB -> {
          Emitter emitter = operator(operator, rule, ops, way, libraries);
          RegisteredTypes types = new RegisteredTypes(emitter, layout == LayoutKind.CHANNELS_LAST);
          uses.forEach(n -> typers.merge(n, () -> types.set(n), (declared, asked) -> () -> {
            declared.run();
            asked.run();
          }));
          found.put(operator, emitter);
        }
      }
    });
    setTypes(model, typers);
    transpose(model, custom, found.keySet(), layouts);
    EmitterRegistry registry = Emitters.all();
    register(registry, custom, found);
    return new Resolution(registry, ways, layouts);
  }

  /** What sets the types of a custom operator's outputs while a model is read, as far as the user declares them. */
  public static Consumer<Node> typer(OpsFile ops) {
    return n -> {
      OperatorRule rule = ops.rule(CustomNodes.operator(n));
      complete(List.of(n), rule);
      if (!rule.outputs().isEmpty() || rule.layout() == LayoutKind.ELEMENTWISE) {
        declareOutputs(n, rule, rule.layout());
      }
    };
  }

  /** Only names and types: gives a model what the user declares of its custom operators, and resolves none of them. */
  public static void declare(Model model, OpsFile ops) {
    Map<Node, Runnable> typers = new LinkedHashMap<>();
    CustomNodes.byOperator(model).forEach((operator, uses) -> {
      OperatorRule rule = ops.rule(operator);
      complete(uses, rule);
      if (!rule.outputs().isEmpty() || rule.layout() == LayoutKind.ELEMENTWISE) {
        uses.forEach(n -> typers.put(n, () -> declareOutputs(n, rule, rule.layout())));
      }
    });
    setTypes(model, typers);
  }

  private static Way firstWay(String operator, List<Node> uses, Model model, OperatorRule rule, Map<String, CustomOperator> emitters,
      List<OperatorLibrary> libraries) {
    if (CustomNodes.hasBody(uses.get(0), model)) {
      return Way.FUNCTION;
    } else if (emitters.containsKey(operator)) {
      return Way.EMITTER;
    }
    String name = rule.declared().tensorFlowName().isEmpty() ? OperatorNames.orEmpty(operator) : rule.declared().tensorFlowName();
    return libraries.stream().anyMatch(l -> l.operatorNames().contains(name)) ? Way.STUB : null;
  }

  /** Emitters on the class path, by operator. */
  private static Map<String, CustomOperator> emitters() {
    Map<String, CustomOperator> emitters = new HashMap<>();
    for (CustomOperator o : ServiceLoader.load(CustomOperator.class)) {
      emitters.putIfAbsent(o.operator(), o);
    }
    return emitters;
  }

  /** The ways that are there for an operator, in the order in which they are taken. */
  public static List<Way> applicable(String operator, Node use, Model model, OpsFile ops, List<OperatorLibrary> libraries) {
    OperatorRule rule = ops.rule(operator);
    List<Way> ways = new ArrayList<>();
    if (CustomNodes.hasBody(use, model)) {
      ways.add(Way.FUNCTION);
    }
    if (rule.definition() != null) {
      ways.add(Way.ONNX);
    }
    if (emitters().containsKey(operator)) {
      ways.add(Way.EMITTER);
    }
    if (rule.way() == Way.TENSORFLOW) {
      ways.add(Way.TENSORFLOW);
    }
    String name = rule.declared().tensorFlowName().isEmpty() ? OperatorNames.orEmpty(operator) : rule.declared().tensorFlowName();
    if (libraries.stream().anyMatch(l -> l.operatorNames().contains(name))) {
      ways.add(Way.STUB);
    }
    return ways;
  }

  /** Operators as the assignment of layouts knows them that compute element by element. */
  public Set<String> elementwise() {
    Set<String> names = new HashSet<>();
    layouts.forEach((operator, kind) -> {
      if (kind == LayoutKind.ELEMENTWISE && ways.get(operator) != Way.FUNCTION && ways.get(operator) != Way.ONNX) {
        int overload = operator.indexOf('.', operator.indexOf("::"));
        names.add(overload < 0 ? operator : operator.substring(0, overload));
      }
    });
    return names;
  }

  /** Puts transposes around operators that want channels last: the assignment of layouts takes away what it can. */
  private static void transpose(Model model, Map<String, List<Node>> custom, Set<String> emitted, Map<String, LayoutKind> layouts) {
    List<Node> nodes = new ArrayList<>();
    emitted.forEach(operator -> {
      if (layouts.get(operator) == LayoutKind.CHANNELS_LAST) {
        nodes.addAll(custom.get(operator));
      }
    });
    if (!nodes.isEmpty()) {
      ShapeInference.infer(model, new Diagnostics());
      nodes.forEach(ChannelsLastOperator::transpose);
    }
  }

  // ---- the ways ----

  private static void requireBody(String operator, List<Node> uses, Model model, OpsFile ops) {
    if (!CustomNodes.hasBody(uses.get(0), model)) {
      throw BadInputException.of(ops.place(), "operators." + operator, "'resolve: function', and no such function in the model",
          "another way; 'resolve: onnx' takes a function from a file");
    }
  }

  private static CustomOperator emitter(String operator, Map<String, CustomOperator> emitters, OpsFile ops) {
    CustomOperator o = emitters.get(operator);
    if (o == null) {
      throw BadInputException.of(ops.place(), "operators." + operator, "'resolve: emitter', and none for it on the class path",
          "a class named in META-INF/services/" + CustomOperator.class.getName() + "; there are " + emitters.keySet());
    }
    return o;
  }

  private static Emitter operator(String operator, OperatorRule rule, OpsFile ops, Way way, List<OperatorLibrary> libraries) {
    String name = rule.declared().tensorFlowName().isEmpty() ? OperatorNames.of(operator) : rule.declared().tensorFlowName();
    OpDef def = OperatorLibrary.registered(name).orElseThrow(() -> {
      List<String> there = libraries.stream().flatMap(l -> l.operatorNames().stream()).toList();
      String found = "no operator " + name + " in TensorFlow" + (libraries.isEmpty() ? "" : ", and in the libraries given only " + there);
      String expected = way == Way.STUB ? "the library that 'tenon stubs build' made, with --op-library"
          : "an operator that TensorFlow has, or a library with --op-library that registers it";
      return ops.rule(operator) == OperatorRule.NONE ? new BadInputException(operator + ": found " + found + ", expected " + expected)
          : BadInputException.of(ops.place(), "operators." + operator, found, expected);
    });
    return new TensorFlowOperator(new OperatorBinding(name, rule.feed(), rule.attributes()), def);
  }

  private static void register(EmitterRegistry registry, Map<String, List<Node>> custom, Map<String, Emitter> found) {
    // The registry knows no overloads: one emitter for all of an operator's.
    Set<String> done = new HashSet<>();
    found.forEach((operator, emitter) -> {
      Node n = custom.get(operator).get(0);
      if (done.add(n.qualifiedOp())) {
        registry.op(n.domain(), n.opType(), 0, c -> {
          Emitter own = found.get(CustomNodes.operator(c.node()));
          if (own == null) {
            c.unsupported("overload " + c.node().overload() + " is not resolved", "give ops.yaml a rule for "
                + CustomNodes.operator(c.node()));
          } else {
            own.emit(c);
          }
        });
      }
    });
  }

  // ---- what the user knows better ----

  /**
   * Gives arguments that were passed by position the names that PyTorch's schema has for them, and attributes that were left out the
   * defaults that are known.
   */
  private static void complete(List<Node> uses, OperatorRule rule) {
    Map<String, Attribute> defaults = new LinkedHashMap<>();
    if (rule.schema() != null) {
      rule.schema().parameters().forEach(p -> Defaults.attribute(p).ifPresent(a -> defaults.put(a.name(), a)));
    }
    rule.declared().defaults().forEach((name, v) -> Defaults.attribute(name, v).ifPresent(a -> defaults.put(name, a)));
    for (Node n : uses) {
      if (rule.schema() != null) {
        name(n, rule.schema());
      }
      Set<String> given = new HashSet<>(ArgumentNames.of(n));
      defaults.forEach((name, a) -> {
        if (!n.hasAttr(name) && !given.contains(name)) {
          n.setAttribute(a);
        }
      });
    }
  }

  private static void name(Node n, Schema schema) {
    for (Attribute a : List.copyOf(n.attributes())) {
      String name = named(a.name(), schema);
      if (!name.equals(a.name())) {
        n.removeAttribute(a.name());
        n.setAttribute(a.withName(name));
      }
    }
    ArgumentNames.set(n, ArgumentNames.of(n).stream().map(name -> named(name, schema)).toList());
  }

  private static String named(String argument, Schema schema) {
    boolean list = argument.endsWith("[]");
    String name = list ? argument.substring(0, argument.length() - 2) : argument;
    if (name.matches("arg\\d{1,3}") && schema.indexOf(name) < 0) {
      int i = Integer.parseInt(name.substring("arg".length()));
      return i < schema.parameters().size() ? schema.parameters().get(i).name() + (list ? "[]" : "") : argument;
    }
    return argument;
  }

  /** Runs what sets types, each when the types before it are known: one custom operator may feed another. */
  private static void setTypes(Model model, Map<Node, Runnable> typers) {
    boolean changed = !typers.isEmpty();
    for (int round = 0; changed && round <= typers.size(); round++) {
      ShapeInference.infer(model, new Diagnostics());
      List<Type> before = types(typers.keySet());
      typers.values().forEach(Runnable::run);
      changed = !before.equals(types(typers.keySet()));
    }
  }

  private static List<Type> types(Set<Node> nodes) {
    List<Type> types = new ArrayList<>();
    nodes.forEach(n -> n.outputs().forEach(v -> types.add(v == null ? null : v.type())));
    return types;
  }

  /** Sets what is declared; an element-wise operator needs no declaration. */
  private static void declareOutputs(Node n, OperatorRule rule, LayoutKind layout) {
    Value first = n.hasInput(0) ? n.input(0) : null;
    for (int i = 0; i < n.outputs().size(); i++) {
      Value v = n.output(i);
      OperatorRule.OutputType declared = i < rule.outputs().size() ? rule.outputs().get(i) : null;
      if (v == null) {
        continue;
      }
      DataType dtype = v.dtype();
      Shape shape = v.shape();
      if (layout == LayoutKind.ELEMENTWISE && first != null) {
        dtype = dtype == DataType.UNDEFINED ? first.dtype() : dtype;
        shape = first.shape().hasRank() ? first.shape() : shape;
      }
      if (declared != null) {
        dtype = declared.dtype() != null ? declared.dtype() : n.hasInput(declared.typeOf()) ? n.input(declared.typeOf()).dtype() : dtype;
        shape = declared.dims() != null ? Shape.of(declared.dims()) : n.hasInput(declared.shapeOf()) ? n.input(declared.shapeOf()).shape()
            : shape;
      }
      if (dtype != DataType.UNDEFINED || shape.hasRank()) {
        v.setType(Type.tensor(dtype, shape));
      }
    }
  }
}
