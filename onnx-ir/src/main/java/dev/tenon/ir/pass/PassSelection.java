package dev.tenon.ir.pass;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The value of {@code --passes}: a comma-separated list. {@code default} stands for all passes that run by default, {@code none}
 * for no pass, a name or {@code +name} adds a pass, {@code -name} takes one away; from left to right. A list that begins with
 * {@code +} or {@code -} begins from {@code default}, so {@code -fold-batch-norm} is everything but that, while
 * {@code dead-code,no-ops} is those two alone. The order of running is that of {@link Passes#all()}, always.
 */
public record PassSelection(List<String> terms) {

  public PassSelection {
    terms = List.copyOf(terms);
  }

  public static PassSelection parse(String text) {
    List<String> terms = new ArrayList<>();
    for (String term : text.split(",")) {
      if (!term.isBlank()) {
        terms.add(term.strip());
      }
    }
    return new PassSelection(terms);
  }

  /**
   * The selected ones of these passes, all of which run by default.
   *
   * @throws IllegalArgumentException naming the unknown pass and all known ones: an error in usage
   */
  public List<Pass> apply(Collection<Pass> all) {
    return apply(all, all.stream().map(Pass::name).collect(Collectors.toSet()));
  }

  /**
   * The selected ones of these passes.
   *
   * @param byDefault names of those that run by default
   * @throws IllegalArgumentException naming the unknown pass and all known ones: an error in usage
   */
  public List<Pass> apply(Collection<Pass> all, Set<String> byDefault) {
    Set<String> known = new LinkedHashSet<>();
    all.forEach(p -> known.add(p.name()));
    boolean relative = terms.isEmpty() || terms.get(0).startsWith("+") || terms.get(0).startsWith("-");
    Set<String> chosen = new LinkedHashSet<>(relative ? byDefault : Set.of());
    for (String term : terms) {
      boolean minus = term.startsWith("-");
      String name = minus || term.startsWith("+") ? term.substring(1) : term;
      if (name.equals("default")) {
        chosen.addAll(byDefault);
      } else if (name.equals("none")) {
        chosen.clear();
      } else if (!known.contains(name)) {
        throw new IllegalArgumentException("--passes: found '" + name + "', expected one of " + String.join(", ", known) + ", default, none");
      } else if (minus) {
        chosen.remove(name);
      } else {
        chosen.add(name);
      }
    }
    return all.stream().filter(p -> chosen.contains(p.name())).toList();
  }
}
