/**
 * Matrix products. Every element is one chain of additions over the inner index (see the kernels' specification), so
 * rows and batches have the same bits whether they are computed together or apart.
 */

import { aBoolean, LockstepError, type Rules, signature } from '@lockstep/errors';
import type { MatmulAttrs } from '@lockstep/kernels';
import { broadcastShapes, formatShape, type Shape, sizeOf } from '@lockstep/tensor';
import { asTensors, type TensorLike } from '../../convert.ts';
import { bind } from '../../core.ts';
import { batchedAs, primitive } from '../../define.ts';
import { aTensor, tensorLike } from '../../kinds.ts';
import type { Primitive } from '../../primitive.ts';
import type { Aval, Tensor } from '../../tensor.ts';
import { requireArithmetic } from '../elementwise/rules.ts';
import { broadcastTo, repeatInFront, sum } from '../reduce/sum.ts';
import { reshape, transpose } from '../shape/reshape.ts';

interface Transposes extends Readonly<Record<string, unknown>> {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/**
 * Rows and columns of an operand's matrices as the product reads them, and the length of the batch axis in front, if
 * there is one.
 */
function matrixOf(
  { shape }: Aval,
  transposed: boolean,
): { rows: number; columns: number; batch: number | undefined } {
  const [rows, columns] = shape.slice(-2) as [number, number];
  const batch = shape.length === 3 ? shape[0] : undefined;
  return transposed ? { rows: columns, columns: rows, batch } : { rows, columns, batch };
}

function geometry(a: Aval, b: Aval, { transposeA, transposeB }: Transposes): MatmulAttrs {
  const left = matrixOf(a, transposeA);
  const right = matrixOf(b, transposeB);
  if (left.columns !== right.rows) {
    const swap =
      right.columns === left.columns
        ? '; transpose the second?'
        : left.rows === right.rows
          ? '; transpose the first?'
          : `; the second needs ${left.columns} rows, or the first ${right.rows} columns`;
    throw new LockstepError(
      'shape',
      `matmul: inner dimensions differ: [${left.rows}, ${left.columns}] × [${right.rows}, ${right.columns}]${swap}`,
      { op: 'matmul', a: a.shape, b: b.shape },
    );
  }
  return {
    batch: left.batch ?? right.batch ?? 1,
    m: left.rows,
    n: right.columns,
    k: left.columns,
    transposeA,
    transposeB,
    batchA: left.batch !== undefined,
    batchB: right.batch !== undefined,
  };
}

/** [batch?, m, k] · [batch?, k, n] → [batch?, m, n] */
export const matmulPrimitive: Primitive<Transposes> = primitive({
  name: 'matmul',
  differentiable: [0, 1],
  shape: ([a, b], transposes) => {
    requireArithmetic('matmul', a!);
    const { batch, m, n, batchA, batchB } = geometry(a!, b!, transposes);
    return { dtype: a!.dtype, shape: batchA || batchB ? [batch, m, n] : [m, n] };
  },
  kernel: (out, [a, b], transposes) => {
    const attrs = geometry(a!, b!, transposes);
    return (kernels) => kernels.matmul(out.data, a!.data, b!.data, attrs);
  },
  linear: true,
  vjp: (ct, argument, [a, b], _out, { transposeA, transposeB }) => {
    if (argument === 0) {
      // dA = ct·Bᵀ; with a transposed A: B·ctᵀ
      const grad = transposeA ? product(b!, ct, transposeB, true) : product(ct, b!, false, !transposeB);
      return grad.rank > a!.rank ? sum(grad, 0) : grad;
    }
    const grad = transposeB ? product(ct, a!, true, transposeA) : product(a!, ct, !transposeA, false);
    return grad.rank > b!.rank ? sum(grad, 0) : grad;
  },
  batch: ([a, b], [batchedA, batchedB], { transposeA, transposeB }, { size }) => {
    const rankA = a!.rank - (batchedA ? 1 : 0);
    const rankB = b!.rank - (batchedB ? 1 : 0);
    if (rankA === 2 && rankB === 2) {
      if (batchedA && !batchedB && !transposeA) {
        // The rows of all examples share one product: a row's bits do not depend on the number of rows.
        const [, rows, inner] = a!.shape as [number, number, number];
        const all = product(reshape(a!, [size * rows, inner]), b!, false, transposeB);
        return batchedAs(reshape(all, [size, rows, all.shape[1]!]));
      }
      return batchedAs(product(a!, b!, transposeA, transposeB));
    }
    const inner = (rankA === 3 ? a!.shape[batchedA ? 1 : 0] : b!.shape[batchedB ? 1 : 0])!;
    const merged = (x: Tensor, isBatched: boolean, rank: number): Tensor => {
      const withInner = rank === 3 ? x : insertAxis(x, isBatched ? 1 : 0, inner);
      const withOuter = isBatched ? withInner : repeatInFront(withInner, size);
      return reshape(withOuter, [size * inner, ...withOuter.shape.slice(2)]);
    };
    const all = product(merged(a!, batchedA!, rankA), merged(b!, batchedB!, rankB), transposeA, transposeB);
    return batchedAs(reshape(all, [size, inner, ...all.shape.slice(1)]));
  },
});

function insertAxis(x: Tensor, axis: number, size: number): Tensor {
  const repeated = repeatInFront(x, size);
  return axis === 0 ? repeated : transpose(repeated, [1, 0, ...x.shape.slice(1).map((_, i) => i + 2)]);
}

function product(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  return bind(matmulPrimitive, [a, b], { transposeA, transposeB });
}

export interface MatmulOptions {
  /** Use the transpose of the first argument's last two axes, without moving data. Default false. */
  readonly transposeA?: boolean;
  /** Use the transpose of the second argument's last two axes. Default false. */
  readonly transposeB?: boolean;
}

export const matmulRules: Rules<MatmulOptions> = { transposeA: aBoolean, transposeB: aBoolean };

const checkMatmul = signature('matmul', { a: tensorLike, b: tensorLike }, matmulRules);

/**
 * The matrix product over the last two axes: [.., m, k] · [.., k, n] → [.., m, n]. A vector counts as a row on the
 * left and as a column on the right, and loses that axis in the result. Axes before the last two broadcast.
 */
export function matmul(a: TensorLike, b: TensorLike, options: MatmulOptions = {}): Tensor {
  checkMatmul(a, b, options);
  const [x, y] = asTensors('matmul', a, b) as [Tensor, Tensor];
  if (x.rank === 0 || y.rank === 0) {
    throw new LockstepError('shape', 'matmul: a scalar is not a matrix; use mul', {
      op: 'matmul',
      a: x.shape,
      b: y.shape,
    });
  }
  const left = x.rank === 1 ? reshape(x, [1, x.size]) : x;
  const right = y.rank === 1 ? reshape(y, [y.size, 1]) : y;
  const transposeA = (options.transposeA ?? false) && x.rank > 1;
  const transposeB = (options.transposeB ?? false) && y.rank > 1;
  const lead = leadingShape(left, right);
  const folded = left.rank > 2 && right.rank === 2 && !transposeA;
  const result = folded
    ? product(
        reshape(left, [sizeOf(left.shape.slice(0, -1)), left.shape.at(-1)!]),
        right,
        transposeA,
        transposeB,
      )
    : product(asBatch(left, lead), asBatch(right, lead), transposeA, transposeB);
  const rows = transposeA ? left.shape.at(-1)! : left.shape.at(-2)!;
  return reshape(result, [
    ...lead,
    ...(x.rank === 1 ? [] : [rows]),
    ...(y.rank === 1 ? [] : [result.shape.at(-1)!]),
  ]);
}

/** The axes before the last two, broadcast against each other. */
function leadingShape(a: Tensor, b: Tensor): Shape {
  try {
    return broadcastShapes('matmul', a.shape.slice(0, -2), b.shape.slice(0, -2));
  } catch (cause) {
    throw new LockstepError(
      'shape',
      `matmul: the axes before the last two of ${formatShape(a.shape)} × ${formatShape(b.shape)} do not broadcast; lengths must be equal or 1, or reshape one`,
      { op: 'matmul', a: a.shape, b: b.shape },
      { cause },
    );
  }
}

/** Gives the matrices one batch axis in front; a single matrix serves every batch. */
function asBatch(x: Tensor, lead: Shape): Tensor {
  if (x.rank === 2) return x;
  const matrix = x.shape.slice(-2);
  return reshape(broadcastTo(x, [...lead, ...matrix]), [sizeOf(lead), ...matrix]);
}

/**
 * A matrix product over samples, tree-summed over segments: a [segments, rows, m], b [segments, rows, n] → [m, n]. The
 * compiler puts it where a tree sum follows a product of two batched operands. It gives the same bits and never writes
 * the products of the segments to memory.
 */
export const segmentedContractionPrimitive: Primitive<Readonly<Record<string, never>>> = primitive({
  name: 'segmentedContraction',
  differentiable: [0, 1],
  shape: ([a, b]) => ({ dtype: a!.dtype, shape: [a!.shape[2]!, b!.shape[2]!] }),
  kernel: (out, [a, b]) => {
    const [segments, rows, m] = a!.shape as [number, number, number];
    const attrs = { segments, rows, m, n: b!.shape[2]! };
    return (kernels) => kernels.segmentedContraction(out.data, a!.data, b!.data, attrs);
  },
  linear: true,
  vjp: (ct, argument, [a, b]) =>
    argument === 0 ? product(b!, ct, false, true) : product(a!, ct, false, false),
  batch: (inputs, batched, _attrs, { size }) => {
    // The new axis joins m and n. Only the diagonal blocks are wanted, so the products are made one by one.
    const [a, b] = inputs.map((x, i) => (batched[i] ? x : repeatInFront(x, size)));
    const [, segments, rows, m] = a!.shape as [number, number, number, number];
    const flatten = (x: Tensor): Tensor =>
      reshape(transpose(x, [1, 0, 2, 3]), [segments * size, rows, x.shape[3]!]);
    const products = product(flatten(a!), flatten(b!), true, false);
    return batchedAs(treeSum(reshape(products, [segments, size, m, b!.shape[3]!])));
  },
});

/** The sum over the first axis along the fixed binary tree: (0,1), (2,3), … then pairs of pairs. */
export const treeSumPrimitive: Primitive<Readonly<Record<string, never>>> = primitive({
  name: 'treeSum',
  differentiable: [0],
  shape: ([x]) => {
    requireArithmetic('treeSum', x!);
    const segments = x!.shape[0] ?? 0;
    if (segments === 0 || (segments & (segments - 1)) !== 0) {
      throw new LockstepError(
        'shape',
        `treeSum: the first axis of ${formatShape(x!.shape)} must have a power of two as its length`,
        { op: 'treeSum', shape: x!.shape },
      );
    }
    return { dtype: x!.dtype, shape: x!.shape.slice(1) };
  },
  kernel: (out, [x]) => {
    const attrs = { segments: x!.shape[0]!, size: sizeOf(out.shape) };
    return (kernels) => kernels.treeSum(out.data, x!.data, attrs);
  },
  linear: true,
  vjp: (ct, _argument, [x]) => repeatInFront(ct, x!.shape[0]!),
  batch: ([x]) => batchedAs(treeSum(transpose(x!, [1, 0, ...x!.shape.slice(2).map((_, i) => i + 2)]))),
});

const checkTreeSum = signature('treeSum', { x: aTensor });

/** The sum over the first axis (a power of two) along the fixed binary tree. [2ⁿ, ..] → [..] */
export function treeSum(x: Tensor): Tensor {
  checkTreeSum(x);
  return bind(treeSumPrimitive, [x], {});
}
