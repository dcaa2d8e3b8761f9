// All kernels except the contractions for AVX-512.
#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>
#include <type_traits>
#include <utility>

#include "kernels.h"
#include "scratch.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma")
#endif

#define LANES 16

namespace lockstep {
namespace {
#include "kernels.inc"
}  // namespace

const Kernels& avx512Kernels() { return table(); }

}  // namespace lockstep

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
