package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchNone;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchTuple;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * Multi-head attention and the whole encoder layer of a transformer as single operators, which {@code nn.MultiheadAttention} and
 * {@code nn.TransformerEncoderLayer} call in evaluation mode, so that traced programs have them.
 */
public final class FusedAttention {
  /** The kinds of masks: of queries and keys, of the keys in each sequence, or for everything. */
  private static final long SOURCE = 0;
  private static final long PADDING = 1;

  private FusedAttention() {}

  public static void register(AtenOps ops) {
    ops.op("_native_multi_head_attention", FusedAttention::multiHead).op("_transformer_encoder_layer_fwd", FusedAttention::encoderLayer);
    ops.op("_masked_softmax", FusedAttention::maskedSoftmax);
  }

  private static Value linear(AtenCall c, Value x, TorchValue weight, TorchValue bias) {
    return ((TorchTensor) c.call("aten::linear", TorchTensor.of(x), weight, bias)).value();
  }

  private static TorchValue multiHead(AtenCall c) {
    Onnx o = c.onnx();
    List<Value> y = attention(c, c.tensor("query"), c.tensor("key"), c.tensor("value"), c.integer("num_head"));
    if (!c.bool("need_weights")) {
      return TorchTuple.of(c.result(y.get(0)), TorchNone.NONE);
    }
    return c.results(y.get(0), c.bool("average_attn_weights") ? o.reduce("ReduceMean", y.get(1), false, 1) : y.get(1));
  }

  /** The output [batch, queries, features], and the attention [batch, heads, queries, keys]. */
  private static List<Value> attention(AtenCall c, Value query, Value key, Value value, long heads) {
    Onnx o = c.onnx();
    if (o.rank(query) != 3) {
      throw c.unsupported("an input of rank " + o.rank(query) + ", as of nested tensors; pass enable_nested_tensor=False to TransformerEncoder");
    }
    long features = c.integer("embed_dim");
    List<Value> parts = new ArrayList<>();
    if (query == key && key == value) {
      Value all = linear(c, query, c.get("qkv_weight"), c.get("qkv_bias"));
      parts.addAll(o.node("Split").in(all, o.vector(features, features, features)).attr("axis", 2).outs(3));
    } else {
      Value[] inputs = {query, key, value};
      for (int i = 0; i < 3; i++) {
        TorchValue weight = part(c, "qkv_weight", i * features, features);
        parts.add(linear(c, inputs[i], weight, part(c, "qkv_bias", i * features, features)));
      }
    }
    List<Value> split = parts.stream().map(p -> split(o, p, heads, features / heads)).toList();
    Value q = o.mul(split.get(0), o.scalar(query.dtype(), 1 / Math.sqrt((double) features / heads)));
    Value scores = o.op("MatMul", q, o.transpose(split.get(1), 0, 1, 3, 2));
    Value p = o.softmax(masked(c, scores), -1);
    Value joined = o.transpose(o.op("MatMul", p, split.get(2)), 0, 2, 1, 3);
    List<TorchScalar> sizes = new ArrayList<>(o.sizes(query));
    Value output = linear(c, o.reshape(joined, sizes), c.get("proj_weight"), c.get("proj_bias"));
    return List.of(output, p);
  }

  private static TorchValue part(AtenCall c, String parameter, long from, long count) {
    Value v = c.tensor(parameter);
    if (v.constant() != null) {
      return TorchTensor.of(c.onnx().parameter(List.of(v, from, count), v.name(), () -> v.constant().slice(0, from, from + count)));
    }
    return TorchTensor.of(c.onnx().slice(v, 0, from, from + count));
  }

  /** [batch, time, features] to [batch, heads, time, features of a head]. */
  private static Value split(Onnx o, Value x, long heads, long size) {
    List<TorchScalar> s = o.sizes(x);
    return o.transpose(o.reshape(x, List.of(s.get(0), s.get(1), TorchScalar.of(heads), TorchScalar.of(size))), 0, 2, 1, 3);
  }

  /** Scores [batch, heads, queries, keys], minus infinity where the mask is set: true, or any number but zero. */
  private static Value masked(AtenCall c, Value scores) {
    if (c.isNone("mask")) {
      return scores;
    }
    Onnx o = c.onnx();
    Value mask = shaped(c, c.tensor("mask", DataType.BOOL));
    return o.where(mask, o.scalar(scores.dtype(), Double.NEGATIVE_INFINITY), scores);
  }

  private static Value shaped(AtenCall c, Value mask) {
    boolean padding = !c.isNone("mask_type") && c.integer("mask_type") == PADDING || c.isNone("mask_type") && o(c).rank(mask) == 2;
    boolean source = !c.isNone("mask_type") && c.integer("mask_type") == SOURCE;
    return padding && !source ? o(c).unsqueeze(mask, 1, 2) : mask;
  }

  private static Onnx o(AtenCall c) {
    return c.onnx();
  }

  private static TorchValue maskedSoftmax(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("self");
    int rank = c.rank("self");
    Value mask = c.tensor("mask", DataType.BOOL);
    // Masks of the other kinds are of scores [batch, heads, queries, keys].
    Value fitting = rank == 4 ? shaped(c, mask) : mask;
    Value scores = o.where(fitting, o.scalar(x.dtype(), Double.NEGATIVE_INFINITY), x);
    return c.result(o.softmax(scores, c.isNone("dim") ? rank - 1 : c.axis("dim", rank)));
  }

  // ---- the encoder layer ----

  private static TorchValue encoderLayer(AtenCall c) {
    Onnx o = c.onnx();
    Value x = c.tensor("src");
    boolean first = c.bool("norm_first");
    Value inner = first ? norm(c, x, 1) : x;
    Value attended = o.add(x, attention(c, inner, inner, inner, c.integer("num_heads")).get(0));
    attended = first ? attended : norm(c, attended, 1);
    Value hidden = linear(c, first ? norm(c, attended, 2) : attended, c.get("ffn_weight_1"), c.get("ffn_bias_1"));
    hidden = c.bool("use_gelu") ? o.op("Gelu", hidden) : o.op("Relu", hidden);
    Value y = o.add(attended, linear(c, hidden, c.get("ffn_weight_2"), c.get("ffn_bias_2")));
    return c.result(first ? y : norm(c, y, 2));
  }

  private static Value norm(AtenCall c, Value x, int which) {
    return c.onnx().node("LayerNormalization").in(x, c.tensor("norm_weight_" + which), c.tensor("norm_bias_" + which))
        .attr("axis", -1).attr("epsilon", c.number("eps")).out();
  }
}
