package dev.tenon.frontend.exported;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Names for a model's outputs from how its result is nested: the keys of dictionaries and the fields of dataclasses and named tuples,
 * joined by underscores, {@code last_hidden_state}; with a position where a list stands under a key, {@code hidden_states_3}; and
 * {@code output}, {@code output_1}, … for what has no key.
 */
final class OutputNames {
  private static final String UNNAMED = "output";

  private final Map<String, List<String>> namedTuples;
  private final List<String> names = new ArrayList<>();

  private OutputNames(Map<String, List<String>> namedTuples) {
    this.namedTuples = namedTuples;
  }

  /** A name for each of the leaves, in order; not necessarily all different. */
  static List<String> of(PytreeSpec tree, Map<String, List<String>> namedTuples) {
    OutputNames walk = new OutputNames(namedTuples);
    walk.visit(tree, "");
    return walk.names;
  }

  private void visit(PytreeSpec tree, String prefix) {
    if (tree.isLeaf()) {
      names.add(prefix.isEmpty() ? UNNAMED : prefix);
      return;
    }
    List<PytreeSpec> children = tree.children();
    List<String> keys = keys(tree);
    for (int i = 0; i < children.size(); i++) {
      String key;
      if (keys.size() == children.size()) {
        key = keys.get(i);
      } else {
        // Positions say something only below a key.
        key = prefix.isEmpty() || children.size() == 1 ? "" : String.valueOf(i);
      }
      visit(children.get(i), prefix.isEmpty() ? key : key.isEmpty() ? prefix : prefix + "_" + key);
    }
  }

  /** The names of a container's children; none for lists and tuples. */
  private List<String> keys(PytreeSpec tree) {
    return switch (tree.type()) {
      case "builtins.list", "builtins.tuple", "collections.deque" -> List.of();
      case "collections.namedtuple" -> namedTuples.getOrDefault(tree.context(), List.of());
      // Dictionaries, and dataclasses as transformers registers them, have a list of their keys; other dataclasses have fields beside it.
      default -> PytreeJson.keys(tree.context());
    };
  }
}
