package dev.tenon.tf.export;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;

/** Reads every entry of a {@link LevelDbTable}, checking checksums, bounds and the order of keys as it goes. */
final class LevelDbTableReader {

  /** Receives the entries in ascending order of keys. */
  interface Visitor {
    void entry(byte[] key, byte[] value) throws TensorBundleException;
  }

  private final Path file;
  private final ByteBuffer table;
  private byte[] lastKey;

  /**
   * @param file for messages
   * @param table the whole file
   */
  LevelDbTableReader(Path file, ByteBuffer table) {
    this.file = file;
    this.table = table.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  void forEach(Visitor visitor) throws TensorBundleException {
    int size = table.limit();
    if (size < LevelDbTable.FOOTER_SIZE) {
      throw bad("file size", size + " bytes", "a checkpoint index of at least " + LevelDbTable.FOOTER_SIZE + " bytes");
    }
    long magic = table.getLong(size - Long.BYTES);
    if (magic != LevelDbTable.MAGIC) {
      throw bad("last 8 bytes", Long.toHexString(magic),
          "the magic number " + Long.toHexString(LevelDbTable.MAGIC) + " of a checkpoint index (truncated or another format)");
    }
    ByteBuffer footer = table.slice(size - LevelDbTable.FOOTER_SIZE, LevelDbTable.FOOTER_SIZE - Long.BYTES);
    handle(footer, "footer"); // the metaindex: nothing of interest
    LevelDbTable.BlockHandle index = handle(footer, "footer");
    forEachOf(block(index, "index block"), "index block", (key, value) -> {
      LevelDbTable.BlockHandle data = handle(ByteBuffer.wrap(value), "index block");
      String place = "data block at " + data.offset();
      forEachOf(block(data, place), place, (k, v) -> {
        if (lastKey != null && Arrays.compareUnsigned(lastKey, k) >= 0) {
          throw bad(place, "a key that is not above the one before", "ascending keys");
        }
        lastKey = k;
        visitor.entry(k, v);
      });
    });
  }

  private LevelDbTable.BlockHandle handle(ByteBuffer in, String place) throws TensorBundleException {
    try {
      return new LevelDbTable.BlockHandle(LevelDbTable.getVarint(in), LevelDbTable.getVarint(in));
    } catch (BufferUnderflowException | IllegalArgumentException e) {
      throw bad(place, "an unreadable block handle", "offset and size of a block");
    }
  }

  /** The contents of a block, its checksum verified. */
  private ByteBuffer block(LevelDbTable.BlockHandle handle, String place) throws TensorBundleException {
    long room = table.limit() - LevelDbTable.FOOTER_SIZE - LevelDbTable.TRAILER_SIZE;
    if (handle.offset() < 0 || handle.size() < 4 || handle.offset() > room || handle.size() > room - handle.offset()) {
      throw bad(place, "offset " + handle.offset() + " and size " + handle.size(),
          "a block inside the file of " + table.limit() + " bytes");
    }
    int offset = (int) handle.offset();
    int size = (int) handle.size();
    int stored = table.getInt(offset + size + 1);
    int actual = MaskedCrc32c.of(table.slice(offset, size + 1));
    if (stored != actual) {
      throw bad(place, "checksum " + Integer.toHexString(actual), Integer.toHexString(stored) + " (the file is damaged)");
    }
    byte type = table.get(offset + size);
    if (type != LevelDbTable.NO_COMPRESSION) {
      throw bad(place, "compression type " + type, "an uncompressed block, as TensorFlow writes them");
    }
    return table.slice(offset, size).order(ByteOrder.LITTLE_ENDIAN);
  }

  private void forEachOf(ByteBuffer block, String place, Visitor visitor) throws TensorBundleException {
    long restarts = Integer.toUnsignedLong(block.getInt(block.limit() - Integer.BYTES));
    long end = block.limit() - Integer.BYTES * (restarts + 1);
    if (end < 0) {
      throw bad(place, restarts + " restart points", "at most as many as the block of " + block.limit() + " bytes can hold");
    }
    block.limit((int) end);
    byte[] key = new byte[0];
    while (block.hasRemaining()) {
      byte[] value;
      try {
        long shared = LevelDbTable.getVarint(block);
        long unshared = LevelDbTable.getVarint(block);
        long valueSize = LevelDbTable.getVarint(block);
        if (shared < 0 || shared > key.length || unshared < 0 || unshared > block.remaining()
            || valueSize < 0 || valueSize > block.remaining() - unshared) {
          throw bad(place, "an entry that runs over its block", "sizes within it");
        }
        byte[] next = Arrays.copyOf(key, (int) (shared + unshared));
        block.get(next, (int) shared, (int) unshared);
        key = next;
        value = new byte[(int) valueSize];
        block.get(value);
      } catch (BufferUnderflowException | IllegalArgumentException e) {
        throw bad(place, "an entry cut short", "three sizes, a key and a value");
      }
      visitor.entry(key, value);
    }
  }

  private TensorBundleException bad(String place, String found, String expected) {
    return new TensorBundleException(file, place, found, expected);
  }
}
