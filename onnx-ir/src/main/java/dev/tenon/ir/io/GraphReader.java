package dev.tenon.ir.io;

import dev.tenon.ir.Attribute;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.NodeBuilder;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.proto.AttributeProto;
import dev.tenon.ir.proto.GraphProto;
import dev.tenon.ir.proto.NodeProto;
import dev.tenon.ir.proto.SparseTensorProto;
import dev.tenon.ir.proto.StringStringEntryProto;
import dev.tenon.ir.proto.TensorProto;
import dev.tenon.ir.proto.ValueInfoProto;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;

/**
 * Builds {@link Graph}s. Works in two rounds, since nodes may come in any order: first all values of a graph get their places,
 * then nodes are connected, subgraphs read (they see the values around them), and the nodes sorted where the order was wrong.
 */
final class GraphReader {
  /** From this IR version on, an initializer that is also an input is a default; before, every initializer had to be an input. */
  private static final int IR_WITH_DEFAULTS = 4;
  private static final int MAX_NAMES_IN_MESSAGE = 10;

  private final Object file;
  private final ProtoTypes types;
  private final TensorDecoder tensors;
  private final AttributeReader attributes;
  private final BiConsumer<String, String> note;
  private long irVersion;
  private Set<String> sourceNames = new HashSet<>();
  private int nameless;
  private boolean inFunction;

  GraphReader(Object file, ExternalData external, BiConsumer<String, String> note) {
    this.file = file;
    this.types = new ProtoTypes(file);
    this.tensors = new TensorDecoder(file, external);
    this.attributes = new AttributeReader(file, types, tensors);
    this.note = note;
  }

  /** Must be called first, with the model's version and the names that its nodes have. */
  void begin(long modelIrVersion, Set<String> namesOfNodes) {
    this.irVersion = modelIrVersion;
    this.sourceNames = namesOfNodes;
  }

  Graph readMain(GraphProto p) {
    Graph g = new Graph(p.getName());
    read(p, g, null, "");
    for (Value v : g.inputs()) {
      if (v.type() == null) {
        throw bad("input " + Quote.of(v.name()), "no element type", "a type");
      }
    }
    return g;
  }

  /** The body of a function, given as a graph. */
  Graph readBody(GraphProto p, String place) {
    inFunction = true;
    Graph g = new Graph(p.getName());
    read(p, g, null, place + ", ");
    inFunction = false;
    return g;
  }

  /** The default of a function's attribute. */
  Attribute readDefault(AttributeProto a, String place) {
    return attributes.read(a, a.getName(), false, place + ", attribute " + Quote.of(a.getName()), g -> {
      throw bad(place, "a graph as default of the attribute " + Quote.of(a.getName()), "a value");
    });
  }

  static String domain(String d) {
    return d.equals("ai.onnx") ? Node.ONNX_DOMAIN : d;
  }

  /** The values of one graph by the names of the file, and the graphs around it. */
  private static final class Scope {
    private final Scope outer;
    private final Map<String, Definition> values = new HashMap<>();
    /** The node that is being connected; what later nodes define is a forward reference. */
    private int position;
    private boolean unsorted;

    Scope(Scope outer) {
      this.outer = outer;
    }

    private record Definition(Value value, int node) {}

    boolean define(String name, Value v, int node) {
      return values.putIfAbsent(name, new Definition(v, node)) == null;
    }

    Value own(String name) {
      Definition d = values.get(name);
      return d == null ? null : d.value;
    }

    /**
     * What a name means at the present position: a value defined before in this graph, else one of a graph around it, else one
     * that this graph defines later. Null if there is none.
     */
    Value find(String name) {
      Definition own = values.get(name);
      if (own != null && own.node < position) {
        return own.value;
      }
      Value around = outer == null ? null : outer.find(name);
      if (around == null && own != null) {
        unsorted = true;
        return own.value;
      }
      return around;
    }
  }

  private void read(GraphProto p, Graph g, Scope outer, String where) {
    Scope scope = new Scope(outer);
    defineInputsAndInitializers(p, g, scope, where);
    Map<String, ValueInfoProto> infos = new HashMap<>();
    p.getValueInfoList().forEach(v -> infos.put(v.getName(), v));
    Node[] nodes = new Node[p.getNodeCount()];
    for (int i = 0; i < nodes.length; i++) {
      nodes[i] = define(p.getNode(i), i, g, scope, infos, where);
    }
    for (int i = 0; i < nodes.length; i++) {
      scope.position = i;
      connect(nodes[i], p.getNode(i), g, scope, where + label(p.getNode(i), i));
    }
    scope.position = Integer.MAX_VALUE;
    for (ValueInfoProto o : p.getOutputList()) {
      addOutput(o, g, scope, where);
    }
    if (scope.unsorted) {
      sort(g, where);
    }
    g.setDocString(p.getDocString());
    putAll(p.getMetadataPropsList(), g.metadata());
    if (p.getQuantizationAnnotationCount() > 0) {
      // They name tensors that passes rename and fold, and no runtime reads them: nodes carry the quantization.
      note.accept("quantization-annotation-ignored", p.getQuantizationAnnotationCount() + " quantization annotations are not read");
    }
  }

  // ---- inputs and initializers ----

  private void defineInputsAndInitializers(GraphProto p, Graph g, Scope scope, String where) {
    Map<String, Tensor> constants = new LinkedHashMap<>();
    Map<String, TensorProto> described = new HashMap<>();
    for (TensorProto t : p.getInitializerList()) {
      String place = where + "initializer " + Quote.of(t.getName());
      putOnce(constants, t.getName(), tensors.decode(t, t.getName(), place), place);
      described.put(t.getName(), t);
    }
    for (SparseTensorProto t : p.getSparseInitializerList()) {
      String place = where + "sparse initializer " + Quote.of(t.getValues().getName());
      putOnce(constants, t.getValues().getName(), attributes.dense(t, place), place);
    }
    for (ValueInfoProto i : p.getInputList()) {
      String place = where + "input " + Quote.of(i.getName());
      if (i.getName().isEmpty()) {
        throw bad(where + "inputs", "an input without a name", "a name");
      }
      if (irVersion < IR_WITH_DEFAULTS && constants.containsKey(i.getName())) {
        continue;
      }
      Type type = i.hasType() ? types.read(i.getType(), place) : null;
      Value v = g.addInput(g.freshName(i.getName()), type);
      if (!scope.define(i.getName(), v, -1)) {
        throw bad(place, "the name twice", "inputs of different names");
      }
      describe(v, i);
    }
    constants.forEach((name, tensor) -> {
      Value v = scope.own(name);
      if (v == null) {
        v = g.addInitializer(g.freshName(name), tensor);
        scope.define(name, v, -1);
        if (described.containsKey(name)) {
          v.setDocString(described.get(name).getDocString());
          putAll(described.get(name).getMetadataPropsList(), v.metadata());
        }
      } else {
        setDefault(g, v, tensor, where + "input " + Quote.of(name));
      }
    });
  }

  private void putOnce(Map<String, Tensor> constants, String name, Tensor t, String place) {
    if (name.isEmpty()) {
      throw bad(place, "an initializer without a name", "a name");
    }
    if (constants.put(name, t) != null) {
      throw bad(place, "the name twice", "initializers of different names");
    }
  }

  /** An input with a default keeps the type that it is declared with: a caller may give another size. */
  private void setDefault(Graph g, Value input, Tensor tensor, String place) {
    Type declared = input.type();
    if (declared != null && !(declared instanceof Type.TensorType t && t.dtype() == tensor.dtype()
        && (!t.shape().hasRank() || t.shape().rank() == tensor.rank()))) {
      throw bad(place, "the default " + tensor + " for the type " + declared, "a default of the declared type and rank");
    }
    g.setInitializer(input, tensor);
    if (declared != null) {
      input.setType(declared);
    }
  }

  private static void describe(Value v, ValueInfoProto p) {
    v.setDocString(p.getDocString());
    putAll(p.getMetadataPropsList(), v.metadata());
  }

  private static void putAll(List<StringStringEntryProto> entries, Map<String, String> into) {
    entries.forEach(e -> into.put(e.getKey(), e.getValue()));
  }

  // ---- nodes ----

  private Node define(NodeProto p, int index, Graph g, Scope scope, Map<String, ValueInfoProto> infos, String where) {
    String place = where + label(p, index);
    if (p.getOpType().isEmpty()) {
      throw bad(place, "no op_type", "the name of an operator");
    }
    NodeBuilder b = g.newNode(p.getOpType()).domain(domain(p.getDomain())).overload(p.getOverload()).name(p.getName())
        .docString(p.getDocString());
    if (p.getOutputCount() == 0) {
      b.noOutput();
    }
    Set<String> own = new HashSet<>();
    for (String o : p.getOutputList()) {
      if (o.isEmpty()) {
        b.noOutput();
        continue;
      }
      if (scope.own(o) != null || !own.add(o)) {
        throw bad(place, "the output '" + Quote.of(o) + "', which is defined already", "every name defined once");
      }
      ValueInfoProto info = infos.get(o);
      b.output(o, info != null && info.hasType() ? types.read(info.getType(), where + "value_info " + Quote.of(o)) : null);
    }
    Node node = b.append();
    for (int i = 0; i < p.getOutputCount(); i++) {
      Value v = node.output(i);
      if (v != null) {
        scope.define(p.getOutput(i), v, index);
        if (infos.containsKey(p.getOutput(i))) {
          describe(v, infos.get(p.getOutput(i)));
        }
      }
    }
    putAll(p.getMetadataPropsList(), node.metadata());
    String sourceName = p.getName().isEmpty() ? freshSourceName(p.getOpType()) : p.getName();
    node.setProvenance(ProvenanceProps.read(p.getName(), sourceName, node.metadata()));
    return node;
  }

  /** A name for a node that has none: its operator and its number among all nodes of the file that have none. */
  private String freshSourceName(String opType) {
    String name;
    do {
      name = opType + "_" + nameless++;
    } while (!sourceNames.add(name));
    return name;
  }

  private void connect(Node node, NodeProto p, Graph g, Scope scope, String place) {
    for (String i : p.getInputList()) {
      Value v = i.isEmpty() ? null : scope.find(i);
      if (v == null && !i.isEmpty()) {
        throw bad(place, "the input '" + Quote.of(i) + "', which nothing defines", "the name of an input, an initializer or an output of a node");
      }
      g.addInput(node, v);
    }
    for (AttributeProto a : p.getAttributeList()) {
      String at = place + ", attribute " + Quote.of(a.getName());
      if (a.getName().isEmpty() || node.hasAttr(a.getName())) {
        throw bad(at, a.getName().isEmpty() ? "no name" : "the name twice", "attributes of different names");
      }
      node.setAttribute(attributes.read(a, tensorName(node, a.getName()), inFunction, at, body -> {
        Graph sub = new Graph(body.getName(), g);
        read(body, sub, scope, at + ", ");
        return sub;
      }));
    }
  }

  /** What a tensor in an attribute is called as a source parameter: a Constant's by its value, others by value and attribute. */
  private static String tensorName(Node node, String attribute) {
    String value = node.output(0) == null ? node.label() : node.output(0).name();
    return node.isOp("Constant") ? value : value + "." + attribute;
  }

  private static String label(NodeProto p, int index) {
    return "node " + Quote.of(p.getName().isEmpty() ? p.getOpType() + " (number " + index + ")" : p.getName());
  }

  // ---- outputs and order ----

  private void addOutput(ValueInfoProto o, Graph g, Scope scope, String where) {
    String place = where + "output " + Quote.of(o.getName());
    Value v = o.getName().isEmpty() ? null : scope.find(o.getName());
    if (v == null) {
      throw bad(place, "a name that nothing defines", "the name of an input, an initializer or an output of a node");
    }
    if (v.graph() != g) {
      // A subgraph may hand out a value of a graph around it; in the IR an output belongs to its graph.
      v = g.newNode("Identity").inputs(v).output(v.name(), v.type()).append().output();
    }
    if (v.type() == null && o.hasType()) {
      v.setType(types.read(o.getType(), place));
    }
    if (v.docString().isEmpty() && v.metadata().isEmpty()) {
      describe(v, o);
    }
    g.addOutput(v);
  }

  private void sort(Graph g, String where) {
    List<Node> cycle = g.sortTopologically();
    if (!cycle.isEmpty()) {
      StringBuilder names = new StringBuilder();
      cycle.stream().limit(MAX_NAMES_IN_MESSAGE).forEach(n -> names.append(Quote.of(n.label())).append(" -> "));
      names.append(cycle.size() > MAX_NAMES_IN_MESSAGE ? "… (" + cycle.size() + " nodes)" : Quote.of(cycle.get(0).label()));
      throw bad(where + "nodes", "the cycle " + names, "nodes that can be put in an order");
    }
  }

  private BadInputException bad(String place, String found, String expected) {
    return BadInputException.of(file, place, found, expected);
  }
}
