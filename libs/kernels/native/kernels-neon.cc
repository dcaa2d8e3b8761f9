// All kernels except the contractions for NEON.
#if defined(__aarch64__)

#include <arm_neon.h>

#include <cstring>
#include <type_traits>
#include <utility>

#include "kernels.h"
#include "scratch.h"

#define LANES 4

namespace lockstep {
namespace {
#include "kernels.inc"
}  // namespace

const Kernels& neonKernels() { return table(); }

}  // namespace lockstep
#endif
