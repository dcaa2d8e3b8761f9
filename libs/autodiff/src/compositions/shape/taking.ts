/** Elements taken, replaced and added by index along any axis. */

import { describeValue, LockstepError, signature } from '@lockstep/errors';
import { broadcastShapes, formatShape, normalizeAxis, sameShape, sizeOf } from '@lockstep/tensor';
import { asTensors, type TensorLike, tensor } from '../../convert.ts';
import { anAxis, aTensor, tensorLike } from '../../kinds.ts';
import { cast } from '../../primitives/elementwise/cast.ts';
import { add, less, minimum, where } from '../../primitives/elementwise/fusible.ts';
import { broadcastTo } from '../../primitives/reduce/sum.ts';
import { gather, offsetRows, requireIndices, scatterAdd } from '../../primitives/shape/gather.ts';
import { setRows } from '../../primitives/shape/last-places.ts';
import { reshape } from '../../primitives/shape/reshape.ts';
import { Tensor } from '../../tensor.ts';
import { moveAxis } from './axes.ts';

/**
 * Indices into an axis as an int32 tensor, counted from the beginning; negative ones count from the end. Plain numbers
 * are checked. The elements of a tensor are known only when it runs, and each op defines the result for an index
 * outside.
 */
function asIndices(op: string, indices: TensorLike, length: number): Tensor {
  if (indices instanceof Tensor) {
    const signed = indices.dtype === 'uint32' ? cast(minimum(indices, 2 ** 31 - 1), 'int32') : indices;
    requireIndices(op, signed);
    return where(less(signed, 0), add(signed, length), signed);
  }
  const list = tensor(indices, { dtype: 'float64' });
  requireNumbers(op, indices);
  const outside = Array.from(list.data).find((i) => !Number.isInteger(i) || i < -length || i >= length);
  if (outside !== undefined) {
    throw new LockstepError(
      'argument',
      `${op}: index ${outside} does not exist along an axis of length ${length}; use whole numbers from ${-length} to ${length - 1}`,
      { op, index: outside, length },
    );
  }
  return tensor(
    Int32Array.from(list.data, (i) => (i < 0 ? i + length : i)),
    { shape: list.shape },
  );
}

/** Throws unless the indices are numbers, in nested or typed arrays. A truth value would count as 0 or 1. */
function requireNumbers(op: string, indices: unknown): void {
  if (typeof indices === 'number' || ArrayBuffer.isView(indices)) return;
  if (!Array.isArray(indices)) {
    const remedy = typeof indices === 'boolean' ? '; a mask selects with compress() or where()' : '';
    throw new LockstepError(
      'argument',
      `${op}: an index is a whole number, not ${describeValue(indices)}${remedy}`,
      { op },
    );
  }
  for (const each of indices) requireNumbers(op, each);
}

const checkTake = signature('take', { x: aTensor, indices: tensorLike, 'axis?': anAxis });

/**
 * The elements of x along `axis` at the indices, whose shape replaces the axis. Without an axis x counts as flat.
 * Negative indices count from the end. An index outside, in a tensor, gives NaN (0 for integers). If an element is
 * taken several times, its gradients add up in ascending order.
 */
export function take(x: Tensor, indices: TensorLike, axis?: number): Tensor {
  checkTake(x, indices, axis);
  if (axis === undefined) return take(reshape(x, [x.size]), indices, 0);
  const along = normalizeAxis('take', axis, x.rank);
  const places = asIndices('take', indices, x.shape[along]!);
  const taken = gather(moveAxis(x, along, 0), places);
  return moveAxis(taken, axesFrom(0, places.rank), axesFrom(along, places.rank));
}

const axesFrom = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => first + i);

const checkTakeAlongAxis = signature('takeAlongAxis', { x: aTensor, indices: tensorLike, 'axis?': anAxis });

/**
 * The element of x at each index along `axis`, the last by default. The other axes of the indices broadcast against
 * those of x. An index outside gives NaN (0 for integers).
 */
export function takeAlongAxis(x: Tensor, indices: TensorLike, axis = -1): Tensor {
  checkTakeAlongAxis(x, indices, axis);
  const { rows, places, lead, along } = rowsAlong('takeAlongAxis', x, indices, axis);
  const [size, length] = [sizeOf(lead), x.shape[along]!];
  const flat = reshape(broadcastTo(rows, [...lead, length]), [size * length]);
  const taken = gather(flat, offsetRows(reshape(places, [size, -1]), true, size, length));
  return moveAxis(reshape(taken, places.shape), -1, along);
}

const checkPutAlongAxis = signature('putAlongAxis', {
  x: aTensor,
  indices: tensorLike,
  values: tensorLike,
  'axis?': anAxis,
});

/**
 * x with the element at each index along `axis`, the last by default, replaced by the value at the index's place. The
 * values broadcast to the indices' shape. If indices repeat, the last one wins; an index outside changes nothing.
 */
export function putAlongAxis(x: Tensor, indices: TensorLike, values: TensorLike, axis = -1): Tensor {
  checkPutAlongAxis(x, indices, values, axis);
  const [, given] = asTensors('putAlongAxis', x, values) as [Tensor, Tensor];
  const { rows, places, lead, along } = rowsAlong('putAlongAxis', x, indices, axis);
  if (!sameShape(lead, rows.shape.slice(0, -1))) {
    throw new LockstepError(
      'shape',
      `putAlongAxis: indices of shape ${formatShape(places.shape)} reach beyond x ${formatShape(x.shape)}; only axis ${along} may differ`,
      { op: 'putAlongAxis', shape: x.shape, indices: places.shape },
    );
  }
  const [size, length] = [sizeOf(lead), x.shape[along]!];
  const shape = moveAxis(places, -1, along).shape;
  const replaced = setRows(
    reshape(rows, [x.size]),
    offsetRows(reshape(places, [size, -1]), true, size, length),
    reshape(moveAxis(broadcastTo(given, shape), along, -1), [places.size]),
  );
  return moveAxis(reshape(replaced, rows.shape), -1, along);
}

/**
 * x and the indices with the axis moved to the end. The other axes of the indices are repeated to `lead`, the common
 * shape.
 */
function rowsAlong(
  op: string,
  x: Tensor,
  indices: TensorLike,
  axis: number,
): { rows: Tensor; places: Tensor; lead: readonly number[]; along: number } {
  const along = normalizeAxis(op, axis, x.rank);
  const given = asIndices(op, indices, x.shape[along]!);
  if (given.rank !== x.rank) {
    throw new LockstepError(
      'shape',
      `${op}: indices of shape ${formatShape(given.shape)} for x ${formatShape(x.shape)}; they need as many axes as x (take() gives all rows the same indices)`,
      { op, shape: x.shape, indices: given.shape },
    );
  }
  const rows = moveAxis(x, along, -1);
  const last = moveAxis(given, along, -1);
  const lead = broadcastShapes(op, rows.shape.slice(0, -1), last.shape.slice(0, -1));
  return { rows, places: broadcastTo(last, [...lead, last.shape.at(-1)!]), lead, along };
}

const checkIndexUpdate = signature('indexUpdate', {
  x: aTensor,
  indices: tensorLike,
  values: tensorLike,
  'axis?': anAxis,
});

/**
 * x with the elements at the indices along `axis`, the first by default, replaced by `values`. The values broadcast to
 * the shape of `take`'s result: `take(indexUpdate(x, i, v), i)` is v if no index repeats. Among equal indices the last
 * one wins; an index outside changes nothing.
 */
export function indexUpdate(x: Tensor, indices: TensorLike, values: TensorLike, axis = 0): Tensor {
  checkIndexUpdate(x, indices, values, axis);
  const { rows, places, updates, along } = updatesAlong('indexUpdate', x, indices, values, axis);
  return moveAxis(setRows(rows, places, updates), 0, along);
}

const checkIndexAdd = signature('indexAdd', {
  x: aTensor,
  indices: tensorLike,
  values: tensorLike,
  'axis?': anAxis,
});

/** Like {@link indexUpdate}, but adds the values. Equal indices add up in ascending order. */
export function indexAdd(x: Tensor, indices: TensorLike, values: TensorLike, axis = 0): Tensor {
  checkIndexAdd(x, indices, values, axis);
  const { rows, places, updates, along } = updatesAlong('indexAdd', x, indices, values, axis);
  return moveAxis(add(rows, scatterAdd(updates, places, rows.shape[0]!)), 0, along);
}

/** x with the axis moved to the front, flat indices, and a row of updates for each index. */
function updatesAlong(
  op: string,
  x: Tensor,
  indices: TensorLike,
  values: TensorLike,
  axis: number,
): { rows: Tensor; places: Tensor; updates: Tensor; along: number } {
  const [, given] = asTensors(op, x, values) as [Tensor, Tensor];
  const along = normalizeAxis(op, axis, x.rank);
  const places = asIndices(op, indices, x.shape[along]!);
  const { rank, shape, size } = places;
  const full = broadcastTo(given, [...x.shape.slice(0, along), ...shape, ...x.shape.slice(along + 1)]);
  const inFront = moveAxis(full, axesFrom(along, rank), axesFrom(0, rank));
  return {
    rows: moveAxis(x, along, 0),
    places: reshape(places, [size]),
    updates: reshape(inFront, [size, ...inFront.shape.slice(rank)]),
    along,
  };
}
