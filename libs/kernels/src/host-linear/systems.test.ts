import { describe, expect, it } from 'vitest';
import { cholesky, determinant, luRoom, solve, triangularSolve } from './systems.ts';

/** Hilbert's matrix 1 / (i + j + 1) with 1 added to the diagonal: far from singular, without special numbers. */
const matrix = (n: number): Float64Array =>
  Float64Array.from({ length: n * n }, (_, i) => {
    const [row, column] = [Math.floor(i / n), i % n];
    return 1 / (row + column + 1) + (row === column ? 1 : 0);
  });

function product(a: ArrayLike<number>, b: ArrayLike<number>, n: number): number[] {
  const m = b.length / n;
  return Array.from({ length: n * m }, (_, i) => {
    let sum = 0;
    for (let k = 0; k < n; k++) sum += a[Math.floor(i / m) * n + k]! * b[k * m + (i % m)]!;
    return sum;
  });
}

function expectClose(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(found.length).toBe(expected.length);
  for (let i = 0; i < found.length; i++)
    expect(Math.abs(found[i]! - expected[i]!)).toBeLessThanOrEqual(tolerance);
}

const system = (n: number, m: number) => ({ batch: 1, n, m, column: new Float64Array(n) });

describe('solve', () => {
  it('leaves a residual of a few last digits', () => {
    const n = 40;
    const [a, b] = [matrix(n), Float64Array.from({ length: 2 * n }, (_, i) => (i % 7) - 3)];
    const x = new Float64Array(2 * n);
    solve(x, a, b, { ...system(n, 2), room: luRoom(n) });
    expectClose(product(a, x, n), b, 1e-13);
  });
  it('exchanges rows if the first pivot is 0', () => {
    const x = new Float64Array(2);
    solve(x, Float64Array.of(0, 2, 4, 0), Float64Array.of(6, 8), { ...system(2, 1), room: luRoom(2) });
    expect([...x]).toEqual([2, 3]);
  });
  it('computes in doubles and rounds once', () => {
    const n = 12;
    const [a, b] = [Float32Array.from(matrix(n)), Float32Array.from({ length: n }, (_, i) => i - 5)];
    const [single, double] = [new Float32Array(n), new Float64Array(n)];
    solve(single, a, b, { ...system(n, 1), room: luRoom(n) });
    solve(double, Float64Array.from(a), Float64Array.from(b), { ...system(n, 1), room: luRoom(n) });
    expect(single).toEqual(Float32Array.from(double));
  });
});

describe('determinant', () => {
  const of = (part: 'value' | 'sign' | 'logarithm', a: readonly number[]): number => {
    const n = Math.sqrt(a.length);
    const out = new Float64Array(1);
    determinant(part, out, Float64Array.from(a), { n, room: luRoom(n) });
    return out[0]!;
  };
  it('has the sign of the permutation of rows', () => {
    expect(of('value', [0, 1, 1, 0])).toBe(-1);
    expect(of('value', [0, 1, 0, 0, 0, 1, 1, 0, 0])).toBe(1);
    expect(of('sign', [0, 5, 5, 0])).toBe(-1);
  });
  it('is 0 if a column has no pivot', () => {
    const singular = [1, 2, 3, 2, 4, 6, 1, 1, 1];
    expect([of('value', singular), of('sign', singular), of('logarithm', singular)]).toEqual([
      0,
      0,
      Number.NEGATIVE_INFINITY,
    ]);
  });
  it('has a finite logarithm if the value overflows', () => {
    const huge = [1e200, 0, 0, 1e200];
    expect(of('value', huge)).toBe(Number.POSITIVE_INFINITY);
    expect(of('logarithm', huge)).toBeCloseTo(400 * Math.LN10, 10);
  });
});

describe('triangularSolve', () => {
  it('reads neither the other triangle nor a unit diagonal', () => {
    const t = Float64Array.of(Number.NaN, Number.NaN, 3, Number.NaN);
    const x = new Float64Array(2);
    triangularSolve(x, t, Float64Array.of(1, 5), { ...system(2, 1), lower: true, unit: true });
    expect([...x]).toEqual([1, 2]);
  });
});

describe('cholesky', () => {
  it('gives a factor whose product with its transpose is the matrix', () => {
    const n = 30;
    const l = new Float64Array(n * n);
    cholesky(l, matrix(n), { batch: 1, n, factor: new Float64Array(n * n) });
    const transposed = Float64Array.from(l, (_, i) => l[(i % n) * n + Math.floor(i / n)]!);
    expectClose(product(l, transposed, n), matrix(n), 1e-15);
  });
  it('gives NaN for an indefinite matrix and not for its neighbours', () => {
    const out = new Float64Array(2);
    cholesky(out, Float64Array.of(-1, 4), { batch: 2, n: 1, factor: new Float64Array(1) });
    expect([...out]).toEqual([Number.NaN, 2]);
  });
});
