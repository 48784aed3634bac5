package dev.tenon.frontend.torchscript;

import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchDict;
import dev.tenon.frontend.aten.TorchNone;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Value;
import dev.tenon.ir.diag.Diagnostic;
import dev.tenon.ir.diag.Diagnostics;
import dev.tenon.ir.diag.Severity;
import java.util.ArrayList;
import java.util.List;

/**
 * The outputs of the graph: the tensors and numbers in what {@code forward} returns, in order. They are named by the keys of dictionaries
 * and the fields of named tuples that they are in, else {@code output}, {@code output_1}.
 */
final class Outputs {
  private static final int MAX_OUTPUTS = 10_000;

  private final Onnx onnx;
  private final Diagnostics diagnostics;
  private final List<Value> taken = new ArrayList<>();

  Outputs(Onnx onnx, Diagnostics diagnostics) {
    this.onnx = onnx;
    this.diagnostics = diagnostics;
  }

  void add(TorchValue returned) {
    add(returned, "");
  }

  private void add(TorchValue v, String name) {
    List<TorchValue> elements = Values.elements(v);
    if (v instanceof TorchTensor t) {
      output(t.value(), name);
    } else if (v instanceof TorchScalar s) {
      output(s.scalar(onnx), name);
    } else if (v instanceof TorchDict d) {
      d.entries().forEach((k, e) -> add(e, joined(name, TextBuiltins.show(k))));
    } else if (v instanceof Values.NamedTuple t) {
      for (int i = 0; i < t.elements().size(); i++) {
        add(t.elements().get(i), joined(name, t.type().def().fields().get(i).name()));
      }
    } else if (v instanceof Values.Future f) {
      add(f.value(), name);
    } else if (elements != null) {
      elements.forEach(e -> add(e, name));
    } else if (v instanceof RuntimeList l) {
      output(l.stacked(), name);
    } else if (v instanceof Values.Unknown u) {
      if (!u.reported()) {
        diagnostics.add(new Diagnostic(Severity.ERROR, "unsupported-torch-operator", name, "", "an output is " + u.why(), ""));
      }
    } else if (v != TorchNone.NONE) {
      diagnostics.add(new Diagnostic(Severity.WARNING, "output-dropped", name, "",
          "an output that is " + Values.describe(v) + " is left out; tensors and numbers are kept", ""));
    }
  }

  private static String joined(String outer, String inner) {
    return outer.isEmpty() ? inner : outer + "." + inner;
  }

  private void output(Value v, String wish) {
    if (taken.size() >= MAX_OUTPUTS) {
      return;
    }
    Graph g = onnx.model().graph();
    // A graph may not hand out its inputs and constants, nor one value twice.
    Value own = v.producer() == null || taken.contains(v) ? onnx.op("Identity", v) : v;
    taken.add(own);
    String name = wish.isEmpty() ? "output" : wish;
    String free = g.freshName(name);
    g.rename(own, free);
    g.addOutput(own);
  }
}
