import { tensor } from '@lockstep/autodiff';
import { flatten } from '@lockstep/tree';
import { describe, expect, it } from 'vitest';
import { centralizeGradients, clipAdaptively, clipByNorm } from './clipping.ts';
import { float, gradsAt, params, progressAt } from './fixtures/runs.ts';
import { addGradientNoise } from './noise.ts';
import type { GradientTransformation, TensorTree } from './transformation.ts';

const apply = <S>(
  link: GradientTransformation<S>,
  grads: TensorTree,
  weights: TensorTree = grads,
  step = 0,
) => flatten(link.update(grads, link.init(weights), weights, progressAt(step))[0]).leaves;
const matrix = (rows: number[][]) => tensor(rows, { dtype: 'float32' });

describe('clipByNorm', () => {
  it('shortens each tensor by itself', () => {
    const [long, short] = apply(clipByNorm(1), { a: float([3, 4]), b: float([0.3, 0.4]) });
    expect(long!.square().sum().item()).toBeCloseTo(1, 5);
    expect(Array.from(short!.data)).toEqual([Math.fround(0.3), Math.fround(0.4)]);
  });
});

describe('clipAdaptively', () => {
  it('shortens columns of a kernel that are long relative to their weights', () => {
    const weights = matrix([
      [3, 3],
      [4, 4],
    ]);
    const [clipped] = apply(
      clipAdaptively({ clipping: 0.1 }),
      matrix([
        [6, 0.3],
        [8, 0.4],
      ]),
      weights,
    );
    const wanted = [0.3, 0.3, 0.4, 0.4];
    for (const [i, value] of Array.from(clipped!.data).entries()) expect(value).toBeCloseTo(wanted[i]!, 6);
  });

  it('treats a vector as one unit, and lets weights of 0 move', () => {
    const [clipped] = apply(clipAdaptively({ clipping: 0.1, epsilon: 0.5 }), float([30, 40]), float([0, 0]));
    expect(clipped!.square().sum().sqrt().item()).toBeCloseTo(0.05, 6);
  });

  it('treats each filter of a convolution as a unit', () => {
    const kernel = tensor(
      Float32Array.from({ length: 24 }, (_, i) => i + 1),
      { shape: [2, 2, 3, 2] },
    );
    const [clipped] = apply(clipAdaptively({ clipping: 0.5 }), kernel);
    for (const [i, value] of Array.from(clipped!.data).entries()) expect(value).toBeCloseTo((i + 1) / 2, 4);
  });

  it('propagates NaN', () => {
    const [clipped] = apply(clipAdaptively(), float([Number.NaN, 1]), float([1, 1]));
    expect(Array.from(clipped!.data).some(Number.isNaN)).toBe(true);
  });
});

describe('centralizeGradients', () => {
  it('gives each column mean 0 and does not change vectors', () => {
    const grads = {
      kernel: matrix([
        [1, 10],
        [3, 30],
      ]),
      bias: float([1, 2]),
    };
    const [bias, kernel] = apply(centralizeGradients(), grads);
    expect(Array.from(kernel!.data)).toEqual([-1, -10, 1, 10]);
    expect(bias).toBe(grads.bias);
  });
});

describe('addGradientNoise', () => {
  const zero = float(Array.from({ length: 4000 }, () => 0));
  const noise = (options: Parameters<typeof addGradientNoise>[0], step: number) =>
    Array.from(apply(addGradientNoise(options), { w: zero }, { w: zero }, step)[0]!.data);
  const variance = (values: number[]) => values.reduce((sum, x) => sum + x * x, 0) / values.length;

  it('has the variance of its formula', () => {
    for (const step of [0, 3]) {
      const ratio = variance(noise({ variance: 4, decay: 1 }, step)) / (4 / (1 + step));
      expect(Math.abs(ratio - 1)).toBeLessThan(0.08);
    }
  });

  it('depends on seed, step and parameter', () => {
    expect(noise({ seed: 1 }, 5)).toEqual(noise({ seed: 1 }, 5));
    expect(noise({ seed: 1, decay: 0 }, 5)).not.toEqual(noise({ seed: 2, decay: 0 }, 5));
    expect(noise({ seed: 1, decay: 0 }, 5)).not.toEqual(noise({ seed: 1, decay: 0 }, 6));
    const [a, b] = apply(addGradientNoise(), { a: zero, b: zero });
    expect(Array.from(a!.data)).not.toEqual(Array.from(b!.data));
  });
});

describe('norms of several tensors', () => {
  it('are those of each tensor, for any ranks', () => {
    const clipped = apply(clipByNorm(0.01), gradsAt(1), params);
    for (const leaf of clipped) expect(leaf.square().sum().sqrt().item()).toBeLessThan(0.0101);
  });
});
