package dev.tenon.frontend.archive;

import dev.tenon.ir.Storage;
import dev.tenon.ir.diag.BadInputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.apache.commons.compress.utils.SeekableInMemoryByteChannel;

/**
 * The bytes of an archive: a file, a region of a file (an archive stored in another), or memory (an archive that was compressed in
 * another).
 *
 * @param file the file on disk, also where the bytes are in memory
 * @param label what messages call it: the file, or {@code file!/entry}
 * @param base the first byte in the file
 * @param memory the bytes, or null if they are the file's
 */
record ArchiveBytes(Path file, String label, long base, long size, ByteBuffer memory) {

  static ArchiveBytes ofFile(Path file) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return new ArchiveBytes(file, file.toString(), 0, channel.size(), null);
    } catch (IOException e) {
      throw new BadInputException(file + ": cannot read: " + e.getMessage(), e);
    }
  }

  ArchiveBytes region(String name, long offset, long length) {
    return new ArchiveBytes(file, label + "!/" + name, Math.addExact(base, offset), length, null);
  }

  ArchiveBytes memory(String name, byte[] bytes) {
    return new ArchiveBytes(file, label + "!/" + name, 0, bytes.length, ByteBuffer.wrap(bytes).asReadOnlyBuffer());
  }

  /** A run of the bytes, as they are. */
  Storage storage(long offset, long length) {
    return memory == null ? Storage.ofFile(file, base + offset, length)
        : Storage.of(memory.slice(Math.toIntExact(offset), Math.toIntExact(length)));
  }

  /** The first bytes, for recognising what this is. */
  ByteBuffer head() {
    return storage(0, size).read(0, (int) Math.min(512, size)).order(ByteOrder.LITTLE_ENDIAN);
  }

  SeekableByteChannel open() throws IOException {
    if (memory != null) {
      byte[] copy = new byte[memory.capacity()];
      memory.duplicate().clear().get(copy);
      return new SeekableInMemoryByteChannel(copy);
    }
    return new Region(FileChannel.open(file, StandardOpenOption.READ), base, size);
  }

  /** A part of a file as a channel of its own. */
  private static final class Region implements SeekableByteChannel {
    private final FileChannel channel;
    private final long base;
    private final long size;
    private long position;

    Region(FileChannel channel, long base, long size) {
      this.channel = channel;
      this.base = base;
      this.size = size;
    }

    @Override
    public int read(ByteBuffer to) throws IOException {
      if (position >= size) {
        return to.hasRemaining() ? -1 : 0;
      }
      int limit = to.limit();
      to.limit((int) Math.min(limit, to.position() + size - position));
      try {
        int n = channel.read(to, base + position);
        position += Math.max(0, n);
        return n;
      } finally {
        to.limit(limit);
      }
    }

    @Override
    public int write(ByteBuffer from) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long position() {
      return position;
    }

    @Override
    public SeekableByteChannel position(long newPosition) {
      if (newPosition < 0) {
        throw new IllegalArgumentException("negative position");
      }
      position = newPosition;
      return this;
    }

    @Override
    public long size() {
      return size;
    }

    @Override
    public SeekableByteChannel truncate(long newSize) {
      throw new UnsupportedOperationException();
    }

    @Override
    public boolean isOpen() {
      return channel.isOpen();
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }
}
