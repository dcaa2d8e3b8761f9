// The Node-API module: an object of kernels for each instruction set that this machine has. src/native/native.ts has
// checked the arguments. Attributes are numbers or one Int32Array.
#include <node_api.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <cstring>
#include <new>
#include <stdexcept>
#include <vector>

#include "contractions.h"
#include "fused.h"
#include "kernels.h"

namespace lockstep {
namespace {

struct Backend {
  const char* instructionSet;
  const Kernels& kernels;
  const Contractions& contractions;
};

struct Array {
  void* data;
  size_t length;
  napi_typedarray_type type;
};

class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info) : env_(env) {
    void* data = nullptr;
    check(napi_get_cb_info(env, info, &count_, values_, nullptr, &data));
    if (count_ > MAX) throw std::length_error("native kernels: too many arguments");
    backend = static_cast<const Backend*>(data);
  }

  Array array(size_t i) const {
    Array a{};
    check(napi_get_typedarray_info(env_, at(i), &a.type, &a.length, &a.data, nullptr, nullptr));
    return a;
  }

  template <class T = float>
  T* data(size_t i) const { return static_cast<T*>(array(i).data); }

  double number(size_t i) const {
    double value = 0;
    check(napi_get_value_double(env_, at(i), &value));
    return value;
  }

  int32_t integer(size_t i) const {
    int32_t value = 0;
    check(napi_get_value_int32(env_, at(i), &value));
    return value;
  }

  size_t size(size_t i) const { return static_cast<size_t>(number(i)); }

  // Attributes in an Int32Array, in the order of a struct's fields.
  template <class Shape>
  const Shape& shape(size_t i) const { return *data<const Shape>(i); }

  const Backend* backend = nullptr;

 private:
  static constexpr size_t MAX = 128;

  static void check(napi_status status) {
    if (status != napi_ok) throw std::invalid_argument("native kernels: an argument has the wrong type");
  }
  napi_value at(size_t i) const {
    if (i >= count_) throw std::invalid_argument("native kernels: an argument is missing");
    return values_[i];
  }

  napi_env env_;
  size_t count_ = MAX;
  napi_value values_[MAX];
};

Operand operandOf(Array array, double repeat, double period) {
  return {array.data, static_cast<size_t>(repeat), static_cast<size_t>(period), array.type == napi_uint8_array};
}

// An operand: array, repeat and period from argument `i`.
Operand operandAt(const Arguments& args, size_t i) {
  return operandOf(args.array(i), args.number(i + 1), args.number(i + 2));
}

// Runs a chain of one instruction. Arguments: code, out, operands.
template <int numOperands>
void single(const Arguments& args) {
  Operand operands[numOperands];
  Instruction instruction = {static_cast<Op>(args.integer(0)), {0, 1, 2}};
  for (int i = 0; i < numOperands; i++) operands[i] = operandAt(args, 2 + 3 * i);
  const Array out = args.array(1);
  const Output output = {out.data, numOperands, 0, 0};
  fused(args.backend->kernels.machine, {operands, &instruction, &output, numOperands, 1, 1, out.length});
}

void unary(const Arguments& args) {
  const Array out = args.array(1);
  const Operand operand = operandOf(args.array(2), 1, out.length);
  const Instruction instruction = {static_cast<Op>(args.integer(0)), {}};
  const Output output = {out.data, 1, 0, 0};
  fused(args.backend->kernels.machine, {&operand, &instruction, &output, 1, 1, 1, out.length});
}

// Arguments: the program (numbers of operands, instructions and outputs; the instructions; source, size and inner of each
// output); sizes (the chain's length; repeat and period of each operand); outputs; operands.
void fusedChain(const Arguments& args) {
  const int32_t* program = args.data<int32_t>(0);
  const double* sizes = args.data<double>(1);
  const auto [numOperands, numInstructions, numOutputs] = *reinterpret_cast<const int32_t(*)[3]>(program);
  const auto* instructions = reinterpret_cast<const Instruction*>(program + 3);
  const int32_t* results = program + 3 + 4 * numInstructions;
  const size_t length = static_cast<size_t>(*sizes++);
  static thread_local std::vector<Operand> operands;
  static thread_local std::vector<Output> outputs;
  operands.clear();
  outputs.clear();
  size_t next = 2;
  for (int o = 0; o < numOutputs; o++, results += 3) {
    outputs.push_back({args.data<void>(next++), results[0], results[1], results[2]});
  }
  for (int i = 0; i < numOperands; i++) {
    operands.push_back(operandOf(args.array(next++), sizes[2 * i], sizes[2 * i + 1]));
  }
  fused(args.backend->kernels.machine, {operands.data(), instructions, outputs.data(), numOperands, numInstructions,
                                        numOutputs, length});
}

void fill(const Arguments& args) {
  const Array out = args.array(0);
  args.backend->kernels.fill(static_cast<float*>(out.data), static_cast<float>(args.number(1)), out.length);
}

Element elementOf(napi_typedarray_type type) {
  return type == napi_float32_array ? Element::float32 : type == napi_int32_array ? Element::int32 : Element::bool8;
}

void cast(const Arguments& args) {
  const Array out = args.array(0), x = args.array(1);
  args.backend->kernels.cast(out.data, elementOf(out.type), x.data, elementOf(x.type), out.length);
}

void reduce(const Arguments& args) {
  const ReduceShape shape = {args.integer(3), args.integer(4), args.integer(5)};
  args.backend->kernels.reduce(static_cast<ReduceOp>(args.integer(0)), args.data(1), args.data(2), shape);
}

void argmax(const Arguments& args) {
  const ReduceShape shape = {args.integer(2), args.integer(3), args.integer(4)};
  args.backend->kernels.argmax(args.data<int32_t>(0), args.data(1), shape);
}

void treeSum(const Arguments& args) {
  args.backend->kernels.treeSum(args.data(0), args.data(1), args.size(2), args.size(3));
}

void moments(const Arguments& args) {
  const MomentsShape shape = {args.integer(3), args.integer(4), args.integer(5), args.integer(6)};
  args.backend->kernels.moments(args.data(0), args.data(1), args.data(2), shape);
}

void treeMoments(const Arguments& args) {
  args.backend->kernels.treeMoments(args.data(0), args.data(1), args.size(2), args.size(3));
}

int bytesOf(napi_typedarray_type type) {
  return type == napi_uint8_array ? 1 : type == napi_float64_array ? 8 : 4;
}

void copy(const Arguments& args) {
  const Array out = args.array(0), x = args.array(1);
  if (x.length > 0) std::memcpy(out.data, x.data, x.length * bytesOf(x.type));
}

// Arguments: to, its offset, from, its offset, [rank, shape, strides of to, strides of from]. Offsets are in elements.
void copyStrided(const Arguments& args) {
  const Array to = args.array(0), from = args.array(2);
  const int bytes = bytesOf(to.type);
  const int32_t* view = args.data<int32_t>(4);
  const int32_t rank = *view++;
  args.backend->kernels.copyStrided({static_cast<char*>(to.data) + args.size(1) * bytes,
                                     static_cast<const char*>(from.data) + args.size(3) * bytes, bytes, rank, view,
                                     view + rank, view + 2 * rank});
}

void maxPoolSelect(const Arguments& args) {
  args.backend->kernels.maxPoolSelect(args.data(0), args.data(1), args.data(2), args.shape<PoolShape>(3));
}

void maxPoolScatter(const Arguments& args) {
  args.backend->kernels.maxPoolScatter(args.data(0), args.data(1), args.data(2), args.shape<PoolShape>(3));
}

void gather(const Arguments& args) {
  const Array out = args.array(0), indices = args.array(2);
  args.backend->kernels.gather({out.data, args.data<void>(1), static_cast<int32_t*>(indices.data), indices.length,
                                args.size(3), args.size(4), bytesOf(out.type), out.type == napi_float32_array});
}

void scatterAdd(const Arguments& args) {
  const Array indices = args.array(2);
  args.backend->kernels.scatterAdd(args.data(0), args.data(1), static_cast<int32_t*>(indices.data), indices.length,
                                   args.integer(3), args.integer(4));
}

void randomBits(const Arguments& args) {
  const Array out = args.array(0);
  const uint32_t* key = args.data<uint32_t>(1);
  args.backend->kernels.randomBits(static_cast<uint32_t*>(out.data), out.length, key[0], key[1]);
}

void unitFromBits(const Arguments& args) {
  const Array out = args.array(0);
  args.backend->kernels.unitFromBits(static_cast<float*>(out.data), args.data<uint32_t>(1), out.length);
}

NaNs nansOf(napi_typedarray_type type) {
  return type == napi_float32_array ? NaNs::float32 : type == napi_float64_array ? NaNs::float64 : NaNs::none;
}

void digest(const Arguments& args) {
  const Array x = args.array(1);
  args.backend->kernels.digest(args.data<uint32_t>(0), x.data, x.length * bytesOf(x.type), nansOf(x.type));
}

void matmul(const Arguments& args) {
  const int32_t* w = args.data<int32_t>(3);
  const MatmulShape shape = {w[0], w[1], w[2], w[3], w[4] != 0, w[5] != 0, w[6] != 0, w[7] != 0};
  args.backend->contractions.matmul(args.data(0), args.data(1), args.data(2), shape);
}

void segmentedContraction(const Arguments& args) {
  const SegmentsShape& shape = args.shape<SegmentsShape>(3);
  args.backend->contractions.segmentedContraction(args.data(0), args.data(1), args.data(2), shape);
}

void conv2d(const Arguments& args) {
  args.backend->contractions.conv2d(args.data(0), args.data(1), args.data(2), args.shape<Conv2dShape>(3));
}

void conv2dInputGrad(const Arguments& args) {
  args.backend->contractions.conv2dInputGrad(args.data(0), args.data(1), args.data(2), args.shape<Conv2dShape>(3));
}

void conv2dKernelGrad(const Arguments& args) {
  args.backend->contractions.conv2dKernelGrad(args.data(0), args.data(1), args.data(2), args.shape<Conv2dShape>(3),
                                              args.integer(4), args.integer(5) != 0);
}

// Asks the system for large pages for an array. This is a hint; only speed depends on it.
void adviseLargePages([[maybe_unused]] const Arguments& args) {
#if defined(__linux__)
  constexpr uintptr_t page = 1 << 21;
  const Array array = args.array(0);
  const uintptr_t start = (reinterpret_cast<uintptr_t>(array.data) + page - 1) / page * page;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(array.data) + array.length) / page * page;
  if (start < end) madvise(reinterpret_cast<void*>(start), end - start, MADV_HUGEPAGE);
#endif
}

// Turns exceptions into JavaScript errors: none may leave a callback.
template <void (*kernel)(const Arguments&)>
napi_value call(napi_env env, napi_callback_info info) {
  try {
    kernel(Arguments(env, info));
  } catch (const std::bad_alloc&) {
    napi_throw_error(env, nullptr, "native kernels: out of memory");
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
  }
  return nullptr;
}

struct Export {
  const char* name;
  napi_callback callback;
};

constexpr Export functions[] = {
    {"unary", call<unary>},
    {"binary", call<single<2>>},
    {"select", call<single<3>>},
    {"fused", call<fusedChain>},
    {"fill", call<fill>},
    {"copy", call<copy>},
    {"cast", call<cast>},
    {"reduce", call<reduce>},
    {"argmax", call<argmax>},
    {"treeSum", call<treeSum>},
    {"moments", call<moments>},
    {"treeMoments", call<treeMoments>},
    {"copyStrided", call<copyStrided>},
    {"maxPoolSelect", call<maxPoolSelect>},
    {"maxPoolScatter", call<maxPoolScatter>},
    {"gather", call<gather>},
    {"scatterAdd", call<scatterAdd>},
    {"randomBits", call<randomBits>},
    {"unitFromBits", call<unitFromBits>},
    {"digest", call<digest>},
    {"matmul", call<matmul>},
    {"segmentedContraction", call<segmentedContraction>},
    {"conv2d", call<conv2d>},
    {"conv2dInputGrad", call<conv2dInputGrad>},
    {"conv2dKernelGrad", call<conv2dKernelGrad>},
    {"adviseLargePages", call<adviseLargePages>},
};

bool addBackend(napi_env env, napi_value exports, const Backend& backend) {
  napi_value kernels;
  if (napi_create_object(env, &kernels) != napi_ok) return false;
  for (const auto& [name, callback] : functions) {
    napi_value function;
    void* data = const_cast<Backend*>(&backend);
    if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, data, &function) != napi_ok) return false;
    if (napi_set_named_property(env, kernels, name, function) != napi_ok) return false;
  }
  return napi_set_named_property(env, exports, backend.instructionSet, kernels) == napi_ok;
}

#if defined(__x86_64__)
// These builtins also check that the operating system saves the registers.
bool hasAvx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
bool hasAvx512() {
  return hasAvx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
}
#endif

bool addBackends(napi_env env, napi_value exports) {
#if defined(__x86_64__)
  if (hasAvx512()) {
    static const Backend avx512 = {"avx512", avx512Kernels(), avx512Contractions};
    if (!addBackend(env, exports, avx512)) return false;
  }
  if (hasAvx2()) {
    static const Backend avx2 = {"avx2", avx2Kernels(), avx2Contractions};
    if (!addBackend(env, exports, avx2)) return false;
  }
#elif defined(__aarch64__)
  static const Backend neon = {"neon", neonKernels(), neonContractions};
  if (!addBackend(env, exports, neon)) return false;
#endif
  return true;
}

}  // namespace
}  // namespace lockstep

NAPI_MODULE_INIT() {
  if (!lockstep::addBackends(env, exports)) napi_throw_error(env, nullptr, "native kernels: the exports cannot be created");
  return exports;
}
