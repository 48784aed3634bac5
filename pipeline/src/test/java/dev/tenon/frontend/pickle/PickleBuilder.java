package dev.tenon.frontend.pickle;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Writes pickles opcode by opcode. */
public final class PickleBuilder {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  private PickleBuilder() {}

  /** A pickle of protocol 2. */
  public static PickleBuilder start() {
    return new PickleBuilder().raw(0x80, 2);
  }

  public PickleBuilder raw(int... bytes) {
    for (int b : bytes) {
      out.write(b);
    }
    return this;
  }

  /** Opcodes that are ASCII characters, without arguments. */
  public PickleBuilder ops(String opcodes) {
    out.writeBytes(opcodes.getBytes(StandardCharsets.ISO_8859_1));
    return this;
  }

  public PickleBuilder text(String s) {
    byte[] b = s.getBytes(StandardCharsets.UTF_8);
    out.write('X');
    out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(b.length).array());
    out.writeBytes(b);
    return this;
  }

  public PickleBuilder integer(long n) {
    out.write(0x8a);
    out.write(8);
    out.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(n).array());
    return this;
  }

  public PickleBuilder number(double d) {
    out.write('G');
    out.writeBytes(ByteBuffer.allocate(8).putDouble(d).array());
    return this;
  }

  public PickleBuilder global(String module, String name) {
    return ops("c" + module + "\n" + name + "\n");
  }

  /** A tuple of integers. */
  public PickleBuilder integers(long... values) {
    ops("(");
    for (long v : values) {
      integer(v);
    }
    return ops("t");
  }

  /** A storage by its persistent id. */
  public PickleBuilder storage(String type, String key, long numel) {
    return ops("(").text("storage").global("torch", type).text(key).text("cpu").integer(numel).ops("tQ");
  }

  /** {@code torch._utils._rebuild_tensor_v2} of a float32 storage. */
  public PickleBuilder tensor(String key, long numel, long offset, long[] sizes, long[] strides) {
    return global("torch._utils", "_rebuild_tensor_v2").ops("(").storage("FloatStorage", key, numel).integer(offset).integers(sizes)
        .integers(strides).raw(0x89).global("collections", "OrderedDict").ops(")RtR");
  }

  /** The pickle, with its end. */
  public byte[] stop() {
    out.write('.');
    return out.toByteArray();
  }

  /** The bytes so far. */
  public byte[] unfinished() {
    return out.toByteArray();
  }
}
