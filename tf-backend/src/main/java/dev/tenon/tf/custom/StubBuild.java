package dev.tenon.tf.custom;

import dev.tenon.ir.diag.BadInputException;
import dev.tenon.ir.diag.ConversionException;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Builds a folder of stubs by running its {@code build.sh} against TensorFlow-Java's own TensorFlow. */
public final class StubBuild {
  private static final long TIMEOUT_MINUTES = 10;

  private StubBuild() {}

  /** The compiler that {@code build.sh} will run: {@code CC} or {@code CXX} if set, else gcc or g++; null if there is none. */
  public static String compiler(StubFolder.Language language) {
    String variable = language == StubFolder.Language.C ? "CC" : "CXX";
    String set = System.getenv(variable);
    String command = set == null || set.isBlank() ? language == StubFolder.Language.C ? "gcc" : "g++" : set.strip().split("\\s+")[0];
    if (command.contains("/")) {
      return Files.isExecutable(Path.of(command)) ? command : null;
    }
    for (String dir : String.valueOf(System.getenv("PATH")).split(File.pathSeparator)) {
      if (!dir.isEmpty() && Files.isExecutable(Path.of(dir, command))) {
        return command;
      }
    }
    return null;
  }

  /**
   * Builds.
   *
   * @return what the compiler said, warnings say; empty if nothing
   * @throws BadInputException if there is no compiler
   * @throws ConversionException with what the compiler said, if it fails
   */
  public static String run(StubFolder folder) {
    boolean c = folder.language() == StubFolder.Language.C;
    if (compiler(folder.language()) == null) {
      throw new BadInputException("no compiler found for " + folder.path() + ": expected " + (c ? "gcc" : "g++")
          + " on the PATH, or another named by "
          + (c ? "CC" : "CXX") + "; without one, define the operator as an ONNX function ('resolve: onnx' in ops.yaml)");
    }
    Path library = folder.libraryFile();
    try {
      Files.deleteIfExists(library);
      Path log = Files.createTempFile("tenon-build", ".log");
      try {
        Process p = new ProcessBuilder("sh", folder.path().resolve("build.sh").toAbsolutePath().toString(),
            TensorFlowLibrary.folder().toString())
            .redirectErrorStream(true).redirectOutput(log.toFile()).start();
        boolean ended = p.waitFor(TIMEOUT_MINUTES, TimeUnit.MINUTES);
        p.destroyForcibly();
        String said = new String(Files.readAllBytes(log), StandardCharsets.UTF_8).strip();
        if (!ended || p.exitValue() != 0 || !Files.isRegularFile(library)) {
          throw new ConversionException(folder.path().resolve("build.sh") + (ended ? " failed: " : " took too long: ") + firstError(said));
        }
        return said;
      } finally {
        Files.deleteIfExists(log);
      }
    } catch (IOException e) {
      throw BadInputException.of(folder.path(), "", "that it cannot be built (" + e.getMessage() + ")",
          "a folder that can be written, and sh");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ConversionException("interrupted", e);
    }
  }

  /** The compiler's errors, one a line, the first few. */
  private static String firstError(String said) {
    List<String> errors = said.lines().filter(l -> l.contains("error") || l.contains("undefined reference")).limit(5).toList();
    return errors.isEmpty() ? said.lines().limit(5).reduce((a, b) -> a + "\n" + b).orElse("no output") : String.join("\n", errors);
  }
}
