/** Rows by index and the transpose: the look-up of an embedding and its gradient. */

import { aNumber, LockstepError, signature } from '@lockstep/errors';
import { formatShape, sizeOf } from '@lockstep/tensor';
import { arange, zerosLike } from '../../convert.ts';
import { bind } from '../../core.ts';
import { batchedAs, primitive } from '../../define.ts';
import { aTensor } from '../../kinds.ts';
import type { Primitive } from '../../primitive.ts';
import type { Tensor } from '../../tensor.ts';
import { add, greaterEqual, less, logicalAnd, mul, where } from '../elementwise/fusible.ts';
import { requireArithmetic } from '../elementwise/rules.ts';
import { broadcastInAxes, repeatInFront } from '../reduce/sum.ts';
import { reshape } from './reshape.ts';

/** table [rows, ..width], indices [count] → [count, ..width] */
const gatherPrimitive: Primitive<Readonly<Record<string, never>>> = primitive({
  name: 'gather',
  differentiable: [0],
  shape: ([table, indices]) => ({
    dtype: table!.dtype,
    shape: [indices!.shape[0]!, ...table!.shape.slice(1)],
  }),
  kernel: (out, [table, indices]) => {
    const attrs = { rows: table!.shape[0]!, width: sizeOf(table!.shape.slice(1)) };
    return (kernels) => kernels.gather(out.data, table!.data, indices!.data as Int32Array, attrs);
  },
  linear: true,
  vjp: (ct, _argument, [table, indices]) =>
    bind(scatterAddPrimitive, [ct, indices!], { rows: table!.shape[0]! }),
  batch: ([table, indices], [tableBatched, indicesBatched], _attrs, { size }) => {
    const count = indices!.shape.at(-1)!;
    const flat = tableBatched ? reshape(table!, [size * table!.shape[1]!, ...table!.shape.slice(2)]) : table!;
    const rows = tableBatched
      ? offsetRows(indices!, indicesBatched!, size, table!.shape[1]!)
      : reshape(indices!, [-1]);
    const all = bind(gatherPrimitive, [flat, rows], {});
    return batchedAs(reshape(all, [size, count, ...all.shape.slice(1)]));
  },
});

/** updates [count, ..width], indices [count] → [rows, ..width], added in ascending order. */
const scatterAddPrimitive: Primitive<{ rows: number }> = primitive({
  name: 'scatterAdd',
  differentiable: [0],
  shape: ([updates], { rows }) => {
    requireArithmetic('scatterAdd', updates!);
    return { dtype: updates!.dtype, shape: [rows, ...updates!.shape.slice(1)] };
  },
  kernel: (out, [updates, indices], { rows }) => {
    const attrs = { rows, width: sizeOf(out.shape.slice(1)) };
    return (kernels) => kernels.scatterAdd(out.data, updates!.data, indices!.data as Int32Array, attrs);
  },
  linear: true,
  vjp: (ct, _argument, [, indices], _out, { rows }) => {
    const rowsOf = bind(gatherPrimitive, [ct, indices!], {});
    // Updates with an index outside were dropped, so they have no gradient; gather marks their rows with NaN.
    const kept = broadcastInAxes(isInside(indices!, rows), rowsOf.shape, [0]);
    return where(kept, rowsOf, zerosLike(rowsOf));
  },
  batch: ([updates, indices], [updatesBatched, indicesBatched], { rows }, { size }) => {
    const full = updatesBatched ? updates! : repeatInFront(updates!, size);
    const flat = reshape(full, [size * full.shape[1]!, ...full.shape.slice(2)]);
    const all = bind(scatterAddPrimitive, [flat, offsetRows(indices!, indicesBatched!, size, rows)], {
      rows: size * rows,
    });
    return batchedAs(reshape(all, [size, rows, ...all.shape.slice(1)]));
  },
});

/** Flat indices into `size` tables that lie one after the other. An index outside its own table is outside all. */
export function offsetRows(indices: Tensor, batched: boolean, size: number, rows: number): Tensor {
  const all = batched ? indices : repeatInFront(indices, size);
  const offsets = broadcastInAxes(mul(arange(size, 'int32'), rows), all.shape, [0]);
  return reshape(where(isInside(all, rows), add(all, offsets), -1), [-1]);
}

const isInside = (indices: Tensor, rows: number): Tensor =>
  logicalAnd(greaterEqual(indices, 0), less(indices, rows));

const checkGather = signature('gather', { table: aTensor, indices: aTensor });

/**
 * The rows of a table at indices of any shape, counted from the first row. An index outside the table, including a
 * negative one, gives NaN (0 for integers). table [rows, ..w], indices int32 [..] → [.., ..w]
 */
export function gather(table: Tensor, indices: Tensor): Tensor {
  checkGather(table, indices);
  requireIndices('gather', indices);
  if (table.rank === 0) {
    throw new LockstepError('shape', 'gather: a scalar has no rows; give a table [rows, …]', {
      op: 'gather',
    });
  }
  const flat = bind(gatherPrimitive, [table, reshape(indices, [-1])], {});
  return reshape(flat, [...indices.shape, ...table.shape.slice(1)]);
}

const checkScatterAdd = signature('scatterAdd', { updates: aTensor, indices: aTensor, rows: aNumber });

/**
 * Zeros [rows, ..w] with each update added to the row at its index. An index outside, including a negative one, adds
 * nothing. updates [.., ..w], indices int32 [..]
 */
export function scatterAdd(updates: Tensor, indices: Tensor, rows: number): Tensor {
  checkScatterAdd(updates, indices, rows);
  requireIndices('scatterAdd', indices);
  const width = updates.shape.slice(indices.rank);
  if (formatShape(updates.shape.slice(0, indices.rank)) !== formatShape(indices.shape)) {
    throw new LockstepError(
      'shape',
      `scatterAdd: updates ${formatShape(updates.shape)} must begin with the indices' shape ${formatShape(indices.shape)}`,
      { op: 'scatterAdd', updates: updates.shape, indices: indices.shape },
    );
  }
  return bind(scatterAddPrimitive, [reshape(updates, [indices.size, ...width]), reshape(indices, [-1])], {
    rows,
  });
}

export function requireIndices(op: string, indices: Tensor): void {
  if (indices.dtype !== 'int32') {
    throw new LockstepError(
      'dtype',
      `${op}: indices are int32, not ${indices.dtype}; convert with .cast('int32')`,
      {
        op,
        dtype: indices.dtype,
      },
    );
  }
}
