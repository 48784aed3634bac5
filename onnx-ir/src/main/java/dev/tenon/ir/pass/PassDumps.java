package dev.tenon.ir.pass;

import dev.tenon.ir.Model;
import dev.tenon.ir.io.OnnxWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;

/**
 * Writes the model into a folder after each pass that changed it: {@code 004-fold-batch-norm.onnx} is what the fifth run of a pass
 * left. A wrong pass is found by running the files, not by reading.
 */
public final class PassDumps implements PassListener {
  private final Path folder;

  /** @param folder is made if it does not exist */
  public PassDumps(Path folder) {
    this.folder = folder;
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make the folder " + folder + " for the dumps of passes", e);
    }
  }

  @Override
  public void passed(int index, Pass pass, PassResult result, Model model, Duration time) {
    if (result.changed()) {
      OnnxWriter.write(model, folder.resolve(String.format(Locale.ROOT, "%03d-%s.onnx", index, pass.name())));
    }
  }
}
