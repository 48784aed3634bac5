#include "test_everything.h"

#include <numeric>
#include <stdexcept>
#include <string>

void test_everything_shape(tenon_shapes* shapes) {
  const tenon_dim sizes[] = {TENON_DIM_OF(0, 0), TENON_DIM_UNKNOWN, TENON_DIM(3)};
  tenon_shape_like(shapes, TEST_EVERYTHING_OUTPUT_0, 0);
  tenon_shape_dims(shapes, TEST_EVERYTHING_OUTPUT_1, 0, nullptr);
  tenon_shape_like(shapes, TEST_EVERYTHING_OUTPUT_2, 4);
  tenon_shape_dims(shapes, TEST_EVERYTHING_OUTPUT_3, 3, sizes);
}

void test_everything_compute(tenon_context* call, const test_everything_args* args) {
  if (args->x.rank != 2) {
    throw std::invalid_argument("x has " + std::to_string(args->x.rank) + " axes, expected 2");
  }
  double all = args->f + static_cast<double>(args->i) + tenon_get(&args->t, 0) + tenon_get(&args->t, 1) + args->ty;
  all = std::accumulate(args->fs.items, args->fs.items + args->fs.count, all);
  all = std::accumulate(args->is.items, args->is.items + args->is.count, all);
  for (int n = 0; n < args->ts.count; n++) {
    all += tenon_get(&args->ts.items[n], 0);
  }
  tenon_tensor y = tenon_output_like(call, TEST_EVERYTHING_OUTPUT_0, TF_FLOAT, &args->x);
  tenon_tensor sum = tenon_output(call, TEST_EVERYTHING_OUTPUT_1, TF_INT64, 0, nullptr);
  tenon_tensor names = tenon_output_like(call, TEST_EVERYTHING_OUTPUT_2, TF_STRING, &args->names);
  const int64_t dims[] = {args->x.dims[0], args->parts.count, args->x.dims[1]};
  tenon_tensor halves = tenon_output(call, TEST_EVERYTHING_OUTPUT_3, TF_HALF, 3, dims);
  tenon_tensor flags = tenon_output_like(call, TEST_EVERYTHING_OUTPUT_4, TF_BOOL, &args->flags);
  if (tenon_failed(call)) {
    return;
  }
  for (int64_t e = 0; e < y.count; e++) {
    double shift = tenon_given(&args->shift) ? tenon_get(&args->shift, tenon_broadcast_index(&args->shift, &y, e)) : 0;
    tenon_set(&y, e, tenon_get(&args->x, e) + all + shift);
  }
  const int64_t* k = static_cast<const int64_t*>(args->k.data);
  *static_cast<int64_t*>(sum.data) = std::accumulate(k, k + args->k.count, int64_t{0});
  for (int64_t e = 0; e < names.count; e++) {
    size_t size;
    const char* name = tenon_string_get(&args->names, e, &size);
    std::string text = args->s + std::string(name, size);
    for (int n = 0; n < args->ss.count; n++) {
      text += args->ss.items[n];
    }
    tenon_string_set(call, &names, e, text.data(), text.size());
  }
  for (int64_t e = 0; e < halves.count; e++) {
    int64_t b = e / (dims[1] * dims[2]);
    int64_t p = e / dims[2] % dims[1];
    float h = tenon_half_to_float(static_cast<const uint16_t*>(args->h.data)[b]);
    static_cast<uint16_t*>(halves.data)[e] = tenon_float_to_half(h * static_cast<const float*>(args->parts.items[p].data)[e % dims[2]]);
  }
  for (int64_t e = 0; e < flags.count; e++) {
    static_cast<bool*>(flags.data)[e] = !static_cast<const bool*>(args->flags.data)[e];
  }
}
