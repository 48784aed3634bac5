package dev.tenon.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.json.Json;
import dev.tenon.weights.PourPlan;
import dev.tenon.weights.PourPlan.CastNote;
import dev.tenon.weights.PourPlan.Kept;
import dev.tenon.weights.PourPlan.Mismatch;
import dev.tenon.weights.PourPlan.Missing;
import dev.tenon.weights.PourPlan.Stale;
import dev.tenon.weights.Recovery;
import dev.tenon.weights.Recovery.Found;
import dev.tenon.weights.Recovery.Lost;
import dev.tenon.weights.Recovery.Origin;
import dev.tenon.weights.WeightFile;
import dev.tenon.weights.WeightMapping;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/** What {@code tenon weights} says. */
final class WeightsText {
  /** Longer lists are cut, unless the user asked for all. */
  private static final int SHOWN = 20;

  private final Terminal terminal;
  private final boolean all;

  WeightsText(Terminal terminal, boolean all) {
    this.terminal = terminal;
    this.all = all;
  }

  private <T> void list(String title, List<T> items, Function<T, List<String>> row) {
    if (items.isEmpty()) {
      return;
    }
    terminal.result(title);
    int shown = all ? items.size() : Math.min(SHOWN, items.size());
    Texts.table("  ", items.subList(0, shown).stream().map(row).toList()).forEach(terminal::result);
    if (shown < items.size()) {
      terminal.result("  … and " + Texts.count(items.size() - shown) + " more (-v lists them)");
    }
  }

  // ---- --from ----

  void print(PourPlan plan, WeightFile checkpoint, Path changed) {
    if (changed != null) {
      long elements = plan.fills().stream().mapToLong(f -> f.tensor().numel()).sum();
      terminal.result(Texts.plural(plan.fills().size(), "variable") + " of " + changed + " filled from " + checkpoint.file() + ", "
          + Texts.count(elements) + " elements");
    }
    Map<String, List<CastNote>> casts = new TreeMap<>();
    plan.casts().forEach(c -> casts.computeIfAbsent(c.from() + " to " + c.to(), k -> new ArrayList<>()).add(c));
    casts.forEach((types, notes) -> terminal.result(Texts.plural(notes.size(), "tensor") + " converted from " + types));
    list("missing in the checkpoint", plan.missing(), m -> List.of(m.name(), m.type(), m.note()));
    list("unexpected, nothing is made of it", plan.unexpected(),
        n -> List.of(n, String.valueOf(checkpoint.tensors().get(n))));
    list("of another type or shape", plan.mismatched(), m -> List.of(m.name(), m.found(), "expected " + m.expected()));
    list("cannot be refreshed", plan.stale(), s -> List.of(s.name(), s.reason()));
    if (changed != null) {
      list("left as they were", plan.kept(), k -> List.of(k.variable(), k.reason()));
    }
    if (!plan.hint().isEmpty()) {
      terminal.result(plan.hint());
    }
    long madeUp = plan.missing().stream().filter(Missing::madeUp).count();
    if (madeUp > 0) {
      terminal.result((madeUp == 1 ? "1 of the missing names was" : Texts.count(madeUp) + " of the missing names were")
          + " made up when the model was exported to ONNX; a checkpoint cannot have them.");
      terminal.result("'tenon weights DIR --match CHECKPOINT -o mapping.json' proposes what they are, --map applies it.");
    }
  }

  /** What is wrong, in a line. */
  static String summary(PourPlan plan, WeightFile checkpoint, boolean partial) {
    List<String> parts = new ArrayList<>();
    count(parts, plan.missing().size(), "missing");
    count(parts, plan.unexpected().size(), "unexpected");
    count(parts, plan.mismatched().size(), "of another type or shape");
    count(parts, plan.kept().stream().filter(k -> !k.wanted() && k.reason().startsWith("no recipe")).count(), "without a recipe");
    if (!plan.stale().isEmpty()) {
      String first = plan.stale().get(0).name();
      parts.add((plan.stale().size() == 1 ? first : first + " and " + (plan.stale().size() - 1) + " more")
          + " cannot be refreshed without converting again");
    }
    boolean possible = !partial && !plan.fills().isEmpty();
    return checkpoint.file() + " does not fit, nothing was changed: " + String.join(", ", parts)
        + (possible ? "; --partial fills the " + Texts.plural(plan.fills().size(), "variable") + " that can be" : "");
  }

  private static void count(List<String> parts, long n, String what) {
    if (n > 0) {
      parts.add(Texts.count(n) + " " + what);
    }
  }

  static ObjectNode json(PourPlan plan, WeightFile checkpoint, Path changed) {
    ObjectNode o = Json.object().put("saved_model", changed == null ? null : changed.toString()).put("checkpoint", checkpoint.file())
        .put("sha256", checkpoint.sha256()).put("complete", plan.complete());
    o.set("filled", Json.strings(plan.fills().stream().map(f -> f.variable().name()).toList()));
    ArrayNode kept = o.putArray("kept");
    for (Kept k : plan.kept()) {
      kept.addObject().put("variable", k.variable()).put("reason", k.reason());
    }
    ArrayNode missing = o.putArray("missing");
    for (Missing m : plan.missing()) {
      missing.addObject().put("name", m.name()).put("expected", m.type()).put("made_up", m.madeUp()).put("note", m.note());
    }
    o.set("unexpected", Json.strings(plan.unexpected()));
    ArrayNode mismatched = o.putArray("mismatched");
    for (Mismatch m : plan.mismatched()) {
      mismatched.addObject().put("name", m.name()).put("found", m.found()).put("expected", m.expected());
    }
    ArrayNode stale = o.putArray("stale");
    for (Stale s : plan.stale()) {
      stale.addObject().put("name", s.name()).put("reason", s.reason());
    }
    ArrayNode casts = o.putArray("casts");
    for (CastNote c : plan.casts()) {
      casts.addObject().put("name", c.name()).put("from", c.from()).put("to", c.to());
    }
    return o.put("hint", plan.hint());
  }

  // ---- --to-torch ----

  void print(Recovery recovery, Path written) {
    if (written != null) {
      long elements = recovery.found().stream().mapToLong(f -> f.tensor().numel()).sum();
      terminal.result(Texts.plural(recovery.found().size(), "tensor") + " written to " + written + ", " + Texts.count(elements) + " elements");
    }
    list("taken from the base, the variables do not tell them", of(recovery, Origin.BASE), f -> List.of(f.name(), f.tensor().toString()));
    list("set to zero, another parameter holds the sum of the two", of(recovery, Origin.ZERO),
        f -> List.of(f.name(), f.tensor().toString()));
    list("not written, no variables", recovery.leftOut(), List::of);
    list("cannot be recovered", recovery.lost(), l -> List.of(l.name(), l.reason()));
  }

  private static List<Found> of(Recovery recovery, Origin origin) {
    return recovery.found().stream().filter(f -> f.origin() == origin).toList();
  }

  static ObjectNode json(Recovery recovery, Path written) {
    ObjectNode o = Json.object().put("file", written == null ? null : written.toString());
    ArrayNode found = o.putArray("tensors");
    for (Found f : recovery.found()) {
      found.addObject().put("name", f.name()).put("dtype", f.tensor().dtype().label())
          .put("origin", f.origin().name().toLowerCase(Locale.ROOT)).set("shape", Json.numbers(f.tensor().dims()));
    }
    ArrayNode lost = o.putArray("lost");
    for (Lost l : recovery.lost()) {
      lost.addObject().put("name", l.name()).put("reason", l.reason());
    }
    o.set("left_out", Json.strings(recovery.leftOut()));
    return o;
  }

  // ---- --match ----

  void print(WeightMapping mapping, Path written) {
    List<WeightMapping.Entry> matched = mapping.entries().stream().filter(e -> e.from() != null).toList();
    list("proposed", matched, e -> List.of(String.format(Locale.ROOT, "%.2f", e.confidence()), e.target(), e.from(), e.reason()));
    list("variables that nothing fits", mapping.entries().stream().filter(e -> e.from() == null).toList(),
        e -> List.of(e.target(), e.shape().toString().replace(" ", ""), e.reason()));
    list("tensors that fit nothing", mapping.unusedTensors(), List::of);
    terminal.result(Texts.plural(matched.size(), "line") + " in " + written + "; look them through, those of little confidence first, then: "
        + "tenon weights DIR --from CHECKPOINT --map " + written);
  }
}
