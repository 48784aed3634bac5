package dev.tenon.ir.io;

import com.google.protobuf.ByteString;
import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Function;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.SparseTensor;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.proto.AttributeProto;
import dev.tenon.ir.proto.FunctionProto;
import dev.tenon.ir.proto.GraphProto;
import dev.tenon.ir.proto.ModelProto;
import dev.tenon.ir.proto.NodeProto;
import dev.tenon.ir.proto.OperatorSetIdProto;
import dev.tenon.ir.proto.ValueInfoProto;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Makes the protobuf messages of a model, all but the initializers of the main graph, which {@link OnnxWriter} streams. */
final class ModelEncoder {
  private final Model model;
  private final List<String> extraOutputs;

  ModelEncoder(Model model, List<String> extraOutputs) {
    this.model = model;
    this.extraOutputs = extraOutputs;
  }

  // ---- the model ----

  ModelProto withoutGraph() {
    ModelProto.Builder b = ModelProto.newBuilder().setIrVersion(IrVersions.needed(model));
    setIfAny(model.producerName(), b::setProducerName);
    setIfAny(model.producerVersion(), b::setProducerVersion);
    setIfAny(model.domain(), b::setDomain);
    setIfAny(model.docString(), b::setDocString);
    if (model.modelVersion() != 0) {
      b.setModelVersion(model.modelVersion());
    }
    b.addAllMetadataProps(ProvenanceProps.entries(model.metadata()));
    b.addAllOpsetImport(opsets(model.opsetImports(), model.graph()));
    for (Function f : model.functions().values()) {
      b.addFunctions(function(f));
    }
    return b.build();
  }

  /** The imports, and one for every domain that a node is of: ONNX's own at the model's opset, others at 1. */
  private List<OperatorSetIdProto> opsets(Map<String, Integer> imports, Graph g) {
    Map<String, Integer> all = new LinkedHashMap<>(imports);
    g.forEachNode(n -> all.computeIfAbsent(n.domain(), model::opset));
    if (all.isEmpty()) {
      all.put(Node.ONNX_DOMAIN, model.opset());
    }
    List<OperatorSetIdProto> list = new ArrayList<>();
    all.forEach((domain, version) -> list.add(OperatorSetIdProto.newBuilder().setDomain(domain).setVersion(version).build()));
    return list;
  }

  private FunctionProto function(Function f) {
    FunctionProto.Builder b = FunctionProto.newBuilder().setName(f.name()).setDomain(f.domain());
    setIfAny(f.overload(), b::setOverload);
    setIfAny(f.docString(), b::setDocString);
    b.addAllAttribute(f.attributeNames());
    f.attributeDefaults().values().forEach(a -> b.addAttributeProto(attribute(a)));
    b.addAllOpsetImport(opsets(f.opsetImports(), f.body()));
    f.body().inputs().forEach(v -> b.addInput(v.name()));
    f.body().outputs().forEach(v -> b.addOutput(v.name()));
    // A function has no initializers: its constants are nodes.
    for (Value v : f.body().initializers()) {
      b.addNode(NodeProto.newBuilder().setOpType("Constant").addOutput(v.name())
          .addAttribute(attribute(Attribute.ofTensor("value", v.initializer()))));
    }
    for (Node n : f.body().nodes()) {
      b.addNode(node(n));
      n.outputs().forEach(v -> addInfo(v, b::addValueInfo));
    }
    b.addAllMetadataProps(ProvenanceProps.entries(f.body().metadata()));
    return b.build();
  }

  // ---- graphs ----

  GraphProto graphWithoutInitializers() {
    GraphProto.Builder b = graph(model.graph());
    if (!extraOutputs.isEmpty()) {
      Map<String, Value> values = new HashMap<>();
      model.graph().inputs().forEach(v -> values.put(v.name(), v));
      model.graph().initializers().forEach(v -> values.put(v.name(), v));
      model.graph().nodes().forEach(n -> n.outputs().stream().filter(v -> v != null).forEach(v -> values.put(v.name(), v)));
      for (String name : extraOutputs) {
        Value v = values.get(name);
        if (v == null) {
          throw new IllegalArgumentException("the graph has no value '" + name + "' to make an output of");
        }
        if (!v.isGraphOutput()) {
          b.addOutput(info(v));
        }
      }
    }
    return b.build();
  }

  private GraphProto.Builder graph(Graph g) {
    // The standard wants a name.
    GraphProto.Builder b = GraphProto.newBuilder().setName(g.name().isEmpty() ? "graph" : g.name());
    setIfAny(g.docString(), b::setDocString);
    g.inputs().forEach(v -> b.addInput(info(v)));
    g.outputs().forEach(v -> b.addOutput(info(v)));
    for (Node n : g.nodes()) {
      b.addNode(node(n));
      for (Value v : n.outputs()) {
        if (v != null && !v.isGraphOutput()) {
          addInfo(v, b::addValueInfo);
        }
      }
    }
    b.addAllMetadataProps(ProvenanceProps.entries(g.metadata()));
    return b;
  }

  private GraphProto subgraph(Graph g) {
    GraphProto.Builder b = graph(g);
    for (Value v : g.initializers()) {
      b.addInitializer(TensorEncoder.whole(v.initializer(), v.name()));
    }
    return b.build();
  }

  private static void addInfo(Value v, java.util.function.Consumer<ValueInfoProto> into) {
    if (v != null && (isKnown(v.type()) || !v.docString().isEmpty() || !v.metadata().isEmpty())) {
      into.accept(info(v));
    }
  }

  private static boolean isKnown(Type t) {
    return t != null && !(t instanceof Type.TensorType tensor && tensor.dtype() == DataType.UNDEFINED);
  }

  private static ValueInfoProto info(Value v) {
    ValueInfoProto.Builder b = ValueInfoProto.newBuilder().setName(v.name());
    if (isKnown(v.type())) {
      b.setType(ProtoTypes.write(v.type()));
    }
    setIfAny(v.docString(), b::setDocString);
    return b.addAllMetadataProps(ProvenanceProps.entries(v.metadata())).build();
  }

  // ---- nodes ----

  private NodeProto node(Node n) {
    NodeProto.Builder b = NodeProto.newBuilder().setOpType(n.opType());
    n.inputs().forEach(v -> b.addInput(v == null ? "" : v.name()));
    // A last output that is left out needs no empty name; one in the middle does.
    int outputs = n.outputs().size();
    while (outputs > 0 && n.output(outputs - 1) == null) {
      outputs--;
    }
    n.outputs().subList(0, outputs).forEach(v -> b.addOutput(v == null ? "" : v.name()));
    setIfAny(n.name(), b::setName);
    setIfAny(n.domain(), b::setDomain);
    setIfAny(n.overload(), b::setOverload);
    setIfAny(n.docString(), b::setDocString);
    n.attributes().forEach(a -> b.addAttribute(attribute(a)));
    return b.addAllMetadataProps(ProvenanceProps.write(n)).build();
  }

  private AttributeProto attribute(Attribute a) {
    AttributeProto.Builder b = AttributeProto.newBuilder().setName(a.name())
        .setType(AttributeProto.AttributeType.forNumber(a.kind().number()));
    if (a.isReference()) {
      return b.setRefAttrName(a.refName()).build();
    }
    switch (a.kind()) {
      case FLOAT -> b.setF(a.as(Float.class));
      case INT -> b.setI(a.as(Long.class));
      case STRING -> b.setS(ByteString.copyFromUtf8(a.as(String.class)));
      case TENSOR -> b.setT(TensorEncoder.whole(a.as(Tensor.class), ""));
      case GRAPH -> b.setG(subgraph(a.as(Graph.class)));
      case SPARSE_TENSOR -> b.setSparseTensor(TensorEncoder.sparse(a.as(SparseTensor.class)));
      case TYPE -> b.setTp(ProtoTypes.write(a.as(Type.class)));
      case FLOATS -> {
        for (float f : a.as(float[].class)) {
          b.addFloats(f);
        }
      }
      case INTS -> {
        for (long i : a.as(long[].class)) {
          b.addInts(i);
        }
      }
      default -> list(a, b);
    }
    return b.build();
  }

  private void list(Attribute a, AttributeProto.Builder b) {
    for (Object o : a.as(List.class)) {
      switch (a.kind()) {
        case STRINGS -> b.addStrings(ByteString.copyFromUtf8((String) o));
        case TENSORS -> b.addTensors(TensorEncoder.whole((Tensor) o, ""));
        case GRAPHS -> b.addGraphs(subgraph((Graph) o));
        case SPARSE_TENSORS -> b.addSparseTensors(TensorEncoder.sparse((SparseTensor) o));
        case TYPES -> b.addTypeProtos(ProtoTypes.write((Type) o));
        default -> throw new IllegalStateException("attribute " + a.name() + " of kind " + a.kind());
      }
    }
  }

  private static void setIfAny(String text, java.util.function.Consumer<String> set) {
    if (!text.isEmpty()) {
      set.accept(text);
    }
  }
}
