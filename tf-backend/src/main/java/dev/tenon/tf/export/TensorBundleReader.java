package dev.tenon.tf.export;

import com.google.protobuf.InvalidProtocolBufferException;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import org.tensorflow.proto.BundleEntryProto;
import org.tensorflow.proto.BundleHeaderProto;
import org.tensorflow.proto.DataType;

/**
 * Reads a checkpoint in TensorFlow's tensor bundle format; see {@link TensorBundleWriter}.
 *
 * <p>Opening reads and checks the index, and that every tensor lies inside its data file. Values are memory-mapped on demand;
 * checkpoints of several shards and files over 2 GB are fine. Damage is reported as {@link TensorBundleException}.
 */
public final class TensorBundleReader implements AutoCloseable {

  /** Written and read through windows of at most this many bytes, whatever the tensor's size. */
  private static final int PIECE = 16 << 20;

  /**
   * A tensor of the checkpoint.
   *
   * @param key its name
   * @param dtype element type
   * @param shape its dimensions
   * @param shard number of the data file
   * @param offset where in the data file it starts
   * @param byteSize bytes in the data file
   * @param checksum masked CRC-32C of its bytes (for strings see {@link TensorBundleWriter#addString})
   */
  public record Entry(
      String key, DataType dtype, long[] shape, int shard, long offset, long byteSize, int checksum) {

    @Override
    public String toString() {
      return key + " " + DataTypes.describe(dtype, shape);
    }
  }

  private final Path index;
  private final Map<String, Entry> entries;
  private final List<MappedFile> shards;

  private TensorBundleReader(Path index, Map<String, Entry> entries, List<MappedFile> shards) {
    this.index = index;
    this.entries = entries;
    this.shards = shards;
  }

  /**
   * Opens a checkpoint.
   *
   * @param prefix path of the files without their endings: {@code …/variables/variables}
   */
  public static TensorBundleReader open(Path prefix) throws IOException {
    Path index = TensorBundleWriter.indexFile(prefix);
    ByteBuffer table = readIndex(index);
    BundleHeaderProto[] header = new BundleHeaderProto[1];
    Map<String, Entry> entries = new LinkedHashMap<>();
    new LevelDbTableReader(index, table).forEach((key, value) -> {
      if (header[0] == null) {
        header[0] = header(index, key, value);
      } else {
        String name = new String(key, StandardCharsets.UTF_8);
        entries.put(name, entry(index, name, value, header[0].getNumShards()));
      }
    });
    if (header[0] == null) {
      throw new TensorBundleException(index, "first entry", "an empty table", "a checkpoint header");
    }
    List<MappedFile> shards = new ArrayList<>();
    try {
      for (int i = 0; i < header[0].getNumShards(); i++) {
        shards.add(openShard(TensorBundleWriter.dataFile(prefix, i, header[0].getNumShards())));
      }
      for (Entry entry : entries.values()) {
        checkBounds(entry, shards.get(entry.shard()));
      }
    } catch (IOException | RuntimeException e) {
      closeAll(shards);
      throw e;
    }
    return new TensorBundleReader(index, Collections.unmodifiableMap(entries), shards);
  }

  private static ByteBuffer readIndex(Path index) throws IOException {
    long size;
    try {
      size = Files.size(index);
    } catch (NoSuchFileException e) {
      throw new TensorBundleException(index, "file", "nothing", "a checkpoint index");
    }
    if (size > Integer.MAX_VALUE) {
      throw new TensorBundleException(index, "file size", size + " bytes", "a checkpoint index of less than 2 GB");
    }
    try (MappedFile file = MappedFile.open(index)) {
      return file.map(0, size);
    }
  }

  private static BundleHeaderProto header(Path index, byte[] key, byte[] value) throws TensorBundleException {
    if (key.length != 0) {
      throw new TensorBundleException(
          index, "first entry", "the key " + new String(key, StandardCharsets.UTF_8), "the header, whose key is empty");
    }
    BundleHeaderProto header;
    try {
      header = BundleHeaderProto.parseFrom(value);
    } catch (InvalidProtocolBufferException e) {
      throw new TensorBundleException(index, "header", "bytes that do not parse", "a BundleHeaderProto");
    }
    // A data file's name has five digits for the shard.
    if (header.getNumShards() < 1 || header.getNumShards() > 99_999) {
      throw new TensorBundleException(index, "header", header.getNumShards() + " shards", "1 to 99999");
    }
    if (header.getEndianness() != BundleHeaderProto.Endianness.LITTLE) {
      throw new TensorBundleException(index, "header", "big-endian data", "little-endian");
    }
    if (header.getVersion().getMinConsumer() > 1) {
      throw new TensorBundleException(index, "header",
          "a format for readers of version " + header.getVersion().getMinConsumer(), "version 1 or below");
    }
    return header;
  }

  private static Entry entry(Path index, String key, byte[] value, int shards) throws TensorBundleException {
    BundleEntryProto proto;
    try {
      proto = BundleEntryProto.parseFrom(value);
    } catch (InvalidProtocolBufferException e) {
      throw new TensorBundleException(index, "entry " + key, "bytes that do not parse", "a BundleEntryProto");
    }
    if (proto.getSlicesCount() > 0) {
      throw new TensorBundleException(
          index, "entry " + key, "a tensor stored in " + proto.getSlicesCount() + " slices", "a whole tensor");
    }
    if (proto.getShardId() < 0 || proto.getShardId() >= shards) {
      throw new TensorBundleException(index, "entry " + key, "shard " + proto.getShardId(), "a shard below " + shards);
    }
    Entry entry = new Entry(key, proto.getDtype(), DataTypes.dims(proto.getShape()), proto.getShardId(), proto.getOffset(),
        proto.getSize(), proto.getCrc32C());
    if (DataTypes.elementSize(entry.dtype()) > 0) {
      long expected;
      try {
        expected = DataTypes.byteSize(entry.dtype(), entry.shape());
      } catch (IllegalArgumentException e) {
        throw new TensorBundleException(index, "entry " + key, e.getMessage(), "the shape of a tensor");
      }
      if (expected != entry.byteSize()) {
        throw new TensorBundleException(index, "entry " + entry, entry.byteSize() + " bytes", expected + " bytes");
      }
    }
    return entry;
  }

  private static MappedFile openShard(Path file) throws IOException {
    try {
      return MappedFile.open(file);
    } catch (NoSuchFileException e) {
      throw new TensorBundleException(file, "file", "nothing", "a checkpoint's data file");
    }
  }

  private static void checkBounds(Entry entry, MappedFile file) throws TensorBundleException {
    if (entry.offset() < 0 || entry.byteSize() < 0 || entry.offset() > file.size()
        || entry.byteSize() > file.size() - entry.offset()) {
      throw new TensorBundleException(file.path(), "tensor " + entry, "a file of " + file.size() + " bytes",
          entry.byteSize() + " bytes at offset " + entry.offset() + " (the file is truncated or of another checkpoint)");
    }
  }

  /** All tensors by key, in ascending order of keys. */
  public Map<String, Entry> entries() {
    return entries;
  }

  /** The number of data files. */
  int shards() {
    return shards.size();
  }

  /** The tensor of this key, which must exist. */
  public Entry entry(String key) throws TensorBundleException {
    Entry entry = entries.get(key);
    if (entry == null) {
      throw new TensorBundleException(index, "entries", "no tensor " + key, "one among its " + entries.size());
    }
    return entry;
  }

  /**
   * The stored bytes of a tensor, read-only and little-endian, mapped and not verified; see {@link #data} for that.
   *
   * @throws TensorBundleException if there is no such tensor, or it has 2 GB or more
   */
  public ByteBuffer map(String key) throws IOException {
    Entry entry = entry(key);
    MappedFile file = shards.get(entry.shard());
    if (entry.byteSize() > Integer.MAX_VALUE) {
      throw new TensorBundleException(
          file.path(), "tensor " + entry, entry.byteSize() + " bytes", "less than 2 GB for a single mapping; stream it");
    }
    return file.map(entry.offset(), entry.byteSize());
  }

  /** A part of a tensor's stored bytes, as {@link #map(String)} gives them; the tensor may be of any size. */
  public ByteBuffer map(String key, long offset, int length) throws IOException {
    Entry entry = entry(key);
    if (offset < 0 || length < 0 || offset > entry.byteSize() - length) {
      throw new IllegalArgumentException("no " + length + " bytes at " + offset + " of " + entry);
    }
    return shards.get(entry.shard()).map(entry.offset() + offset, length);
  }

  /**
   * A tensor's elements, to be streamed; {@link TensorData#writeTo} ends in a {@link TensorBundleException} if their checksum is
   * not the stored one.
   */
  public TensorData data(String key) throws TensorBundleException {
    Entry entry = entry(key);
    if (DataTypes.elementSize(entry.dtype()) == 0) {
      throw new TensorBundleException(index, "tensor " + entry, "type " + entry.dtype(), "elements of fixed size");
    }
    return new TensorData() {
      @Override
      public long byteSize() {
        return entry.byteSize();
      }

      @Override
      public void writeTo(WritableByteChannel out) throws IOException {
        CRC32C crc = new CRC32C();
        pieces(entry, piece -> {
          crc.update(piece.duplicate());
          writeFully(out, piece);
        });
        checkSum(entry, shards.get(entry.shard()), crc);
      }
    };
  }

  /** Writes a tensor's stored bytes, of whatever type, unchecked: to be copied with the checksum they came with. */
  void copyTo(WritableByteChannel out, String key) throws IOException {
    pieces(entry(key), piece -> writeFully(out, piece));
  }

  private interface Pieces {
    void next(ByteBuffer piece) throws IOException;
  }

  private void pieces(Entry entry, Pieces pieces) throws IOException {
    for (long done = 0; done < entry.byteSize(); ) {
      long length = Math.min(PIECE, entry.byteSize() - done);
      pieces.next(shards.get(entry.shard()).map(entry.offset() + done, length));
      done += length;
    }
  }

  private static void writeFully(WritableByteChannel out, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }

  /** The value of a scalar string tensor, its checksum verified. */
  public byte[] string(String key) throws IOException {
    Entry entry = entry(key);
    MappedFile file = shards.get(entry.shard());
    if (entry.dtype() != DataType.DT_STRING || entry.shape().length != 0) {
      throw new TensorBundleException(index, "tensor " + key, entry.toString(), "a scalar string");
    }
    ByteBuffer bytes = map(key);
    try {
      long length = LevelDbTable.getVarint(bytes);
      if (length != bytes.remaining() - Integer.BYTES) {
        throw new TensorBundleException(file.path(), "tensor " + entry, "a string of " + length + " bytes",
            (bytes.remaining() - Integer.BYTES) + ", the room it has");
      }
      CRC32C crc = new CRC32C();
      crc.update(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt((int) length).flip());
      crc.update(bytes.slice(bytes.position(), Integer.BYTES));
      bytes.getInt();
      byte[] value = new byte[(int) length];
      bytes.get(value);
      crc.update(value);
      checkSum(entry, file, crc);
      return value;
    } catch (BufferUnderflowException | IllegalArgumentException e) {
      throw new TensorBundleException(file.path(), "tensor " + entry, "a string cut short", "its length, a checksum and it");
    }
  }

  private static void checkSum(Entry entry, MappedFile file, CRC32C crc) throws TensorBundleException {
    int actual = MaskedCrc32c.mask(crc);
    if (actual != entry.checksum()) {
      throw new TensorBundleException(file.path(), "tensor " + entry + " at offset " + entry.offset(),
          "checksum " + Integer.toHexString(actual), Integer.toHexString(entry.checksum()) + " (the file is damaged)");
    }
  }

  /** Closes the data files. Buffers already mapped stay valid. */
  @Override
  public void close() throws IOException {
    closeAll(shards);
  }

  private static void closeAll(List<MappedFile> files) throws IOException {
    for (MappedFile file : files) {
      file.close();
    }
  }
}
