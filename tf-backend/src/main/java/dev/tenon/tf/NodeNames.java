package dev.tenon.tf;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Gives graph nodes names that TensorFlow accepts ({@code [A-Za-z0-9.][A-Za-z0-9_.\\/>-]*}) and that are different from each
 * other, also when case is ignored, as TensorFlow's own name scopes do.
 */
final class NodeNames {
  private final Set<String> used = new HashSet<>();
  private final Map<String, Integer> counters = new HashMap<>();

  /** The wished name, made legal, with {@code _1}, {@code _2}, … behind it if taken. */
  String unique(String wish) {
    String legal = legal(wish);
    String key = legal.toLowerCase(java.util.Locale.ROOT);
    if (used.add(key)) {
      return legal;
    }
    int n = counters.getOrDefault(key, 0);
    do {
      n++;
    } while (!used.add(key + "_" + n));
    counters.put(key, n);
    return legal + "_" + n;
  }

  /** Replaces what a node name must not hold; a path's empty parts are dropped. */
  static String legal(String wish) {
    StringBuilder b = new StringBuilder(wish.length());
    for (int i = 0; i < wish.length(); i++) {
      char c = wish.charAt(i);
      boolean letter = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9';
      if (c == '/' && (b.length() == 0 || b.charAt(b.length() - 1) == '/')) {
        continue;
      }
      b.append(letter || c == '.' || c == '/' || c == '_' || c == '-' ? c : '_');
    }
    while (b.length() > 0 && b.charAt(b.length() - 1) == '/') {
      b.setLength(b.length() - 1);
    }
    if (b.length() == 0 || b.charAt(0) == '_' || b.charAt(0) == '-') {
      b.insert(0, 'n');
    }
    return b.toString();
  }
}
