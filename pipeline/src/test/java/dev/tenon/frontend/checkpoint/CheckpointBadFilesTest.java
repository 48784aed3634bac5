package dev.tenon.frontend.checkpoint;

import static dev.tenon.frontend.archive.BadInputs.assertBad;
import static dev.tenon.frontend.checkpoint.CheckpointTest.fixture;

import dev.tenon.frontend.archive.ZipBuilder;
import dev.tenon.frontend.pickle.PickleBuilder;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that are no checkpoints, broken ones and hostile ones: each ends in one line. */
class CheckpointBadFilesTest {
  @TempDir
  Path folder;

  private Path write(String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes);
  }

  private void bad(byte[] bytes, String... parts) throws IOException {
    Path file = write("bad.pth", bytes);
    assertBad(() -> Checkpoint.open(file), parts);
    assertBad(() -> Checkpoint.open(file), "bad.pth");
  }

  private static ZipBuilder zip(byte[] pickle) {
    ZipBuilder zip = new ZipBuilder();
    zip.stored("a/data.pkl", pickle);
    return zip;
  }

  private static PickleBuilder stateDict() {
    return PickleBuilder.start().ops("}").text("w");
  }

  // ---- zip ----

  @Test
  void storageShorterThanItsTensor() throws IOException {
    ZipBuilder zip = zip(stateDict().tensor("0", 16, 0, new long[] {16}, new long[] {1}).ops("s").stop());
    zip.stored("a/data/0", new byte[60]);
    bad(zip.bytes(), "data.pkl at byte ", "storage 0 of 60 bytes", "the 64 bytes of its 16 elements");
  }

  @Test
  void storageThatIsMissing() throws IOException {
    bad(zip(stateDict().tensor("0", 16, 0, new long[] {16}, new long[] {1}).ops("s").stop()).bytes(), "no entry data/0");
    bad(zip(stateDict().tensor("../../../etc/passwd", 16, 0, new long[] {16}, new long[] {1}).ops("s").stop()).bytes(),
        "no entry data/../../../etc/passwd");
  }

  @Test
  void tensorsOfBillions() throws IOException {
    ZipBuilder zip = zip(stateDict().tensor("0", 16, 0, new long[] {1L << 33}, new long[] {0}).ops("s").stop());
    zip.stored("a/data/0", new byte[64]);
    bad(zip.bytes(), "34359738368 bytes expanded from 64");
  }

  @Test
  void hostilePickles() throws IOException {
    bad(zip(PickleBuilder.start().global("posix", "system").ops("(").text("id").ops("tR").stop()).bytes(), "posix.system",
        "nothing was run");
    bad(PickleBuilder.start().global("posix", "system").ops("(").text("id").ops("tR").stop(), "posix.system", "nothing was run");
  }

  @Test
  void zipsOfOtherThings() throws IOException {
    ZipBuilder zip = new ZipBuilder();
    zip.stored("a/b.txt", "x");
    bad(zip.bytes(), "a zip archive without data.pkl");
  }

  @Test
  void modelsSavedWhole() throws IOException {
    assertBad(() -> Checkpoint.open(fixture("whole.pth")), "whole.pth: data.pkl", "as in a model saved whole with torch.save(model)",
        "model = torch.load(path, weights_only=False).eval(); program = torch.export.export(model, args); torch.export.save(program, ",
        "torch.save(model.state_dict(), ");
    ByteArrayOutputStream legacy = legacyHead();
    legacy.writeBytes(PickleBuilder.start().ops("(").text("module").global("my.own", "Net").text("/home/me/net.py").text("class Net: pass")
        .ops("tQ)").raw(0x81).stop());
    bad(legacy.toByteArray(), "my.own.Net", "torch.export.export");
  }

  @Test
  void torchScriptModulesReachedInEndlesslyManyWays() throws IOException {
    // m0 = {t: tensor}; m(i+1) = {a: m(i), b: m(i)}: 2^60 names.
    PickleBuilder b = PickleBuilder.start().global("__torch__", "M").raw('q', 0).ops(")").raw(0x81).ops("}").text("t")
        .tensor("0", 1, 0, new long[] {1}, new long[] {1}).ops("sb").raw('q', 1);
    for (int i = 1; i <= 60; i++) {
      b.raw('h', 0).ops(")").raw(0x81).ops("}(").text("a").raw('h', i).text("b").raw('h', i).ops("ub").raw('q', i + 1);
    }
    byte[] top = b.raw('h', 61).unfinished();
    // All but the last module are still on the stack.
    ByteArrayOutputStream pickle = new ByteArrayOutputStream();
    pickle.writeBytes(PickleBuilder.start().ops("(").unfinished());
    pickle.write(top, 2, top.length - 2);
    pickle.writeBytes(new byte[] {'t', 'q', 100, '0', 'h', 61, '.'});
    ZipBuilder zip = zip(pickle.toByteArray());
    zip.stored("a/constants.pkl", PickleBuilder.start().ops(")").stop());
    zip.stored("a/data/0", new byte[4]);
    bad(zip.bytes(), "endlessly many");
  }

  @Test
  void frozenTorchScript() {
    assertBad(() -> Checkpoint.open(fixture("frozen.pt")), "without parameters, as torch.jit.freeze leaves it");
  }

  @Test
  void valuesThatAreNoCheckpoint() throws IOException {
    bad(zip(PickleBuilder.start().integer(3).stop()).bytes(), "no tensors by name", "torch.save(model.state_dict(), path)");
    bad(PickleBuilder.start().integer(3).stop(), "a pickle of something else");
    bad(PickleBuilder.start().ops("}").stop(), "no tensors by name");
  }

  // ---- legacy ----

  private static ByteArrayOutputStream legacyHead() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(PickleBuilder.start().raw(0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19).stop());
    out.writeBytes(PickleBuilder.start().integer(1001).stop());
    out.writeBytes(PickleBuilder.start().ops("}").text("little_endian").raw(0x88).ops("s").stop());
    return out;
  }

  /** A legacy file of one tensor "w" of two elements in storage "7". */
  private static byte[] legacy(long claimed, long numel, int bytes, String... keys) {
    ByteArrayOutputStream out = legacyHead();
    out.writeBytes(PickleBuilder.start().ops("}").text("w").global("torch._utils", "_rebuild_tensor_v2").ops("((").text("storage")
        .global("torch", "FloatStorage").text("7").text("cpu").integer(claimed).ops("NtQ").integer(0).integers(2).integers(1).raw(0x89)
        .ops("}tRs").stop());
    PickleBuilder list = PickleBuilder.start().ops("](");
    for (String k : keys) {
      list.text(k);
    }
    out.writeBytes(list.ops("e").stop());
    out.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(numel).array());
    out.writeBytes(new byte[bytes]);
    return out.toByteArray();
  }

  @Test
  void legacyFilesThatContradictThemselves() throws IOException {
    Checkpoint.open(write("good.pth", legacy(2, 2, 8, "7"))).tensors().get("w").bytes();
    bad(legacy(2, 3, 12, "7"), "storage 7", "found 3 elements, expected 2");
    bad(legacy(2, 2, 7, "7"), "storage 7", "7 bytes left", "truncated");
    bad(legacy(2, 2, 8, "8"), "a storage that no tensor has");
    bad(legacy(2, 2, 40, "7", "7"), "its key twice");
    bad(legacy(2, 2, 8), "none of its elements");
    bad(legacy(1L << 40, 2, 8, "7"), "1099511627776 elements of 4 bytes in a file of");
    bad(legacy(1, 1, 4, "7"), "within the storage's 4 bytes");
  }

  @Test
  void legacyFilesOfOtherMachinesAndVersions() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    byte[] head = legacyHead().toByteArray();
    out.write(head, 0, 15);
    out.writeBytes(PickleBuilder.start().integer(1002).stop());
    bad(out.toByteArray(), "version 1002 of the legacy format");
    head[head.length - 3] = (byte) 0x89;
    bad(head, "a big-endian machine");
  }

  @Test
  void tarFiles() throws IOException {
    byte[] tar = new byte[1024];
    System.arraycopy("ustar".getBytes(StandardCharsets.UTF_8), 0, tar, 257, 5);
    tar[0] = 's';
    bad(tar, "a tar archive, as PyTorch saved before 0.1.10", "torch.save(torch.load(path");
  }

  // ---- other files ----

  @Test
  void filesOfOtherKinds() throws IOException {
    bad(new byte[0], "an empty file");
    bad("hello, world".getBytes(StandardCharsets.UTF_8), "no format that is known here");
    bad("GGUF....".getBytes(StandardCharsets.UTF_8), "a GGUF file");
    bad("\u0089HDF\r\n\u001a\n".getBytes(StandardCharsets.ISO_8859_1), "an HDF5 file");
    bad("\0\0\0\0PTMF".getBytes(StandardCharsets.ISO_8859_1), "a PyTorch Mobile flatbuffer");
    bad("version https://git-lfs.github.com/spec/v1".getBytes(StandardCharsets.UTF_8), "git lfs pull");
    bad("<html>".getBytes(StandardCharsets.UTF_8), "an HTML page");
    assertBad(() -> Checkpoint.open(folder.resolve("missing.pth")), "no such file");
  }

  @Test
  void foldersWithoutOrWithSeveralCheckpoints() throws IOException {
    Path empty = Files.createDirectory(folder.resolve("empty"));
    assertBad(() -> Checkpoint.open(empty), "no file of weights");
    Path two = Files.createDirectory(folder.resolve("two"));
    Files.copy(fixture("kinds.pth"), two.resolve("a.pth"));
    Files.copy(fixture("kinds.pth"), two.resolve("b.pth"));
    assertBad(() -> Checkpoint.open(two), "2 files *.pth (a.pth, b.pth)");
  }

  // ---- shards ----

  private void badIndex(String json, String... parts) throws IOException {
    Path index = Files.writeString(folder.resolve("model.safetensors.index.json"), json);
    assertBad(() -> Checkpoint.open(index), parts);
  }

  @Test
  void shardsElsewhere() throws IOException {
    for (String name : new String[] {"../x", "/etc/passwd", "C:x", "a/b", "a\\\\b", "..", ".", "", "\\u0000"}) {
      badIndex("{\"weight_map\": {\"w\": \"" + name + "\"}}", "the shard \"", "a file beside the index");
    }
    Path outside = Files.copy(fixture("kinds.safetensors"), Files.createDirectory(folder.resolve("outside")).resolve("x.safetensors"));
    Path inside = Files.createDirectory(folder.resolve("inside"));
    Files.createSymbolicLink(inside.resolve("x.safetensors"), outside);
    Path index = Files.writeString(inside.resolve("model.safetensors.index.json"), "{\"weight_map\": {\"scalar\": \"x.safetensors\"}}");
    assertBad(() -> Checkpoint.open(index), "a link that leads out of the folder");
  }

  @Test
  void shardsThatAreMissingOrIncomplete() throws IOException {
    badIndex("{\"weight_map\": {\"w\": \"x.safetensors\"}}", "no file \"x.safetensors\" beside it");
    Files.copy(fixture("kinds.safetensors"), folder.resolve("x.safetensors"));
    badIndex("{\"weight_map\": {\"w\": \"x.safetensors\"}}", "x.safetensors", "no tensor w");
  }

  @Test
  void indexesThatAreNone() throws IOException {
    badIndex("{}", "no weight_map");
    badIndex("{\"weight_map\": {}}", "no weight_map");
    badIndex("{\"weight_map\": {\"w\": 3}}", "a value that is no text");
    badIndex("{\"weight_map\": {", "no JSON");
    badIndex("{\"weight_map\": {\"w\": \"model.safetensors.index.json\"}}", "a JSON text");
    badIndex(" {\"weight_map\": {\"w\": \"model.safetensors.index.json\"}}", "expected weights as");
    badIndex("{\"a\":" + "[".repeat(50_000), "no JSON");
  }

  // ---- .pt2 ----

  @Test
  void exportedWeightsOutsideTheirFile() throws IOException {
    ZipBuilder zip = new ZipBuilder();
    zip.stored("m/models/model.json", "{}");
    zip.stored("m/data/weights/weight_0", new byte[16]);
    zip.stored("m/data/weights/model_weights_config.json", "{\"config\": {\"w\": {\"path_name\": \"weight_0\", \"is_param\": true, "
        + "\"use_pickle\": false, \"tensor_meta\": {\"dtype\": 7, \"layout\": 7, \"sizes\": [{\"as_int\": 5}], "
        + "\"strides\": [{\"as_int\": 1}], \"storage_offset\": {\"as_int\": 0}}}}}");
    bad(zip.bytes(), "reach byte 20", "the storage's 16 bytes");
  }

  @Test
  void truncationAnywhere() throws IOException {
    for (String name : new String[] {"small_deflated.pth", "kinds_legacy.pth", "kinds.safetensors"}) {
      byte[] whole = Files.readAllBytes(fixture(name));
      for (int length = 0; length < whole.length; length++) {
        Path file = write("short", Arrays.copyOf(whole, length));
        assertBad(() -> Checkpoint.open(file), "short");
      }
    }
  }
}
