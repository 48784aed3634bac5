package dev.tenon.frontend.aten.ops;

import dev.tenon.frontend.aten.AtenCall;
import dev.tenon.frontend.aten.AtenOps;
import dev.tenon.frontend.aten.LoweringException;
import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchScalar;
import dev.tenon.frontend.aten.TorchTuple;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import dev.tenon.ir.Tensor;
import dev.tenon.ir.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * Scaled dot-product attention, {@code softmax(q kᵀ scale + mask) v}, as products and a softmax, by all the names that PyTorch has for
 * it: the public one, and those of its kernels, which a decomposed program calls.
 *
 * <p>A row of which nothing takes part gives zeros, as in PyTorch, where softmax alone would give NaN.
 */
public final class Attention {
  private Attention() {}

  public static void register(AtenOps ops) {
    ops.op("scaled_dot_product_attention", c -> c.result(attend(c, mask(c, "attn_mask")).output));
    ops.op("_scaled_dot_product_attention_math", c -> {
      Attended a = attend(c, mask(c, "attn_mask"));
      return c.results(a.output, a.probabilities);
    });
    ops.op("_scaled_dot_product_flash_attention_for_cpu", c -> kernel(c, "attn_mask"));
    ops.op("_scaled_dot_product_efficient_attention _scaled_dot_product_fused_attention_overrideable", c -> kernel(c, "attn_bias"));
    ops.op("_scaled_dot_product_flash_attention", c -> kernel(c, null));
  }

  private static Value mask(AtenCall c, String parameter) {
    return c.tensorOrNull(parameter);
  }

  /**
   * What attention gives.
   *
   * @param scores the logits, masked
   * @param probabilities the softmax of the scores, zeros in rows of which nothing takes part
   */
  private record Attended(Value output, Value scores, Value probabilities) {}

  private static Attended attend(AtenCall c, Value mask) {
    Onnx o = c.onnx();
    if (c.number("dropout_p") != 0) {
      throw new LoweringException(c.schema().qualifiedName() + ": dropout is random", "call model.eval() before exporting the model");
    }
    Value q = c.tensor("query");
    int rank = c.rank("query");
    boolean grouped = c.has("enable_gqa") && c.bool("enable_gqa");
    Value k = grouped ? repeated(o, c.tensor("key"), q) : c.tensor("key");
    Value v = grouped ? repeated(o, c.tensor("value"), q) : c.tensor("value");
    DataType type = q.dtype();
    Value scaled = o.mul(q, scale(c, q));
    Value scores = o.op("MatMul", scaled, o.transpose(k, lastTwoSwapped(o.rank(k))));
    if (c.bool("is_causal")) {
      scores = o.add(scores, additive(o, causal(o, o.size(q, rank - 2), o.size(k, o.rank(k) - 2)), type));
    }
    if (mask == null) {
      Value p = o.softmax(scores, -1);
      return new Attended(o.op("MatMul", p, v), scores, p);
    }
    Value bias = mask.dtype() == DataType.BOOL ? additive(o, mask, type) : o.cast(mask, type);
    scores = o.add(scores, bias);
    Value p = o.softmax(scores, -1);
    // Nothing takes part in a row where the mask's largest element is minus infinity.
    Value part = o.op("Greater", o.reduce("ReduceMax", bias, true, -1), o.scalar(type, Double.NEGATIVE_INFINITY));
    Value zero = o.scalar(type, 0.0);
    return new Attended(o.where(part, o.op("MatMul", p, v), zero), scores, o.where(part, p, zero));
  }

  /** The given scale, or one over the root of the size of the heads. */
  private static Value scale(AtenCall c, Value q) {
    Onnx o = c.onnx();
    if (!c.isNone("scale")) {
      return c.scalar("scale").scalar(o, q.dtype());
    }
    TorchScalar size = o.size(q, -1);
    return size.isConstant() ? o.scalar(q.dtype(), 1 / Math.sqrt(size.toLong()))
        : o.op("Reciprocal", o.op("Sqrt", size.scalar(o, q.dtype())));
  }

  private static int[] lastTwoSwapped(int rank) {
    int[] perm = new int[rank];
    for (int i = 0; i < rank; i++) {
      perm[i] = i < rank - 2 ? i : 2 * rank - 3 - i;
    }
    return perm;
  }

  /** Zero where a mask is true, minus infinity where not. */
  private static Value additive(Onnx o, Value mask, DataType type) {
    return o.where(mask, o.scalar(type, 0.0), o.scalar(type, Double.NEGATIVE_INFINITY));
  }

  /** A mask of queries and keys: true for keys up to the query's position. */
  private static Value causal(Onnx o, TorchScalar queries, TorchScalar keys) {
    return o.op("GreaterOrEqual", o.unsqueeze(Filling.range(o, queries), 1), Filling.range(o, keys));
  }

  /** Keys or values of fewer heads than the queries have, each head repeated. */
  private static Value repeated(Onnx o, Value x, Value query) {
    int axis = o.rank(x) - 3;
    TorchScalar heads = o.size(x, axis);
    TorchScalar wanted = o.size(query, o.rank(query) - 3);
    if (heads.dim().equals(wanted.dim())) {
      return x;
    }
    List<TorchScalar> sizes = o.sizes(x);
    List<TorchScalar> expanded = new ArrayList<>(sizes);
    expanded.add(axis + 1, o.floorDiv(wanted, heads));
    sizes.set(axis, wanted);
    return o.reshape(o.expand(o.unsqueeze(x, axis + 1), expanded), sizes);
  }

  /** A kernel's results: the output, the logarithm of the sums, and what is for the derivative or for debugging. */
  private static TorchValue kernel(AtenCall c, String mask) {
    Onnx o = c.onnx();
    Attended a = attend(c, mask == null ? null : mask(c, mask));
    List<TorchValue> all = new ArrayList<>();
    all.add(c.result(a.output));
    all.add(c.result(o.cast(o.reduce("ReduceLogSumExp", a.scores, false, -1), DataType.FLOAT)));
    for (int i = 2; i < c.schema().results().size(); i++) {
      all.add(c.schema().results().get(i).type().isTensor() ? c.result(o.constant(Tensor.scalar(0L))) : TorchScalar.of(0));
    }
    return new TorchTuple(all);
  }
}
