package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Graph;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Type;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.List;

/** An LSTM whose hidden state is projected to fewer elements, which ONNX's LSTM cannot do: a {@code Scan} over the steps. */
final class ProjectedLstm {
  private ProjectedLstm() {}

  /** A layer: [time, directions, batch, projected], and the last states. */
  static List<Value> layer(AtenCall c, List<RecurrentWeights> weights, Value x, Value lengths, List<Value> states) {
    if (lengths != null) {
      throw c.unsupported("packed sequences with proj_size");
    }
    Onnx o = c.onnx();
    List<List<Value>> results = List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    for (int d = 0; d < weights.size(); d++) {
      List<Value> one = direction(c, weights.get(d), x, o.squeeze(o.slice(states.get(0), 0, d, d + 1), 0),
          o.squeeze(o.slice(states.get(1), 0, d, d + 1), 0), d == 1);
      results.get(0).add(o.unsqueeze(one.get(2), 1));
      results.get(1).add(o.unsqueeze(one.get(0), 0));
      results.get(2).add(o.unsqueeze(one.get(1), 0));
    }
    return List.of(o.concat(1, results.get(0)), o.concat(0, results.get(1)), o.concat(0, results.get(2)));
  }

  /** The last hidden state, the last cell, and the hidden states of all steps. */
  private static List<Value> direction(AtenCall c, RecurrentWeights w, Value x, Value hidden, Value cell, boolean reverse) {
    Onnx o = c.onnx();
    Value products = o.op("MatMul", x, o.transpose(w.input(), 1, 0));
    products = w.inputBias() == null ? products : o.add(products, o.add(w.inputBias(), w.hiddenBias()));
    Value recurrent = o.transpose(w.hidden(), 1, 0);
    Value projection = o.transpose(w.projection(), 1, 0);
    long size = w.size(c, RecurrentKind.LSTM);
    Dim batch = hidden.shape().dim(0);

    Graph body = o.begin("step");
    Value h = body.addInput(body.freshName("hidden"), Type.tensor(x.dtype(), hidden.shape()));
    Value previous = body.addInput(body.freshName("cell"), Type.tensor(x.dtype(), cell.shape()));
    Value product = body.addInput(body.freshName("product"), Type.tensor(x.dtype(), Shape.of(batch, Dim.of(4 * size))));
    Value sum = o.add(product, o.op("MatMul", h, recurrent));
    List<Value> gates = o.node("Split").in(sum, o.vector(size, size, size, size)).attr("axis", 1).outs(4);
    List<Value> next = RecurrentCells.step(o, gates, previous);
    Value projected = o.op("MatMul", next.get(0), projection);
    body.addOutput(projected);
    body.addOutput(next.get(1));
    body.addOutput(o.op("Identity", projected));
    o.end();

    long[] directions = {reverse ? 1 : 0};
    return o.node("Scan").in(hidden, cell, products).attr("body", body).attr("num_scan_inputs", 1).attr("scan_input_directions", directions)
        .attr("scan_output_directions", directions).outs(3);
  }
}
