package dev.tenon.ir.testing;

import dev.tenon.ir.Model;
import dev.tenon.ir.io.OnnxReader;
import dev.tenon.ir.io.OnnxWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Copies of models, by writing and reading. */
public final class Models {
  private Models() {}

  public static Model copy(Model m) {
    try {
      Path file = Files.createTempFile("tenon-copy", ".onnx");
      try {
        Files.write(file, OnnxWriter.toBytes(m));
        // The reader maps the file lazily, so its content has to outlive this method.
        file.toFile().deleteOnExit();
        return OnnxReader.read(file);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
