package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Value;
import java.util.Arrays;
import java.util.List;

/** Single steps of recurrent networks. */
final class RecurrentCells {
  private RecurrentCells() {}

  static void register(AtenOps ops) {
    ops.op("lstm_cell", RecurrentCells::lstm).op("gru_cell", RecurrentCells::gru);
    ops.op("rnn_tanh_cell", c -> simple(c, "Tanh")).op("rnn_relu_cell", c -> simple(c, "Relu"));
  }

  /** A product with a weight, and a bias. */
  private static Value linear(AtenCall c, TorchValue x, String weight, String bias) {
    return ((TorchTensor) c.call("aten::linear", x, c.get(weight), c.get(bias))).value();
  }

  private static List<Value> gates(AtenCall c, Value all, int count) {
    Dim rows = c.tensor("w_ih").shape().dim(0);
    int axis = all.rank() - 1;
    if (rows.isConstant()) {
      long[] sizes = new long[count];
      Arrays.fill(sizes, rows.constant() / count);
      return c.onnx().node("Split").in(all, c.onnx().vector(sizes)).attr("axis", axis).outs(count);
    }
    return c.onnx().node("Split").in(all).attr("axis", axis).attr("num_outputs", count).outs(count);
  }

  private static TorchValue lstm(AtenCall c) {
    Onnx o = c.onnx();
    Value sum = o.add(linear(c, c.get("input"), "w_ih", "b_ih"), linear(c, c.list("hx").get(0), "w_hh", "b_hh"));
    List<Value> states = step(o, gates(c, sum, 4), c.tensors("hx").get(1));
    return c.results(states);
  }

  /** The next hidden state and cell, from the gates before their activations in PyTorch's order: input, forget, cell, output. */
  static List<Value> step(Onnx o, List<Value> gates, Value cell) {
    Value kept = o.mul(o.op("Sigmoid", gates.get(1)), cell);
    Value next = o.add(kept, o.mul(o.op("Sigmoid", gates.get(0)), o.op("Tanh", gates.get(2))));
    return List.of(o.mul(o.op("Sigmoid", gates.get(3)), o.op("Tanh", next)), next);
  }

  private static TorchValue gru(AtenCall c) {
    Onnx o = c.onnx();
    Value hidden = c.tensor("hx");
    List<Value> x = gates(c, linear(c, c.get("input"), "w_ih", "b_ih"), 3);
    List<Value> h = gates(c, linear(c, c.get("hx"), "w_hh", "b_hh"), 3);
    Value reset = o.op("Sigmoid", o.add(x.get(0), h.get(0)));
    Value update = o.op("Sigmoid", o.add(x.get(1), h.get(1)));
    Value fresh = o.op("Tanh", o.add(x.get(2), o.mul(reset, h.get(2))));
    return c.result(o.add(fresh, o.mul(update, o.sub(hidden, fresh))));
  }

  private static TorchValue simple(AtenCall c, String activation) {
    Onnx o = c.onnx();
    return c.result(o.op(activation, o.add(linear(c, c.get("input"), "w_ih", "b_ih"), linear(c, c.get("hx"), "w_hh", "b_hh"))));
  }
}
