package dev.tenon.frontend.archive;

import dev.tenon.ir.Storage;
import java.nio.ByteBuffer;

/** A run of bytes of another storage. */
record WindowStorage(Storage base, long offset, long byteSize) implements Storage {

  /** The same storage where the window is all of it. */
  static Storage of(Storage base, long offset, long byteSize) {
    return offset == 0 && byteSize == base.byteSize() ? base : new WindowStorage(base, offset, byteSize);
  }

  @Override
  public ByteBuffer read(long from, int length) {
    return base.read(Math.addExact(offset, from), length);
  }
}
