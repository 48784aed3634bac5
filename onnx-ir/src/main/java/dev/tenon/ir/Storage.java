package dev.tenon.ir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.function.Supplier;

/**
 * The bytes of a tensor, wherever they are: in memory, in a mapped file, or still encoded. Row-major, little-endian; sub-byte
 * types packed as the standard's {@code raw_data} packs them. A storage is opened only when it is read.
 */
public interface Storage {

  /** The size in bytes; for strings the number of bytes is not known and this is 0. */
  long byteSize();

  /**
   * A read-only little-endian view (or copy) of a range.
   *
   * @param offset in bytes from the start
   * @param length in bytes
   */
  ByteBuffer read(long offset, int length);

  /** The elements of a string tensor, as the bytes the file holds (UTF-8 by convention). */
  default List<byte[]> strings() {
    throw new IllegalStateException("not a string tensor");
  }

  /** Bytes in memory, or in a mapping that somebody else made: not copied. */
  static Storage of(ByteBuffer bytes) {
    ByteBuffer view = bytes.slice().asReadOnlyBuffer();
    return new Storage() {
      @Override
      public long byteSize() {
        return view.capacity();
      }

      @Override
      public ByteBuffer read(long offset, int length) {
        return view.slice(Math.toIntExact(offset), length).order(ByteOrder.LITTLE_ENDIAN);
      }
    };
  }

  /** A region of a file, mapped piece by piece as it is read. */
  static Storage ofFile(Path file, long offset, long byteSize) {
    return new Storage() {
      @Override
      public long byteSize() {
        return byteSize;
      }

      @Override
      public ByteBuffer read(long from, int length) {
        if (length == 0) {
          return ByteBuffer.allocate(0).order(ByteOrder.LITTLE_ENDIAN);
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
          return channel.map(FileChannel.MapMode.READ_ONLY, Math.addExact(offset, from), length).order(ByteOrder.LITTLE_ENDIAN);
        } catch (IOException e) {
          throw new UncheckedIOException(file + ": cannot map " + length + " bytes at " + (offset + from), e);
        }
      }
    };
  }

  /** Bytes that are decoded anew at each reading, so that nothing stays on the heap in between. */
  static Storage decoded(long byteSize, Supplier<ByteBuffer> decode) {
    return new Storage() {
      @Override
      public long byteSize() {
        return byteSize;
      }

      @Override
      public ByteBuffer read(long offset, int length) {
        return decode.get().slice(Math.toIntExact(offset), length).order(ByteOrder.LITTLE_ENDIAN);
      }
    };
  }

  static Storage ofStrings(List<byte[]> strings) {
    List<byte[]> copy = List.copyOf(strings);
    return new Storage() {
      @Override
      public long byteSize() {
        return 0;
      }

      @Override
      public ByteBuffer read(long offset, int length) {
        throw new IllegalStateException("a string tensor has no fixed-size elements");
      }

      @Override
      public List<byte[]> strings() {
        return copy;
      }
    };
  }
}
