package dev.tenon.tf.custom;

import dev.tenon.ir.diag.BadInputException;
import java.util.Locale;
import java.util.Set;

/** Names that TensorFlow and C take for those that a source has. */
final class Identifiers {
  /** C's and C++'s words, and the names that generated code uses for itself. */
  private static final Set<String> TAKEN = Set.of("auto", "bool", "break", "case", "catch", "char", "class", "const", "continue", "default",
      "delete", "do", "double", "else", "enum", "explicit", "extern", "false", "float", "for", "friend", "goto", "if", "inline", "int",
          "long",
      "namespace", "new", "operator", "private", "protected", "public", "register", "restrict", "return", "short", "signed", "sizeof",
          "static",
      "struct", "switch", "template", "this", "throw", "true", "try", "typedef", "typename", "union", "unsigned", "using", "virtual",
          "void",
      "volatile", "while", "and", "or", "not", "xor", "args", "call", "shapes", "name", "index", "main");

  private Identifiers() {}

  static boolean isIdentifier(String name) {
    return name.matches("[A-Za-z_][A-Za-z0-9_]*");
  }

  /** {@code com.example::soft_threshold} is {@code ComExampleSoftThreshold}. */
  static String tensorFlowName(String operator) {
    StringBuilder b = new StringBuilder();
    for (String word : operator.split("[^A-Za-z0-9]+")) {
      if (!word.isEmpty()) {
        b.append(Character.toUpperCase(word.charAt(0))).append(word.substring(1));
      }
    }
    if (!isTensorFlowName(b.toString())) {
      throw new BadInputException("operator " + operator + ": no name for TensorFlow can be made of it"
          + (b.isEmpty() ? "" : " ('" + b + "' is none)")
          + "; expected letters and digits, a letter first; give it one with 'op:' in ops.yaml");
    }
    return b.toString();
  }

  /** As {@code REGISTER_OP} takes it, without namespaces. */
  static boolean isTensorFlowName(String name) {
    return name.matches("[A-Z][A-Za-z0-9_]*");
  }

  /** {@code SoftThreshold2D} is {@code soft_threshold2_d}, as TensorFlow names its Python functions. */
  static String snakeCase(String tensorFlowName) {
    return tensorFlowName.replaceAll("([a-z0-9])([A-Z])", "$1_$2").replaceAll("([A-Z]+)([A-Z][a-z])", "$1_$2").toLowerCase(Locale.ROOT);
  }

  /** A name for an input or output, in C and in TensorFlow. */
  static String port(String name, Set<String> used) {
    return unique(legal(name).toLowerCase(Locale.ROOT), used);
  }

  /** A name for an attribute, in C and in TensorFlow; always the same for the same name. */
  static String attribute(String name) {
    return legal(name);
  }

  static String unique(String wish, Set<String> used) {
    String name = wish;
    for (int n = 2; !used.add(name); n++) {
      name = wish + "_" + n;
    }
    return name;
  }

  private static String legal(String name) {
    String n = name.replaceAll("[^A-Za-z0-9_]", "_");
    if (!n.matches("[A-Za-z].*")) {
      n = "x" + (n.startsWith("_") ? "" : "_") + n;
    }
    return TAKEN.contains(n) ? n + "_" : n;
  }
}
