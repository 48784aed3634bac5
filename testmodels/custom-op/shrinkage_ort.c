/* shrinkage::soft_threshold for ONNX Runtime: a library of custom operators for a session. See shrinkage.cpp for what it computes.
 *
 *   gcc -O2 -shared -fPIC -o libshrinkage_ort.so shrinkage_ort.c -lm
 *
 * It declares what it uses of ONNX Runtime's C interface, a table of functions that only ever grows at its end: each is its number in
 * there. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>

enum { API_VERSION = 8, ELEMENT_FLOAT = 1 };
enum {
  CREATE_DOMAIN = 26, DOMAIN_ADD = 27, ADD_DOMAIN = 28, TENSOR_DATA = 51, RANK = 61, DIMENSIONS = 62, TYPE_AND_SHAPE = 65,
  ATTRIBUTE_FLOAT = 85, ATTRIBUTE_INT = 86, CONTEXT_INPUT = 90, CONTEXT_OUTPUT = 91, RELEASE_STATUS = 93, RELEASE_SHAPE = 99
};
enum { MAX_RANK = 16 };

typedef void (*function)(void);
typedef struct {
  const function* (*get)(uint32_t version);
  const char* (*version)(void);
} api_base;

/* An operator as ONNX Runtime wants it described; it asks some of the later functions whatever the version. */
typedef struct operator_table {
  uint32_t version;
  void* (*create)(const struct operator_table*, const function* api, const void* info);
  const char* (*name)(const struct operator_table*);
  const char* (*provider)(const struct operator_table*);
  int (*input_type)(const struct operator_table*, size_t);
  size_t (*input_count)(const struct operator_table*);
  int (*output_type)(const struct operator_table*, size_t);
  size_t (*output_count)(const struct operator_table*);
  void (*compute)(void* kernel, void* context);
  void (*destroy)(void* kernel);
  int (*input_kind)(const struct operator_table*, size_t);
  int (*output_kind)(const struct operator_table*, size_t);
  int (*input_memory)(const struct operator_table*, size_t);
  int (*variadic[4])(const struct operator_table*);
  function later[16];
} operator_table;

typedef struct {
  float gain;
  int64_t hard;
} kernel;

static const function* api;

/* The interface returns null, or a status that is to be freed. */
static int failed(void* status) {
  if (status != NULL) {
    ((void (*)(void*)) api[RELEASE_STATUS])(status);
  }
  return status != NULL;
}

static int64_t shape_of(const void* value, int64_t* dims, size_t* rank) {
  void* shape = NULL;
  int64_t count = 1;
  failed(((void* (*)(const void*, void**)) api[TYPE_AND_SHAPE])(value, &shape));
  failed(((void* (*)(const void*, size_t*)) api[RANK])(shape, rank));
  failed(((void* (*)(const void*, int64_t*, size_t)) api[DIMENSIONS])(shape, dims, *rank));
  ((void (*)(void*)) api[RELEASE_SHAPE])(shape);
  for (size_t i = 0; i < *rank; i++) {
    count *= dims[i];
  }
  return count;
}

static float* data_of(const void* value) {
  void* data = NULL;
  failed(((void* (*)(const void*, void**)) api[TENSOR_DATA])(value, &data));
  return (float*) data;
}

static kernel kernels[64];
static int used;

static void* create(const operator_table* op, const function* given, const void* info) {
  kernel* k = &kernels[used++ % 64];
  (void) op;
  (void) given;
  if (failed(((void* (*)(const void*, const char*, float*)) api[ATTRIBUTE_FLOAT])(info, "gain", &k->gain))) {
    k->gain = 1;
  }
  if (failed(((void* (*)(const void*, const char*, int64_t*)) api[ATTRIBUTE_INT])(info, "hard", &k->hard))) {
    k->hard = 0;
  }
  return k;
}

static void compute(void* state, void* context) {
  const kernel* k = (const kernel*) state;
  const void* x = NULL;
  const void* threshold = NULL;
  void* y = NULL;
  int64_t dims[MAX_RANK];
  size_t rank;
  failed(((void* (*)(const void*, size_t, const void**)) api[CONTEXT_INPUT])(context, 0, &x));
  failed(((void* (*)(const void*, size_t, const void**)) api[CONTEXT_INPUT])(context, 1, &threshold));
  int64_t count = shape_of(x, dims, &rank);
  failed(((void* (*)(void*, size_t, const int64_t*, size_t, void**)) api[CONTEXT_OUTPUT])(context, 0, dims, rank, &y));
  int64_t pixels = 1;
  for (size_t i = 2; i < rank; i++) {
    pixels *= dims[i];
  }
  const float* from = data_of(x);
  const float* t = data_of(threshold);
  float* to = data_of(y);
  for (int64_t i = 0; i < count; i++) {
    float limit = t[i / pixels % dims[1]];
    float size = fabsf(from[i]);
    to[i] = k->gain * (k->hard ? (size > limit ? from[i] : 0) : copysignf(fmaxf(size - limit, 0), from[i]));
  }
}

static void destroy(void* state) {
  (void) state;
}

static const char* name(const operator_table* op) {
  (void) op;
  return "soft_threshold";
}

static const char* provider(const operator_table* op) {
  (void) op;
  return NULL;
}

static int type(const operator_table* op, size_t i) {
  (void) op;
  (void) i;
  return ELEMENT_FLOAT;
}

/* Required, and in the memory that is usual. */
static int plain(const operator_table* op, size_t i) {
  (void) op;
  (void) i;
  return 0;
}

static int not_variadic(const operator_table* op) {
  (void) op;
  return 1;
}

static size_t two(const operator_table* op) {
  (void) op;
  return 2;
}

static size_t one(const operator_table* op) {
  (void) op;
  return 1;
}

static const operator_table OPERATOR = {API_VERSION, create, name, provider, type, two, type, one, compute, destroy,
    plain, plain, plain, {not_variadic, not_variadic, not_variadic, not_variadic}, {NULL}};

/* The one function that ONNX Runtime looks for. */
void* RegisterCustomOps(void* options, const api_base* base) {
  void* domain = NULL;
  api = base->get(API_VERSION);
  void* status = ((void* (*)(const char*, void**)) api[CREATE_DOMAIN])("shrinkage", &domain);
  if (status == NULL) {
    status = ((void* (*)(void*, const operator_table*)) api[DOMAIN_ADD])(domain, &OPERATOR);
  }
  if (status == NULL) {
    status = ((void* (*)(void*, void*)) api[ADD_DOMAIN])(options, domain);
  }
  return status;
}
