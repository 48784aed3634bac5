package dev.tenon.ir.io;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** Recognises, by their first bytes, files that people give to a reader of another format by mistake. */
public final class FileKinds {
  private static final int HEAD = 512;

  private FileKinds() {}

  /**
   * What the file is and what to do with it, or null if it may be a protobuf message of ONNX.
   *
   * @param file its first bytes; 512 are enough
   */
  public static String describe(ByteBuffer file) {
    byte[] head = new byte[Math.min(HEAD, file.remaining())];
    file.duplicate().get(head);
    String text = new String(head, StandardCharsets.ISO_8859_1);
    if (text.startsWith("PK\3\4") || text.startsWith("PK\5\6")) {
      return "a zip archive, as PyTorch's .pt, .pth and .pt2 files are";
    }
    if (text.startsWith("version https://git-lfs")) {
      return "a Git LFS pointer, the file itself has not been fetched (git lfs pull)";
    }
    String start = text.stripLeading().toLowerCase(Locale.ROOT);
    if (start.startsWith("<!doctype html") || start.startsWith("<html")) {
      return "an HTML page, perhaps the answer to a failed download";
    }
    if (start.startsWith("<?xml")) {
      return "an XML document";
    }
    if (isSafetensors(file, text)) {
      return "a safetensors file, which holds weights but no graph";
    }
    if (start.startsWith("{\"")) {
      return "a JSON text";
    }
    if (text.startsWith("\u0080\2") || text.startsWith("\u0080\3") || text.startsWith("\u0080\4")) {
      return "a Python pickle, as PyTorch's older .pth files are";
    }
    if (text.startsWith("\u0089HDF\r\n")) {
      return "an HDF5 file, as Keras' .h5 files are";
    }
    if (text.startsWith("TFL3", 4)) {
      return "a TensorFlow Lite model";
    }
    if (text.startsWith("ORTM", 4)) {
      return "a model in ONNX Runtime's own .ort format";
    }
    if (text.startsWith("PTMF", 4)) {
      return "a PyTorch Mobile flatbuffer";
    }
    if (text.startsWith("GGUF")) {
      return "a GGUF file, as llama.cpp's weights are";
    }
    if (text.startsWith("ustar", 257)) {
      return "a tar archive";
    }
    if (text.startsWith("\u001f\u008b")) {
      return "a gzip archive";
    }
    return isSavedModel(head) ? "a TensorFlow saved_model.pb" : null;
  }

  private static boolean isSafetensors(ByteBuffer file, String head) {
    if (file.remaining() < 10 || head.charAt(8) != '{') {
      return false;
    }
    long header = file.duplicate().order(ByteOrder.LITTLE_ENDIAN).getLong(file.position());
    return header > 0 && header <= file.remaining() - 8;
  }

  /**
   * A SavedModel is {@code saved_model_schema_version = 1} and then {@code meta_graphs} as field 2; in ONNX field 1 is the IR
   * version, and field 2 the producer's name. A MetaGraphDef begins with its MetaInfoDef (field 1, a message), a name with text.
   */
  private static boolean isSavedModel(byte[] head) {
    if (head.length < 8 || head[0] != 8 || head[1] != 1 || head[2] != 18) {
      return false;
    }
    int at = 3;
    while (at < head.length && head[at] < 0) {
      at++;
    }
    return at + 1 < head.length && head[at + 1] == 10;
  }
}
