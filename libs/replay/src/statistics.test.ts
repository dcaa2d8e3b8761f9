import { expect, it } from 'vitest';
import { statisticsOf } from './statistics.ts';

it('gives an array in a few numbers', () => {
  const { histogram, ...rest } = statisticsOf(Float32Array.of(-2, 0, 0, 6));
  expect(rest).toEqual({
    ...{ size: 4, norm: Math.sqrt(40), mean: 1, std: 3, min: -2, max: 6, zeros: 0.5, numNonFinite: 0 },
  });
  expect(histogram).toEqual([1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
});

it('leaves out what is not finite, and counts it', () => {
  const { norm, histogram, ...rest } = statisticsOf(
    Float32Array.of(Number.NaN, 1, Number.POSITIVE_INFINITY, 1),
  );
  expect(norm).toBeNaN();
  expect(histogram[0]).toBe(2);
  expect(rest).toEqual({ size: 4, mean: 1, std: 0, min: 1, max: 1, zeros: 0, numNonFinite: 2 });
  expect(statisticsOf(Float32Array.of(Number.NaN))).toMatchObject({
    mean: Number.NaN,
    min: Number.NaN,
    numNonFinite: 1,
  });
});

it('takes whole numbers', () => {
  expect(statisticsOf(Int32Array.of(3, -4))).toMatchObject({ norm: 5, mean: -0.5, min: -4, max: 3 });
});
