package dev.tenon.frontend.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tenon.frontend.archive.ScalarType;
import dev.tenon.frontend.archive.StoredTensor;
import dev.tenon.frontend.archive.TorchArchive;
import dev.tenon.frontend.pickle.TorchPickle;
import dev.tenon.ir.DataType;
import dev.tenon.ir.diag.BadInputException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The parameters and buffers of a {@code torch.export} archive ({@code .pt2}) by name: raw storages with a JSON configuration
 * (PyTorch 2.9 and later), or {@code torch.save} files within the archive (before).
 */
final class ExportedWeights {
  private static final ObjectMapper JSON = new ObjectMapper();
  /** Where the weights and constants of older archives are. */
  private static final List<String> NESTED = List.of("data/weights/model.pt", "data/constants/model.pt", "serialized_state_dict.pt",
      "serialized_state_dict.json", "serialized_constants.pt", "serialized_constants.json");

  private final TorchArchive archive;
  private final Map<String, StoredTensor> tensors = new LinkedHashMap<>();

  private ExportedWeights(TorchArchive archive) {
    this.archive = archive;
  }

  /** True for an archive that {@code torch.export.save} wrote. */
  static boolean isIn(TorchArchive archive) {
    return archive.has("models/model.json") || archive.has("serialized_exported_program.json") || archive.has("archive_format");
  }

  static Map<String, StoredTensor> read(TorchArchive archive) {
    ExportedWeights weights = new ExportedWeights(archive);
    for (String name : archive.names()) {
      if (name.matches("data/(weights|constants)/[^/]*_config\\.json")) {
        weights.readConfig(name);
      }
    }
    NESTED.stream().filter(archive::has).forEach(weights::readNested);
    if (weights.tensors.isEmpty()) {
      throw BadInputException.of(archive.label(), "", "a torch.export archive without weights", "data/weights or a state_dict");
    }
    return weights.tensors;
  }

  private void readNested(String entry) {
    // The names say .json, but they have held torch.save files all along; an empty one stands for nothing.
    if (archive.size(entry) == 0) {
      return;
    }
    TorchArchive nested = archive.nested(entry);
    Object value = TorchPickle.read(nested, "data.pkl", "data", TorchPickle.Kind.CHECKPOINT);
    if (value instanceof Map<?, ?> map) {
      map.forEach((k, v) -> {
        if (k instanceof String name && v instanceof StoredTensor t) {
          tensors.putIfAbsent(name, t);
        }
      });
    }
  }

  private void readConfig(String entry) {
    JsonNode config;
    try {
      config = JSON.readTree(archive.bytes(entry)).path("config");
    } catch (JsonProcessingException e) {
      throw BadInputException.of(archive.label(), entry, "damaged JSON", "the tensors' descriptions");
    } catch (IOException e) {
      throw new BadInputException(archive.label() + ": " + entry + ": cannot read: " + e.getMessage(), e);
    }
    String folder = entry.substring(0, entry.lastIndexOf('/') + 1);
    config.properties().forEach(e -> {
      String path = folder + e.getValue().path("path_name").asText();
      if (e.getValue().path("use_pickle").asBoolean()) {
        Object value = TorchPickle.read(archive.nested(path), "data.pkl", "data", TorchPickle.Kind.CHECKPOINT);
        if (value instanceof StoredTensor t) {
          tensors.put(e.getKey(), t);
        }
      } else if (e.getValue().path("tensor_meta").isObject()) {
        tensors.put(e.getKey(), tensor(entry, path, e.getValue().path("tensor_meta")));
      }
    });
  }

  private StoredTensor tensor(String entry, String path, JsonNode meta) {
    DataType dtype = ScalarType.ofExported(meta.path("dtype").asLong(-1)).flatMap(ScalarType::dtype)
        .orElseThrow(() -> BadInputException.of(archive.label(), entry, "the dtype " + meta.path("dtype").asLong(-1),
            "one of torch.export's numbers that ONNX has a type for"));
    long offset = integer(entry, meta.path("storage_offset"));
    List<Long> sizes = integers(entry, meta.path("sizes"));
    List<Long> strides = integers(entry, meta.path("strides"));
    return StoredTensor.of(archive.label(), entry, dtype, sizes, strides, offset, archive.storage(path), path);
  }

  private List<Long> integers(String entry, JsonNode list) {
    List<Long> result = new ArrayList<>();
    list.forEach(n -> result.add(integer(entry, n)));
    return result;
  }

  private long integer(String entry, JsonNode node) {
    JsonNode n = node.has("as_int") ? node.get("as_int") : node;
    if (!n.canConvertToLong() || !n.isIntegralNumber()) {
      throw BadInputException.of(archive.label(), entry, "a size that is no number", "{\"as_int\": n}");
    }
    return n.asLong();
  }
}
