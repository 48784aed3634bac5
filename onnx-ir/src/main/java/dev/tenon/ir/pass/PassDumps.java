package dev.tenon.ir.pass;

import dev.tenon.ir.Model;
import dev.tenon.ir.io.GraphText;
import dev.tenon.ir.io.OnnxWriter;
import dev.tenon.ir.diag.BadInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Writes the model after each pass that changed it, as {@code NN-pass.onnx} (to be opened in Netron, or run) and
 * {@code NN-pass.txt} (to be compared).
 */
public final class PassDumps implements PassListener {
  private final Path folder;
  private int number;

  /** @param folder is made if it does not exist */
  public PassDumps(Path folder) {
    this.folder = folder;
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw BadInputException.of(folder, "", "a place where no folder can be made (" + e.getMessage() + ")", "a folder for --dump-passes");
    }
  }

  @Override
  public void passed(int index, Pass pass, PassResult result, Model model, Duration time) {
    if (result.changed()) {
      write(pass.name(), model);
    }
  }

  /** Writes a state that no pass made, the model as it was read say. */
  public void write(String state, Model model) {
    String name = String.format("%02d-%s", number++, state);
    try {
      OnnxWriter.write(model, folder.resolve(name + ".onnx"));
      Files.writeString(folder.resolve(name + ".txt"), GraphText.of(model));
    } catch (IOException e) {
      throw new BadInputException(folder + ": cannot write the state after " + state + ": " + e.getMessage(), e);
    }
  }
}
