package dev.tenon.tf.export;

import java.nio.ByteBuffer;

/**
 * What writer and reader of the LevelDB table format agree on, the format of a checkpoint's {@code .index} file.
 *
 * <pre>
 * table  := data block* metaindex block, index block, footer
 * block  := entry* restart* restart_count, then a trailer: compression type (1 byte), masked CRC-32C of block and type (4)
 * entry  := varint shared, varint unshared, varint value_size, key suffix, value
 * footer := metaindex handle, index handle (offset and size as varints), zeros up to 40 bytes, magic (8)
 * </pre>
 *
 * An index block's entry has a key not below the last one of a data block, and that block's handle as value. Restart points
 * are offsets of entries whose keys are whole ({@code shared} is 0). Fixed-size numbers are little-endian.
 *
 * @see <a href="https://github.com/google/leveldb/blob/main/doc/table_format.md">leveldb/doc/table_format.md</a>
 */
final class LevelDbTable {

  static final long MAGIC = 0xdb4775248b80fb57L;
  static final int FOOTER_SIZE = 48;
  static final int TRAILER_SIZE = 5;
  static final byte NO_COMPRESSION = 0;
  static final int RESTART_INTERVAL = 16;
  /** TensorFlow's own writer makes blocks of this size. */
  static final int BLOCK_SIZE = 256 << 10;

  private LevelDbTable() {}

  /** Where a block is, without its trailer. */
  record BlockHandle(long offset, long size) {

    void put(ByteBuffer out) {
      putVarint(out, offset);
      putVarint(out, size);
    }
  }

  static void putVarint(ByteBuffer out, long value) {
    long rest = value;
    while ((rest & ~0x7fL) != 0) {
      out.put((byte) (rest | 0x80));
      rest >>>= 7;
    }
    out.put((byte) rest);
  }

  /**
   * Reads a varint of at most ten bytes.
   *
   * @throws java.nio.BufferUnderflowException where the buffer ends inside it
   * @throws IllegalArgumentException where it does not end after ten bytes
   */
  static long getVarint(ByteBuffer in) {
    long value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      byte b = in.get();
      value |= (long) (b & 0x7f) << shift;
      if (b >= 0) {
        return value;
      }
    }
    throw new IllegalArgumentException("a varint longer than ten bytes");
  }
}
