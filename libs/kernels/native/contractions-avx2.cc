// The contractions for AVX2 with FMA.
#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstring>

#include "contractions.h"
#include "scratch.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif

#define LOCKSTEP_AVX2

namespace lockstep {
namespace avx2 {
#include "contractions.inc"
}  // namespace avx2

const Contractions avx2Contractions = {
    avx2::matmul, avx2::segmentedContraction, avx2::conv2d, avx2::conv2dInputGrad, avx2::conv2dKernelGrad,
};

}  // namespace lockstep

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
