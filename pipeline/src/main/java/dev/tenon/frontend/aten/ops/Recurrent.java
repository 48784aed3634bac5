package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.LoweringException;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.OnnxNode;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.Attribute;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Node;
import dev.tenon.ir.Shape;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * Recurrent networks: a layer, of one direction or two, is one of ONNX's {@code LSTM}, {@code GRU} and {@code RNN}. Sequences may be
 * padded to one length or packed ({@link PackedSequences}); LSTMs may have projections ({@link ProjectedLstm}).
 */
public final class Recurrent {
  /** Zeros of constant shape may have been written as a constant. */
  private static final int MAX_LOOKED_AT = 1 << 16;

  private Recurrent() {}

  public static void register(AtenOps ops) {
    ops.op("lstm", c -> network(c, RecurrentKind.LSTM)).op("gru", c -> network(c, RecurrentKind.GRU));
    ops.op("rnn_tanh", c -> network(c, RecurrentKind.TANH)).op("rnn_relu", c -> network(c, RecurrentKind.RELU));
    RecurrentCells.register(ops);
    PackedSequences.register(ops);
  }

  private static TorchValue network(AtenCall c, RecurrentKind kind) {
    if (c.has("input") && c.rank("input", Shape.unknownOfRank(3)) != 3) {
      throw c.unsupported("an input of rank " + c.rank("input") + ", not 3");
    }
    if (c.bool("train") && c.number("dropout") != 0) {
      throw new LoweringException(c.schema().qualifiedName() + ": dropout between layers is random while a model is trained",
          "call model.eval() before exporting the model");
    }
    Onnx o = c.onnx();
    // Of an LSTM two tensors, else one.
    List<Value> states = c.get("hx") instanceof TorchTensor t ? List.of(t.value()) : c.tensors("hx");
    if (c.has("data")) {
      PackedSequences packed = PackedSequences.of(o, c.tensor("batch_sizes"));
      List<Value> y = layers(c, kind, packed.padded(o, c.tensor("data")), packed.lengths(o, DataType.INT32), states);
      y.set(0, packed.packed(o, y.get(0)));
      return c.results(y);
    }
    boolean batchFirst = c.bool("batch_first");
    Value x = c.tensor("input");
    List<Value> y = layers(c, kind, batchFirst ? o.transpose(x, 1, 0, 2) : x, null, states);
    if (batchFirst) {
      y.set(0, o.transpose(y.get(0), 1, 0, 2));
    }
    return c.results(y);
  }

  /**
   * All layers.
   *
   * @param x the sequences, [time, batch, features]
   * @param lengths of each sequence, int32; null if all are of full length
   * @param initial the initial states of all layers and directions, [layers * directions, batch, hidden]
   * @return the output, [time, batch, directions * hidden], and the last states
   */
  private static List<Value> layers(AtenCall c, RecurrentKind kind, Value x, Value lengths, List<Value> initial) {
    Onnx o = c.onnx();
    int layers = (int) c.integer("num_layers");
    int directions = c.bool("bidirectional") ? 2 : 1;
    boolean fromZero = initial.stream().allMatch(Recurrent::isZero);
    Value y = x;
    List<List<Value>> last = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      List<RecurrentWeights> weights = new ArrayList<>();
      for (int d = 0; d < directions; d++) {
        weights.add(RecurrentWeights.of(c, i, d, directions));
      }
      List<Value> states = new ArrayList<>();
      for (Value s : initial) {
        states.add(layers == 1 ? s : o.slice(s, 0, (long) i * directions, (i + 1L) * directions));
      }
      List<Value> outputs = weights.get(0).projection() != null ? ProjectedLstm.layer(c, weights, y, lengths, states)
          : layer(c, kind, weights, y, lengths, fromZero ? List.of() : states);
      y = joined(o, outputs.get(0), directions);
      for (int k = 1; k < outputs.size(); k++) {
        if (last.size() < k) {
          last.add(new ArrayList<>());
        }
        last.get(k - 1).add(outputs.get(k));
      }
    }
    List<Value> all = new ArrayList<>(List.of(y));
    last.forEach(l -> all.add(o.concat(0, l)));
    return all;
  }

  /** One layer in ONNX's form: [time, directions, batch, hidden], and the last states. */
  private static List<Value> layer(AtenCall c, RecurrentKind kind, List<RecurrentWeights> weights, Value x, Value lengths, List<Value> states) {
    Onnx o = c.onnx();
    long size = weights.get(0).size(c, kind);
    if (x.dtype() == DataType.BFLOAT16) {
      throw c.unsupported("bfloat16, which ONNX's operator lacks");
    }
    OnnxNode node = o.node(kind.opType()).in(x).in(RecurrentWeights.stacked(o, kind, size, weights)).in(lengths).in(states)
        .attr("hidden_size", size).attr("direction", weights.size() == 2 ? "bidirectional" : "forward");
    if (kind == RecurrentKind.GRU) {
      // PyTorch's reset gate acts on the product with the hidden state, biases included.
      node.attr("linear_before_reset", 1);
    }
    if (!kind.activation().isEmpty()) {
      node.attr(Attribute.ofStrings("activations", Collections.nCopies(weights.size(), kind.activation())));
    }
    return node.outs(kind == RecurrentKind.LSTM ? 3 : 2);
  }

  /** [time, directions, batch, hidden] to [time, batch, directions * hidden]. */
  private static Value joined(Onnx o, Value y, int directions) {
    if (directions == 1) {
      return o.squeeze(y, 1);
    }
    List<TorchScalar> sizes = o.sizes(y);
    return o.reshape(o.transpose(y, 0, 2, 1, 3), List.of(sizes.get(0), sizes.get(2), o.times(sizes.get(1), sizes.get(3))));
  }

  /** True for zeros that a program makes because it was given no states: ONNX begins with zeros by itself. */
  private static boolean isZero(Value v) {
    Node producer = v.producer();
    if (producer != null && (producer.isOp("Unsqueeze") || producer.isOp("Expand"))) {
      return isZero(producer.input(0));
    }
    if (producer != null && producer.isOp("ConstantOfShape")) {
      return !producer.hasAttr("value") || producer.tensorAttr("value").item() == 0;
    }
    Tensor constant = v.constant();
    return constant != null && constant.numel() <= MAX_LOOKED_AT && Arrays.stream(constant.toDoubles()).allMatch(e -> e == 0);
  }
}
