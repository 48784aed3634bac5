package dev.tenon.frontend;

import dev.tenon.ir.diag.BadInputException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.function.Consumer;

/**
 * A model as the user named it, and the file it is in. A model inside a Maven artifact is copied out, because the reader maps
 * it; closing removes the copy.
 */
public final class ModelSource implements AutoCloseable {
  private final String spec;
  private final Path file;
  private final TemporaryPath copy;

  private ModelSource(String spec, Path file, TemporaryPath copy) {
    this.spec = spec;
    this.file = file;
    this.copy = copy;
  }

  /**
   * Finds a model.
   *
   * @param spec a path, or {@code maven:GROUP:ARTIFACT:VERSION!/entry.onnx}
   * @param log is told in a line what takes long
   * @throws BadInputException if there is no such model
   */
  public static ModelSource resolve(String spec, Consumer<String> log) {
    return MavenCoordinates.matches(spec) ? inArtifact(spec, MavenRepository.local(log)) : ofFile(Path.of(spec));
  }

  /** A model in a file of its own. */
  public static ModelSource ofFile(Path file) {
    if (!Files.exists(file)) {
      throw BadInputException.of(file, "", "no such file", "a model");
    }
    return new ModelSource(file.toString(), file, null);
  }

  static ModelSource inArtifact(String spec, MavenRepository repository) {
    MavenCoordinates at = repository.complete(MavenCoordinates.parse(spec));
    TemporaryPath folder;
    try {
      folder = TemporaryPath.create("tenon-model-");
    } catch (IOException e) {
      throw new BadInputException(spec + ": cannot copy the model out of its jar: " + e.getMessage(), e);
    }
    try {
      return new ModelSource(at.toString(), repository.copy(at, folder.path()), folder);
    } catch (RuntimeException e) {
      folder.close();
      throw e;
    }
  }

  /** What the user calls it: a path, or Maven coordinates with the entry. */
  public String spec() {
    return spec;
  }

  /** The file to read, valid until this is closed. */
  public Path file() {
    return file;
  }

  /** True for a file of its own, false for an entry of an artifact. */
  public boolean isFile() {
    return copy == null;
  }

  /** The file's last name, {@code model.onnx}. */
  public String fileName() {
    return spec.substring(Math.max(spec.lastIndexOf('/'), spec.lastIndexOf('\\')) + 1);
  }

  /** The file's last name without {@code .onnx}, {@code .pt2} or {@code .pt}: a name for what is made of it. */
  public String baseName() {
    return SourceFormat.withoutEnding(fileName());
  }

  /** The SHA-256 of the file, external data not included, in hexadecimal. */
  public String sha256() {
    try (InputStream in = Files.newInputStream(file)) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      byte[] buffer = new byte[1 << 18];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (IOException e) {
      throw new BadInputException(spec + ": cannot read: " + e.getMessage(), e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    if (copy != null) {
      copy.close();
    }
  }
}
