package dev.tenon.ir.layout;

import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * Values that control flow ties to one layout: the results of both branches and that of the {@code If}; what a loop is given, what its
 * body is given and gives back, and what the loop gives.
 *
 * @param reads values outside or inside that are handed over: input {@code index} of the owner, or output {@code index} of a body
 * @param writes inputs of bodies and outputs of the owner
 */
record Boundary(Node owner, List<Handover> reads, List<Value> writes) {

  /**
   * A value that is read for the boundary.
   *
   * @param body null if it is an input of the owner
   */
  record Handover(Graph body, int index) {
    Value value(Node owner) {
      return body == null ? owner.input(index) : body.outputs().get(index);
    }
  }

  /** The boundaries of an {@code If}, a {@code Loop} or a {@code Scan} (of opset 9 or later); none for other nodes. */
  static List<Boundary> of(Node n, int opset) {
    List<Boundary> all = new ArrayList<>();
    if (!isWhole(n)) {
      return all;
    }
    if (n.isOp("If")) {
      for (int i = 0; i < n.outputs().size(); i++) {
        List<Handover> reads = new ArrayList<>();
        for (Graph g : n.subgraphs()) {
          reads.add(new Handover(g, i));
        }
        add(all, n, reads, n.output(i));
      }
    } else if (n.isOp("Loop")) {
      Graph body = n.graphAttr("body");
      for (int i = 2; i < n.inputs().size(); i++) {
        add(all, n, List.of(new Handover(null, i), new Handover(body, i - 1)), body.inputs().get(i), n.output(i - 2));
      }
    } else if (n.isOp("Scan") && opset >= 9) {
      Graph body = n.graphAttr("body");
      int states = n.inputs().size() - (int) n.intAttr("num_scan_inputs", 0);
      for (int i = 0; i < states; i++) {
        add(all, n, List.of(new Handover(null, i), new Handover(body, i)), body.inputs().get(i), n.output(i));
      }
    }
    return all;
  }

  /** False for nodes whose bodies lack what they are handed, which the standard does not allow and files may hold. */
  private static boolean isWhole(Node n) {
    if (n.isOp("If")) {
      return n.subgraphs().stream().allMatch(g -> g.outputs().size() >= n.outputs().size());
    }
    if (!n.isOp("Loop") && !n.isOp("Scan")) {
      return true;
    }
    Graph body = n.graphAttr("body");
    int handed = n.inputs().size();
    long scanned = n.isOp("Loop") ? 0 : n.intAttr("num_scan_inputs", 0);
    int results = n.isOp("Loop") ? handed - 1 : handed - (int) scanned;
    return body != null && scanned >= 0 && scanned <= handed && body.inputs().size() >= handed && body.outputs().size() >= results;
  }

  private static void add(List<Boundary> all, Node owner, List<Handover> reads, Value... writes) {
    List<Value> written = new ArrayList<>();
    for (Value v : writes) {
      if (v != null) {
        written.add(v);
      }
    }
    if (reads.stream().allMatch(h -> h.value(owner) != null)) {
      all.add(new Boundary(owner, reads, written));
    }
  }
}
