package dev.tenon.frontend.checkpoint;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.ConversionException;
import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Writes safetensors files: streamed, one tensor after the other, to a temporary file beside the target which is then renamed, so
 * that the target is whole or as it was. The same tensors give the same bytes, whatever the order of the map: as in the reference
 * implementation wide types come first, so that all are aligned, and then names decide.
 */
public final class SafetensorsWriter {
  private SafetensorsWriter() {}

  /**
   * Writes tensors by name.
   *
   * @param target is replaced if it is there
   * @param metadata texts for {@code __metadata__}, such as {@code format: pt}; left out where empty
   * @throws ConversionException if a tensor's type is not one of safetensors'
   * @throws BadInputException if the target cannot be written
   */
  public static void write(Path target, Map<String, Tensor> tensors, Map<String, String> metadata) {
    List<Map.Entry<String, Tensor>> sorted = tensors.entrySet().stream().sorted(
        Comparator.<Map.Entry<String, Tensor>>comparingInt(e -> -e.getValue().dtype().bits())
            .thenComparing(e -> e.getValue().dtype()).thenComparing(Map.Entry::getKey)).toList();
    byte[] header = header(sorted, new TreeMap<>(metadata));
    Path absolute = target.toAbsolutePath();
    String unique = ProcessHandle.current().pid() + "." + System.nanoTime();
    Path temporary = absolute.resolveSibling("." + absolute.getFileName() + "." + unique + ".tmp");
    try {
      try (FileChannel out = FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        writeFully(out, ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, header.length));
        writeFully(out, ByteBuffer.wrap(header));
        for (Map.Entry<String, Tensor> e : sorted) {
          long before = out.position();
          e.getValue().writeTo(out);
          if (out.position() - before != e.getValue().byteSize()) {
            throw new IllegalStateException(e.getKey() + " wrote " + (out.position() - before) + " bytes, not " + e.getValue().byteSize());
          }
        }
      }
      move(temporary, absolute);
    } catch (IOException e) {
      throw new BadInputException(target + ": cannot write: " + e, e);
    } finally {
      delete(temporary);
    }
  }

  private static byte[] header(List<Map.Entry<String, Tensor>> tensors, SortedMap<String, String> metadata) {
    ObjectNode top = Json.object();
    if (!metadata.isEmpty()) {
      ObjectNode texts = top.putObject(SafetensorsHeader.METADATA);
      metadata.forEach(texts::put);
    }
    long at = 0;
    for (Map.Entry<String, Tensor> e : tensors) {
      Tensor t = e.getValue();
      String dtype = SafetensorsTypes.nameOf(t.dtype()).orElseThrow(() -> new ConversionException("safetensors has no type for "
          + e.getKey() + ", which is " + t));
      if (e.getKey().equals(SafetensorsHeader.METADATA)) {
        throw new ConversionException("a tensor cannot be named " + SafetensorsHeader.METADATA + " in a safetensors file");
      }
      if (t.dtype().bits() * t.numel() % 8 != 0) {
        throw new ConversionException("safetensors has whole bytes only, but " + e.getKey() + " is " + t);
      }
      ObjectNode entry = top.putObject(e.getKey());
      entry.put("dtype", dtype);
      entry.set("shape", Json.numbers(t.dims()));
      entry.set("data_offsets", Json.numbers(at, at + t.byteSize()));
      at += t.byteSize();
    }
    byte[] json = Json.line(top).getBytes(StandardCharsets.UTF_8);
    byte[] padded = Arrays.copyOf(json, (json.length + 7) / 8 * 8);
    Arrays.fill(padded, json.length, padded.length, (byte) ' ');
    if (padded.length > SafetensorsReader.MAX_HEADER) {
      throw new ConversionException("the header of " + tensors.size() + " tensors would have " + padded.length + " bytes, safetensors "
          + "allows " + SafetensorsReader.MAX_HEADER);
    }
    return padded;
  }

  private static void writeFully(FileChannel out, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }

  private static void move(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private static void delete(Path temporary) {
    try {
      Files.deleteIfExists(temporary);
    } catch (IOException e) {
      // It stays behind as a hidden file; what went wrong before matters more.
    }
  }
}
