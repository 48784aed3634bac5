package dev.tenon.frontend.archive;

/**
 * How the integers of a quantized tensor stand for real numbers: {@code (q - zeroPoint) * scale}. From
 * {@code torch._utils._rebuild_qtensor}.
 */
public sealed interface Quantization {

  /** One scale and zero point for all elements. */
  record PerTensor(double scale, long zeroPoint) implements Quantization {}

  /**
   * A scale and a zero point for each index of one axis.
   *
   * @param scales one-dimensional float64, or float32 for {@code per_channel_affine_float_qparams}
   * @param zeroPoints one-dimensional int64, or float32 for {@code per_channel_affine_float_qparams}
   */
  record PerChannel(StoredTensor scales, StoredTensor zeroPoints, int axis) implements Quantization {}
}
