/* shrinkage::soft_threshold for TensorFlow, where it is called ShrinkageSoftThreshold.
 *
 * This file is yours: 'tenon stubs' wrote it once and will not write it again.
 *
 * Used 2 times, first at shrink.
 * Inputs:
 *   args->x  float32 [batch,6,height,width] or [batch,3,height,width]
 *   args->threshold  float32 [6] or [3]
 * Attributes:
 *   args->gain  float: 1.5, 1.0
 *   args->hard  int: 0, 1
 * Outputs:
 *   SHRINKAGE_SOFT_THRESHOLD_Y  float32 [batch,6,height,width] or [batch,3,height,width]
 * Layout: the source's. Axis 1 of a picture is the channel: batch, channel, height, width.
 */
#include "shrinkage_soft_threshold.h"

/* The shapes of the outputs as far as the inputs' shapes tell them. TensorFlow asks when a graph is built. */
void shrinkage_soft_threshold_shape(tenon_shapes* shapes) {
  tenon_shape_like(shapes, SHRINKAGE_SOFT_THRESHOLD_Y, 0); /* that of x */
}

/* The outputs of one call. Errors end it: tenon_fail(call, TF_INVALID_ARGUMENT, "found %d, expected %d", ...). */
void shrinkage_soft_threshold_compute(tenon_context* call, const shrinkage_soft_threshold_args* args) {
  tenon_tensor y = tenon_output_like(call, SHRINKAGE_SOFT_THRESHOLD_Y, TF_FLOAT, &args->x);
  if (tenon_failed(call)) {
    return;
  }
  const float* x = (const float*) args->x.data;
  const float* threshold = (const float*) args->threshold.data;
  float* y_data = (float*) y.data;

  /* ---- the computation ---- */
  const int64_t channels = y.dims[1];
  if (y.rank < 2 || args->threshold.rank != 1 || args->threshold.count != channels) {
    tenon_fail(call, TF_INVALID_ARGUMENT, "threshold: found %lld elements, expected one for each channel", (long long) args->threshold.count);
    return;
  }
  const int64_t pixels = y.count == 0 ? 0 : y.count / (y.dims[0] * channels);
  for (int64_t plane = 0; plane < y.dims[0] * channels; plane++) {
    const float t = threshold[plane % channels];
    for (int64_t i = plane * pixels; i < (plane + 1) * pixels; i++) {
      const float shrunk = args->hard ? (fabsf(x[i]) > t ? x[i] : 0) : copysignf(fmaxf(fabsf(x[i]) - t, 0), x[i]);
      y_data[i] = args->gain * shrunk;
    }
  }
}
