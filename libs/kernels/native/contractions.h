// The contractions of profile `fma`, one implementation for each instruction set, all with the same bits: every
// output element is one chain of fused multiply-adds over the inner index, ascending, from +0, or Winograd's sums of such
// chains. src/kernels.ts states the orders. Layouts are row-major, images NHWC.
#pragma once

#include <cstdint>

namespace lockstep {

struct MatmulShape {
  int batch, m, n, k;
  bool transposeA, transposeB, batchA, batchB;
};

struct SegmentsShape {
  int segments, rows, m, n;
};

struct Conv2dShape {
  int batch, height, width, inChannels;
  int outHeight, outWidth, outChannels;
  int kernelHeight, kernelWidth;
  int strideY, strideX, padTop, padLeft;
  int isWinograd;  // 1, or 0 for direct
};

struct Contractions {
  void (*matmul)(float* out, const float* a, const float* b, const MatmulShape&);
  void (*segmentedContraction)(float* out, const float* a, const float* b, const SegmentsShape&);
  void (*conv2d)(float* out, const float* x, const float* kernel, const Conv2dShape&);
  void (*conv2dInputGrad)(float* out, const float* dy, const float* kernel, const Conv2dShape&);
  // With `stack` it gives one gradient for each segment, else their tree sum.
  void (*conv2dKernelGrad)(float* out, const float* x, const float* dy, const Conv2dShape&, int segments, bool stack);
};

// The instruction sets of this build. When the addon loads it finds out which of them the machine has.
extern const Contractions avx512Contractions;
extern const Contractions avx2Contractions;
extern const Contractions neonContractions;

}  // namespace lockstep
