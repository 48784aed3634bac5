package dev.tenon.ir.io;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import dev.tenon.ir.Model;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.proto.GraphProto;
import dev.tenon.ir.proto.ModelProto;
import dev.tenon.ir.proto.NodeProto;
import dev.tenon.ir.proto.OperatorSetIdProto;
import dev.tenon.ir.proto.TensorProto;
import dev.tenon.ir.proto.ValueInfoProto;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.function.Executable;

/** Makes ONNX messages by hand, right ones and wrong ones, for tests of the reader. */
final class Protos {
  private Protos() {}

  /** A model around a graph: IR version 8, opset 17. */
  static ModelProto.Builder model(GraphProto.Builder graph) {
    return ModelProto.newBuilder().setIrVersion(8).addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(17)).setGraph(graph);
  }

  /** x[2,3] → Relu → y. */
  static GraphProto.Builder relu() {
    return GraphProto.newBuilder().setName("g").addInput(info("x", 2, 3)).addOutput(info("y", 2, 3)).addNode(node("Relu", "relu", "x", "y"));
  }

  /** A float32 value. */
  static ValueInfoProto.Builder info(String name, long... dims) {
    ValueInfoProto.Builder b = ValueInfoProto.newBuilder().setName(name);
    var tensor = b.getTypeBuilder().getTensorTypeBuilder().setElemType(1);
    tensor.getShapeBuilder();
    for (long d : dims) {
      tensor.getShapeBuilder().addDimBuilder().setDimValue(d);
    }
    return b;
  }

  /** A node whose inputs and outputs are given as texts with commas. */
  static NodeProto.Builder node(String op, String name, String inputs, String outputs) {
    NodeProto.Builder b = NodeProto.newBuilder().setOpType(op).setName(name);
    if (!inputs.isEmpty()) {
      b.addAllInput(List.of(inputs.split(",", -1)));
    }
    return outputs.isEmpty() ? b : b.addAllOutput(List.of(outputs.split(",", -1)));
  }

  static TensorProto.Builder tensor(String name, int type, long... dims) {
    TensorProto.Builder b = TensorProto.newBuilder().setName(name).setDataType(type);
    for (long d : dims) {
      b.addDims(d);
    }
    return b;
  }

  static TensorProto.Builder raw(String name, int type, int bytes, long... dims) {
    return tensor(name, type, dims).setRawData(ByteString.copyFrom(new byte[bytes]));
  }

  static Model read(ModelProto.Builder p) {
    return OnnxReader.read(ByteBuffer.wrap(p.build().toByteArray()), "test.onnx");
  }

  /** Asserts that reading ends in one line with all of these texts in it. */
  static void assertBad(ModelProto.Builder p, String... texts) {
    assertBad(() -> read(p), texts);
  }

  static void assertBad(Executable reading, String... texts) {
    String message = assertThrows(BadInputException.class, reading).getMessage();
    assertFalse(message.contains("\n"), "one line: " + message);
    for (String text : texts) {
      assertTrue(message.contains(text), "'" + text + "' in: " + message);
    }
  }
}
