package dev.tenon.frontend.archive;

import dev.tenon.ir.Storage;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.io.IOException;
import java.lang.ref.SoftReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Supplier;

/**
 * A compressed entry, inflated when it is read. Small ones are kept as long as memory allows, since weights are read in several
 * pieces; of large ones only the piece that is asked for is on the heap.
 */
final class InflatedStorage implements Storage {
  private static final int KEPT_BYTES = 1 << 24;

  private final long byteSize;
  private final Supplier<InputStream> open;
  private SoftReference<ByteBuffer> kept = new SoftReference<>(null);

  InflatedStorage(long byteSize, Supplier<InputStream> open) {
    this.byteSize = byteSize;
    this.open = open;
  }

  @Override
  public long byteSize() {
    return byteSize;
  }

  @Override
  public synchronized ByteBuffer read(long offset, int length) {
    if (byteSize > KEPT_BYTES) {
      return inflate(offset, length);
    }
    ByteBuffer all = kept.get();
    if (all == null) {
      all = inflate(0, (int) byteSize).asReadOnlyBuffer();
      kept = new SoftReference<>(all);
    }
    return all.slice(Math.toIntExact(offset), length).order(ByteOrder.LITTLE_ENDIAN);
  }

  private ByteBuffer inflate(long offset, int length) {
    try (InputStream in = open.get()) {
      in.skipNBytes(offset);
      byte[] bytes = in.readNBytes(length);
      return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
