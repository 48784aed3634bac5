package dev.tenon.tf.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.proto.DataType;

class CheckpointUpdateTest {

  @TempDir Path dir;

  private Path prefix() {
    return dir.resolve("variables");
  }

  private void write(float b) throws IOException {
    try (TensorBundleWriter writer = new TensorBundleWriter(prefix())) {
      // In no order of keys, as a SavedModel's variables are.
      writer.add("c", DataType.DT_FLOAT, new long[] {2}, TensorData.of(TestGraph.floats(1, 2)));
      writer.add("b", DataType.DT_FLOAT, new long[] {3}, TensorData.of(TestGraph.floats(b, b, b)));
      writer.addString("a", "objects".getBytes(StandardCharsets.UTF_8));
      writer.finish();
    }
  }

  private CheckpointUpdate update(float b) throws IOException {
    Path fresh = Files.createTempDirectory(dir, "fresh").resolve("new");
    try (TensorBundleReader old = TensorBundleReader.open(prefix())) {
      return CheckpointUpdate.write(fresh, old, Map.of("b", TensorData.of(TestGraph.floats(b, b, b))));
    }
  }

  private List<byte[]> files() throws IOException {
    List<byte[]> all = new ArrayList<>();
    for (String name : names()) {
      all.add(Files.readAllBytes(dir.resolve(name)));
    }
    return all;
  }

  private Set<String> names() throws IOException {
    try (Stream<Path> files = Files.list(dir)) {
      return new TreeSet<>(files.filter(Files::isRegularFile).map(f -> f.getFileName().toString()).toList());
    }
  }

  private float first(String key) throws IOException {
    try (TensorBundleReader reader = TensorBundleReader.open(prefix())) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      reader.data(key).writeTo(Channels.newChannel(bytes));
      return java.nio.ByteBuffer.wrap(bytes.toByteArray()).order(java.nio.ByteOrder.LITTLE_ENDIAN).getFloat();
    }
  }

  @Test
  void onlyWhatIsReplacedChanges() throws IOException {
    write(5);
    update(7).replace(prefix());
    assertEquals(7, first("b"));
    assertEquals(1, first("c"));
    try (TensorBundleReader reader = TensorBundleReader.open(prefix())) {
      assertEquals("objects", new String(reader.string("a"), StandardCharsets.UTF_8));
    }
    assertEquals(Set.of("variables.index", "variables.data-00000-of-00001"), names());
  }

  @Test
  void theSameValuesGiveTheSameBytes() throws IOException {
    write(5);
    List<byte[]> before = files();
    update(5).replace(prefix());
    List<byte[]> after = files();
    assertArrayEquals(before.get(0), after.get(0));
    assertArrayEquals(before.get(1), after.get(1));
  }

  @Test
  void severalDataFilesBecomeOne() throws IOException {
    write(5);
    Files.move(dir.resolve("variables.data-00000-of-00001"), dir.resolve("variables.data-00000-of-00002"));
    Files.createFile(dir.resolve("variables.data-00001-of-00002"));
    try (TensorBundleWriter writer = new TensorBundleWriter(dir.resolve("other"))) {
      writer.add("c", DataType.DT_FLOAT, new long[] {2}, TensorData.of(TestGraph.floats(1, 2)));
      writer.add("b", DataType.DT_FLOAT, new long[] {3}, TensorData.of(TestGraph.floats(5, 5, 5)));
      writer.finish();
      writer.writeIndex(dir.resolve("two"), 2);
    }
    Files.move(dir.resolve("two"), dir.resolve("variables.index"), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    Files.delete(dir.resolve("other.index"));
    Files.delete(dir.resolve("other.data-00000-of-00001"));
    update(7).replace(prefix());
    assertEquals(7, first("b"));
    assertEquals(Set.of("variables.index", "variables.data-00000-of-00001"), names());
  }

  /** A reader who opens the files again and again while they are replaced never finds anything but 5 or 7. */
  @Test
  void aReaderSeesTheOldOrTheNewOne() throws Exception {
    write(5);
    AtomicBoolean done = new AtomicBoolean();
    List<String> seen = new ArrayList<>();
    Thread reader = new Thread(() -> {
      while (!done.get()) {
        try (TensorBundleReader r = TensorBundleReader.open(prefix())) {
          ByteArrayOutputStream bytes = new ByteArrayOutputStream();
          r.data("b").writeTo(Channels.newChannel(bytes));
          float value = java.nio.ByteBuffer.wrap(bytes.toByteArray()).order(java.nio.ByteOrder.LITTLE_ENDIAN).getFloat();
          if (value != 5 && value != 7) {
            seen.add("value " + value);
          }
        } catch (TensorBundleException e) {
          // Between opening the index and opening the data file both may have been replaced; that must be found out, and is no value.
          if (!e.getMessage().contains("checksum") && !e.getMessage().contains("found nothing")) {
            seen.add(e.getMessage());
          }
        } catch (IOException e) {
          seen.add(e.toString());
        }
      }
    });
    reader.start();
    for (int i = 0; i < 50; i++) {
      update(i % 2 == 0 ? 7 : 5).replace(prefix());
    }
    done.set(true);
    reader.join();
    assertEquals(List.of(), seen);
  }
}
