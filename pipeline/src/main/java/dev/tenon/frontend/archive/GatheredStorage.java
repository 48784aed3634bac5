package dev.tenon.frontend.archive;

import dev.tenon.ir.Storage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The elements of a strided window in row-major order, gathered when they are read. Only the piece that is asked for is on the
 * heap; the source comes in pieces of up to a gigabyte, which for a file are mapped.
 */
final class GatheredStorage implements Storage {
  private static final int SEGMENT = 1 << 30;

  private final Storage base;
  private final long start;
  private final long baseBytes;
  private final int elementBytes;
  private final long[] sizes;
  private final long[] strides;
  private final long byteSize;

  /**
   * A window that has been checked to lie within its base.
   *
   * @param start the first element's offset in bytes
   * @param strides in elements
   */
  GatheredStorage(Storage base, long start, int elementBytes, long[] sizes, long[] strides) {
    this.base = base;
    this.start = start;
    this.elementBytes = elementBytes;
    this.sizes = sizes;
    this.strides = strides;
    long numel = 1;
    long last = 0;
    for (int i = 0; i < sizes.length; i++) {
      numel = Math.multiplyExact(numel, sizes[i]);
      last = Math.addExact(last, Math.multiplyExact(sizes[i] - 1, strides[i]));
    }
    this.byteSize = Math.multiplyExact(numel, (long) elementBytes);
    this.baseBytes = Math.multiplyExact(last + 1, (long) elementBytes);
  }

  @Override
  public long byteSize() {
    return byteSize;
  }

  @Override
  public ByteBuffer read(long offset, int length) {
    if (offset % elementBytes != 0 || length % elementBytes != 0) {
      // A reader may ask for any bytes: whole elements around them are gathered.
      int before = (int) (offset % elementBytes);
      int whole = Math.toIntExact((before + (long) length + elementBytes - 1) / elementBytes * elementBytes);
      return gather((offset - before) / elementBytes, whole).slice(before, length).order(ByteOrder.LITTLE_ENDIAN);
    }
    return gather(offset / elementBytes, length);
  }

  private ByteBuffer gather(long firstElement, int length) {
    ByteBuffer out = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    if (length == 0) {
      return out;
    }
    int rank = sizes.length;
    long[] index = new long[rank];
    long at = 0;
    long rest = firstElement;
    for (int i = rank - 1; i >= 0; i--) {
      index[i] = rest % sizes[i];
      rest /= sizes[i];
      at += index[i] * strides[i];
    }
    Segments segments = new Segments();
    while (out.hasRemaining()) {
      segments.copy(at * elementBytes, out);
      for (int i = rank - 1; i >= 0; i--) {
        at += strides[i];
        if (++index[i] < sizes[i]) {
          break;
        }
        at -= sizes[i] * strides[i];
        index[i] = 0;
      }
    }
    return out.flip().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The pieces of the base that have been touched, for the time of one reading. */
  private final class Segments {
    private final ByteBuffer[] pieces = new ByteBuffer[Math.toIntExact((baseBytes + SEGMENT - 1) / SEGMENT)];

    void copy(long at, ByteBuffer out) {
      int i = (int) (at / SEGMENT);
      if (pieces[i] == null) {
        long from = (long) i * SEGMENT;
        pieces[i] = base.read(start + from, (int) Math.min(SEGMENT, baseBytes - from));
      }
      int within = (int) (at % SEGMENT);
      // Elements never straddle two pieces: their widths are powers of two.
      switch (elementBytes) {
        case 1 -> out.put(pieces[i].get(within));
        case 2 -> out.putShort(pieces[i].getShort(within));
        case 4 -> out.putInt(pieces[i].getInt(within));
        case 8 -> out.putLong(pieces[i].getLong(within));
        default -> {
          for (int b = 0; b < elementBytes; b++) {
            out.put(pieces[i].get(within + b));
          }
        }
      }
    }
  }
}
