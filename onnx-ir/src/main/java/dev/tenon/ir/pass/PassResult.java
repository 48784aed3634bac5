package dev.tenon.ir.pass;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a pass changed.
 *
 * @param counts what was done (a rule's name, {@code removed-nodes}) to how often; entries of zero are left out
 */
public record PassResult(Map<String, Integer> counts) {
  public static final PassResult UNCHANGED = new PassResult(Map.of());

  public PassResult {
    Map<String, Integer> positive = new LinkedHashMap<>();
    counts.forEach((what, n) -> {
      if (n > 0) {
        positive.put(what, n);
      }
    });
    counts = Collections.unmodifiableMap(positive);
  }

  public static PassResult of(String what, int count) {
    return new PassResult(Map.of(what, count));
  }

  public boolean changed() {
    return !counts.isEmpty();
  }

  public int total() {
    return counts.values().stream().mapToInt(Integer::intValue).sum();
  }

  public int count(String what) {
    return counts.getOrDefault(what, 0);
  }

  /** The counts of both, added up. */
  public PassResult plus(PassResult other) {
    Map<String, Integer> sum = new LinkedHashMap<>(counts);
    other.counts.forEach((what, n) -> sum.merge(what, n, Integer::sum));
    return new PassResult(sum);
  }
}
