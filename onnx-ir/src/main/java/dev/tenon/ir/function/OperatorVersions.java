package dev.tenon.ir.function;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * When ONNX's own operators changed, and whether a node written for one opset means the same in another. The table,
 * {@code operator-versions.txt}, is made from the standard's schemas.
 */
final class OperatorVersions {
  private static final OperatorVersions TABLE = load();

  private record Change(int opset, char kind) {}

  private final Map<String, List<Change>> changes = new HashMap<>();

  private OperatorVersions() {}

  /** True if a node of this operator, written for opset {@code from}, means the same in opset {@code to}. */
  static boolean meansTheSame(String opType, int from, int to) {
    List<Change> all = TABLE.changes.get(opType);
    if (all == null) {
      return false;
    }
    for (Change c : all) {
      boolean newer = c.opset > from && c.opset <= to && c.kind == 'b';
      // A node of the newer opset may use an addition; and it must exist in the older one at all.
      boolean older = c.opset > to && c.opset <= from && c.kind != 't';
      if (newer || older) {
        return false;
      }
    }
    return true;
  }

  private static OperatorVersions load() {
    OperatorVersions table = new OperatorVersions();
    try (InputStream in = OperatorVersions.class.getResourceAsStream("operator-versions.txt");
        BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.startsWith("#")) {
          table.add(line.split(" "));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return table;
  }

  private void add(String[] words) {
    List<Change> list = new ArrayList<>(List.of(new Change(Integer.parseInt(words[1]), 'b')));
    for (int i = 2; i < words.length; i++) {
      String w = words[i];
      list.add(new Change(Integer.parseInt(w.substring(0, w.length() - 1)), w.charAt(w.length() - 1)));
    }
    changes.put(words[0], list);
  }
}
