/**
 * Eigenvalues of symmetric matrices, singular values, the pseudo-inverse. Rules after Giles (2008), Townsend (2016),
 * Differentiating the singular value decomposition, and Golub & Pereyra (1973). The derivatives of vectors divide by
 * differences of values. Between equal values, where single vectors are not defined, the quotient counts as 0, so
 * functions of the values or of whole subspaces have the right derivatives there too.
 */

import { aNumber, type Rules, signature } from '@lockstep/errors';
import { eigh as eighKernel, eighRoom, pseudoInverse, svd as svdKernel, svdRoom } from '@lockstep/kernels';
import { diagonal } from '../../compositions/linear-algebra/matrices.ts';
import { expandDims } from '../../compositions/shape/axes.ts';
import { bind } from '../../core.ts';
import { primitive } from '../../define.ts';
import { aTensor } from '../../kinds.ts';
import type { Primitive } from '../../primitive.ts';
import type { Tensor } from '../../tensor.ts';
import { add, div, equal, mul, sub, where } from '../elementwise/fusible.ts';
import { concatenate } from '../shape/concatenate.ts';
import { reshape } from '../shape/reshape.ts';
import { slice } from '../shape/slicing.ts';
import { identityLike } from './linear-systems.ts';
import { matmul } from './matmul.ts';
import {
  adjoint,
  joinBatches,
  oneBatch,
  requireMatrices,
  requireSquare,
  symmetric,
} from './matrix-batches.ts';

/** 1 / x, and 0 where x is 0. */
const safeReciprocal = (x: Tensor): Tensor => {
  const isZero = equal(x, 0);
  return where(isZero, 0, div(1, where(isZero, 1, x)));
};

/** Fᵢⱼ = 1 / (xⱼ − xᵢ), 0 for equal ones. [batch, n] → [batch, n, n] */
const inverseGaps = (x: Tensor): Tensor => safeReciprocal(sub(expandDims(x, 1), expandDims(x, 2)));

/** Matrices with the values on their diagonals. [batch, n] → [batch, n, n] */
const onDiagonal = (x: Tensor, matrices: Tensor): Tensor => mul(expandDims(x, 1), identityLike(matrices));

const diagonalOf = (x: Tensor): Tensor => diagonal(x, 0, -2, -1);

/** xᵀ·y */
const transposedProduct = (x: Tensor, y: Tensor): Tensor => matmul(x, y, { transposeA: true });

/** Rows `from` … `to − 1` of matrices. */
const rowsOf = (x: Tensor, from: number, to: number): Tensor => slice(x, [0, from], [x.shape[0]!, to]);

/** a [batch, n, n] → eigenvalues, and the eigenvectors below them [batch, 1 + n, n] */
const eighPrimitive: Primitive = primitive({
  name: 'eigh',
  differentiable: [0],
  shape: ([a]) => {
    const [batch, n] = a!.shape as [number, number];
    return { dtype: a!.dtype, shape: [batch, 1 + n, n] };
  },
  kernel: (out, [a]) => {
    const [batch, n] = a!.shape as [number, number];
    const attrs = { batch, n, room: eighRoom(n) };
    return () => eighKernel(out.data, a!.data, attrs);
  },
  jvp: (t, _argument, _inputs, out) => {
    const { values, vectors } = spectrumOf(out);
    const inside = transposedProduct(vectors, matmul(symmetric(t), vectors));
    return concatenate(
      [expandDims(diagonalOf(inside), 1), matmul(vectors, mul(inverseGaps(values), inside))],
      1,
    );
  },
  vjp: (ct, _argument, _inputs, out) => {
    const { values, vectors } = spectrumOf(out);
    const { values: ofValues, vectors: ofVectors } = spectrumOf(ct);
    const inside = add(
      onDiagonal(ofValues, vectors),
      mul(inverseGaps(values), transposedProduct(vectors, ofVectors)),
    );
    return symmetric(matmul(matmul(vectors, inside), adjoint(vectors)));
  },
  batch: joinBatches(() => eighPrimitive),
});

function spectrumOf(out: Tensor): { values: Tensor; vectors: Tensor } {
  const [batch, rows, n] = out.shape as [number, number, number];
  return { values: reshape(rowsOf(out, 0, 1), [batch, n]), vectors: rowsOf(out, 1, rows) };
}

const checkEigh = signature('eigh', { x: aTensor });

/**
 * Eigenvalues in ascending order and unit eigenvectors of symmetric matrices; only the symmetric part (x + xᵀ)/2 is
 * used. [.., n, n] → values [.., n], vectors [.., n, n]. Column i of the vectors belongs to value i, and its largest
 * element is positive.
 */
export function eigh(x: Tensor): { values: Tensor; vectors: Tensor } {
  checkEigh(x);
  requireSquare('eigh', x);
  const { matrices, lead } = oneBatch(x);
  const { values, vectors } = spectrumOf(bind(eighPrimitive, [matrices], {}));
  return { values: reshape(values, [...lead, x.shape.at(-1)!]), vectors: reshape(vectors, x.shape) };
}

interface Factors {
  readonly u: Tensor;
  readonly s: Tensor;
  readonly v: Tensor;
}

/** a [batch, m, n], m ≥ n → U, the singular values and V, one below the other [batch, m + 1 + n, n] */
const svdPrimitive: Primitive = primitive({
  name: 'svd',
  differentiable: [0],
  shape: ([a]) => {
    const [batch, m, n] = a!.shape as [number, number, number];
    return { dtype: a!.dtype, shape: [batch, m + 1 + n, n] };
  },
  kernel: (out, [a]) => {
    const [batch, m, n] = a!.shape as [number, number, number];
    const attrs = { batch, m, n, room: svdRoom(m, n) };
    return () => svdKernel(out.data, a!.data, attrs);
  },
  jvp: (t, _argument, _inputs, out) => {
    const { u, s, v } = factorsOf(out);
    const [across, down] = [expandDims(s, 1), expandDims(s, 2)];
    const inside = transposedProduct(u, matmul(t, v));
    const gaps = inverseGaps(mul(s, s));
    const turn = (left: Tensor, right: Tensor): Tensor => mul(gaps, add(left, adjoint(right)));
    const outside = mul(beyond(u, matmul(t, v)), safeReciprocal(across));
    const du = add(matmul(u, turn(mul(inside, across), mul(inside, across))), outside);
    const dv = matmul(v, turn(mul(down, inside), mul(down, inside)));
    return concatenate([du, expandDims(diagonalOf(inside), 1), dv], 1);
  },
  vjp: (ct, _argument, _inputs, out) => {
    const { u, s, v } = factorsOf(out);
    const { u: ofU, s: ofS, v: ofV } = factorsOf(ct);
    const [across, down] = [expandDims(s, 1), expandDims(s, 2)];
    const gaps = inverseGaps(mul(s, s));
    const turn = (x: Tensor, g: Tensor): Tensor => {
      const product = transposedProduct(x, g);
      return mul(gaps, sub(product, adjoint(product)));
    };
    const inside = add(add(mul(turn(u, ofU), across), mul(down, turn(v, ofV))), onDiagonal(ofS, v));
    const outside = mul(beyond(u, ofU), safeReciprocal(across));
    return matmul(add(matmul(u, inside), outside), adjoint(v));
  },
  batch: joinBatches(() => svdPrimitive),
});

/** The part of x outside the column space of u. */
const beyond = (u: Tensor, x: Tensor): Tensor => sub(x, matmul(u, transposedProduct(u, x)));

function factorsOf(out: Tensor): Factors {
  const [batch, rows, n] = out.shape as [number, number, number];
  const m = rows - 1 - n;
  return { u: rowsOf(out, 0, m), s: reshape(rowsOf(out, m, m + 1), [batch, n]), v: rowsOf(out, m + 1, rows) };
}

const checkSvd = signature('svd', { x: aTensor });

/**
 * x = u·diag(s)·vᵀ with s in descending order and orthonormal columns of u and v. [.., m, n] → u [.., m, k], s [.., k],
 * v [.., n, k], k = min(m, n). In each pair of columns, the largest element of the shorter column is positive.
 */
export function svd(x: Tensor): Factors {
  checkSvd(x);
  requireMatrices('svd', x);
  const wide = x.shape.at(-2)! < x.shape.at(-1)!;
  const { matrices, lead } = oneBatch(wide ? adjoint(x) : x);
  const { u, s, v } = factorsOf(bind(svdPrimitive, [matrices], {}));
  const [left, values, right] = [u, s, v].map((part) => reshape(part, [...lead, ...part.shape.slice(1)])) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  return wide ? { u: right, s: values, v: left } : { u: left, s: values, v: right };
}

/** a [batch, m, n], m ≥ n → [batch, n, m] */
const pinvPrimitive: Primitive<{ cutoff: number }> = primitive({
  name: 'pinv',
  differentiable: [0],
  shape: ([a]) => {
    const [batch, m, n] = a!.shape as [number, number, number];
    return { dtype: a!.dtype, shape: [batch, n, m] };
  },
  kernel: (out, [a], { cutoff }) => {
    const [batch, m, n] = a!.shape as [number, number, number];
    const attrs = { batch, m, n, cutoff, room: svdRoom(m, n) };
    return () => pseudoInverse(out.data, a!.data, attrs);
  },
  jvp: (t, _argument, [a], p) => {
    const turned = adjoint(t);
    const kept = matmul(matmul(p, t), p);
    const columns = outside(a!, p, matmul(matmul(p, adjoint(p)), turned));
    const rows = adjoint(outside(adjoint(a!), adjoint(p), matmul(matmul(adjoint(p), p), t)));
    return sub(add(columns, rows), kept);
  },
  vjp: (ct, _argument, [a], p) => {
    const turned = adjoint(ct);
    const kept = matmul(matmul(adjoint(p), ct), adjoint(p));
    const rows = outside(adjoint(a!), adjoint(p), matmul(matmul(adjoint(p), p), turned));
    const columns = adjoint(outside(a!, p, matmul(matmul(p, adjoint(p)), ct)));
    return sub(add(columns, rows), kept);
  },
  batch: joinBatches(() => pinvPrimitive),
});

/** x·(I − a·p) */
const outside = (a: Tensor, p: Tensor, x: Tensor): Tensor => sub(x, matmul(matmul(x, a), p));

export interface PinvOptions {
  /**
   * Singular values of at most this times the largest one count as 0. Default max(m, n)·2⁻⁵², for float32 max(m,
   * n)·2⁻²³.
   */
  readonly cutoff?: number;
}

export const pinvRules: Rules<PinvOptions> = { cutoff: aNumber };

const checkPinv = signature('pinv', { x: aTensor }, pinvRules);

/**
 * The Moore-Penrose pseudo-inverse: p·b is the shortest of the vectors that minimise |x·p·b − b|. [.., m, n] → [.., n,
 * m]. The derivative holds where the rank does not change.
 */
export function pinv(x: Tensor, options: PinvOptions = {}): Tensor {
  checkPinv(x, options);
  requireMatrices('pinv', x);
  const [m, n] = x.shape.slice(-2) as [number, number];
  const { cutoff = Math.max(m, n) * (x.dtype === 'float32' ? 2 ** -23 : Number.EPSILON) } = options;
  const { matrices, lead } = oneBatch(m < n ? adjoint(x) : x);
  const p = bind(pinvPrimitive, [matrices], { cutoff });
  return reshape(m < n ? adjoint(p) : p, [...lead, n, m]);
}
