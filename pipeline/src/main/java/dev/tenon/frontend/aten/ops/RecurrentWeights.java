package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.ir.Dim;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * The weights of one layer of a recurrent network in one direction, as PyTorch has them.
 *
 * @param input [gates * hidden, features]
 * @param hidden [gates * hidden, hidden], of a projected LSTM [gates * hidden, projected]
 * @param inputBias [gates * hidden]; null if there are no biases
 * @param hiddenBias [gates * hidden]; null if there are no biases
 * @param projection [projected, hidden]; null if there is none
 */
record RecurrentWeights(Value input, Value hidden, Value inputBias, Value hiddenBias, Value projection) {

  /** Those of a layer's direction, from the list of all. */
  static RecurrentWeights of(AtenCall c, int layer, int direction, int directions) {
    List<Value> all = c.tensors("params");
    boolean biases = c.bool("has_biases");
    int layers = (int) c.integer("num_layers") * directions;
    int each = all.size() / layers;
    if (each * layers != all.size() || each < (biases ? 4 : 2) || each > (biases ? 5 : 3)) {
      throw c.unsupported(all.size() + " parameters for " + layers + " layers");
    }
    int at = (layer * directions + direction) * each;
    boolean projected = each == (biases ? 5 : 3);
    return new RecurrentWeights(all.get(at), all.get(at + 1), biases ? all.get(at + 2) : null, biases ? all.get(at + 3) : null,
        projected ? all.get(at + each - 1) : null);
  }

  /** The number of elements of the hidden state before projection. */
  long size(AtenCall c, RecurrentKind kind) {
    Dim rows = input.shape().dim(0);
    if (!rows.isConstant()) {
      throw c.unsupported("the size of the hidden state is not known at conversion time");
    }
    return rows.constant() / kind.gates();
  }

  /** ONNX's W, R and B of a layer: gates in ONNX's order, directions stacked. B is null if there are no biases. */
  static List<Value> stacked(Onnx o, RecurrentKind kind, long size, List<RecurrentWeights> directions) {
    List<Value> result = new ArrayList<>();
    result.add(stack(o, "weight_ih", "W", directions.stream().map(w -> List.of(w.input)).toList(), kind, size));
    result.add(stack(o, "weight_hh", "R", directions.stream().map(w -> List.of(w.hidden)).toList(), kind, size));
    result.add(directions.get(0).inputBias == null ? null
        : stack(o, "bias_ih", "B", directions.stream().map(w -> List.of(w.inputBias, w.hiddenBias)).toList(), kind, size));
    return result;
  }

  /** Stacks directions; of each the parts follow one another, each with its gates in ONNX's order. */
  private static Value stack(Onnx o, String name, String letter, List<List<Value>> directions, RecurrentKind kind, long size) {
    boolean constant = directions.stream().flatMap(List::stream).allMatch(v -> v.constant() != null);
    if (constant) {
      String first = directions.get(0).get(0).name();
      String wish = first.contains(name) ? first.replace(name, letter) : first + "_" + letter;
      return o.parameter(List.of(kind, directions), wish, () -> stack(directions, kind, size));
    }
    List<Value> stacked = new ArrayList<>();
    for (List<Value> parts : directions) {
      List<Value> blocks = new ArrayList<>();
      for (Value part : parts) {
        for (int g = 0; g < kind.gates(); g++) {
          blocks.add(kind.gates() == 1 ? part : o.slice(part, 0, kind.gate(g) * size, (kind.gate(g) + 1) * size));
        }
      }
      stacked.add(o.unsqueeze(o.concat(0, blocks), 0));
    }
    return o.concat(0, stacked);
  }

  /** A recipe over the source's parameters, which keeps their names. */
  private static Tensor stack(List<List<Value>> directions, RecurrentKind kind, long size) {
    List<Tensor> stacked = new ArrayList<>();
    for (List<Value> parts : directions) {
      List<Tensor> blocks = new ArrayList<>();
      for (Value part : parts) {
        for (int g = 0; g < kind.gates(); g++) {
          blocks.add(part.constant().slice(0, kind.gate(g) * size, (kind.gate(g) + 1) * size));
        }
      }
      Tensor one = Tensor.concat(0, blocks);
      stacked.add(one.reshape(prepend(1, one.dims())));
    }
    return Tensor.concat(0, stacked);
  }

  private static long[] prepend(long first, long[] rest) {
    long[] all = new long[rest.length + 1];
    all[0] = first;
    System.arraycopy(rest, 0, all, 1, rest.length);
    return all;
  }
}
