package dev.tenon.frontend.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.io.Quote;
import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/**
 * A checkpoint in several files, as Hugging Face's libraries save large ones: {@code model.safetensors.index.json} or
 * {@code pytorch_model.bin.index.json} with {@code {"metadata": {…}, "weight_map": {"name": "file"}}}. The files must be beside it.
 */
final class ShardIndex {
  private static final long MAX_BYTES = 100_000_000;

  private final Path index;
  private final Map<String, Map<String, Tensor>> shards = new LinkedHashMap<>();

  private ShardIndex(Path index) {
    this.index = index;
  }

  /**
   * The tensors of all shards in the order of the index.
   *
   * @param open reads the tensors of a shard
   */
  static Map<String, Tensor> read(Path index, Function<Path, Map<String, Tensor>> open) {
    return new ShardIndex(index).read(open);
  }

  /** The texts and numbers under {@code metadata}. */
  static Map<String, String> metadata(Path index) {
    Map<String, String> result = new LinkedHashMap<>();
    json(index).path("metadata").properties().forEach(e -> {
      if (e.getValue().isValueNode()) {
        result.put(e.getKey(), e.getValue().asText());
      }
    });
    return result;
  }

  private static JsonNode json(Path index) {
    try {
      if (Files.size(index) > MAX_BYTES) {
        throw BadInputException.of(index, "", Files.size(index) + " bytes", "an index of at most " + MAX_BYTES);
      }
    } catch (IOException e) {
      throw new BadInputException(index + ": cannot read: " + e.getMessage(), e);
    }
    return Json.read(index);
  }

  private Map<String, Tensor> read(Function<Path, Map<String, Tensor>> open) {
    JsonNode map = json(index).path("weight_map");
    if (!map.isObject() || map.isEmpty()) {
      throw BadInputException.of(index, "", "no weight_map", "the file of each tensor, as in model.safetensors.index.json");
    }
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    map.properties().forEach(e -> {
      if (!e.getValue().isTextual()) {
        throw BadInputException.of(index, "weight_map", "a value that is no text", "the names of files");
      }
      String file = e.getValue().asText();
      Tensor t = shards.computeIfAbsent(file, f -> open.apply(find(f))).get(e.getKey());
      if (t == null) {
        throw BadInputException.of(index, file, "no tensor " + Quote.of(e.getKey()), "it, as the index says");
      }
      tensors.put(e.getKey(), t);
    });
    return tensors;
  }

  private Path find(String name) {
    String shown = '"' + Quote.of(name, 80) + '"';
    if (name.isEmpty() || name.equals(".") || name.equals("..") || name.matches("(?s).*[/\\\\\\x00].*|[A-Za-z]:.*")) {
      throw BadInputException.of(index, "weight_map", "the shard " + shown, "the name of a file beside the index");
    }
    try {
      Path folder = index.toAbsolutePath().getParent();
      Path file = folder.resolve(name);
      if (!Files.isRegularFile(file)) {
        throw BadInputException.of(index, "weight_map", "no file " + shown + " beside it", "all shards; the download may be incomplete");
      }
      if (!file.toRealPath().startsWith(root(folder))) {
        throw BadInputException.of(index, "weight_map", "the shard " + shown + ", a link that leads out of the folder", "a file in it");
      }
      return file;
    } catch (InvalidPathException e) {
      throw BadInputException.of(index, "weight_map", "the shard " + shown, "the name of a file beside the index");
    } catch (IOException e) {
      throw new BadInputException(index + ": cannot read the shard " + shown + ": " + e.getMessage(), e);
    }
  }

  /**
   * What a link may not leave: the folder, or in Hugging Face's cache ({@code models--NAME/snapshots/REVISION}, whose files are links
   * to {@code models--NAME/blobs}) the model's.
   */
  private static Path root(Path folder) throws IOException {
    Path parent = folder.getParent();
    boolean cache = parent != null && parent.getFileName() != null && parent.getFileName().toString().equals("snapshots");
    return (cache ? parent.getParent() : folder).toRealPath();
  }
}
