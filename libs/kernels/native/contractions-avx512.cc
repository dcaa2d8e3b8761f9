// The contractions for AVX-512.
#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstring>

#include "contractions.h"
#include "scratch.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma"))), \
                             apply_to = function)
#else
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma")
#endif

#define LOCKSTEP_AVX512

namespace lockstep {
namespace avx512 {
#include "contractions.inc"
}  // namespace avx512

const Contractions avx512Contractions = {
    avx512::matmul, avx512::segmentedContraction, avx512::conv2d, avx512::conv2dInputGrad, avx512::conv2dKernelGrad,
};

}  // namespace lockstep

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
