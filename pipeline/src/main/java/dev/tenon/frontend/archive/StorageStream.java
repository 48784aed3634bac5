package dev.tenon.frontend.archive;

import dev.tenon.ir.Storage;
import java.io.InputStream;
import java.nio.ByteBuffer;

/** The bytes of a storage in order, read in pieces. */
final class StorageStream extends InputStream {
  private static final int PIECE = 1 << 20;

  private final Storage storage;
  private long next;
  private ByteBuffer piece = ByteBuffer.allocate(0);

  StorageStream(Storage storage) {
    this.storage = storage;
  }

  private boolean fill() {
    if (!piece.hasRemaining() && next < storage.byteSize()) {
      piece = storage.read(next, (int) Math.min(PIECE, storage.byteSize() - next));
      next += piece.remaining();
    }
    return piece.hasRemaining();
  }

  @Override
  public int read() {
    return fill() ? piece.get() & 0xff : -1;
  }

  @Override
  public int read(byte[] to, int offset, int length) {
    if (length == 0) {
      return 0;
    }
    if (!fill()) {
      return -1;
    }
    int n = Math.min(length, piece.remaining());
    piece.get(to, offset, n);
    return n;
  }

  @Override
  public int available() {
    return piece.remaining();
  }
}
