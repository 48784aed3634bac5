package dev.tenon.weights;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Finds out whether two sets of names differ by what they begin with: {@code module.}, {@code model.backbone.}, {@code _orig_mod.}. */
final class PrefixHint {
  private PrefixHint() {}

  /**
   * A sentence for the user; empty if no prefix explains more than half of the missing names.
   *
   * @param missing names that are wanted
   * @param unexpected names that are there instead
   */
  static String of(List<String> missing, List<String> unexpected) {
    String longer = prefix(missing, unexpected, missing.size());
    if (!longer.isEmpty()) {
      return "the checkpoint's names begin with '" + longer + "': try --strip-prefix " + longer;
    }
    String shorter = prefix(unexpected, missing, missing.size());
    return shorter.isEmpty() ? "" : "the model's names begin with '" + shorter + "': try --prefix " + shorter;
  }

  /** What names in {@code with} begin with, more than half of {@code wanted} of them, if without it they are names in {@code without}. */
  private static String prefix(List<String> without, List<String> with, int wanted) {
    Set<String> all = new HashSet<>(with);
    Set<String> tried = new HashSet<>();
    for (String name : without.subList(0, Math.min(5, without.size()))) {
      for (String candidate : with) {
        int length = candidate.length() - name.length();
        if (length > 0 && candidate.endsWith(name) && candidate.charAt(length - 1) == '.' && tried.add(candidate.substring(0, length))) {
          String prefix = candidate.substring(0, length);
          if (2 * without.stream().filter(n -> all.contains(prefix + n)).count() > wanted) {
            return prefix;
          }
        }
      }
    }
    return "";
  }
}
