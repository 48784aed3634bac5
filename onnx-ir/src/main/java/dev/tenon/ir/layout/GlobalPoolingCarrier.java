package dev.tenon.ir.layout;

import dev.tenon.ir.Node;
import dev.tenon.ir.NodeBuilder;
import dev.tenon.ir.Value;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.LongStream;

/** Global pools, which are reductions: in channels-first order they become those. */
final class GlobalPoolingCarrier implements Carrier {
  private static final Map<String, String> REDUCTIONS = Map.of("GlobalAveragePool", "ReduceMean", "GlobalMaxPool", "ReduceMax");

  static void register(Carriers carriers) {
    GlobalPoolingCarrier carrier = new GlobalPoolingCarrier();
    REDUCTIONS.keySet().forEach(op -> carriers.op(op, carrier));
  }

  @Override
  public Frame frame(Node n, Function<Value, Roles> known) {
    int rank = n.input(0) == null ? -1 : n.input(0).rank();
    return rank < 3 || rank > 5 ? null : Frame.of(n).input(0, Roles.channelsFirst(rank)).output(0, Roles.channelsFirst(rank));
  }

  @Override
  public Node rebuild(Rebuild r) {
    Node n = r.node();
    Value x = r.in(0);
    int rank = x.rank();
    if (r.layout() == Layout.CHANNELS_LAST) {
      return r.rebuild(n.opType() + (rank - 2) + "D", ChannelsLastOps.DOMAIN, java.util.List.of(x));
    }
    long[] axes = LongStream.range(2, rank).toArray();
    NodeBuilder b = r.graph().newNode(REDUCTIONS.get(n.opType())).name(n.name()).provenance(n.provenance());
    b = r.opset() < 18 ? b.inputs(x).attr("axes", axes) : b.inputs(x, r.vector("axes", axes));
    return b.attr("keepdims", 1).output(n.output().name()).insertBefore(n);
  }
}
