/** Makes columns orthonormal, with the same bits everywhere. After Golub & Van Loan, Matrix Computations (4th edition), section 5.2. */
import type { TypedArray } from '@lockstep/tensor';
import { load } from './scale.ts';

/** Σᵢ x[i, p]·x[i, q] over the rows of x `[rows, n]`. */
export function dotColumns(x: Float64Array, n: number, p: number, q: number): number {
  let sum = 0;
  for (let i = 0; i < x.length; i += n) sum += x[i + p]! * x[i + q]!;
  return sum;
}

/** Column `to` of x `[rows, n]` minus `factor` times column `from`. */
function subtractColumn(x: Float64Array, n: number, to: number, from: number, factor: number): void {
  for (let i = 0; i < x.length; i += n) x[i + to]! -= factor * x[i + from]!;
}

/**
 * Writes a column of u `[m, n]` that is orthonormal to the `others`, which are orthonormal: what remains of an axis when
 * their components are removed.
 */
export function completeColumn(u: Float64Array, n: number, column: number, others: readonly number[]): void {
  const m = u.length / n;
  for (let axis = 0; axis < m; axis++) {
    for (let i = 0; i < m; i++) u[i * n + column] = i === axis ? 1 : 0;
    // Components are removed twice, since rounding leaves a part of them the first time.
    for (const other of [...others, ...others]) {
      subtractColumn(u, n, column, other, dotColumns(u, n, other, column));
    }
    const length = Math.sqrt(dotColumns(u, n, column, column));
    // At least one of the m axes keeps this much outside the span of fewer than m columns.
    if (length * length * m < 0.5) continue;
    for (let i = 0; i < m; i++) u[i * n + column]! /= length;
    return;
  }
}

export interface QrRoom {
  readonly q: Float64Array;
  readonly r: Float64Array;
}

export const qrRoom = (m: number, n: number): QrRoom => ({
  q: new Float64Array(m * n),
  r: new Float64Array(n * n),
});

/**
 * out `[batch, m + n, n]` from a `[batch, m, n]`, m ≥ n: Q with orthonormal columns, and below it R, an upper triangle
 * without negative numbers on its diagonal, such that Q·R = a. The Gram–Schmidt method is applied twice to each column. A
 * column that depends on earlier ones has 0 on R's diagonal, and its column of Q completes the others.
 */
export function qr(
  out: TypedArray,
  a: TypedArray,
  { batch, m, n, room }: { batch: number; m: number; n: number; room: QrRoom },
): void {
  const { q, r } = room;
  for (let matrix = 0; matrix < batch; matrix++) {
    const scale = load(q, a, matrix * m * n);
    r.fill(0);
    for (let j = 0; j < n; j++) {
      const before = Array.from({ length: j }, (_, i) => i);
      const whole = Math.sqrt(dotColumns(q, n, j, j));
      for (const i of [...before, ...before]) {
        const share = dotColumns(q, n, i, j);
        r[i * n + j]! += share;
        subtractColumn(q, n, j, i, share);
      }
      const length = Math.sqrt(dotColumns(q, n, j, j));
      if (length <= m * Number.EPSILON * whole) completeColumn(q, n, j, before);
      else {
        r[j * n + j] = length;
        for (let i = 0; i < m; i++) q[i * n + j]! /= length;
      }
    }
    const start = matrix * (m + n) * n;
    for (let i = 0; i < m * n; i++) out[start + i] = q[i]!;
    for (let i = 0; i < n * n; i++) out[start + m * n + i] = r[i]! / scale;
  }
}
