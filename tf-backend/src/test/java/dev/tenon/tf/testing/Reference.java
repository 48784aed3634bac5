package dev.tenon.tf.testing;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import com.google.protobuf.ByteString;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
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
public final class Reference implements AutoCloseable {
  private static final String WIDE = "__as_int64";

  private final OrtSession session;
  private final List<Value> outputs;
  /** The outputs' names when the session was made: passes may rename the values later. */
  private final List<String> names;
  private final Map<String, DataType> inputTypes = new LinkedHashMap<>();

  /** A session for a model; with {@code allValues} every node's output is an output, so that its type can be asked for. */
  public Reference(Model model, boolean allValues) {
    outputs = new ArrayList<>(model.graph().outputs());
    if (allValues) {
      for (var n : model.graph().nodes()) {
        n.outputs().stream().filter(v -> v != null && !outputs.contains(v)).forEach(outputs::add);
      }
    }
    names = outputs.stream().map(Value::name).toList();
    ModelProto proto = prepare(OnnxProtos.model(model), model.graph(), allValues);
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.NO_OPT);
      options.setIntraOpNumThreads(1);
      options.setSessionLogLevel(ai.onnxruntime.OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
      session = OrtEnvironment.getEnvironment().createSession(proto.toByteArray(), options);
    } catch (OrtException e) {
      throw new IllegalStateException("ONNX Runtime does not take the model: " + e.getMessage(), e);
    }
  }

  private static boolean isWide(DataType t) {
    return t == DataType.UINT16 || t == DataType.UINT32 || t == DataType.UINT64;
  }

  private ModelProto prepare(ModelProto proto, Graph graph, boolean allValues) {
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
    if (allValues) {
      g.clearOutput();
      outputs.forEach(v -> g.addOutput(ValueInfoProto.newBuilder().setName(v.name())));
    } else {
      for (int i = 0; i < outputs.size(); i++) {
        Value v = outputs.get(i);
        if (isWide(v.dtype())) {
          nodes.add(cast(v.name(), v.name() + WIDE, DataType.INT64));
          g.setOutput(i, ValueInfoProto.newBuilder().setName(v.name() + WIDE).setType(TypeProto.newBuilder()
              .setTensorType(TypeProto.Tensor.newBuilder().setElemType(DataType.INT64.number()))));
        }
      }
    }
    g.clearNode().addAllNode(nodes);
    return b.build();
  }

  private static NodeProto cast(String from, String to, DataType type) {
    return NodeProto.newBuilder().setOpType("Cast").addInput(from).addOutput(to).addAttribute(AttributeProto.newBuilder().setName("to")
        .setType(AttributeProto.AttributeType.INT).setI(type.number())).build();
  }

  /** What ONNX Runtime infers of the outputs' types. */
  public Map<String, Type> outputTypes() {
    Map<String, Type> types = new LinkedHashMap<>();
    try {
      Map<String, NodeInfo> info = session.getOutputInfo();
      for (Value v : outputs) {
        if (info.get(v.name()).getInfo() instanceof TensorInfo t) {
          types.put(v.name(), Type.tensor(dtype(t), shape(t)));
        }
      }
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
    return types;
  }

  private static DataType dtype(TensorInfo t) {
    String name = t.onnxType.name().replace("ONNX_TENSOR_ELEMENT_DATA_TYPE_", "");
    return DataType.valueOf(name);
  }

  private static Shape shape(TensorInfo t) {
    List<Dim> dims = new ArrayList<>();
    long[] sizes = t.getShape();
    String[] names = t.getDimensionNames();
    for (int i = 0; i < sizes.length; i++) {
      dims.add(sizes[i] >= 0 ? Dim.of(sizes[i]) : names[i].isEmpty() ? Dim.unknown() : Dim.symbol(names[i]));
    }
    return Shape.of(dims);
  }

  public Map<String, Tensor> run(Map<String, Tensor> inputs) {
    Map<String, OnnxTensor> feeds = new LinkedHashMap<>();
    try {
      for (Map.Entry<String, Tensor> e : inputs.entrySet()) {
        boolean wide = isWide(inputTypes.get(e.getKey()));
        feeds.put(wide ? e.getKey() + WIDE : e.getKey(), feed(wide ? e.getValue().cast(DataType.INT64) : e.getValue()));
      }
      try (OrtSession.Result result = session.run(feeds)) {
        Map<String, Tensor> values = new LinkedHashMap<>();
        for (int i = 0; i < names.size(); i++) {
          Tensor value = fetch((OnnxTensor) result.get(i));
          DataType dtype = outputs.get(i).dtype();
          values.put(names.get(i), isWide(dtype) ? value.cast(dtype) : value);
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

  /** Bytes of a model as ONNX Runtime is given it; for failure messages. */
  static ByteString bytes(Model m) {
    return OnnxProtos.model(m).toByteString();
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
