/**
 * Means are sums divided once, and variances are computed from centred values. The expected values are worked out in
 * exact numbers.
 */
import { describe, expect, it } from 'vitest';
import * as ops from '../../index.ts';
import { type Tensor, tensor } from '../../index.ts';

const float32 = (values: readonly number[]): Tensor => tensor(values, { dtype: 'float32' });

describe('a mean', () => {
  it('of ones is one, for any number of elements', () => {
    for (let size = 1; size <= 300; size++) {
      for (const dtype of ['float32', 'float64'] as const) {
        const ones = ops.ones([size], dtype);
        expect(ones.mean().item(), `${size} of ${dtype}`).toBe(1);
        expect(
          ops
            .jit((x: Tensor) => x.mean())(ones)
            .item(),
        ).toBe(1);
      }
    }
  });
  it('of a window of equal values is that value', () => {
    const options = { stride: 1 } as const;
    for (const window of [3, 5, 6, 7]) {
      const images = ops.ones([1, 7, 7, 1]);
      expect(new Set(ops.avgPool(images, window, options).data)).toEqual(new Set([1]));
      expect(new Set(ops.avgPool(images, window).data)).toEqual(new Set([1]));
    }
    expect(ops.globalAvgPool(ops.ones([1, 7, 7, 2])).toArray()).toEqual([[1, 1]]);
    expect(new Set(ops.adaptiveAvgPool(ops.ones([1, 7, 7, 1]), 3).data)).toEqual(new Set([1]));
  });
  it('is rounded once', () => {
    // Quotients are rounded correctly, like those of JavaScript: 10/3 is not the product with 0.333….
    for (const size of [3, 7, 10, 49, 57, 113]) {
      const values = Array.from({ length: size }, (_, i) => i % 5);
      const sum = values.reduce((a, b) => a + b, 0);
      expect(tensor(values).mean().item()).toBe(sum / size);
      expect(float32(values).mean().item()).toBe(Math.fround(sum / size));
      expect(ops.nanMean(tensor([...values, Number.NaN])).item()).toBe(sum / size);
    }
  });
});

describe('a variance', () => {
  it.each([
    { values: [1e7, 1e7 + 1, 1e7 + 2], right: 2 / 3 },
    // The mean 1e7 + 7/3 lies between two float32 numbers.
    { values: [1e7 + 1, 1e7 + 2, 1e7 + 4], right: 14 / 9 },
    { values: [1e8, 1e8 + 8, 1e8 + 24], right: 896 / 9 },
    { values: [-1e7, -1e7 + 1, -1e7 + 3], right: 14 / 9 },
  ])('of numbers far from 0 is accurate: $values', ({ values, right }) => {
    const x = float32(values);
    for (const found of [ops.variance(x), ops.jit((y: Tensor) => ops.variance(y))(x)])
      expect(Math.abs(found.item() / right - 1)).toBeLessThan(2e-7);
    const unbiased = ops.variance(x, 0, { correction: 1 }).item();
    expect(Math.abs(unbiased / (right * 1.5) - 1)).toBeLessThan(2e-7);
    expect(Math.abs(ops.std(x).item() / Math.sqrt(right) - 1)).toBeLessThan(2e-7);
  });
  it('of equal values is 0', () => {
    for (let size = 1; size <= 100; size++) expect(ops.variance(ops.full([size], 0.1)).item()).toBe(0);
  });
});
