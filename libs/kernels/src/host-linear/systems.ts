/**
 * Factorizations and systems of small dense row-major matrices, the same for every backend. They compute in doubles with
 * + − · / √ in a fixed order, so the bits are the same everywhere. A float32 result is rounded once.
 * After Golub & Van Loan, Matrix Computations (4th edition), sections 3.1, 3.4 and 4.2.
 */
import type { TypedArray } from '@lockstep/tensor';
import { log } from '../host/exponentials.ts';

/** Memory for a factorization, allocated once and used for one matrix after the other. */
export interface LuRoom {
  readonly lu: Float64Array;
  /** Row i of the factors is row `rows[i]` of the matrix. */
  readonly rows: Int32Array;
}

export const luRoom = (n: number): LuRoom => ({ lu: new Float64Array(n * n), rows: new Int32Array(n) });

/**
 * Gaussian elimination with partial pivoting (the first of several largest pivots): L below the diagonal of `room.lu`,
 * U on and above it. A column without a pivot is not changed and has 0 on the diagonal. Returns the sign of the
 * permutation.
 */
function factorize({ lu, rows }: LuRoom, a: TypedArray, start: number): number {
  const n = rows.length;
  for (let i = 0; i < n * n; i++) lu[i] = a[start + i]!;
  for (let i = 0; i < n; i++) rows[i] = i;
  let sign = 1;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(lu[i * n + k]!) > Math.abs(lu[pivot * n + k]!)) pivot = i;
    if (pivot !== k) {
      for (let j = 0; j < n; j++) swap(lu, k * n + j, pivot * n + j);
      swap(rows, k, pivot);
      sign = -sign;
    }
    const top = lu[k * n + k]!;
    if (top === 0) continue;
    for (let i = k + 1; i < n; i++) {
      const factor = lu[i * n + k]! / top;
      lu[i * n + k] = factor;
      for (let j = k + 1; j < n; j++) lu[i * n + j]! -= factor * lu[k * n + j]!;
    }
  }
  return sign;
}

function swap(x: Float64Array | Int32Array, i: number, j: number): void {
  const kept = x[i]!;
  x[i] = x[j]!;
  x[j] = kept;
}

/** The number that `determinant` computes: the determinant, its sign, or the logarithm of its magnitude. */
export type DeterminantPart = 'value' | 'sign' | 'logarithm';

/** out `[batch]` from a `[batch, n, n]`. A singular matrix gives 0, 0 and −∞. */
export function determinant(
  part: DeterminantPart,
  out: TypedArray,
  a: TypedArray,
  { n, room }: { n: number; room: LuRoom },
): void {
  for (let matrix = 0; matrix < out.length; matrix++) {
    let value = factorize(room, a, matrix * n * n);
    let logarithm = 0;
    for (let i = 0; i < n; i++) {
      const pivot = room.lu[i * n + i]!;
      value *= part === 'value' ? pivot : Math.sign(pivot);
      if (part === 'logarithm') logarithm += log(Math.abs(pivot));
    }
    // A determinant of 0 is +0, whatever the sign of the permutation.
    out[matrix] = part === 'logarithm' ? logarithm : value === 0 ? 0 : value;
  }
}

interface SystemAttrs {
  readonly batch: number;
  readonly n: number;
  /** Number of right-hand sides. */
  readonly m: number;
  /** Room for n numbers. */
  readonly column: Float64Array;
}

/** out `[batch, n, m]` = a⁻¹·b for a `[batch, n, n]`, b `[batch, n, m]`. A singular matrix gives ∞ and NaN. */
export function solve(
  out: TypedArray,
  a: TypedArray,
  b: TypedArray,
  { batch, n, m, column, room }: SystemAttrs & { readonly room: LuRoom },
): void {
  for (let matrix = 0; matrix < batch; matrix++) {
    factorize(room, a, matrix * n * n);
    const start = matrix * n * m;
    for (let c = 0; c < m; c++) {
      for (let i = 0; i < n; i++) column[i] = b[start + room.rows[i]! * m + c]!;
      substitute(room.lu, 0, column, { lower: true, unit: true });
      substitute(room.lu, 0, column, { lower: false, unit: false });
      for (let i = 0; i < n; i++) out[start + i * m + c] = column[i]!;
    }
  }
}

export interface TriangleAttrs {
  /** Whether t is the triangle on and below the diagonal, else on and above it. The other one is not read. */
  readonly lower: boolean;
  /** Whether the diagonal counts as ones and is not read. */
  readonly unit: boolean;
}

/** x = t⁻¹·x, starting from the end where a row of t has one number. */
function substitute(t: TypedArray, start: number, x: Float64Array, { lower, unit }: TriangleAttrs): void {
  const n = x.length;
  for (let step = 0; step < n; step++) {
    const i = lower ? step : n - 1 - step;
    let value = x[i]!;
    for (let known = 0; known < step; known++) {
      const j = lower ? known : n - 1 - known;
      value -= t[start + i * n + j]! * x[j]!;
    }
    x[i] = unit ? value : value / t[start + i * n + i]!;
  }
}

/** out `[batch, n, m]` = t⁻¹·b for triangles t of `[batch, n, n]`. */
export function triangularSolve(
  out: TypedArray,
  t: TypedArray,
  b: TypedArray,
  { batch, n, m, column, ...triangle }: SystemAttrs & TriangleAttrs,
): void {
  for (let matrix = 0; matrix < batch; matrix++) {
    const start = matrix * n * m;
    for (let c = 0; c < m; c++) {
      for (let i = 0; i < n; i++) column[i] = b[start + i * m + c]!;
      substitute(t, matrix * n * n, column, triangle);
      for (let i = 0; i < n; i++) out[start + i * m + c] = column[i]!;
    }
  }
}

/**
 * out `[batch, n, n]` = the lower triangle L with L·Lᵀ = (a + aᵀ)/2; `factor` is room for n² numbers. NaN where the
 * matrix is not positive definite.
 */
export function cholesky(
  out: TypedArray,
  a: TypedArray,
  { batch, n, factor }: { batch: number; n: number; factor: Float64Array },
): void {
  for (let matrix = 0; matrix < batch; matrix++) {
    const start = matrix * n * n;
    factor.fill(0);
    let definite = true;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        let value = (a[start + i * n + j]! + a[start + j * n + i]!) / 2;
        for (let k = 0; k < j; k++) value -= factor[i * n + k]! * factor[j * n + k]!;
        if (i === j && !(value > 0)) definite = false;
        factor[i * n + j] = i === j ? Math.sqrt(value) : value / factor[j * n + j]!;
      }
    }
    for (let i = 0; i < n * n; i++) out[start + i] = definite ? factor[i]! : Number.NaN;
  }
}
