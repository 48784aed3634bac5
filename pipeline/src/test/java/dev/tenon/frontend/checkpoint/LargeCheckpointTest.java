package dev.tenon.frontend.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tenon.frontend.archive.ZipBuilder;
import dev.tenon.frontend.pickle.PickleBuilder;
import dev.tenon.ir.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Checkpoints much larger than the heap are opened and streamed. The files have holes for weights, which take no room on the disk. */
class LargeCheckpointTest {
  private static final long GIGABYTE = 1L << 30;
  /** Where every byte is touched, a quarter of it in a quarter of the heap says the same sooner. */
  private static final long QUARTER = GIGABYTE / 4;

  @TempDir
  Path folder;

  /** Opens a checkpoint and streams its tensors, in the small JVM that the test starts; {@code copy} writes them to a file too. */
  public static final class Small {
    private Small() {}

    public static void main(String[] args) throws IOException {
      Checkpoint c = Checkpoint.open(Path.of(args[0]));
      long[] count = new long[1];
      for (Tensor t : c.tensors().values()) {
        t.writeTo(Channels.newChannel(new OutputStream() {
          @Override
          public void write(int b) {
            count[0]++;
          }

          @Override
          public void write(byte[] b, int from, int length) {
            count[0] += length;
          }
        }));
      }
      if (args.length > 1) {
        SafetensorsWriter.write(Path.of(args[1]), c.tensors(), Map.of());
      }
      System.out.println(c.format() + ": " + c.tensors() + ", " + count[0] + " bytes");
    }
  }

  private static void run(String format, long bytes, String... args) throws Exception {
    String expected = format + ": {w=float32[" + rows(bytes) + ",1024]}, " + bytes + " bytes";
    String[] command = new String[args.length + 5];
    command[0] = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    command[1] = bytes == GIGABYTE ? "-Xmx256m" : "-Xmx128m";
    command[2] = "-cp";
    command[3] = System.getProperty("java.class.path");
    command[4] = Small.class.getName();
    System.arraycopy(args, 0, command, 5, args.length);
    Process p = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    assertEquals(0, p.waitFor(), output);
    // Newer JDKs print warnings of their own before it.
    assertTrue(output.lines().anyMatch(l -> l.equals(expected)), output);
  }

  private static long rows(long bytes) {
    return bytes / 4 / 1024;
  }

  private Path sparse(String name, byte[] before, long hole, byte[] after) throws IOException {
    Path file = folder.resolve(name);
    try (RandomAccessFile f = new RandomAccessFile(file.toFile(), "rw")) {
      f.write(before);
      f.seek(before.length + hole);
      f.write(after);
      f.setLength(before.length + hole + after.length);
    }
    return file;
  }

  private Path safetensors(long bytes) throws IOException {
    byte[] json = ("{\"w\":{\"dtype\":\"F32\",\"shape\":[" + rows(bytes) + ",1024],\"data_offsets\":[0," + bytes + "]}}")
        .getBytes(StandardCharsets.UTF_8);
    ByteBuffer head = ByteBuffer.allocate(8 + json.length).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).put(json);
    return sparse("w.safetensors", head.array(), bytes, new byte[0]);
  }

  /** An archive whose last entry has a hole for its bytes. */
  private Path archive(long bytes, long[] strides) throws IOException {
    ZipBuilder zip = new ZipBuilder();
    long[] sizes = {rows(bytes), 1024};
    zip.stored("a/data.pkl", PickleBuilder.start().ops("}").text("w").tensor("0", bytes / 4, 0, sizes, strides).ops("s").stop());
    ZipBuilder.Entry data = zip.stored("a/data/0", new byte[0]);
    data.size = bytes;
    data.packedSize = bytes;
    byte[] all = zip.bytes();
    ByteBuffer b = ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN);
    // The end of the central directory says where it begins.
    int end = all.length - 22;
    int directory = b.getInt(end + 16);
    b.putInt(end + 16, (int) (directory + bytes));
    return sparse("w.pth", Arrays.copyOf(all, directory), bytes, Arrays.copyOfRange(all, directory, all.length));
  }

  @Test
  @Timeout(value = 120, unit = TimeUnit.SECONDS)
  void aGigabyteOfSafetensors() throws Exception {
    run("safetensors", GIGABYTE, safetensors(GIGABYTE).toString());
  }

  @Test
  @Timeout(value = 120, unit = TimeUnit.SECONDS)
  void aGigabyteInAZip() throws Exception {
    run("PyTorch zip", GIGABYTE, archive(GIGABYTE, new long[] {1024, 1}).toString());
  }

  @Test
  @Timeout(value = 120, unit = TimeUnit.SECONDS)
  void aGigabyteOfTheLegacyFormat() throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(PickleBuilder.start().raw(0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19).stop());
    out.writeBytes(PickleBuilder.start().integer(1001).stop());
    out.writeBytes(PickleBuilder.start().ops("}").stop());
    long[] sizes = {rows(GIGABYTE), 1024};
    out.writeBytes(PickleBuilder.start().ops("}").text("w").tensor("0", GIGABYTE / 4, 0, sizes, new long[] {1024, 1}).ops("s").stop());
    out.writeBytes(PickleBuilder.start().ops("]").text("0").ops("a").stop());
    out.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(GIGABYTE / 4).array());
    run("PyTorch legacy", GIGABYTE, sparse("w.legacy", out.toByteArray(), GIGABYTE, new byte[0]).toString());
  }

  @Test
  @Timeout(value = 120, unit = TimeUnit.SECONDS)
  void gatheringIsStreamedToo() throws Exception {
    run("PyTorch zip", QUARTER, archive(QUARTER, new long[] {1, rows(QUARTER)}).toString());
  }

  @Test
  @Timeout(value = 120, unit = TimeUnit.SECONDS)
  void writingIsStreamedToo() throws Exception {
    Path copy = folder.resolve("copy.safetensors");
    run("safetensors", QUARTER, safetensors(QUARTER).toString(), copy.toString());
    assertEquals(QUARTER, SafetensorsReader.open(copy).tensor("w").byteSize());
  }

  private static ByteBuffer little(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The directory's entry of a stored file, its sizes and place in the extra field of large archives. */
  private static byte[] largeEntry(String name, long size, long offset) {
    ByteBuffer b = little(46 + name.length() + 28).putInt(0x02014b50).putShort((short) 45).putShort((short) 45);
    b.position(20);
    b.putInt(-1).putInt(-1).putShort((short) name.length()).putShort((short) 28).position(42);
    b.putInt(-1).put(name.getBytes(StandardCharsets.UTF_8));
    return b.putShort((short) 1).putShort((short) 24).putLong(size).putLong(size).putLong(offset).array();
  }

  private static byte[] localHeader(String name) {
    ByteBuffer b = little(30 + name.length()).putInt(0x04034b50);
    b.position(26);
    return b.putShort((short) name.length()).putShort((short) 0).put(name.getBytes(StandardCharsets.UTF_8)).array();
  }

  @Test
  void anArchiveBeyondFourGigabytes() throws IOException {
    long size = 5 * GIGABYTE;
    long last = size / 4 - 1;
    byte[] pickle = PickleBuilder.start().ops("}").text("w").tensor("0", size / 4, last, new long[] {1}, new long[] {1}).ops("s").stop();
    byte[] before = localHeader("a/data/0");
    ByteArrayOutputStream after = new ByteArrayOutputStream();
    after.writeBytes(localHeader("a/data.pkl"));
    after.writeBytes(pickle);
    long directory = before.length + size + after.size();
    byte[] first = largeEntry("a/data/0", size, 0);
    byte[] second = largeEntry("a/data.pkl", pickle.length, before.length + size);
    after.writeBytes(first);
    after.writeBytes(second);
    long length = first.length + second.length;
    after.writeBytes(little(56).putInt(0x06064b50).putLong(44).putShort((short) 45).putShort((short) 45).putInt(0).putInt(0).putLong(2)
        .putLong(2)
        .putLong(length).putLong(directory).array());
    after.writeBytes(little(20).putInt(0x07064b50).putInt(0).putLong(directory + length).putInt(1).array());
    after.writeBytes(little(22).putInt(0x06054b50).putInt(0).putShort((short) -1).putShort((short) -1).putInt(-1).putInt(-1).array());
    Path file = sparse("large.pth", before, size, after.toByteArray());
    try (RandomAccessFile f = new RandomAccessFile(file.toFile(), "rw")) {
      f.seek(before.length + size - 4);
      f.write(new byte[] {0, 0, (byte) 0x80, 0x3f});
    }
    assertEquals(1.0, Checkpoint.open(file).tensors().get("w").item());
  }
}
