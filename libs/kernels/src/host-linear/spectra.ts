/**
 * Eigenvalues and singular values by Jacobi's rotations. They are slow for large matrices, but short and accurate to the
 * last digits, and have the same bits everywhere, since a rotation uses only + − · / √. After Golub & Van Loan, Matrix
 * Computations (4th edition), sections 8.5 and 8.6.3.
 */
import type { TypedArray } from '@lockstep/tensor';
import { completeColumn, dotColumns } from './orthogonal.ts';
import { largestOf, load } from './scale.ts';

/** The most sweeps. Convergence is quadratic; n = 100 needs about ten. */
const maxSweeps = 60;

/** Tangent, cosine and sine of the rotation that makes [[p, o], [o, q]] diagonal, the smaller of the two angles. */
function rotation(p: number, q: number, o: number): { t: number; c: number; s: number } {
  const tau = (q - p) / (2 * o);
  const t = (tau >= 0 ? 1 : -1) / (Math.abs(tau) + Math.sqrt(1 + tau * tau));
  const c = 1 / Math.sqrt(1 + t * t);
  return { t, c, s: t * c };
}

/** Rotates columns p and q of x `[rows, n]`. */
function rotateColumns(x: Float64Array, n: number, p: number, q: number, c: number, s: number): void {
  for (let i = 0; i < x.length; i += n) {
    const [a, b] = [x[i + p]!, x[i + q]!];
    x[i + p] = c * a - s * b;
    x[i + q] = s * a + c * b;
  }
}

/** Rotates rows p and q of x `[rows, n]`. */
function rotateRows(x: Float64Array, n: number, p: number, q: number, c: number, s: number): void {
  for (let j = 0; j < n; j++) {
    const [a, b] = [x[p * n + j]!, x[q * n + j]!];
    x[p * n + j] = c * a - s * b;
    x[q * n + j] = s * a + c * b;
  }
}

function setIdentity(x: Float64Array, n: number): void {
  x.fill(0);
  for (let i = 0; i < n; i++) x[i * n + i] = 1;
}

/** The sign, −1 or 1, that makes the first largest element of a column positive. */
function signOf(vectors: Float64Array, n: number, column: number): number {
  let largest = column;
  for (let i = column; i < vectors.length; i += n)
    if (Math.abs(vectors[i]!) > Math.abs(vectors[largest]!)) largest = i;
  return vectors.length > 0 && vectors[largest]! < 0 ? -1 : 1;
}

export interface EighRoom {
  readonly a: Float64Array;
  readonly v: Float64Array;
}

export const eighRoom = (n: number): EighRoom => ({ a: new Float64Array(n * n), v: new Float64Array(n * n) });

/**
 * out `[batch, 1 + n, n]` = eigenvalues and eigenvectors of the symmetric part (a + aᵀ)/2 of a `[batch, n, n]`: first the
 * eigenvalues in ascending order, then the matrix whose columns are unit eigenvectors, each with its largest element
 * positive. They are NaN for a matrix that is not finite.
 */
export function eigh(
  out: TypedArray,
  a: TypedArray,
  { batch, n, room }: { batch: number; n: number; room: EighRoom },
): void {
  for (let matrix = 0; matrix < batch; matrix++) {
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++)
        room.a[i * n + j] = (a[(matrix * n + i) * n + j]! + a[(matrix * n + j) * n + i]!) / 2;
    diagonalize(room, n);
    const order = Array.from({ length: n }, (_, i) => i).sort(
      (i, j) => room.a[i * n + i]! - room.a[j * n + j]! || i - j,
    );
    const start = matrix * (n + 1) * n;
    for (const [k, column] of order.entries()) {
      const sign = signOf(room.v, n, column);
      out[start + k] = room.a[column * n + column]!;
      for (let i = 0; i < n; i++) out[start + (i + 1) * n + k] = sign * room.v[i * n + column]!;
    }
  }
}

/** Rotates `a` until elements off the diagonal are negligible beside the largest; `v` collects the rotations. */
function diagonalize({ a, v }: EighRoom, n: number): void {
  setIdentity(v, n);
  const largest = largestOf(a);
  if (!Number.isFinite(largest)) a.fill(Number.NaN);
  const negligible = 2 ** -60 * largest;
  for (let sweep = 0; sweep < maxSweeps; sweep++) {
    let rotated = false;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const off = a[p * n + q]!;
        if (!(Math.abs(off) > negligible)) continue;
        rotated = true;
        const [ap, aq] = [a[p * n + p]!, a[q * n + q]!];
        const { t, c, s } = rotation(ap, aq, off);
        rotateColumns(a, n, p, q, c, s);
        rotateRows(a, n, p, q, c, s);
        // The rotation's exact results for these four elements, which its products give with rounding errors.
        a[p * n + p] = ap - t * off;
        a[q * n + q] = aq + t * off;
        a[p * n + q] = 0;
        a[q * n + p] = 0;
        rotateColumns(v, n, p, q, c, s);
      }
    }
    if (!rotated) return;
  }
}

export interface SvdRoom {
  readonly u: Float64Array;
  readonly v: Float64Array;
  readonly values: Float64Array;
}

export const svdRoom = (m: number, n: number): SvdRoom => ({
  u: new Float64Array(m * n),
  v: new Float64Array(n * n),
  values: new Float64Array(n),
});

/** Columns of `u` from a `[m, n]`, m ≥ n, rotated until they are orthogonal; `v` collects the rotations. */
function orthogonalize({ u, v }: SvdRoom, n: number): void {
  setIdentity(v, n);
  for (let sweep = 0; sweep < maxSweeps; sweep++) {
    let rotated = false;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const [pp, qq, pq] = [dotColumns(u, n, p, p), dotColumns(u, n, q, q), dotColumns(u, n, p, q)];
        if (!(Math.abs(pq) > Number.EPSILON * Math.sqrt(pp) * Math.sqrt(qq))) continue;
        rotated = true;
        const { c, s } = rotation(pp, qq, pq);
        rotateColumns(u, n, p, q, c, s);
        rotateColumns(v, n, p, q, c, s);
      }
    }
    if (!rotated) return;
  }
}

/**
 * The singular value decomposition of one matrix times a power of two, `scale`: U·diag(values) in `u`, V in `v`, and the
 * order of the columns, largest value first.
 */
function decompose(
  room: SvdRoom,
  a: TypedArray,
  start: number,
  n: number,
): { order: number[]; scale: number } {
  const scale = load(room.u, a, start);
  orthogonalize(room, n);
  for (let j = 0; j < n; j++) room.values[j] = Math.sqrt(dotColumns(room.u, n, j, j));
  const order = Array.from(room.values.keys()).sort((i, j) => room.values[j]! - room.values[i]! || i - j);
  return { order, scale };
}

interface SvdAttrs {
  readonly batch: number;
  readonly m: number;
  /** At most m. */
  readonly n: number;
  readonly room: SvdRoom;
}

/**
 * out `[batch, m + 1 + n, n]` from a `[batch, m, n]`, m ≥ n: the columns of U, the singular values in descending order,
 * the columns of V, each with its largest element positive. The column of U for a singular value 0 completes the
 * others.
 */
export function svd(out: TypedArray, a: TypedArray, { batch, m, n, room }: SvdAttrs): void {
  const { u, v, values } = room;
  for (let matrix = 0; matrix < batch; matrix++) {
    const { order, scale } = decompose(room, a, matrix * m * n, n);
    for (let j = 0; j < n; j++) if (values[j]! > 0) for (let i = 0; i < m; i++) u[i * n + j]! /= values[j]!;
    // Values of 0 come last, so each empty column is completed after the columns before it.
    for (const [k, j] of order.entries()) if (values[j] === 0) completeColumn(u, n, j, order.slice(0, k));
    const start = matrix * (m + 1 + n) * n;
    for (const [k, j] of order.entries()) {
      const sign = signOf(v, n, j);
      for (let i = 0; i < m; i++) out[start + i * n + k] = sign * u[i * n + j]!;
      out[start + m * n + k] = values[j]! / scale;
      for (let i = 0; i < n; i++) out[start + (m + 1 + i) * n + k] = sign * v[i * n + j]!;
    }
  }
}

/**
 * out `[batch, n, m]` = the pseudo-inverse of a `[batch, m, n]`, m ≥ n. Singular values of at most `cutoff` times the
 * largest count as 0.
 */
export function pseudoInverse(
  out: TypedArray,
  a: TypedArray,
  { batch, m, n, room, cutoff }: SvdAttrs & { readonly cutoff: number },
): void {
  const { u, v, values } = room;
  for (let matrix = 0; matrix < batch; matrix++) {
    const { order, scale } = decompose(room, a, matrix * m * n, n);
    const least = cutoff * (n === 0 ? 0 : values[order[0]!]!);
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < m; k++) {
        let sum = 0;
        for (const j of order) {
          const value = values[j]!;
          if (!(value <= least)) sum += (v[i * n + j]! / value) * (u[k * n + j]! / value);
        }
        out[(matrix * n + i) * m + k] = sum * scale;
      }
    }
  }
}
