import { describe, expect, it } from 'vitest';
import { eigh, eighRoom, pseudoInverse, svd, svdRoom } from './spectra.ts';

/** The matrix of second differences, whose eigenvalues are 2 − 2·cos(kπ / (n + 1)). */
const secondDifference = (n: number): Float64Array =>
  Float64Array.from({ length: n * n }, (_, i) => {
    const distance = Math.abs(Math.floor(i / n) - (i % n));
    return distance === 0 ? 2 : distance === 1 ? -1 : 0;
  });

function eighOf(a: Float64Array, n: number): { values: number[]; vectors: number[][] } {
  const out = new Float64Array((n + 1) * n);
  eigh(out, a, { batch: 1, n, room: eighRoom(n) });
  const rows = Array.from({ length: n + 1 }, (_, i) => [...out.subarray(i * n, (i + 1) * n)]);
  return { values: rows[0]!, vectors: rows.slice(1) };
}

describe('eigh', () => {
  it('agrees with eigenvalues in closed form to the last digits', () => {
    const n = 24;
    const { values } = eighOf(secondDifference(n), n);
    for (const [k, value] of values.entries())
      expect(Math.abs(value - (2 - 2 * Math.cos(((k + 1) * Math.PI) / (n + 1))))).toBeLessThan(8e-15);
  });
  it('gives orthonormal vectors that satisfy a·v = λ·v', () => {
    const n = 16;
    const a = secondDifference(n);
    const { values, vectors } = eighOf(a, n);
    for (let k = 0; k < n; k++) {
      for (let other = 0; other < n; other++) {
        const inner = vectors.reduce((sum, row) => sum + row[k]! * row[other]!, 0);
        expect(Math.abs(inner - Number(k === other))).toBeLessThan(1e-14);
      }
      for (let i = 0; i < n; i++) {
        const image = vectors.reduce((sum, row, j) => sum + a[i * n + j]! * row[k]!, 0);
        expect(Math.abs(image - values[k]! * vectors[i]![k]!)).toBeLessThan(1e-14);
      }
    }
  });
  it('converges for matrices of low rank and with equal eigenvalues', () => {
    const ones = new Float64Array(25).fill(1);
    const { values } = eighOf(ones, 5);
    expect(values[4]).toBeCloseTo(5, 14);
    for (const value of values.slice(0, 4)) expect(Math.abs(value)).toBeLessThan(1e-15);
    expect(eighOf(Float64Array.of(3, 0, 0, 3), 2)).toEqual({
      values: [3, 3],
      vectors: [
        [1, 0],
        [0, 1],
      ],
    });
  });
  it('gives NaN for NaN', () => {
    expect(eighOf(Float64Array.of(Number.NaN, 1, 1, 1), 2).values).toEqual([Number.NaN, Number.NaN]);
  });
});

describe('svd', () => {
  const [m, n] = [6, 4];
  const rows = m + 1 + n;
  const factors = (a: Float64Array) => {
    const out = new Float64Array(rows * n);
    svd(out, a, { batch: 1, m, n, room: svdRoom(m, n) });
    const at = (i: number, j: number): number => out[i * n + j]!;
    return { u: at, s: [...out.subarray(m * n, (m + 1) * n)], v: (i: number, j: number) => at(m + 1 + i, j) };
  };
  const rebuilds = (a: Float64Array): void => {
    const { u, s, v } = factors(a);
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        const sum = s.reduce((total, value, k) => total + value * u(i, k) * v(j, k), 0);
        expect(Math.abs(sum - a[i * n + j]!)).toBeLessThan(1e-14);
      }
    for (let k = 0; k < n; k++)
      for (let other = 0; other < n; other++) {
        let inner = 0;
        for (let i = 0; i < m; i++) inner += u(i, k) * u(i, other);
        expect(Math.abs(inner - Number(k === other))).toBeLessThan(1e-13);
      }
  };
  it('reconstructs the matrix from orthonormal columns', () => {
    rebuilds(Float64Array.from({ length: m * n }, (_, i) => ((7 * i * i) % 11) / 5 - 1));
  });
  it('completes the columns of U for a matrix with zero columns', () => {
    const a = new Float64Array(m * n);
    a[1] = 2;
    a[n + 2] = 1;
    rebuilds(a);
    expect(factors(a).s).toEqual([2, 1, 0, 0]);
  });
  it('gives small singular values to their last digits', () => {
    const a = new Float64Array(m * n);
    for (const [j, value] of [1, 1e-8, 1e-16, 1e-24].entries()) a[j * n + j] = value;
    a[n - 1] = 1e-30;
    expect(factors(a).s.map((value) => Number(value.toPrecision(14)))).toEqual([1, 1e-8, 1e-16, 1e-24]);
  });
});

it('pseudoInverse ignores singular values below the cutoff', () => {
  const out = new Float64Array(4);
  pseudoInverse(out, Float64Array.of(2, 0, 0, 1e-12), {
    batch: 1,
    m: 2,
    n: 2,
    room: svdRoom(2, 2),
    cutoff: 1e-9,
  });
  expect([...out]).toEqual([0.5, 0, 0, 0]);
});
