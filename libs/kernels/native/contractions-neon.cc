// The contractions for NEON.
#if defined(__aarch64__)

#include <arm_neon.h>

#include <cstddef>
#include <cstring>

#include "contractions.h"
#include "scratch.h"

#define LOCKSTEP_NEON

namespace lockstep {
namespace neon {
#include "contractions.inc"
}  // namespace neon

const Contractions neonContractions = {
    neon::matmul, neon::segmentedContraction, neon::conv2d, neon::conv2dInputGrad, neon::conv2dKernelGrad,
};

}  // namespace lockstep

#endif
