package dev.tenon.cli;

import dev.tenon.ir.layout.ChannelsLast;
import dev.tenon.ir.layout.Remaining;
import java.util.ArrayList;
import java.util.List;

/** What the layout came to, for people. */
final class LayoutText {
  private LayoutText() {}

  /** {@code 53 operators channels-last, 1 transpose left (602 kB), none could be saved}. */
  static String summary(ChannelsLast.Result r) {
    if (r.assigned() == 0 && r.transposesLeft() == 0) {
      return "nothing to choose, no transposes";
    }
    String bytes = r.transposesLeft() == 0 ? "" : " (" + (r.remaining().stream().anyMatch(Remaining::isEstimate) ? "about " : "")
        + Texts.bytes(r.remaining().stream().mapToLong(Remaining::bytes).sum()) + " a run)";
    String proof = r.isOptimal() ? r.transposesLeft() == 0 ? "" : ", the fewest bytes there can be"
        : ", at most " + Texts.bytes(r.movedBytes() - r.bound()) + " above the fewest";
    return Texts.plural(r.assigned(), "operator") + " channels-last, "
        + (r.transposesLeft() == 0 ? "no transposes" : Texts.plural(r.transposesLeft(), "transpose")) + " left" + bytes + proof;
  }

  /** A line for each transpose that is left. */
  static List<String> remaining(ChannelsLast.Result r) {
    List<List<String>> rows = new ArrayList<>();
    for (Remaining t : r.remaining()) {
      rows.add(List.of(t.value(), t.shape() + " by " + t.perm(), Texts.bytes(t.bytes()), t.place(), t.reason()));
    }
    List<String> lines = new ArrayList<>();
    if (!rows.isEmpty()) {
      lines.add("transposes left");
      lines.addAll(Texts.table("  ", rows));
    }
    return lines;
  }
}
