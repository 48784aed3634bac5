package dev.tenon.ir;

import java.util.List;

/**
 * What the inputs of a node of another system's operator are called there, kept in the node's metadata. ONNX knows inputs by their
 * position alone, and PyTorch leaves optional ones out of the middle.
 */
public final class ArgumentNames {
  private static final String KEY = "tenon.arguments";

  private ArgumentNames() {}

  /** Keeps the names of a node's inputs, in order. The elements of a list have the list's name with {@code []} behind it. */
  public static void set(Node node, List<String> names) {
    if (!names.isEmpty()) {
      node.metadata().put(KEY, String.join(" ", names));
    }
  }

  /** The names of a node's inputs, in order; empty if they are not known. */
  public static List<String> of(Node node) {
    String names = node.metadata().getOrDefault(KEY, "");
    List<String> list = names.isEmpty() ? List.of() : List.of(names.split(" "));
    return list.size() == node.inputs().size() ? list : List.of();
  }
}
