// All kernels except the contractions, one implementation for each instruction set, all with the same bits. src/kernels.ts
// states what they compute and the order of every sum. Arrays are float32 unless their type says otherwise.
#pragma once

#include <cstddef>
#include <cstdint>

#include "machine.h"

namespace lockstep {

enum class Element : int32_t { float32, int32, bool8 };

// The type of the numbers among which an array's bytes can have NaN.
enum class NaNs : int32_t { none, float32, float64 };

struct ReduceShape {
  int32_t outer, size, inner;
};

struct MomentsShape {
  int32_t segments, rows, inner, channels;
};

struct PoolShape {
  int32_t batch, height, width, channels, outHeight, outWidth, windowHeight, windowWidth, strideY, strideX;
};

// A copy between two strided arrays of `elementBytes` 1, 4 or 8; strides are in elements.
struct StridedCopy {
  char* to;
  const char* from;
  int elementBytes, rank;  // rank ≥ 2
  const int32_t *shape, *toStrides, *fromStrides;
};

// `count` rows of a table, by index. A row that the table does not have is NaN, or 0 for integers.
struct RowGather {
  void* out;
  const void* table;
  const int32_t* indices;
  size_t count, rows, width;
  int elementBytes;  // 1, 4 or 8
  bool isFloat;
};

struct Kernels {
  Machine machine;  // for elementwise operations; see fused.h
  void (*fill)(float* out, float value, size_t count);
  void (*cast)(void* out, Element to, const void* x, Element from, size_t count);
  void (*reduce)(ReduceOp, float* out, const float* x, const ReduceShape&);
  void (*argmax)(int32_t* out, const float* x, const ReduceShape&);
  void (*treeSum)(float* out, const float* x, size_t segments, size_t size);
  void (*moments)(float* out, const float* x, const float* weights, const MomentsShape&);
  void (*treeMoments)(float* out, const float* x, size_t segments, size_t channels);
  void (*copyStrided)(const StridedCopy&);
  void (*maxPoolSelect)(float* out, const float* x, const float* t, const PoolShape&);
  void (*maxPoolScatter)(float* out, const float* x, const float* g, const PoolShape&);
  void (*gather)(const RowGather&);
  void (*scatterAdd)(
      float* out, const float* updates, const int32_t* indices, size_t count, int32_t rows, int32_t width);
  void (*randomBits)(uint32_t* out, size_t count, uint32_t key0, uint32_t key1);
  void (*unitFromBits)(float* out, const uint32_t* bits, size_t count);
  // Fills two words.
  void (*digest)(uint32_t* out, const void* x, size_t bytes, NaNs);
};

// The instruction sets of this build. Call each only on a machine that has the set.
const Kernels& avx512Kernels();
const Kernels& avx2Kernels();
const Kernels& neonKernels();

}  // namespace lockstep
