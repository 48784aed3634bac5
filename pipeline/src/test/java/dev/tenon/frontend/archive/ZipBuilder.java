package dev.tenon.frontend.archive;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.Deflater;

/** Writes zip archives byte by byte, so that each field may lie. */
public final class ZipBuilder {
  private final List<Entry> entries = new ArrayList<>();

  /** An entry and what its headers say; change what is to be wrong. */
  public static final class Entry {
    private final String name;
    private final byte[] packed;
    public String localName;
    public int flags = 0x800;
    public int method;
    public long size;
    public long packedSize;
    /** Where the directory says the local header is; -1 for where it is. */
    public long offset = -1;

    Entry(String name, byte[] packed, long size, int method) {
      this.name = name;
      this.localName = name;
      this.packed = packed;
      this.packedSize = packed.length;
      this.size = size;
      this.method = method;
    }
  }

  public Entry stored(String name, byte[] data) {
    Entry e = new Entry(name, data, data.length, 0);
    entries.add(e);
    return e;
  }

  public Entry stored(String name, String text) {
    return stored(name, text.getBytes(StandardCharsets.UTF_8));
  }

  public Entry deflated(String name, byte[] data) {
    Deflater deflater = new Deflater(9, true);
    deflater.setInput(data);
    deflater.finish();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    byte[] buffer = new byte[1 << 16];
    while (!deflater.finished()) {
      out.write(buffer, 0, deflater.deflate(buffer));
    }
    deflater.end();
    Entry e = new Entry(name, out.toByteArray(), data.length, 8);
    entries.add(e);
    return e;
  }

  /** The archive. */
  public byte[] bytes() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream directory = new ByteArrayOutputStream();
    for (Entry e : entries) {
      long at = e.offset >= 0 ? e.offset : out.size();
      byte[] local = e.localName.getBytes(StandardCharsets.UTF_8);
      byte[] name = e.name.getBytes(StandardCharsets.UTF_8);
      ByteBuffer header = header(30 + local.length).putInt(0x04034b50);
      fields(header, e, local.length);
      out.writeBytes(header.put(local).array());
      out.writeBytes(e.packed);
      ByteBuffer central = header(46 + name.length).putInt(0x02014b50).putShort((short) 20);
      fields(central, e, name.length);
      // Comment, disk and attributes.
      central.position(42);
      directory.writeBytes(central.putInt((int) at).put(name).array());
    }
    int start = out.size();
    out.writeBytes(directory.toByteArray());
    out.writeBytes(header(22).putInt(0x06054b50).putInt(0).putShort((short) entries.size()).putShort((short) entries.size())
        .putInt(directory.size()).putInt(start).array());
    return out.toByteArray();
  }

  private static ByteBuffer header(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Version needed to the length of the extra field: the same in both headers. */
  private static void fields(ByteBuffer to, Entry e, int nameLength) {
    to.putShort((short) 20).putShort((short) e.flags).putShort((short) e.method).putInt(0).putInt(0).putInt((int) e.packedSize)
        .putInt((int) e.size).putShort((short) nameLength).putShort((short) 0);
  }
}
