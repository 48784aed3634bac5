package dev.tenon.frontend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostics;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file's format follows from its contents, whatever it is called. */
class SourceFormatTest {
  @TempDir
  private Path folder;

  private Path archive(String... entries) throws IOException {
    Path file = folder.resolve("model.onnx");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      for (String e : entries) {
        zip.putNextEntry(new ZipEntry(e));
        zip.write(1);
        zip.closeEntry();
      }
    }
    return file;
  }

  private Path bytes(byte... bytes) throws IOException {
    return Files.write(folder.resolve("model.onnx"), bytes);
  }

  private static SourceFormat formatOf(Path file) {
    return SourceFormat.of(ModelSource.ofFile(file));
  }

  @Test
  void exportedProgramsOldAndNew() throws IOException {
    assertEquals(SourceFormat.EXPORTED_PROGRAM, formatOf(archive("version", "serialized_exported_program.json", "serialized_state_dict.pt")));
    assertEquals(SourceFormat.EXPORTED_PROGRAM, formatOf(archive("net/archive_format", "net/models/model.json", "net/data/weights/weight_0")));
    assertEquals(SourceFormat.EXPORTED_PROGRAM, formatOf(archive("models/model.json", "data/weights/model.pt")));
  }

  @Test
  void torchScriptHasCode() throws IOException {
    assertEquals(SourceFormat.TORCHSCRIPT, formatOf(archive("net/data.pkl", "net/code/__torch__.py", "net/constants.pkl")));
  }

  @Test
  void checkpointsOfAllKinds() throws IOException {
    assertEquals(SourceFormat.CHECKPOINT, formatOf(archive("archive/data.pkl", "archive/data/0", "archive/version")));
    assertEquals(SourceFormat.CHECKPOINT, formatOf(bytes((byte) 0x80, (byte) 2, (byte) 0x8a, (byte) 10)), "a legacy pickle");
    byte[] safetensors = Arrays.copyOf(new byte[] {2}, 10);
    safetensors[8] = '{';
    safetensors[9] = '}';
    assertEquals(SourceFormat.CHECKPOINT, formatOf(bytes(safetensors)));
  }

  @Test
  void everythingElseIsForTheOnnxReaderToJudge() throws IOException {
    assertEquals(SourceFormat.ONNX, formatOf(bytes((byte) 8, (byte) 10, (byte) 18, (byte) 0)));
    assertEquals(SourceFormat.ONNX, formatOf(bytes()));
    assertEquals(SourceFormat.ONNX, formatOf(bytes("no model at all".getBytes(StandardCharsets.UTF_8))));
  }

  @Test
  void otherArchivesAreRefused() throws IOException {
    assertTrue(refusal(archive("META-INF/MANIFEST.MF", "a/B.class")).contains("PyTorch did not write"));
    assertTrue(refusal(archive("net/data/aotinductor/model/x.so")).contains("AOTInductor"));
    Path whole = archive("net/data.pkl", "net/code/__torch__.py");
    byte[] cut = Files.readAllBytes(whole);
    assertTrue(refusal(bytes(Arrays.copyOf(cut, cut.length / 2))).contains("truncated"));
  }

  private static String refusal(Path file) {
    String message = assertThrows(BadInputException.class, () -> formatOf(file)).getMessage();
    assertTrue(message.startsWith(file.toString()), message);
    assertEquals(1, message.lines().count(), message);
    return message;
  }

  @Test
  void checkpointAsModelSaysWhatToDo() throws IOException {
    ModelSource source = ModelSource.ofFile(archive("archive/data.pkl", "archive/data/0"));
    String message = assertThrows(BadInputException.class,
        () -> Frontends.read(source, ReadOptions.defaults(), new Diagnostics())).getMessage();
    assertTrue(message.contains("torch.export.save(torch.export.export(model, args)") && message.contains("tenon weights"), message);
    assertEquals(1, message.lines().count(), message);
  }

  @Test
  void namesLoseTheEndingsOfModels() {
    assertEquals("resnet18", SourceFormat.withoutEnding("resnet18.pt2"));
    assertEquals("resnet18.v1", SourceFormat.withoutEnding("resnet18.v1.pt"));
    assertEquals("notes.txt", SourceFormat.withoutEnding("notes.txt"));
  }
}
