package dev.tenon.ir;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Where a node comes from: the names of the source file's node or nodes, the dotted path of the PyTorch module
 * ({@code layer1.0.conv1}), and the line of Python that made it where the exporter recorded one.
 *
 * @param sources names of nodes in the source model, in order; several after a fusion
 * @param modulePath dotted module path; empty if unknown
 * @param sourceLine file and line in the user's code; empty if unknown
 */
public record Provenance(List<String> sources, String modulePath, String sourceLine) {
  public static final Provenance NONE = new Provenance(List.of(), "", "");

  public Provenance {
    sources = List.copyOf(sources);
  }

  public static Provenance of(String source) {
    return new Provenance(List.of(source), "", "");
  }

  /** The provenance of a node made from several: all their sources, and the first path and line that are known. */
  public static Provenance merge(Iterable<Provenance> parts) {
    Set<String> sources = new LinkedHashSet<>();
    String path = "";
    String line = "";
    for (Provenance p : parts) {
      sources.addAll(p.sources);
      path = path.isEmpty() ? p.modulePath : path;
      line = line.isEmpty() ? p.sourceLine : line;
    }
    return new Provenance(List.copyOf(sources), path, line);
  }
}
