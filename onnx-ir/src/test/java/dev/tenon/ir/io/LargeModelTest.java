package dev.tenon.ir.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.CodedOutputStream;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Model;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.ConversionException;
import dev.tenon.ir.proto.GraphProto;
import dev.tenon.ir.proto.ModelProto;
import dev.tenon.ir.proto.TensorProto;
import dev.tenon.ir.testing.Graphs;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Models much larger than the heap are read, their tensors streamed, and computed ones written. The files have holes for weights. */
class LargeModelTest {
  private static final long GIGABYTE = 1L << 30;

  @TempDir
  Path folder;

  /** A model of one initializer of 1 GB, all zeros that take no room on the disk. */
  private Path gigabyteModel() throws IOException {
    GraphProto graph = Protos.relu().build();
    byte[] header = Protos.tensor("w", 1, GIGABYTE / 4 / 1024, 1024).build().toByteArray();
    long tensor = header.length + CodedOutputStream.computeTagSize(TensorProto.RAW_DATA_FIELD_NUMBER)
        + CodedOutputStream.computeUInt64SizeNoTag(GIGABYTE) + GIGABYTE;
    long graphSize = graph.getSerializedSize() + CodedOutputStream.computeTagSize(GraphProto.INITIALIZER_FIELD_NUMBER)
        + CodedOutputStream.computeUInt64SizeNoTag(tensor) + tensor;
    ByteArrayOutputStream start = new ByteArrayOutputStream();
    CodedOutputStream out = CodedOutputStream.newInstance(start);
    Protos.model(Protos.relu()).clearGraph().build().writeTo(out);
    out.writeTag(ModelProto.GRAPH_FIELD_NUMBER, 2);
    out.writeUInt64NoTag(graphSize);
    graph.writeTo(out);
    out.writeTag(GraphProto.INITIALIZER_FIELD_NUMBER, 2);
    out.writeUInt64NoTag(tensor);
    out.writeRawBytes(header);
    out.writeTag(TensorProto.RAW_DATA_FIELD_NUMBER, 2);
    out.writeUInt64NoTag(GIGABYTE);
    out.flush();
    Path file = folder.resolve("large.onnx");
    try (RandomAccessFile f = new RandomAccessFile(file.toFile(), "rw")) {
      f.write(start.toByteArray());
      f.setLength(start.size() + GIGABYTE);
    }
    return file;
  }

  /** Reads a model and streams its tensors, in the small JVM that the test starts. */
  public static final class Small {
    private Small() {}

    public static void main(String[] args) throws IOException {
      Model m = OnnxReader.read(Path.of(args[0]));
      Tensor w = m.graph().initializers().iterator().next().initializer();
      long[] count = new long[1];
      w.writeTo(Channels.newChannel(new java.io.OutputStream() {
        @Override
        public void write(int b) {
          count[0]++;
        }

        @Override
        public void write(byte[] b, int from, int length) {
          count[0] += length;
        }
      }));
      System.out.println(m.graph().nodeCount() + " nodes, " + w + ", " + count[0] + " bytes, heap " + Runtime.getRuntime().maxMemory() / (1 << 20));
    }
  }

  @Test
  @Timeout(value = 60, unit = TimeUnit.SECONDS)
  void aGigabyteIsReadWithA256MegabyteHeap() throws Exception {
    Process p = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx256m", "-cp",
        System.getProperty("java.class.path"), Small.class.getName(), gigabyteModel().toString()).redirectErrorStream(true).start();
    String output = new String(p.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8).strip();
    assertEquals(0, p.waitFor(), output);
    // Newer JDKs print warnings of their own before it.
    assertTrue(output.lines().anyMatch(l -> l.startsWith("1 nodes, float32[262144,1024], " + GIGABYTE + " bytes")), output);
  }

  @Test
  void aModelBeyondTwoGigabytesIsNotPutIntoOneMessage() {
    Graphs g = Graphs.opset(17);
    Graph graph = g.graph();
    Storage zeros = new Storage() {
      @Override
      public long byteSize() {
        return GIGABYTE;
      }

      @Override
      public ByteBuffer read(long offset, int length) {
        throw new IllegalStateException("must not be read to know the size");
      }
    };
    for (int i = 0; i < 3; i++) {
      graph.addInitializer("w" + i, Tensor.source("w" + i, DataType.UINT8, new long[] {GIGABYTE}, zeros));
    }
    Model m = g.output("y", g.op("Abs", g.input("x", 1))).model();
    assertEquals(3 * GIGABYTE, OnnxWriter.inlineBytes(m));
    String message = assertThrows(ConversionException.class, () -> OnnxWriter.toBytes(m)).getMessage();
    assertTrue(message.contains("external data"), message);
  }

  @Test
  void aFileBeyondTheLimitOfProtobufIsRefused() throws IOException {
    Path file = folder.resolve("huge.onnx");
    try (RandomAccessFile f = new RandomAccessFile(file.toFile(), "rw")) {
      f.setLength(3 * GIGABYTE);
    }
    Protos.assertBad(() -> OnnxReader.read(file), "huge.onnx", "3221225472 bytes", "external data");
  }

  @Test
  void externalDataBeyondTwoGigabytesIsReached() throws IOException {
    Path data = folder.resolve("w.bin");
    try (RandomAccessFile f = new RandomAccessFile(data.toFile(), "rw")) {
      f.seek(3 * GIGABYTE);
      f.write(new byte[] {0, 0, (byte) 0x80, 0x3f});
    }
    TensorProto.Builder t = Protos.tensor("w", 1, 1).setDataLocation(TensorProto.DataLocation.EXTERNAL);
    t.addExternalDataBuilder().setKey("location").setValue("w.bin");
    t.addExternalDataBuilder().setKey("offset").setValue(Long.toString(3 * GIGABYTE));
    Path file = folder.resolve("m.onnx");
    Files.write(file, Protos.model(Protos.relu().addInitializer(t)).build().toByteArray());
    Value w = OnnxReader.read(file).graph().initializers().iterator().next();
    assertEquals(1.0, w.initializer().item());
  }
}
