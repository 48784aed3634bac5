package dev.tenon.frontend.checkpoint;

import dev.tenon.frontend.archive.Quantization;
import dev.tenon.frontend.archive.StoredTensor;
import dev.tenon.frontend.archive.TorchArchive;
import dev.tenon.frontend.exported.ExportedArchive;
import dev.tenon.frontend.pickle.TorchPickle;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.io.FileKinds;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Weights by name, from whatever file holds them: PyTorch's zip and legacy checkpoints, safetensors, either of them in shards, and the
 * parameters of TorchScript and {@code torch.export} archives. The format is recognised by content. Tensors are read when their
 * elements are asked for; files stay where they are and may be larger than memory.
 */
public final class Checkpoint implements AutoCloseable {
  private final Path file;
  private final String format;
  private final Map<String, Tensor> tensors;
  private final Map<String, Quantization> quantizations;
  private final Map<String, String> metadata;
  private final List<String> notes;

  private Checkpoint(Path file, String format, Map<String, Tensor> tensors, Map<String, Quantization> quantizations,
      Map<String, String> metadata, List<String> notes) {
    this.file = file;
    this.format = format;
    this.tensors = Collections.unmodifiableMap(tensors);
    this.quantizations = Collections.unmodifiableMap(quantizations);
    this.metadata = Collections.unmodifiableMap(metadata);
    this.notes = List.copyOf(notes);
  }

  /**
   * Opens a checkpoint and checks its structure; of a file with several things in it the state_dict is found.
   *
   * @param path a file, an {@code *.index.json} of shards, or a folder that holds one of them
   * @throws BadInputException if it is none of them, malformed or truncated, names Python classes, or holds several dicts of tensors
   */
  public static Checkpoint open(Path path) {
    return open(path, null);
  }

  /**
   * Opens a checkpoint of several state_dicts.
   *
   * @param key where in a pickled checkpoint the weights are, {@code generator} or {@code model.ema}; null to find them
   */
  public static Checkpoint open(Path path, String key) {
    if (!Files.exists(path)) {
      throw BadInputException.of(path, "", "no such file", "a checkpoint");
    }
    Path file = Files.isDirectory(path) ? inFolder(path) : path;
    ByteBuffer head = head(file);
    boolean text = head.hasRemaining() && (head.get(0) == '{' || Character.isWhitespace(head.get(0)));
    return text && !SafetensorsReader.looksLike(head) ? ofShards(file) : ofFile(file, head, key);
  }

  /** One file, not an index of others. */
  private static Checkpoint ofFile(Path file, ByteBuffer head, String key) {
    if (TorchArchive.isZip(file)) {
      return ofArchive(file, key);
    }
    if (SafetensorsReader.looksLike(head)) {
      SafetensorsReader reader = SafetensorsReader.open(file);
      return new Checkpoint(file, "safetensors", new LinkedHashMap<>(reader.tensors()), Map.of(), reader.metadata(), List.of());
    }
    if (head.remaining() > 2 && (head.get(0) & 0xff) == 0x80 && head.get(1) >= 2 && head.get(1) <= 5) {
      LegacyFile.Contents contents = LegacyFile.read(file);
      return ofPickle(file, contents.plain() ? "Python pickle" : "PyTorch legacy", contents.value(), key);
    }
    throw unknown(file, head);
  }

  private static BadInputException unknown(Path file, ByteBuffer head) {
    String kind = head.remaining() == 0 ? "an empty file" : FileKinds.describe(head);
    if ("a tar archive".equals(kind)) {
      return BadInputException.of(file, "", "a tar archive, as PyTorch saved before 0.1.10", "a later format; in Python: "
          + "torch.save(torch.load(path, weights_only=False), \"weights.pth\"), if you trust the file");
    }
    return BadInputException.of(file, "", kind == null ? "bytes of no format that is known here" : kind,
        "weights as .pth, .pt, .bin, .safetensors, or an index of shards");
  }

  private static ByteBuffer head(Path file) {
    ByteBuffer head = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      while (head.hasRemaining() && channel.read(head) >= 0) {
        // Until all is there.
      }
      return head.flip();
    } catch (IOException e) {
      throw new BadInputException(file + ": cannot read: " + e.getMessage(), e);
    }
  }

  /** The checkpoint in a folder: an index of shards, or else the only file of weights. */
  private static Path inFolder(Path folder) {
    List<String> names;
    try (Stream<Path> files = Files.list(folder)) {
      names = files.filter(Files::isRegularFile).map(p -> p.getFileName().toString()).sorted().toList();
    } catch (IOException e) {
      throw new BadInputException(folder + ": cannot read: " + e.getMessage(), e);
    }
    for (String suffix : List.of(".safetensors.index.json", ".bin.index.json", ".index.json", ".safetensors", ".bin", ".pth", ".pt")) {
      List<String> found = names.stream().filter(n -> n.endsWith(suffix)).toList();
      if (found.size() == 1) {
        return folder.resolve(found.get(0));
      }
      if (found.size() > 1) {
        throw BadInputException.of(folder, "", found.size() + " files *" + suffix + " (" + found.get(0) + ", " + found.get(1)
            + (found.size() > 2 ? ", …" : "") + ") without an index", "one; name the file itself");
      }
    }
    throw BadInputException.of(folder, "", "no file of weights", "model.safetensors, its .index.json, or the like");
  }

  private static Checkpoint ofArchive(Path file, String key) {
    TorchArchive archive = TorchArchive.open(file);
    if (ModuleTree.isIn(archive)) {
      return ofStored(file, "TorchScript", ModuleTree.read(archive), Map.of(), List.of());
    }
    if (ExportedArchive.isIn(archive)) {
      ExportedArchive exported = ExportedArchive.open(archive);
      Map<String, StoredTensor> all = new LinkedHashMap<>(exported.weights());
      exported.constants().forEach(all::putIfAbsent);
      return ofStored(file, "torch.export", all, Map.of(), List.of());
    }
    if (!archive.has("data.pkl")) {
      throw BadInputException.of(file, "", "a zip archive without data.pkl", "a checkpoint as torch.save writes it");
    }
    return ofPickle(file, "PyTorch zip", TorchPickle.read(archive, "data.pkl", "data", TorchPickle.Kind.CHECKPOINT), key);
  }

  private static Checkpoint ofPickle(Path file, String format, Object root, String key) {
    StateDicts.Found found = StateDicts.find(file, root, key);
    return ofStored(file, format, found.tensors(), found.metadata(), found.notes());
  }

  private static Checkpoint ofStored(Path file, String format, Map<String, StoredTensor> stored, Map<String, String> metadata,
      List<String> notes) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    Map<String, Quantization> quantizations = new LinkedHashMap<>();
    stored.forEach((name, t) -> {
      tensors.put(name, t.toTensor(name));
      t.quantization().ifPresent(q -> quantizations.put(name, q));
    });
    List<String> all = new ArrayList<>(notes);
    if (!quantizations.isEmpty()) {
      all.add(quantizations.size() + " tensors are quantized, their elements are integers: " + quantizations.keySet().iterator().next()
          + (quantizations.size() > 1 ? ", …" : ""));
    }
    return new Checkpoint(file, format, tensors, quantizations, metadata, all);
  }

  private static Checkpoint ofShards(Path index) {
    List<String> formats = new ArrayList<>();
    Map<String, Quantization> quantizations = new LinkedHashMap<>();
    List<String> notes = new ArrayList<>();
    Map<String, Tensor> tensors = ShardIndex.read(index, shard -> {
      Checkpoint c = ofFile(shard, head(shard), null);
      formats.add(c.format);
      quantizations.putAll(c.quantizations);
      notes.addAll(c.notes);
      return c.tensors;
    });
    return new Checkpoint(index, "sharded " + formats.get(0), tensors, quantizations, ShardIndex.metadata(index),
        notes.stream().distinct().toList());
  }

  /** The file that was found: the index of shards, or the one file of weights in a folder. */
  public Path file() {
    return file;
  }

  /** What kind of file it is, for reports: {@code PyTorch zip}, {@code safetensors}, {@code sharded safetensors}, … */
  public String format() {
    return format;
  }

  /** The weights by name in the order of the file, each a {@link dev.tenon.ir.Recipe.Source} of that name. */
  public Map<String, Tensor> tensors() {
    return tensors;
  }

  /** What the integers of quantized tensors mean, by the names of the tensors. */
  public Map<String, Quantization> quantizations() {
    return quantizations;
  }

  /** The texts that came with the weights: safetensors' metadata, an index's, or the plain values beside a state_dict (epoch: 12). */
  public Map<String, String> metadata() {
    return metadata;
  }

  /** What was decided when the file was opened, in sentences for the user: which of several dicts was taken, what was left out. */
  public List<String> notes() {
    return notes;
  }

  /** Nothing is held open; here so that a reader may treat the checkpoint as the resource it is. */
  @Override
  public void close() {
    // Files are opened anew for each reading.
  }
}
