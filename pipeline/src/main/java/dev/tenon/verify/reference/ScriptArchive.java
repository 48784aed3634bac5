package dev.tenon.verify.reference;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Writes TorchScript archives from nothing: a module without parameters whose methods are given as text, in the words that PyTorch
 * itself writes. libtorch and Tenon read them as they read those that PyTorch saved.
 */
final class ScriptArchive {
  /** The operators' version: every operator means what it means in PyTorch 2. */
  private static final String VERSION = "10\n";

  private ScriptArchive() {}

  /** The text of a method. */
  record Method(String name, List<String> arguments, String returns, List<String> body) {
    /**
     * The method that a module is called by.
     *
     * @param arguments names and types, {@code x: Tensor}
     * @param returns the type of what is returned
     * @param body statements, a line each
     */
    static Method forward(List<String> arguments, String returns, List<String> body) {
      return new Method("forward", arguments, returns, body);
    }

    private String text() {
      StringBuilder b = new StringBuilder("  def ").append(name).append("(self: __torch__.Op");
      arguments.forEach(a -> b.append(",\n    ").append(a));
      b.append(") -> ").append(returns).append(":\n");
      body.forEach(line -> b.append("    ").append(line).append('\n'));
      return b.toString();
    }
  }

  /** Writes an archive with these methods in its one class. */
  static void write(OutputStream out, List<Method> methods) {
    StringBuilder code = new StringBuilder("class Op(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n");
    methods.forEach(m -> code.append(m.text()));
    try (ZipOutputStream zip = new ZipOutputStream(out)) {
      put(zip, "data.pkl", module());
      put(zip, "code/__torch__.py", code.toString().getBytes(StandardCharsets.UTF_8));
      put(zip, "constants.pkl", new byte[] {(byte) 0x80, 2, ')', '.'});
      put(zip, "version", VERSION.getBytes(StandardCharsets.UTF_8));
      put(zip, "byteorder", "little".getBytes(StandardCharsets.UTF_8));
      put(zip, ".data/version", VERSION.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void put(ZipOutputStream zip, String name, byte[] bytes) throws IOException {
    zip.putNextEntry(new ZipEntry("op/" + name));
    zip.write(bytes);
    zip.closeEntry();
  }

  /** The pickle of {@code Op} with {@code training = False}. */
  private static byte[] module() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new byte[] {(byte) 0x80, 2});
    out.writeBytes("c__torch__\nOp\n".getBytes(StandardCharsets.UTF_8)); // GLOBAL
    out.writeBytes(new byte[] {'q', 0, ')', (byte) 0x81, '}', '('}); // BINPUT, EMPTY_TUPLE, NEWOBJ, EMPTY_DICT, MARK
    byte[] name = "training".getBytes(StandardCharsets.UTF_8);
    out.writeBytes(new byte[] {'X', (byte) name.length, 0, 0, 0}); // BINUNICODE
    out.writeBytes(name);
    out.writeBytes(new byte[] {(byte) 0x89, 'u', 'b', '.'}); // NEWFALSE, SETITEMS, BUILD, STOP
    return out.toByteArray();
  }
}
