/**
 * Systems of linear equations and Cholesky's factor, for small matrices in batches. They are computed on the host in
 * doubles, with the same bits on every machine. Rules after Giles (2008), Collected matrix derivative results, and
 * Murray (2016), Differentiation of the Cholesky decomposition.
 */

import { aBoolean, LockstepError, type Rules, signature } from '@lockstep/errors';
import {
  cholesky as choleskyKernel,
  luRoom,
  solve as solveKernel,
  type TriangleAttrs,
  triangularSolve as triangularKernel,
} from '@lockstep/kernels';
import { formatShape } from '@lockstep/tensor';
import { tril, triu } from '../../compositions/linear-algebra/matrices.ts';
import { asTensors, type TensorLike } from '../../convert.ts';
import { bind } from '../../core.ts';
import { primitive } from '../../define.ts';
import { eye } from '../../grids.ts';
import { aTensor, tensorLike } from '../../kinds.ts';
import type { Attrs, Primitive } from '../../primitive.ts';
import type { Aval, Tensor } from '../../tensor.ts';
import { mul, neg, sub } from '../elementwise/fusible.ts';
import { reshape } from '../shape/reshape.ts';
import { matmul } from './matmul.ts';
import { adjoint, joinBatches, oneBatch, requireSquare, sameBatch, symmetric } from './matrix-batches.ts';

const systemAttrs = (b: Aval): { batch: number; n: number; m: number; column: Float64Array } => {
  const [batch, n, m] = b.shape as [number, number, number];
  return { batch, n, m, column: new Float64Array(n) };
};

/** a [batch, n, n], b [batch, n, m] → a⁻¹·b [batch, n, m] */
const solvePrimitive: Primitive = primitive({
  name: 'solve',
  differentiable: [0, 1],
  shape: ([, b]) => ({ dtype: b!.dtype, shape: b!.shape }),
  kernel: (out, [a, b]) => {
    const attrs = { ...systemAttrs(b!), room: luRoom(b!.shape[1]!) };
    return () => solveKernel(out.data, a!.data, b!.data, attrs);
  },
  jvp: (t, argument, [a], x) => (argument === 1 ? solved(a!, t) : neg(solved(a!, matmul(t, x)))),
  vjp: (ct, argument, [a], x) => {
    const right = solved(adjoint(a!), ct);
    return argument === 1 ? right : neg(matmul(right, x, { transposeB: true }));
  },
  batch: joinBatches(() => solvePrimitive),
});

const solved = (a: Tensor, b: Tensor): Tensor => bind(solvePrimitive, [a, b], {});

interface Triangle extends Attrs, TriangleAttrs {}

/** t [batch, n, n], b [batch, n, m] → t⁻¹·b; only one triangle of t is read */
const triangularPrimitive: Primitive<Triangle> = primitive({
  name: 'triangularSolve',
  differentiable: [0, 1],
  shape: ([, b]) => ({ dtype: b!.dtype, shape: b!.shape }),
  kernel: (out, [t, b], { lower, unit }) => {
    const attrs = { ...systemAttrs(b!), lower, unit };
    return () => triangularKernel(out.data, t!.data, b!.data, attrs);
  },
  jvp: (v, argument, [t], x, attrs) =>
    argument === 1 ? triangular(t!, v, attrs) : neg(triangular(t!, matmul(readPart(v, attrs), x), attrs)),
  vjp: (ct, argument, [t], x, attrs) => {
    const right = triangular(adjoint(t!), ct, { ...attrs, lower: !attrs.lower });
    return argument === 1 ? right : neg(readPart(matmul(right, x, { transposeB: true }), attrs));
  },
  batch: joinBatches(() => triangularPrimitive),
});

const triangular = (t: Tensor, b: Tensor, attrs: Triangle): Tensor =>
  bind(triangularPrimitive, [t, b], attrs);

/** The elements that a triangular solve reads. */
function readPart(x: Tensor, { lower, unit }: TriangleAttrs): Tensor {
  const offset = unit ? 1 : 0;
  return lower ? tril(x, -offset) : triu(x, offset);
}

/** a [batch, n, n] → L with L·Lᵀ = (a + aᵀ)/2 */
const choleskyPrimitive: Primitive = primitive({
  name: 'cholesky',
  differentiable: [0],
  shape: ([a]) => ({ dtype: a!.dtype, shape: a!.shape }),
  kernel: (out, [a]) => {
    const [batch, n] = a!.shape as [number, number];
    const attrs = { batch, n, factor: new Float64Array(n * n) };
    return () => choleskyKernel(out.data, a!.data, attrs);
  },
  jvp: (t, _argument, _inputs, l) => {
    const inside = lowerSolved(l, adjoint(lowerSolved(l, symmetric(t))));
    return matmul(l, halfTriangle(inside));
  },
  vjp: (ct, _argument, _inputs, l) => {
    const inside = halfTriangle(matmul(l, ct, { transposeA: true }));
    return symmetric(upperSolved(l, adjoint(upperSolved(l, inside))));
  },
  batch: joinBatches(() => choleskyPrimitive),
});

/** L⁻¹·b and L⁻ᵀ·b */
const lowerSolved = (l: Tensor, b: Tensor): Tensor => triangular(l, b, { lower: true, unit: false });

const upperSolved = (l: Tensor, b: Tensor): Tensor =>
  triangular(adjoint(l), b, { lower: false, unit: false });

/** The lower triangle with half of the diagonal. */
const halfTriangle = (x: Tensor): Tensor => sub(tril(x), mul(x, mul(identityLike(x), 0.5)));

/** The identity matrix in the size and type of matrices [.., n, n]. [n, n] */
export const identityLike = (x: Tensor): Tensor => eye(x.shape.at(-1)!, x.shape.at(-1)!, 0, x.dtype);

const checkSolve = signature('solve', { a: tensorLike, b: tensorLike });

/**
 * x with a·x = b, by elimination with partial pivoting. a [.., n, n], b [.., n, m] or a vector [n] → the shape of b;
 * leading axes broadcast. A singular matrix gives ∞ and NaN, since compiled code cannot throw.
 */
export function solve(a: TensorLike, b: TensorLike): Tensor {
  checkSolve(a, b);
  return system('solve', a, b, solved);
}

export interface TriangularSolveOptions {
  /**
   * Use the triangle on and below the diagonal, else the one on and above it. The other triangle is not read. Default
   * true.
   */
  readonly lower?: boolean;
  /** Solve with the transpose of that triangle. Default false. */
  readonly transpose?: boolean;
  /** Take the diagonal as ones. Default false. */
  readonly unitDiagonal?: boolean;
}

export const triangularSolveRules: Rules<TriangularSolveOptions> = {
  lower: aBoolean,
  transpose: aBoolean,
  unitDiagonal: aBoolean,
};

const checkTriangularSolve = signature(
  'triangularSolve',
  { t: tensorLike, b: tensorLike },
  triangularSolveRules,
);

/** x with t·x = b for a triangle t of a matrix. t [.., n, n], b [.., n, m] or [n] → the shape of b */
export function triangularSolve(t: TensorLike, b: TensorLike, options: TriangularSolveOptions = {}): Tensor {
  checkTriangularSolve(t, b, options);
  const { lower = true, transpose = false, unitDiagonal = false } = options;
  return system('triangularSolve', t, b, (x, y) =>
    triangular(transpose ? adjoint(x) : x, y, { lower: lower !== transpose, unit: unitDiagonal }),
  );
}

function system(op: string, a: TensorLike, b: TensorLike, run: (a: Tensor, b: Tensor) => Tensor): Tensor {
  const [left, given] = asTensors(op, a, b) as [Tensor, Tensor];
  requireSquare(op, left);
  const right = given.rank === 1 ? reshape(given, [given.size, 1]) : given;
  if (right.rank < 2 || right.shape.at(-2) !== left.shape.at(-1)) {
    throw new LockstepError(
      'shape',
      `${op}: right sides ${formatShape(given.shape)} for matrices ${formatShape(left.shape)}; give [.., n, m] or a vector [n] with n = ${left.shape.at(-1)}`,
      { op, a: left.shape, b: given.shape },
    );
  }
  const batch = sameBatch(op, left, right);
  const x = run(batch.a, batch.b);
  return reshape(x, [...batch.lead, ...(given.rank === 1 ? [given.size] : right.shape.slice(-2))]);
}

const checkCholesky = signature('cholesky', { x: aTensor });

/**
 * The lower triangle L with L·Lᵀ = x, of the symmetric part (x + xᵀ)/2 of positive definite matrices.
 * [.., n, n] → [.., n, n]. All NaN for a matrix that is not positive definite.
 */
export function cholesky(x: Tensor): Tensor {
  checkCholesky(x);
  requireSquare('cholesky', x);
  return reshape(bind(choleskyPrimitive, [oneBatch(x).matrices], {}), x.shape);
}
