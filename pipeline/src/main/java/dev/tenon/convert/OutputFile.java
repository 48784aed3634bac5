package dev.tenon.convert;

import dev.tenon.frontend.ModelSource;
import dev.tenon.ir.diag.BadInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Where an exported model goes: a file, and perhaps its external data beside it. Checked before anything long is done. */
final class OutputFile {
  private OutputFile() {}

  /** The external data of a model's file. */
  static Path data(Path target) {
    return target.resolveSibling(target.getFileName() + ".data");
  }

  /**
   * Checks that the target can be written.
   *
   * @param force whether a file in the target's place may be replaced
   * @throws BadInputException if it is there already, is the source itself, or has no folder
   */
  static void check(ModelSource source, Path target, boolean force) {
    if (target.getFileName() == null || Files.isDirectory(target)) {
      throw BadInputException.of(target, "", "a folder", "a file to be made, model.onnx say");
    }
    if (isSame(source.file(), target)) {
      throw BadInputException.of(target, "", "the source itself", "another file");
    }
    for (Path p : List.of(target, data(target))) {
      if (Files.exists(p) && !force) {
        throw BadInputException.of(p, "", "a file of this name", "none; --force replaces it");
      }
    }
    Path folder = target.toAbsolutePath().getParent();
    if (Files.exists(folder) && !Files.isDirectory(folder)) {
      throw BadInputException.of(target, "", "that it cannot be written (" + folder + " is a file)", "a file that can be made");
    }
  }

  private static boolean isSame(Path a, Path b) {
    try {
      return Files.exists(b) && Files.isSameFile(a, b);
    } catch (IOException e) {
      return false;
    }
  }
}
