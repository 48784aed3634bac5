package dev.tenon.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Numbers, times and tables as people like to read them. */
final class Texts {
  private Texts() {}

  /** {@code 98.2 MB}; a thousand, not 1024. */
  static String bytes(long n) {
    if (n < 1000) {
      return n + " B";
    }
    String[] units = {"kB", "MB", "GB", "TB"};
    double v = n / 1000.0;
    int u = 0;
    while (v >= 999.95 && u < units.length - 1) {
      v /= 1000;
      u++;
    }
    return String.format(Locale.ROOT, v < 10 ? "%.2f %s" : "%.1f %s", v, units[u]);
  }

  /** {@code 25,557,032}. */
  static String count(long n) {
    return String.format(Locale.ROOT, "%,d", n);
  }

  /** {@code 1 node}, {@code 3 nodes}. */
  static String plural(long n, String one) {
    return count(n) + " " + one + (n == 1 ? "" : one.endsWith("s") ? "es" : "s");
  }

  /** {@code 1.2e-07}; {@code 0} and {@code -} for zero and NaN. */
  static String error(double e) {
    return Double.isNaN(e) ? "-" : e == 0 ? "0" : String.format(Locale.ROOT, "%.1e", e);
  }

  static String millis(double ms) {
    if (Double.isNaN(ms)) {
      return "-";
    }
    return ms < 10 ? String.format(Locale.ROOT, "%.2f ms", ms) : ms < 1000 ? Math.round(ms) + " ms" : seconds(ms);
  }

  static String seconds(double ms) {
    return String.format(Locale.ROOT, "%.2f s", ms / 1000);
  }

  /** Rows with their columns aligned and two spaces between; the last column is as wide as it likes. */
  static List<String> table(String indent, List<List<String>> rows) {
    List<Integer> widths = new ArrayList<>();
    for (List<String> row : rows) {
      for (int i = 0; i < row.size(); i++) {
        if (i >= widths.size()) {
          widths.add(0);
        }
        widths.set(i, Math.max(widths.get(i), row.get(i).length()));
      }
    }
    List<String> lines = new ArrayList<>();
    for (List<String> row : rows) {
      StringBuilder b = new StringBuilder(indent);
      for (int i = 0; i < row.size(); i++) {
        boolean number = i < row.size() - 1 && row.get(i).matches("[\\d,.]+( [kMGT]?B)?|[\\d.]+e-?\\d+|[\\d.]+ m?s");
        int pad = widths.get(i) - row.get(i).length();
        b.append(number ? " ".repeat(pad) : "").append(row.get(i)).append(number ? "" : " ".repeat(pad)).append("  ");
      }
      lines.add(b.toString().stripTrailing());
    }
    return lines;
  }
}
