import { expect, it } from 'vitest';
import reference from './fixtures/normal.json' with { type: 'json' };
import { cutNormalQuantile, normalCdf, normalMass, normalQuantile } from './normal.ts';

const within = (found: number, expected: number, relative: number) =>
  expect(Math.abs(found - expected)).toBeLessThanOrEqual(relative * Math.abs(expected));

it(`distribution and quantiles are those of ${reference.source}`, () => {
  for (const [i, z] of reference.z.entries()) within(normalCdf(z), reference.cdf[i]!, 1e-13);
  for (const [i, p] of reference.p.entries()) {
    // An ulp of p moves the quantile, near 1 by more than one of its own.
    const moved =
      Number.EPSILON / (Math.sqrt(1 / (2 * Math.PI)) * Math.exp(-(reference.quantile[i]! ** 2) / 2));
    expect(Math.abs(normalQuantile(p) - reference.quantile[i]!)).toBeLessThanOrEqual(
      1e-13 * Math.abs(reference.quantile[i]!) + (p > 0.5 ? moved : 0),
    );
  }
  expect(normalQuantile(0)).toBe(Number.NEGATIVE_INFINITY);
  expect(normalQuantile(1)).toBe(Number.POSITIVE_INFINITY);
});

it('masses do not cancel in either tail', () => {
  within(normalMass(8, 9), normalMass(-9, -8), 1e-15);
  within(normalMass(-1, 1), 0.6826894921370859, 1e-15);
});

it('quantiles of a cut distribution stay inside', () => {
  for (const u of [0, 0.1, 0.5, 1 - 2 ** -53]) {
    const z = cutNormalQuantile(-0.5, 2, u);
    expect(z).toBeGreaterThanOrEqual(-0.5);
    expect(z).toBeLessThanOrEqual(2);
  }
  expect(cutNormalQuantile(-1, 1, 0.5)).toBeCloseTo(0, 15);
});
