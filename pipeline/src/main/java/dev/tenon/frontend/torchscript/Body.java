package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Node;
import dev.tenon.ir.Value;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A piece of code interpreted into a graph of its own, the body of an {@code If} or {@code Loop}: what it leaves behind is collected, and
 * everything is then put back as it was before.
 */
final class Body {

  /** A value, and a copy of it as it was at the end of the body. */
  record Left(TorchValue original, TorchValue frozen) {
    static Left of(TorchValue v) {
      return new Left(v, Leaves.freeze(v));
    }
  }

  final Graph graph;
  /** Variables that were assigned. */
  final Map<String, Left> variables = new HashMap<>();
  /** Tensors that were written to, with their values at the end. */
  final Map<TorchTensor, Value> written = new LinkedHashMap<>();
  private final Map<TorchTensor, Value> before = new LinkedHashMap<>();
  /** Lists, dictionaries and objects that were changed, with what they hold at the end. */
  final Map<TorchValue, Map<Object, Left>> containers = new IdentityHashMap<>();
  /** What {@code return} gave, or null. */
  Left result;
  /** The exception that the body ends in whatever happens, or null. */
  RaiseSignal raised;

  private Body(Graph graph) {
    this.graph = graph;
  }

  /** Runs code in a new graph. The code may add inputs to the graph and change the frame's variables. */
  static Body run(Interpreter in, Frame frame, String name, Runnable code) {
    Onnx onnx = in.onnx();
    Graph outer = onnx.graph();
    Map<String, TorchValue> saved = frame.variables;
    frame.variables = new HashMap<>(saved);
    int mark = in.aten().mark();
    int journalMark = in.journal().begin();
    Body body = new Body(onnx.begin(name));
    try {
      code.run();
      body.collect(in, frame, saved, mark, journalMark);
    } catch (RaiseSignal e) {
      body.raised = e;
      body.before.putAll(in.aten().writtenSince(mark));
    }
    onnx.resume(outer);
    body.before.forEach(TorchTensor::restore);
    in.journal().undo(journalMark);
    frame.variables = saved;
    frame.result = null;
    return body;
  }

  private void collect(Interpreter in, Frame frame, Map<String, TorchValue> saved, int mark, int journalMark) {
    frame.variables.forEach((name, v) -> {
      if (v != saved.get(name)) {
        variables.put(name, Left.of(v));
      }
    });
    before.putAll(in.aten().writtenSince(mark));
    // A tensor that the body itself has made is not there outside of it.
    before.forEach((t, v) -> {
      if (isVisible(v, graph.parent())) {
        written.put(t, t.value());
      }
    });
    in.journal().changedSince(journalMark).forEach((container, content) -> {
      Map<Object, Left> slots = new LinkedHashMap<>();
      Leaves.slots(content).forEach((k, v) -> slots.put(k, Left.of(v)));
      containers.put(container, slots);
    });
    result = frame.result == null ? null : Left.of(frame.result);
  }

  private static boolean isVisible(Value v, Graph from) {
    for (Graph g = from; g != null; g = g.parent()) {
      if (v.graph() == g) {
        return true;
      }
    }
    return false;
  }

  /** Throws the graph away. */
  void discard() {
    discard(graph);
  }

  static void discard(Graph graph) {
    for (int i = graph.outputs().size() - 1; i >= 0; i--) {
      graph.removeOutput(i);
    }
    List<Node> nodes = graph.nodeList();
    for (int i = nodes.size() - 1; i >= 0; i--) {
      graph.remove(nodes.get(i));
    }
  }
}
