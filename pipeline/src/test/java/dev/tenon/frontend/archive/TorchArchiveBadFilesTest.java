package dev.tenon.frontend.archive;

import static dev.tenon.frontend.archive.BadInputs.assertBad;

import dev.tenon.ir.testing.Fixtures;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each way in which an archive can be broken or hostile ends in one line that says what it is. */
class TorchArchiveBadFilesTest {
  @TempDir
  Path folder;

  private void bad(ZipBuilder zip, String... parts) throws IOException {
    bad(zip.bytes(), parts);
  }

  private void bad(byte[] bytes, String... parts) throws IOException {
    Path file = Files.write(folder.resolve("bad.pt"), bytes);
    assertBad(() -> TorchArchive.open(file), parts);
    assertBad(() -> TorchArchive.open(file), "bad.pt: ");
  }

  private static ZipBuilder good() {
    ZipBuilder zip = new ZipBuilder();
    zip.stored("r/data.pkl", "pickle");
    return zip;
  }

  @Test
  void duplicateNames() throws IOException {
    ZipBuilder zip = good();
    zip.stored("r/data.pkl", "another");
    bad(zip, "two entries named \"r/data.pkl\"");
  }

  @ParameterizedTest
  @ValueSource(strings = {"r/../../etc/passwd", "..", "r/..", "/etc/passwd", "C:/windows", "c:x", "r\\data", "r//x", "r/./x", ""})
  void namesThatLeadElsewhere(String name) throws IOException {
    ZipBuilder zip = good();
    zip.stored(name, "x");
    bad(zip, "expected plain relative names");
  }

  @Test
  void controlCharactersInNamesDoNotReachTheTerminal() throws IOException {
    ZipBuilder zip = good();
    zip.stored("../\u001b[31m\n", "x");
    bad(zip, "leads out of the archive");
  }

  @Test
  void severalRoots() throws IOException {
    ZipBuilder zip = good();
    zip.stored("s/data.pkl", "x");
    bad(zip, "the root folders r, s", "expected one");
  }

  @Test
  void entryPastTheEnd() throws IOException {
    ZipBuilder zip = good();
    ZipBuilder.Entry e = zip.stored("r/data/0", "x");
    e.size = 1 << 20;
    e.packedSize = 1 << 20;
    bad(zip, "r/data/0", "1048576 bytes", "truncated or damaged");
  }

  @Test
  void localHeaderPastTheEnd() throws IOException {
    ZipBuilder zip = good();
    zip.stored("r/data/0", "x").offset = 1 << 20;
    bad(zip, "truncated or damaged");
  }

  @Test
  void localHeaderOfAnotherName() throws IOException {
    ZipBuilder zip = good();
    zip.stored("r/data/0", "x").localName = "r/data/1";
    bad(zip, "r/data/0", "no local header of that name");
  }

  @Test
  void overlappingEntries() throws IOException {
    ZipBuilder zip = new ZipBuilder();
    ZipBuilder.Entry outer = zip.stored("r/a", "0123456789");
    outer.size = 60;
    outer.packedSize = 60;
    zip.stored("r/b", "0123456789");
    bad(zip, "\"r/b\"", "bytes that are also those of \"r/a\"");
  }

  @Test
  void twoNamesForTheSameBytes() throws IOException {
    ZipBuilder zip = new ZipBuilder();
    zip.stored("r/a", "0123456789");
    ZipBuilder.Entry e = zip.stored("r/b", "0123456789");
    e.offset = 0;
    // The directory's two entries name one local header; its name can be that of one only.
    bad(zip, "no local header of that name");
  }

  @Test
  void zipBomb() throws IOException {
    ZipBuilder zip = good();
    zip.deflated("r/data/0", new byte[50_000_000]);
    bad(zip, "that inflate to 50000000", "zip bomb");
  }

  @Test
  void moreInflatedThanAnnounced() throws IOException {
    ZipBuilder zip = good();
    zip.deflated("r/data/0", new byte[5000]).size = 1000;
    Path file = Files.write(folder.resolve("bad.pt"), zip.bytes());
    assertBad(() -> TorchArchive.open(file).stream("data/0").readAllBytes(), "data/0", "more than 1000 inflated bytes");
  }

  @Test
  void lessInflatedThanAnnounced() throws IOException {
    ZipBuilder zip = good();
    zip.deflated("r/data/0", new byte[500]).size = 1000;
    Path file = Files.write(folder.resolve("bad.pt"), zip.bytes());
    assertBad(() -> TorchArchive.open(file).bytes("data/0"), "data/0", "only 500 inflated bytes", "the 1000");
  }

  @Test
  void damagedCompressedData() throws IOException {
    ZipBuilder zip = good();
    ZipBuilder.Entry e = zip.stored("r/data/0", new byte[] {(byte) 0xff, 1, 2, 3, 4});
    e.method = 8;
    Path file = Files.write(folder.resolve("bad.pt"), zip.bytes());
    assertBad(() -> TorchArchive.open(file).bytes("data/0"), "data/0", "damaged compressed data");
  }

  @Test
  void encryptedEntries() throws IOException {
    ZipBuilder zip = good();
    zip.stored("r/data/0", "x").flags |= 1;
    bad(zip, "an encrypted entry");
  }

  @Test
  void otherCompressionMethods() throws IOException {
    ZipBuilder zip = good();
    zip.stored("r/data/0", "x").method = 12;
    bad(zip, "compression method 12");
  }

  @Test
  void storedSizesThatDiffer() throws IOException {
    ZipBuilder zip = good();
    zip.stored("r/data/0", "x").size = 5;
    bad(zip, "1 stored bytes for a file of 5");
  }

  @Test
  void bigEndian() throws IOException {
    ZipBuilder zip = good();
    zip.stored("r/byteorder", "big");
    bad(zip, "byteorder", "found \"big\"", "little-endian machine");
  }

  @Test
  void mobileFlatbuffer() throws IOException {
    bad("\0\0\0\0PTMFxxxxxxxx".getBytes(StandardCharsets.ISO_8859_1), "a PyTorch Mobile flatbuffer", "torch.jit.save");
  }

  @Test
  void otherFiles() throws IOException {
    bad(new byte[0], "an empty file");
    bad("hello".getBytes(StandardCharsets.UTF_8), "bytes that are no zip archive");
    bad("<!DOCTYPE html><html>".getBytes(StandardCharsets.UTF_8), "an HTML page");
    bad("version https://git-lfs.github.com/spec/v1\n".getBytes(StandardCharsets.UTF_8), "git lfs pull");
    bad(Files.readAllBytes(Fixtures.root().resolve("testmodels/checkpoints/kinds_legacy.pth")), "a Python pickle");
    assertBad(() -> TorchArchive.open(folder), "a folder");
    assertBad(() -> TorchArchive.open(folder.resolve("missing.pt")), "no such file");
  }

  @Test
  void anArchiveWithoutFiles() throws IOException {
    bad(new ZipBuilder(), "an archive without files");
  }

  @Test
  void missingEntries() throws IOException {
    Path file = Files.write(folder.resolve("bad.pt"), good().bytes());
    assertBad(() -> TorchArchive.open(file).storage("data/7"), "no entry data/7");
  }

  @Test
  void textThatIsNoText() throws IOException {
    ZipBuilder zip = good();
    zip.stored("r/code", new byte[] {(byte) 0xff});
    Path file = Files.write(folder.resolve("bad.pt"), zip.bytes());
    assertBad(() -> TorchArchive.open(file).text("code"), "code", "no UTF-8");
  }

  @Test
  void truncationAnywhere() throws IOException {
    byte[] whole = Files.readAllBytes(Fixtures.root().resolve("testmodels/checkpoints/small_deflated.pth"));
    for (int length = 0; length < whole.length; length++) {
      Path file = Files.write(folder.resolve("short.pth"), Arrays.copyOf(whole, length));
      String message = assertBad(() -> TorchArchive.open(file));
      if (length > 4 && !message.contains("truncated")) {
        throw new AssertionError(length + " bytes: " + message);
      }
    }
  }
}
