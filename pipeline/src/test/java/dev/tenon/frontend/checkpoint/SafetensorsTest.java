package dev.tenon.frontend.checkpoint;

import static dev.tenon.frontend.archive.BadInputs.assertBad;
import static dev.tenon.frontend.checkpoint.CheckpointTest.fixture;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.DataType;
import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.ConversionException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** safetensors, strictly read and deterministically written. */
class SafetensorsTest {
  @TempDir
  Path folder;

  private Path file(String header, int dataBytes) throws IOException {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    return Files.write(folder.resolve("t.safetensors"), ByteBuffer.allocate(8 + json.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length).put(json).array());
  }

  private void bad(String header, int dataBytes, String... parts) throws IOException {
    Path file = file(header, dataBytes);
    assertBad(() -> SafetensorsReader.open(file), parts);
    assertBad(() -> SafetensorsReader.open(file), "t.safetensors: ");
  }

  private static String entry(String name, String dtype, String shape, long begin, long end) {
    return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":[" + begin + "," + end + "]}";
  }

  // ---- reading ----

  @Test
  void orderAndSpacesAreFree() throws IOException {
    SafetensorsReader r = SafetensorsReader.open(file("{" + entry("b", "F32", "[1]", 4, 8) + ", " + entry("a", "I32", "[]", 0, 4)
        + "}   \n", 8));
    assertEquals(List.of("b", "a"), List.copyOf(r.tensors().keySet()));
    assertEquals(1, r.tensor("a").numel());
    assertBad(() -> r.tensor("c"), "no tensor \"c\"");
  }

  @Test
  void emptyFilesAndEmptyTensors() throws IOException {
    assertEquals(Map.of(), SafetensorsReader.open(file("{}", 0)).tensors());
    SafetensorsReader r = SafetensorsReader.open(file("{" + entry("a", "F32", "[0,3]", 0, 0) + "," + entry("b", "F32", "[1]", 0, 4) + "}",
        4));
    assertEquals(0, r.tensor("a").numel());
  }

  @Test
  void headersThatAreTooLongOrNone() throws IOException {
    for (long n : new long[] {0, 100_000_001, 1L << 62, -1, 1000}) {
      Path f = Files.write(folder.resolve("h.safetensors"), ByteBuffer.allocate(108).order(ByteOrder.LITTLE_ENDIAN).putLong(n).array());
      assertBad(() -> SafetensorsReader.open(f), "h.safetensors", "a safetensors file");
    }
    bad(" {}", 0, "a header that does not begin with {");
    bad("{", 0, "damaged JSON");
    bad("{}x", 0, "damaged JSON");
    bad("{}{}", 0, "more after the JSON object");
    bad("{\"a\":" + "[".repeat(50_000), 0, "header");
    Path zip = fixture("kinds.pth");
    assertBad(() -> SafetensorsReader.open(zip), "a zip archive");
    assertBad(() -> SafetensorsReader.open(folder.resolve("missing")), "no such file");
  }

  @Test
  void duplicateNames() throws IOException {
    bad("{" + entry("a", "U8", "[1]", 0, 1) + "," + entry("a", "U8", "[1]", 1, 2) + "}", 2, "tensor \"a\"", "two tensors of this name");
    bad("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "dtype twice");
    bad("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "a key twice");
    bad("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "__metadata__ twice");
  }

  @Test
  void descriptionsThatAreIncompleteOrMore() throws IOException {
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, "an incomplete description");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1, "an incomplete description");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,2]}}", 1, "more than 2 numbers");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"x\":1}}", 1, "the field \"x\"");
    bad("{\"a\":3}", 0, "no object");
    bad("{\"a\":{\"dtype\":\"X9\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "the dtype \"X9\"");
    bad("{\"a\":{\"dtype\":3,\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "the dtype");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[-1],\"data_offsets\":[0,1]}}", 1, "shape with something else than numbers");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[1.5],\"data_offsets\":[0,1]}}", 1, "shape with something else");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[99999999999999999999],\"data_offsets\":[0,1]}}", 1, "shape with something else");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[" + "1,".repeat(64) + "1],\"data_offsets\":[0,1]}}", 1, "more than 64 numbers");
    bad("{\"__metadata__\":{\"a\":1}}", 0, "no string");
    bad("{\"__metadata__\":[]}", 0, "no object");
  }

  @Test
  void sizesThatDoNotFit() throws IOException {
    bad("{" + entry("a", "F32", "[2]", 0, 4) + "}", 4, "tensor \"a\"", "found 4 bytes, expected 8, as float32[2] needs");
    bad("{" + entry("a", "F32", "[4611686018427387904,4]", 0, 4) + "}", 4, "the shape [4611686018427387904, 4]");
    bad("{" + entry("a", "F32", "[4000000000]", 0, 16_000_000_000L) + "}", 4, "bytes 0 to 16000000000", "truncated");
    bad("{" + entry("a", "U8", "[1]", 2, 1) + "}", 4, "bytes 2 to 1");
    bad("{" + entry("a", "F4", "[3]", 0, 1) + "}", 1, "3 elements of 4 bits");
  }

  @Test
  void holesOverlapsAndTrailingBytes() throws IOException {
    bad("{" + entry("a", "U8", "[1]", 1, 2) + "}", 2, "a hole before them", "begin at 0");
    bad("{" + entry("a", "U8", "[2]", 0, 2) + "," + entry("b", "U8", "[1]", 3, 4) + "}", 4, "tensor \"b\"", "a hole before them");
    bad("{" + entry("a", "U8", "[2]", 0, 2) + "," + entry("b", "U8", "[2]", 1, 3) + "}", 3, "tensor \"b\"", "belong to another tensor too");
    bad("{" + entry("a", "U8", "[2]", 0, 2) + "," + entry("b", "U8", "[2]", 0, 2) + "}", 2, "belong to another tensor too");
    bad("{" + entry("a", "U8", "[1]", 0, 1) + "}", 3, "2 bytes behind the last tensor");
  }

  // ---- writing ----

  private static Map<String, Tensor> some() {
    Map<String, Tensor> t = new LinkedHashMap<>();
    t.put("b", Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3));
    t.put("a", Tensor.of(new float[] {7}));
    t.put("ü \"quoted\"", Tensor.of(new long[] {8}, 1));
    t.put("bytes", Tensor.constant("x", DataType.UINT8, new long[] {3}, Storage.of(ByteBuffer.wrap(new byte[] {1, 2, 3}))));
    t.put("empty", Tensor.of(new float[0], 0, 5));
    t.put("permuted", t.get("b").permute(1, 0));
    return t;
  }

  private Map<String, Tensor> written(Map<String, Tensor> tensors, Map<String, String> metadata) {
    Path file = folder.resolve("w.safetensors");
    SafetensorsWriter.write(file, tensors, metadata);
    SafetensorsReader r = SafetensorsReader.open(file);
    assertEquals(metadata, r.metadata());
    return r.tensors();
  }

  @Test
  void whatIsWrittenIsRead() {
    Map<String, Tensor> read = written(some(), Map.of("format", "pt", "z", "ü\n"));
    assertEquals(some().keySet(), read.keySet());
    some().forEach((name, t) -> assertTrue(read.get(name).contentEquals(t), name));
    assertArrayEquals(new double[] {1, 4, 2, 5, 3, 6}, read.get("permuted").toDoubles());
  }

  @Test
  void everyTypeIsWrittenAsItIsRead() {
    Map<String, Tensor> kinds = new LinkedHashMap<>(SafetensorsReader.open(fixture("kinds.safetensors")).tensors());
    Map<String, Tensor> read = written(kinds, Map.of());
    kinds.forEach((name, t) -> assertTrue(read.get(name).contentEquals(t), name));
  }

  @Test
  void theSameTensorsGiveTheSameBytes() throws IOException {
    SafetensorsWriter.write(folder.resolve("1"), some(), Map.of("a", "1", "b", "2"));
    List<Map.Entry<String, Tensor>> reversed = new ArrayList<>(some().entrySet());
    Collections.reverse(reversed);
    Map<String, Tensor> other = new LinkedHashMap<>();
    reversed.forEach(e -> other.put(e.getKey(), e.getValue()));
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put("b", "2");
    metadata.put("a", "1");
    SafetensorsWriter.write(folder.resolve("2"), other, metadata);
    assertArrayEquals(Files.readAllBytes(folder.resolve("1")), Files.readAllBytes(folder.resolve("2")));
  }

  @Test
  void tensorsAreAligned() throws IOException {
    written(some(), Map.of());
    byte[] bytes = Files.readAllBytes(folder.resolve("w.safetensors"));
    long header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
    assertEquals(0, header % 8);
    String json = new String(bytes, 8, (int) header, StandardCharsets.UTF_8);
    assertTrue(json.startsWith("{\"ü \\\"quoted\\\"\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]}"), json);
    assertTrue(json.contains("\"bytes\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[60,63]}"), json);
  }

  @Test
  void failureLeavesTheTargetAsItWas() throws IOException {
    Path target = Files.writeString(folder.resolve("w.safetensors"), "as it was");
    Storage broken = new Storage() {
      @Override
      public long byteSize() {
        return 4;
      }

      @Override
      public ByteBuffer read(long offset, int length) {
        throw new IllegalStateException("broken");
      }
    };
    Map<String, Tensor> tensors = Map.of("a", Tensor.source("a", DataType.FLOAT, new long[] {1}, broken));
    assertThrows(IllegalStateException.class, () -> SafetensorsWriter.write(target, tensors, Map.of()));
    assertEquals("as it was", Files.readString(target));
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(List.of(target), files.toList());
    }
    assertThrows(BadInputException.class, () -> SafetensorsWriter.write(folder.resolve("no/such/folder/x"), some(), Map.of()));
  }

  @Test
  void typesThatTheFormatHasNot() {
    Tensor t = Tensor.constant("x", DataType.COMPLEX128, new long[] {0}, Storage.of(ByteBuffer.allocate(0)));
    String message = assertThrows(ConversionException.class, () -> SafetensorsWriter.write(folder.resolve("x"), Map.of("z", t),
        Map.of())).getMessage();
    assertTrue(message.contains("z, which is complex128"), message);
    assertThrows(ConversionException.class, () -> SafetensorsWriter.write(folder.resolve("x"), Map.of("__metadata__", Tensor.scalar(1f)),
        Map.of()));
  }
}
