package dev.tenon.ir;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** The value names in use in a graph and its subgraphs, which ONNX wants to be different from each other. */
final class Names {
  private final Set<String> used = new HashSet<>();
  private final Map<String, Integer> counters = new HashMap<>();

  boolean claim(String name) {
    return used.add(name);
  }

  void release(String name) {
    used.remove(name);
  }

  String fresh(String prefix) {
    if (!prefix.isEmpty() && used.add(prefix)) {
      return prefix;
    }
    int n = counters.getOrDefault(prefix, 0);
    String name;
    do {
      name = prefix + "_" + ++n;
    } while (!used.add(name));
    counters.put(prefix, n);
    return name;
  }
}
