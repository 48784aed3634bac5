package dev.tenon.tf.export;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.tensorflow.proto.BundleEntryProto;
import org.tensorflow.proto.BundleHeaderProto;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.VersionDef;

/**
 * Writes a checkpoint in TensorFlow's tensor bundle format: {@code PREFIX.data-00000-of-00001} with the tensors' bytes one
 * after the other, and {@code PREFIX.index}, a {@link LevelDbTable} from names to {@code BundleEntryProto}s.
 *
 * <p>Tensors are streamed in the order they are added; memory holds the index only. The files are whole after
 * {@link #finish()}; closing without it leaves a data file without an index, which no reader accepts.
 *
 * @see <a href="https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/util/tensor_bundle/tensor_bundle.h">tensor_bundle.h</a>
 */
public final class TensorBundleWriter implements AutoCloseable {

  private final Path index;
  private final FileChannel data;
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20);
  private final Map<byte[], BundleEntryProto> entries = new TreeMap<>(Arrays::compareUnsigned);
  private long offset;

  /**
   * Starts a checkpoint whose files must not exist yet.
   *
   * @param prefix path of the files without their endings: {@code …/variables/variables}; its folder exists
   */
  public TensorBundleWriter(Path prefix) throws IOException {
    this.index = indexFile(prefix);
    this.data = FileChannel.open(dataFile(prefix, 0, 1), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
  }

  static Path indexFile(Path prefix) {
    return prefix.resolveSibling(prefix.getFileName() + ".index");
  }

  static Path dataFile(Path prefix, int shard, int shards) {
    return prefix.resolveSibling(String.format("%s.data-%05d-of-%05d", prefix.getFileName(), shard, shards));
  }

  /**
   * Adds a tensor with elements of fixed size.
   *
   * @throws IllegalArgumentException if the key is empty or was added before, or the data is not of the size that type and shape
   *     call for
   */
  public void add(String key, DataType dtype, long[] shape, TensorData tensor) throws IOException {
    long expected = DataTypes.byteSize(dtype, shape);
    if (tensor.byteSize() != expected) {
      throw new IllegalArgumentException("Tensor " + key + " of " + DataTypes.describe(dtype, shape) + " has "
          + tensor.byteSize() + " bytes, expected " + expected);
    }
    Sink sink = new Sink();
    long start = offset;
    tensor.writeTo(sink);
    if (offset - start != expected) {
      throw new IllegalArgumentException(
          "Tensor " + key + " wrote " + (offset - start) + " bytes, but said it had " + expected);
    }
    addEntry(key, dtype, shape, start, sink.crc);
  }

  /**
   * Adds a scalar string tensor.
   *
   * <p>Its bytes are: the lengths as varints, a masked checksum of the lengths as 32-bit numbers, then the strings; the entry's
   * checksum is over the 32-bit lengths, that checksum, and the strings.
   */
  public void addString(String key, byte[] value) throws IOException {
    long start = offset;
    Sink sink = new Sink();
    ByteBuffer head = ByteBuffer.allocate(14).order(ByteOrder.LITTLE_ENDIAN);
    LevelDbTable.putVarint(head, value.length);
    CRC32C crc = new CRC32C();
    crc.update(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value.length).flip());
    int lengthsChecksum = MaskedCrc32c.mask(crc);
    head.putInt(lengthsChecksum);
    crc.update(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(lengthsChecksum).flip());
    crc.update(value);
    sink.write(head.flip());
    sink.write(ByteBuffer.wrap(value));
    addEntry(key, DataType.DT_STRING, new long[0], start, crc);
  }

  /** Adds a tensor of another checkpoint, its bytes and their checksum as they are stored there. */
  void copy(TensorBundleReader from, String key) throws IOException {
    TensorBundleReader.Entry entry = from.entry(key);
    long start = offset;
    from.copyTo(new Sink(), key);
    addEntry(key, entry.dtype(), entry.shape(), start, entry.checksum());
  }

  private void addEntry(String key, DataType dtype, long[] shape, long start, CRC32C crc) {
    addEntry(key, dtype, shape, start, MaskedCrc32c.mask(crc));
  }

  private void addEntry(String key, DataType dtype, long[] shape, long start, int checksum) {
    BundleEntryProto entry = BundleEntryProto.newBuilder()
        .setDtype(dtype)
        .setShape(DataTypes.shapeProto(shape))
        .setOffset(start)
        .setSize(offset - start)
        .setCrc32C(checksum)
        .build();
    // The empty key is the header's.
    if (key.isEmpty() || entries.put(key.getBytes(StandardCharsets.UTF_8), entry) != null) {
      throw new IllegalArgumentException(key.isEmpty() ? "A tensor's key is empty" : "Two tensors have the key " + key);
    }
  }

  /** Writes the index and closes the files. */
  public void finish() throws IOException {
    drain();
    data.close();
    writeIndex(index, 1);
  }

  /** Writes an index that counts this many data files, all tensors being in the first; after {@link #finish}. */
  void writeIndex(Path file, int shards) throws IOException {
    try (FileChannel out = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      LevelDbTableWriter table = new LevelDbTableWriter(out);
      table.add(new byte[0], BundleHeaderProto.newBuilder()
          .setNumShards(shards)
          .setEndianness(BundleHeaderProto.Endianness.LITTLE)
          .setVersion(VersionDef.newBuilder().setProducer(1))
          .build().toByteArray());
      for (Map.Entry<byte[], BundleEntryProto> entry : entries.entrySet()) {
        table.add(entry.getKey(), entry.getValue().toByteArray());
      }
      table.finish();
    }
  }

  /** Closes the data file; see {@link #finish()}. */
  @Override
  public void close() throws IOException {
    data.close();
  }

  private void drain() throws IOException {
    buffer.flip();
    while (buffer.hasRemaining()) {
      data.write(buffer);
    }
    buffer.clear();
  }

  /** The data file as one tensor sees it: small writes are gathered, and everything is counted and checksummed. */
  private final class Sink implements WritableByteChannel {

    private final CRC32C crc = new CRC32C();

    @Override
    public int write(ByteBuffer source) throws IOException {
      int count = source.remaining();
      crc.update(source.duplicate());
      if (count > buffer.remaining()) {
        drain();
      }
      if (count <= buffer.remaining()) {
        buffer.put(source);
      } else {
        while (source.hasRemaining()) {
          data.write(source);
        }
      }
      offset += count;
      return count;
    }

    @Override
    public boolean isOpen() {
      return data.isOpen();
    }

    @Override
    public void close() {
      // The file outlives the tensor.
    }
  }
}
