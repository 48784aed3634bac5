package dev.tenon.tf.export;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file of any size, mapped in windows of 1 GB as they are asked for. Small pieces share a window, because the operating
 * system allows a process only so many mappings.
 */
final class MappedFile implements AutoCloseable {

  private static final long WINDOW = 1L << 30;

  private final Path path;
  private final FileChannel channel;
  private final long size;
  private final MappedByteBuffer[] windows;

  private MappedFile(Path path, FileChannel channel) throws IOException {
    this.path = path;
    this.channel = channel;
    this.size = channel.size();
    this.windows = new MappedByteBuffer[(int) ((size + WINDOW - 1) / WINDOW)];
  }

  static MappedFile open(Path path) throws IOException {
    FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
    try {
      return new MappedFile(path, channel);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  Path path() {
    return path;
  }

  long size() {
    return size;
  }

  /** A read-only, little-endian view of at most 2 GB of the file. */
  ByteBuffer map(long offset, long length) throws IOException {
    if (offset < 0 || length < 0 || offset > size || length > Math.min(size - offset, Integer.MAX_VALUE)) {
      throw new IllegalArgumentException(path + ": no " + length + " bytes at " + offset + " of " + size);
    }
    if (length == 0) {
      return ByteBuffer.allocate(0).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }
    int window = (int) (offset / WINDOW);
    long start = window * WINDOW;
    if (offset + length > start + WINDOW) {
      return channel.map(FileChannel.MapMode.READ_ONLY, offset, length).order(ByteOrder.LITTLE_ENDIAN);
    }
    return window(window, start).slice((int) (offset - start), (int) length).order(ByteOrder.LITTLE_ENDIAN);
  }

  private synchronized MappedByteBuffer window(int window, long start) throws IOException {
    if (windows[window] == null) {
      windows[window] = channel.map(FileChannel.MapMode.READ_ONLY, start, Math.min(WINDOW, size - start));
    }
    return windows[window];
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
