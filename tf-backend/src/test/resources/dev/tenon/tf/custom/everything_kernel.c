#include "test_everything.h"

void test_everything_shape(tenon_shapes* shapes) {
  const tenon_dim sizes[] = {TENON_DIM_OF(0, 0), TENON_DIM_UNKNOWN, TENON_DIM(3)};
  tenon_shape_like(shapes, TEST_EVERYTHING_OUTPUT_0, 0);
  tenon_shape_dims(shapes, TEST_EVERYTHING_OUTPUT_1, 0, NULL);
  tenon_shape_like(shapes, TEST_EVERYTHING_OUTPUT_2, 4);
  tenon_shape_dims(shapes, TEST_EVERYTHING_OUTPUT_3, 3, sizes);
}

void test_everything_compute(tenon_context* call, const test_everything_args* args) {
  double all = args->f + (double) args->i + tenon_get(&args->t, 0) + tenon_get(&args->t, 1) + args->ty;
  int64_t total = 0;
  char text[256];
  int64_t dims[3];
  for (int n = 0; n < args->fs.count; n++) {
    all += args->fs.items[n];
  }
  for (int n = 0; n < args->is.count; n++) {
    all += (double) args->is.items[n];
  }
  for (int n = 0; n < args->ts.count; n++) {
    all += tenon_get(&args->ts.items[n], 0);
  }
  tenon_tensor y = tenon_output_like(call, TEST_EVERYTHING_OUTPUT_0, TF_FLOAT, &args->x);
  tenon_tensor sum = tenon_output(call, TEST_EVERYTHING_OUTPUT_1, TF_INT64, 0, NULL);
  tenon_tensor names = tenon_output_like(call, TEST_EVERYTHING_OUTPUT_2, TF_STRING, &args->names);
  dims[0] = args->x.dims[0];
  dims[1] = args->parts.count;
  dims[2] = args->x.dims[1];
  tenon_tensor halves = tenon_output(call, TEST_EVERYTHING_OUTPUT_3, TF_HALF, 3, dims);
  tenon_tensor flags = tenon_output_like(call, TEST_EVERYTHING_OUTPUT_4, TF_BOOL, &args->flags);
  if (tenon_failed(call)) {
    return;
  }
  for (int64_t e = 0; e < y.count; e++) {
    double v = tenon_get(&args->x, e) + all;
    if (tenon_given(&args->shift)) {
      v += tenon_get(&args->shift, tenon_broadcast_index(&args->shift, &y, e));
    }
    tenon_set(&y, e, v);
  }
  for (int64_t e = 0; e < args->k.count; e++) {
    total += ((const int64_t*) args->k.data)[e];
  }
  ((int64_t*) sum.data)[0] = total;
  for (int64_t e = 0; e < names.count; e++) {
    size_t size;
    const char* name = tenon_string_get(&args->names, e, &size);
    int length = snprintf(text, sizeof text, "%s%.*s%s%s", args->s, (int) size, name, args->ss.count > 0 ? args->ss.items[0] : "",
        args->ss.count > 1 ? args->ss.items[1] : "");
    tenon_string_set(call, &names, e, text, (size_t) length);
  }
  for (int64_t b = 0; b < dims[0]; b++) {
    for (int64_t p = 0; p < dims[1]; p++) {
      for (int64_t j = 0; j < dims[2]; j++) {
        float h = tenon_half_to_float(((const uint16_t*) args->h.data)[b]);
        float part = ((const float*) args->parts.items[p].data)[j];
        ((uint16_t*) halves.data)[(b * dims[1] + p) * dims[2] + j] = tenon_float_to_half(h * part);
      }
    }
  }
  for (int64_t e = 0; e < flags.count; e++) {
    ((bool*) flags.data)[e] = !((const bool*) args->flags.data)[e];
  }
}
