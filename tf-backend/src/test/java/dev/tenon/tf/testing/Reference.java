package dev.tenon.tf.testing;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.io.OnnxWriter;
import dev.tenon.ir.proto.AttributeProto;
import dev.tenon.ir.proto.ModelProto;
import dev.tenon.ir.proto.NodeProto;
import dev.tenon.ir.proto.TypeProto;
import dev.tenon.ir.proto.ValueInfoProto;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * ONNX Runtime as the reference of emitter tests. Its Java interface has no unsigned integers wider than 8 bits: those cross as
 * int64, with casts in the model.
 */
final class Reference implements AutoCloseable {
  private static final String WIDE = "__as_int64";

  private final OrtSession session;
  /** As they are when the reference is opened: the layout exchanges the values behind the names later. */
  private final List<Output> outputs;
  private final Map<String, DataType> inputTypes = new LinkedHashMap<>();

  private record Output(String name, DataType dtype) {}

  Reference(Model model) {
    outputs = model.graph().outputs().stream().map(v -> new Output(v.name(), v.dtype())).toList();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.NO_OPT);
      options.setIntraOpNumThreads(1);
      options.setSessionLogLevel(ai.onnxruntime.OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
      ModelProto proto = prepare(ModelProto.parseFrom(OnnxWriter.toBytes(model)), model.graph());
      session = OrtEnvironment.getEnvironment().createSession(proto.toByteArray(), options);
    } catch (OrtException | InvalidProtocolBufferException e) {
      throw new IllegalStateException("ONNX Runtime does not take the model: " + e.getMessage(), e);
    }
  }

  private static boolean isWide(DataType t) {
    return t == DataType.UINT16 || t == DataType.UINT32 || t == DataType.UINT64;
  }

  private ModelProto prepare(ModelProto proto, Graph graph) {
    ModelProto.Builder b = proto.toBuilder();
    var g = b.getGraphBuilder();
    List<NodeProto> casts = new ArrayList<>();
    for (int i = 0; i < g.getInputCount(); i++) {
      DataType t = graph.inputs().get(i).dtype();
      String name = g.getInput(i).getName();
      inputTypes.put(name, t);
      if (isWide(t)) {
        casts.add(cast(name + WIDE, name, t));
        ValueInfoProto.Builder in = g.getInputBuilder(i).setName(name + WIDE);
        in.getTypeBuilder().getTensorTypeBuilder().setElemType(DataType.INT64.number());
      }
    }
    List<NodeProto> nodes = new ArrayList<>(casts);
    nodes.addAll(g.getNodeList());
    for (int i = 0; i < outputs.size(); i++) {
      Output v = outputs.get(i);
      if (isWide(v.dtype())) {
        nodes.add(cast(v.name(), v.name() + WIDE, DataType.INT64));
        g.setOutput(i, ValueInfoProto.newBuilder().setName(v.name() + WIDE).setType(TypeProto.newBuilder()
            .setTensorType(TypeProto.Tensor.newBuilder().setElemType(DataType.INT64.number()))));
      }
    }
    g.clearNode().addAllNode(nodes);
    return b.build();
  }

  private static NodeProto cast(String from, String to, DataType type) {
    return NodeProto.newBuilder().setOpType("Cast").addInput(from).addOutput(to).addAttribute(AttributeProto.newBuilder().setName("to")
        .setType(AttributeProto.AttributeType.INT).setI(type.number())).build();
  }

  private static DataType dtype(TensorInfo t) {
    String name = t.onnxType.name().replace("ONNX_TENSOR_ELEMENT_DATA_TYPE_", "");
    return DataType.valueOf(name);
  }

  Map<String, Tensor> run(Map<String, Tensor> inputs) {
    Map<String, OnnxTensor> feeds = new LinkedHashMap<>();
    try {
      for (Map.Entry<String, Tensor> e : inputs.entrySet()) {
        boolean wide = isWide(inputTypes.get(e.getKey()));
        feeds.put(wide ? e.getKey() + WIDE : e.getKey(), feed(wide ? e.getValue().cast(DataType.INT64) : e.getValue()));
      }
      try (OrtSession.Result result = session.run(feeds)) {
        Map<String, Tensor> values = new LinkedHashMap<>();
        int i = 0;
        for (Output v : outputs) {
          OnnxTensor t = (OnnxTensor) result.get(i++);
          Tensor value = fetch(t);
          values.put(v.name(), isWide(v.dtype()) ? value.cast(v.dtype()) : value);
        }
        return values;
      }
    } catch (OrtException e) {
      throw new IllegalStateException("ONNX Runtime cannot run the model: " + e.getMessage(), e);
    } finally {
      feeds.values().forEach(OnnxTensor::close);
    }
  }

  private static OnnxTensor feed(Tensor t) throws OrtException {
    OrtEnvironment env = OrtEnvironment.getEnvironment();
    if (t.dtype() == DataType.STRING) {
      return OnnxTensor.createTensor(env, t.toStrings().toArray(new String[0]), t.dims());
    }
    ByteBuffer copy = ByteBuffer.allocateDirect((int) t.byteSize()).order(ByteOrder.LITTLE_ENDIAN).put(t.bytes()).flip();
    OnnxJavaType type = switch (t.dtype()) {
      case DOUBLE -> OnnxJavaType.DOUBLE;
      default -> OnnxJavaType.valueOf(t.dtype().name());
    };
    return OnnxTensor.createTensor(env, copy.order(ByteOrder.LITTLE_ENDIAN), t.dims(), type);
  }

  private static Tensor fetch(OnnxTensor t) throws OrtException {
    DataType dtype = dtype(t.getInfo());
    long[] dims = t.getInfo().getShape();
    if (dtype == DataType.STRING) {
      List<String> flat = new ArrayList<>();
      flatten(t.getValue(), flat);
      return Tensor.ofStrings(flat, dims);
    }
    ByteBuffer bytes = t.getByteBuffer();
    byte[] copy = new byte[bytes == null ? 0 : bytes.remaining()];
    if (bytes != null) {
      bytes.get(copy);
    }
    return Tensor.constant("ONNX Runtime", dtype, dims, Storage.of(ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN)));
  }

  private static void flatten(Object value, List<String> into) {
    if (value instanceof Object[] array) {
      for (Object o : array) {
        flatten(o, into);
      }
    } else {
      into.add(String.valueOf(value));
    }
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
  }
}
