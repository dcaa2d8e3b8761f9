/** Diagonals and triangles of matrices. */

import { aNumber, LockstepError, signature } from '@lockstep/errors';
import { formatShape, normalizeAxis } from '@lockstep/tensor';
import { tensor } from '../../convert.ts';
import { anAxis, aTensor } from '../../kinds.ts';
import { where } from '../../primitives/elementwise/fusible.ts';
import { sum } from '../../primitives/reduce/sum.ts';
import { reshape } from '../../primitives/shape/reshape.ts';
import { place, slice } from '../../primitives/shape/slicing.ts';
import type { Tensor } from '../../tensor.ts';
import { moveAxis } from '../shape/axes.ts';

/**
 * The first row and column of a diagonal: `offset` columns to the right of the main one, or rows below it if negative.
 */
const cornerOf = (offset: number): readonly [number, number] => [Math.max(0, -offset), Math.max(0, offset)];

function requireMatrix(op: string, x: Tensor): void {
  if (x.rank >= 2) return;
  throw new LockstepError('shape', `${op}: takes matrices [.., n, m], not ${formatShape(x.shape)}`, {
    op,
    shape: x.shape,
  });
}

function requireOffset(op: string, offset: number): void {
  if (Number.isInteger(offset)) return;
  throw new LockstepError('argument', `${op}: the offset of a diagonal is a whole number, not ${offset}`, {
    op,
    offset,
  });
}

/** Keeps the elements for which `keep` holds, over the last two axes; the others become zeros. */
function masked(op: string, x: Tensor, offset: number, keep: (distance: number) => boolean): Tensor {
  requireMatrix(op, x);
  requireOffset(op, offset);
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  const mask = new Uint8Array(rows * columns);
  for (let i = 0; i < mask.length; i++)
    mask[i] = keep((i % columns) - Math.floor(i / columns) - offset) ? 1 : 0;
  return where(tensor(mask, { shape: [rows, columns], dtype: 'bool' }), x, 0);
}

const checkTril = signature('tril', { x: aTensor, 'offset?': aNumber });

/** The elements on and below the diagonal `offset`; zeros above. [.., n, m] → [.., n, m] */
export function tril(x: Tensor, offset = 0): Tensor {
  checkTril(x, offset);
  return masked('tril', x, offset, (distance) => distance <= 0);
}

const checkTriu = signature('triu', { x: aTensor, 'offset?': aNumber });

/** The elements on and above the diagonal `offset`; zeros below. [.., n, m] → [.., n, m] */
export function triu(x: Tensor, offset = 0): Tensor {
  checkTriu(x, offset);
  return masked('triu', x, offset, (distance) => distance >= 0);
}

const checkDiagonal = signature('diagonal', {
  x: aTensor,
  'offset?': aNumber,
  'axis1?': anAxis,
  'axis2?': anAxis,
});

/** The diagonal `offset` of the plane of two axes, as the last axis of the result. */
export function diagonal(x: Tensor, offset = 0, axis1 = 0, axis2 = 1): Tensor {
  checkDiagonal(x, offset, axis1, axis2);
  requireMatrix('diagonal', x);
  requireOffset('diagonal', offset);
  const [a, b] = [normalizeAxis('diagonal', axis1, x.rank), normalizeAxis('diagonal', axis2, x.rank)];
  if (a === b) {
    throw new LockstepError(
      'argument',
      `diagonal: axes ${axis1} and ${axis2} of ${formatShape(x.shape)} are the same axis; name two`,
      {
        op: 'diagonal',
        axes: [a, b],
      },
    );
  }
  const last = moveAxis(x, [a, b], [-2, -1]);
  const [rows, columns] = last.shape.slice(-2) as [number, number];
  const lead = last.shape.slice(0, -2);
  const [top, left] = cornerOf(offset);
  const length = Math.max(0, Math.min(rows - top, columns - left));
  const start = [...lead.map(() => 0), Math.min(top, rows), Math.min(left, columns)];
  const square = slice(
    last,
    start,
    start.map((from, axis) => from + (lead[axis] ?? length)),
  );
  const whole = lead.map(() => null);
  // In a square of n × n the diagonal is every (n + 1)th element.
  return slice(reshape(square, [...lead, length * length]), whole, whole, [...lead.map(() => 1), length + 1]);
}

const checkDiag = signature('diag', { x: aTensor, 'offset?': aNumber });

/** A matrix with the vector x on its diagonal `offset`, or the diagonal of the matrix x. */
export function diag(x: Tensor, offset = 0): Tensor {
  checkDiag(x, offset);
  if (x.rank === 2) return diagonal(x, offset);
  requireOffset('diag', offset);
  if (x.rank !== 1) {
    throw new LockstepError(
      'shape',
      `diag: takes a vector or a matrix, not ${formatShape(x.shape)}; use diagonal() for the diagonals of several matrices`,
      { op: 'diag', shape: x.shape },
    );
  }
  const size = x.size + Math.abs(offset);
  const [top, left] = cornerOf(offset);
  return reshape(place(x, [x.size === 0 ? 0 : top * size + left], [size + 1], [size * size]), [size, size]);
}

const checkTrace = signature('trace', { x: aTensor, 'offset?': aNumber, 'axis1?': anAxis, 'axis2?': anAxis });

/** The sum of a diagonal. */
export function trace(x: Tensor, offset = 0, axis1 = 0, axis2 = 1): Tensor {
  checkTrace(x, offset, axis1, axis2);
  return sum(diagonal(x, offset, axis1, axis2), -1);
}
