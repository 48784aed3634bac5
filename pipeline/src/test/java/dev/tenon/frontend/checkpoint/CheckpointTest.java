package dev.tenon.frontend.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tenon.frontend.archive.Quantization;
import dev.tenon.ir.Recipe;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.testing.Fixtures;
import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Checkpoints that PyTorch wrote give the tensors that were saved, in every format. */
class CheckpointTest {

  static Path fixture(String name) {
    return Fixtures.root().resolve("testmodels/checkpoints").resolve(name);
  }

  private static Tensor tensor(Path file, String name) {
    return Checkpoint.open(file).tensors().get(name);
  }

  /** Everything that FILE.json says of FILE. */
  private static void assertExpected(String name, Checkpoint c) {
    JsonNode expected = Json.read(fixture(name + ".json"));
    List<String> names = new ArrayList<>();
    expected.fieldNames().forEachRemaining(names::add);
    assertEquals(names, List.copyOf(c.tensors().keySet()), name);
    expected.properties().forEach(e -> {
      Tensor t = c.tensors().get(e.getKey());
      String what = name + ": " + e.getKey();
      assertEquals(e.getValue().get("dtype").asText(), t.dtype().label(), what);
      long[] shape = new long[e.getValue().get("shape").size()];
      for (int i = 0; i < shape.length; i++) {
        shape[i] = e.getValue().get("shape").get(i).asLong();
      }
      assertEquals(List.of(shape.length, numel(shape)), List.of(t.rank(), t.numel()), what);
      assertEquals(t.shape(), dev.tenon.ir.Shape.of(shape), what);
      ByteBuffer bytes = t.bytes();
      byte[] b = new byte[bytes.remaining()];
      bytes.get(b);
      assertEquals(e.getValue().get("bytes").asText(), HexFormat.of().formatHex(b), what);
      assertEquals(e.getKey(), ((Recipe.Source) t.recipe()).name(), what);
    });
  }

  private static long numel(long[] shape) {
    long n = 1;
    for (long d : shape) {
      n *= d;
    }
    return n;
  }

  @ParameterizedTest
  @CsvSource({
      "kinds.pth, PyTorch zip", "kinds_legacy.pth, PyTorch legacy", "kinds.safetensors, safetensors", "small_protocol4.pth, PyTorch zip",
      "small_deflated.pth, PyTorch zip", "training.pth, PyTorch zip", "traced.pt, TorchScript", "exported.pt2, torch.export",
      "exported_26.pt2, torch.export", "sharded, sharded safetensors", "sharded_bin, sharded PyTorch zip"})
  void everyFormatGivesTheTensorsThatWereSaved(String name, String format) {
    try (Checkpoint c = Checkpoint.open(fixture(name))) {
      assertEquals(format, c.format());
      assertExpected(name, c);
    }
  }

  @Test
  void filesAreFoundByContentNotByName(@TempDir Path folder) throws IOException {
    for (String name : List.of("kinds.pth", "kinds_legacy.pth", "kinds.safetensors")) {
      Path other = Files.copy(fixture(name), folder.resolve(name.replace('.', '_') + ".bin"));
      assertExpected(name, Checkpoint.open(other));
    }
  }

  @Test
  void aFolderIsItsIndexOrItsOnlyFile(@TempDir Path folder) throws IOException {
    assertEquals("model.safetensors.index.json", Checkpoint.open(fixture("sharded")).file().getFileName().toString());
    Files.writeString(folder.resolve("config.json"), "{}");
    Files.copy(fixture("kinds.safetensors"), folder.resolve("model.safetensors"));
    Files.copy(fixture("kinds.pth"), folder.resolve("pytorch_model.bin"));
    assertEquals("safetensors", Checkpoint.open(folder).format());
  }

  @Test
  void theStateDictOfATrainingScriptIsFound() {
    Checkpoint c = Checkpoint.open(fixture("training.pth"));
    assertEquals(List.of("the weights are those under \"state_dict\"", "the prefix \"module.\" is removed from all names"), c.notes());
    assertEquals("12", c.metadata().get("epoch"));
    assertEquals("small", c.metadata().get("arch"));
    assertEquals("0.25", c.metadata().get("loss"));
  }

  @Test
  void whatIsNoTensorIsLeftOutAndSaid() {
    Checkpoint c = Checkpoint.open(fixture("values.pth"));
    assertEquals(List.of("array"), List.copyOf(c.tensors().keySet()), "NumPy's arrays are tensors too");
    assertTrue(c.notes().get(0).contains("entries that are no tensors are left out: \"none\", \"true\""), c.notes().toString());
  }

  @Test
  void quantizedTensorsAreIntegersWithScales() {
    Checkpoint c = Checkpoint.open(fixture("kinds.pth"));
    assertEquals(new Quantization.PerTensor(0.5, 3), c.quantizations().get("quantized"));
    assertEquals(List.of("quantized", "per_channel"), List.copyOf(c.quantizations().keySet()));
    assertTrue(c.notes().get(0).startsWith("2 tensors are quantized"), c.notes().toString());
  }

  @Test
  void metadataOfSafetensorsAndIndexes() {
    assertEquals(Map.of("format", "pt", "note", "ü"), Checkpoint.open(fixture("kinds.safetensors")).metadata());
    assertEquals(List.of("total_size"), List.copyOf(Checkpoint.open(fixture("sharded")).metadata().keySet()));
  }

  @Test
  void weightsOfTheSameModelAreTheSameInAllItsFiles() {
    for (String name : List.of("small_protocol4.pth", "training.pth", "exported.pt2", "exported_26.pt2", "sharded", "sharded_bin")) {
      // Training has changed one of them.
      if (!name.equals("training.pth")) {
        assertTrue(tensor(fixture("traced.pt"), "bn.running_mean").contentEquals(tensor(fixture(name), "bn.running_mean")), name);
      }
      assertEquals(tensor(fixture("traced.pt"), "head.1.weight").shape(), tensor(fixture(name), "head.1.weight").shape(), name);
    }
  }

  @Test
  void aSnapshotInTheHubsCacheIsMadeOfLinks(@TempDir Path folder) throws IOException {
    Path blobs = Files.createDirectories(folder.resolve("models--a--b/blobs"));
    Path snapshot = Files.createDirectories(folder.resolve("models--a--b/snapshots/0123"));
    try (Stream<Path> files = Files.list(fixture("sharded"))) {
      for (Path f : files.toList()) {
        Path blob = Files.copy(f, blobs.resolve("sha-" + f.getFileName()));
        Files.createSymbolicLink(snapshot.resolve(f.getFileName().toString()), blob);
      }
    }
    assertExpected("sharded", Checkpoint.open(snapshot));
    assertExpected("sharded", Checkpoint.open(snapshot.resolve("model.safetensors.index.json")));
  }
}
