package dev.tenon.frontend;

import dev.tenon.ir.diag.BadInputException;
import java.nio.file.Path;

/**
 * A model inside a Maven artifact: {@code maven:GROUP:ARTIFACT:VERSION[:CLASSIFIER]!/path/in/the.jar}. Without the part from
 * {@code !} on, the jar's only model is meant.
 *
 * @param classifier empty for the main jar
 * @param entry path inside the jar, without a leading slash; empty if not given
 */
public record MavenCoordinates(String group, String artifact, String version, String classifier, String entry) {
  private static final String PREFIX = "maven:";

  /** True if a source is meant to be Maven coordinates. */
  public static boolean matches(String spec) {
    return spec.startsWith(PREFIX);
  }

  /**
   * Reads the text form.
   *
   * @throws BadInputException if a part is missing or could leave the repository's folder
   */
  public static MavenCoordinates parse(String spec) {
    int bang = spec.indexOf('!');
    String head = spec.substring(PREFIX.length(), bang < 0 ? spec.length() : bang);
    String entry = bang < 0 ? "" : spec.substring(bang + 1).replaceFirst("^/+", "");
    String[] parts = head.split(":", -1);
    boolean legal = parts.length == 3 || parts.length == 4;
    for (String p : parts) {
      // These become path names: nothing that climbs.
      legal &= p.matches("[A-Za-z0-9_][A-Za-z0-9_.-]*") && !p.contains("..");
    }
    if (!legal) {
      throw BadInputException.of(spec, "", "'" + head + "'", "maven:GROUP:ARTIFACT:VERSION!/path/in/the.jar");
    }
    return new MavenCoordinates(parts[0], parts[1], parts[2], parts.length == 4 ? parts[3] : "", entry);
  }

  /** Where the jar lies in a local repository. */
  public Path jarIn(Path repository) {
    String file = artifact + "-" + version + (classifier.isEmpty() ? "" : "-" + classifier) + ".jar";
    return repository.resolve(group.replace('.', '/')).resolve(artifact).resolve(version).resolve(file);
  }

  /** {@code GROUP:ARTIFACT:VERSION[:jar:CLASSIFIER]}, as Maven's dependency plugin wants it. */
  public String forMaven() {
    return group + ":" + artifact + ":" + version + (classifier.isEmpty() ? "" : ":jar:" + classifier);
  }

  public MavenCoordinates withEntry(String other) {
    return new MavenCoordinates(group, artifact, version, classifier, other);
  }

  @Override
  public String toString() {
    return PREFIX + group + ":" + artifact + ":" + version + (classifier.isEmpty() ? "" : ":" + classifier)
        + (entry.isEmpty() ? "" : "!/" + entry);
  }
}
