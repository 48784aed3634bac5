package dev.tenon.weights;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tenon.convert.SourceParameters;
import dev.tenon.frontend.Frontends;
import dev.tenon.frontend.ModelSource;
import dev.tenon.frontend.ReadOptions;
import dev.tenon.frontend.checkpoint.Checkpoint;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.json.Json;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Consumer;

/** Opens what weights can be taken from. */
public final class WeightFiles {
  private WeightFiles() {}

  /**
   * Opens a checkpoint of any format, or takes the parameters of a model.
   *
   * @param key which of several state_dicts in the file; null to find it
   * @param log is told in a line what was decided on the way
   * @throws BadInputException if there is none
   */
  public static WeightFile open(Path path, String key, Consumer<String> log) {
    if (Files.isRegularFile(path) && path.toString().endsWith(".onnx")) {
      return ofModel(path);
    }
    try (Checkpoint checkpoint = Checkpoint.open(path, key)) {
      checkpoint.notes().forEach(log);
      return new WeightFile(checkpoint.file().getFileName().toString(), sha256(checkpoint), checkpoint.tensors());
    }
  }

  private static WeightFile ofModel(Path path) {
    try (ModelSource source = ModelSource.ofFile(path)) {
      Map<String, Tensor> tensors = SourceParameters.of(Frontends.read(source, ReadOptions.defaults(), new Diagnostics()).graph());
      return new WeightFile(source.fileName(), source.sha256(), tensors);
    }
  }

  /** Of the file; of a checkpoint in shards, of its index and then of the shards in the order of their names. */
  private static String sha256(Checkpoint checkpoint) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      update(digest, checkpoint.file());
      if (checkpoint.format().startsWith("sharded")) {
        TreeSet<String> shards = new TreeSet<>();
        for (JsonNode file : Json.read(checkpoint.file()).path("weight_map")) {
          shards.add(file.asText());
        }
        for (String shard : shards) {
          update(digest, checkpoint.file().resolveSibling(shard));
        }
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (IOException e) {
      throw new BadInputException(checkpoint.file() + ": cannot read: " + e.getMessage(), e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void update(MessageDigest digest, Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] buffer = new byte[1 << 18];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
    }
  }
}
