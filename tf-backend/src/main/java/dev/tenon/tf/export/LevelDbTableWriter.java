package dev.tenon.tf.export;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Writes a {@link LevelDbTable}, uncompressed, entry by entry in ascending order of keys. */
final class LevelDbTableWriter {

  private final WritableByteChannel out;
  private final Block data = new Block(LevelDbTable.RESTART_INTERVAL);
  private final Block index = new Block(1);
  private long offset;

  LevelDbTableWriter(WritableByteChannel out) {
    this.out = out;
  }

  /** Adds an entry; {@code key}, as unsigned bytes, must be greater than the one before. */
  void add(byte[] key, byte[] value) throws IOException {
    if (data.lastKey != null && Arrays.compareUnsigned(data.lastKey, key) >= 0) {
      throw new IllegalArgumentException("Keys of a table must ascend");
    }
    data.add(key, value);
    if (data.bytes.size() >= LevelDbTable.BLOCK_SIZE) {
      flush();
    }
  }

  /** Writes what is left and the footer; the channel stays open. */
  void finish() throws IOException {
    flush();
    LevelDbTable.BlockHandle metaindex = write(new Block(1));
    LevelDbTable.BlockHandle indexHandle = write(index);
    ByteBuffer footer = ByteBuffer.allocate(LevelDbTable.FOOTER_SIZE).order(ByteOrder.LITTLE_ENDIAN);
    metaindex.put(footer);
    indexHandle.put(footer);
    footer.position(LevelDbTable.FOOTER_SIZE - Long.BYTES).putLong(LevelDbTable.MAGIC);
    writeFully(footer.flip());
  }

  private void flush() throws IOException {
    if (data.bytes.size() == 0) {
      return;
    }
    byte[] lastKey = data.lastKey;
    ByteBuffer handle = ByteBuffer.allocate(20);
    write(data).put(handle);
    index.add(lastKey, Arrays.copyOf(handle.array(), handle.position()));
    data.clear();
  }

  private LevelDbTable.BlockHandle write(Block block) throws IOException {
    byte[] contents = block.finish();
    ByteBuffer bytes =
        ByteBuffer.allocate(contents.length + LevelDbTable.TRAILER_SIZE).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put(contents).put(LevelDbTable.NO_COMPRESSION);
    bytes.putInt(MaskedCrc32c.of(bytes.duplicate().flip()));
    LevelDbTable.BlockHandle handle = new LevelDbTable.BlockHandle(offset, contents.length);
    writeFully(bytes.flip());
    return handle;
  }

  private void writeFully(ByteBuffer bytes) throws IOException {
    offset += bytes.remaining();
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }

  private static final class Block {

    private final int restartInterval;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final List<Integer> restarts = new ArrayList<>(List.of(0));
    private int sinceRestart;
    /** Kept over {@link #clear()}, so that the order is checked across blocks. */
    private byte[] lastKey;

    Block(int restartInterval) {
      this.restartInterval = restartInterval;
    }

    void add(byte[] key, byte[] value) {
      int shared = 0;
      if (sinceRestart == restartInterval) {
        restarts.add(bytes.size());
        sinceRestart = 0;
      } else if (bytes.size() > 0) {
        int mismatch = Arrays.mismatch(lastKey, key);
        shared = mismatch < 0 ? key.length : mismatch;
      }
      ByteBuffer sizes = ByteBuffer.allocate(30);
      LevelDbTable.putVarint(sizes, shared);
      LevelDbTable.putVarint(sizes, key.length - shared);
      LevelDbTable.putVarint(sizes, value.length);
      bytes.write(sizes.array(), 0, sizes.position());
      bytes.write(key, shared, key.length - shared);
      bytes.writeBytes(value);
      lastKey = key;
      sinceRestart++;
    }

    byte[] finish() {
      ByteBuffer tail =
          ByteBuffer.allocate(Integer.BYTES * (restarts.size() + 1)).order(ByteOrder.LITTLE_ENDIAN);
      restarts.forEach(tail::putInt);
      tail.putInt(restarts.size());
      bytes.writeBytes(tail.array());
      return bytes.toByteArray();
    }

    void clear() {
      bytes.reset();
      restarts.clear();
      restarts.add(0);
      sinceRestart = 0;
    }
  }
}
