import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ConvolutionAlgorithm, Kernels } from '../kernels.ts';
import { referenceKernels } from '../reference/index.ts';
import { createEagerKernels } from './eager.ts';

const wave = (size: number, step: number) =>
  Float32Array.from({ length: size }, (_, i) => Math.fround(((i * step) % 2) - 1));

afterEach(() => {
  vi.unstubAllEnvs();
});

/** With native kernels where there are some, and without. */
const cases = (['portable', 'fma'] as const).flatMap((profile) =>
  ['', 'wasm'].map((backend) => ({ profile, backend })),
);

describe.each(cases)(
  'eager kernels of profile $profile equal the reference, $backend',
  ({ profile, backend }) => {
    const reference = referenceKernels(profile);
    let eager: Kernels;
    beforeEach(() => {
      vi.stubEnv('LOCKSTEP_BACKEND', backend);
      eager ??= createEagerKernels(profile);
    });

    it.each([2, 40, 200])('matmul of size %i, in ordinary memory', (size) => {
      const attrs = {
        batch: 1,
        m: size,
        n: size,
        k: size,
        transposeA: false,
        transposeB: true,
        batchA: true,
        batchB: true,
      };
      const [a, b] = [wave(size * size, 0.37), wave(size * size, 0.71)];
      const [out, expected] = [new Float32Array(size * size), new Float32Array(size * size)];
      eager.matmul(out, a, b, attrs);
      reference.matmul(expected, a, b, attrs);
      expect(out).toEqual(expected);
    });

    it.each<ConvolutionAlgorithm>(['direct', 'winograd'])(
      'convolutions, %s, and their gradients',
      (algorithm) => {
        const attrs = {
          algorithm,
          batch: 2,
          height: 8,
          width: 8,
          inChannels: 4,
          outHeight: 8,
          outWidth: 8,
          outChannels: 8,
          kernelHeight: 3,
          kernelWidth: 3,
          strideY: 1,
          strideX: 1,
          padTop: 1,
          padLeft: 1,
        };
        const [x, kernel, dy] = [wave(512, 0.37), wave(288, 0.71), wave(1024, 0.53)];
        const run = (kernels: Kernels) => {
          const [y, dx, dKernel] = [new Float32Array(1024), new Float32Array(512), new Float32Array(288)];
          kernels.conv2d(y, x, kernel, attrs);
          kernels.conv2dInputGrad(dx, dy, kernel, attrs);
          kernels.conv2dKernelGrad(dKernel, x, dy, { ...attrs, segments: 2, combine: 'tree' });
          return { y, dx, dKernel };
        };
        expect(run(eager)).toEqual(run(reference));
      },
    );

    it('calls that outgrow the memory, and elementwise calls', () => {
      const size = 3_000_000;
      const [a, b] = [wave(size, 0.37), wave(3, 0.71)];
      const [out, expected] = [new Float32Array(size), new Float32Array(size)];
      for (const [kernels, to] of [
        [eager, out],
        [reference, expected],
      ] as const) {
        kernels.binary('mul', to, { data: a, repeat: 1, period: size }, { data: b, repeat: 1, period: 3 });
      }
      expect(Buffer.compare(Buffer.from(out.buffer), Buffer.from(expected.buffer))).toBe(0);
      const [exp, expectedExp] = [new Float32Array(2000), new Float32Array(2000)];
      eager.unary('exp', exp, a.subarray(0, 2000));
      reference.unary('exp', expectedExp, a.subarray(0, 2000));
      expect(exp).toEqual(expectedExp);
    });

    it.each([10, 2000])('the digest of %i elements', (size) => {
      const [out, expected] = [new Uint32Array(2), new Uint32Array(2)];
      eager.digest(out, wave(size, 0.37));
      reference.digest(expected, wave(size, 0.37));
      expect(out).toEqual(expected);
    });
  },
);
