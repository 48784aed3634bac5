package dev.tenon.cli;

import dev.tenon.frontend.TemporaryPath;
import dev.tenon.ir.diag.BadInputException;
import dev.tenon.zoo.Batch;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import picocli.CommandLine.Model.CommandSpec;

/**
 * Runs a command in a process of its own. Libraries of custom operators are code of somebody else's: if they end the process, there is
 * still one to say so.
 */
final class Isolation {
  private static final String PROPERTY = "tenon.isolated";
  /** What Java says of the place where a library crashed. */
  private static final Pattern FRAME = Pattern.compile("#\\s+C\\s+\\[(\\S+?)\\+0x[0-9a-f]+\\]\\s*(\\S*).*");
  private static final Pattern SIGNAL = Pattern.compile("#\\s+(SIG[A-Z]+) .*");
  private static final int HIGHEST_CODE = 7;

  private final Terminal terminal;
  private final List<Path> libraries;
  private final AtomicReference<String> signal = new AtomicReference<>("");
  private final AtomicReference<String> frame = new AtomicReference<>("");
  private final AtomicReference<String> lastWords = new AtomicReference<>("");
  private final AtomicBoolean explained = new AtomicBoolean();

  private Isolation(Terminal terminal, List<Path> libraries) {
    this.terminal = terminal;
    this.libraries = libraries;
  }

  /** True if a command with these libraries is to be run in another process, and this is not that one. */
  static boolean isWanted(List<Path> libraries) {
    return !libraries.isEmpty() && !Boolean.getBoolean(PROPERTY);
  }

  /**
   * Runs the command line that this process was given in another, and passes on what it says.
   *
   * @param target what the command makes, for temporary files to be removed after a crash; null if it makes nothing
   * @return its exit code, or that of a failed conversion if it crashed
   */
  static int run(CommandSpec spec, Terminal terminal, List<Path> libraries, Path target) {
    for (Path library : libraries) {
      if (!Files.isRegularFile(library)) {
        throw BadInputException.of(library, "", Files.isDirectory(library) ? "a folder" : "no such file", "a native library");
      }
    }
    return new Isolation(terminal, libraries).run(spec.root().commandLine().getParseResult().originalArgs(), target);
  }

  private int run(List<String> arguments, Path target) {
    Path report = null;
    try {
      report = Files.createTempFile("tenon-crash", ".log");
      ProcessBuilder builder = Batch.sameJava(arguments);
      // Java's report of a crash leaves no file in the user's folder.
      builder.command().addAll(1, List.of("-D" + PROPERTY + "=true", "-XX:ErrorFile=" + report, "-XX:-CreateCoredumpOnCrash"));
      Process process = builder.start();
      Thread end = new Thread(process::destroy, "end-isolated");
      Runtime.getRuntime().addShutdownHook(end);
      process.getOutputStream().close();
      Thread errors = new Thread(() -> lines(process.getErrorStream(), this::message), "relay-messages");
      errors.start();
      lines(process.getInputStream(), line -> {
        // Java reports a crash among the results, none of which begins so.
        if (line.startsWith("#")) {
          message(line);
        } else {
          terminal.result(line);
        }
      });
      errors.join();
      int code = process.waitFor();
      Runtime.getRuntime().removeShutdownHook(end);
      boolean said = code == 0 || code > 0 && code <= HIGHEST_CODE && explained.get() || code == ExitCodes.INTERRUPTED;
      return said ? code : crashed(code, process.pid(), target);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return ExitCodes.INTERRUPTED;
    } finally {
      delete(report);
    }
  }

  private static void delete(Path file) {
    try {
      if (file != null) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      // It is in the system's folder for temporary files.
    }
  }

  private static void lines(InputStream in, Consumer<String> consumer) {
    try (BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        consumer.accept(line);
      }
    } catch (IOException e) {
      // The process has ended.
    }
  }

  private void message(String line) {
    if (line.startsWith("tenon: ")) {
      explained.compareAndSet(false, line.startsWith("tenon: error: "));
      terminal.relay(line);
      return;
    }
    Matcher s = SIGNAL.matcher(line);
    Matcher f = FRAME.matcher(line);
    if (s.matches()) {
      signal.compareAndSet("", s.group(1));
    } else if (f.matches()) {
      frame.compareAndSet("", (f.group(2).isEmpty() ? "" : f.group(2).replaceAll("\\+0x.*", "") + " of ") + f.group(1));
    } else if (!line.startsWith("#") && !line.isBlank()) {
      lastWords.set(line.strip().replaceFirst("^\\S*/java: ", ""));
    }
    if (terminal.verbose()) {
      terminal.relay(line);
    }
  }

  /** Says what is known, and removes what the process could not. */
  private int crashed(int code, long pid, Path target) {
    List<String> names = libraries.stream().map(p -> p.getFileName().toString()).toList();
    StringBuilder b = new StringBuilder("the process that ran ").append(String.join(", ", names)).append(" ended ");
    b.append(signal.get().isEmpty() ? "with code " + code : "with " + signal.get());
    if (!frame.get().isEmpty()) {
      b.append(" in ").append(frame.get());
    } else if (signal.get().isEmpty() && !lastWords.get().isEmpty()) {
      b.append(": ").append(lastWords.get());
    }
    if (lastWords.get().contains("symbol lookup error")) {
      b.append("; the library was built against another version of what it is loaded into");
    }
    if (target != null) {
      b.append(Files.isRegularFile(target.resolve("saved_model.pb")) ? "; " + target + " is there, not verified" : "; nothing was written");
      removeTemporary(target.toAbsolutePath(), pid);
    }
    terminal.error(b.toString());
    return ExitCodes.CONVERSION;
  }

  /** The temporary folder beside the target, named after the process that made it. */
  private static void removeTemporary(Path target, long pid) {
    String prefix = "." + target.getFileName() + ".tenon-" + pid + "-";
    if (target.getParent() == null || !Files.isDirectory(target.getParent())) {
      return;
    }
    try (Stream<Path> files = Files.list(target.getParent())) {
      for (Path p : files.filter(f -> f.getFileName().toString().startsWith(prefix)).toList()) {
        TemporaryPath.deleteTree(p);
      }
    } catch (IOException e) {
      // A leftover harms nobody.
    }
  }
}
