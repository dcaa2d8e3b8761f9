/** Matrices that are not near 1: the same matrices at other scales, and matrices that are not finite. */
import { describe, expect, it } from 'vitest';
import { qr, qrRoom } from './orthogonal.ts';
import { load } from './scale.ts';
import { eigh, eighRoom, pseudoInverse, svd, svdRoom } from './spectra.ts';

const n = 3;
/** A symmetric matrix, which `eigh` uses unchanged. */
const matrix = Float64Array.of(4, 1, -2, 1, 3, 0.5, -2, 0.5, 1);

const decompositions = {
  qr: {
    length: 2 * n * n,
    run: (out: Float64Array, a: Float64Array) => qr(out, a, { batch: 1, m: n, n, room: qrRoom(n, n) }),
  },
  svd: {
    length: (2 * n + 1) * n,
    run: (out: Float64Array, a: Float64Array) => svd(out, a, { batch: 1, m: n, n, room: svdRoom(n, n) }),
  },
  eigh: {
    length: (n + 1) * n,
    run: (out: Float64Array, a: Float64Array) => eigh(out, a, { batch: 1, n, room: eighRoom(n) }),
  },
  pseudoInverse: {
    length: n * n,
    run: (out: Float64Array, a: Float64Array) =>
      pseudoInverse(out, a, { batch: 1, m: n, n, room: svdRoom(n, n), cutoff: 1e-15 }),
  },
} as const;

function results(name: keyof typeof decompositions, a: Float64Array): Float64Array {
  const { length, run } = decompositions[name];
  const out = new Float64Array(length);
  run(out, a);
  return out;
}

/** Results that scale with the matrix (1), do not scale (0), or scale with its inverse (−1). */
const powers: Record<keyof typeof decompositions, (place: number) => number> = {
  qr: (place) => (place < n * n ? 0 : 1),
  svd: (place) => (place >= n * n && place < n * n + n ? 1 : 0),
  eigh: (place) => (place < n ? 1 : 0),
  pseudoInverse: () => -1,
};

describe.each(Object.keys(decompositions) as (keyof typeof decompositions)[])('%s', (name) => {
  it.each([2 ** -900, 2 ** -500, 2 ** 500, 2 ** 900])('has the same digits at scale %d', (scale) => {
    const [plain, moved] = [
      results(name, matrix),
      results(
        name,
        matrix.map((x) => x * scale),
      ),
    ];
    const expected = plain.map((x, place) => x * scale ** powers[name](place));
    for (const [i, value] of moved.entries())
      expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(1e-13 * Math.abs(expected[i]!) + 1e-300);
  });
  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'is NaN if an element is %d',
    (odd) => {
      const values = results(name, matrix.with(4, odd));
      expect(values.filter((x, place) => powers[name](place) !== 0 && x !== 0).every(Number.isNaN)).toBe(
        true,
      );
    },
  );
  it('terminates for denormal numbers', () => {
    expect(
      results(
        name,
        matrix.map((x) => x * 5e-324),
      ).some(Number.isNaN),
    ).toBe(false);
  });
});

it('load does not change ordinary numbers', () => {
  const room = new Float64Array(9);
  expect(load(room, matrix, 0)).toBe(1);
  expect(room).toEqual(matrix);
});
