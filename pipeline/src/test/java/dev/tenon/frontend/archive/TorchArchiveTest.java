package dev.tenon.frontend.archive;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.ir.testing.Fixtures;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Archives are read in place, as PyTorch and as others write them. */
class TorchArchiveTest {
  @TempDir
  Path folder;

  private static Path fixture(String name) {
    return Fixtures.root().resolve("testmodels/checkpoints").resolve(name);
  }

  private TorchArchive archive(ZipBuilder zip) throws IOException {
    return TorchArchive.open(Files.write(folder.resolve("a.pt"), zip.bytes()));
  }

  private static byte[] content(TorchArchive a, String name) {
    ByteBuffer b = a.storage(name).read(0, (int) a.storage(name).byteSize());
    byte[] bytes = new byte[b.remaining()];
    b.get(bytes);
    return bytes;
  }

  @Test
  void pytorchsOwnArchivesOpen() {
    try (TorchArchive a = TorchArchive.open(fixture("kinds.pth"))) {
      assertEquals("kinds", a.root());
      assertEquals("little", a.text("byteorder"));
      assertTrue(a.has("data.pkl"));
      assertTrue(a.has("data/0"));
      assertFalse(a.has("kinds/data.pkl"));
      assertEquals(a.size("data/0"), a.storage("data/0").byteSize());
      assertArrayEquals(a.bytes("data.pkl"), content(a, "data.pkl"));
    }
  }

  @Test
  void compressedAndStoredEntriesHaveTheSameBytes() throws IOException {
    byte[] data = new byte[100_000];
    new Random(1).nextBytes(data);
    ZipBuilder zip = new ZipBuilder();
    zip.stored("r/data/0", data);
    zip.deflated("r/data/1", data);
    TorchArchive a = archive(zip);
    assertArrayEquals(data, a.bytes("data/0"));
    assertArrayEquals(data, a.bytes("data/1"));
    assertArrayEquals(data, a.stream("data/0").readAllBytes());
    assertArrayEquals(data, a.stream("data/1").readAllBytes());
    ByteBuffer piece = a.storage("data/1").read(500, 8);
    assertEquals(ByteBuffer.wrap(data, 500, 8), piece);
    assertEquals(a.storage("data/0").read(500, 8).getLong(0), piece.getLong(0));
  }

  @Test
  void largeCompressedEntriesAreReadInPieces() throws IOException {
    // Beyond what is kept in memory, and of little entropy.
    byte[] data = new byte[20_000_000];
    Random random = new Random(2);
    for (int i = 0; i < data.length; i += 16) {
      data[i] = (byte) random.nextInt();
    }
    ZipBuilder zip = new ZipBuilder();
    zip.deflated("r/data/0", data);
    ByteBuffer piece = archive(zip).storage("data/0").read(19_000_000, 1000);
    assertEquals(ByteBuffer.wrap(data, 19_000_000, 1000), piece);
  }

  @Test
  void entriesAtTheTopMeanThatThereIsNoRoot() throws IOException {
    ZipBuilder zip = new ZipBuilder();
    zip.stored("version", "8.2");
    zip.stored("extra_files/a", "x");
    TorchArchive a = archive(zip);
    assertEquals("", a.root());
    assertEquals(List.of("version", "extra_files/a"), List.copyOf(a.names()));
  }

  @Test
  void entriesOfFoldersAreNoFiles() throws IOException {
    ZipBuilder zip = new ZipBuilder();
    zip.stored("r/", "");
    zip.stored("r/data/", "");
    zip.stored("r/data/0", "x");
    TorchArchive a = archive(zip);
    assertEquals("r", a.root());
    assertEquals(List.of("data/0"), List.copyOf(a.names()));
  }

  @Test
  void archivesWithinArchivesAreReadInPlace() throws IOException {
    byte[] inner = Files.readAllBytes(fixture("kinds.pth"));
    ZipBuilder zip = new ZipBuilder();
    zip.stored("r/model.pt", inner);
    zip.deflated("r/packed.pt", inner);
    TorchArchive a = archive(zip);
    TorchArchive plain = TorchArchive.open(fixture("kinds.pth"));
    for (String name : List.of("model.pt", "packed.pt")) {
      TorchArchive nested = a.nested(name);
      assertEquals(plain.names(), nested.names());
      assertArrayEquals(content(plain, "data/3"), content(nested, "data/3"));
      assertTrue(nested.label().endsWith("a.pt!/" + name), nested.label());
    }
  }

  @Test
  void storagesOutliveTheArchive() throws IOException {
    ZipBuilder zip = new ZipBuilder();
    zip.stored("r/a", "text");
    zip.deflated("r/b", "text".getBytes(StandardCharsets.UTF_8));
    TorchArchive a = archive(zip);
    var stored = a.storage("a");
    var deflated = a.storage("b");
    a.close();
    assertEquals('t', stored.read(0, 1).get());
    assertEquals('x', deflated.read(2, 1).get());
  }

  @Test
  void zipsAreKnownByTheirFirstBytes() throws IOException {
    assertTrue(TorchArchive.isZip(fixture("kinds.pth")));
    assertFalse(TorchArchive.isZip(fixture("kinds_legacy.pth")));
    assertFalse(TorchArchive.isZip(folder));
    assertFalse(TorchArchive.isZip(folder.resolve("missing")));
    assertFalse(TorchArchive.isZip(Files.write(folder.resolve("short"), new byte[] {'P', 'K'})));
  }
}
