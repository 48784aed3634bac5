package dev.tenon.convert;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.ir.layout.ChannelsLast;
import dev.tenon.ir.layout.Remaining;
import dev.tenon.json.Json;

/** What the layout came to, as JSON: each transpose that is left with its bytes, its place and why it stays. */
final class LayoutReport {
  private LayoutReport() {}

  static ObjectNode toJson(ChannelsLast.Result layout) {
    ObjectNode o = Json.object();
    o.put("channels_last_operators", layout.assigned()).put("open_choices", layout.choices());
    o.put("moved_bytes", layout.movedBytes()).put("lower_bound_bytes", layout.bound()).put("optimal", layout.isOptimal());
    if (layout.frustrated() > 0) {
      o.put("costs_at_odds", layout.frustrated());
    }
    ArrayNode all = o.putArray("transposes");
    for (Remaining r : layout.remaining()) {
      ObjectNode n = all.addObject().put("value", r.value());
      n.set("perm", Json.numbers(r.perm().stream().mapToLong(Integer::longValue).toArray()));
      n.put("shape", Converter.withoutCounters(r.shape().toString())).put("bytes", r.bytes()).put("estimate", r.isEstimate());
      n.put("place", r.place()).put("reason", r.reason());
    }
    return o;
  }
}
