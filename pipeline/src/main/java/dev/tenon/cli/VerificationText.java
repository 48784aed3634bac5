package dev.tenon.cli;

import dev.tenon.verify.LayerReport;
import dev.tenon.verify.LayerReport.Layer;
import dev.tenon.verify.VerifyReport;
import dev.tenon.verify.VerifyReport.OutputResult;
import dev.tenon.verify.VerifyReport.Trial;
import java.util.ArrayList;
import java.util.List;

/** A verification as text. */
final class VerificationText {
  private static final int WORST_LAYERS = 10;
  /** Skipped sizes are named one by one only if they are few. */
  private static final int SKIPPED_SHOWN = 3;

  private VerificationText() {}

  static void print(VerifyReport report, Terminal terminal) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("size", "output", "max abs", "scaled", "cosine", report.reference().name(), report.subject(), ""));
    for (Trial t : report.trials()) {
      boolean first = true;
      for (OutputResult o : t.outputs()) {
        rows.add(List.of(first ? t.sizeText() + (t.recorded() ? " (recorded)" : "") : "", o.name(), Texts.error(o.error().maxAbsolute()), Texts.error(o.error().scaled()),
            Texts.error(o.error().cosine()), first ? Texts.millis(t.referenceMillis()) : "",
            first ? Texts.millis(t.subjectMillis()) : "", verdict(o)));
        first = false;
      }
    }
    if (rows.size() > 1) {
      Texts.table("  ", rows).forEach(terminal::result);
    }
    List<Trial> skipped = report.trials().stream().filter(t -> !t.skipped().isEmpty()).toList();
    for (Trial t : skipped.subList(0, terminal.verbose() ? skipped.size() : Math.min(SKIPPED_SHOWN, skipped.size()))) {
      terminal.result("  " + t.sizeText() + " skipped: " + report.reference().name() + ": " + t.skipped());
    }
    if (skipped.size() > SKIPPED_SHOWN && !terminal.verbose()) {
      terminal.result("  " + (skipped.size() - SKIPPED_SHOWN) + " more sizes skipped that " + report.reference().name() + " refuses");
    }
    if (!report.reference().remark().isEmpty()) {
      terminal.result("  " + report.reference().remark());
    }
    if (report.layers() != null) {
      printLayers(report.layers(), terminal);
    }
  }

  private static String verdict(OutputResult o) {
    if (o.ok()) {
      return "ok";
    }
    String why = o.error().problem().isEmpty() ? "more than " + Texts.error(o.tolerance()) : o.error().problem();
    return "MISMATCH: " + why
        + (Double.isNaN(o.unoptimized()) ? "" : "; against ONNX Runtime without optimizations " + Texts.error(o.unoptimized())) + blame(o);
  }

  /** Which half is wrong, where the source passed through an ONNX model of our own. */
  private static String blame(OutputResult o) {
    return switch (o.blame()) {
      case "lowering" -> "; the exported ONNX model differs too: " + (o.lowering().problem().isEmpty()
          ? "scaled error " + Texts.error(o.lowering().scaled()) : o.lowering().problem());
      case "TensorFlow" -> "; the exported ONNX model agrees, it is TensorFlow that differs";
      default -> "";
    };
  }

  private static void printLayers(LayerReport report, Terminal terminal) {
    terminal.result("");
    terminal.result(report.layers().size() + " of " + report.sourceValues() + " intermediate values compared"
        + report.firstDivergence().map(l -> "; the first that diverges is").orElse("; none diverges"));
    report.firstDivergence().ifPresent(l -> terminal.result("  " + l.node() + (l.module().isEmpty() ? "" : " (" + l.module() + ")") + ": "
        + l.op() + ", value " + l.value() + ", tensor " + l.tensor() + ": "
        + (l.error().problem().isEmpty() ? "scaled error " + Texts.error(l.error().scaled()) : l.error().problem())));
    terminal.result("");
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of(terminal.verbose() ? "all, in order" : "the worst", "operator", "max abs", "scaled", "cosine", "tensor"));
    for (Layer l : terminal.verbose() ? report.layers() : report.worst(WORST_LAYERS)) {
      rows.add(List.of(l.value(), l.op(), Texts.error(l.error().maxAbsolute()), Texts.error(l.error().scaled()),
          Texts.error(l.error().cosine()), l.tensor() + (l.ok() ? "" : "  DIVERGES " + l.error().problem())));
    }
    if (rows.size() > 1) {
      Texts.table("  ", rows).forEach(terminal::result);
    }
  }

  /** The result in a line. */
  static String summary(VerifyReport report) {
    if (!report.note().isEmpty()) {
      return report.note();
    }
    long sizes = report.ranTrials();
    String at = " at " + Texts.plural(sizes, "size");
    if (report.ok()) {
      return "agrees with " + report.reference().name() + at + ": scaled error " + Texts.error(report.worst());
    }
    for (Trial t : report.trials()) {
      for (OutputResult o : t.outputs()) {
        if (!o.ok()) {
          return "differs from " + report.reference().name() + ": output " + o.name() + " at " + t.sizeText() + ": " + (o.error().problem().isEmpty()
              ? "scaled error " + Texts.error(o.error().scaled()) + ", at most " + Texts.error(o.tolerance()) + " is allowed"
              : o.error().problem()) + (o.blame().equals("lowering") ? " (so does the exported ONNX model)" : "");
        }
      }
    }
    return "not verified";
  }
}
