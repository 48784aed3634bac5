package dev.tenon.frontend.exported;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.tenon.frontend.archive.ScalarType;
import dev.tenon.frontend.archive.StoredTensor;
import dev.tenon.frontend.archive.TorchArchive;
import dev.tenon.frontend.pickle.TorchPickle;
import dev.tenon.ir.DataType;
import dev.tenon.ir.diag.BadInputException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Where an archive of {@code torch.export.save} has its parts. There are three layouts:
 *
 * <ul>
 *   <li>since PyTorch 2.9: {@code models/NAME.json}, each storage a file of its own under {@code data/weights} and
 *       {@code data/constants}, and a JSON there that says which tensor is which window of which file;
 *   <li>2.8: the same, but the weights and constants are archives of {@code torch.save}, {@code data/weights/NAME.pt};
 *   <li>2.6 and 2.7: no root folder, {@code serialized_exported_program.json}, {@code serialized_state_dict.pt},
 *       {@code serialized_constants.pt}.
 * </ul>
 */
public final class ExportedArchive {
  private static final String OLD_PROGRAM = "serialized_exported_program.json";
  private static final String MODELS = "models/";
  private static final String WEIGHTS = "data/weights/";
  private static final String CONSTANTS = "data/constants/";
  /** What messages call a tensor's place in a pickle. */
  private static final String PICKLE = "data.pkl";

  private final TorchArchive archive;
  private final String programEntry;

  private ExportedArchive(TorchArchive archive, String programEntry) {
    this.archive = archive;
    this.programEntry = programEntry;
  }

  /** True for an archive that {@code torch.export.save} wrote, in any of its layouts. */
  public static boolean isIn(TorchArchive archive) {
    return archive.has(OLD_PROGRAM) || !programs(archive).isEmpty();
  }

  private static List<String> programs(TorchArchive archive) {
    return archive.names().stream().filter(n -> n.startsWith(MODELS) && n.endsWith(".json")).toList();
  }

  /**
   * Opens an archive and finds its program.
   *
   * @throws BadInputException if it is no archive of {@code torch.export}
   */
  static ExportedArchive open(Path file) {
    return open(TorchArchive.open(file));
  }

  /**
   * Finds the program in an archive.
   *
   * @throws BadInputException if it is no archive of {@code torch.export}
   */
  public static ExportedArchive open(TorchArchive archive) {
    Path file = archive.file();
    if (archive.has(OLD_PROGRAM)) {
      return new ExportedArchive(archive, OLD_PROGRAM);
    }
    List<String> programs = programs(archive);
    if (programs.isEmpty()) {
      throw BadInputException.of(file, "", "no models/*.json and no " + OLD_PROGRAM, "an archive that torch.export.save wrote");
    }
    String entry = programs.contains(MODELS + "model.json") ? MODELS + "model.json" : programs.get(0);
    if (programs.size() > 1 && !entry.equals(MODELS + "model.json")) {
      throw BadInputException.of(file, "", programs.size() + " programs, " + Texts.shortened(String.join(", ", programs)), "one, or models/model.json");
    }
    return new ExportedArchive(archive, entry);
  }

  Path file() {
    return archive.file();
  }

  /** The entry of the program, for messages. */
  String programEntry() {
    return programEntry;
  }

  ExportedProgram program() {
    return ProgramReader.read(archive.label(), programEntry, () -> archive.stream(programEntry));
  }

  /** The tensors of the {@code state_dict}, by dotted name. */
  public Map<String, StoredTensor> weights() {
    return tensors(WEIGHTS, "serialized_state_dict", List.of("weights_config.json", "model_param_config.json"));
  }

  /** Tensors that are not in the {@code state_dict}: constants, and buffers that are not persistent. */
  public Map<String, StoredTensor> constants() {
    return tensors(CONSTANTS, "serialized_constants", List.of("constants_config.json", "model_constants_config.json"));
  }

  private Map<String, StoredTensor> tensors(String folder, String old, List<String> configs) {
    if (programEntry.equals(OLD_PROGRAM)) {
      if (archive.has(old + ".json") && !archive.has(old + ".pt")) {
        throw BadInputException.of(archive.label(), "", old + ".json, as PyTorch before 2.2 wrote it", old + ".pt");
      }
      return archive.has(old + ".pt") ? pickled(old + ".pt") : Map.of();
    }
    String name = programEntry.substring(MODELS.length(), programEntry.length() - ".json".length());
    if (archive.has(folder + name + ".pt")) {
      return pickled(folder + name + ".pt");
    }
    for (String config : configs) {
      String entry = folder + name + "_" + config;
      if (archive.has(entry)) {
        return configured(folder, entry);
      }
    }
    return Map.of();
  }

  // ---- storages in files of their own ----

  private Map<String, StoredTensor> configured(String folder, String entry) {
    JsonNode json;
    try {
      json = ProgramReader.MAPPER.readTree(archive.stream(entry));
    } catch (JsonProcessingException e) {
      throw BadInputException.of(archive.label(), entry, "no JSON (" + Texts.shortened(String.valueOf(e.getOriginalMessage())) + ")", "JSON");
    } catch (IOException e) {
      throw new BadInputException(archive.label() + ": " + entry + ": cannot read: " + e.getMessage(), e);
    }
    Map<String, StoredTensor> all = new LinkedHashMap<>();
    JsonPart.of(archive.label(), entry, "$", json).get("config").members().forEach((name, payload) -> {
      StoredTensor t = payload(folder, entry, name, payload);
      if (t != null) {
        all.put(name, t);
      }
    });
    return all;
  }

  /** One tensor; null for what is none, a TorchBind object. */
  private StoredTensor payload(String folder, String entry, String name, JsonPart payload) {
    String path = folder + payload.get("path_name").text();
    boolean pickled = payload.find("use_pickle").map(JsonPart::flag).orElse(false);
    JsonPart meta = payload.find("tensor_meta").orElse(null);
    if (meta == null && (pickled || path.startsWith(folder + "custom_obj") || path.startsWith(folder + "opaque_obj"))) {
      return null;
    }
    if (meta == null) {
      throw payload.bad("no \"tensor_meta\"", "one");
    }
    if (!archive.has(path)) {
      throw payload.bad("the file " + Texts.shortened(path) + ", which the archive lacks", "one of its entries");
    }
    if (pickled) {
      Object value = read(path);
      if (value instanceof StoredTensor t) {
        return t;
      }
      throw payload.bad("a pickle of something else", "a tensor");
    }
    if (meta.get("layout").integer(0, 1000) != 7) {
      throw meta.get("layout").bad("a sparse layout", "a strided tensor");
    }
    JsonPart number = meta.get("dtype");
    DataType dtype = ScalarType.ofExported(number.integer()).flatMap(ScalarType::dtype)
        .orElseThrow(() -> number.bad("element type " + number.integer(), "a type that ONNX has"));
    return StoredTensor.of(archive.label(), entry + ": " + Texts.shortened(name), dtype, numbers(meta.get("sizes")), numbers(meta.get("strides")),
        number(meta.get("storage_offset")), archive.storage(path), path);
  }

  private static List<Long> numbers(JsonPart list) {
    List<Long> all = new ArrayList<>();
    for (JsonPart e : list.elements()) {
      all.add(number(e));
    }
    return all;
  }

  /** A stored tensor has numbers where a computed one may have expressions. */
  private static long number(JsonPart part) {
    Map.Entry<String, JsonPart> choice = part.choice();
    if (!choice.getKey().equals("as_int")) {
      throw part.bad("\"" + Texts.shortened(choice.getKey()) + "\"", "\"as_int\"");
    }
    return choice.getValue().integer();
  }

  // ---- archives within the archive ----

  private Object read(String entry) {
    return TorchPickle.read(archive.nested(entry), PICKLE, "data", TorchPickle.Kind.CHECKPOINT);
  }

  private Map<String, StoredTensor> pickled(String entry) {
    if (!(read(entry) instanceof Map<?, ?> map)) {
      throw BadInputException.of(archive.label(), entry, "a pickle of something else", "a dictionary of tensors");
    }
    Map<String, StoredTensor> all = new LinkedHashMap<>();
    map.forEach((name, value) -> {
      if (name instanceof String s && value instanceof StoredTensor t) {
        all.put(s, t);
      }
    });
    return all;
  }
}
