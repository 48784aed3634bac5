package dev.tenon.ir.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The models in the repository's {@code testmodels} folder, found through the system property {@code tenon.root}. */
public final class Fixtures {
  private Fixtures() {}

  /** The folder of the repository. */
  public static Path root() {
    String root = System.getProperty("tenon.root");
    if (root == null) {
      throw new IllegalStateException("the system property tenon.root is not set: it names the folder of the repository");
    }
    return Path.of(root);
  }

  /** {@code testmodels/onnx/NAME}, {@code resnet18_narrow.ts.onnx} say; fails if there is none. */
  public static Path onnx(String name) {
    Path file = root().resolve("testmodels/onnx").resolve(name);
    if (!Files.exists(file)) {
      throw new IllegalStateException("no fixture " + file);
    }
    return file;
  }

  /** All models in {@code testmodels/onnx}, folders inside included, in order of name. */
  public static List<Path> allOnnx() {
    try (Stream<Path> files = Files.walk(root().resolve("testmodels/onnx"))) {
      return files.filter(f -> f.toString().endsWith(".onnx")).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
