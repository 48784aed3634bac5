package dev.tenon.frontend.exported;

import dev.tenon.frontend.aten.Onnx;
import dev.tenon.frontend.aten.TorchList;
import dev.tenon.frontend.aten.TorchTensor;
import dev.tenon.frontend.aten.TorchValue;
import dev.tenon.ir.DataType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * {@code torch.autocast}: within it some operators compute in half precision, and some in single. Exported programs keep it as a region;
 * decomposed ones have the casts. The lists are those for the CPU in PyTorch's
 * <a href="https://pytorch.org/docs/stable/amp.html">Automatic Mixed Precision package</a>.
 *
 * @param dtype the lower precision; null outside of a region, or where it is disabled
 */
record Autocast(DataType dtype) {
  static final Autocast NONE = new Autocast(null);

  private static final Set<String> LOWER = Set.of("conv1d", "conv2d", "conv3d", "bmm", "mm", "linalg_vecdot", "baddbmm", "addmm", "addbmm",
      "linear", "_convolution", "matmul", "conv_tbc", "mkldnn_rnn_layer", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
      "scaled_dot_product_attention", "_native_multi_head_attention");
  private static final Set<String> SINGLE = Set.of("avg_pool3d", "binary_cross_entropy", "grid_sampler", "polar", "prod", "quantile",
      "nanquantile", "stft", "cdist", "trace", "view_as_complex", "cholesky", "cholesky_inverse", "cholesky_solve", "inverse", "lu_solve",
      "orgqr", "ormqr", "pinverse", "max_pool3d", "max_unpool2d", "max_unpool3d", "adaptive_avg_pool3d", "reflection_pad1d",
      "reflection_pad2d", "replication_pad1d", "replication_pad2d", "replication_pad3d", "mse_loss", "cosine_embedding_loss", "nll_loss",
      "nll_loss2d", "hinge_embedding_loss", "poisson_nll_loss", "smooth_l1_loss", "cross_entropy_loss", "l1_loss", "huber_loss",
      "margin_ranking_loss", "soft_margin_loss", "triplet_margin_loss", "multi_margin_loss", "ctc_loss", "kl_div",
      "multilabel_margin_loss", "binary_cross_entropy_with_logits", "fft_fft", "fft_ifft", "fft_rfft", "fft_irfft", "linalg_vander");
  private static final Set<String> WIDEST = Set.of("stack", "cat", "index_copy");

  /** Casts the arguments of a call as its operator asks for. */
  void cast(Onnx onnx, Targets target, Map<String, TorchValue> arguments) {
    if (dtype == null || !target.namespace().equals("aten")) {
      return;
    }
    if (LOWER.contains(target.name())) {
      arguments.replaceAll((name, v) -> cast(onnx, v, dtype));
    } else if (SINGLE.contains(target.name())) {
      arguments.replaceAll((name, v) -> cast(onnx, v, DataType.FLOAT));
    } else if (WIDEST.contains(target.name()) && arguments.values().stream().anyMatch(Autocast::holdsSingle)) {
      arguments.replaceAll((name, v) -> cast(onnx, v, DataType.FLOAT));
    }
  }

  private static boolean holdsSingle(TorchValue v) {
    return v instanceof TorchTensor t && t.dtype() == DataType.FLOAT || v instanceof TorchList l && l.elements().stream().anyMatch(Autocast::holdsSingle);
  }

  /** Floating-point tensors in another type, but for double, which autocast leaves alone. */
  private static TorchValue cast(Onnx onnx, TorchValue v, DataType to) {
    if (v instanceof TorchTensor t && t.dtype().isFloat() && t.dtype() != DataType.DOUBLE && t.dtype() != to) {
      return TorchTensor.of(onnx.cast(t.value(), to));
    }
    if (v instanceof TorchList l) {
      List<TorchValue> all = new ArrayList<>();
      l.elements().forEach(e -> all.add(cast(onnx, e, to)));
      return new TorchList(all);
    }
    return v;
  }
}
