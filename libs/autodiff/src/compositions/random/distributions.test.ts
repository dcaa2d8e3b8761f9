/** Random draws have the distributions of their names: moments agree within five standard errors. */
import { keyFromSeed } from '@lockstep/rng';
import { describe, expect, it } from 'vitest';
import {
  categorical,
  choice,
  exponential,
  foldIn,
  gumbel,
  keyTensor,
  laplace,
  permutation,
  randInt,
  type Tensor,
  tensor,
  truncatedNormal,
} from '../../index.ts';

const key = keyTensor(keyFromSeed(7));
const size = 8192;

/** Checks mean and variance. The kurtosis gives the standard error of the variance. */
function expectMoments(x: Tensor, mean: number, variance: number, kurtosis: number): void {
  const wide = x.cast('float64');
  expect(Math.abs(wide.mean().item() - mean)).toBeLessThan(5 * Math.sqrt(variance / size));
  const found = wide.sub(mean).square().mean().item();
  expect(Math.abs(found - variance)).toBeLessThan(5 * variance * Math.sqrt((kurtosis - 1) / size));
}

/** Checks the frequency of each of 0 … n − 1. */
function expectFrequencies(x: Tensor, probabilities: readonly number[]): void {
  const values = Array.from(x.data);
  expect(values.every((value) => Number.isInteger(value) && value >= 0 && value < probabilities.length)).toBe(
    true,
  );
  for (const [i, p] of probabilities.entries()) {
    const part = values.filter((value) => value === i).length / values.length;
    expect(Math.abs(part - p)).toBeLessThanOrEqual(5 * Math.sqrt((p * (1 - p)) / values.length));
  }
}

describe('continuous draws', () => {
  it('gumbel', () => expectMoments(gumbel(key, [size]), 0.5772156649015329, Math.PI ** 2 / 6, 5.4));
  it('exponential', () => {
    expectMoments(exponential(key, [size]), 1, 1, 9);
    expect(exponential(key, [size]).min().item()).toBeGreaterThanOrEqual(0);
  });
  it('laplace', () => expectMoments(laplace(key, [size]), 0, 2, 6));
  it('truncated normal', () => {
    // Moments by Simpson's rule.
    const moments = (low: number, high: number): [number, number] => {
      const integral = (power: number): number => {
        const parts = 2000;
        const step = (high - low) / parts;
        let sum = 0;
        for (let i = 0; i <= parts; i++) {
          const x = low + i * step;
          sum += (i === 0 || i === parts ? 1 : i % 2 === 0 ? 2 : 4) * x ** power * Math.exp((-x * x) / 2);
        }
        return (sum * step) / 3;
      };
      const mean = integral(1) / integral(0);
      return [mean, integral(2) / integral(0) - mean ** 2];
    };
    for (const [low, high] of [
      [-1, 2],
      [-2, 2],
      [1, 3],
      [4, 6],
    ] as const) {
      const x = truncatedNormal(foldIn(key, `from ${low}`), [size], low, high);
      expect(x.dtype).toBe('float32');
      expect(x.min().item()).toBeGreaterThanOrEqual(low);
      expect(x.max().item()).toBeLessThanOrEqual(high);
      expectMoments(x, ...moments(low, high), 9);
    }
    expect(() => truncatedNormal(key, [1], 2, 1)).toThrow(/low must be smaller/);
  });
});

describe('discrete draws', () => {
  it('randInt', () => {
    expectFrequencies(randInt(key, [size], 3, 8).sub(3), [0.2, 0.2, 0.2, 0.2, 0.2]);
    expect(randInt(key, [2], -5, -4).toArray()).toEqual([-5, -5]);
    expect(() => randInt(key, [1], 3, 3)).toThrow(/randInt: draws whole numbers from low/);
  });
  it('categorical', () => {
    const logits = tensor([0, Number.NEGATIVE_INFINITY, Math.log(3)], { dtype: 'float32' });
    expectFrequencies(categorical(key, logits, [size]), [0.25, 0, 0.75]);
    expect(
      categorical(
        key,
        tensor([
          [1, 2],
          [3, 4],
          [5, 6],
        ]),
        [4],
      ).shape,
    ).toEqual([4, 3]);
  });
  it('permutation', () => {
    const order = permutation(key, 50);
    expect([...order.data].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    const firsts = Array.from({ length: 600 }, (_, i) => permutation(foldIn(key, i), 3).at(0).item());
    expectFrequencies(tensor(firsts), [1 / 3, 1 / 3, 1 / 3]);
  });
  it('choice', () => {
    expectFrequencies(choice(key, 4, [size]), [0.25, 0.25, 0.25, 0.25]);
    expectFrequencies(choice(key, 3, [size], { weights: [1, 0, 4] }), [0.2, 0, 0.8]);
    const some = choice(key, 20, [4, 4], { replace: false });
    expect(new Set(some.data).size).toBe(16);
    expect(new Set(choice(key, 5, [5], { replace: false, weights: [1, 2, 3, 4, 5] }).data).size).toBe(5);
    const firsts = Array.from({ length: 600 }, (_, i) =>
      choice(foldIn(key, i), 2, [2], { replace: false, weights: [3, 1] })
        .at(0)
        .item(),
    );
    expectFrequencies(tensor(firsts), [0.75, 0.25]);
    const rows = tensor([
      [1, 2],
      [3, 4],
    ]);
    expect(choice(key, rows, [5]).shape).toEqual([5, 2]);
    expect(() => choice(key, 3, [4], { replace: false })).toThrow(/4 items cannot be drawn from 3/);
  });
});
