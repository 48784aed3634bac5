// shrinkage::soft_threshold for PyTorch 2.7 and later: the library whose operator the models here call.
//
//   soft_threshold(x, threshold, gain, hard)[n, c, ...] = gain * (hard ? x if |x| > t else 0 : sign(x) * max(|x| - t, 0)),  t = threshold[c]
//
// It uses PyTorch's stable C interface (torch/csrc/inductor/aoti_torch/c/shim.h), of which it declares what it needs, so that one build runs
// in every PyTorch, libtorch of Tenon's verification included:
//
//   g++ -O2 -shared -fPIC -o libshrinkage.so shrinkage.cpp -L FOLDER_OF_LIBTORCH -l:libtorch_cpu.so
#include <cmath>
#include <cstdint>
#include <cstring>

extern "C" {
typedef struct AtenTensorOpaque* AtenTensorHandle;
typedef struct TorchLibraryOpaque* TorchLibraryHandle;
int32_t aoti_torch_library_init_def(const char* ns, const char* file, uint32_t line, TorchLibraryHandle* library);
int32_t aoti_torch_library_init_impl(const char* ns, const char* key, const char* file, uint32_t line, TorchLibraryHandle* library);
int32_t aoti_torch_library_def(TorchLibraryHandle library, const char* schema);
int32_t aoti_torch_library_impl(TorchLibraryHandle library, const char* name, void (*function)(uint64_t*, uint64_t, uint64_t));
int32_t aoti_torch_get_data_ptr(AtenTensorHandle tensor, void** data);
int32_t aoti_torch_get_dim(AtenTensorHandle tensor, int64_t* dim);
int32_t aoti_torch_get_sizes(AtenTensorHandle tensor, int64_t** sizes);
int32_t aoti_torch_get_strides(AtenTensorHandle tensor, int64_t** strides);
int32_t aoti_torch_empty_strided(int64_t dim, const int64_t* sizes, const int64_t* strides, int32_t dtype, int32_t device_type,
                                 int32_t device_index, AtenTensorHandle* result);
int32_t aoti_torch_delete_tensor_object(AtenTensorHandle tensor);
int32_t aoti_torch_device_type_cpu();
int32_t aoti_torch_dtype_float32();
}

namespace {

template <typename T>
T argument(uint64_t value) {
  T t;
  std::memcpy(&t, &value, sizeof t);
  return t;
}

// The operator on a stack of arguments, which the result replaces.
void soft_threshold(uint64_t* stack, uint64_t, uint64_t) {
  AtenTensorHandle x = argument<AtenTensorHandle>(stack[0]);
  AtenTensorHandle threshold = argument<AtenTensorHandle>(stack[1]);
  const float gain = static_cast<float>(argument<double>(stack[2]));
  const bool hard = argument<bool>(stack[3]);

  int64_t dim = 0;
  int64_t* sizes = nullptr;
  int64_t* strides = nullptr;
  int64_t* threshold_strides = nullptr;
  void* x_data = nullptr;
  void* t_data = nullptr;
  aoti_torch_get_dim(x, &dim);
  aoti_torch_get_sizes(x, &sizes);
  aoti_torch_get_strides(x, &strides);
  aoti_torch_get_strides(threshold, &threshold_strides);
  aoti_torch_get_data_ptr(x, &x_data);
  aoti_torch_get_data_ptr(threshold, &t_data);

  int64_t count = 1;
  int64_t dense[64];
  for (int64_t i = dim - 1; i >= 0; i--) {
    dense[i] = count;
    count *= sizes[i];
  }
  AtenTensorHandle y = nullptr;
  aoti_torch_empty_strided(dim, sizes, dense, aoti_torch_dtype_float32(), aoti_torch_device_type_cpu(), 0, &y);
  void* y_data = nullptr;
  aoti_torch_get_data_ptr(y, &y_data);
  for (int64_t e = 0; e < count; e++) {
    int64_t at = 0;
    for (int64_t i = 0; i < dim; i++) {
      at += e / dense[i] % sizes[i] * strides[i];
    }
    const float v = static_cast<const float*>(x_data)[at];
    const float t = static_cast<const float*>(t_data)[e / dense[1] % sizes[1] * threshold_strides[0]];
    const float shrunk = hard ? (std::fabs(v) > t ? v : 0.0f) : std::copysign(std::fmax(std::fabs(v) - t, 0.0f), v);
    static_cast<float*>(y_data)[e] = gain * shrunk;
  }
  aoti_torch_delete_tensor_object(x);
  aoti_torch_delete_tensor_object(threshold);
  stack[0] = reinterpret_cast<uint64_t>(y);
}

struct Registration {
  Registration() {
    TorchLibraryHandle definition = nullptr;
    aoti_torch_library_init_def("shrinkage", __FILE__, __LINE__, &definition);
    aoti_torch_library_def(definition, "soft_threshold(Tensor x, Tensor threshold, float gain=1.0, bool hard=False) -> Tensor");
    TorchLibraryHandle implementation = nullptr;
    aoti_torch_library_init_impl("shrinkage", "CPU", __FILE__, __LINE__, &implementation);
    aoti_torch_library_impl(implementation, "soft_threshold", &soft_threshold);
    // Both live as long as the process.
  }
} registration;

}  // namespace
