package dev.tenon.frontend.pickle;

import dev.tenon.ir.Storage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The bytes of a pickle, read in pieces, so that a pickle in a large file may be followed by other things. */
final class PickleInput {
  private static final int PIECE = 1 << 16;

  private final Storage storage;
  private long next;
  private ByteBuffer piece = ByteBuffer.allocate(0);

  PickleInput(Storage storage, long position) {
    this.storage = storage;
    this.next = position;
  }

  /** The offset of the byte that is read next. */
  long position() {
    return next - piece.remaining();
  }

  /** The bytes that are left; a length that the pickle gives is held against it before it is believed. */
  long remaining() {
    return storage.byteSize() - position();
  }

  /** The next byte, or -1 at the end. */
  int read() {
    return fill() ? piece.get() & 0xff : -1;
  }

  private boolean fill() {
    if (!piece.hasRemaining() && next < storage.byteSize()) {
      piece = storage.read(next, (int) Math.min(PIECE, storage.byteSize() - next)).order(ByteOrder.LITTLE_ENDIAN);
      next += piece.remaining();
    }
    return piece.hasRemaining();
  }

  /** As many bytes as there must be: look at {@link #remaining} before. */
  byte[] read(int length) {
    byte[] bytes = new byte[length];
    for (int at = 0; at < length;) {
      if (!fill()) {
        throw new IllegalStateException("no " + length + " bytes left");
      }
      int n = Math.min(length - at, piece.remaining());
      piece.get(bytes, at, n);
      at += n;
    }
    return bytes;
  }
}
