import { expect, it } from 'vitest';
import reference from '../../fixtures/cma-es.json' with { type: 'json' };
import { initialState, pointAt, updated } from './strategy.ts';

it.each(reference.cases)(`updates are those of ${reference.source} in $dimensions dimensions`, (one) => {
  let state = initialState(one.dimensions, reference.sigma);
  const near = (found: Float64Array, expected: readonly number[]) => {
    for (const [i, x] of found.entries()) expect(Math.abs(x - expected[i]!)).toBeLessThan(1e-12);
  };
  for (const { points, mean, sigma, covariance } of one.populations) {
    state = updated(
      state,
      points.map((point) => Float64Array.from(point)),
    );
    near(state.mean, mean);
    expect(Math.abs(state.sigma - sigma)).toBeLessThan(1e-12);
    near(state.covariance, covariance);
  }
});

it('draws have the covariance', () => {
  const points = [
    [0.1, 0.2],
    [0.4, 0.6],
    [0.9, 0.8],
    [0.3, 0.1],
    [0.2, 0.9],
    [0.6, 0.5],
  ];
  const state = updated(
    initialState(2, 0.3),
    points.map((point) => Float64Array.from(point)),
  );
  const [x, y] = [
    [1, 0],
    [0, 1],
  ].map((z) => {
    const point = pointAt(state, Float64Array.from(z!));
    return point.map((value, i) => (value - state.mean[i]!) / state.sigma);
  });
  const product = [0, 1].flatMap((i) => [0, 1].map((j) => x![i]! * x![j]! + y![i]! * y![j]!));
  for (const [i, value] of product.entries()) expect(value).toBeCloseTo(state.covariance[i]!, 14);
});
