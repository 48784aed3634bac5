package dev.tenon.ir.io;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds the PyTorch module that a node came from: in the metadata that the dynamo exporter writes, or in the node names of the
 * TorchScript exporter.
 */
public final class ModulePaths {
  /** A Python list of the dotted paths of the modules around the node, outermost first, and last the node's own FX name. */
  public static final String NAME_SCOPES = "pkg.torch.onnx.name_scopes";
  /** {@code path: class/path: class/…/name: target}, outermost first; the same information as text. */
  public static final String NAMESPACE = "namespace";
  /** The Python stack trace of the call, outermost frame first. */
  public static final String STACK_TRACE = "pkg.torch.onnx.stack_trace";

  /** The scope that torch.export gives to nodes which belong to no module. */
  private static final String NO_MODULE = "_empty_nn_module_stack_from_metadata_hook";
  private static final Pattern FRAME = Pattern.compile("File \"([^\"\\n]+)\", line (\\d+)");

  private ModulePaths() {}

  /**
   * The dotted module path, {@code layer1.0.conv1}; empty if nothing tells.
   *
   * @param nodeName the node's name in the file
   * @param metadata the node's {@code metadata_props}
   */
  public static String modulePath(String nodeName, Map<String, String> metadata) {
    List<String> scopes = List.of();
    if (metadata.containsKey(NAME_SCOPES)) {
      scopes = pythonList(metadata.get(NAME_SCOPES));
    } else if (metadata.containsKey(NAMESPACE)) {
      scopes = namespaceScopes(metadata.get(NAMESPACE));
    }
    for (int i = scopes.size() - 2; i >= 0; i--) {
      if (!scopes.get(i).isEmpty() && !scopes.get(i).equals(NO_MODULE)) {
        return scopes.get(i);
      }
    }
    return scopes.isEmpty() ? ofTorchScriptName(nodeName) : "";
  }

  /**
   * The module path in a name that the TorchScript exporter made: {@code /layer1/layer1.0/conv1/Conv} is in {@code layer1.0.conv1}.
   * A scope repeats the name of the container around it, and of that only: {@code /features/features.1/block/block.0/block.0.0/Conv}
   * is in {@code features.1.block.0.0}.
   */
  static String ofTorchScriptName(String nodeName) {
    if (!nodeName.startsWith("/")) {
      return "";
    }
    String[] parts = nodeName.substring(1).split("/");
    String base = "";
    String last = "";
    for (int i = 0; i < parts.length - 1; i++) {
      if (last.isEmpty() || !parts[i].startsWith(last + ".")) {
        base = join(base, last);
      }
      last = parts[i];
    }
    return join(base, last);
  }

  private static String join(String a, String b) {
    return a.isEmpty() ? b : b.isEmpty() ? a : a + "." + b;
  }

  /** The innermost line of Python outside PyTorch itself, {@code /src/models/net.py:42}; empty if there is none. */
  public static String sourceLine(Map<String, String> metadata) {
    Matcher frames = FRAME.matcher(metadata.getOrDefault(STACK_TRACE, ""));
    String innermost = "";
    while (frames.find()) {
      String file = frames.group(1).replace('\\', '/');
      if (!file.contains("/site-packages/torch/") && !file.contains("/dist-packages/torch/") && !file.startsWith("<")
          && !file.startsWith("torch/")) {
        innermost = frames.group(1) + ":" + frames.group(2);
      }
    }
    return innermost;
  }

  private static List<String> namespaceScopes(String namespace) {
    List<String> scopes = new ArrayList<>();
    for (String part : namespace.split("/")) {
      int colon = part.indexOf(": ");
      scopes.add(colon < 0 ? part : part.substring(0, colon));
    }
    return scopes;
  }

  /** The strings of {@code ['', 'layer1', "it's"]}; empty for any other text. */
  private static List<String> pythonList(String text) {
    List<String> strings = new ArrayList<>();
    int at = text.indexOf('[') + 1;
    while (at > 0 && at < text.length() && text.charAt(at) != ']') {
      char quote = text.charAt(at++);
      if (quote != '\'' && quote != '"') {
        if (quote == ',' || quote == ' ') {
          continue;
        }
        return List.of();
      }
      StringBuilder one = new StringBuilder();
      while (at < text.length() && text.charAt(at) != quote) {
        if (text.charAt(at) == '\\' && at + 1 < text.length()) {
          at++;
        }
        one.append(text.charAt(at++));
      }
      at++;
      strings.add(one.toString());
    }
    return strings;
  }
}
