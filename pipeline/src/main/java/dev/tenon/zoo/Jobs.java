package dev.tenon.zoo;

import dev.tenon.frontend.MavenCoordinates;
import dev.tenon.frontend.MavenRepository;
import dev.tenon.frontend.SourceFormat;
import dev.tenon.ir.diag.BadInputException;
import java.io.File;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** Finds the models that a batch is about. */
public final class Jobs {
  private Jobs() {}

  /**
   * The models that some arguments mean: a file itself, of a folder every {@code .onnx}, {@code .pt2} and {@code .pt} below it, of a
   * pattern every file that matches, of a Maven artifact without an entry every model in it. Each gets a name of its own.
   *
   * @throws BadInputException if an argument means nothing
   */
  public static List<Batch.Job> of(List<String> arguments, Consumer<String> log) {
    Set<String> specs = new LinkedHashSet<>();
    for (String a : arguments) {
      List<String> found = MavenCoordinates.matches(a) ? inArtifact(a, log) : files(a);
      if (found.isEmpty()) {
        throw BadInputException.of(a, "", "no model", "an .onnx, .pt2 or .pt file, a folder or pattern with some, or an artifact with some");
      }
      specs.addAll(found);
    }
    List<Batch.Job> jobs = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (String spec : specs) {
      String file = spec.substring(Math.max(spec.lastIndexOf('/'), spec.lastIndexOf(File.separatorChar)) + 1);
      String base = SourceFormat.withoutEnding(file).replaceAll("[^A-Za-z0-9._+-]", "_");
      String name = base;
      for (int n = 2; !names.add(name); n++) {
        name = base + "-" + n;
      }
      jobs.add(new Batch.Job(spec, name));
    }
    return jobs;
  }

  private static List<String> inArtifact(String spec, Consumer<String> log) {
    MavenCoordinates at = MavenCoordinates.parse(spec);
    return at.entry().isEmpty() ? MavenRepository.local(log).models(at).stream().map(e -> at.withEntry(e).toString()).toList()
        : List.of(spec);
  }

  private static List<String> files(String argument) {
    boolean pattern = argument.matches(".*[*?\\[{].*") && !Files.exists(Path.of(argument));
    Path root = pattern ? fixedPart(argument) : Path.of(argument);
    if (Files.isRegularFile(root) && !pattern) {
      return List.of(root.toString());
    }
    if (!Files.isDirectory(root)) {
      return List.of();
    }
    PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + argument);
    try (Stream<Path> all = Files.walk(root)) {
      return all.filter(p -> Files.isRegularFile(p) && (pattern ? matcher.matches(p) : SourceFormat.looksLikeModel(p.getFileName().toString()))).map(Path::toString).sorted().toList();
    } catch (IOException e) {
      throw new BadInputException(argument + ": cannot look for models: " + e.getMessage(), e);
    }
  }

  /** The folder before the first part with a wildcard. */
  private static Path fixedPart(String pattern) {
    String fixed = pattern.replaceFirst("[*?\\[{].*", "");
    int slash = fixed.lastIndexOf('/');
    return Path.of(slash < 0 ? "" : slash == 0 ? "/" : fixed.substring(0, slash));
  }
}
