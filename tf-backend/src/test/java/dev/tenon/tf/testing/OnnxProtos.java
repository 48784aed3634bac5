package dev.tenon.tf.testing;

import com.google.protobuf.ByteString;
import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import dev.tenon.ir.proto.AttributeProto;
import dev.tenon.ir.proto.GraphProto;
import dev.tenon.ir.proto.ModelProto;
import dev.tenon.ir.proto.NodeProto;
import dev.tenon.ir.proto.OperatorSetIdProto;
import dev.tenon.ir.proto.TensorProto;
import dev.tenon.ir.proto.TypeProto;
import dev.tenon.ir.proto.ValueInfoProto;
import java.util.List;

/** The small models of emitter tests as ONNX protos, for ONNX Runtime. Types that are not known are left out. */
final class OnnxProtos {
  private OnnxProtos() {}

  static ModelProto model(Model m) {
    ModelProto.Builder b = ModelProto.newBuilder().setIrVersion(10).setGraph(graph(m.graph()));
    m.opsetImports().forEach((domain, version) -> b.addOpsetImport(OperatorSetIdProto.newBuilder().setDomain(domain).setVersion(version)));
    return b.build();
  }

  private static GraphProto graph(Graph g) {
    GraphProto.Builder b = GraphProto.newBuilder().setName(g.name().isEmpty() ? "g" : g.name());
    for (Value v : g.inputs()) {
      b.addInput(valueInfo(v));
    }
    for (Value v : g.initializers()) {
      b.addInitializer(tensor(v.initializer(), v.name()));
    }
    for (Node n : g.nodes()) {
      b.addNode(node(n));
    }
    for (Value v : g.outputs()) {
      b.addOutput(valueInfo(v));
    }
    return b.build();
  }

  private static ValueInfoProto.Builder valueInfo(Value v) {
    ValueInfoProto.Builder b = ValueInfoProto.newBuilder().setName(v.name());
    return v.type() == null ? b : b.setType(type(v.type()));
  }

  private static TypeProto.Builder type(Type type) {
    TypeProto.Builder b = TypeProto.newBuilder();
    if (type instanceof Type.TensorType t) {
      TypeProto.Tensor.Builder tensor = b.getTensorTypeBuilder().setElemType(t.dtype().number());
      if (t.shape().hasRank()) {
        tensor.getShapeBuilder();
        t.shape().dims().forEach(d -> {
          var dim = tensor.getShapeBuilder().addDimBuilder();
          if (d.isConstant()) {
            dim.setDimValue(d.constant());
          } else if (!d.isAnonymous()) {
            dim.setDimParam(d.toString());
          }
        });
      }
    } else if (type instanceof Type.SequenceType s) {
      b.getSequenceTypeBuilder().setElemType(type(s.element()));
    } else if (type instanceof Type.OptionalType o) {
      b.getOptionalTypeBuilder().setElemType(type(o.element()));
    }
    return b;
  }

  static TensorProto tensor(Tensor t, String name) {
    TensorProto.Builder b = TensorProto.newBuilder().setName(name).setDataType(t.dtype().number());
    for (long d : t.dims()) {
      b.addDims(d);
    }
    if (t.dtype() == DataType.STRING) {
      t.stringBytes().forEach(s -> b.addStringData(ByteString.copyFrom(s)));
      return b.build();
    }
    return b.setRawData(ByteString.copyFrom(t.bytes())).build();
  }

  private static NodeProto node(Node n) {
    NodeProto.Builder b = NodeProto.newBuilder().setOpType(n.opType()).setDomain(n.domain()).setName(n.name());
    n.inputs().forEach(v -> b.addInput(v == null ? "" : v.name()));
    n.outputs().forEach(v -> b.addOutput(v == null ? "" : v.name()));
    n.attributes().forEach(a -> b.addAttribute(attribute(a)));
    return b.build();
  }

  @SuppressWarnings("unchecked")
  private static AttributeProto attribute(Attribute a) {
    AttributeProto.Builder b = AttributeProto.newBuilder().setName(a.name())
        .setType(AttributeProto.AttributeType.forNumber(a.kind().number()));
    switch (a.kind()) {
      case INT -> b.setI(a.as(Long.class));
      case FLOAT -> b.setF(a.as(Float.class));
      case STRING -> b.setS(ByteString.copyFromUtf8(a.as(String.class)));
      case TENSOR -> b.setT(tensor(a.as(Tensor.class), ""));
      case GRAPH -> b.setG(graph(a.as(Graph.class)));
      case INTS -> {
        for (long v : a.as(long[].class)) {
          b.addInts(v);
        }
      }
      case FLOATS -> {
        for (float v : a.as(float[].class)) {
          b.addFloats(v);
        }
      }
      case STRINGS -> ((List<String>) a.value()).forEach(s -> b.addStrings(ByteString.copyFromUtf8(s)));
      default -> throw new IllegalArgumentException("attribute kind " + a.kind());
    }
    return b.build();
  }
}
