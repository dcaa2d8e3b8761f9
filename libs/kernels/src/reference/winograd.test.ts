import { describe, expect, it } from 'vitest';
import { convolutionAlgorithm, kernelGradAlgorithm } from '../convolution-algorithm.ts';
import type { Conv2dAttrs } from '../kernels.ts';
import { referenceKernels } from './index.ts';

/** Numbers in [−1, 1) that look random. */
function values(size: number, seed: number): Float64Array {
  let state = seed;
  return Float64Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
}

/** Computes both algorithms in both directions, in the precision of the arrays. */
function both(make: (size: number) => Float32Array | Float64Array, attrs: Omit<Conv2dAttrs, 'algorithm'>) {
  const kernels = referenceKernels('fma');
  const { batch, height, width, inChannels, outHeight, outWidth, outChannels } = attrs;
  const [x, kernel, dy] = [make(0), make(0), make(0)].map((_, seed) => {
    const size = [
      batch * height * width * inChannels,
      9 * inChannels * outChannels,
      batch * outHeight * outWidth * outChannels,
    ][seed]!;
    const out = make(size);
    out.set(values(size, seed + 1));
    return out;
  }) as [Float64Array, Float64Array, Float64Array];
  const run = (algorithm: Conv2dAttrs['algorithm']) => {
    const [y, dx, tree, stack] = [dy.length, x.length, kernel.length, 2 * kernel.length].map(make) as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    kernels.conv2d(y, x, kernel, { ...attrs, algorithm });
    kernels.conv2dInputGrad(dx, dy, kernel, { ...attrs, algorithm });
    const segmented = { ...attrs, algorithm, segments: 2 };
    kernels.conv2dKernelGrad(tree, x, dy, { ...segmented, combine: 'tree' });
    kernels.conv2dKernelGrad(stack, x, dy, { ...segmented, combine: 'stack' });
    return { y, dx, tree, stack };
  };
  return { direct: run('direct'), winograd: run('winograd') };
}

const shape = (size: number, channels: number, outChannels: number, pad: number) => ({
  ...{ batch: 2, height: size, width: size + 1, inChannels: channels, outChannels },
  ...{ outHeight: size + 2 * pad - 2, outWidth: size + 2 * pad - 1, padTop: pad, padLeft: pad },
  ...{ kernelHeight: 3, kernelWidth: 3, strideY: 1, strideX: 1 },
});

/** ‖a − b‖ / ‖b‖ */
function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const norm = (f: (i: number) => number): number =>
    Math.sqrt(
      Array.from({ length: b.length }, (_, i) => f(i) * f(i)).reduce((sum, square) => sum + square, 0),
    );
  return norm((i) => a[i]! - b[i]!) / norm((i) => b[i]!);
}

const parts = ['y', 'dx', 'tree', 'stack'] as const;

describe('Winograd’s algorithm', () => {
  it.each([
    [3, 1, 1, 0],
    [4, 2, 3, 1],
    [5, 3, 2, 2],
    [6, 2, 2, 3],
    [7, 4, 1, 1],
  ])('is the convolution: %i pixels, %i → %i channels, padding %i', (size, channels, outChannels, pad) => {
    const { direct, winograd } = both(
      (length) => new Float64Array(length),
      shape(size, channels, outChannels, pad),
    );
    for (const part of parts) expect(distance(winograd[part], direct[part]), part).toBeLessThan(1e-14);
  });

  it('has rounding errors in float32 like those of direct sums', () => {
    const attrs = shape(8, 32, 24, 1);
    const exact = both((length) => new Float64Array(length), attrs).direct;
    const single = both((length) => new Float32Array(length), attrs);
    for (const part of parts) {
      expect(distance(single.winograd[part], exact[part])).toBeLessThan(4e-7);
      expect(distance(single.direct[part], exact[part])).toBeGreaterThan(5e-8);
    }
  });

  it('refuses other kernels than 3×3 taps of stride 1', () => {
    const attrs = { ...shape(6, 1, 1, 1), strideY: 2, outHeight: 3 };
    expect(() => both((length) => new Float32Array(length), attrs)).toThrow(
      /3×3 with stride 1, got 3×3 with strides 2, 1/,
    );
  });

  it('is chosen by shape and precision, not by the number of images', () => {
    const large = shape(8, 24, 24, 1);
    expect(kernelGradAlgorithm('float32', large)).toBe('winograd');
    expect(kernelGradAlgorithm('float32', shape(4, 24, 24, 1))).toBe('direct');
    expect(convolutionAlgorithm('float32', large)).toBe('winograd');
    expect(convolutionAlgorithm('float64', large)).toBe('direct');
    const others = [
      { strideX: 2 },
      { kernelWidth: 1 },
      { inChannels: 23 },
      { outChannels: 23 },
      { height: 1 },
      { outWidth: 1 },
    ];
    for (const other of others)
      expect(convolutionAlgorithm('float32', { ...large, ...other })).toBe('direct');
  });
});
