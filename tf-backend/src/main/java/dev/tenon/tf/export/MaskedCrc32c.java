package dev.tenon.tf.export;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * The checksum of LevelDB tables and TensorFlow checkpoints: CRC-32C, rotated and offset so that a checksum of data that
 * holds checksums stays a good one.
 *
 * @see <a href="https://github.com/google/leveldb/blob/main/util/crc32c.h">leveldb/util/crc32c.h</a>
 */
final class MaskedCrc32c {

  private static final int MASK_DELTA = 0xa282ead8;

  private MaskedCrc32c() {}

  static int mask(CRC32C crc) {
    int value = (int) crc.getValue();
    return ((value >>> 15) | (value << 17)) + MASK_DELTA;
  }

  static int of(ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes.duplicate());
    return mask(crc);
  }
}
