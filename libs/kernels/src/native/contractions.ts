import { isWinograd } from '../convolution-algorithm.ts';
import type { Conv2dAttrs, Kernels, MatmulAttrs, SegmentedContractionAttrs } from '../kernels.ts';
import { requireWholeSegments } from '../reference/convolution.ts';
import { referenceKernels } from '../reference/index.ts';
import { requirePowerOfTwo } from '../reference/tree.ts';
import type { NativeExports } from './addon.ts';
import { convSizes, isFloats, requireLength } from './checks.ts';
import { memoize } from './program.ts';

const reference = referenceKernels('fma');

export function contractions(native: NativeExports) {
  const matmulWords = memoize((s: MatmulAttrs) => {
    const flags = [s.transposeA, s.transposeB, s.batchA, s.batchB].map(Number);
    return Int32Array.from([s.batch, s.m, s.n, s.k, ...flags]);
  });
  const segmentsWords = memoize((s: SegmentedContractionAttrs) =>
    Int32Array.of(s.segments, s.rows, s.m, s.n),
  );
  return {
    matmul(out, a, b, attrs) {
      if (!isFloats(out) || !isFloats(a) || !isFloats(b)) return reference.matmul(out, a, b, attrs);
      const { batch, m, n, k, batchA, batchB } = attrs;
      requireLength('matmul', 'a', a, (batchA ? batch : 1) * m * k);
      requireLength('matmul', 'b', b, (batchB ? batch : 1) * k * n);
      requireLength('matmul', 'out', out, batch * m * n);
      native.matmul(out, a, b, matmulWords(attrs));
    },
    segmentedContraction(out, a, b, attrs) {
      if (!isFloats(out) || !isFloats(a) || !isFloats(b)) {
        return reference.segmentedContraction(out, a, b, attrs);
      }
      const { segments, rows, m, n } = attrs;
      requirePowerOfTwo('segmentedContraction', segments);
      requireLength('segmentedContraction', 'a', a, segments * rows * m);
      requireLength('segmentedContraction', 'b', b, segments * rows * n);
      requireLength('segmentedContraction', 'out', out, m * n);
      native.segmentedContraction(out, a, b, segmentsWords(attrs));
    },
  } satisfies Partial<Kernels>;
}

/** In the order of `Conv2dShape` in `native/contractions.h`. */
const convWords = memoize((c: Conv2dAttrs) =>
  Int32Array.from([
    ...[c.batch, c.height, c.width, c.inChannels, c.outHeight, c.outWidth, c.outChannels],
    ...[c.kernelHeight, c.kernelWidth, c.strideY, c.strideX, c.padTop, c.padLeft],
    Number(isWinograd('conv2d', c)),
  ]),
);

export function convolutions(native: NativeExports) {
  return {
    conv2d(out, x, kernel, attrs) {
      if (!isFloats(out) || !isFloats(x) || !isFloats(kernel)) return reference.conv2d(out, x, kernel, attrs);
      const sizes = convSizes(attrs);
      requireLength('conv2d', 'x', x, sizes.x);
      requireLength('conv2d', 'kernel', kernel, sizes.kernel);
      requireLength('conv2d', 'out', out, sizes.y);
      native.conv2d(out, x, kernel, convWords(attrs));
    },
    conv2dInputGrad(out, dy, kernel, attrs) {
      if (!isFloats(out) || !isFloats(dy) || !isFloats(kernel)) {
        return reference.conv2dInputGrad(out, dy, kernel, attrs);
      }
      const sizes = convSizes(attrs);
      requireLength('conv2dInputGrad', 'dy', dy, sizes.y);
      requireLength('conv2dInputGrad', 'kernel', kernel, sizes.kernel);
      requireLength('conv2dInputGrad', 'out', out, sizes.x);
      native.conv2dInputGrad(out, dy, kernel, convWords(attrs));
    },
    conv2dKernelGrad(out, x, dy, attrs) {
      if (!isFloats(out) || !isFloats(x) || !isFloats(dy))
        return reference.conv2dKernelGrad(out, x, dy, attrs);
      requireWholeSegments(attrs);
      const sizes = convSizes(attrs);
      const stack = attrs.combine === 'stack';
      requireLength('conv2dKernelGrad', 'x', x, sizes.x);
      requireLength('conv2dKernelGrad', 'dy', dy, sizes.y);
      requireLength('conv2dKernelGrad', 'out', out, sizes.kernel * (stack ? attrs.segments : 1));
      native.conv2dKernelGrad(out, x, dy, convWords(attrs), attrs.segments, Number(stack));
    },
  } satisfies Partial<Kernels>;
}
