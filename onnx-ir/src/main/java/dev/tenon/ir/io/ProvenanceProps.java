package dev.tenon.ir.io;

import dev.tenon.ir.Node;
import dev.tenon.ir.Provenance;
import dev.tenon.ir.proto.StringStringEntryProto;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Carries a node's {@link Provenance} through a file.
 *
 * <p>What the reader finds by itself (a node's own name, and what PyTorch's metadata tell of it) is not written. Where a
 * pass made the node, three {@code metadata_props} keep what would be lost: {@code tenon.sources} (names of source nodes, one a
 * line), {@code tenon.module} (dotted path) and {@code tenon.line}. The reader takes them out again.
 */
final class ProvenanceProps {
  private static final String SOURCES = "tenon.sources";
  private static final String MODULE = "tenon.module";
  private static final String LINE = "tenon.line";

  private ProvenanceProps() {}

  /**
   * The provenance of a node as it is read.
   *
   * @param sourceName the name that stands for this node in the source model
   * @param metadata the node's metadata; Tenon's own entries are removed
   */
  static Provenance read(String nodeName, String sourceName, Map<String, String> metadata) {
    String sources = metadata.remove(SOURCES);
    String module = metadata.remove(MODULE);
    String line = metadata.remove(LINE);
    return new Provenance(sources == null ? List.of(sourceName) : sources.isEmpty() ? List.of() : List.of(sources.split("\n")),
        module == null ? ModulePaths.modulePath(nodeName, metadata) : module,
        line == null ? ModulePaths.sourceLine(metadata) : line);
  }

  /** The node's metadata, and its provenance where the reader would not find it. */
  static Iterable<StringStringEntryProto> write(Node node) {
    Map<String, String> all = new LinkedHashMap<>(node.metadata());
    Provenance p = node.provenance();
    if (!p.equals(Provenance.NONE)) {
      if (!p.sources().equals(List.of(node.name()))) {
        all.put(SOURCES, String.join("\n", p.sources()));
      }
      if (!p.modulePath().equals(ModulePaths.modulePath(node.name(), node.metadata()))) {
        all.put(MODULE, p.modulePath());
      }
      if (!p.sourceLine().equals(ModulePaths.sourceLine(node.metadata()))) {
        all.put(LINE, p.sourceLine());
      }
    }
    return entries(all);
  }

  static List<StringStringEntryProto> entries(Map<String, String> map) {
    return map.entrySet().stream()
        .map(e -> StringStringEntryProto.newBuilder().setKey(e.getKey()).setValue(e.getValue()).build()).toList();
  }
}
