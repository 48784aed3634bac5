package dev.tenon.ir.io;

import dev.tenon.ir.Storage;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.proto.StringStringEntryProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Finds tensors that are stored in files beside the model
 * (<a href="https://onnx.ai/onnx/repo-docs/ExternalData.html">ONNX External Data</a>).
 *
 * <p>The model is untrusted, so its paths are too: a location may not be absolute, hold {@code ..}, or lead out of the model's
 * folder through a symbolic link, and a range must lie inside its file. The {@code checksum} is not verified.
 */
final class ExternalData {
  private final Object model;
  /** The folder that locations are relative to. */
  private final Path folder;
  /** The folder that no location may leave, links followed. */
  private final Path root;
  private final Map<String, Found> byLocation = new HashMap<>();

  private record Found(Path file, long size) {}

  /**
   * @param model the model as messages name it
   * @param folder the model's folder; null where the model is no file and so has no external data
   * @param root the folder that external data may not leave; null for {@code folder}
   */
  ExternalData(Object model, Path folder, Path root) {
    this.model = model;
    this.folder = folder;
    this.root = root == null ? folder : root;
  }

  /** The storage of {@code needed} bytes that these entries describe. */
  Storage storage(List<StringStringEntryProto> entries, long needed, String place) {
    Map<String, String> keys = new HashMap<>();
    for (StringStringEntryProto e : entries) {
      if (keys.put(e.getKey(), e.getValue()) != null) {
        throw bad(place, "the key '" + Quote.of(e.getKey()) + "' twice in external_data", "it once");
      }
    }
    String location = keys.getOrDefault("location", "");
    if (location.isEmpty()) {
      throw bad(place, "external data without a location", "a path relative to the model's folder");
    }
    long offset = number(keys, "offset", 0, place);
    long length = number(keys, "length", needed, place);
    if (length != needed) {
      throw bad(place, "external data of " + length + " bytes", needed + " bytes by the tensor's type and dimensions");
    }
    Found found = byLocation.get(location);
    if (found == null) {
      found = find(location, place);
      byLocation.put(location, found);
    }
    if (offset > found.size || length > found.size - offset) {
      throw bad(place, "external data at " + offset + " of " + length + " bytes in '" + Quote.of(location) + "', which has " + found.size
          + " bytes", "a range inside the file");
    }
    return Storage.ofFile(found.file, offset, length);
  }

  private long number(Map<String, String> keys, String key, long byDefault, String place) {
    String text = keys.get(key);
    if (text == null) {
      return byDefault;
    }
    try {
      long n = Long.parseLong(text.trim());
      if (n >= 0) {
        return n;
      }
    } catch (NumberFormatException e) {
      // Falls through to the same message as a negative number.
    }
    throw bad(place, "'" + Quote.of(text) + "' as the " + key + " of external data", "a number from 0");
  }

  private Found find(String location, String place) {
    String quoted = "'" + Quote.of(location) + "'";
    if (folder == null) {
      throw bad(place, "external data in " + quoted, "a model read from a file, external data is relative to its folder");
    }
    // Both separators count everywhere: a model made on one system is read on another.
    boolean absolute = location.startsWith("/") || location.startsWith("\\") || location.matches("[A-Za-z]:.*");
    if (absolute) {
      throw bad(place, "the absolute path " + quoted + " as location of external data", "a path inside the model's folder");
    }
    for (String part : location.split("[/\\\\]")) {
      if (part.equals("..")) {
        throw bad(place, "'..' in the location " + quoted + " of external data", "a path inside the model's folder");
      }
    }
    try {
      Path file = folder.resolve(location);
      if (!Files.exists(file) && Files.exists(root.resolve(location))) {
        file = root.resolve(location);
      }
      if (!Files.exists(file)) {
        throw bad(place, "no file " + quoted + " in " + folder, "the file that holds the tensor's external data");
      }
      Path real = file.toRealPath();
      if (!real.startsWith(root.toRealPath())) {
        throw bad(place, "external data " + quoted + " that leads out of " + root + " by a symbolic link", "a file inside that folder");
      }
      if (!Files.isRegularFile(real)) {
        throw bad(place, "external data " + quoted + " that is no regular file", "a file");
      }
      if (!Files.isReadable(real)) {
        throw bad(place, "external data " + quoted + " without permission to read it", "a readable file");
      }
      return new Found(real, Files.size(real));
    } catch (InvalidPathException e) {
      throw bad(place, "the location " + quoted + " of external data", "a path");
    } catch (IOException e) {
      throw bad(place, "external data " + quoted + " that cannot be opened (" + e.getMessage() + ")", "a readable file");
    }
  }

  private BadInputException bad(String place, String found, String expected) {
    return BadInputException.of(model, place, found, expected);
  }
}
