package dev.tenon.frontend.aten;

import dev.tenon.ir.Model;
import java.util.Map;
import java.util.TreeMap;

/** The PyTorch operators that a model was lowered from, which its metadata keeps. */
public final class TorchOperators {
  private static final String KEY = "tenon.torch_operators";

  private TorchOperators() {}

  static void write(Map<String, Integer> calls, Model model) {
    model.metadata().put(KEY, String.join(" ", calls.entrySet().stream().map(e -> e.getKey() + "=" + e.getValue()).toList()));
  }

  /** Operator, {@code aten::conv2d}, to the number of calls; empty for a model that was not lowered. */
  public static Map<String, Integer> of(Model model) {
    Map<String, Integer> calls = new TreeMap<>();
    for (String entry : model.metadata().getOrDefault(KEY, "").split(" ")) {
      int equals = entry.lastIndexOf('=');
      if (equals > 0 && entry.substring(equals + 1).matches("\\d{1,9}")) {
        calls.put(entry.substring(0, equals), Integer.parseInt(entry.substring(equals + 1)));
      }
    }
    return calls;
  }
}
