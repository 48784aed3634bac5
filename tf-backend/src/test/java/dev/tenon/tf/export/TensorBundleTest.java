package dev.tenon.tf.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.Graph;
import org.tensorflow.Output;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.NdArrays;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TString;

class TensorBundleTest {

  @TempDir Path dir;

  private Path prefix() {
    return dir.resolve("ckpt");
  }

  @Test
  void thousandsOfTensorsOfOddSizesComeBack() throws IOException {
    int count = 12_000; // several data blocks
    Random random = new Random(7);
    byte[][] values = new byte[count][];
    try (TensorBundleWriter writer = new TensorBundleWriter(prefix())) {
      for (int i = 0; i < count; i++) {
        values[i] = new byte[i % 53];
        random.nextBytes(values[i]);
        writer.add(key(i), DataType.DT_INT8, new long[] {values[i].length}, TensorData.of(ByteBuffer.wrap(values[i])));
      }
      writer.addString("zz", "text".getBytes(StandardCharsets.UTF_8));
      writer.finish();
    }
    assertTrue(Files.size(dir.resolve("ckpt.index")) > 2 * LevelDbTable.BLOCK_SIZE);
    try (TensorBundleReader reader = TensorBundleReader.open(prefix())) {
      assertEquals(count + 1, reader.entries().size());
      for (int i = 0; i < count; i++) {
        assertArrayEquals(values[i], read(reader, key(i)), key(i));
      }
      assertEquals("text", new String(reader.string("zz"), StandardCharsets.UTF_8));
    }
  }

  private static String key(int i) {
    return "module" + i * 7919 % 1000 + "/é/layer" + i + "/.ATTRIBUTES/VARIABLE_VALUE";
  }

  private static byte[] read(TensorBundleReader reader, String key) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    reader.data(key).writeTo(Channels.newChannel(bytes));
    return bytes.toByteArray();
  }

  @Test
  void tensorFlowReadsWhatIsWritten() throws IOException {
    try (TensorBundleWriter writer = new TensorBundleWriter(prefix())) {
      for (int i = 0; i < 5000; i++) {
        writer.add(key(i), DataType.DT_FLOAT, new long[0], TensorData.of(TestGraph.floats(i)));
      }
      writer.addString("s", "text".getBytes(StandardCharsets.UTF_8));
      writer.finish();
    }
    try (Graph graph = new Graph();
        TString names = TString.vectorOf(key(17), key(4999), "s");
        TString slices = TString.vectorOf("", "", "")) {
      Output<?> restore = constant(graph, "names", names);
      var op = graph.opBuilder("RestoreV2", "restore", graph.baseScope())
          .addInput(constant(graph, "file", TString.scalarOf(prefix().toString())))
          .addInput(restore)
          .addInput(constant(graph, "slices", slices))
          .setAttr("dtypes", new DataType[] {DataType.DT_FLOAT, DataType.DT_FLOAT, DataType.DT_STRING})
          .build();
      try (Session session = new Session(graph);
          Result result = session.runner().fetch(op.output(0)).fetch(op.output(1)).fetch(op.output(2)).run()) {
        assertEquals(17, ((TFloat32) result.get(0)).getFloat());
        assertEquals(4999, ((TFloat32) result.get(1)).getFloat());
        assertEquals(NdArrays.scalarOfObject("text").getObject(), ((TString) result.get(2)).getObject());
      }
    }
  }

  private static Output<?> constant(Graph graph, String name, TString value) {
    return graph.opBuilder("Const", name, graph.baseScope())
        .setAttr("dtype", DataType.DT_STRING).setAttr("value", value).build().output(0);
  }

  @Test
  void filesBeyondTwoGigabytesAreMapped() throws IOException {
    // A sparse file: 3 GB that the disk need not have.
    long gap = 3L << 30;
    try (TensorBundleWriter writer = new TensorBundleWriter(prefix())) {
      writer.add("last", DataType.DT_INT8, new long[] {3}, TensorData.of(ByteBuffer.wrap(new byte[] {1, 2, 3})));
      writer.finish();
    }
    Path data = dir.resolve("ckpt.data-00000-of-00001");
    try (FileChannel channel = FileChannel.open(data, StandardOpenOption.WRITE, StandardOpenOption.SPARSE)) {
      channel.write(ByteBuffer.wrap(new byte[] {4, 5, 6, 7}), gap - 2);
    }
    try (MappedFile file = MappedFile.open(data)) {
      assertEquals(ByteBuffer.wrap(new byte[] {4, 5, 6, 7}), file.map(gap - 2, 4)); // over a window's edge
      assertEquals(ByteBuffer.wrap(new byte[] {7}), file.map(gap + 1, 1));
      assertEquals(2, file.map(1, (1L << 31) - 1).get(0));
    }
  }

  @Test
  void wrongSizesAndTwiceTheSameKeyAreRefused() throws IOException {
    try (TensorBundleWriter writer = new TensorBundleWriter(prefix())) {
      TensorData four = TensorData.of(TestGraph.floats(1));
      assertThrows(IllegalArgumentException.class, () -> writer.add("a", DataType.DT_FLOAT, new long[] {2}, four));
      writer.add("a", DataType.DT_FLOAT, new long[] {1}, four);
      assertThrows(IllegalArgumentException.class, () -> writer.add("a", DataType.DT_FLOAT, new long[] {1}, four));
      TensorData liar = new TensorData() {
        @Override
        public long byteSize() {
          return 4;
        }

        @Override
        public void writeTo(WritableByteChannel out) throws IOException {
          out.write(ByteBuffer.allocate(3));
        }
      };
      assertThrows(IllegalArgumentException.class, () -> writer.add("b", DataType.DT_FLOAT, new long[] {1}, liar));
    }
  }

  @Test
  void everyDamagedByteOfTheIndexIsNoticed() throws IOException {
    writeSmall();
    Path index = dir.resolve("ckpt.index");
    byte[] whole = Files.readAllBytes(index);
    int padding = whole.length - 8; // the footer's zeros may be anything
    for (int i = 0; i < whole.length; i++) {
      if (i >= whole.length - 44 && i < padding) {
        continue;
      }
      byte[] damaged = whole.clone();
      damaged[i] ^= 0x10;
      Files.write(index, damaged);
      int at = i;
      // The metaindex block is never read, so damage inside it goes unnoticed; it holds nothing.
      try (TensorBundleReader reader = TensorBundleReader.open(prefix())) {
        assertEquals(2, reader.entries().size());
        assertTrue(at > whole.length - 200, "damage at " + at + " of " + whole.length + " was not noticed");
      } catch (TensorBundleException e) {
        assertTrue(e.getMessage().startsWith(index.toString()), e.getMessage());
      }
    }
    for (int length = 0; length < whole.length; length++) {
      Files.write(index, Arrays.copyOf(whole, length));
      assertThrows(TensorBundleException.class, () -> TensorBundleReader.open(prefix()));
    }
  }

  @Test
  void damagedAndTruncatedDataIsNoticed() throws IOException {
    writeSmall();
    Path data = dir.resolve("ckpt.data-00000-of-00001");
    byte[] whole = Files.readAllBytes(data);
    byte[] damaged = whole.clone();
    damaged[5] ^= 1;
    Files.write(data, damaged);
    try (TensorBundleReader reader = TensorBundleReader.open(prefix())) {
      String message = assertThrows(TensorBundleException.class, () -> read(reader, "a")).getMessage();
      assertTrue(message.startsWith(data + ": tensor a float[2] at offset 0: found checksum "), message);
      assertThrows(TensorBundleException.class, () -> reader.entry("none"));
    }
    Files.write(data, Arrays.copyOf(whole, 6));
    String message = assertThrows(TensorBundleException.class, () -> TensorBundleReader.open(prefix())).getMessage();
    assertTrue(message.contains("expected 8 bytes at offset 0"), message);
    Files.delete(data);
    assertThrows(TensorBundleException.class, () -> TensorBundleReader.open(prefix()));
  }

  private void writeSmall() throws IOException {
    try (TensorBundleWriter writer = new TensorBundleWriter(prefix())) {
      writer.add("a", DataType.DT_FLOAT, new long[] {2}, TensorData.of(TestGraph.floats(1, 2)));
      writer.add("b", DataType.DT_FLOAT, new long[] {0, 2}, TensorData.of(TestGraph.floats()));
      writer.finish();
    }
  }
}
