package dev.tenon.tf.export;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;

/** Makes names legal where TensorFlow or Python restrict them, and keeps them apart. */
final class UniqueNames {

  /**
   * Names a Python function's parameter cannot have, or that the loaded object's own call takes ({@code instance}), or that
   * make a loader take the function for a method ({@code self}).
   */
  private static final Set<String> NOT_PARAMETERS = Set.of(
      "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif",
      "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or",
      "pass", "raise", "return", "try", "while", "with", "yield", "instance", "self");

  private final Set<String> used = new HashSet<>();

  UniqueNames() {}

  UniqueNames(Iterable<String> taken) {
    taken.forEach(used::add);
  }

  /** {@code name}, or it with the first of {@code _1}, {@code _2}, … that is still free. */
  String unique(String name) {
    String candidate = name;
    for (int i = 1; !used.add(candidate); i++) {
      candidate = name + "_" + i;
    }
    return candidate;
  }

  /**
   * Distinct legal names for all of {@code names}, which are distinct; the legal ones keep theirs.
   *
   * @return original to legal, in the order given
   */
  static Map<String, String> legalise(List<String> names, UnaryOperator<String> legal) {
    if (Set.copyOf(names).size() != names.size()) {
      throw new IllegalArgumentException("A name is given twice among " + names);
    }
    UniqueNames scope = new UniqueNames(names.stream().filter(n -> legal.apply(n).equals(n)).toList());
    Map<String, String> result = new LinkedHashMap<>();
    for (String name : names) {
      String candidate = legal.apply(name);
      result.put(name, candidate.equals(name) ? name : scope.unique(candidate));
    }
    return result;
  }

  /** A signature's input, which is a Python parameter as well: {@code [a-zA-Z][a-zA-Z0-9_]*} and no keyword. */
  static String parameter(String name) {
    String legal = wordCharacters(name);
    if (legal.isEmpty() || !isLetter(legal.charAt(0))) {
      legal = "arg_" + legal;
    }
    return NOT_PARAMETERS.contains(legal) ? legal + "_" : legal;
  }

  /** A signature's output, a key of a dictionary: {@code [a-zA-Z0-9_]+}. */
  static String output(String name) {
    return name.isEmpty() ? "output" : wordCharacters(name);
  }

  /** An argument of a FunctionDef, in the form TensorFlow's own have: {@code [a-z][a-z0-9_]*}. */
  static String argument(String name) {
    String legal = wordCharacters(name).toLowerCase(Locale.ROOT);
    return legal.isEmpty() || !isLetter(legal.charAt(0)) ? "arg_" + legal : legal;
  }

  /**
   * A node of a graph or a variable: {@code [A-Za-z0-9.][A-Za-z0-9_.\\/>-]*}. TensorFlow makes a name scope of a variable's name
   * when it is copied, so the same holds for it. What cannot be in front is left out: {@code _conv_stem} is {@code conv_stem}.
   */
  static String node(String name) {
    String legal = name.replaceAll("[^A-Za-z0-9_.\\\\/>-]", "_").replaceFirst("^[^A-Za-z0-9.]+", "");
    return legal.isEmpty() ? "unnamed" : legal;
  }

  private static String wordCharacters(String name) {
    return name.replaceAll("[^A-Za-z0-9_]", "_");
  }

  private static boolean isLetter(char c) {
    return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z';
  }
}
