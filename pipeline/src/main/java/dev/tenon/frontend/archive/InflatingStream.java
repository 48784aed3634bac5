package dev.tenon.frontend.archive;

import dev.tenon.ir.Storage;
import dev.tenon.ir.diag.BadInputException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.util.zip.Inflater;
import java.util.zip.InflaterInputStream;

/** The inflated bytes of an entry: as many as its directory entry said, or a {@link BadInputException}. */
final class InflatingStream extends InputStream {
  private final String label;
  private final String place;
  private final long size;
  private final Inflater inflater = new Inflater(true);
  private final InputStream in;
  private long position;

  InflatingStream(String label, ArchiveEntry entry, Storage compressed) {
    this.label = label;
    this.place = entry.name();
    this.size = entry.size();
    // Raw deflate wants a byte after its end (java.util.zip.Inflater).
    InputStream raw = new SequenceInputStream(new StorageStream(compressed), new ByteArrayInputStream(new byte[1]));
    this.in = new InflaterInputStream(raw, inflater, 1 << 16);
  }

  @Override
  public int read() {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] to, int offset, int length) {
    if (length == 0) {
      return 0;
    }
    int n;
    try {
      n = in.read(to, offset, length);
    } catch (IOException e) {
      throw BadInputException.of(label, place, "damaged compressed data (" + e.getMessage() + ")", size + " bytes");
    }
    if (n < 0 && position < size || n > size - position) {
      throw BadInputException.of(label, place, (n < 0 ? "only " + position : "more than " + size) + " inflated bytes", "the " + size
          + " that the archive's directory says");
    }
    position += Math.max(0, n);
    return n;
  }

  @Override
  public void close() {
    inflater.end();
  }
}
