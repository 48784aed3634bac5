package dev.tenon.frontend.checkpoint;

import dev.tenon.ir.Storage;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.io.FileKinds;
import dev.tenon.ir.io.Quote;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A safetensors file (<a href="https://huggingface.co/docs/safetensors/index">its format</a>): the length of a JSON header in
 * eight bytes, the header, and the tensors' bytes, little-endian and row-major, without holes or overlaps. Tensors are mapped as they
 * are read. As strict as the reference implementation, so that a file has one meaning for all its readers.
 */
public final class SafetensorsReader {
  /** The reference implementation's limit. */
  static final long MAX_HEADER = 100_000_000;

  private final Path file;
  private final Map<String, Tensor> tensors;
  private final Map<String, String> metadata;

  private SafetensorsReader(Path file, Map<String, Tensor> tensors, Map<String, String> metadata) {
    this.file = file;
    this.tensors = Collections.unmodifiableMap(tensors);
    this.metadata = Collections.unmodifiableMap(metadata);
  }

  /**
   * Reads the header and checks it against the file's size.
   *
   * @throws BadInputException if the file is no safetensors file, truncated, or its header is not as it must be
   */
  public static SafetensorsReader open(Path file) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      ByteBuffer head = read(channel, 0, (int) Math.min(512, size));
      if (size < 8) {
        throw notSafetensors(file, head, "a file of " + size + " bytes");
      }
      long length = head.getLong(0);
      if (length < 0 || length > MAX_HEADER) {
        throw notSafetensors(file, head, "a header of " + Long.toUnsignedString(length) + " bytes");
      }
      if (length > size - 8) {
        throw notSafetensors(file, head, "a header of " + length + " bytes in a file of " + size + ", which may be truncated");
      }
      if (length == 0 || head.get(8) != '{') {
        throw notSafetensors(file, head, "a header that does not begin with {");
      }
      SafetensorsHeader header = SafetensorsHeader.parse(file, read(channel, 8, (int) length).array());
      return new SafetensorsReader(file, tensors(file, header.entries(), 8 + length, size), header.metadata());
    } catch (IOException e) {
      throw new BadInputException(file + ": cannot read: " + (Files.exists(file) ? e.getMessage() : "no such file"), e);
    }
  }

  /** True if the file's first bytes are those of a safetensors file, whole or not. */
  static boolean looksLike(ByteBuffer head) {
    if (head.remaining() < 9 || head.get(head.position() + 8) != '{') {
      return false;
    }
    long length = head.duplicate().order(ByteOrder.LITTLE_ENDIAN).getLong(head.position());
    return length > 0 && length <= MAX_HEADER;
  }

  private static BadInputException notSafetensors(Path file, ByteBuffer head, String found) {
    String kind = FileKinds.describe(head);
    return BadInputException.of(file, "", kind == null ? found : kind, "a safetensors file, with a header of at most " + MAX_HEADER
        + " bytes");
  }

  private static ByteBuffer read(FileChannel channel, long position, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining() && channel.read(bytes, position + bytes.position()) >= 0) {
      // Until all is there.
    }
    if (bytes.hasRemaining()) {
      throw new IOException("the file became shorter while it was read");
    }
    return bytes.flip();
  }

  private static Map<String, Tensor> tensors(Path file, Map<String, SafetensorsHeader.Entry> entries, long data, long fileSize) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    entries.forEach((name, e) -> {
      if (e.begin() > e.end() || e.end() > fileSize - data) {
        throw bad(file, name, "bytes " + e.begin() + " to " + e.end(), "bytes within the " + (fileSize - data) + " behind the header; "
            + "the file may be truncated");
      }
      long needed = byteSize(file, name, e);
      if (needed != e.end() - e.begin()) {
        throw bad(file, name, (e.end() - e.begin()) + " bytes", needed + ", as " + e.dtype() + e.shape() + " needs");
      }
      long[] dims = e.shape().stream().mapToLong(Long::longValue).toArray();
      tensors.put(name, Tensor.source(name, e.dtype(), dims, Storage.ofFile(file, data + e.begin(), needed)));
    });
    checkLayout(file, entries, fileSize - data);
    return tensors;
  }

  private static long byteSize(Path file, String name, SafetensorsHeader.Entry e) {
    try {
      long numel = 1;
      for (long d : e.shape()) {
        numel = Math.multiplyExact(numel, d);
      }
      long bits = Math.multiplyExact(numel, (long) e.dtype().bits());
      if (bits % 8 != 0) {
        throw bad(file, name, numel + " elements of " + e.dtype().bits() + " bits", "whole bytes");
      }
      return bits / 8;
    } catch (ArithmeticException x) {
      throw bad(file, name, "the shape " + e.shape(), "a tensor of a size that is possible");
    }
  }

  /** Every byte behind the header belongs to one tensor. */
  private static void checkLayout(Path file, Map<String, SafetensorsHeader.Entry> entries, long dataBytes) {
    List<Map.Entry<String, SafetensorsHeader.Entry>> sorted = new ArrayList<>(entries.entrySet());
    sorted.sort(Comparator.<Map.Entry<String, SafetensorsHeader.Entry>>comparingLong(e -> e.getValue().begin())
        .thenComparingLong(e -> e.getValue().end()));
    long at = 0;
    for (Map.Entry<String, SafetensorsHeader.Entry> e : sorted) {
      long begin = e.getValue().begin();
      if (begin != at) {
        String how = begin < at ? ", which belong to another tensor too" : " with a hole before them";
        throw bad(file, e.getKey(), "bytes from " + begin + how, "them to begin at " + at);
      }
      at = e.getValue().end();
    }
    if (at != dataBytes) {
      throw BadInputException.of(file, "", (dataBytes - at) + " bytes behind the last tensor", "none");
    }
  }

  private static BadInputException bad(Path file, String name, String found, String expected) {
    return BadInputException.of(file, "tensor \"" + Quote.of(name, 80) + '"', found, expected);
  }

  public Path file() {
    return file;
  }

  /** The tensors by name, in the order of the header; read when their elements are asked for. */
  public Map<String, Tensor> tensors() {
    return tensors;
  }

  /** The tensor of this name. */
  public Tensor tensor(String name) {
    Tensor t = tensors.get(name);
    if (t == null) {
      throw BadInputException.of(file, "", "no tensor \"" + Quote.of(name) + '"', "one among " + tensors.size());
    }
    return t;
  }

  /** The texts under {@code __metadata__}. */
  public Map<String, String> metadata() {
    return metadata;
  }
}
