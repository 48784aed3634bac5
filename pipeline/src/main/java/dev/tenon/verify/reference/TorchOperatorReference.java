package dev.tenon.verify.reference;

import dev.tenon.frontend.TemporaryPath;
import dev.tenon.frontend.aten.Schema;
import dev.tenon.frontend.torchscript.ForwardSignature;
import dev.tenon.ir.ArgumentNames;
import dev.tenon.ir.Attribute;
import dev.tenon.ir.Node;
import dev.tenon.ir.Tensor;
import dev.tenon.verify.reference.ScriptArchive.Method;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** One PyTorch operator in libtorch: that of a node, with the node's attributes as arguments. */
public final class TorchOperatorReference implements AutoCloseable {
  private final TemporaryPath folder;
  private final LibtorchReference libtorch;

  private TorchOperatorReference(TemporaryPath folder, LibtorchReference libtorch) {
    this.folder = folder;
    this.libtorch = libtorch;
  }

  /**
   * Prepares a node's operator.
   *
   * @param schema PyTorch's, to tell booleans from integers; null if it is not known
   * @param libraries that register the operator
   * @throws ReferenceFailure if libtorch does not know the operator, or not with these arguments
   */
  public static TorchOperatorReference open(Node node, Schema schema, List<Path> libraries, Consumer<String> log) {
    List<String> inputs = new ArrayList<>();
    for (int i = 0; i < node.inputs().size(); i++) {
      inputs.add("x" + i);
    }
    String result = node.outputs().size() == 1 ? "Tensor" : "Tuple[" + String.join(", ",
        node.outputs().stream().map(v -> "Tensor").toList()) + "]";
    Method forward = Method.forward(inputs.stream().map(n -> n + ": Tensor").toList(), result, List.of("return " + call(node, schema)));
    TemporaryPath folder = null;
    try {
      folder = TemporaryPath.create("tenon-operator");
      Path archive = folder.path().resolve("operator.pt");
      try (OutputStream out = Files.newOutputStream(archive)) {
        ScriptArchive.write(out, List.of(forward));
      }
      return new TorchOperatorReference(folder, LibtorchReference.open(archive,
          new LibtorchReference.Options(ForwardSignature.ofTensors(inputs), List.of(), Set.of(), 1, libraries), log));
    } catch (IOException e) {
      throw ReferenceFailure.unusable("no room for a model of the operator: " + e.getMessage(), e);
    } catch (RuntimeException e) {
      folder.close();
      throw e;
    }
  }

  /** {@code ops.shrinkage.soft(x=x0, threshold=x1, gain=1.5)}; what has no name stands first, in its order. */
  private static String call(Node node, Schema schema) {
    Map<String, String> arguments = new LinkedHashMap<>();
    List<String> names = ArgumentNames.of(node);
    for (int i = 0; i < node.inputs().size(); i++) {
      String name = names.isEmpty() ? "arg" + i : names.get(i);
      String tensor = "x" + i;
      if (name.endsWith("[]")) {
        arguments.merge(name.substring(0, name.length() - 2), "[" + tensor + "]", (list, one) -> list.substring(0, list.length() - 1)
            + ", " + tensor + "]");
      } else {
        arguments.put(name, tensor);
      }
    }
    node.attributes().forEach(a -> arguments.put(a.name(), literal(a, schema)));
    List<String> positional = arguments.keySet().stream().filter(TorchOperatorReference::isPosition)
        .sorted(Comparator.comparingInt(n -> Integer.parseInt(n.substring("arg".length())))).map(arguments::get).toList();
    List<String> all = new ArrayList<>(positional);
    arguments.forEach((name, value) -> {
      if (!isPosition(name)) {
        all.add(name + "=" + value);
      }
    });
    return "ops." + node.domain() + "." + node.opType() + "(" + String.join(", ", all) + ")";
  }

  private static boolean isPosition(String name) {
    return name.matches("arg\\d{1,4}");
  }

  private static String literal(Attribute a, Schema schema) {
    int at = schema == null ? -1 : schema.indexOf(a.name());
    String type = at < 0 ? "" : schema.parameters().get(at).type().base();
    Object v = a.value();
    if (v instanceof Long l) {
      return type.equals("bool") ? l != 0 ? "True" : "False" : type.equals("float") ? l + "." : String.valueOf(l);
    } else if (v instanceof Float f) {
      return String.format(Locale.ROOT, "%.9g", f);
    } else if (v instanceof String s) {
      return quoted(s);
    } else if (v instanceof long[] l) {
      List<String> all = new ArrayList<>();
      for (long e : l) {
        all.add(String.valueOf(e));
      }
      return list(all, "int");
    } else if (v instanceof float[] f) {
      List<String> all = new ArrayList<>();
      for (float e : f) {
        all.add(String.format(Locale.ROOT, "%.9g", e));
      }
      return list(all, "float");
    } else if (v instanceof List<?> strings && strings.stream().allMatch(String.class::isInstance)) {
      return list(strings.stream().map(s -> quoted((String) s)).toList(), type.isEmpty() ? "int" : type);
    }
    throw ReferenceFailure.unusable("libtorch takes no argument " + a.name() + " of kind " + a.kind(), null);
  }

  private static String list(List<String> elements, String type) {
    return elements.isEmpty() ? "annotate(List[" + type + "], [])" : "[" + String.join(", ", elements) + "]";
  }

  private static String quoted(String s) {
    StringBuilder b = new StringBuilder("\"");
    for (byte raw : s.getBytes(StandardCharsets.UTF_8)) {
      int c = raw & 0xff;
      b.append(c < 0x20 || c >= 0x7f || c == '"' || c == '\\' ? String.format(Locale.ROOT, "\\%03o", c) : String.valueOf((char) c));
    }
    return b.append('"').toString();
  }

  /** The outputs for the node's inputs, in order. */
  public List<Tensor> run(List<Tensor> inputs) {
    Map<String, Tensor> named = new LinkedHashMap<>();
    for (int i = 0; i < inputs.size(); i++) {
      named.put("x" + i, inputs.get(i));
    }
    return List.copyOf(libtorch.run(named).values());
  }

  @Override
  public void close() {
    libtorch.close();
    folder.close();
  }
}
